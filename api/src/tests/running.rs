//! The API on a real socket.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::support::World;
use crate::{ApiConfig, ServeFault, serve};

async fn get(address: std::net::SocketAddr, path: &str, key: &str) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n\r\n");
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).await.unwrap();
    text
}

fn config() -> ApiConfig {
    ApiConfig { listen: ([127, 0, 0, 1], 0).into(), workers: 1, ..ApiConfig::default() }
}

#[actix_web::test]
async fn it_answers_on_a_socket_and_ends_open_streams_when_it_is_stopped() {
    let world = World::inhabited().await;
    let api = serve(config(), world.parts.clone()).unwrap();
    let address = api.addr();
    assert!(get(address, "/api/v1/whoami", &world.owner).await.starts_with("HTTP/1.1 200"));
    let following = tokio::spawn({
        let key = world.owner.clone();
        async move { get(address, "/api/v1/tenants/acme/events/follow", &key).await }
    });
    let open = crate::metrics::OPEN_STREAMS.clone();
    while open.get() == 0 {
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(Duration::from_secs(20), api.stop()).await.unwrap();
    let text = following.await.unwrap();
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("text/event-stream"), "{text}");
    assert!(TcpStream::connect(address).await.is_err());
}

#[actix_web::test]
async fn an_address_in_use_is_told_with_what_to_do() {
    let world = World::new().await;
    let api = serve(config(), world.parts.clone()).unwrap();
    let taken = ApiConfig { listen: api.addr(), ..config() };
    let Err(fault @ ServeFault::Bind { .. }) = serve(taken, world.parts.clone()) else { panic!("two servers listen on one address") };
    let text = fault.to_string();
    assert!(text.contains(&api.addr().to_string()) && text.contains("something listens there already"), "{text}");
    api.stop().await;
}
