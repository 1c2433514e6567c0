//! A broker, a database and nodes, all of this test's own.

use std::{
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use rand::RngExt;

use crate::{
    doors::Door,
    support::{Home, Server, looks},
};

pub const SHARDS: u64 = 8;
/// Shorter than the default, so that the test does not mostly wait.
const SESSION_MS: u64 = 6_000;

/// Runs a script of `tests/support`, and gives what it printed last.
pub fn script(name: &str, arguments: &[&str]) -> String {
    script_with(name, arguments, &[])
}

fn script_with(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support").join(name);
    let output = Command::new(path).args(arguments).envs(environment.iter().copied()).stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{name} {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap().lines().last().unwrap_or_default().to_owned()
}

/// A port that is free, and so are the two behind it. None of those that the system gives to outgoing connections: a broker that is
/// down for a moment would find its own taken.
pub fn free_port() -> u16 {
    loop {
        let port = rand::rng().random_range(10_000..30_000);
        if (0..=2).all(|next| TcpListener::bind(("127.0.0.1", port + next)).is_ok()) {
            return port;
        }
    }
}

/// Where everything is that the nodes share.
pub struct Installation {
    folder: tempfile::TempDir,
    port: u16,
    store: String,
    settings: Vec<String>,
    /// Each leads one node to the broker.
    pub doors: Vec<Door>,
    /// Who may come in, if the broker asks.
    users: Vec<String>,
    /// The port of a second broker.
    second: Option<u16>,
}

impl Installation {
    pub fn start() -> Self {
        Self::start_with(0, &[])
    }

    /// With so many doors, and more settings for all nodes.
    pub fn start_with(doors: usize, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let store = script("postgres.sh", &["start", &at("postgres"), &free_port().to_string()]);
        let doors = (0..doors).map(|_| free_port()).map(|port| Door::new(port, port + 1)).collect();
        let settings = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let installation = Self { port: free_port(), store, folder, settings, doors, users: Vec::new(), second: None };
        std::fs::write(installation.at("listeners"), installation.listeners()).unwrap();
        installation.start_broker();
        installation
    }

    /// With two brokers, each with its share of the partitions and without copies of the other's.
    pub fn with_two_brokers() -> Self {
        let mut installation = Self::start();
        installation.second = Some(free_port());
        installation.start_second();
        installation
    }

    /// With a broker that lets only these in, and lets them do only what they have a right to.
    pub fn secured(users: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let store = script("postgres.sh", &["start", &at("postgres"), &free_port().to_string()]);
        let port = free_port();
        script("kafka-secured.sh", &[&["start", &at("kafka"), &port.to_string()], users].concat());
        let users = users.iter().map(|&user| user.to_owned()).collect();
        Self { port, store, folder, settings: Vec::new(), doors: Vec::new(), users, second: None }
    }

    /// The listener of a secured broker where whoever comes may do everything.
    pub fn open_door(&self) -> String {
        format!("127.0.0.1:{}", self.port + 2)
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

    /// The database of the store, and of the tables where they are in PostgreSQL.
    pub fn database(&self) -> &str {
        &self.store
    }

    pub fn brokers(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The broker has a name for itself behind each door.
    fn listeners(&self) -> String {
        let doors = || self.doors.iter().enumerate();
        let own = format!("PLAINTEXT://127.0.0.1:{},CONTROLLER://127.0.0.1:{}", self.port, self.port + 1);
        let behind: Vec<String> = doors().map(|(number, door)| format!(",DOOR{number}://127.0.0.1:{}", door.behind)).collect();
        let before: Vec<String> = doors().map(|(number, door)| format!(",DOOR{number}://127.0.0.1:{}", door.port)).collect();
        let protocols: Vec<String> = doors().map(|(number, _)| format!(",DOOR{number}:PLAINTEXT")).collect();
        format!(
            "listeners={own}{}\nadvertised.listeners={own}{}\n\
             listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT{}\n",
            behind.concat(),
            before.concat(),
            protocols.concat(),
        )
    }

    pub fn start_broker(&self) {
        assert!(self.users.is_empty(), "a secured broker is started with its installation");
        script_with("kafka.sh", &["start", &self.at("kafka"), &self.port.to_string()], &[("KAFKA_MORE", &self.at("listeners"))]);
        self.start_second();
    }

    fn start_second(&self) {
        if let Some(port) = self.second {
            script_with("kafka.sh", &["start", &self.at("second"), &port.to_string()], &[("KAFKA_JOINS", &self.port.to_string())]);
        }
    }

    /// Both, if there are two.
    pub fn kill_broker(&self) {
        if self.second.is_some() {
            script("kafka.sh", &["kill", &self.at("second")]);
        }
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
        self.settings_at(&self.brokers())
    }

    fn settings_at(&self, brokers: &str) -> Vec<String> {
        let ours = [
            "log.kind=kafka".to_owned(),
            format!("log.shards={SHARDS}"),
            format!("kafka.bootstrap={brokers}"),
            "kafka.prefix=line".to_owned(),
            format!("kafka.session_ms={SESSION_MS}"),
            format!("store.url={}", self.store),
            format!("tables.url={}", self.store),
            format!("vault.key_file={}", self.at("vault.key")),
        ];
        ours.into_iter().chain(self.settings.iter().cloned()).collect()
    }

    pub fn serve(&self, home: &Home) -> Server {
        home.serve_with(&self.settings())
    }

    /// A node that reaches the broker through this door.
    pub fn serve_behind(&self, door: usize, home: &Home) -> Server {
        home.serve_with(&self.settings_at(&format!("127.0.0.1:{}", self.doors[door].port)))
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        self.kill_broker();
        script("postgres.sh", &["stop", &self.at("postgres")]);
    }
}

/// What a metric of these nodes says, all its labels together.
pub async fn sum_of(nodes: &[&Server], metric: &str) -> u64 {
    let mut sum = 0;
    for node in nodes {
        let metrics = node.get("/metrics").await;
        let lines = metrics.as_str().unwrap().lines().filter(|line| line.split(['{', ' ']).next() == Some(metric));
        sum += lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum::<u64>();
    }
    sum
}

/// How many shards these nodes own together, as their metrics say.
pub async fn shards_of(nodes: &[&Server]) -> u64 {
    sum_of(nodes, "syncline_shards_owned").await
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
