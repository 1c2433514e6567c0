//! A broker that asks who comes and lets nobody do what no right allows: the rights that are documented are enough for each role, a
//! tenant's own consumer sees that tenant alone, and who is refused is told at once why.

use std::{
    num::NonZeroU16,
    process::{Command, Output},
    time::Duration,
};

use serde_json::json;
use syncline_log::{
    KafkaConfig, KafkaLog, conformance,
    kafka::{Sasl, Security, Tls},
};
use syncline_model::{
    LogFault, Secret, Shard, ShardId, Step, TenantId,
    log::{Membership, ShardChange},
};
use syncline_sandbox::{Provider, Sandbox, SandboxConfig, Stream};

use crate::{
    consumers::{python, ran},
    installation::{Installation, script, until_they_own_all},
    published,
    support::{Home, binary},
};

const USERS: [&str; 5] = ["api", "engine", "organizer", "t1", "t2"];

fn give_rights(installation: &Installation, user: &str, rights: &[&str]) {
    let mut acls = python("tests/support/kafka_acls.py");
    acls.args([&installation.open_door(), "line", user]).args(rights);
    ran(acls);
}

/// The consumer of a tenant, as its own user.
fn consumer(installation: &Installation, user: &str, topics: &str) -> Output {
    let table = installation.at(&format!("{user}-{}.db", topics.len()));
    let mut command = python("examples/consumer.py");
    command.args(["--brokers", &installation.brokers(), "--topics", topics, "--group", &format!("{user}-copy"), "--until-end"]);
    for setting in [
        "security.protocol=SASL_SSL",
        "sasl.mechanism=SCRAM-SHA-512",
        &format!("ssl.ca.location={}", installation.authority()),
        &format!("sasl.username={user}"),
        &format!("sasl.password={user}-password"),
    ] {
        command.args(["--set", setting]);
    }
    command.args(["--table", &table]).output().unwrap()
}

fn doctor(settings: &[String]) -> (bool, String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(binary());
    command.args(["doctor", "--set", "api.listen=127.0.0.1:0", "--folder"]).arg(folder.path());
    command.args(settings.iter().flat_map(|setting| ["--set", setting]));
    let output = command.output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documented_rights_are_enough_for_each_role_and_a_tenant_sees_only_its_own() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::secured(&USERS);
    for (user, roles) in [("api", &["api"][..]), ("engine", &["engine", "api"]), ("organizer", &["organizer", "api"])] {
        give_rights(&installation, user, roles);
    }
    for tenant in ["t1", "t2"] {
        give_rights(&installation, tenant, &["--tenant", tenant]);
    }
    let sandbox = Sandbox::start(SandboxConfig { records: 300, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    // One of them shows a token instead of a password.
    let token = installation.at("token");
    std::fs::write(&token, script("kafka-secured.sh", &["token", &installation.at("kafka"), "engine"])).unwrap();
    let mut with_token = installation.settings_of("engine");
    with_token.extend(["kafka.sasl=oauth_bearer".to_owned(), format!("kafka.token_file={token}")]);
    let engine = home.serve_as("api,engine", &with_token);
    let (api_home, organizer_home) = (Home::of_node(&engine.key), Home::of_node(&engine.key));
    let api = api_home.serve_as("api", &installation.settings_of("api"));
    let organizer = organizer_home.serve_as("api,organizer", &installation.settings_of("organizer"));
    until_they_own_all(&[&engine]).await;
    // What the node of the API is asked goes through the inbox to the one that reads.
    for tenant in ["t1", "t2"] {
        api.make_tenant(tenant).await;
        api.connect(tenant, &sandbox, Provider::Shop, json!({"every_s": 1})).await;
        api.until_state(tenant, Provider::Shop.name(), "live").await;
    }
    organizer_home.until_equal("t1", &sandbox, &[Stream::ShopOrders, Stream::ShopCustomers, Stream::ShopProducts]).await;
    assert!(!api.events("t1").await.is_empty(), "the API reads a tenant's events");
    assert!(!engine.events("t2").await.is_empty(), "with a token too");

    let truth = published::truth(&sandbox, Stream::ShopOrders).len();
    let own = consumer(&installation, "t1", r"^line\..*");
    let lines = String::from_utf8(own.stdout).unwrap();
    assert!(own.status.success(), "{}", String::from_utf8_lossy(&own.stderr));
    assert_eq!(lines.lines().filter(|line| line.starts_with("shop\torders\t")).count(), truth, "its own, once");
    let other = consumer(&installation, "t1", "line.t2.sandbox-shop.orders");
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(!other.status.success() && said.contains("Topic authorization failed"), "{said}");

    // Every node ends in order: no right is missing for that either.
    assert!(organizer.stop() && api.stop() && engine.stop());
    for output in [home.output(), api_home.output(), organizer_home.output()] {
        assert!(!output.contains("uthorization"), "{output}");
    }
}

fn log_of(installation: &Installation, user: &str) -> KafkaConfig {
    let tls = Tls { ca_file: Some(installation.authority().into()), ..Tls::default() };
    let password = Secret::new(format!("{user}-password"));
    KafkaConfig {
        shards: NonZeroU16::MIN,
        forbidden_for: Duration::from_secs(3),
        security: Security { tls: Some(tls), sasl: Some(Sasl::ScramSha512 { username: user.to_owned(), password }) },
        ..KafkaConfig::new(installation.brokers(), "line")
    }
}

fn step(tenant: &TenantId, from: u64) -> Step {
    let mut step = Step::default();
    step.push([conformance::event(tenant, "1", &from.to_string())], conformance::advance(tenant, from, "x"));
    step
}

/// Commits a step with whoever owns the only shard now. Being fenced means that it is taken over anew.
async fn commit(shard: &mut Box<dyn Shard>, membership: &mut dyn Membership, tenant: &TenantId, from: u64) -> Result<(), LogFault> {
    loop {
        match shard.commit(step(tenant, from)).await {
            Err(LogFault::Fenced(_)) => {}
            done => return done,
        }
        while let Some(change) = membership.next().await.unwrap() {
            if let ShardChange::Assigned(anew) = change {
                *shard = anew;
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_right_that_is_taken_away_is_named_to_whom_it_concerns_and_the_others_of_the_shard_go_on() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::secured(&["engine"]);
    give_rights(&installation, "engine", &["engine", "api"]);
    let log = KafkaLog::open(log_of(&installation, "engine")).await.unwrap();
    let (mut shards, mut membership) = conformance::own(&log).await;
    let mut shard = shards.remove(&ShardId(0)).unwrap();
    let (t1, t2) = (conformance::tenant("t1"), conformance::tenant("t2"));
    for tenant in [&t1, &t2] {
        commit(&mut shard, membership.as_mut(), tenant, 0).await.unwrap();
    }
    let topic = "line.t1.sandbox-shop.orders";
    give_rights(&installation, "engine", &["--take", topic]);
    let refused = commit(&mut shard, membership.as_mut(), &t1, 1).await.unwrap_err().to_string();
    assert!(refused.contains(topic) && refused.contains("authorization failed"), "{refused}");
    for from in 1..4 {
        commit(&mut shard, membership.as_mut(), &t2, from).await.unwrap();
    }
    give_rights(&installation, "engine", &["--give", topic]);
    let again = async {
        // It is believed for a while that the topic is forbidden.
        let mut tries = tokio::time::interval(Duration::from_millis(200));
        while let Err(fault) = commit(&mut shard, membership.as_mut(), &t1, 1).await {
            assert!(fault.to_string().contains(topic), "{fault}");
            tries.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.unwrap();
    assert_eq!(conformance::bodies(&log, &t1).await, ["0", "1"]);
    assert_eq!(conformance::bodies(&log, &t2).await, ["0", "1", "2", "3"]);
    drop((shard, membership));
    assert!(log.close().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_way_to_say_who_we_are_works_and_whoever_is_refused_is_told_why() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let installation = Installation::secured(&["engine"]);
    let folder = installation.at("kafka");
    let file = |name: &str, text: &str| {
        std::fs::write(installation.at(name), text).unwrap();
        format!("kafka.token_file={}", installation.at(name))
    };
    let token = script("kafka-secured.sh", &["token", &folder, "engine"]);
    let good = file("token", &token);
    let forged = file("forged", &format!("{}AAAA", &token[..token.len() - 4]));
    let opaque = file("opaque", "opaque");
    let other = format!("kafka.tls_ca_file={folder}/other.crt");
    let base = installation.settings_of("engine");
    let with = |more: &[&str]| {
        let mut settings = base.clone();
        settings.extend(more.iter().map(|&setting| setting.to_owned()));
        doctor(&settings)
    };
    for well in [&[][..], &["kafka.sasl=scram_sha256"], &["kafka.sasl=plain"], &["kafka.sasl=oauth_bearer", &good]] {
        let (fine, said) = with(well);
        assert!(fine && said.contains("1 brokers answer"), "{well:?}: {said}");
    }
    for (wrong, why) in [
        (&["kafka.password=wrong"][..], "invalid credentials with SASL mechanism SCRAM-SHA-512; look at `kafka.sasl`, `kafka.username`"),
        (&["kafka.sasl=plain", "kafka.password=wrong"], "Authentication failed: Invalid username or password"),
        (&["kafka.sasl=oauth_bearer", &forged], "look at `kafka.sasl`"),
        (&["kafka.sasl=oauth_bearer", &opaque], "holds no JSON Web Token with `exp` and `sub`"),
        (&[&other], "certificate verify failed"),
        (&["kafka.tls_ca_file=/nowhere/ca.crt"], "`kafka.tls_ca_file`: `/nowhere/ca.crt` cannot be read"),
        (&["kafka.tls=false"], "if they want TLS, `kafka.tls` must be on"),
    ] {
        let (fine, said) = with(wrong);
        assert!(!fine && said.contains(why), "{wrong:?}: {said}");
        assert!(!said.contains("engine-password") && !said.contains(&token[..20]), "{said}");
    }
    // Whoever starts is told the same, and does not start.
    let home = tempfile::tempdir().unwrap();
    let mut serve = Command::new(binary());
    serve.args(["serve", "--folder"]).arg(home.path()).args(base.iter().flat_map(|setting| ["--set", setting]));
    let output = serve.args(["--set", "kafka.password=wrong"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && said.contains("invalid credentials"), "{said}");
}
