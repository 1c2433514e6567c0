//! Finds the pairs worth comparing: records that share rare pieces. The work grows with the records, not with their square.

use std::collections::HashMap;

use super::cells::{Cell, Cells};
use super::fields::Kind;
use super::records::Records;
use crate::organize::profile::hash;

/// Records that may share a piece before it says too little.
const CROWD: usize = 400;
/// Partners kept for each record.
const PARTNERS: usize = 24;
/// Steps one record may take through the index.
const STEPS: usize = 4_000;

/// Pairs of records, the smaller number first, each once.
pub fn pairs(cells: &Cells, records: &Records) -> Vec<(u32, u32)> {
    let pieces: Vec<Vec<(u64, f32)>> = (0..cells.count).map(|record| pieces(cells, record)).collect();
    let mut index: HashMap<u64, Vec<u32>, hash::BuildIdentity> = HashMap::default();
    for (record, pieces) in pieces.iter().enumerate() {
        for (piece, _) in pieces {
            index.entry(*piece).or_default().push(record as u32);
        }
    }
    let crowd = CROWD.max(cells.count / 50).min(1_500);
    index.retain(|_, members| members.len() > 1 && members.len() <= crowd);
    let mut found = Vec::new();
    let mut score = vec![0.0_f32; cells.count];
    let mut touched: Vec<u32> = Vec::new();
    for (record, pieces) in pieces.iter().enumerate() {
        let me = record as u32;
        let mut shared: Vec<(&Vec<u32>, f32)> =
            pieces.iter().filter_map(|(piece, weight)| index.get(piece).map(|members| (members, *weight))).collect();
        shared.sort_by_key(|(members, _)| members.len());
        let mut steps = 0;
        for (members, weight) in shared {
            steps += members.len();
            if steps > STEPS && !touched.is_empty() {
                break;
            }
            let rare = weight * (cells.count as f32 / members.len() as f32).ln().max(0.1);
            for other in members.iter().filter(|other| **other != me && records.comparable(me, **other)) {
                if score[*other as usize] == 0.0 {
                    touched.push(*other);
                }
                score[*other as usize] += rare;
            }
        }
        if touched.len() > PARTNERS {
            touched.select_nth_unstable_by(PARTNERS, |a, b| score[*b as usize].total_cmp(&score[*a as usize]).then(a.cmp(b)));
        }
        let best = touched.iter().take(PARTNERS);
        found.extend(best.map(|other| (me.min(*other), me.max(*other))));
        for other in touched.drain(..) {
            score[other as usize] = 0.0;
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// What a record can be found by, and how much each weighs.
pub fn pieces(cells: &Cells, record: usize) -> Vec<(u64, f32)> {
    let mut pieces = Vec::new();
    for (place, field) in cells.fields.iter().enumerate() {
        let Some(cell) = &cells.columns[place][record] else { continue };
        let mut put = |kind: &str, text: &str, weight: f32| pieces.push((piece(kind, text), weight));
        match field.kind {
            Kind::Email => {
                put("email", &format!("{}@{}", cell.text, cell.rest), 1.0);
                put("mailbox", &cell.text, 0.7);
            }
            Kind::Phone => put("phone", &cell.text, 1.0),
            Kind::Code if field.place.is_some() => {
                put(&field.name, &cell.text, 1.0);
                halves(&field.name, &cell.text, &mut put);
            }
            Kind::GivenName | Kind::Surname | Kind::Name => name_pieces(cell, &mut put),
            Kind::Company | Kind::Text | Kind::Code => {
                for word in &cell.words {
                    let weight = cells.idf[*word as usize].min(9.0) / 9.0;
                    put("word", &cells.vocabulary[*word as usize], weight as f32);
                }
            }
            Kind::Alias => alias_pieces(cell, &mut put),
            Kind::Number | Kind::Category | Kind::Employer => {}
        }
    }
    joined_names(cells, record, &mut pieces);
    pieces.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.total_cmp(&a.1)));
    pieces.dedup_by_key(|(piece, _)| *piece);
    pieces
}

fn piece(kind: &str, text: &str) -> u64 {
    hash::pair(hash::bytes(kind.as_bytes()), hash::bytes(text.as_bytes()))
}

/// A typing error is in one half of a code; the other half still finds it.
fn halves(name: &str, text: &str, put: &mut impl FnMut(&str, &str, f32)) {
    if text.len() >= 6 && text.is_ascii() {
        put(name, &format!("{}<", &text[..=text.len() / 2]), 0.4);
        put(name, &format!(">{}", &text[text.len() / 2 - 1..]), 0.4);
    }
}

/// A login starts like the first name and goes on, somewhere, like the last.
fn alias_pieces(cell: &Cell, put: &mut impl FnMut(&str, &str, f32)) {
    if let Some((given, surname)) = cell.rest.split_once('|')
        && let (Some(start), Some(next)) = (given.get(..2), surname.get(..4))
    {
        put("alias", &format!("{start} {next}"), 0.6);
    }
    if cell.number == 0.0 && cell.text.is_ascii() && cell.text.len() >= 5 {
        for at in 2..=cell.text.len() - 4 {
            put("alias", &format!("{} {}", &cell.text[..2], &cell.text[at..at + 4]), 0.6);
        }
    }
}

/// Names find each other in whichever field they are, and by their beginnings and ends.
fn name_pieces(cell: &Cell, put: &mut impl FnMut(&str, &str, f32)) {
    for word in cell.text.split(' ').filter(|word| word.len() > 1) {
        put("name", word, 0.8);
        if word.len() >= 5 && word.is_ascii() {
            put("start", &word[..4], 0.3);
            put("end", &word[word.len() - 4..], 0.3);
        }
    }
}

/// First and last name together are rarer than each.
fn joined_names(cells: &Cells, record: usize, pieces: &mut Vec<(u64, f32)>) {
    let Some((given, surname)) = cells.names else { return };
    let (Some(given), Some(surname)) = (&cells.columns[given][record], &cells.columns[surname][record]) else { return };
    let mut both = [given.text.as_str(), surname.text.as_str()];
    both.sort_unstable();
    pieces.push((piece("names", &both.join(" ")), 1.0));
    let initial: String = given.text.chars().take(1).collect();
    pieces.push((piece("initial", &format!("{initial} {}", surname.text)), 0.8));
}
