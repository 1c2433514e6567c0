//! Two files rarely call everything alike: what one calls `title` and the other `name` is put into one field before records are
//! compared.

use super::fields;
use super::records::Records;
use crate::organize::Refused;
use crate::organize::matching;
use crate::organize::profile::files::Source;

/// How sure it must be that two columns mean the same.
const SURE: f64 = 0.5;

/// Puts what means the same into one field: of the fields that only one file has, those that are each other's best partner.
pub fn fields(records: &mut Records, a: &Source, b: &Source) -> Result<(), Refused> {
    let Some(second) = records.second else { return Ok(()) };
    let filled = |rows: &[Vec<Option<String>>], place: usize| rows.iter().any(|row| row[place].is_some());
    let (first, other) = records.rows.split_at(second);
    let lone: Vec<(bool, bool)> = (0..records.fields.len()).map(|place| (filled(first, place), filled(other, place))).collect();
    if !lone.contains(&(true, false)) || !lone.contains(&(false, true)) {
        return Ok(());
    }
    for pair in matching::files(a, b)?.into_iter().filter(|pair| pair.confidence >= SURE) {
        let place =
            |name: &str, sides: (bool, bool)| records.fields.iter().zip(&lone).position(|(field, seen)| field == name && *seen == sides);
        let (Some(to), Some(from)) = (place(&pair.a, (true, false)), place(&pair.b, (false, true))) else { continue };
        if fields::part_of_name(&pair.a) != fields::part_of_name(&pair.b) {
            continue;
        }
        for row in &mut records.rows[second..] {
            row[to] = row[from].take();
        }
    }
    Ok(())
}
