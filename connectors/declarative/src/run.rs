//! One job of one integration, as the streams of a manifest see it.

use std::{path::Path, sync::Arc};

use syncline_model::Fault;
use syncline_sdk::Context;

use crate::template::Scope;

/// One job: the owner's settings, the clock, the way out, and what all streams share.
#[derive(Clone)]
pub struct Run {
    /// What the connector was given to work with.
    pub context: Context,
    /// What every template may look at.
    pub base: Scope,
    /// A part that cannot be read does not end the stream; the others are read, and the fault is told at the end.
    pub goes_on: bool,
    /// What was read before a fault is handed out before it, even where the fault ends everything.
    pub keeps_found: bool,
    /// The next page is asked for while the one before is being handled.
    pub looks_ahead: bool,
    /// Where files that records speak of are put; without it, they stay at the source.
    pub files: Option<Arc<Path>>,
}

impl Run {
    /// A job with these settings.
    pub fn new(context: &Context, config: serde_json::Value) -> Self {
        let base = Scope::new().at(context.now).still(context.patience.is_still()).with("config", Arc::new(config));
        Self { context: context.clone(), base, goes_on: false, keeps_found: false, looks_ahead: true, files: None }
    }

    /// The same job at another instant: a reading that goes on keeps the instant at which it began.
    pub fn at(&self, now: jiff::Timestamp) -> Self {
        let mut context = self.context.clone();
        context.now = now;
        let mut base = Scope::new().at(now).still(context.patience.is_still());
        if let Some(config) = self.base.get("config") {
            base = base.with("config", config);
        }
        Self {
            context,
            base,
            goes_on: self.goes_on,
            keeps_found: self.keeps_found,
            looks_ahead: self.looks_ahead,
            files: self.files.clone(),
        }
    }

    /// The settings of the owner, after the manifest's rules.
    pub fn config(&self) -> Arc<serde_json::Value> {
        self.base.get("config").unwrap_or_default()
    }
}

/// A fault of the manifest that only shows while it runs.
pub fn misconfigured(message: impl Into<String>) -> Fault {
    Fault::Misconfigured(message.into())
}
