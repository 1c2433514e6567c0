//! Three nodes, integrations of many tenants, and how soon they are read again when one of the nodes is gone.

use std::{
    fmt::{Display, Formatter},
    time::{Duration, Instant},
};

use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use syncline_sandbox::{Provider, RunningSandbox};

use crate::{
    installation::{Installation, sum_of, until_they_own_all},
    support::{Home, Server},
};

const INTEGRATIONS: usize = 48;
const NODES: usize = 3;
const EVERY_S: u64 = 10;

/// How often each integration is read.
fn every_s() -> u64 {
    let asked = std::env::var("STORM_EVERY_S").ok().map(|seconds| seconds.parse().expect("a number of seconds"));
    asked.unwrap_or(EVERY_S)
}

pub async fn pause(time: Duration) {
    // Nothing is waited for: the moment of what happens next is what is random.
    drop(tokio::time::timeout(time, std::future::pending::<()>()).await);
}

/// Every integration: its tenant, and the provider that names it.
pub fn integrations() -> impl Iterator<Item = (String, Provider)> {
    let asked = std::env::var("STORM_INTEGRATIONS").ok().map(|count| count.parse().expect("a number of integrations"));
    (0..asked.unwrap_or(INTEGRATIONS))
        .map(|number| (format!("t{}", number / Provider::ALL.len()), Provider::ALL[number % Provider::ALL.len()]))
}

/// Every tenant, each once.
pub fn tenants() -> Vec<String> {
    let mut tenants: Vec<String> = integrations().map(|(tenant, _)| tenant).collect();
    tenants.dedup();
    tenants
}

pub struct Node {
    door: usize,
    home: Home,
    pub server: Option<Server>,
}

impl Node {
    pub fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub fn start(&mut self, installation: &Installation) {
        if self.server.is_none() {
            self.server = Some(installation.serve_behind(self.door, &self.home));
        }
    }
}

pub fn servers(nodes: &[Node]) -> Vec<&Server> {
    nodes.iter().map(Node::server).collect()
}

pub async fn three_nodes(installation: &Installation, sandbox: &RunningSandbox) -> Vec<Node> {
    let home = Home::new();
    let first = installation.serve_behind(0, &home);
    let key = first.key.clone();
    for tenant in tenants() {
        first.make_tenant(&tenant).await;
    }
    for few in integrations().collect::<Vec<_>>().chunks(8) {
        join_all(few.iter().map(|(tenant, provider)| first.connect(tenant, sandbox, *provider, json!({"every_s": every_s()})))).await;
    }
    let mut nodes = vec![Node { door: 0, home, server: Some(first) }];
    for door in 1..NODES {
        let mut node = Node { door, home: Home::of_node(&key), server: None };
        node.start(installation);
        nodes.push(node);
    }
    until_they_own_all(&servers(&nodes)).await;
    until_all_live(nodes[0].server()).await;
    nodes
}

pub async fn until_all_live(server: &Server) {
    for (tenant, provider) in integrations() {
        server.until_state(&tenant, provider.name(), "live").await;
    }
}

/// When the last reading of every integration ended, in the order of [`integrations`].
async fn last_ends(server: &Server) -> Vec<String> {
    let mut ends = Vec::new();
    for tenant in tenants() {
        let page = server.get(&format!("/api/v1/tenants/{tenant}/integrations?limit=10")).await;
        let of = |provider: Provider| page["items"].as_array().unwrap().iter().find(|item| item["id"] == provider.name());
        let known = Provider::ALL.into_iter().filter_map(of);
        ends.extend(known.map(|item| item["last_job_ended"].as_str().unwrap_or_default().to_owned()));
    }
    ends
}

/// How late integrations were read: behind the time at which they were due, or behind the moment from which they were watched where
/// that was later. Each reading itself is part of it.
pub struct Lateness {
    each: Vec<Duration>,
    all_after: Duration,
}

impl Display for Lateness {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let share = |percent: usize| self.each[(self.each.len() - 1) * percent / 100];
        let (half, most, last) = (share(50), share(95), share(100));
        write!(
            f,
            "half of them were {half:.1?} late, 95 % at most {most:.1?}, the last one {last:.1?}; all were read after {:.1?}",
            self.all_after
        )
    }
}

/// Waits until every integration has been read again, and says how late each was.
async fn until_read_again(server: &Server) -> Lateness {
    let (began, watched) = (Instant::now(), Timestamp::now());
    let before = last_ends(server).await;
    let interval = SignedDuration::from_secs(i64::try_from(every_s()).unwrap());
    // An interval is up to a twentieth longer.
    let due = |end: &String| end.parse::<Timestamp>().map_or(watched, |end| watched.max(end + interval + interval / 20));
    let due: Vec<Timestamp> = before.iter().map(due).collect();
    let mut late: Vec<Option<Duration>> = vec![None; before.len()];
    loop {
        for (number, end) in last_ends(server).await.iter().enumerate() {
            if late[number].is_none() && *end > before[number] {
                let end: Timestamp = end.parse().unwrap();
                late[number] = Some(Duration::try_from(end.duration_since(due[number])).unwrap_or_default());
            }
        }
        let mut each: Vec<Duration> = late.iter().copied().flatten().collect();
        if each.len() == late.len() {
            each.sort_unstable();
            return Lateness { each, all_after: began.elapsed() };
        }
        let patience = Duration::from_secs(90 + 2 * every_s());
        assert!(began.elapsed() < patience, "{} of {} integrations are read again", each.len(), late.len());
        pause(Duration::from_millis(50)).await;
    }
}

/// Waits until these nodes have taken in every integration: from then on each is read as soon as it is due.
async fn until_all_taken_in(servers: &[&Server]) -> Duration {
    let (began, all) = (Instant::now(), integrations().count() as u64);
    while sum_of(servers, "syncline_integrations").await < all {
        assert!(began.elapsed() < Duration::from_secs(90), "not all integrations are taken in");
        pause(Duration::from_millis(50)).await;
    }
    began.elapsed()
}

/// How long a killed and a drained node are missed.
pub async fn take_overs(installation: &Installation, nodes: &mut [Node]) {
    let count = integrations().count();
    println!("{count} integrations, each read every {} s. Where nothing happens: {}", every_s(), until_read_again(nodes[0].server()).await);
    nodes[2].server.take().unwrap().kill();
    let others = [nodes[0].server(), nodes[1].server()];
    let (owned, taken_in, read) = tokio::join!(until_they_own_all(&others), until_all_taken_in(&others), until_read_again(others[0]));
    println!("a killed node's shards were owned again after {owned:.1?}, its integrations taken in after {taken_in:.1?}: {read}");
    nodes[2].start(installation);
    until_they_own_all(&servers(nodes)).await;
    // The one that has just come has its share as soon as the others have let go of it.
    until_read_again(nodes[0].server()).await;
    let drained = nodes[2].server.take().unwrap();
    let began = Instant::now();
    assert!(drained.stop(), "it ends in order");
    let ended = began.elapsed();
    let others = [nodes[0].server(), nodes[1].server()];
    let (owned, taken_in, read) = tokio::join!(until_they_own_all(&others), until_all_taken_in(&others), until_read_again(others[0]));
    println!(
        "a drained node ended in {ended:.1?}; its shards were owned again {owned:.1?} after that, its integrations taken in after {taken_in:.1?}: {read}"
    );
    nodes[2].start(installation);
    until_they_own_all(&servers(nodes)).await;
}
