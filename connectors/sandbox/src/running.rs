//! Starts the server in a thread of its own, and stops it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::mpsc,
    thread::JoinHandle,
};

use actix_web::{App, HttpServer, rt::System, web};
use tokio::sync::oneshot;

use crate::{
    faults::FaultRule,
    limits::RateLimit,
    server::{Shared, routes, truth_lines},
    state::{Advance, Applied, SeenRequest, State},
    words::{Provider, Stream},
    world::World,
};

/// Why a sandbox did not start.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port is taken, or the like.
    #[error("the sandbox cannot listen on port `{port}`: {cause}")]
    Listen {
        /// Which port was wanted.
        port: u16,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The server's thread did not come up.
    #[error("the sandbox did not start: {0}")]
    Start(String),
}

/// What world to show, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SandboxConfig {
    /// Everything follows from it.
    pub seed: u64,
    /// About how many records in all streams together; at most a million.
    pub records: u64,
    /// Where to listen on this machine; any free port, if 0.
    pub port: u16,
    /// How many threads answer.
    pub workers: usize,
    /// How much may be asked; without end, if absent.
    pub rate_limit: Option<RateLimit>,
    /// How many changes happen by themselves.
    pub changes_per_s: u32,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self { seed: 1, records: 1000, port: 0, workers: 1, rate_limit: None, changes_per_s: 0 }
    }
}

/// The fake providers.
#[derive(Debug, Clone, Copy)]
pub struct Sandbox;

impl Sandbox {
    /// Starts them. They answer when this returns, and no longer when what it returns is dropped.
    pub fn start(config: SandboxConfig) -> Result<RunningSandbox, SandboxError> {
        let listen = |cause| SandboxError::Listen { port: config.port, cause };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let world = World::new(config.seed, config.records);
        let shared = web::Data::new(Shared::new(State::new(world, config.rate_limit, config.changes_per_s)));
        let (stop, stopped) = oneshot::channel();
        let (say_started, started) = mpsc::channel();
        let theirs = shared.clone();
        let thread = std::thread::Builder::new()
            .name("sandbox".to_owned())
            .spawn(move || System::new().block_on(run(listener, config.workers, theirs, stopped, say_started)))
            .map_err(|cause| SandboxError::Start(cause.to_string()))?;
        match started.recv() {
            Ok(Ok(())) => Ok(RunningSandbox { address, shared, stop: Some(stop), thread: Some(thread) }),
            Ok(Err(cause)) => Err(SandboxError::Listen { port: address.port(), cause }),
            Err(_) => Err(SandboxError::Start("its thread ended at once".to_owned())),
        }
    }
}

async fn run(
    listener: TcpListener,
    workers: usize,
    shared: web::Data<Shared>,
    stopped: oneshot::Receiver<()>,
    say_started: mpsc::Sender<std::io::Result<()>>,
) {
    let app = move || App::new().app_data(shared.clone()).configure(routes);
    let server = match HttpServer::new(app).workers(workers.max(1)).disable_signals().listen(listener) {
        Ok(server) => server.run(),
        Err(cause) => {
            // Nobody waits any more if this fails, and then there is nothing left to say.
            say_started.send(Err(cause)).ok();
            return;
        }
    };
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        // An error here means that the owner is gone, which is the same as being told to stop.
        stopped.await.ok();
        handle.stop(false).await;
    });
    say_started.send(Ok(())).ok();
    server.await.ok();
}

/// The fake providers, answering. Dropping it stops them.
#[derive(Debug)]
pub struct RunningSandbox {
    address: SocketAddr,
    shared: web::Data<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RunningSandbox {
    /// Where a provider answers: `http://127.0.0.1:PORT/shop`.
    pub fn url(&self, provider: Provider) -> String {
        format!("http://{}/{}", self.address, provider.name())
    }

    /// Where the control API answers.
    pub fn control_url(&self) -> String {
        format!("http://{}/__control", self.address)
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The key, token or password that the provider accepts now.
    pub fn key(&self, provider: Provider) -> String {
        self.shared.lock().key(provider)
    }

    /// The settings with which the provider's connector reads it, as JSON.
    pub fn settings(&self, provider: Provider) -> serde_json::Value {
        let (url, key) = (self.url(provider), self.key(provider));
        match provider {
            Provider::Shop => serde_json::json!({ "base_url": url, "api_key": key }),
            Provider::Crm => serde_json::json!({ "base_url": url, "access_token": key }),
            Provider::Payments => serde_json::json!({ "base_url": url, "account": "acct_sandbox", "password": key }),
        }
    }

    /// Makes changes, all at once.
    pub fn advance(&self, wanted: Advance) -> Applied {
        self.shared.lock().advance(wanted)
    }

    /// Lets the payment service tell of its changes by webhooks, sent to this address and signed with this secret. False if they cannot
    /// be sent there: `http://HOST:PORT/PATH` and `whsec_…` are wanted.
    pub fn send_webhooks(&self, url: &str, secret: &str) -> bool {
        self.shared.lock().send_hooks(url, secret)
    }

    /// Asks for a fault.
    pub fn fault(&self, rule: FaultRule) {
        self.shared.lock().faults.add(rule);
    }

    /// Takes back all faults that did not happen yet. An expired key stays expired.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Accepts a key again: the same, or another one if it is to be replaced.
    pub fn renew(&self, provider: Provider, replace: bool) -> String {
        self.shared.lock().renew(provider, replace)
    }

    /// The latest 10,000 requests.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.lock().seen().0
    }

    /// How many requests were answered.
    pub fn requests_total(&self) -> u64 {
        self.shared.lock().seen().1
    }

    /// The whole truth about a stream, as JSON lines: `{"key":…,"deleted":…,"record":…}`; what really is gone has no `record`.
    pub fn truth(&self, stream: Stream) -> Vec<u8> {
        truth_lines(&self.shared.lock(), stream)
    }

    /// Stops it and waits until the port is free.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        self.end();
    }
}
