//! Answers that no reader should have to take.

use std::io::Write as _;

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
        // Small on the way, large where it arrives.
        "/bomb" => HttpResponse::Ok().content_type("application/json").insert_header(("Content-Encoding", "gzip")).body(bomb()),
        "/cut.gz" => {
            let whole = gzip(&[listed::records(1..4).len().to_string().repeat(1000).as_bytes()]);
            HttpResponse::Ok().content_type("application/gzip").body(whole[..whole.len() - 9].to_vec())
        }
        "/circle" => HttpResponse::Found().insert_header(("Location", format!("/circle?n={}", asked.before))).finish(),
        "/round" if asked.before < 25 => HttpResponse::Found().insert_header(("Location", format!("/round?n={}", asked.before))).finish(),
        "/round" => HttpResponse::Ok().json(json!({"data": listed::records(1..11)})),
        "/head" => HttpResponse::Ok().insert_header(("X-Long", "x".repeat(10 << 20))).json(json!({"data": []})),
        "/silent" => HttpResponse::Ok().streaming(stream::pending::<Result<Bytes, actix_web::Error>>()),
        "/entities" => {
            let ten = |(name, of): (char, char)| format!("<!ENTITY {name} \"{}\">", format!("&{of};").repeat(10));
            let tens = ('b'..='m').zip('a'..).map(ten).collect::<Vec<_>>().concat();
            let body = format!("<!DOCTYPE data [<!ENTITY a \"aaaaaaaaaa\">{tens}]><data><id>&m;</id></data>");
            HttpResponse::Ok().content_type("text/xml").body(body)
        }
        "/differs" => HttpResponse::Ok().json(json!({"data": [{"id": asked.before}], "next": "the-same"})),
        "/again" => HttpResponse::Ok().json(json!({"data": listed::records(1..3), "next": "the-same"})),
        _ => return None,
    })
}

/// More than an answer may have, made of the same megabyte.
fn bomb() -> Vec<u8> {
    let filler = vec![b'x'; PIECE];
    let pieces: Vec<&[u8]> = std::iter::once(&b"{\"data\": [{\"id\": \""[..]).chain(std::iter::repeat_n(filler.as_slice(), 140)).collect();
    gzip(&pieces)
}

fn gzip(pieces: &[&[u8]]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    pieces.iter().for_each(|piece| encoder.write_all(piece).unwrap());
    encoder.finish().unwrap()
}
