//! What kind of business the data looks like. Each kind has words that its streams and columns are named with.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::organize::plan::Plan;
use crate::organize::words;

/// A kind of business and what speaks for it.
#[derive(Debug, Clone, Serialize)]
pub struct Guess {
    /// The kind.
    pub model: String,
    /// From 0 to 1; all guesses together are at most 1.
    pub confidence: f64,
    /// Streams and columns that say so.
    pub evidence: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    name: String,
    /// Names of streams.
    streams: Vec<String>,
    /// Names of columns.
    columns: Vec<String>,
}

/// Pieces of evidence shown.
const SHOWN: usize = 8;
/// Evidence that is needed before anything is said.
const NEEDED: f64 = 2.0;

/// The kinds that something speaks for, the likeliest first.
pub fn guess(plan: &Plan) -> Vec<Guess> {
    let models: Vec<Model> = serde_json::from_str(include_str!("../../../concepts/business-models.json")).unwrap_or_default();
    let mut weighed: Vec<(f64, Guess)> = models.iter().map(|model| weigh(plan, model)).filter(|(weight, _)| *weight >= NEEDED).collect();
    let whole: f64 = weighed.iter().map(|(weight, _)| weight).sum();
    for (weight, guess) in &mut weighed {
        // A single weak sign is not made sure by there being no other.
        guess.confidence = (*weight / whole * (1.0 - (-*weight / 4.0).exp()) * 100.0).round() / 100.0;
    }
    weighed.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.model.cmp(&b.1.model)));
    weighed.into_iter().map(|(_, guess)| guess).collect()
}

fn weigh(plan: &Plan, model: &Model) -> (f64, Guess) {
    let mut weight = 0.0;
    let mut evidence = BTreeSet::new();
    let mut words_seen = BTreeSet::new();
    for stream in &plan.streams {
        for word in model.streams.iter().filter(|word| is_named(&stream.name, word)) {
            if words_seen.insert(word) {
                weight += 1.5;
                evidence.insert(format!("stream `{}`", stream.name));
            }
        }
        for column in stream.tables.iter().flat_map(|table| &table.columns) {
            let leaf = column.path.rsplit('.').next().unwrap_or(&column.path);
            for word in model.columns.iter().filter(|word| is_named(leaf, word)) {
                if words_seen.insert(word) {
                    weight += 0.5;
                    evidence.insert(format!("column `{}.{}`", stream.name, column.path));
                }
            }
        }
    }
    // Streams sort behind columns, and say more.
    let evidence = evidence.into_iter().rev().take(SHOWN).collect();
    (weight, Guess { model: model.name.clone(), confidence: 0.0, evidence })
}

/// Whether a name ends in these words.
fn is_named(name: &str, word: &str) -> bool {
    let singular = |text: &str| words::tokens(text).iter().map(|word| words::singular(word)).collect::<Vec<String>>();
    singular(name).ends_with(&singular(word))
}
