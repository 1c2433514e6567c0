//! What each error of librdkafka means for a step. The table of docs/operations/kafka.md, as code.

use rdkafka::{
    error::{KafkaError, RDKafkaErrorCode},
    types::RDKafkaErrorCode as Code,
};
use syncline_model::LogFault;

/// A client could not even be made: its configuration is wrong. The text of librdkafka names settings, never their values.
pub fn client(error: &KafkaError) -> LogFault {
    match error {
        KafkaError::ClientConfig(_, why, name, _) => LogFault::Unavailable(format!("the setting `{name}` of Kafka is wrong: {why}")),
        other => LogFault::Unavailable(format!("a client of Kafka cannot be made: {other}")),
    }
}

/// It may work at the next try.
pub fn unavailable(error: &KafkaError) -> LogFault {
    LogFault::Unavailable(error.to_string())
}

/// Somebody else writes under our transactional id: we are no owner any more.
pub fn is_fencing(code: RDKafkaErrorCode) -> bool {
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch | Code::InvalidProducerIdMapping)
}

/// The topic that we knew is gone.
pub fn is_missing_topic(code: RDKafkaErrorCode) -> bool {
    matches!(code, Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition)
}

/// The broker does not believe the time of a message. Only a topic that goes by the senders' clocks looks at it.
pub fn is_wrong_clock(code: RDKafkaErrorCode) -> bool {
    matches!(code, Code::InvalidTimestamp)
}

/// Why a message was not taken, as a clause.
pub fn of_message(topic: &str, code: RDKafkaErrorCode) -> String {
    if is_wrong_clock(code) {
        return format!(
            "topic `{topic}`: the clocks of this node and of the broker differ by more than the topic bears; set them right, or its \
             `message.timestamp.type` to `LogAppendTime`"
        );
    }
    format!("topic `{topic}`: {code}")
}

/// The broker takes less than we thought.
pub fn is_too_large(code: RDKafkaErrorCode) -> bool {
    matches!(code, Code::MessageSizeTooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without a broker: one that does not believe the clock of a machine that it shares with us does not believe its own markers of
    /// transactions either, and never ends them.
    #[test]
    fn a_topic_that_does_not_believe_our_clock_is_named_with_what_to_change() {
        assert!(is_wrong_clock(Code::InvalidTimestamp) && !is_wrong_clock(Code::MessageTimedOut));
        let said = of_message("acme", Code::InvalidTimestamp);
        assert!(said.starts_with("topic `acme`: the clocks of this node and of the broker differ"), "{said}");
        assert!(said.contains("`LogAppendTime`"), "{said}");
        assert!(!of_message("acme", Code::TopicAuthorizationFailed).contains("clock"));
    }
}
