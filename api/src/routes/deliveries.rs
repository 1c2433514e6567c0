//! Where sources send their webhooks. No key is needed: what is sent proves by itself who sent it.

use actix_web::{HttpRequest, HttpResponse, web};

use crate::webhooks;

/// Take a webhook. It is answered 200 only when it is verified and durable; an address that is nobody's and a wrong signature are both 404.
#[utoipa::path(
    post,
    path = "/webhooks/{connector}/{endpoint}",
    security(()),
    request_body(content = String, content_type = "*/*", description = "As the source sends it; verified over its raw bytes."),
    responses(
        (status = 200, description = "It is durable, or it was a handshake and this is the answer to it."),
        (status = 404, description = "There is no such endpoint, or the signature is wrong."),
        (status = 413, description = "The body is too large."),
        (status = 503, description = "Not now; `Retry-After` says when.", headers(("retry-after" = u64)))
    )
)]
pub(crate) async fn receive_delivery(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    webhooks::take(request, payload).await
}

/// Answer a source that tries the address.
#[utoipa::path(
    get,
    path = "/webhooks/{connector}/{endpoint}",
    security(()),
    responses(
        (status = 200, content_type = "text/plain", body = String, description = "What the source wants to hear."),
        (status = 404, description = "There is no such endpoint, or what was asked is no handshake.")
    )
)]
pub(crate) async fn answer_handshake(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    webhooks::take(request, payload).await
}
