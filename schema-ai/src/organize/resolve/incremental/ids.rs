//! Ids that stay: a thing goes on in the cluster that has most of its earlier records.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Assignment, Merge, RecordId, Split, ThingId, Update};

/// Space of the ids that new things get.
const THINGS: Uuid = Uuid::from_u128(0x7b1d_3a52_90c4_4f0e_8d57_61a2_c9e8_04b3);

/// Names the clusters (those of one record may be left out) and says what differs from before.
pub fn carry_over(
    at: u64,
    before: &BTreeMap<RecordId, Option<ThingId>>,
    gone: &BTreeMap<RecordId, Option<ThingId>>,
    mut clusters: Vec<Vec<RecordId>>,
) -> Update {
    let grouped: BTreeSet<RecordId> = clusters.iter().flatten().cloned().collect();
    clusters.extend(before.keys().filter(|id| !grouped.contains(*id)).map(|id| vec![id.clone()]));
    clusters.sort();
    let named = name(at, before, &clusters);
    let mut update = Update { removed: gone.keys().cloned().collect(), ..Update::default() };
    let mut came_from: BTreeMap<ThingId, BTreeSet<ThingId>> = BTreeMap::new();
    let mut went_to: BTreeMap<ThingId, BTreeSet<ThingId>> = BTreeMap::new();
    for (cluster, to) in clusters.iter().zip(&named) {
        for record in cluster {
            let from = before.get(record).copied().flatten();
            if let Some(from) = from {
                came_from.entry(*to).or_default().insert(from);
                went_to.entry(from).or_default().insert(*to);
            }
            if from != Some(*to) {
                update.assignments.push(Assignment { record: record.clone(), from, to: *to });
            }
        }
    }
    update.assignments.sort_by(|a, b| a.record.cmp(&b.record));
    for (into, mut from) in came_from {
        from.remove(&into);
        // A thing that only gave records to one that is new has not merged with anything.
        let is_new = !went_to.contains_key(&into);
        if !from.is_empty() && (!is_new || from.len() > 1) {
            update.merges.push(Merge { into, from: from.into_iter().collect() });
        }
    }
    let live: BTreeSet<ThingId> = named.into_iter().collect();
    let all_before = before.values().chain(gone.values()).flatten().copied().collect::<BTreeSet<ThingId>>();
    update.emptied = all_before.into_iter().filter(|thing| !live.contains(thing)).collect();
    let splits = went_to.into_iter().filter(|(_, into)| into.len() > 1);
    update.splits = splits.map(|(from, into)| Split { from, into: into.into_iter().collect() }).collect();
    update
}

/// An id for each cluster: the old one that most of its records had, unless another cluster has more of those.
fn name(at: u64, before: &BTreeMap<RecordId, Option<ThingId>>, clusters: &[Vec<RecordId>]) -> Vec<ThingId> {
    let mut claims: Vec<(usize, ThingId, usize)> = Vec::new();
    for (place, cluster) in clusters.iter().enumerate() {
        let mut had: BTreeMap<ThingId, usize> = BTreeMap::new();
        for thing in cluster.iter().filter_map(|record| before.get(record).copied().flatten()) {
            *had.entry(thing).or_default() += 1;
        }
        claims.extend(had.into_iter().map(|(thing, records)| (records, thing, place)));
    }
    claims.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut named: Vec<Option<ThingId>> = vec![None; clusters.len()];
    let mut taken = BTreeSet::new();
    for (_, thing, place) in claims {
        if named[place].is_none() && taken.insert(thing) {
            named[place] = Some(thing);
        }
    }
    let fresh = |cluster: &Vec<RecordId>| Uuid::new_v5(&THINGS, format!("{at}/{}", cluster.first().map_or("", String::as_str)).as_bytes());
    named.into_iter().zip(clusters).map(|(name, cluster)| name.unwrap_or_else(|| fresh(cluster))).collect()
}
