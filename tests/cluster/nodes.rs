//! Three nodes, integrations of many tenants, and how soon they are read again when one of the nodes is gone.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use syncline_sandbox::{Provider, RunningSandbox};

use crate::{
    installation::{Installation, sum_of, until_they_own_all},
    support::{Home, Server},
};

const INTEGRATIONS: usize = 48;
const NODES: usize = 3;
const EVERY_S: u64 = 10;

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
        join_all(few.iter().map(|(tenant, provider)| first.connect(tenant, sandbox, *provider, json!({"every_s": EVERY_S})))).await;
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

/// Waits until every integration has been read again, twice where it was being read, and says how long that took for half of them and
/// for the last. What is due every ten seconds takes that long where nothing happens.
async fn until_read_again(server: &Server) -> (Duration, Duration) {
    let began = Instant::now();
    let before = last_ends(server).await;
    let (mut again, mut half) = (vec![false; before.len()], None);
    loop {
        for (number, end) in last_ends(server).await.iter().enumerate() {
            again[number] |= *end > before[number];
        }
        let count = again.iter().filter(|again| **again).count();
        if count * 2 >= again.len() {
            half.get_or_insert_with(|| began.elapsed());
        }
        if count == again.len() {
            return (half.unwrap_or_default(), began.elapsed());
        }
        assert!(began.elapsed() < Duration::from_secs(90), "{count} of {} integrations are read again", again.len());
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
    let usual = until_read_again(nodes[0].server()).await;
    println!(
        "where nothing happens, half of {} integrations were read again after {:?}, all after {:?}",
        integrations().count(),
        usual.0,
        usual.1
    );
    nodes[2].server.take().unwrap().kill();
    let others = [nodes[0].server(), nodes[1].server()];
    let (owned, taken_in, read) = tokio::join!(until_they_own_all(&others), until_all_taken_in(&others), until_read_again(others[0]));
    println!(
        "a killed node's shards were owned again after {owned:?}, its integrations taken in after {taken_in:?}, and all were read again after {:?}",
        read.1
    );
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
        "a drained node ended in {ended:?}; its shards were owned again {owned:?} after that, its integrations taken in after {taken_in:?}, and all were read again after {:?}",
        read.1
    );
    nodes[2].start(installation);
    until_they_own_all(&servers(nodes)).await;
}
