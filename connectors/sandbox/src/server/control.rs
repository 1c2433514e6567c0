//! How a test moves the clock, asks for faults and learns the truth.

use std::{sync::Arc, time::Instant};

use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures::stream;
use serde::Deserialize;
use serde_json::json;

use super::{Shared, answer, crm, page};
use crate::{
    faults::{FaultKind, FaultRule},
    records,
    state::{Advance, State},
    timeline::Row,
    words::{Provider, Stream},
    world::World,
};

const ROWS_AT_ONCE: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Renew {
    provider: Provider,
    /// The old key is not accepted any more.
    #[serde(default)]
    replace: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expire {
    provider: Provider,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changes {
    per_s: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hooks {
    url: String,
    secret: String,
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/__control/status", web::get().to(status))
        .route("/__control/advance", web::post().to(advance))
        .route("/__control/changes", web::post().to(changes))
        .route("/__control/webhooks", web::post().to(webhooks))
        .route("/__control/faults", web::get().to(list_faults))
        .route("/__control/faults", web::post().to(add_fault))
        .route("/__control/faults", web::delete().to(clear_faults))
        .route("/__control/expire", web::post().to(expire))
        .route("/__control/renew", web::post().to(renew))
        .route("/__control/requests", web::get().to(requests))
        .route("/__control/requests", web::delete().to(forget))
        .route("/__control/truth/{stream:.*}", web::get().to(truth));
}

async fn status(shared: web::Data<Shared>) -> HttpResponse {
    let mut state = shared.lock();
    state.live(Instant::now());
    let (_, requests, records) = state.seen();
    let streams: serde_json::Map<_, _> = Stream::ALL
        .into_iter()
        .map(|stream| (format!("{}.{}", stream.provider().name(), stream.name()), json!(rows(&state, stream).len())))
        .collect();
    HttpResponse::Ok().json(json!({
        "now_ms": state.now_ms(),
        "seed": state.world.seed(),
        "requests": requests,
        "records_served": records,
        "changes_per_s": state.changes_per_s,
        "streams": streams,
    }))
}

async fn advance(wanted: web::Json<Advance>, shared: web::Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(shared.lock().advance(*wanted))
}

async fn changes(wanted: web::Json<Changes>, shared: web::Data<Shared>) -> HttpResponse {
    shared.lock().change_by_itself(wanted.per_s, Instant::now());
    HttpResponse::NoContent().finish()
}

async fn webhooks(wanted: web::Json<Hooks>, shared: web::Data<Shared>) -> HttpResponse {
    if shared.lock().send_hooks(&wanted.url, &wanted.secret) {
        return HttpResponse::NoContent().finish();
    }
    answer::error(actix_web::http::StatusCode::BAD_REQUEST, "webhooks go to `http://HOST:PORT/PATH`, signed with `whsec_…`")
}

async fn list_faults(shared: web::Data<Shared>) -> HttpResponse {
    HttpResponse::Ok().json(shared.lock().faults.rules())
}

async fn add_fault(rule: web::Json<FaultRule>, shared: web::Data<Shared>) -> HttpResponse {
    shared.lock().faults.add(*rule);
    HttpResponse::NoContent().finish()
}

async fn clear_faults(shared: web::Data<Shared>) -> HttpResponse {
    shared.lock().faults.clear();
    HttpResponse::NoContent().finish()
}

async fn expire(wanted: web::Json<Expire>, shared: web::Data<Shared>) -> HttpResponse {
    shared.lock().faults.add(FaultRule::once(wanted.provider, FaultKind::ExpiredKey));
    HttpResponse::NoContent().finish()
}

async fn renew(wanted: web::Json<Renew>, shared: web::Data<Shared>) -> HttpResponse {
    let key = shared.lock().renew(wanted.provider, wanted.replace);
    HttpResponse::Ok().json(json!({ "key": key }))
}

async fn requests(shared: web::Data<Shared>) -> HttpResponse {
    let (latest, total, records) = shared.lock().seen();
    HttpResponse::Ok().json(json!({ "total": total, "records_served": records, "latest": latest }))
}

async fn forget(shared: web::Data<Shared>) -> HttpResponse {
    shared.lock().forget();
    HttpResponse::NoContent().finish()
}

async fn truth(name: web::Path<String>, shared: web::Data<Shared>) -> HttpResponse {
    let Some(stream) = Stream::full_named(&name) else {
        return answer::error(actix_web::http::StatusCode::NOT_FOUND, "no such stream; write it as `shop.orders`");
    };
    let (world, rows) = {
        let mut state = shared.lock();
        state.live(Instant::now());
        (state.world, Arc::new(rows(&state, stream)))
    };
    let chunks = (0..rows.len().div_ceil(ROWS_AT_ONCE)).map(move |chunk| {
        let from = chunk * ROWS_AT_ONCE;
        let to = rows.len().min(from + ROWS_AT_ONCE);
        Ok::<_, std::io::Error>(Bytes::from(lines(&world, stream, rows.get(from..to).unwrap_or_default())))
    });
    HttpResponse::Ok().content_type("application/x-ndjson").streaming(stream::iter(chunks))
}

/// The whole truth about a stream, as JSON lines: `{"key":…,"deleted":…,"record":…}`; what really is gone has no `record`.
pub(crate) fn truth_lines(state: &State, stream: Stream) -> Vec<u8> {
    lines(&state.world, stream, &rows(state, stream))
}

fn rows(state: &State, stream: Stream) -> Vec<Row> {
    if stream == Stream::CrmDealNotes {
        return (0..state.world.count(stream)).flat_map(|nth| crm::note_rows(&state.world, nth)).collect();
    }
    let Some(timeline) = state.timeline(stream) else { return Vec::new() };
    (0..timeline.ever()).map(|index| timeline.row(index)).collect()
}

fn lines(world: &World, stream: Stream, rows: &[Row]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 640);
    for row in rows {
        let key = page::key_json(world, stream, row.index);
        crate::json::write(&mut out, format_args!("{{\"key\":{key},\"deleted\":{}", row.deleted));
        let listed = !(row.deleted && stream.provider() == Provider::Payments);
        if listed {
            out.extend(b",\"record\":");
            records::write(&mut out, world, stream, row);
        }
        out.extend(b"}\n");
    }
    out
}
