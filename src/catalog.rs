//! The connectors that this process can run: those that are built in, and those of more folders. Each is a folder with
//! `connector.yaml` and `manifest.yaml`; every mistake in any of them is told before anything starts.

include!(concat!(env!("OUT_DIR"), "/catalog.rs"));

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use syncline_declarative::DeclarativeConnector;
use syncline_model::{ConnectorName, nearest};
use syncline_sdk::Connector;

use crate::config::{Config, Problem};

/// The connectors by name.
#[derive(Clone, Default)]
pub struct Catalog(BTreeMap<ConnectorName, Arc<DeclarativeConnector>>);

impl Catalog {
    /// Loads what is built in and what the configured folders hold. A folder's connector replaces a built-in one of the same name.
    pub fn load(config: &Config) -> Result<Self, Vec<Problem>> {
        let (mut catalog, mut problems) = (Self::default(), Vec::new());
        for (name, files) in BUILT_IN {
            let text = |wanted: &str| files.iter().find(|(file, _)| *file == wanted).map(|(_, text)| (*text).to_owned());
            catalog.add(&format!("built-in `{name}`"), text("connector.yaml"), text("manifest.yaml"), &mut problems);
        }
        for folder in &config.connectors.folders {
            catalog.add_folders(folder, &mut problems);
        }
        if !config.connectors.test_mode {
            catalog.0.retain(|_, connector| !connector.file().test_mode);
        }
        if problems.is_empty() { Ok(catalog) } else { Err(problems) }
    }

    fn add_folders(&mut self, folder: &Path, problems: &mut Vec<Problem>) {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                problems.push(Problem {
                    origin: "connectors.folders".to_owned(),
                    why: format!("`{}` cannot be read: {error}", folder.display()),
                });
                return;
            }
        };
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.join("connector.yaml").exists()) {
            let text = |file: &str| fs::read_to_string(path.join(file)).ok();
            self.add(&path.display().to_string(), text("connector.yaml"), text("manifest.yaml"), problems);
        }
    }

    fn add(&mut self, origin: &str, connector: Option<String>, manifest: Option<String>, problems: &mut Vec<Problem>) {
        let (Some(connector), Some(manifest)) = (connector, manifest) else {
            problems.push(Problem { origin: origin.to_owned(), why: "a connector needs `connector.yaml` and `manifest.yaml`".to_owned() });
            return;
        };
        match DeclarativeConnector::from_texts(&connector, &manifest) {
            Ok(connector) => drop(self.0.insert(connector.file().name.clone(), Arc::new(connector))),
            Err(found) => problems.extend(found.into_iter().map(|problem| Problem { origin: origin.to_owned(), why: problem.to_string() })),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = Arc<dyn Connector>> {
        self.0.values().map(|connector| Arc::clone(connector) as Arc<dyn Connector>)
    }

    /// The one of this name, or a clause that says what there is.
    pub fn get(&self, name: &str) -> anyhow::Result<Arc<DeclarativeConnector>> {
        let found = self.0.iter().find(|(known, _)| known.as_str() == name).map(|(_, connector)| Arc::clone(connector));
        found.ok_or_else(|| {
            anyhow::anyhow!("there is no connector `{name}`{}", nearest::hint(name, self.0.keys().map(ConnectorName::as_str)))
        })
    }

    /// As the engine wants them.
    pub fn connectors(&self) -> syncline_runtime::Connectors {
        syncline_runtime::Connectors::new(self.iter())
    }
}
