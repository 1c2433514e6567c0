//! The one call for which the crate's own wrapper is too slow: its `commit_transaction` waits in slices of 100 ms.
#![allow(unsafe_code, reason = "one call of librdkafka, on a client that outlives it")]

use std::time::Duration;

use rdkafka::{
    bindings,
    error::RDKafkaErrorCode,
    producer::{BaseProducer, Producer, ProducerContext},
};

/// How a commit did not succeed.
#[derive(Debug)]
pub struct CommitError {
    pub code: RDKafkaErrorCode,
    pub fatal: bool,
    /// The outcome is not known; the same call again finds it out.
    pub retriable: bool,
    pub abort: bool,
    pub text: String,
}

/// Commits the transaction of this producer. Blocks until the brokers have answered, or for this long.
pub fn commit<C: ProducerContext + 'static>(producer: &BaseProducer<C>, within: Duration) -> Result<(), CommitError> {
    let wait_ms = i32::try_from(within.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client lives as long as `producer`, and the error is read before it is destroyed, and destroyed once.
    unsafe {
        let error = bindings::rd_kafka_commit_transaction(producer.client().native_ptr(), wait_ms);
        if error.is_null() {
            return Ok(());
        }
        let text = std::ffi::CStr::from_ptr(bindings::rd_kafka_error_string(error)).to_string_lossy().into_owned();
        let found = CommitError {
            code: bindings::rd_kafka_error_code(error).into(),
            fatal: bindings::rd_kafka_error_is_fatal(error) != 0,
            retriable: bindings::rd_kafka_error_is_retriable(error) != 0,
            abort: bindings::rd_kafka_error_txn_requires_abort(error) != 0,
            text,
        };
        bindings::rd_kafka_error_destroy(error);
        Err(found)
    }
}
