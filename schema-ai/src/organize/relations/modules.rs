//! Whether the words before the names of tables are providers, or only the parts of one database.

use std::collections::HashMap;

use super::{may_refer, naming};
use crate::organize::keys::{self, Naming};
use crate::organize::normalize::Stream;

/// References across the words in front before they are taken for parts of one database.
const ENOUGH: usize = 3;

/// Keys of one provider are hardly ever in tables of another. Where many references, by the exact name of a table and with its values,
/// cross the words in front (`sale_order.partner_id` and `res_partner`), all tables are of one database, and those words are part of names.
pub fn settle(streams: &[Stream], names: Vec<Naming>) -> Vec<Naming> {
    let (within, across) = references(streams, &names);
    if across < ENOUGH || across * 3 < within {
        return names;
    }
    let common = |provider: &Option<String>| names.iter().filter(|other| other.provider == *provider).count() * 5 >= names.len() * 3;
    let whole = |(stream, naming): (&Stream, &Naming)| Naming {
        provider: None,
        words: if common(&naming.provider) { naming.words.clone() } else { keys::telling(&stream.name) },
    };
    streams.iter().zip(&names).map(whole).collect()
}

/// How many columns refer, by name and values, within the words in front, and how many across them.
fn references(streams: &[Stream], names: &[Naming]) -> (usize, usize) {
    let mut called: HashMap<&[String], Vec<usize>> = HashMap::new();
    for (at, naming) in names.iter().enumerate() {
        called.entry(&naming.words).or_default().push(at);
    }
    let (mut within, mut across) = (0, 0);
    for (at, stream) in streams.iter().enumerate() {
        let prefix = stream.root().and_then(naming::prefix);
        for column in stream.root().into_iter().flat_map(|table| &table.columns) {
            let stats = keys::stats(&stream.profile, column);
            let role = naming::role_within(&column.path, prefix.as_deref());
            if role.id == 0.0 || !may_refer(column, stats) {
                continue;
            }
            let Some(tables) = (0..role.words.len()).find_map(|from| called.get(&role.words[from..])) else { continue };
            let is_own = |to: &&usize| names[**to].provider == names[at].provider;
            if tables.iter().any(|to| is_own(&to)) {
                within += 1;
            } else if tables.iter().any(|to| has_values(&streams[*to], stats)) {
                across += 1;
            }
        }
    }
    (within, across)
}

fn has_values(target: &Stream, stats: &crate::organize::profile::Stats) -> bool {
    let Some(table) = target.root() else { return false };
    let [key] = table.primary_key.as_slice() else { return false };
    let column = table.columns.iter().find(|column| column.path == *key);
    column.is_some_and(|column| {
        let (contained, compared) = stats.sketch.contained_in(&keys::stats(&target.profile, column).sketch);
        compared > 0 && contained > 0.95
    })
}
