//! Where events wait: the `EventLog` port on embedded storage and on Apache Kafka, and the suite that every implementation passes.
//! What the events mean, and who may write them, is decided elsewhere.

pub mod embedded;
#[cfg(feature = "kafka")]
pub mod kafka;
pub mod metrics;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use embedded::{EmbeddedConfig, EmbeddedLog};
#[cfg(feature = "kafka")]
pub use kafka::{KafkaConfig, KafkaLog};
