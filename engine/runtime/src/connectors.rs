//! The connectors that the engine can run, by name.

use std::{collections::BTreeMap, sync::Arc};

use syncline_model::{ConnectorName, Fault, nearest};
use syncline_sdk::Connector;

/// The connectors that the engine can run.
#[derive(Clone, Default)]
pub struct Connectors(BTreeMap<ConnectorName, Arc<dyn Connector>>);

impl Connectors {
    /// These connectors, by the name in their file. Of two of the same name the later one is taken.
    pub fn new(connectors: impl IntoIterator<Item = Arc<dyn Connector>>) -> Self {
        Self(connectors.into_iter().map(|connector| (connector.file().name.clone(), connector)).collect())
    }

    /// The connector of this name.
    pub fn get(&self, name: &ConnectorName) -> Result<Arc<dyn Connector>, Fault> {
        self.0.get(name).cloned().ok_or_else(|| {
            let hint = nearest::hint(name.as_str(), self.0.keys().map(ConnectorName::as_str));
            Fault::Misconfigured(format!("there is no connector `{name}` here{hint}"))
        })
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Connector>> {
        self.0.values()
    }
}
