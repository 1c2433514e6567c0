//! Runs the API on a thread of its own and a few workers, and ends it without cutting anybody off.

use std::{io, net::SocketAddr, sync::mpsc, thread::JoinHandle};

use actix_web::{App, HttpServer, dev::ServerHandle, middleware::from_fn, web};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::{
    app::{Document, configure, nowhere},
    http::request_id::attend,
    parts::{ApiConfig, ApiParts, Parts},
};

/// Why the API does not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeFault {
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`: {why}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What is in the way, and what to do about it.
        why: String,
    },
    /// The process cannot start another thread.
    #[error("the API cannot start its thread: {0}")]
    Thread(#[source] io::Error),
    /// The document cannot be written down.
    #[error("the OpenAPI document cannot be written: {0}")]
    Document(#[from] serde_json::Error),
}

/// An API that runs.
pub struct RunningApi {
    address: SocketAddr,
    server: ServerHandle,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl RunningApi {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections, ends event streams, and waits for what is being answered as long as the configuration says.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.server.stop(true).await;
        if let Some(thread) = self.thread.take() {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

/// Starts the API. It listens when this returns.
pub fn serve(config: ApiConfig, parts: ApiParts) -> Result<RunningApi, ServeFault> {
    let stop = CancellationToken::new();
    let document = Document::new()?;
    let parts = Parts::new(&config, parts, stop.clone());
    let (tell, told) = mpsc::channel();
    let run = move || {
        let ended = actix_web::rt::System::new().block_on(async move {
            let server = match bind(&config, parts, document) {
                Ok((address, server)) => {
                    let _ = tell.send(Ok((address, server.handle())));
                    server
                }
                Err(fault) => {
                    let _ = tell.send(Err(fault));
                    return Ok(());
                }
            };
            server.await
        });
        if let Err(fault) = ended {
            error!("the API ended: {fault}");
        }
    };
    let thread = std::thread::Builder::new().name("syncline-api".to_owned()).spawn(run).map_err(ServeFault::Thread)?;
    let (address, server) = told.recv().map_err(|_| ServeFault::Thread(io::Error::other("it ended before it listened")))??;
    info!(%address, "the API listens on http://{address}");
    Ok(RunningApi { address, server, stop, thread: Some(thread) })
}

fn bind(config: &ApiConfig, parts: Parts, document: Document) -> Result<(SocketAddr, actix_web::dev::Server), ServeFault> {
    let refused = |error: io::Error| ServeFault::Bind { address: config.listen, why: why(&error) };
    let server = HttpServer::new(move || {
        let (parts, document) = (parts.clone(), document.clone());
        App::new().wrap(from_fn(attend)).configure(move |services| configure(services, parts, document)).default_service(web::to(nowhere))
    });
    let server = server
        .workers(config.workers.max(1))
        .shutdown_timeout(config.stop_within.as_secs().max(1))
        .disable_signals()
        .bind(config.listen)
        .map_err(refused)?;
    let address = server.addrs().first().copied().unwrap_or(config.listen);
    Ok((address, server.run()))
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "something listens there already; end it, or choose another address with `api.listen`".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "this user may not; ports under 1024 need a privilege, or choose another with `api.listen`".to_owned()
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address; choose another with `api.listen`".to_owned(),
        _ => error.to_string(),
    }
}
