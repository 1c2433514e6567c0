//! A broker, a database and nodes, all of this test's own.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::support::{Home, Server, looks};

pub const SHARDS: u64 = 8;
/// Shorter than the default, so that the test does not mostly wait.
const SESSION_MS: u64 = 6_000;

/// Runs a script of `tests/support`, and gives what it printed last.
pub fn script(name: &str, arguments: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(name);
    let output = Command::new(path).args(arguments).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{name} {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap().lines().last().unwrap_or_default().to_owned()
}

/// A port that is free, and so are the two behind it.
fn free_port() -> String {
    loop {
        let first = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = first.local_addr().unwrap().port();
        if port < 60_000 && (1..=2).all(|next| TcpListener::bind(("127.0.0.1", port + next)).is_ok()) {
            return port.to_string();
        }
    }
}

/// Where everything is that the nodes share.
pub struct Installation {
    folder: tempfile::TempDir,
    port: String,
    store: String,
    /// Who may come in, if the broker asks.
    users: Vec<String>,
}

impl Installation {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let store = script("postgres.sh", &["start", &at("postgres"), &free_port()]);
        let installation = Self { port: free_port(), store, folder, users: Vec::new() };
        installation.start_broker();
        installation
    }

    /// With a broker that lets only these in, and lets them do only what they have a right to.
    pub fn secured(users: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let store = script("postgres.sh", &["start", &at("postgres"), &free_port()]);
        let port = free_port();
        script("kafka-secured.sh", &[&["start", &at("kafka"), &port], users].concat());
        Self { port, store, folder, users: users.iter().map(|&user| user.to_owned()).collect() }
    }

    /// The listener of a secured broker where whoever comes may do everything.
    pub fn open_door(&self) -> String {
        format!("127.0.0.1:{}", self.port.parse::<u16>().unwrap() + 2)
    }

    /// Who signed the certificate of a secured broker.
    pub fn authority(&self) -> String {
        self.at("kafka/ca.crt")
    }

    /// The settings of a node of this user of a secured broker.
    pub fn settings_of(&self, user: &str) -> Vec<String> {
        let mut settings = self.settings();
        settings.extend([
            "kafka.tls=true".to_owned(),
            format!("kafka.tls_ca_file={}", self.authority()),
            "kafka.sasl=scram_sha512".to_owned(),
            format!("kafka.username={user}"),
            format!("kafka.password={user}-password"),
        ]);
        settings
    }

    pub fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub fn start_broker(&self) {
        assert!(self.users.is_empty(), "a secured broker is started with its installation");
        script("kafka.sh", &["start", &self.at("kafka"), &self.port]);
    }

    pub fn kill_broker(&self) {
        script("kafka.sh", &["kill", &self.at("kafka")]);
    }

    /// One of Kafka's own programs.
    pub fn kafka_tool(&self, arguments: &[&str]) -> Command {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/kafka.sh");
        let mut command = Command::new(path);
        command.arg("tool").arg(self.at("kafka")).args(arguments);
        command
    }

    pub fn settings(&self) -> Vec<String> {
        vec![
            "log.kind=kafka".to_owned(),
            format!("log.shards={SHARDS}"),
            format!("kafka.bootstrap={}", self.brokers()),
            "kafka.prefix=line".to_owned(),
            format!("kafka.session_ms={SESSION_MS}"),
            format!("store.url={}", self.store),
            format!("vault.key_file={}", self.at("vault.key")),
        ]
    }

    pub fn serve(&self, home: &Home) -> Server {
        home.serve_with(&self.settings())
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.kill_broker();
        script("postgres.sh", &["stop", &self.at("postgres")]);
    }
}

/// How many shards these nodes own together, as their metrics say.
pub async fn shards_of(nodes: &[&Server]) -> u64 {
    let mut sum = 0;
    for node in nodes {
        let metrics = node.get("/metrics").await;
        let line = metrics.as_str().unwrap().lines().find_map(|line| line.strip_prefix("syncline_shards_owned ").map(str::to_owned));
        sum += line.and_then(|number| number.trim().parse::<u64>().ok()).unwrap_or(0);
    }
    sum
}

/// Waits until these nodes own everything, and says how long that took.
pub async fn until_they_own_all(nodes: &[&Server]) -> Duration {
    let (began, mut looks) = (Instant::now(), looks());
    while shards_of(nodes).await < SHARDS {
        looks.tick().await;
        assert!(began.elapsed() < Duration::from_secs(90), "the shards have no owners");
    }
    began.elapsed()
}
