//! One transactional producer: a draft becomes visible whole or not at all, and the outcome is always known or the shard is given up.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use rdkafka::{
    ClientContext, Message,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};
use syncline_model::{LogFault, ShardId};

use super::{
    clock::Clock,
    config::KafkaConfig,
    context::Ears,
    faults,
    framing::{Schema, Schemas},
    held::Draft,
    names::{Names, TopicsOf},
    polled::Polled,
    raw,
};
use crate::{embedded::locked, metrics};

/// One call of librdkafka; between two it is asked whether the shard is still ours.
const CALL: Duration = Duration::from_secs(5);
const QUEUE_FULL: Duration = Duration::from_millis(5);
/// No event: a record of our own.
const OWN: usize = usize::MAX;

/// Why a draft is not durable.
#[derive(Debug)]
pub enum Refusal {
    /// The shard has another owner, or the outcome cannot be known by us any more: the next owner reads it.
    Lost(String),
    /// The topic of an event is gone; make it again and try again.
    NoTopic,
    /// We may not write to these topics any more. Nothing of it is durable; librdkafka often cannot go on with the producer after that.
    Forbidden { topics: Vec<String>, lost: bool },
    /// The broker does not take this event, counted in the draft.
    TooLarge(usize),
    /// Nothing of it is durable, and no message of it is to blame: what came before it is, such as one that was too large.
    Again(String),
    /// Nothing of it is durable.
    Aborted(LogFault),
}

struct Failed {
    index: usize,
    code: RDKafkaErrorCode,
    topic: String,
}

/// Hears how messages were delivered.
pub struct Reports {
    ears: Ears,
    clock: Clock,
    failed: Mutex<Option<Failed>>,
    forbidden: Mutex<Vec<String>>,
}

/// The topic that librdkafka names when a broker does not let it take part in a transaction; it says so nowhere else.
fn forbidden_topic(message: &str) -> Option<&str> {
    let (_, named) = message.split_once("Failed to add partition \"")?;
    let (topic, why) = named.split_once('"')?;
    why.contains("Topic authorization failed").then_some(topic)
}

impl ClientContext for Reports {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if let Some(topic) = forbidden_topic(message) {
            locked(&self.forbidden).push(topic.to_owned());
        }
        self.ears.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.ears.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.ears.generate_oauth_token(config)
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, report: &DeliveryResult<'_>, index: usize) {
        if let (Ok(message), OWN) = (report, index)
            && let rdkafka::Timestamp::LogAppendTime(taken_ms) = message.timestamp()
        {
            self.clock.hear(taken_ms);
        }
        let Err((KafkaError::MessageProduction(code), message)) = report else { return };
        // What librdkafka threw away because of another failure is no cause.
        if matches!(code, RDKafkaErrorCode::PurgeQueue | RDKafkaErrorCode::PurgeInflight) {
            return;
        }
        let mut failed = locked(&self.failed);
        // The first one is the cause.
        if failed.is_none() {
            *failed = Some(Failed { index, code: *code, topic: message.topic().to_owned() });
        }
    }
}

/// The producer of one lane of a shard.
pub struct Transactions {
    polled: Polled<Reports>,
    shard: ShardId,
    names: Names,
    schemas: Option<Arc<dyn Schemas>>,
}

impl Transactions {
    /// Takes a lane of the shard over: whoever had it can commit nothing any more, and what it left open is aborted.
    pub fn take_over(config: &KafkaConfig, names: &Names, shard: ShardId, lane: usize, stop: &dyn Fn() -> bool) -> Result<Self, LogFault> {
        let context = Reports { ears: Ears::new(config), clock: Clock::default(), failed: Mutex::default(), forbidden: Mutex::default() };
        let settings = config.transactional(&names.transactional(shard, lane));
        let polled = Polled::open(&settings, context)?;
        while !stop() {
            let _busy = polled.busy();
            let done = polled.producer().init_transactions(CALL);
            match done {
                Ok(()) => break,
                Err(KafkaError::Transaction(error)) if error.is_retriable() => {}
                Err(error) => return Err(faults::unavailable(&error)),
            }
        }
        if stop() {
            return Err(LogFault::Fenced(shard));
        }
        Ok(Self { polled, shard, names: names.clone(), schemas: config.schemas.clone() })
    }

    fn producer(&self) -> &BaseProducer<Reports> {
        self.polled.producer()
    }

    /// Makes a draft durable. `lost` says whether the shard was taken from us meanwhile.
    pub fn commit(&self, draft: &mut Draft, lost: &dyn Fn() -> bool) -> Result<(), Refusal> {
        let _busy = self.polled.busy();
        locked(&self.producer().context().forbidden).clear();
        self.try_commit(draft, lost).map_err(|refusal| {
            let topics = std::mem::take(&mut *locked(&self.producer().context().forbidden));
            let lost = matches!(refusal, Refusal::Lost(_));
            if topics.is_empty() { refusal } else { Refusal::Forbidden { topics, lost } }
        })
    }

    fn try_commit(&self, draft: &mut Draft, lost: &dyn Fn() -> bool) -> Result<(), Refusal> {
        let began = Instant::now();
        *locked(&self.producer().context().failed) = None;
        self.producer().context().clock.begin();
        let schemas = self.schemas_of(draft).map_err(Refusal::Aborted)?;
        self.producer().begin_transaction().map_err(|error| self.refused(error))?;
        if let Err(refusal) = self.write(draft, &schemas) {
            return match refusal {
                Refusal::Lost(why) => Err(Refusal::Lost(why)),
                other @ (Refusal::NoTopic | Refusal::Forbidden { .. } | Refusal::TooLarge(_) | Refusal::Again(_) | Refusal::Aborted(_)) => {
                    self.abort(lost).and(Err(other))
                }
            };
        }
        let done = self.finish(lost);
        metrics::LOG_KAFKA_TRANSACTION_SECONDS.observe(began.elapsed().as_secs_f64());
        done
    }

    fn finish(&self, lost: &dyn Fn() -> bool) -> Result<(), Refusal> {
        loop {
            let error = match raw::commit(self.producer(), CALL) {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if error.fatal {
                return Err(Refusal::Lost(error.text));
            }
            if error.abort {
                self.abort(lost)?;
                return Err(self.cause(&error.text));
            }
            // The outcome is unknown. Asking again is safe, and tells it as soon as a broker can.
            if !error.retriable || lost() {
                return Err(Refusal::Lost(format!("{} ({:?})", error.text, error.code)));
            }
            tracing::warn!(shard = self.shard.0, "a commit has no answer yet: {}", error.text);
            metrics::LOG_KAFKA_COMMITS_UNANSWERED_TOTAL.inc();
        }
    }

    fn abort(&self, lost: &dyn Fn() -> bool) -> Result<(), Refusal> {
        metrics::LOG_KAFKA_ABORTS_TOTAL.inc();
        loop {
            match self.producer().abort_transaction(CALL) {
                Ok(()) => return Ok(()),
                Err(KafkaError::Transaction(error)) if error.is_retriable() && !lost() => {}
                Err(error) => return Err(Refusal::Lost(error.to_string())),
            }
        }
    }

    /// Why an aborted transaction was aborted.
    fn cause(&self, text: &str) -> Refusal {
        let Some(failed) = locked(&self.producer().context().failed).take() else {
            return Refusal::Again(text.to_owned());
        };
        if faults::is_missing_topic(failed.code) {
            return Refusal::NoTopic;
        }
        if faults::is_too_large(failed.code) && failed.index != OWN {
            return Refusal::TooLarge(failed.index);
        }
        Refusal::Aborted(LogFault::Unavailable(format!("{} ({text})", faults::of_message(&failed.topic, failed.code))))
    }

    /// The schema of each event, or nothing where there is no registry.
    fn schemas_of(&self, draft: &Draft) -> Result<Vec<Arc<Schema>>, LogFault> {
        let Some(schemas) = &self.schemas else { return Ok(Vec::new()) };
        let mut topics = TopicsOf::new(&self.names);
        draft.events().map(|(_, _, event)| schemas.of(topics.of(event), event)).collect()
    }

    fn write(&self, draft: &mut Draft, schemas: &[Arc<Schema>]) -> Result<(), Refusal> {
        // Ours first: brokers are told of a transaction's partitions while the events are being written.
        let (cursors, seen) = (self.names.cursors(), self.names.seen());
        for (of_cursors, key, value) in draft.own_records() {
            let topic = if of_cursors { &cursors } else { &seen };
            let record = BaseRecord::with_opaque_to(topic, OWN).partition(i32::from(self.shard.0)).key(&key);
            let value: Option<Bytes> = value;
            self.send(match &value {
                Some(value) => record.payload(value.as_ref()),
                None => record,
            })?;
        }
        let mut topics = TopicsOf::new(&self.names);
        let messages = draft.take_messages();
        for (index, ((_, _, event), message)) in draft.events().zip(messages).enumerate() {
            let (outgoing, framed) = match schemas.get(index) {
                None => (message, None),
                Some(schema) => {
                    let (outgoing, framed) = message.under(schema, &event.body);
                    (outgoing, Some(framed))
                }
            };
            let value = framed.as_deref().unwrap_or(event.body.as_ref());
            let record = BaseRecord::with_opaque_to(topics.of(event), index).key(&outgoing.key).payload(value).headers(outgoing.headers);
            self.send(record)?;
        }
        Ok(())
    }

    fn send(&self, mut record: BaseRecord<'_, Vec<u8>, [u8], usize>) -> Result<(), Refusal> {
        loop {
            let index = record.delivery_opaque;
            match self.producer().send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    std::thread::sleep(QUEUE_FULL);
                }
                Err((KafkaError::MessageProduction(code), _)) if faults::is_too_large(code) && index != OWN => {
                    return Err(Refusal::TooLarge(index));
                }
                Err((KafkaError::MessageProduction(code), _)) if faults::is_missing_topic(code) => return Err(Refusal::NoTopic),
                Err((error, _)) => return Err(self.refused(error)),
            }
        }
    }

    /// A call in the middle of a transaction did not work.
    fn refused(&self, error: KafkaError) -> Refusal {
        let fatal = self.producer().client().fatal_error().is_some();
        match error {
            KafkaError::Transaction(error) if error.is_fatal() || faults::is_fencing(error.code()) => Refusal::Lost(error.string()),
            other if fatal => Refusal::Lost(other.to_string()),
            other => Refusal::Aborted(faults::unavailable(&other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::forbidden_topic;

    #[test]
    fn the_topic_that_we_may_not_write_to_is_named() {
        let line =
            |why: &str| format!("[thrd:main]: TxnCoordinator/1: Failed to add partition \"line.t1.orders\" [2] to transaction: {why}");
        assert_eq!(forbidden_topic(&line("Broker: Topic authorization failed")), Some("line.t1.orders"));
        assert_eq!(forbidden_topic(&line("Broker: Operation not attempted")), None);
    }
}
