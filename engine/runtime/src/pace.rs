//! Who shares which budget: one set of limits for each integration, and one for each connector.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use syncline_model::ConnectorName;
use syncline_sdk::{
    Connector,
    catalog::{Budget, BudgetScope},
    limits::Limits,
};

use crate::lanes::Key;

/// The limits in use. Those of an integration live as long as a job holds them or the provider's window is young; those of a
/// connector for ever.
#[derive(Default)]
pub struct Pace {
    connectors: Mutex<HashMap<ConnectorName, Arc<Limits>>>,
    integrations: Mutex<Owns>,
}

#[derive(Default)]
struct Owns {
    by_key: HashMap<Key, Own>,
    sweep_at: usize,
}

struct Own {
    limits: Arc<Limits>,
    used: tokio::time::Instant,
    window: std::time::Duration,
}

impl Pace {
    /// The limits that hold for an integration, in the order in which they are kept: its own last.
    pub fn of(&self, key: &Key, connector: &dyn Connector) -> Vec<Arc<Limits>> {
        let file = connector.file();
        let of_scope = |scope| file.budgets.iter().filter(move |budget| budget.scope == scope);
        let mut connectors = self.connectors.lock().unwrap_or_else(PoisonError::into_inner);
        let shared = connectors.entry(file.name.clone()).or_insert_with(|| Arc::new(Limits::new(of_scope(BudgetScope::Connector)))).clone();
        drop(connectors);
        vec![shared, self.own(key, of_scope(BudgetScope::Integration))]
    }

    fn own<'a>(&self, key: &Key, budgets: impl Iterator<Item = &'a Budget> + Clone) -> Arc<Limits> {
        let now = tokio::time::Instant::now();
        let mut owns = self.integrations.lock().unwrap_or_else(PoisonError::into_inner);
        // A limit that nobody used for longer than its window is full again, and a new one is the same.
        if owns.by_key.len() >= owns.sweep_at.max(SWEEP_AT) {
            owns.by_key.retain(|_, own| Arc::strong_count(&own.limits) > 1 || now.duration_since(own.used) < own.window);
            owns.sweep_at = owns.by_key.len() * 2;
        }
        let own = owns.by_key.entry(key.clone()).or_insert_with(|| {
            let window_ms = budgets.clone().map(|budget| budget.per_ms.get()).max().unwrap_or_default();
            let limits = Arc::new(Limits::new(budgets));
            Own { limits, used: now, window: std::time::Duration::from_millis(window_ms).max(KEPT) }
        });
        own.used = now;
        Arc::clone(&own.limits)
    }
}

const SWEEP_AT: usize = 1024;
/// A source that asked us to stay away is remembered at least this long.
const KEPT: std::time::Duration = std::time::Duration::from_hours(1);
