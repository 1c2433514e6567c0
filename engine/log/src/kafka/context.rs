//! What librdkafka tells us apart from answers: its log lines, its errors, and that it wants a token.

use std::{
    error::Error,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::Timestamp;
use rdkafka::{
    ClientContext,
    client::OAuthToken,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
};

use super::{config::KafkaConfig, refusal::Refusals};
use crate::metrics;

/// While brokers are away, librdkafka reports each of them several times a second.
const QUIET: Duration = Duration::from_secs(10);

/// The part of every client's context that is the same.
pub struct Ears {
    token_file: Option<PathBuf>,
    warned: Mutex<Option<Instant>>,
    refusals: Refusals,
    /// When the token was handed over and when it ends, for clients that must be given theirs.
    token_s: Mutex<Option<(i64, i64)>>,
}

impl Ears {
    pub fn new(config: &KafkaConfig) -> Self {
        Self {
            token_file: config.security.token_file().cloned(),
            warned: Mutex::new(None),
            refusals: Refusals::default(),
            token_s: Mutex::default(),
        }
    }

    /// Whether brokers will not have us.
    pub fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// There is a token to be had, and the one before it has less than a fifth of its time left.
    pub fn wants_token(&self) -> bool {
        let now = Timestamp::now().as_second();
        let fresh = |(from, until): (i64, i64)| (until - now) * 5 > until - from;
        self.token_file.is_some() && !self.token_s.lock().unwrap_or_else(PoisonError::into_inner).is_some_and(fresh)
    }

    /// A token was handed over that is good for so long.
    pub fn has_token(&self, until_ms: i64) {
        *self.token_s.lock().unwrap_or_else(PoisonError::into_inner) = Some((Timestamp::now().as_second(), until_ms / 1000));
    }

    fn may_warn(&self) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let may = warned.is_none_or(|last| now.duration_since(last) > QUIET);
        if may {
            *warned = Some(now);
        }
        may
    }
}

impl ClientContext for Ears {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.refusals.hear(facility, message);
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical | RDKafkaLogLevel::Error if self.may_warn() => {
                tracing::warn!(facility, "kafka: {message}");
            }
            _ => tracing::debug!(facility, "kafka: {message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is what readers wait for.
        if matches!(error, KafkaError::PartitionEOF(_) | KafkaError::Global(RDKafkaErrorCode::PartitionEOF)) {
            return;
        }
        metrics::LOG_KAFKA_ERRORS_TOTAL.inc();
        if self.may_warn() {
            tracing::warn!("kafka: {error}: {reason}");
        }
    }

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn Error>> {
        let file = self.token_file.as_ref().ok_or("no token file is configured")?;
        let token =
            std::fs::read_to_string(file).map_err(|error| format!("the token file `{}` cannot be read: {error}", file.display()))?;
        read_token(token.trim())
            .ok_or_else(|| format!("the token file `{}` holds no JSON Web Token with `exp` and `sub`", file.display()).into())
    }
}

/// A context that has something of its own to keep or to hear leaves to its `ears` what is the same for every client.
macro_rules! hears_with_its_ears {
    ($context:ty) => {
        impl rdkafka::ClientContext for $context {
            const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

            fn log(&self, level: rdkafka::config::RDKafkaLogLevel, facility: &str, message: &str) {
                self.ears.log(level, facility, message);
            }

            fn error(&self, error: rdkafka::error::KafkaError, reason: &str) {
                self.ears.error(error, reason);
            }

            fn generate_oauth_token(&self, config: Option<&str>) -> Result<rdkafka::client::OAuthToken, Box<dyn std::error::Error>> {
                self.ears.generate_oauth_token(config)
            }
        }
    };
}
pub(super) use hears_with_its_ears;

/// What a JSON Web Token says about itself. Brokers verify it; we only need to know when to read it again.
fn read_token(token: &str) -> Option<OAuthToken> {
    let claims = token.split('.').nth(1)?;
    let claims: serde_json::Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims.trim_end_matches('=')).ok()?).ok()?;
    let seconds = claims.get("exp")?.as_i64()?;
    let principal_name = claims.get("sub")?.as_str()?.to_owned();
    Some(OAuthToken { token: token.to_owned(), principal_name, lifetime_ms: seconds.saturating_mul(1000) })
}

impl rdkafka::consumer::ConsumerContext for Ears {}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::kafka::{Sasl, Security};

    #[test]
    fn a_token_says_who_it_is_and_when_it_ends() {
        let claims = BASE64_URL_SAFE_NO_PAD.encode(r#"{"sub":"syncline","exp":1800000000}"#);
        let token = read_token(&format!("e30.{claims}.sig")).unwrap();
        assert_eq!((token.principal_name.as_str(), token.lifetime_ms), ("syncline", 1_800_000_000_000));
        assert!(read_token("opaque").is_none());
    }

    #[test]
    fn a_token_is_wanted_again_before_it_ends() {
        let security = Security { sasl: Some(Sasl::OauthBearer { token_file: "token".into() }), ..Security::default() };
        let ears = Ears::new(&KafkaConfig { security, ..KafkaConfig::new("b:1", "p") });
        assert!(ears.wants_token());
        let now = Timestamp::now().as_second();
        ears.has_token((now + 600) * 1000);
        assert!(!ears.wants_token());
        *ears.token_s.lock().unwrap() = Some((now - 500, now + 100));
        assert!(ears.wants_token());
        assert!(!Ears::new(&KafkaConfig::new("b:1", "p")).wants_token());
    }
}
