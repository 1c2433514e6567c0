//! Nodes are killed, stopped and continued, drained and cut off, and the broker is killed; afterwards everything is there once, in the
//! log and in the tables. `STORM_SECONDS` makes it longer, `STORM_INTEGRATIONS` larger, and
//! `STORM_EVERY_S` says how often each is read: nodes inherit them, and would refuse to start
//! with names of our own that are no settings.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use schema_ai::tables::{PostgresHome, TableHome};
use syncline_model::Secret;
use syncline_sandbox::{Advance, FaultKind, FaultRule, Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

use crate::{
    doors::Way,
    installation::{Installation, until_they_own_all},
    nodes::{Node, integrations, pause, servers, take_overs, tenants, three_nodes, until_all_live},
    published::{self, Published},
    support::compare,
};

const STORM_S: u64 = 60;
const RECORDS: u64 = 300;
const PREFIX: &str = "storm_";
/// What may vanish at the source: these two providers say so themselves.
const DELETING: [Stream; 4] = [Stream::ShopOrders, Stream::ShopCustomers, Stream::CrmDeals, Stream::CrmContacts];
/// Where records only come, one for each provider: no version of theirs is ever superseded, so that the log must hold every one, once.
const JOURNALS: [Stream; 3] = [Stream::ShopProducts, Stream::CrmCompanies, Stream::PaymentsInvoices];
const CHANGING: [Stream; 6] =
    [Stream::ShopCustomers, Stream::ShopOrders, Stream::CrmContacts, Stream::CrmDeals, Stream::PaymentsCustomers, Stream::PaymentsCharges];
const SETTLE: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_nodes_in_a_storm_lose_nothing_and_publish_nothing_twice() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let prefix = format!("tables.prefix={PREFIX}");
    let installation = Installation::start_with(3, &["kafka.topic={prefix}.{tenant}", "tables.kind=postgres", &prefix]);
    let sandbox = Sandbox::start(SandboxConfig { records: RECORDS, ..SandboxConfig::default() }).unwrap();
    let mut nodes = three_nodes(&installation, &sandbox).await;
    take_overs(&installation, &mut nodes).await;
    for provider in Provider::ALL {
        sandbox.fault(FaultRule::once(provider, FaultKind::Slow { ms: 15 }).times(1_000_000));
    }
    storm(&installation, &sandbox, &mut nodes).await;
    sandbox.clear_faults();
    until_they_own_all(&servers(&nodes)).await;
    settle(&installation, &sandbox, &nodes).await;
    for node in &mut nodes {
        assert!(node.server.take().unwrap().stop(), "it ends in order");
    }
}

fn storm_time() -> Duration {
    let asked = std::env::var("STORM_SECONDS").ok().map(|seconds| seconds.parse().expect("a number of seconds"));
    Duration::from_secs(asked.unwrap_or(STORM_S))
}

async fn storm(installation: &Installation, sandbox: &RunningSandbox, nodes: &mut [Node]) {
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (began, mut happened, mut deck) = (Instant::now(), BTreeMap::<String, u32>::new(), Vec::new());
    let blows = async {
        while began.elapsed() < storm_time() {
            if deck.is_empty() {
                deck = vec![Blow::Kill, Blow::Kill, Blow::Freeze, Blow::Freeze, Blow::Drain, Blow::CutOff, Blow::Hush, Blow::Broker];
            }
            let blow = deck.swap_remove(random.random_range(0..deck.len()));
            let at = random.random_range(0..nodes.len());
            strike(installation, nodes, at, blow, &mut random).await;
            *happened.entry(format!("{blow:?}")).or_default() += 1;
            pause(Duration::from_millis(random.random_range(200..2_500))).await;
            nodes[at].start(installation);
        }
    };
    tokio::select! {
        () = blows => {}
        () = change_without_end(sandbox) => {}
    }
    println!("in {:?} these happened: {happened:?}", began.elapsed());
}

async fn change_without_end(sandbox: &RunningSandbox) {
    for round in 0_usize.. {
        sandbox.advance(Advance { updates: 1, deletes: 1, creates: 1, stream: Some(DELETING[round % DELETING.len()]) });
        for stream in CHANGING {
            sandbox.advance(Advance { updates: 1, stream: Some(stream), ..Advance::default() });
        }
        for stream in JOURNALS {
            sandbox.advance(Advance { creates: 1, stream: Some(stream), ..Advance::default() });
        }
        pause(Duration::from_secs(1)).await;
    }
}

#[derive(Debug, Clone, Copy)]
enum Blow {
    Kill,
    Freeze,
    Drain,
    CutOff,
    Hush,
    Broker,
}

async fn strike(installation: &Installation, nodes: &mut [Node], at: usize, blow: Blow, random: &mut StdRng) {
    // Sometimes longer than the session: others own its shards when it wakes up and goes on as if nothing had happened.
    let a_while = Duration::from_millis(random.random_range(500..9_000));
    match blow {
        Blow::Kill => nodes[at].server.take().unwrap().kill(),
        Blow::Freeze => {
            nodes[at].server().signal("STOP");
            pause(a_while).await;
            nodes[at].server().signal("CONT");
        }
        Blow::Drain => assert!(nodes[at].server.take().unwrap().stop(), "it ends in order"),
        Blow::CutOff | Blow::Hush => {
            let door = &installation.doors[at];
            door.turn(if matches!(blow, Blow::Hush) { Way::Silent } else { Way::Shut });
            pause(a_while).await;
            door.turn(Way::Open);
        }
        Blow::Broker => {
            installation.kill_broker();
            pause(Duration::from_millis(random.random_range(0..2_000))).await;
            installation.start_broker();
        }
    }
}

/// Waits until every integration is well again, and then until what was published, and what the tables hold, is what the source says.
async fn settle(installation: &Installation, sandbox: &RunningSandbox, nodes: &[Node]) {
    until_all_live(nodes[0].server()).await;
    let deadline = Instant::now() + SETTLE;
    let published = loop {
        let published = published::all(installation);
        assert!(published.twice.is_empty(), "{} are there twice: {:#?}", published.twice.len(), first(&published.twice));
        assert!(published.backwards.is_empty(), "{} are too late: {:#?}", published.backwards.len(), first(&published.backwards));
        let more_than_once = JOURNALS.iter().flat_map(|stream| published.more_than_once(*stream)).collect::<Vec<_>>();
        assert!(more_than_once.is_empty(), "{} versions are there more than once: {:#?}", more_than_once.len(), first(&more_than_once));
        let lost = lost(&published, sandbox);
        if lost.is_empty() {
            break published;
        }
        assert!(Instant::now() < deadline, "{} records are not as the source says: {:#?}", lost.len(), first(&lost));
    };
    println!("{} events were published, none of them twice, and every record is as the source says", published.events);
    let journals: usize = JOURNALS.iter().map(|stream| published.count(*stream)).sum();
    println!("{journals} of them are of streams whose versions all stay readable: each of those is there exactly once");
    let tables = PostgresHome::connect(&Secret::new(installation.database().to_owned()), PREFIX, 2).await.unwrap();
    for tenant in tenants() {
        loop {
            let differences = tokio::task::block_in_place(|| differences(&tables, sandbox, &tenant));
            if differences.is_empty() {
                break;
            }
            assert!(Instant::now() < deadline, "the tables of `{tenant}` differ: {differences:#?}");
            pause(Duration::from_millis(200)).await;
        }
    }
    println!("the tables of {} tenants equal the source", tenants().len());
}

fn first(all: &[String]) -> &[String] {
    &all[..all.len().min(20)]
}

fn lost(published: &Published, sandbox: &RunningSandbox) -> Vec<String> {
    let mut lost = Vec::new();
    for stream in Stream::ALL {
        let truth = published::truth(sandbox, stream);
        for (tenant, _) in integrations().filter(|(_, provider)| *provider == stream.provider()) {
            lost.extend(published.lost(&tenant, &truth, stream));
        }
    }
    lost
}

fn differences(tables: &PostgresHome, sandbox: &RunningSandbox, tenant: &str) -> Vec<String> {
    let theirs = |stream: &Stream| integrations().any(|of| of == (tenant.to_owned(), stream.provider()));
    let streams: Vec<Stream> = Stream::ALL.into_iter().filter(theirs).collect();
    match tables.reader(&tenant.parse().unwrap()).unwrap() {
        Some(reader) => compare::differences_in(reader.as_ref(), sandbox, &streams),
        None => vec!["there are no tables".to_owned()],
    }
}
