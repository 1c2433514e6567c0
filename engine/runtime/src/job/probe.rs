//! Questions to a source outside of any job: does the connection work, and which streams are there. Nothing waits long for them.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::FutureExt;
use syncline_model::{Fault, Settings, StreamName};
use syncline_sdk::{Connector, Context, Patience, Recorder, StreamSpec, WaitReason, http::Client, limits::Paced};

use super::Shared;
use crate::lanes::Key;

/// Tries the connection.
pub async fn check(shared: &Shared, key: &Key) -> Result<(), Fault> {
    let (connector, context) = outfit(shared, key).await?;
    connector.check(&context).await
}

/// Lists the streams.
pub async fn streams(shared: &Shared, key: &Key) -> Result<Vec<StreamSpec>, Fault> {
    let (connector, context) = outfit(shared, key).await?;
    connector.streams(&context).await
}

/// What makes records of a stream from what webhooks bring. A connector that panics over it fails for that stream alone: whoever asks
/// has the deliveries of others behind this one.
pub async fn recorder(shared: &Shared, key: &Key, stream: &StreamName) -> Result<Box<dyn Recorder>, Fault> {
    let (connector, context) = outfit(shared, key).await?;
    let made = AssertUnwindSafe(connector.recorder(&context, stream)).catch_unwind().await;
    made.unwrap_or_else(|_| Err(Fault::Unusable("learning how to read it made us panic".to_owned())))
}

async fn outfit(shared: &Shared, key: &Key) -> Result<(Arc<dyn Connector>, Context), Fault> {
    let unknown = || Fault::Misconfigured(format!("there is no integration `{}`", key.integration));
    let enrolled = shared.ledger.integration(&key.tenant, &key.integration).await?.ok_or_else(unknown)?;
    let connector = shared.connectors.get(&enrolled.connector)?;
    let settings = shared.ledger.settings(&key.tenant, &key.integration).await?;
    let patience: Arc<dyn Patience> = Arc::new(Impatient { ledger: Arc::clone(&shared.ledger), key: key.clone() });
    let client = Arc::new(Client::new(enrolled.connector.clone(), shared.config.client.clone())?);
    let limits = shared.pace.of(key, connector.as_ref());
    let http = Arc::new(Paced::new(client, limits, Arc::clone(&patience), enrolled.connector));
    Ok((connector, Context { settings, http, patience, now: jiff::Timestamp::now(), shared: Arc::default() }))
}

/// Somebody waits for the answer, so that a long wait is itself the answer.
struct Impatient {
    ledger: Arc<dyn syncline_model::Ledger>,
    key: Key,
}

const WAIT_MOST: Duration = Duration::from_secs(20);

#[async_trait]
impl Patience for Impatient {
    async fn wait(&self, _: WaitReason, time: Duration) -> Result<(), Fault> {
        if time > WAIT_MOST {
            return Err(Fault::Throttled(time));
        }
        tokio::time::sleep(time).await;
        Ok(())
    }

    fn note(&self, message: &str) {
        tracing::info!(key = %self.key, "{message}");
    }

    fn skipped(&self, message: &str) {
        tracing::warn!(key = %self.key, "left out: {message}");
    }

    async fn save_settings(&self, had: &Settings, got: &Settings) -> Result<(), Fault> {
        self.ledger.save_settings(&self.key.tenant, &self.key.integration, had, got).await
    }
}
