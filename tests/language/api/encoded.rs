//! The same three records in every encoding.

use std::io::Write as _;

use actix_web::HttpResponse;
use serde_json::json;

use super::{Asked, listed};

pub fn answer(asked: &Asked) -> Option<HttpResponse> {
    let lines = || -> String { listed::records(1..4).iter().flat_map(|record| [record.to_string(), "\n".to_owned()]).collect() };
    let csv = || "id,name,note\n1,One,\"a, \"\"quoted\"\" one\"\n2,Two,\n3,Drei,\"two\nlines\"\n".to_owned();
    Some(match asked.path.as_str() {
        "/jsonl" => HttpResponse::Ok().content_type("application/x-ndjson").body(lines()),
        "/jsonl.gz" => HttpResponse::Ok().content_type("application/gzip").body(gzip(lines().as_bytes())),
        "/json.gz" => HttpResponse::Ok().content_type("application/gzip").body(gzip(json!({"data": listed::records(1..4)}).to_string().as_bytes())),
        "/csv" => HttpResponse::Ok().content_type("text/csv").body(csv()),
        "/tsv" => HttpResponse::Ok().content_type("text/csv").body("id\tname\n1\tOne\n2\tTwo\n"),
        "/csv.gz" => HttpResponse::Ok().content_type("application/gzip").body(gzip(csv().as_bytes())),
        "/latin.csv" => HttpResponse::Ok().content_type("text/csv").body(b"id;name\n1;Andr\xe9\n".to_vec()),
        "/xml" => HttpResponse::Ok().content_type("text/xml").body(
            "<?xml version=\"1.0\"?><root><item id=\"1\"><name>One</name><tag>a</tag><tag>b</tag></item><item id=\"2\"><name>Two &amp; more</name></item></root>",
        ),
        "/words" => HttpResponse::Ok().content_type("text/plain").body("first\nsecond\nthird"),
        "/empty" => HttpResponse::Ok().finish(),
        "/null" => HttpResponse::Ok().content_type("application/json").body("null"),
        "/no.json" => HttpResponse::Ok().content_type("text/html").body("<html>not what you think</html>"),
        _ => return None,
    })
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
