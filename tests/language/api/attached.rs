//! Records that speak of files, and the files.

use actix_web::{HttpResponse, web::Bytes};
use futures::stream;
use serde_json::json;

use super::Asked;

/// More than one answer may be where it is kept in memory.
pub const LARGE_MIB: usize = 160;

pub(super) fn answer(asked: &Asked) -> Option<HttpResponse> {
    let at = |path: &str| format!("{}{path}", asked.base);
    let first = json!({"id": 1, "file_name": "a b.txt", "url": at("/attached/1")});
    let second = match asked.path.as_str() {
        "/attachments" => json!({"id": 2, "file_name": "/c//./d.bin/", "url": at("/attached/2"), "gone": null}),
        "/attachments.flaky" => json!({"id": 2, "file_name": "late", "url": at("/flaky/503/2")}),
        "/attachments.lost" => json!({"id": 2, "file_name": "lost"}),
        "/attachments.gone" => json!({"id": 2, "file_name": "gone", "url": at("/status/404")}),
        "/attachments.out" => json!({"id": 2, "file_name": "../../escaped", "url": at("/attached/2")}),
        "/attachments.large" => json!({"id": 2, "file_name": "large", "url": at("/attached/large")}),
        "/attached/large" => {
            let piece = Bytes::from(vec![b'x'; 1 << 20]);
            let pieces = std::iter::repeat_n(piece, LARGE_MIB);
            return Some(HttpResponse::Ok().streaming(stream::iter(pieces.map(Ok::<_, actix_web::Error>))));
        }
        path => {
            let number = path.strip_prefix("/attached/")?;
            return Some(HttpResponse::Ok().body(format!("what lies in {number}")));
        }
    };
    Some(HttpResponse::Ok().json(json!({"data": [first, second, {"id": 3, "file_name": "last", "url": at("/attached/3")}]})))
}
