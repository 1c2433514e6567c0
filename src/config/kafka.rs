//! `[kafka]`: how the event log reaches its brokers.

use std::{fmt, num::NonZeroUsize, path::PathBuf};

use serde::Deserialize;
use syncline_model::Secret;

use super::{Problem, problem};

/// A password in the configuration.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(Secret);

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for Password {}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

impl Password {
    /// What it is.
    pub fn secret(&self) -> &Secret {
        &self.0
    }

    fn is_empty(&self) -> bool {
        self.0.expose().is_empty()
    }
}

/// How brokers know who we are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sasl {
    /// They do not ask.
    None,
    /// Name and password; only with TLS.
    Plain,
    /// Name and password, proven without being sent.
    ScramSha256,
    /// The same with the longer digest.
    ScramSha512,
    /// A token from a file.
    OauthBearer,
}

/// How messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// Fast.
    Lz4,
    /// Small.
    Zstd,
    /// Known everywhere.
    Gzip,
    /// Where it is the habit.
    Snappy,
}

/// The brokers, and what we ask of them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kafka {
    /// Some brokers.
    pub bootstrap: String,
    /// The first part of every name.
    pub prefix: String,
    /// How topics of events are named.
    pub topic: String,
    /// Partitions of a new topic of events.
    pub event_partitions: u16,
    /// Copies of a new topic; 0 leaves it to the brokers.
    pub replication: u16,
    /// Copies that must be in sync for a write; 0 leaves it to the brokers.
    pub min_insync: u16,
    /// Steps that come within this time share a transaction.
    pub batch_ms: u64,
    /// How many transactions of a shard may be under way at the same time.
    pub lanes: NonZeroUsize,
    /// How messages are compressed.
    pub compression: Compression,
    /// A node that is silent for this long has lost its shards.
    pub session_ms: u64,
    /// TLS towards the brokers.
    pub tls: bool,
    /// Authorities.
    pub tls_ca_file: PathBuf,
    /// Our certificate.
    pub tls_certificate_file: PathBuf,
    /// Its key.
    pub tls_key_file: PathBuf,
    /// The password of the key.
    pub tls_key_password: Password,
    /// How brokers know who we are.
    pub sasl: Sasl,
    /// The name.
    pub username: String,
    /// The password.
    pub password: Password,
    /// The file with a token.
    pub token_file: PathBuf,
    /// Where a schema registry is.
    pub schema_registry: String,
    /// Our name there.
    pub schema_registry_username: String,
    /// Our password there.
    pub schema_registry_password: Password,
    /// Settings of librdkafka, as `name=value`.
    pub extra: Vec<String>,
}

impl Kafka {
    /// What is wrong with it, if the event log is on Kafka.
    pub(super) fn check(&self, store_url: &str) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut say = |wrong: bool, why: &str| {
            if wrong {
                problems.push(problem("configuration", why));
            }
        };
        say(self.bootstrap.is_empty(), "`kafka.bootstrap` must name some brokers when `log.kind` is `kafka`");
        say(
            !store_url.starts_with("postgres"),
            "`store.url` must begin with `postgres://` when `log.kind` is `kafka`, because several nodes share it",
        );
        say(self.session_ms < 1000, "`kafka.session_ms` must be at least 1000");
        say(self.event_partitions == 0, "`kafka.event_partitions` must be at least 1");
        let named = matches!(self.sasl, Sasl::Plain | Sasl::ScramSha256 | Sasl::ScramSha512);
        say(named && (self.username.is_empty() || self.password.is_empty()), "`kafka.sasl` wants `kafka.username` and `kafka.password`");
        say(self.sasl == Sasl::Plain && !self.tls, "`kafka.sasl = \"plain\"` sends the password as it is: `kafka.tls` must be on");
        say(
            self.sasl == Sasl::OauthBearer && self.token_file.as_os_str().is_empty(),
            "`kafka.sasl = \"oauth_bearer\"` wants `kafka.token_file`",
        );
        say(self.extra.iter().any(|pair| !pair.contains('=')), "`kafka.extra` must be of the form NAME=VALUE");
        let http = |url: &str| url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        say(
            !self.schema_registry.is_empty() && !http(&self.schema_registry),
            "`kafka.schema_registry` must be a URL, as `https://registry:8081`",
        );
        #[cfg(feature = "kafka")]
        if let Err(why) = syncline_log::kafka::Names::new(&self.prefix, &self.topic) {
            say(true, &format!("`kafka.topic`: {why}"));
        }
        problems
    }

    /// What the log wants to know.
    #[cfg(feature = "kafka")]
    pub fn log_config(&self, log: &super::Log) -> syncline_log::KafkaConfig {
        use std::time::Duration;
        use syncline_log::kafka::{Compression as Kind, KafkaConfig, Sasl as Who, Security, Tls};
        let file = |path: &PathBuf| (!path.as_os_str().is_empty()).then(|| path.clone());
        let (username, password) = (self.username.clone(), self.password.0.clone());
        let sasl = match self.sasl {
            Sasl::None => None,
            Sasl::Plain => Some(Who::Plain { username, password }),
            Sasl::ScramSha256 => Some(Who::ScramSha256 { username, password }),
            Sasl::ScramSha512 => Some(Who::ScramSha512 { username, password }),
            Sasl::OauthBearer => Some(Who::OauthBearer { token_file: self.token_file.clone() }),
        };
        let tls = self.tls.then(|| Tls {
            ca_file: file(&self.tls_ca_file),
            certificate_file: file(&self.tls_certificate_file),
            key_file: file(&self.tls_key_file),
            key_password: (!self.tls_key_password.is_empty()).then(|| self.tls_key_password.0.clone()),
        });
        let extra = self.extra.iter().filter_map(|pair| pair.split_once('='));
        KafkaConfig {
            topic_template: self.topic.clone(),
            shards: log.shards,
            event_partitions: self.event_partitions,
            replication: (self.replication > 0).then_some(self.replication),
            min_insync: (self.min_insync > 0).then_some(self.min_insync),
            retention: (log.retention_days > 0).then(|| Duration::from_secs(u64::from(log.retention_days) * 86_400)),
            event_bytes_max: log.event_bytes_max,
            batch: Duration::from_millis(self.batch_ms),
            lanes: self.lanes,
            compression: match self.compression {
                Compression::None => Kind::None,
                Compression::Lz4 => Kind::Lz4,
                Compression::Zstd => Kind::Zstd,
                Compression::Gzip => Kind::Gzip,
                Compression::Snappy => Kind::Snappy,
            },
            session_timeout: Duration::from_millis(self.session_ms),
            security: Security { tls, sasl },
            extra: extra.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect(),
            ..KafkaConfig::new(&self.bootstrap, &self.prefix)
        }
    }
}
