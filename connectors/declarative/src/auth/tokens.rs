//! The tokens of one job. They lie in what its streams share, so no other job and no other tenant can reach them, and each is
//! fetched by one of the streams while the others wait for it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use syncline_model::{Fault, Settings};
use syncline_sdk::Context;
use tokio::{sync::OwnedMutexGuard, time::Instant};

use crate::dates::Time;

/// A token that was fetched or given.
#[derive(Clone, Default)]
pub struct Token {
    /// What is sent.
    pub access: String,
    /// What the next one is fetched with, where the source handed out one.
    pub refresh: Option<String>,
    /// It is good until then.
    pub until: Until,
}

/// How long a token is good.
#[derive(Debug, Clone, Copy, Default)]
pub enum Until {
    /// No longer.
    #[default]
    Past,
    /// Until then.
    Then(Instant),
    /// For ever, as far as anybody knows.
    Ever,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Until {
    /// For so long from now on.
    pub fn after(time: Duration) -> Self {
        Instant::now().checked_add(time).map_or(Self::Ever, Self::Then)
    }

    /// Until a moment of the calendar, seen from `now`.
    pub fn moment(time: Time, now: Timestamp) -> Self {
        match Duration::try_from(time.timestamp().duration_since(now)) {
            Ok(left) => Self::after(left),
            Err(_) => Self::Past,
        }
    }

    /// It is over.
    pub fn is_over(self) -> bool {
        match self {
            Self::Past => true,
            Self::Then(then) => Instant::now() > then,
            Self::Ever => false,
        }
    }
}

/// The tokens of a job, by what they are fetched with.
#[derive(Default)]
pub struct Tokens(Mutex<HashMap<[u8; 32], Place>>);

type Place = Arc<tokio::sync::Mutex<Option<Token>>>;

/// A token's place, while nobody else may look at it.
pub type Slot = OwnedMutexGuard<Option<Token>>;

impl Tokens {
    /// The place of the token that is fetched with these; whoever holds it is the only one who fetches it.
    pub async fn slot(context: &Context, with: &[&str]) -> Slot {
        let mut digest = Sha256::new();
        for part in with {
            digest.update(part.len().to_le_bytes());
            digest.update(part.as_bytes());
        }
        let tokens: Arc<Self> = context.shared.get();
        let place = {
            let mut places = tokens.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(digest.finalize().into()).or_default())
        };
        place.lock_owned().await
    }
}

/// The settings of a job as they stand after the tokens in them were replaced.
#[derive(Default)]
struct Saved(tokio::sync::Mutex<Option<Settings>>);

/// Keeps settings in which some values were replaced. Durable when it returns.
pub async fn save(context: &Context, replaced: &[(&[String], serde_json::Value)]) -> Result<(), Fault> {
    let saved: Arc<Saved> = context.shared.get();
    let mut latest = saved.0.lock().await;
    let had = latest.as_ref().unwrap_or(&context.settings).clone();
    let mut settings = had.expose().clone();
    for (path, value) in replaced {
        put(&mut settings, path, value.clone());
    }
    let settings = Settings::new(settings);
    context.patience.save_settings(&had, &settings).await?;
    *latest = Some(settings);
    Ok(())
}

/// Puts a value where a path leads, and makes what is missing on the way.
fn put(root: &mut serde_json::Value, path: &[String], value: serde_json::Value) {
    let mut at = root;
    for name in path {
        if !at.is_object() {
            *at = serde_json::Value::Object(serde_json::Map::new());
        }
        let serde_json::Value::Object(fields) = at else { return };
        at = fields.entry(name.clone()).or_insert(serde_json::Value::Null);
    }
    *at = value;
}
