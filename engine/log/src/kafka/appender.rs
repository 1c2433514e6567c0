//! Writes to the inbox: idempotent, without transactions. A producer whose numbering and the broker's do not agree any more, as after
//! messages that timed out while the broker was away, is of no use for ever; another one is made in its place.

use std::sync::{Arc, Mutex};

use rdkafka::{
    ClientConfig,
    config::FromClientConfigAndContext,
    error::KafkaError,
    producer::{FutureProducer, FutureRecord, Producer, future_producer::Delivery},
};
use syncline_model::LogFault;

use super::{config::KafkaConfig, context::Ears, faults};
use crate::embedded::locked;

type Writing = FutureProducer<Ears>;

/// Whoever appends to the inbox.
pub struct Appender {
    config: KafkaConfig,
    current: Mutex<Arc<Writing>>,
}

impl Appender {
    /// With a producer that has not connected yet.
    pub fn open(config: &KafkaConfig) -> Result<Self, LogFault> {
        let producer = open(&config.appender(), config)?;
        Ok(Self { config: config.clone(), current: Mutex::new(Arc::new(producer)) })
    }

    /// Where it was written to. What a dead producer leaves behind is written once more by the next one: whoever asked would ask
    /// again, and everything in the inbox may come twice.
    pub async fn send<'a>(&self, record: impl Fn() -> FutureRecord<'a, str, [u8]>) -> Result<Delivery, KafkaError> {
        let producer = Arc::clone(&locked(&self.current));
        let error = match producer.send(record(), self.config.append_timeout).await {
            Ok(delivered) => return Ok(delivered),
            Err((error, _)) => error,
        };
        let Some((_, why)) = producer.client().fatal_error() else { return Err(error) };
        let Some(next) = self.instead_of(&producer, &why) else { return Err(error) };
        // Its end waits for its thread.
        tokio::task::spawn_blocking(move || drop(producer));
        next.send(record(), self.config.append_timeout).await.map_err(|(error, _)| error)
    }

    /// The one that writes from now on. Of many who find the same one dead, the first makes it.
    fn instead_of(&self, dead: &Arc<Writing>, why: &str) -> Option<Arc<Writing>> {
        let mut current = locked(&self.current);
        if Arc::ptr_eq(&current, dead) {
            tracing::warn!("the producer of the inbox cannot go on and is made anew: {why}");
            *current = match open(&self.config.appender(), &self.config) {
                Ok(producer) => Arc::new(producer),
                Err(fault) => {
                    tracing::error!("{fault}");
                    return None;
                }
            };
        }
        Some(Arc::clone(&current))
    }
}

fn open(settings: &ClientConfig, config: &KafkaConfig) -> Result<Writing, LogFault> {
    FutureProducer::from_config_and_context(settings, Ears::new(config)).map_err(|error| faults::client(&error))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use rdkafka::{
        mocking::MockCluster,
        types::{RDKafkaApiKey, RDKafkaRespErr},
    };

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_producer_that_counts_otherwise_than_the_broker_is_replaced_and_what_it_had_is_written() {
        let mock = MockCluster::new(1).unwrap();
        mock.create_topic("inbox", 1, 1).unwrap();
        let config = KafkaConfig { append_timeout: Duration::from_secs(30), ..KafkaConfig::new(mock.bootstrap_servers(), "p") };
        let appender = Appender::open(&config).unwrap();
        let append = async |body: &'static [u8]| appender.send(|| FutureRecord::to("inbox").key("t").payload(body)).await;
        append(b"before").await.unwrap();
        let before = Arc::clone(&locked(&appender.current));
        mock.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER]);
        let (one, two) = tokio::join!(append(b"one"), append(b"two"));
        assert!(one.is_ok() && two.is_ok(), "{one:?} {two:?}");
        assert!(before.client().fatal_error().is_some() && !Arc::ptr_eq(&before, &locked(&appender.current)));
        append(b"after").await.unwrap();
    }
}
