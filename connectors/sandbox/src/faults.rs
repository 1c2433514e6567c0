//! What goes wrong, when it was asked for.

use serde::{Deserialize, Serialize};

use crate::{
    dice::Dice,
    words::{Provider, Stream},
};

/// A way to go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// 429, with `Retry-After` in seconds.
    Throttle {
        /// What the header says.
        retry_after_s: u64,
    },
    /// This status with a JSON body.
    Status {
        /// 500, 503, 403 …
        code: u16,
    },
    /// The right answer, but so much later.
    Slow {
        /// How much.
        ms: u64,
    },
    /// 200 with a body that ends in the middle of a record.
    Truncated,
    /// 200 with a page for people.
    Html,
    /// Redirects that never end.
    RedirectLoop,
    /// 401 from now on, until the key is renewed.
    ExpiredKey,
    /// The connection ends in the middle of the body.
    Reset,
    /// One record of the page holds bytes that are no UTF-8.
    InvalidUtf8,
    /// One record of the page is a text.
    NotAnObject,
    /// One record of the page has no key.
    MissingKey,
    /// One record of the page is this big.
    HugeRecord {
        /// How big, about; 40 MB is a good start.
        bytes: usize,
    },
    /// The way to the next page leads back to the first; the shop answers with its first page.
    CursorBackwards,
    /// The page's first record comes a second time at its end.
    DuplicateKeys,
}

/// When and where something goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Where.
    pub provider: Provider,
    /// Only for this stream; for all of the provider, if absent.
    #[serde(default)]
    pub stream: Option<Stream>,
    /// How.
    pub fault: FaultKind,
    /// How often; until it is cleared, if absent.
    #[serde(default)]
    pub times: Option<u32>,
    /// So many requests are answered well before.
    #[serde(default)]
    pub after: u32,
    /// Only in so many of a thousand cases, which follow from the seed; always, if absent.
    #[serde(default)]
    pub per_mille: Option<u16>,
}

impl FaultRule {
    /// This fault, once, for all streams of the provider.
    pub const fn once(provider: Provider, fault: FaultKind) -> Self {
        Self { provider, stream: None, fault, times: Some(1), after: 0, per_mille: None }
    }

    /// Only for this stream.
    #[must_use]
    pub const fn on(self, stream: Stream) -> Self {
        Self { stream: Some(stream), ..self }
    }

    /// So often.
    #[must_use]
    pub const fn times(self, times: u32) -> Self {
        Self { times: Some(times), ..self }
    }

    /// Only after so many good answers.
    #[must_use]
    pub const fn after(self, good: u32) -> Self {
        Self { after: good, ..self }
    }

    /// Until it is cleared, in so many of a thousand cases.
    #[must_use]
    pub const fn at_random(self, per_mille: u16) -> Self {
        Self { times: None, per_mille: Some(per_mille), ..self }
    }

    fn strikes(&mut self, stream: Stream, dice: &mut Dice) -> bool {
        let elsewhere = self.provider != stream.provider() || self.stream.is_some_and(|only| only != stream);
        if elsewhere || self.times == Some(0) {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        if self.per_mille.is_some_and(|per_mille| dice.below(1000) >= u64::from(per_mille)) {
            return false;
        }
        self.times = self.times.map(|times| times - 1);
        true
    }
}

/// The faults that were asked for and have not all happened.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<FaultRule>);

impl Faults {
    pub(crate) fn add(&mut self, rule: FaultRule) {
        self.0.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn rules(&self) -> &[FaultRule] {
        &self.0
    }

    /// What happens to this request: at most one fault, and slowness. The other rules wait for their turn.
    pub(crate) fn strike(&mut self, stream: Stream, dice: &mut Dice) -> Vec<FaultKind> {
        let mut struck = Vec::new();
        for rule in &mut self.0 {
            if !rule.strikes(stream, dice) {
                continue;
            }
            struck.push(rule.fault);
            if !matches!(rule.fault, FaultKind::Slow { .. }) {
                break;
            }
        }
        self.0.retain(|rule| rule.times != Some(0));
        struck
    }
}
