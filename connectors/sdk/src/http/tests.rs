#![allow(clippy::unwrap_used, clippy::panic)]
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use futures::StreamExt as _;
use proptest::prelude::*;
use syncline_model::Fault;

use super::{Client, ClientConfig, Egress, Http, HttpRequest};

fn client(egress: Egress) -> Client {
    let config = ClientConfig { egress, body_bytes_max: 1000, answer_ms: 2_000, silence_ms: 200, ..ClientConfig::default() };
    Client::new("shop".parse().unwrap(), config).unwrap()
}

/// A server of this test's own: `/large`, `/circle`, `/cookie` and a door to a private address.
fn server() -> u16 {
    let server = HttpServer::new(|| {
        App::new()
            .route("/large", web::get().to(async || HttpResponse::Ok().body(vec![b'x'; 2000])))
            .route("/circle", web::get().to(async || HttpResponse::Found().insert_header(("location", "/circle")).finish()))
            .route("/moved", web::get().to(async || HttpResponse::Found().insert_header(("location", "/referer")).finish()))
            .route(
                "/referer",
                web::get().to(async |request: actix_web::HttpRequest| match request.headers().get("referer") {
                    Some(referer) => HttpResponse::Ok().body(referer.as_bytes().to_vec()),
                    None => HttpResponse::Ok().body("none"),
                }),
            )
            .route("/moved-file", web::get().to(async || HttpResponse::Found().insert_header(("location", "/large")).finish()))
            .route("/gone", web::get().to(async || HttpResponse::NotFound().body("it is gone")))
            .route(
                "/stands",
                web::get().to(async || {
                    let first = futures::stream::iter([Ok::<_, actix_web::Error>(web::Bytes::from_static(b"a part"))]);
                    HttpResponse::Ok().streaming(first.chain(futures::stream::pending()))
                }),
            )
            .route("/never", web::get().to(async || std::future::pending::<HttpResponse>().await))
            .route(
                "/cookie",
                web::get().to(async |request: actix_web::HttpRequest| match request.headers().get("cookie") {
                    Some(cookie) => HttpResponse::Ok().body(cookie.as_bytes().to_vec()),
                    None => HttpResponse::Ok().insert_header(("set-cookie", "session=1")).finish(),
                }),
            )
    })
    .workers(1)
    .disable_signals()
    .bind(("127.0.0.1", 0))
    .unwrap();
    let port = server.addrs()[0].port();
    actix_web::rt::spawn(server.run());
    port
}

fn request(port: u16, path: &str) -> HttpRequest {
    HttpRequest::get(format!("http://127.0.0.1:{port}{path}").parse().unwrap())
}

const ANYWHERE: Egress = Egress { private_allowed: true };

#[actix_web::test]
async fn an_answer_over_the_limit_is_refused_and_never_kept() {
    let fault = client(ANYWHERE).send(request(server(), "/large")).await.unwrap_err();
    assert_eq!(fault, Fault::Unusable("`127.0.0.1` sent more than 1000 bytes in one answer".into()));
}

#[actix_web::test]
async fn a_circle_of_redirects_ends() {
    let fault = client(ANYWHERE).send(request(server(), "/circle")).await.unwrap_err();
    assert_eq!(fault, Fault::Unusable("`127.0.0.1` redirects in a circle, or too often".into()));
}

#[actix_web::test]
async fn whoever_one_is_sent_on_to_does_not_learn_the_address_that_did_it() {
    let answer = client(ANYWHERE).send(request(server(), "/moved?token=hunter2")).await.unwrap();
    assert_eq!(answer.body.as_ref(), b"none");
}

#[actix_web::test]
async fn a_fault_never_holds_the_query_or_the_path() {
    let fault = client(ANYWHERE).send(request(server(), "/never?token=hunter2")).await.unwrap_err();
    assert!(matches!(fault, Fault::Unavailable(_)), "{fault}");
    assert!(!format!("{fault:?}").contains("hunter2") && !format!("{fault:?}").contains("never"));
    let closed = client(ANYWHERE).send(HttpRequest::get("http://127.0.0.1:1/never?token=hunter2".parse().unwrap())).await.unwrap_err();
    assert!(matches!(&closed, Fault::Unavailable(why) if !why.contains("hunter2")), "{closed}");
}

#[actix_web::test]
async fn cookies_are_kept_within_one_client_and_not_beyond() {
    let port = server();
    let (one, other) = (client(ANYWHERE), client(ANYWHERE));
    one.send(request(port, "/cookie")).await.unwrap();
    assert_eq!(one.send(request(port, "/cookie")).await.unwrap().body.as_ref(), b"session=1");
    assert_eq!(other.send(request(port, "/cookie")).await.unwrap().body.as_ref(), b"");
}

#[actix_web::test]
async fn private_addresses_are_refused_by_number_and_by_name() {
    let by_name = HttpRequest::get("http://localhost:1/".parse().unwrap());
    for request in [
        request(1, "/"),
        by_name,
        HttpRequest::get("http://[::ffff:10.0.0.1]/".parse().unwrap()),
        HttpRequest::get("http://169.254.169.254/latest".parse().unwrap()),
    ] {
        let fault = client(Egress::default()).send(request).await.unwrap_err();
        assert!(matches!(&fault, Fault::Misconfigured(why) if why.contains("egress.private_allowed")), "{fault}");
    }
}

/// What lies in a folder.
fn names(folder: &std::path::Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[actix_web::test]
async fn a_body_goes_into_a_file_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept");
    std::fs::write(&file, "what was there before").unwrap();
    let answer = client(ANYWHERE).save(request(server(), "/moved-file"), &file, 2000).await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.len(), answer.url.path()), (200, 0, "/large"));
    assert_eq!(std::fs::read(&file).unwrap(), vec![b'x'; 2000]);
    assert_eq!(names(folder.path()), ["kept"]);
}

#[actix_web::test]
async fn nothing_is_left_of_a_file_that_could_not_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept");
    let port = server();
    let large = client(ANYWHERE).save(request(port, "/large"), &file, 1999).await.unwrap_err();
    assert_eq!(large, Fault::Unusable("`127.0.0.1` sent a file of more than 1999 bytes".into()));
    let silent = client(ANYWHERE).save(request(port, "/stands"), &file, 2000).await.unwrap_err();
    assert_eq!(silent, Fault::Unavailable("`127.0.0.1` took too long: nothing came for 200ms".into()));
    let gone = client(ANYWHERE).save(request(port, "/gone"), &file, 2000).await.unwrap();
    assert_eq!((gone.status.as_u16(), gone.body.as_ref()), (404, &b"it is gone"[..]));
    let nowhere = client(ANYWHERE).save(request(port, "/large"), &folder.path().join("no/folder"), 2000).await.unwrap_err();
    assert!(matches!(&nowhere, Fault::Unusable(why) if why.contains("cannot be written")), "{nowhere}");
    assert_eq!(names(folder.path()), [""; 0]);
}

#[actix_web::test]
async fn whoever_may_be_silent_for_so_long_is_given_up_then() {
    let port = server();
    for path in ["/stands", "/never"] {
        let asked = HttpRequest { silence: Some(Duration::from_millis(100)), ..request(port, path) };
        let fault = client(ANYWHERE).send(asked).await.unwrap_err();
        assert_eq!(fault, Fault::Unavailable("`127.0.0.1` took too long: nothing came for 100ms".into()), "{path}");
    }
}

#[actix_web::test]
async fn a_connection_may_take_as_long_to_be_made_as_whoever_asks_says() {
    // What comes is taken by the machine, and nobody ever says a word of TLS.
    let silent = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("https://{}/", silent.local_addr().unwrap()).parse().unwrap();
    let config = ClientConfig { egress: ANYWHERE, connect_ms: 600_000, answer_ms: 600_000, ..ClientConfig::default() };
    let client = Client::new("shop".parse().unwrap(), config).unwrap();
    let asked = HttpRequest { connect: Some(Duration::from_millis(100)), ..HttpRequest::get(url) };
    let fault = tokio::time::timeout(Duration::from_secs(60), client.send(asked)).await.unwrap().unwrap_err();
    assert_eq!(fault, Fault::Unavailable("`127.0.0.1` took too long".into()));
}

#[actix_web::test]
async fn cookies_are_one_jobs_own_however_long_its_connections_may_take() {
    let (port, client) = (server(), client(ANYWHERE));
    assert_eq!(client.send(request(port, "/cookie")).await.unwrap().body.as_ref(), b"");
    let other = HttpRequest { connect: Some(Duration::from_secs(3)), ..request(port, "/cookie") };
    assert_eq!(client.send(other).await.unwrap().body.as_ref(), b"session=1");
}

proptest! {
    #[test]
    fn no_spelling_of_a_private_address_passes(b in 0_u8..=255, c in 0_u8..=255, d in 0_u8..=255) {
        for a in [10_u8, 127, 0] {
            let number = u32::from_be_bytes([a, b, c, d]);
            for host in [format!("{a}.{b}.{c}.{d}"), format!("{number}"), format!("0x{number:x}"), format!("[::ffff:{a}.{b}.{c}.{d}]"), format!("[64:ff9b::{a}.{b}.{c}.{d}]")] {
                let url: url::Url = format!("http://{host}/").parse().unwrap();
                prop_assert!(Egress::default().check(&url).is_err(), "{host}");
            }
        }
    }
}
