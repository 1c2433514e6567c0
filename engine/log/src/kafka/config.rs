//! What the log on Kafka can be told, and how it becomes settings of librdkafka. Secrets stay `Secret` until librdkafka gets them.

use std::{
    num::{NonZeroU16, NonZeroUsize},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use rdkafka::ClientConfig;
use syncline_model::{LogFault, Secret};

use super::{framing::Schemas, names::Names};

/// How messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast, and the default.
    #[default]
    Lz4,
    /// The smallest.
    Zstd,
    /// Understood by everything.
    Gzip,
    /// For clusters that have settled on it.
    Snappy,
}

impl Compression {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
        }
    }
}

/// TLS towards the brokers.
#[derive(Debug, Clone, Default)]
pub struct Tls {
    /// The authorities that the brokers' certificates come from; those of the system, if absent.
    pub ca_file: Option<PathBuf>,
    /// Our own certificate, where brokers ask for one.
    pub certificate_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
    /// The password of the key.
    pub key_password: Option<Secret>,
}

/// Who we are.
#[derive(Debug, Clone)]
pub enum Sasl {
    /// Name and password, in the clear: only with TLS.
    Plain {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// Name and password, proven without being sent.
    ScramSha256 {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// The same with the longer digest.
    ScramSha512 {
        /// The name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A JSON Web Token from a file that something else keeps fresh, as Kubernetes does; it is read again before it expires.
    OauthBearer {
        /// The file.
        token_file: PathBuf,
    },
}

/// How we reach the brokers and who we are there.
#[derive(Debug, Clone, Default)]
pub struct Security {
    /// TLS, if it is on.
    pub tls: Option<Tls>,
    /// SASL, if it is on.
    pub sasl: Option<Sasl>,
}

impl Security {
    fn protocol(&self) -> &'static str {
        match (&self.tls, &self.sasl) {
            (None, None) => "PLAINTEXT",
            (Some(_), None) => "SSL",
            (None, Some(_)) => "SASL_PLAINTEXT",
            (Some(_), Some(_)) => "SASL_SSL",
        }
    }

    fn apply(&self, config: &mut ClientConfig) {
        config.set("security.protocol", self.protocol());
        if let Some(tls) = &self.tls {
            let files = [
                ("ssl.ca.location", &tls.ca_file),
                ("ssl.certificate.location", &tls.certificate_file),
                ("ssl.key.location", &tls.key_file),
            ];
            for (name, file) in files {
                if let Some(file) = file {
                    config.set(name, file.display().to_string());
                }
            }
            if let Some(password) = &tls.key_password {
                config.set("ssl.key.password", password.expose());
            }
        }
        let (mechanism, named) = match &self.sasl {
            None => return,
            Some(Sasl::Plain { username, password }) => ("PLAIN", Some((username, password))),
            Some(Sasl::ScramSha256 { username, password }) => ("SCRAM-SHA-256", Some((username, password))),
            Some(Sasl::ScramSha512 { username, password }) => ("SCRAM-SHA-512", Some((username, password))),
            Some(Sasl::OauthBearer { .. }) => ("OAUTHBEARER", None),
        };
        config.set("sasl.mechanism", mechanism);
        if let Some((username, password)) = named {
            config.set("sasl.username", username).set("sasl.password", password.expose());
        }
    }

    /// Whether the files are there; librdkafka's own message names neither the file nor the setting.
    pub(super) fn check_files(&self) -> Result<(), LogFault> {
        let tls = self.tls.clone().unwrap_or_default();
        let files = [
            ("tls_ca_file", tls.ca_file),
            ("tls_certificate_file", tls.certificate_file),
            ("tls_key_file", tls.key_file),
            ("token_file", self.token_file().cloned()),
        ];
        for (name, file) in files.into_iter().filter_map(|(name, file)| Some((name, file?))) {
            std::fs::read(&file)
                .map_err(|error| LogFault::Unavailable(format!("`kafka.{name}`: `{}` cannot be read: {error}", file.display())))?;
        }
        Ok(())
    }

    /// The file with our token, if we have one.
    pub(super) fn token_file(&self) -> Option<&PathBuf> {
        match &self.sasl {
            Some(Sasl::OauthBearer { token_file }) => Some(token_file),
            Some(Sasl::Plain { .. } | Sasl::ScramSha256 { .. } | Sasl::ScramSha512 { .. }) | None => None,
        }
    }
}

/// What the log on Kafka can be told.
#[derive(Debug, Clone)]
pub struct KafkaConfig {
    /// `host:port` of some brokers, separated by commas.
    pub bootstrap: String,
    /// The first part of every topic, group and transactional id: one for each installation.
    pub prefix: String,
    /// How the topics of events are named: `{prefix}`, `{tenant}`, `{connector}` and `{stream}`, separated by dots.
    pub topic_template: String,
    /// How many shards a new log gets. An existing one keeps its number.
    pub shards: NonZeroU16,
    /// How many partitions a new topic of events gets.
    pub event_partitions: u16,
    /// How many copies a new topic gets; what the brokers do by default, if absent.
    pub replication: Option<u16>,
    /// How many copies must be in sync for a write; what the brokers do by default, if absent.
    pub min_insync: Option<u16>,
    /// Events older than this are removed; never, if absent.
    pub retention: Option<Duration>,
    /// The largest event: its key, headers and body.
    pub event_bytes_max: usize,
    /// Steps that come within this time may share a transaction.
    pub batch: Duration,
    /// How many transactions of a shard may be under way at the same time; each beyond the first costs a producer while it is used.
    pub lanes: NonZeroUsize,
    /// How messages are compressed.
    pub compression: Compression,
    /// A node that is silent for this long has lost its shards.
    pub session_timeout: Duration,
    /// A transaction that takes longer is aborted by the broker.
    pub transaction_timeout: Duration,
    /// How long an append to the inbox may take.
    pub append_timeout: Duration,
    /// For how long a topic is not written to after brokers have refused it.
    pub forbidden_for: Duration,
    /// How we reach the brokers and who we are there.
    pub security: Security,
    /// Values are in the wire format of a schema registry, under the schemas that this one knows; plain, if absent.
    pub schemas: Option<Arc<dyn Schemas>>,
    /// Settings of librdkafka that are passed on as they are.
    pub extra: Vec<(String, String)>,
}

impl KafkaConfig {
    /// A log on these brokers under this prefix, with 64 shards.
    pub fn new(bootstrap: impl Into<String>, prefix: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            prefix: prefix.into(),
            topic_template: "{prefix}.{tenant}.{connector}.{stream}".to_owned(),
            shards: NonZeroU16::new(64).unwrap_or(NonZeroU16::MIN),
            event_partitions: 1,
            replication: None,
            min_insync: None,
            retention: None,
            event_bytes_max: 1_000_000,
            batch: Duration::from_millis(100),
            lanes: NonZeroUsize::new(2).unwrap_or(NonZeroUsize::MIN),
            compression: Compression::default(),
            session_timeout: Duration::from_secs(10),
            transaction_timeout: Duration::from_secs(30),
            append_timeout: Duration::from_secs(10),
            forbidden_for: Duration::from_secs(45),
            security: Security::default(),
            schemas: None,
            extra: Vec::new(),
        }
    }

    /// The names of everything in Kafka, or what is wrong with them.
    pub fn names(&self) -> Result<Names, LogFault> {
        Names::new(&self.prefix, &self.topic_template).map_err(LogFault::Unavailable)
    }

    /// The largest message a broker must take: an event, and what Kafka puts around it.
    pub(super) fn message_bytes_max(&self) -> usize {
        self.event_bytes_max + 64 * 1024
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.bootstrap)
            .set("client.id", format!("syncline-{}", self.prefix))
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", "2000")
            .set("receive.message.max.bytes", (self.message_bytes_max() * 2 + 64 * 1024 * 1024).to_string())
            .set("topic.metadata.refresh.interval.ms", "5000");
        self.security.apply(&mut config);
        for (name, value) in &self.extra {
            config.set(name, value);
        }
        config
    }

    /// For questions about topics.
    pub(super) fn admin(&self) -> ClientConfig {
        self.client()
    }

    /// For the inbox: idempotent, no transactions.
    pub(super) fn appender(&self) -> ClientConfig {
        let mut config = self.producer();
        config.set("enable.idempotence", "true").set("linger.ms", "2");
        config.set("message.timeout.ms", self.append_timeout.as_millis().to_string());
        config
    }

    /// For the steps of one shard.
    pub(super) fn transactional(&self, id: &str) -> ClientConfig {
        let mut config = self.producer();
        config.set("transactional.id", id).set("transaction.timeout.ms", self.transaction_timeout.as_millis().to_string());
        config.set("linger.ms", "5");
        // A topic that is gone is noticed by writing to it; idle shards need not look.
        config.set("topic.metadata.refresh.interval.ms", "60000");
        config
    }

    fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("acks", "all")
            // Java's own choice of a partition for a key, so that other producers and stream processors agree with us.
            .set("partitioner", "murmur2_random")
            // A topic that is not there is gone after this long; one that was just made is known sooner.
            .set("topic.metadata.propagation.max.ms", "8000")
            .set("compression.type", self.compression.as_str())
            .set("message.max.bytes", self.message_bytes_max().to_string())
            .set("queue.buffering.max.kbytes", (32 * 1024 + 2 * self.message_bytes_max() / 1024).to_string())
            .set("queue.buffering.max.messages", "200000");
        config
    }

    /// For reading: committed transactions only, offsets are ours to keep.
    pub(super) fn consumer(&self, group: &str) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("isolation.level", "read_committed")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "true")
            .set("fetch.wait.max.ms", "50")
            .set("fetch.error.backoff.ms", "20")
            .set("fetch.queue.backoff.ms", "20")
            .set("topic.metadata.refresh.fast.interval.ms", "20")
            .set("queued.max.messages.kbytes", "8192")
            .set("fetch.message.max.bytes", self.message_bytes_max().max(1 << 20).to_string());
        config
    }

    /// For members of a group.
    pub(super) fn member(&self, group: &str) -> ClientConfig {
        let mut config = self.consumer(group);
        let session = self.session_timeout.as_millis();
        config
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", session.to_string())
            // A node that leaves is noticed by the others with their next heartbeat.
            .set("heartbeat.interval.ms", (session / 12).clamp(100, 500).to_string());
        config
    }
}
