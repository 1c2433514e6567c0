//! The streams' profiles as they are kept, and how they grow by the events of a batch.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;
use syncline_model::{Op, log::Logged};

use super::UnifyFault;
use crate::{
    organize::{
        normalize::{Stream, path},
        plan::{Plan, document::Document},
        profile::Profile,
    },
    tables::{
        TableView,
        database::{Database, cells},
    },
};

/// Records of a stream that are asked which of their fields is the key.
const KEYS_ASKED: u64 = 50;
/// A row's key that is made of more than one value.
const SEVERAL: char = '|';

/// What a batch touched: the keys of each stream's records.
pub(super) type Touched = BTreeMap<String, BTreeSet<String>>;

/// The name of a stream among all of a tenant: that of its table.
pub(super) fn names(tables: &[TableView]) -> HashMap<(&str, &str), &str> {
    let roots = tables.iter().filter(|table| table.parent.is_none());
    roots.map(|table| ((table.integration.as_str(), table.stream.as_str()), table.name.as_str())).collect()
}

/// Lets the profiles grow by these events. Gives what was touched, and the streams that look otherwise than before.
pub(super) fn grow(db: &dyn Database, tables: &[TableView], events: &[Logged]) -> Result<(Touched, bool), UnifyFault> {
    let names = names(tables);
    let mut touched = Touched::new();
    let mut of_stream: BTreeMap<&str, Vec<&Logged>> = BTreeMap::new();
    for logged in events {
        let event = &logged.event;
        let Some(name) = names.get(&(event.integration.as_str(), event.stream.as_str())) else { continue };
        touched.entry((*name).to_owned()).or_default().insert(event.key.as_str().to_owned());
        if event.op == Op::Upsert {
            of_stream.entry(name).or_default().push(logged);
        }
    }
    let mut changed = false;
    for (stream, events) in of_stream {
        changed |= grow_one(db, stream, &events)?;
    }
    Ok((touched, changed))
}

fn grow_one(db: &dyn Database, stream: &str, events: &[&Logged]) -> Result<bool, UnifyFault> {
    let sql = "SELECT profile, key_paths FROM _syncline_profiles WHERE stream = ?";
    let found = db.row(sql, cells![stream])?;
    let (mut profile, mut key_paths): (Profile, Option<Vec<String>>) = match &found {
        Some(row) => (serde_json::from_str(&row.text(0))?, serde_json::from_str(&row.text(1))?),
        None => (Profile::default(), None),
    };
    let before = looks(&profile);
    for logged in events {
        if profile.records < KEYS_ASKED {
            ask_key(&mut key_paths, logged);
        }
        // What is no JSON object is set aside by the tables already.
        drop(profile.record(&logged.event.body));
    }
    let sql = "INSERT INTO _syncline_profiles (stream, key_paths, records, profile) VALUES (?, ?, ?, ?) ON CONFLICT (stream) \
               DO UPDATE SET key_paths = excluded.key_paths, records = excluded.records, profile = excluded.profile";
    let records = profile.records.cast_signed();
    db.run(sql, cells![stream, serde_json::to_string(&key_paths)?, records, serde_json::to_string(&profile)?])?;
    Ok(found.is_none() || looks(&profile) != before)
}

/// What a plan depends on, cheaply: how many paths there are, and what kinds of values were seen.
fn looks(profile: &Profile) -> (usize, u32, Vec<[bool; 5]>) {
    let kinds = (0..profile.paths()).filter_map(|id| u32::try_from(id).ok()).map(|id| {
        let stats = &profile.node(id).stats;
        [stats.decimals > 0, stats.integers > 0, stats.texts > 0, stats.bools > 0, stats.objects + stats.lists > 0]
    });
    // As records come, keys and references become surer: look again whenever there are twice as many.
    (profile.paths(), profile.records.checked_ilog2().unwrap_or_default(), kinds.collect())
}

/// Keeps only those fields of which every record says its key.
fn ask_key(paths: &mut Option<Vec<String>>, logged: &Logged) {
    let key = logged.event.key.as_str();
    let Ok(Value::Object(record)) = serde_json::from_slice::<Value>(&logged.event.body) else { return };
    if key.contains(SEVERAL) {
        *paths = Some(Vec::new());
        return;
    }
    let says = |value: &Value| match value {
        Value::String(text) => text == key,
        Value::Number(number) => number.to_string() == key,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    };
    let saying: Vec<String> = record.iter().filter(|(_, value)| says(value)).map(|(name, _)| path::key("", name)).collect();
    match paths {
        None => *paths = Some(saying),
        Some(known) => known.retain(|path| saying.contains(path)),
    }
}

/// What is proposed for the streams as they look now.
pub(super) fn propose(db: &dyn Database) -> Result<Document, UnifyFault> {
    let (mut streams, mut known) = (Vec::new(), HashMap::new());
    for row in db.rows("SELECT stream, profile, key_paths FROM _syncline_profiles ORDER BY stream", &[])? {
        let name = row.text(0);
        let profile: Profile = serde_json::from_str(&row.text(1))?;
        let paths: Option<Vec<String>> = serde_json::from_str(&row.text(2))?;
        if let Some(path) = paths.and_then(|paths| paths.into_iter().next()) {
            known.insert(name.clone(), vec![path]);
        }
        streams.push(Stream::new(&name, profile));
    }
    Ok(Document::of(&Plan::with_keys(streams, &[], &known)?))
}
