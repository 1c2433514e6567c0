//! What every writer of tables does with rows that are ready.

use super::{flatten::Row, port::Applied, schema::Schema};
use crate::json;

/// The table and all that hang from it, parents first.
pub(crate) fn family_of(schema: &Schema, table: usize) -> Vec<usize> {
    let mut family = vec![table];
    let mut at = 0;
    while let Some(&next) = family.get(at) {
        family.extend(&schema.tables[next].children);
        at += 1;
    }
    family
}

/// The values of a row that have no column, as one JSON object by path.
pub(crate) fn overflow_of(row: &Row<'_>, applied: &mut Applied) -> Option<String> {
    if row.overflow.is_empty() {
        return None;
    }
    applied.overflow += row.overflow.len() as u64;
    let fields: Vec<String> = row.overflow.iter().map(|(path, raw)| format!("{}:{raw}", json::quote(path))).collect();
    Some(format!("{{{}}}", fields.join(",")))
}

/// The same moment is written many times in a row.
#[derive(Default)]
pub(crate) struct Times(Option<(jiff::Timestamp, String)>);

impl Times {
    /// The moment as text.
    pub fn text(&mut self, time: jiff::Timestamp) -> String {
        match &self.0 {
            Some((known, text)) if *known == time => text.clone(),
            _ => self.0.insert((time, time.to_string())).1.clone(),
        }
    }
}
