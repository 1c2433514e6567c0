//! For those who watch over the process. They need no key, and learn nothing of any tenant.

use std::fmt::Write;

use actix_web::{HttpResponse, http::StatusCode};
use prometheus::{Encoder, TextEncoder};
use serde::Serialize;
use utoipa::ToSchema;

use crate::parts::Parts;

/// Whether the process can do its work.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Readiness {
    /// All of it works.
    ready: bool,
    /// The store's database answers.
    store: bool,
    /// The engine answers.
    engine: bool,
}

/// The process lives.
#[utoipa::path(get, path = "/healthz", security(()), responses((status = 200, content_type = "text/plain", body = String)))]
pub(crate) async fn healthz(_: Parts) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The process can do its work: its store and its engine answer.
#[utoipa::path(get, path = "/readyz", security(()), responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub(crate) async fn readyz(parts: Parts) -> HttpResponse {
    let (store, engine) = (parts.store.ping().await.is_ok(), parts.tools.engine.stats().await.is_ok());
    let ready = store && engine && !parts.tools.stop.is_cancelled();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    HttpResponse::build(status).json(Readiness { ready, store, engine })
}

/// What can be measured, for Prometheus.
#[utoipa::path(get, path = "/metrics", security(()), responses((status = 200, content_type = "text/plain", body = String)))]
pub(crate) async fn metrics(parts: Parts) -> HttpResponse {
    let declared = (parts.tools.declared)();
    let (encoder, mut text, gathered) = (TextEncoder::new(), String::new(), prometheus::gather());
    match encoder.encode_utf8(&gathered, &mut text) {
        Ok(()) => {
            let silent = declared.iter().filter(|family| gathered.iter().all(|other| other.name() != family.name()));
            for family in silent {
                let kind = format!("{:?}", family.get_field_type()).to_lowercase();
                let _ = write!(text, "# HELP {0} {1}\n# TYPE {0} {kind}\n", family.name(), family.help());
            }
            HttpResponse::Ok().content_type(encoder.format_type().to_owned()).body(text)
        }
        Err(_) => HttpResponse::InternalServerError().finish(),
    }
}
