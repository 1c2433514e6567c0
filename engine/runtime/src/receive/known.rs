//! What deliveries need to know of their integrations, for a few seconds, so that each of a thousand does not ask the store again.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use syncline_model::{Fault, LogFault, StreamName, ledger::Enrolled};
use syncline_sdk::Recorder;

use super::later;
use crate::{
    job::{Shared, probe},
    lanes::Key,
};

const KNOWN_FOR: Duration = Duration::from_secs(5);
const KNOWN_MAX: usize = 1000;

/// What is known of integrations.
#[derive(Default)]
pub struct Known(HashMap<Key, Entry>);

struct Entry {
    since: Instant,
    enrolled: Option<Enrolled>,
    recorders: HashMap<StreamName, Made>,
}

/// A recorder, or why there is none.
type Made = Result<Box<dyn Recorder>, String>;

impl Known {
    /// The integration; `None` if it was deleted.
    pub async fn enrolled(&mut self, shared: &Shared, key: &Key) -> Result<Option<Enrolled>, LogFault> {
        if let Some(entry) = self.0.get(key).filter(|entry| entry.since.elapsed() < KNOWN_FOR) {
            return Ok(entry.enrolled.clone());
        }
        let enrolled = shared.ledger.integration(&key.tenant, &key.integration).await.map_err(|fault| later(&fault))?;
        if self.0.len() >= KNOWN_MAX {
            self.0.clear();
        }
        self.0.insert(key.clone(), Entry { since: Instant::now(), enrolled: enrolled.clone(), recorders: HashMap::new() });
        Ok(enrolled)
    }

    /// What makes records of a stream, or why nothing does. A fault only where the store cannot say it now.
    pub async fn recorder(&mut self, shared: &Shared, key: &Key, stream: &StreamName) -> Result<&Made, LogFault> {
        let entry = self.0.entry(key.clone());
        let entry = entry.or_insert_with(|| Entry { since: Instant::now(), enrolled: None, recorders: HashMap::new() });
        if !entry.recorders.contains_key(stream) {
            let made = match probe::recorder(shared, key, stream).await {
                Ok(made) => Ok(made),
                Err(fault @ (Fault::Internal(_) | Fault::Stopped)) => return Err(later(&fault)),
                // Others' deliveries stand behind this one, and must not wait for this source.
                Err(fault) => Err(fault.to_string()),
            };
            entry.recorders.insert(stream.clone(), made);
        }
        entry.recorders.get(stream).ok_or_else(|| LogFault::Unavailable("a recorder was forgotten".to_owned()))
    }
}
