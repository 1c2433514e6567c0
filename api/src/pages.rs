//! The reference of the API and the console: files that are part of the binary, with nothing from anywhere else.

use actix_web::{HttpRequest, HttpResponse, http::header, web, web::ServiceConfig};
use sha2::{Digest, Sha256};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; \
base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

struct Page {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

macro_rules! pages {
    ($($path:literal $kind:ident $file:literal,)*) => {
        &[$(Page { path: $path, kind: $kind, text: include_str!(concat!("../console/", $file)) },)*]
    };
}

static PAGES: &[Page] = pages! {
    "/" HTML "index.html",
    "/console/app.js" SCRIPT "app.js",
    "/console/api.js" SCRIPT "api.js",
    "/console/dom.js" SCRIPT "dom.js",
    "/console/form.js" SCRIPT "form.js",
    "/console/onboard.js" SCRIPT "onboard.js",
    "/console/integration.js" SCRIPT "integration.js",
    "/console/data.js" SCRIPT "data.js",
    "/console/entities.js" SCRIPT "entities.js",
    "/console/plans.js" SCRIPT "plans.js",
    "/console/admin.js" SCRIPT "admin.js",
    "/console/style.css" STYLE "style.css",
    "/docs" HTML "docs.html",
    "/docs/docs.js" SCRIPT "docs.js",
};

pub(crate) fn configure(config: &mut ServiceConfig) {
    for page in PAGES {
        config.route(page.path, web::get().to(move |request: HttpRequest| async move { show(page, &request) }));
    }
    config.route("/console", web::get().to(|| async { HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/")).finish() }));
}

fn show(page: &Page, request: &HttpRequest) -> HttpResponse {
    let tag = format!("\"{}\"", hex::encode(&Sha256::digest(page.text)[..8]));
    let is_known = request.headers().get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
    let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    answer
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY));
    if is_known { answer.finish() } else { answer.content_type(page.kind).body(page.text) }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_pages_stay_small() {
        let bytes: usize = super::PAGES.iter().map(|page| page.text.len()).sum();
        assert!(bytes > 0 && bytes < 96 * 1024, "{bytes} bytes");
    }
}
