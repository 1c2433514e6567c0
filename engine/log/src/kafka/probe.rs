//! Whether the brokers can be reached and know us. Changes nothing.

use std::time::{Duration, Instant};

use rdkafka::{admin::AdminClient, client::Client, config::FromClientConfigAndContext, metadata::Metadata};
use syncline_model::LogFault;

use super::{KafkaConfig, context::Ears, faults, off_the_async_threads, tending};

/// How long brokers may take to answer.
const ANSWER: Duration = Duration::from_secs(15);
/// After each of these it is looked whether they have refused us meanwhile.
const LOOK: Duration = Duration::from_millis(500);

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// How many brokers there are.
    pub brokers: usize,
    /// How many topics of events we may see.
    pub topics: usize,
}

/// Asks the brokers who they are.
pub async fn probe(config: KafkaConfig) -> Result<Found, LogFault> {
    off_the_async_threads(move || {
        let names = config.names()?;
        config.security.check_files()?;
        let client: AdminClient<Ears> =
            AdminClient::from_config_and_context(&config.admin(), Ears::new(&config)).map_err(|error| faults::client(&error))?;
        let metadata = metadata(client.inner(), &config)?;
        let topics = metadata.topics().iter().filter(|topic| names.is_events(topic.name())).count();
        Ok(Found { brokers: metadata.brokers().len(), topics })
    })
    .await
}

/// All topics and brokers. A refusal is told as soon as it is heard, and not when the time is over.
pub fn metadata(client: &Client<Ears>, config: &KafkaConfig) -> Result<Metadata, LogFault> {
    let deadline = Instant::now() + ANSWER;
    loop {
        tending::tend(client);
        let error = match client.fetch_metadata(None, LOOK) {
            Ok(metadata) => return Ok(metadata),
            Err(error) => error,
        };
        tending::tend(client);
        if let Some(refusal) = client.context().refusals().last() {
            return Err(LogFault::Unavailable(refusal));
        }
        if Instant::now() > deadline {
            // Such a listener hangs up without a word.
            let hint = if config.security.tls.is_none() { "; if they want TLS, `kafka.tls` must be on" } else { "" };
            return Err(LogFault::Unavailable(format!("no broker of `{}` has answered: {error}{hint}", config.bootstrap)));
        }
    }
}
