//! What the engine can be told. All of it has a default that suits a laptop and a small server.

use std::time::Duration;

use syncline_sdk::http::ClientConfig;

use crate::retry::Steps;

/// What the engine can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineConfig {
    /// Names this process in the log's membership and in messages.
    pub node: String,
    /// This node owns shards. One that does not only asks those that do.
    pub owner: bool,
    /// Other nodes may own shards of the same log: what is asked for a tenant of theirs goes through the inbox.
    pub cluster: bool,
    /// Threads on which integrations run.
    pub threads: usize,
    /// How many integrations are read at the same time.
    pub jobs_max: usize,
    /// How many streams of one integration are read at the same time.
    pub streams_max: usize,
    /// The way out.
    pub client: ClientConfig,
    /// Over how long the work that was missed is spread after a start, so that a restart does not start everything at once. Without a
    /// spread it is done as places are free, and what was missed first comes first.
    pub start_spread: Duration,
    /// How a failed page, commit or call of the store is tried again.
    pub retry: Steps,
    /// How something that panicked is started again, before it is put in quarantine.
    pub restart: Steps,
    /// How an integration that does not work is looked at again; never ends.
    pub probe: Steps,
    /// How many times in a row a source may ask us to wait for the same page.
    pub waits_max: u32,
    /// Beside steps of a stream that are under way, fewer records than this are worth no step of their own.
    pub step_records_min: usize,
    /// How many ids of the newest events of an incremental stream are remembered.
    pub boundary_ids_max: usize,
    /// How many records of a full refresh are compared with those of the one before.
    pub generation_records_max: usize,
    /// A full refresh that finds fewer than this part of the records of the one before, in percent, deletes nothing and asks.
    pub sweep_percent_min: u8,
    /// How often the progress of a job is saved at most.
    pub progress_every: Duration,
    /// A wait that is longer is shown, and does not hold one of the places of `jobs_max`.
    pub wait_shown: Duration,
    /// How long work that was told to stop may take to end.
    pub stop_within: Duration,
}

impl Default for EngineConfig {
    fn default() -> Self {
        let (ms, s) = (Duration::from_millis, Duration::from_secs);
        Self {
            node: "syncline".to_owned(),
            owner: true,
            cluster: false,
            threads: 2,
            jobs_max: 64,
            streams_max: 4,
            client: ClientConfig::default(),
            start_spread: s(30),
            retry: Steps { first: ms(500), most: s(60), tries: 6 },
            restart: Steps { first: ms(200), most: s(10), tries: 3 },
            probe: Steps { first: s(60), most: s(3600), tries: usize::MAX },
            waits_max: 100,
            step_records_min: 100,
            boundary_ids_max: 10_000,
            generation_records_max: 5_000_000,
            sweep_percent_min: 50,
            progress_every: s(1),
            wait_shown: s(2),
            stop_within: s(10),
        }
    }
}
