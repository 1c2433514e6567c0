//! The consumers of `examples/`, in three languages, on a real broker; and the contract that they go by, checked with other people's
//! programs: AsyncAPI's schema, CloudEvents' package for Python.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};
use syncline_sandbox::{Advance, Provider, Sandbox, SandboxConfig, Stream};

use crate::{
    installation::{Installation, script, until_they_own_all},
    published,
    support::{Home, Server, binary},
};

const STREAMS: [Stream; 3] = [Stream::ShopOrders, Stream::ShopCustomers, Stream::ShopProducts];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn ran(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned());
    assert!(status.success(), "{command:?}\n{stdout}\n{stderr}");
    stdout
}

pub fn python(program: &str) -> Command {
    let mut command = Command::new(script("python.sh", &[]));
    command.arg(root().join(program));
    command
}

/// The example in Rust, which building all tests has built.
fn rust_consumer() -> PathBuf {
    let target = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
    let program = target.join("examples/consumer");
    if !program.exists() {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--locked", "-p", "syncline-log", "--features", "kafka", "--example", "consumer"]);
        cargo.current_dir(root()).env("CARGO_TARGET_DIR", target.parent().unwrap());
        ran(cargo);
    }
    program
}

fn contract(arguments: &[&str]) -> String {
    let mut command = Command::new(binary());
    command.args(["events", "contract"]).args(arguments);
    ran(command)
}

/// What a consumer printed: for each stream and key the record.
fn table(text: &str) -> BTreeMap<(String, String), Value> {
    text.lines()
        .map(|line| {
            let [_, stream, key, _, data] = line.splitn(5, '\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
            ((stream.to_owned(), key.to_owned()), serde_json::from_str(data).unwrap())
        })
        .collect()
}

fn truth(sandbox: &syncline_sandbox::RunningSandbox) -> BTreeMap<(String, String), Value> {
    let mut all = BTreeMap::new();
    for stream in STREAMS {
        for row in published::truth(sandbox, stream).into_iter().filter(|row| row["deleted"] != true) {
            let key = row["key"].as_str().map_or_else(|| row["key"].to_string(), str::to_owned);
            all.insert((stream.name().to_owned(), key), row["record"].clone());
        }
    }
    all
}

struct Consumers {
    installation: Installation,
    folder: tempfile::TempDir,
    topics: &'static str,
}

impl Consumers {
    fn python(&self) -> String {
        let mut command = python("examples/consumer.py");
        command.args(["--brokers", &self.installation.brokers(), "--topics", &format!("^{}", self.topics)]);
        command.args(["--group", "copy-python", "--until-end", "--table"]).arg(self.folder.path().join("python.db"));
        ran(command)
    }

    fn rust(&self) -> String {
        let mut command = Command::new(rust_consumer());
        command.args([&self.installation.brokers(), &format!("^{}", self.topics), "copy-rust"]);
        command.arg(self.folder.path().join("rust.db")).arg("--until-end");
        ran(command)
    }

    fn console(&self) -> String {
        let mut command = Command::new(root().join("examples/consumer.sh"));
        let tool = root().join("tests/support/kafka.sh");
        let tool = format!("{} tool {} consumer.ConsoleConsumer", tool.display(), self.folder.path().display());
        command.args([&self.installation.brokers(), self.topics]).env("KAFKA_CONSOLE_CONSUMER", tool);
        ran(command)
    }

    fn equal(truth: &BTreeMap<(String, String), Value>, texts: &[(&str, String)]) {
        for (language, text) in texts {
            let found = table(text);
            let wrong = truth.iter().find(|(place, record)| found.get(*place) != Some(record));
            assert!(wrong.is_none(), "{language}: {wrong:?} and found {:?}", wrong.and_then(|(place, _)| found.get(place)));
            assert_eq!(found.len(), truth.len(), "{language} has what the source has not");
        }
    }
}

async fn read_twice(server: &Server) {
    for tenant in ["t1", "t2"] {
        let job = server.sync(tenant, Provider::Shop.name()).await;
        assert_eq!(job["outcome"], "succeeded", "{job}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_in_three_languages_have_what_the_source_says_and_every_event_keeps_the_contract() {
    if std::env::var("SYNCLINE_TEST_KAFKA").is_err() {
        return;
    }
    let consumers = Consumers { installation: Installation::start(), folder: tempfile::tempdir().unwrap(), topics: r"line\.t1\..*" };
    let sandbox = Sandbox::start(SandboxConfig { records: 1_500, ..SandboxConfig::default() }).unwrap();
    let home = Home::new();
    let server = consumers.installation.serve(&home);
    until_they_own_all(&[&server]).await;
    for tenant in ["t1", "t2"] {
        server.make_tenant(tenant).await;
        server.connect(tenant, &sandbox, Provider::Shop, json!({"every_s": 86_400})).await;
    }
    read_twice(&server).await;
    Consumers::equal(&truth(&sandbox), &[("python", consumers.python()), ("rust", consumers.rust())]);
    for stream in STREAMS {
        let deletes = if stream == Stream::ShopProducts { 0 } else { 15 };
        sandbox.advance(Advance { updates: 60, deletes, creates: 20, stream: Some(stream) });
    }
    read_twice(&server).await;
    // They go on from where they were, and the one that reads everything anew comes to the same.
    let texts = [("python", consumers.python()), ("rust", consumers.rust()), ("console", consumers.console())];
    Consumers::equal(&truth(&sandbox), &texts);

    let file = consumers.folder.path().join("contract.json");
    std::fs::write(&file, contract(&["--connector", "sandbox-shop", "--tenant", "t1", "--set", "kafka.prefix=line"])).unwrap();
    let mut check = python("tests/support/events/check_events.py");
    check.args([&consumers.installation.brokers(), r"^line\.t[12]\..*"]).arg(&file);
    let counted: Value = serde_json::from_str(&ran(check)).unwrap();
    assert!(counted["checked"].as_u64().unwrap() > 1_200, "{counted}");
    println!("events that CloudEvents' own package has read, and records checked against the contract: {counted}");
}

#[test]
fn the_contract_is_valid_asyncapi() {
    let Output { status, stdout, stderr } = Command::new(root().join("tests/support/asyncapi.sh")).output().unwrap();
    if status.code() == Some(3) {
        println!("skipped: {}", String::from_utf8_lossy(&stderr));
        return;
    }
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let schema = Path::new(String::from_utf8(stdout).unwrap().trim()).join("3.0.0.json");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("contract.json");
    let shop = ["--connector", "sandbox-shop", "--connector", "sandbox-crm", "--tenant", "acme"];
    let framed = ["--set", "kafka.bootstrap=a:9092,b:9092", "--set", "kafka.schema_registry=http://registry:8081"];
    for arguments in [&[][..], &shop[..], &framed[..], &["--set", "kafka.topic={prefix}.{tenant}"][..]] {
        std::fs::write(&file, contract(arguments)).unwrap();
        let mut check = python("tests/support/events/check_contract.py");
        check.arg(&file).arg(&schema);
        ran(check);
    }
}
