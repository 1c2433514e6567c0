//! Nodes are killed, stopped and continued, drained, and so is the broker; afterwards everything is there once.

use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::json;
use syncline_sandbox::{Advance, FaultKind, FaultRule, Provider, Sandbox, SandboxConfig, Stream};

use crate::{
    installation::{Installation, until_they_own_all},
    published,
    support::{Home, Server},
};

const TENANTS: usize = 8;
const STORM: Duration = Duration::from_secs(60);
/// What may vanish at the source: these two providers say so themselves.
const DELETING: [Stream; 4] = [Stream::ShopOrders, Stream::ShopCustomers, Stream::CrmDeals, Stream::CrmContacts];

async fn pause(time: Duration) {
    // Nothing is waited for: the moment of what happens next is what is random.
    drop(tokio::time::timeout(time, std::future::pending::<()>()).await);
}

struct Node {
    home: Home,
    server: Option<Server>,
}

impl Node {
    fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    fn start(&mut self, installation: &Installation) {
        if self.server.is_none() {
            self.server = Some(installation.serve(&self.home));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_in_a_storm_lose_nothing_and_publish_nothing_twice() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::start();
    let sandbox = Sandbox::start(SandboxConfig { records: 1_500, ..SandboxConfig::default() }).unwrap();
    for provider in Provider::ALL {
        sandbox.fault(FaultRule::once(provider, FaultKind::Slow { ms: 15 }).times(1_000_000));
    }
    let mut nodes = three_nodes(&installation, &sandbox).await;
    take_overs(&installation, &mut nodes).await;
    storm(&installation, &sandbox, &mut nodes).await;
    sandbox.clear_faults();
    until_they_own_all(&nodes.iter().map(Node::server).collect::<Vec<_>>()).await;
    settle(&installation, &sandbox, &nodes).await;
    for node in &mut nodes {
        assert!(node.server.take().unwrap().stop(), "it ends in order");
    }
}

async fn three_nodes(installation: &Installation, sandbox: &syncline_sandbox::RunningSandbox) -> Vec<Node> {
    let home = Home::new();
    let first = installation.serve(&home);
    let key = first.key.clone();
    for number in 0..TENANTS {
        let tenant = format!("t{number}");
        first.make_tenant(&tenant).await;
        for provider in Provider::ALL {
            first.connect(&tenant, sandbox, provider, json!({"every_s": 1})).await;
        }
    }
    let mut nodes = vec![Node { home, server: Some(first) }];
    for _ in 0..2 {
        let home = Home::of_node(&key);
        let server = installation.serve(&home);
        nodes.push(Node { home, server: Some(server) });
    }
    until_they_own_all(&nodes.iter().map(Node::server).collect::<Vec<_>>()).await;
    nodes
}

/// How long a killed and a drained node are missed.
async fn take_overs(installation: &Installation, nodes: &mut [Node]) {
    pause(Duration::from_secs(2)).await;
    nodes[2].server.take().unwrap().kill();
    let killed = until_they_own_all(&[nodes[0].server(), nodes[1].server()]).await;
    nodes[2].start(installation);
    until_they_own_all(&nodes.iter().map(Node::server).collect::<Vec<_>>()).await;
    // The one that has just come has its share as soon as the others have let go of it.
    pause(Duration::from_secs(3)).await;
    let drained = nodes[2].server.take().unwrap();
    let began = Instant::now();
    assert!(drained.stop());
    let ended = began.elapsed();
    let missed = until_they_own_all(&[nodes[0].server(), nodes[1].server()]).await;
    println!(
        "a killed node's shards were owned again after {killed:?}; a drained node ended in {ended:?} and was missed for {missed:?} after that"
    );
    assert!(killed < Duration::from_secs(15), "{killed:?}");
    assert!(missed < Duration::from_secs(4), "{missed:?}");
    nodes[2].start(installation);
}

async fn storm(installation: &Installation, sandbox: &syncline_sandbox::RunningSandbox, nodes: &mut [Node]) {
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (began, mut happened, mut deck) = (Instant::now(), Vec::new(), Vec::new());
    while began.elapsed() < STORM {
        sandbox.advance(Advance { updates: 30, deletes: 4, creates: 8, stream: Some(DELETING[random.random_range(0..DELETING.len())]) });
        sandbox.advance(Advance { updates: 20, deletes: 0, creates: 5, stream: None });
        if deck.is_empty() {
            deck = vec![Blow::Kill, Blow::Kill, Blow::Freeze, Blow::Drain, Blow::Broker, Blow::Freeze];
        }
        let blow = deck.swap_remove(random.random_range(0..deck.len()));
        let at = random.random_range(0..nodes.len());
        strike(installation, &mut nodes[at], blow, &mut random).await;
        happened.push(blow);
        pause(Duration::from_millis(random.random_range(200..2_500))).await;
        nodes[at].start(installation);
    }
    println!("{} things happened: {happened:?}", happened.len());
}

#[derive(Debug, Clone, Copy)]
enum Blow {
    Kill,
    Freeze,
    Drain,
    Broker,
}

async fn strike(installation: &Installation, node: &mut Node, blow: Blow, random: &mut StdRng) {
    match blow {
        Blow::Kill => node.server.take().unwrap().kill(),
        Blow::Freeze => {
            // Longer than the session: others own its shards when it wakes up and goes on as if nothing had happened.
            node.server().signal("STOP");
            pause(Duration::from_millis(random.random_range(500..9_000))).await;
            node.server().signal("CONT");
        }
        Blow::Drain => assert!(node.server.take().unwrap().stop(), "it ends in order"),
        Blow::Broker => {
            installation.kill_broker();
            pause(Duration::from_millis(random.random_range(0..2_000))).await;
            installation.start_broker();
        }
    }
}

/// Waits until every integration is well again, and then until what was published is what the source says.
async fn settle(installation: &Installation, sandbox: &syncline_sandbox::RunningSandbox, nodes: &[Node]) {
    let server = nodes[0].server();
    for number in 0..TENANTS {
        for provider in Provider::ALL {
            server.until_state(&format!("t{number}"), provider.name(), "live").await;
        }
    }
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        let published = published::all(installation);
        let twice = published::twice(&published);
        assert!(twice.is_empty(), "{:#?}", &twice[..twice.len().min(20)]);
        let lost = lost(&published, sandbox);
        if lost.is_empty() {
            println!("{} events were published, none of them twice, and every record is as the source says", published.len());
            return;
        }
        assert!(Instant::now() < deadline, "{} records are not as the source says: {:#?}", lost.len(), &lost[..lost.len().min(20)]);
    }
}

fn lost(published: &[published::Published], sandbox: &syncline_sandbox::RunningSandbox) -> Vec<String> {
    let mut lost = Vec::new();
    for stream in Stream::ALL {
        let truth = published::truth(sandbox, stream);
        for number in 0..TENANTS {
            lost.extend(published::lost(published, &format!("t{number}"), &truth, stream));
        }
    }
    lost
}
