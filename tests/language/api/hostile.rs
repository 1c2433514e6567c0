//! Answers that no reader should have to take.

use actix_web::{HttpResponse, web::Bytes};
use futures::stream;
use serde_json::json;

use super::{Asked, listed};

const PIECE: usize = 1 << 20;
/// Pieces of the page that is too large.
const PIECES: usize = 1024;

pub fn answer(asked: &Asked) -> Option<HttpResponse> {
    Some(match asked.path.as_str() {
        "/huge" => {
            let filler = Bytes::from(vec![b'x'; PIECE]);
            let head = Bytes::from_static(b"{\"data\": [{\"id\": 1, \"text\": \"");
            let tail = Bytes::from_static(b"\"}]}");
            let pieces = std::iter::once(head).chain(std::iter::repeat_n(filler, PIECES)).chain([tail]);
            HttpResponse::Ok().content_type("application/json").streaming(stream::iter(pieces.map(Ok::<_, actix_web::Error>)))
        }
        "/deep" => {
            HttpResponse::Ok().content_type("application/json").body(format!("{{\"data\": {}{}}}", "[".repeat(10_000), "]".repeat(10_000)))
        }
        "/deep.objects" => {
            let body = format!("{{\"data\": [{}1{}]}}", "{\"a\":".repeat(10_000), "}".repeat(10_000));
            HttpResponse::Ok().content_type("application/json").body(body)
        }
        "/differs" => HttpResponse::Ok().json(json!({"data": [{"id": asked.before}], "next": "the-same"})),
        "/again" => HttpResponse::Ok().json(json!({"data": listed::records(1..3), "next": "the-same"})),
        _ => return None,
    })
}
