//! What a second look at the columns shares that the first left without a reference.

use super::{Evidence, Relation, evidence, naming};
use crate::organize::normalize::{Column, Stream};
use crate::organize::profile::Stats;

/// The part of the values that must be contained.
pub const CONTAINED: f64 = 0.98;

/// What speaks for a reference whose name counts as much as is said.
pub fn evidence(stats: &Stats, target: &Stats, role: &naming::Role, name: f64) -> Option<Evidence> {
    let (contained, compared) = evidence::containment(stats, target)?;
    let coverage = (stats.sketch.distinct() as f64 / target.sketch.distinct().max(1) as f64).min(1.0);
    let specific = evidence::specific(stats, target);
    Some(Evidence { contained, coverage, specific, name, id: role.id, compared, same_provider: true, ..Evidence::default() })
}

/// The relation of one column to one key.
pub fn relation(from: &Stream, column: &Column, to: &Stream, key: &Column, evidence: Evidence) -> Relation {
    Relation {
        from_stream: from.name.clone(),
        from: vec![column.path.clone()],
        to_stream: to.name.clone(),
        to: vec![key.path.clone()],
        confidence: evidence.confidence().max(super::PROPOSED),
        evidence,
    }
}
