//! How much two cells agree, in a few levels: 0 is not at all, the highest is the same.

use super::cells::{self, Cell, Cells};
use super::fields::Kind;
use super::nicknames;
use super::normal;
use super::people;

/// One of the values is missing.
pub const MISSING: u8 = u8::MAX;
/// Levels of any field.
pub const LEVELS: usize = 8;

/// The levels of each pair, one byte for each field.
pub fn levels(cells: &Cells, pairs: &[(u32, u32)]) -> Vec<u8> {
    let width = cells.fields.len();
    let half = pairs.len() / 2;
    let (first, second) = pairs.split_at(half);
    let mut out = vec![MISSING; pairs.len() * width];
    let (out_first, out_second) = out.split_at_mut(half * width);
    std::thread::scope(|scope| {
        scope.spawn(|| fill(cells, first, out_first));
        fill(cells, second, out_second);
    });
    out
}

fn fill(cells: &Cells, pairs: &[(u32, u32)], out: &mut [u8]) {
    let width = cells.fields.len();
    for ((a, b), row) in pairs.iter().zip(out.chunks_mut(width.max(1))) {
        row.copy_from_slice(&pair(cells, *a, *b));
    }
}

/// The levels of one pair.
pub fn pair(cells: &Cells, a: u32, b: u32) -> Vec<u8> {
    let mut row: Vec<u8> = (0..cells.fields.len()).map(|field| level(cells, field, field, a, b)).collect();
    let Some((given, surname)) = cells.names else { return row };
    let names = |record: u32| cells.columns[given][record as usize].as_ref().zip(cells.columns[surname][record as usize].as_ref());
    let (Some(x), Some(y)) = (names(a), names(b)) else { return row };
    if row[given].min(row[surname]) >= 4 || row[given] == MISSING || row[surname] == MISSING {
        return row;
    }
    if let Some((first, last)) = people::cut_otherwise(x, y) {
        (row[given], row[surname]) = (row[given].max(first), row[surname].max(last));
        return row;
    }
    let crossed = (level(cells, given, surname, a, b), level(cells, surname, given, a, b));
    let known = crossed.0 != MISSING && crossed.1 != MISSING;
    // Somebody wrote the last name first.
    if known && crossed.0 + crossed.1 > row[given] + row[surname] + 2 {
        row[given] = crossed.0.saturating_sub(1);
        row[surname] = crossed.1.saturating_sub(1);
    }
    row
}

fn level(cells: &Cells, left: usize, right: usize, a: u32, b: u32) -> u8 {
    let (Some(x), Some(y)) = (&cells.columns[left][a as usize], &cells.columns[right][b as usize]) else { return MISSING };
    match cells.fields[left].kind {
        Kind::Email => email(x, y),
        Kind::Phone => phone(x, y),
        // One name in two scripts cannot be compared.
        Kind::GivenName | Kind::Surname if x.text.is_ascii() != y.text.is_ascii() => MISSING,
        Kind::GivenName => given_names(&x.text, &y.text),
        Kind::Surname | Kind::Name => name(&x.text, &y.text),
        Kind::Employer => employer(x, y),
        Kind::Company | Kind::Text => text(cells, x, y),
        Kind::Alias => alias(x, y),
        Kind::Code if cells.fields[left].place.is_none() => codes(cells, x, y),
        Kind::Code => code(&x.text, &y.text),
        Kind::Number => number(x.number, y.number),
        Kind::Category => u8::from(x.text == y.text),
    }
}

/// Two addresses of one person are mostly one that a provider gave to anybody and one of a company. A mailbox that spells the
/// person's name says no more than the name does, and one of a role is a company's.
fn email(x: &Cell, y: &Cell) -> u8 {
    let (same_name, same_host) = (x.text == y.text, x.rest == y.rest);
    let other_kind = u8::from(cells::is_public(x) != cells::is_public(y));
    let says_name = cells::says_name(x) || cells::says_name(y);
    if normal::is_role_mailbox(&x.text) || normal::is_role_mailbox(&y.text) {
        return if same_host { 3 } else { MISSING };
    }
    match (same_name, same_host) {
        (true, true) => 6,
        (true, false) if says_name => {
            if other_kind == 1 {
                1
            } else {
                MISSING
            }
        }
        (true, false) => 5,
        (false, true) if says_name && letters(&x.text) == letters(&y.text) => MISSING,
        (false, true) if slipped(&x.text, &y.text, 1) => 5,
        (false, true) if slipped(&x.text, &y.text, 2) => 4,
        (false, true) if cells::is_public(x) => 0,
        (false, true) => 3,
        // Mailboxes that are only somewhat alike share a first name, and that is another field's evidence.
        (false, false) if !says_name && slipped(&x.text, &y.text, 1) => 4,
        (false, false) => other_kind,
    }
}

fn letters(text: &str) -> String {
    text.chars().filter(char::is_ascii_alphabetic).collect()
}

/// Whether a mailbox is another one with so many slips. A number behind it, or another initial before it, is another mailbox.
fn slipped(x: &str, y: &str, most: usize) -> bool {
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let long = x.len().min(y.len()) > 3 + 2 * most;
    long && x.as_bytes()[0] == y.as_bytes()[0] && digits(x) == digits(y) && strsim::osa_distance(x, y) <= most
}

/// A company against the host of a mail address, only where neither two companies nor two hosts can be compared.
fn employer(x: &Cell, y: &Cell) -> u8 {
    let both = |a: &str, b: &str| !a.is_empty() && !b.is_empty();
    if both(&x.text, &y.text) || both(&x.rest, &y.rest) {
        return MISSING;
    }
    let (company, host) = if both(&x.text, &y.rest) { (&x.text, &y.rest) } else { (&y.text, &x.rest) };
    if !both(company, host) {
        return MISSING;
    }
    let common = company.bytes().zip(host.bytes()).take_while(|(a, b)| a == b).count();
    let least = company.len().min(host.len());
    match common {
        common if common == least && least >= 4 => 2,
        common if common >= 5 => 1,
        _ => 0,
    }
}

/// A login against names, only where names cannot be compared themselves.
fn alias(x: &Cell, y: &Cell) -> u8 {
    if x.number > 0.0 && y.number > 0.0 {
        return MISSING;
    }
    let possible = |handle: &Cell, names: &Cell| !handle.text.is_empty() && !names.rest.is_empty();
    if !possible(x, y) && !possible(y, x) {
        return MISSING;
    }
    let one_way = |handle: &Cell, names: &Cell| if possible(handle, names) { spells(&handle.text, &names.rest) } else { 0 };
    one_way(x, y).max(one_way(y, x))
}

/// Whether a mailbox is somebody's first and last name, in either order, in full or with an initial.
pub fn spells_either_way(mailbox: &str, names: &str) -> bool {
    let turned = names.split_once('|').map(|(given, surname)| format!("{surname}|{given}")).unwrap_or_default();
    spells(mailbox, names) >= 2 || spells(mailbox, &turned) >= 2
}

/// How much of somebody's names a login spells: 3 both, 2 the last and an initial, 1 the first.
pub fn spells(handle: &str, names: &str) -> u8 {
    let (given, surname) = names.split_once('|').unwrap_or((names, ""));
    let (given, surname) = (letters(given), letters(surname));
    let common = |text: &str, name: &str| text.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    let first = common(handle, &given);
    let needed = surname.len().min(5);
    let last = (1..=first).any(|at| (at..handle.len()).any(|start| needed >= 3 && common(&handle[start..], &surname) >= needed));
    match (first, last) {
        (2.., true) => 3,
        (1, true) => 2,
        (4.., false) => 1,
        _ => 0,
    }
}

/// The numbers within their countries, and the countries where they are known.
fn phone(x: &Cell, y: &Cell) -> u8 {
    let countries_differ = !x.rest.is_empty() && !y.rest.is_empty() && x.rest != y.rest;
    let (x, y) = (x.text.as_str(), y.text.as_str());
    if x == y {
        return if countries_differ { 1 } else { 3 };
    }
    let tail = x.len().min(y.len()).min(8);
    let same_end = x[x.len() - tail..] == y[y.len() - tail..];
    if !countries_differ && (same_end || strsim::osa_distance(x, y) <= 1) { 2 } else { 0 }
}

/// How much two first names agree: the same, one that stands for the other, an initial.
pub fn given_names(x: &str, y: &str) -> u8 {
    let initial = x.len().min(y.len()) == 1 && x.chars().next() == y.chars().next();
    if initial {
        2
    } else if nicknames::alike(x, y) && x != y {
        4
    } else {
        name(x, y)
    }
}

fn name(x: &str, y: &str) -> u8 {
    if x == y {
        return 5;
    }
    let alike = strsim::jaro_winkler(x, y);
    if alike < 0.7 {
        return 0;
    }
    let slips = strsim::osa_distance(x, y);
    match (slips, alike) {
        (1, _) if x.len() > 3 => 4,
        (_, alike) if alike >= 0.92 => 3,
        (_, alike) if alike >= 0.84 => 2,
        _ => 1,
    }
}

fn code(x: &str, y: &str) -> u8 {
    if x == y {
        return 4;
    }
    match strsim::osa_distance(x, y) {
        1 if x.len() > 2 => 3,
        2 if x.len() > 4 => 2,
        3 if x.len() > 8 => 1,
        _ => 0,
    }
}

fn number(x: f64, y: f64) -> u8 {
    let apart = (x - y).abs() / x.abs().max(y.abs()).max(1e-9);
    match apart {
        apart if apart < 0.002 => 4,
        apart if apart < 0.06 => 3,
        apart if apart < 0.2 => 2,
        apart if apart < 0.5 => 1,
        _ => 0,
    }
}

/// Weighted words in common; words that are nearly the same count nearly as much.
fn text(cells: &Cells, x: &Cell, y: &Cell) -> u8 {
    if x.text == y.text {
        return 7;
    }
    let alike = cosine(cells, &x.words, &y.words);
    let cuts = [0.1, 0.25, 0.4, 0.55, 0.7, 0.85];
    cuts.iter().filter(|cut| alike >= **cut).count() as u8
}

/// The cosine of two lists of words with their weights, both in order of number.
pub fn cosine(cells: &Cells, x: &[u32], y: &[u32]) -> f64 {
    let square = |words: &[u32]| words.iter().map(|word| cells.idf[*word as usize].powi(2)).sum::<f64>();
    let only =
        |words: &[u32], others: &[u32]| words.iter().filter(|word| others.binary_search(word).is_err()).copied().collect::<Vec<u32>>();
    let (left, mut right) = (only(x, y), only(y, x));
    let mut common = square(x) - square(&left);
    if left.len() <= 10 && right.len() <= 10 {
        common += nearly(cells, &left, &mut right);
    }
    common / (square(x) * square(y)).sqrt().max(1e-9)
}

fn nearly(cells: &Cells, left: &[u32], right: &mut Vec<u32>) -> f64 {
    let mut common = 0.0;
    for a in left {
        let word = &cells.vocabulary[*a as usize];
        let twin = right.iter().position(|b| {
            let other = &cells.vocabulary[*b as usize];
            let prefix = word.len().min(other.len()) >= 5 && (word.starts_with(other.as_str()) || other.starts_with(word.as_str()));
            prefix
                || (word.len().min(other.len()) >= 4
                    && word.as_bytes()[0] == other.as_bytes()[0]
                    && strsim::jaro_winkler(word, other) >= 0.9)
        });
        if let Some(at) = twin {
            let b = right.swap_remove(at);
            common += 0.8 * cells.idf[*a as usize] * cells.idf[b as usize];
        }
    }
    common
}

/// Codes: a rare one in common says nearly everything, different ones speak against it.
fn codes(cells: &Cells, x: &Cell, y: &Cell) -> u8 {
    let common = x.words.iter().filter(|word| y.words.contains(word)).map(|word| cells.idf[*word as usize]).fold(0.0, f64::max);
    let rarest = (cells.population as f64).ln();
    if common > 0.7 * rarest {
        return 4;
    }
    if common > 0.0 {
        return 2;
    }
    let begins = x.words.iter().any(|a| {
        let a = &cells.vocabulary[*a as usize];
        y.words.iter().any(|b| {
            let b = &cells.vocabulary[*b as usize];
            a.len().min(b.len()) >= 5
                && (a.starts_with(b.as_str()) || b.starts_with(a.as_str()) || a.ends_with(b.as_str()) || b.ends_with(a.as_str()))
        })
    });
    if begins { 3 } else { 0 }
}
