//! Puts routes, document and pages together into one application.

use std::{collections::BTreeMap, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, Resource, http::header, web, web::ServiceConfig};

use crate::{
    http::request_id::RequestId,
    openapi, pages,
    parts::Parts,
    problem::{Code, Problem},
    routes,
};

/// The OpenAPI document as text, made once.
#[derive(Clone)]
pub(crate) struct Document(pub(crate) Arc<str>);

impl Document {
    pub(crate) fn new() -> Result<Self, serde_json::Error> {
        Ok(Self(serde_json::to_string(&openapi::document())?.into()))
    }
}

/// Everything that the application answers to.
pub(crate) fn configure(config: &mut ServiceConfig, parts: Parts, document: Document) {
    config.app_data(web::Data::new(parts)).app_data(web::Data::new(document));
    let mut resources: BTreeMap<String, (Vec<String>, Resource)> = BTreeMap::new();
    let named = openapi::named(&mut routes::described());
    for entry in routes::entries() {
        // Operations are named after their handlers; a test holds that each is there once.
        let Some(at) = named.iter().find(|named| named.operation == entry.operation) else { continue };
        let (mut methods, resource) = resources.remove(&at.path).unwrap_or_else(|| (Vec::new(), web::resource(at.path.as_str())));
        methods.push(at.method.to_string());
        resources.insert(at.path.clone(), (methods, resource.route(entry.route.method(at.method.clone()))));
    }
    for (methods, resource) in sorted(resources) {
        let allowed = methods.join(", ");
        config.service(resource.default_service(web::to(move |request: HttpRequest| {
            let allowed = allowed.clone();
            async move { wrong_method(&request, &allowed) }
        })));
    }
    config.route("/api/v1/openapi.json", web::get().to(serve_document));
    pages::configure(config);
}

// A fixed word in a path must be tried before a part of the same place that takes any word.
fn sorted(resources: BTreeMap<String, (Vec<String>, Resource)>) -> Vec<(Vec<String>, Resource)> {
    let mut all: Vec<_> = resources.into_iter().collect();
    all.sort_by_key(|(path, _)| path.matches('{').count());
    all.into_iter().map(|(_, resource)| resource).collect()
}

async fn serve_document(document: web::Data<Document>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document.0.to_string())
}

fn wrong_method(request: &HttpRequest, allowed: &str) -> HttpResponse {
    let mut answer = Problem::because(Code::MethodNotAllowed, format!("this path takes {allowed}")).answer(&RequestId::of(request));
    if let Ok(value) = header::HeaderValue::from_str(allowed) {
        answer.headers_mut().insert(header::ALLOW, value);
    }
    answer
}

/// Where nothing else is.
pub(crate) async fn nowhere(request: HttpRequest) -> HttpResponse {
    Problem::because(Code::NotFound, "there is nothing at this path; see /docs").answer(&RequestId::of(&request))
}
