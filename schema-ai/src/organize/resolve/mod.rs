//! Which records are the same thing. Records are read into comparable cells, likely pairs are found by rare pieces they share,
//! each pair is weighed by Fellegi-Sunter, and clusters are made that no strong evidence contradicts.

mod align;
pub mod blocking;
pub mod cells;
pub mod cluster;
pub mod compare;
pub mod fields;
pub mod incremental;
mod link;
mod losers;
pub mod nicknames;
pub mod normal;
pub mod people;
pub mod phone;
pub mod records;
pub mod survive;
#[cfg(test)]
pub(crate) mod tests;
mod variants;
pub mod weights;

use serde_json::{Value, json};

use super::profile::files::Source;
use crate::organize::Refused;
use cells::Cells;
use records::Records;
use weights::Weights;

/// The side a record comes from, and its id.
pub type Member = (char, String);

/// What was found.
#[derive(Debug, Clone, Default)]
pub struct Resolution {
    /// Records that are one thing; single ones are left out.
    pub clusters: Vec<Vec<Member>>,
    /// Why: each accepted pair with its weight in bits and what each field gave.
    pub edges: Vec<Edge>,
}

/// Two records taken for one.
#[derive(Debug, Clone)]
pub struct Edge {
    /// One.
    pub a: Member,
    /// The other.
    pub b: Member,
    /// How likely they are the same.
    pub confidence: f64,
    /// What each field gave, in bits.
    pub why: Vec<(String, f64)>,
}

/// Resolves one file, or links two.
pub fn files(a: &Source, b: Option<&Source>, id: &str) -> Result<Resolution, Refused> {
    let records = Records::read(a, b, id)?;
    Ok(resolve(&records))
}

/// Resolves records that were read.
pub fn resolve(records: &Records) -> Resolution {
    let cells = Cells::of(records);
    let pairs = blocking::pairs(&cells, records);
    let levels = compare::levels(&cells, &pairs);
    let weights = Weights::learn(&cells, records, &pairs, &levels);
    let scored = weights.score(&cells, &pairs, &levels);
    let chosen =
        if records.linked() { link::one_to_one(records, &pairs, &scored) } else { cluster::grow(&cells, &pairs, &scored, &weights) };
    report(records, &cells, &weights, &chosen)
}

/// Earlier records of a cluster that are asked to explain a later one.
const MOST_ASKED: usize = 12;

fn report(records: &Records, cells: &Cells, weights: &Weights, clusters: &[Vec<u32>]) -> Resolution {
    let member = |at: u32| (records.side(at), records.id(at).to_owned());
    let mut edges = Vec::new();
    for cluster in clusters {
        for (at, record) in cluster.iter().enumerate().skip(1) {
            // Each record is explained by the earlier one that speaks for it most.
            let explained = cluster[..at].iter().take(MOST_ASKED).map(|other| (*other, weights.explain(cells, *other, *record)));
            let Some((other, (bits, why))) = explained.max_by(|a, b| a.1.0.total_cmp(&b.1.0)) else { continue };
            edges.push(Edge { a: member(other), b: member(*record), confidence: weights::probability(bits), why });
        }
    }
    let clusters = clusters.iter().map(|cluster| cluster.iter().map(|at| member(*at)).collect()).collect();
    Resolution { clusters, edges }
}

impl Resolution {
    /// The clusters as JSON.
    pub fn json(&self) -> Value {
        let shown = |(side, id): &Member| json!([side.to_string(), id]);
        let clusters: Vec<Vec<Value>> = self.clusters.iter().map(|cluster| cluster.iter().map(shown).collect()).collect();
        json!({"clusters": clusters})
    }

    /// The edges for people.
    pub fn text(&self) -> String {
        use std::fmt::Write as _;
        let mut out = String::new();
        for edge in &self.edges {
            let why: Vec<String> = edge.why.iter().map(|(field, bits)| format!("{field} {bits:+.1}")).collect();
            let why = why.join(", ");
            let _ = writeln!(out, "{}:{} = {}:{}  {:.1} % ({why})", edge.a.0, edge.a.1, edge.b.0, edge.b.1, edge.confidence * 100.0);
        }
        out
    }
}
