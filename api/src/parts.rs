//! What the API works with. Handlers get the [`Tools`]; the store they get only through what they are permitted to reach.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use prometheus::proto::MetricFamily;
use schema_ai::tables::AnyHome;
use syncline_model::EventLog;
use syncline_runtime::{Connectors, EngineHandle, Intake};
use syncline_store::Store;
use tokio_util::sync::CancellationToken;

use crate::{gate::FailedAttempts, http::sse, webhooks::Desk};

/// How the API listens and what it takes.
#[derive(Debug, Clone)]
pub struct ApiConfig {
    /// Address and port; port 0 takes a free one.
    pub listen: std::net::SocketAddr,
    /// The largest body of a request.
    pub body_bytes_max: usize,
    /// Threads that answer.
    pub workers: usize,
    /// How long open requests may take to end when the server stops.
    pub stop_within: Duration,
    /// Wrong API keys that one address may send in a minute.
    pub failed_attempts_per_minute: NonZeroU32,
    /// Connectors that are made for tests and demos are shown.
    pub test_mode: bool,
    /// How often a silent event stream says that it is alive.
    pub heartbeat: Duration,
    /// What the receiver of webhooks takes.
    pub webhooks: WebhookLimits,
}

/// What the receiver of webhooks takes, so that nothing that strangers send grows without bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookLimits {
    /// The largest body.
    pub body_bytes_max: usize,
    /// How many are received at the same time.
    pub in_flight_max: usize,
    /// How many bytes of bodies are held at the same time.
    pub in_flight_bytes_max: usize,
    /// Where senders reach this server, `https://hooks.example.com`; empty where they use the address that they name.
    pub public_url: String,
}

impl Default for WebhookLimits {
    fn default() -> Self {
        Self { body_bytes_max: 1 << 20, in_flight_max: 1024, in_flight_bytes_max: 64 << 20, public_url: String::new() }
    }
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            body_bytes_max: 4 * 1024 * 1024,
            workers: 2,
            stop_within: Duration::from_secs(10),
            failed_attempts_per_minute: NonZeroU32::MIN.saturating_add(29),
            test_mode: false,
            heartbeat: sse::HEARTBEAT,
            webhooks: WebhookLimits::default(),
        }
    }
}

/// What the API is put together from.
#[derive(Clone)]
pub struct ApiParts {
    /// What we know about ourselves.
    pub store: Store,
    /// The engine that runs.
    pub engine: EngineHandle,
    /// The way of webhooks into the log.
    pub intake: Intake,
    /// The event log.
    pub log: Arc<dyn EventLog>,
    /// The connectors that can be chosen.
    pub connectors: Arc<Connectors>,
    /// Where the tenants' tables are.
    pub home: AnyHome,
    /// The families of all metrics there are, those without a series included.
    pub declared: fn() -> Vec<MetricFamily>,
}

/// What handlers work with.
pub(crate) struct Tools {
    pub(crate) engine: EngineHandle,
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) connectors: Arc<Connectors>,
    pub(crate) home: AnyHome,
    pub(crate) declared: fn() -> Vec<MetricFamily>,
    pub(crate) test_mode: bool,
    pub(crate) heartbeat: Duration,
    pub(crate) stop: CancellationToken,
    pub(crate) desk: Arc<Desk>,
}

/// All of it, as the gate holds it.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) tools: Arc<Tools>,
    pub(crate) failed_attempts: FailedAttempts,
    pub(crate) body_bytes_max: usize,
}

impl Parts {
    pub(crate) fn new(config: &ApiConfig, parts: ApiParts, stop: CancellationToken) -> Self {
        let ApiParts { store, engine, intake, log, connectors, home, declared } = parts;
        let desk = Arc::new(Desk::new(config.webhooks.clone(), intake, store.clone(), Arc::clone(&connectors)));
        let (test_mode, heartbeat) = (config.test_mode, config.heartbeat);
        Self {
            store,
            tools: Arc::new(Tools { engine, log, connectors, home, declared, test_mode, heartbeat, stop, desk }),
            failed_attempts: FailedAttempts::per_minute(config.failed_attempts_per_minute),
            body_bytes_max: config.body_bytes_max,
        }
    }
}
