//! Which event log runs, as configured: a file on this machine, or Kafka.

use std::sync::Arc;

use anyhow::Context;
use syncline_log::EmbeddedLog;
use syncline_model::EventLog;

#[cfg(feature = "kafka")]
use crate::registry::Registry;
use crate::{
    catalog::Catalog,
    config::{Config, LogKind},
    wiring,
};

/// The event log of this process.
#[derive(Clone)]
pub enum Log {
    /// A file.
    Embedded(EmbeddedLog),
    /// Kafka.
    #[cfg(feature = "kafka")]
    Kafka(syncline_log::KafkaLog),
}

impl Log {
    /// Opens it.
    pub async fn open(config: &Config, catalog: &Catalog) -> anyhow::Result<Self> {
        match config.log.kind {
            LogKind::Embedded => Ok(Self::Embedded(wiring::open_log(config)?)),
            LogKind::Kafka => Self::kafka(config, catalog).await,
        }
    }

    #[cfg(feature = "kafka")]
    async fn kafka(config: &Config, catalog: &Catalog) -> anyhow::Result<Self> {
        let mut wanted = config.kafka.log_config(&config.log);
        wanted.schemas = Registry::of(&config.kafka, catalog)?.map(|registry| registry as Arc<dyn syncline_log::kafka::Schemas>);
        let opened = syncline_log::KafkaLog::open(wanted).await;
        Ok(Self::Kafka(opened.with_context(|| format!("the event log on Kafka at `{}`", config.kafka.bootstrap))?))
    }

    #[cfg(not(feature = "kafka"))]
    async fn kafka(_: &Config, _: &Catalog) -> anyhow::Result<Self> {
        std::future::ready(Err(anyhow::anyhow!("this program was built without Kafka")))
            .await
            .context("`log.kind` is `kafka`: build with `--features kafka`, as `make release` does")
    }

    /// The port.
    pub fn port(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Embedded(log) => Arc::new(log.clone()),
            #[cfg(feature = "kafka")]
            Self::Kafka(log) => Arc::new(log.clone()),
        }
    }

    /// Other nodes may have opened the same log.
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Embedded(_) => false,
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => true,
        }
    }

    /// How many events it holds, where that can be told.
    pub async fn events(&self) -> anyhow::Result<u64> {
        match self {
            Self::Embedded(log) => Ok(log.stats().await?.events),
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => anyhow::bail!("the events in Kafka are not counted"),
        }
    }

    /// Waits until everything that this node held is given back.
    #[cfg_attr(not(feature = "kafka"), allow(clippy::unused_async, reason = "only Kafka has to be asked"))]
    pub async fn close(&self) {
        match self {
            Self::Embedded(_) => {}
            #[cfg(feature = "kafka")]
            Self::Kafka(log) => {
                if !log.close().await {
                    tracing::warn!("the brokers did not answer; the other nodes take over when the session ends");
                }
            }
        }
    }
}
