//! The records as cells that compare fast: folded text, numbered words with weights, how often each value comes.

use std::borrow::Cow;
use std::collections::HashMap;

use super::compare;
use super::fields::{self, Field, Kind};
use super::nicknames;
use super::normal;
use super::people;
use super::phone;
use super::records::Records;
use super::variants::{self, Traits};
use crate::organize::profile::hash;
use serde::{Deserialize, Serialize};

/// A value ready to be compared.
#[derive(Debug, Clone, Default)]
pub struct Cell {
    /// The folded text, or the part that matters most.
    pub text: String,
    /// The rest of it: the host of a mail address.
    pub rest: String,
    /// Its words by number, in order of number.
    pub words: Vec<u32>,
    /// An amount.
    pub number: f64,
    /// Records that have the same value.
    pub frequency: u32,
}

/// All cells.
#[derive(Debug, Default)]
pub struct Cells {
    /// The fields.
    pub fields: Vec<Field>,
    /// For each field, the cells of the records.
    pub columns: Vec<Vec<Option<Cell>>>,
    /// The words by number.
    pub vocabulary: Vec<String>,
    /// How much a word tells, by number.
    pub idf: Vec<f64>,
    /// Records.
    pub count: usize,
    /// Records that the weights of words and values were counted on.
    pub population: usize,
    /// Places of first and last name among the fields.
    pub names: Option<(usize, usize)>,
    /// Of products: what each record says of its variant.
    pub traits: Vec<Traits>,
}

impl Cells {
    /// From records, which are all there are.
    pub fn of(records: &Records) -> Self {
        let mut cells = Self::read(records, fields::of(records));
        for column in &mut cells.columns {
            count_values(column);
        }
        let seen = cells.seen();
        cells.idf = seen.iter().map(|seen| idf(cells.population, *seen)).collect();
        cells
    }

    /// From a few records of many, whose words and values were counted before.
    pub fn under(records: &Records, fields: &[Field], counted: &Counted) -> Self {
        let mut cells = Self::read(records, fields.to_vec());
        for (column, counts) in cells.columns.iter_mut().zip(&counted.values) {
            for cell in column.iter_mut().flatten() {
                cell.frequency = counts.get(&value_hash(cell)).copied().unwrap_or(1);
            }
        }
        cells.population = counted.population;
        let seen = |word: &String| counted.words.get(word).copied().unwrap_or(1);
        cells.idf = cells.vocabulary.iter().map(|word| idf(counted.population, seen(word))).collect();
        cells
    }

    fn read(records: &Records, fields: Vec<Field>) -> Self {
        let mut vocabulary = Vocabulary::default();
        let mut columns = Vec::new();
        for field in &fields {
            let column: Vec<Option<Cell>> = match field.place {
                Some(place) => records
                    .rows
                    .iter()
                    .map(|row| text_of(field, row, place).and_then(|text| cell(field.kind, &text, &mut vocabulary)))
                    .collect(),
                None if field.kind == Kind::Employer => employers(&fields, &columns, records.count()),
                None if field.kind == Kind::Alias => aliases(&fields, &columns, records.count()),
                None => records.rows.iter().map(|row| codes(row, &fields, &mut vocabulary)).collect(),
            };
            columns.push(column);
        }
        describe_addresses(&fields, &mut columns, records.count());
        let place = |kind: Kind| fields.iter().position(|field| field.kind == kind);
        let names = place(Kind::GivenName).zip(place(Kind::Surname));
        let count = records.count();
        let traits = variants::of(records, &fields);
        Self { fields, columns, vocabulary: vocabulary.words, idf: Vec::new(), count, population: count, names, traits }
    }

    /// In how many records each word is.
    fn seen(&self) -> Vec<u32> {
        let mut last = vec![u32::MAX; self.vocabulary.len()];
        let mut seen = vec![0_u32; self.vocabulary.len()];
        for record in 0..self.count {
            for cell in self.columns.iter().filter_map(|column| column[record].as_ref()) {
                for word in &cell.words {
                    if last[*word as usize] != record as u32 {
                        last[*word as usize] = record as u32;
                        seen[*word as usize] += 1;
                    }
                }
            }
        }
        seen
    }
}

fn idf(population: usize, seen: u32) -> f64 {
    ((population as f64 + 1.0) / (f64::from(seen) + 0.5)).ln().max(0.05)
}

/// How often words and values come, where they come more than once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Counted {
    /// Records that were counted.
    pub population: usize,
    words: HashMap<String, u32>,
    values: Vec<HashMap<u64, u32>>,
}

/// Words, and values of a field, that are kept; the rarer ones beyond are taken for new.
const MOST_COUNTED: usize = 50_000;

impl Counted {
    /// Counts.
    pub fn of(cells: &Cells) -> Self {
        let words = most(cells.vocabulary.iter().cloned().zip(cells.seen()).collect());
        let values =
            cells.columns.iter().map(|column| most(column.iter().flatten().map(|cell| (value_hash(cell), cell.frequency)).collect()));
        Self { population: cells.population, words, values: values.collect() }
    }
}

fn most<T: Ord + std::hash::Hash>(mut counts: Vec<(T, u32)>) -> HashMap<T, u32> {
    counts.retain(|(_, count)| *count > 1);
    counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    counts.dedup_by(|a, b| a.0 == b.0);
    counts.truncate(MOST_COUNTED);
    counts.into_iter().collect()
}

fn value_hash(cell: &Cell) -> u64 {
    hash::pair(hash::bytes(cell.text.as_bytes()), hash::bytes(cell.rest.as_bytes()))
}

#[derive(Default)]
struct Vocabulary {
    words: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Vocabulary {
    fn number(&mut self, word: String) -> u32 {
        if let Some(known) = self.numbers.get(&word) {
            return *known;
        }
        let number = self.words.len() as u32;
        self.words.push(word.clone());
        self.numbers.insert(word, number);
        number
    }
}

/// The text of a field, from the full name where the field is a part of it.
fn text_of<'a>(field: &Field, row: &'a [Option<String>], place: usize) -> Option<Cow<'a, str>> {
    let part = |whole: usize| {
        let (given, surname) = people::split(row[whole].as_deref()?)?;
        Some(Cow::Owned(if field.kind == Kind::GivenName { given } else { surname }))
    };
    match field.whole {
        Some(whole) if whole == place => part(whole),
        Some(whole) => row[place].as_deref().map(Cow::Borrowed).or_else(|| part(whole)),
        None => row[place].as_deref().map(Cow::Borrowed),
    }
}

/// The company, as one word, and the name of the host that a mail address of it has.
fn employers(fields: &[Field], columns: &[Vec<Option<Cell>>], count: usize) -> Vec<Option<Cell>> {
    let place = |kind: Kind| fields.iter().position(|field| field.kind == kind).filter(|place| *place < columns.len());
    let (company, email) = (place(Kind::Company), place(Kind::Email));
    let known = |place: Option<usize>, record: usize| place.and_then(|place| columns[place][record].as_ref());
    (0..count)
        .map(|record| {
            let text = known(company, record).map(|cell| cell.text.replace(' ', "")).unwrap_or_default();
            let host = known(email, record).filter(|cell| !nicknames::is_public_host(&cell.rest));
            let stem = host.and_then(|cell| cell.rest.split('.').next()).unwrap_or_default();
            let cell = Cell { text, rest: stem.replace('-', ""), ..Cell::default() };
            (!cell.text.is_empty() || !cell.rest.is_empty()).then_some(cell)
        })
        .collect()
}

fn cell(kind: Kind, text: &str, vocabulary: &mut Vocabulary) -> Option<Cell> {
    let mut made = Cell::default();
    match kind {
        Kind::Email => {
            let (name, host) = normal::email(text)?;
            made.text = name;
            made.rest = host;
        }
        Kind::Phone => {
            let (country, number) = phone::read(text)?;
            made.text = number;
            country.unwrap_or_default().clone_into(&mut made.rest);
        }
        Kind::Number => {
            made.number = fields::number(text)?;
            text.trim().clone_into(&mut made.text);
        }
        Kind::Code | Kind::Category => made.text = normal::fold(normal::whole(text)).replace(' ', ""),
        Kind::GivenName | Kind::Surname | Kind::Name => made.text = normal::fold(text),
        Kind::Alias | Kind::Employer => return None,
        Kind::Company => {
            let words: Vec<String> =
                normal::tokens(&text.replace('.', "")).into_iter().filter(|word| !nicknames::is_company_suffix(word)).collect();
            made.text = words.join(" ");
            made.words = numbered(words, vocabulary);
        }
        Kind::Text => {
            let words = normal::tokens(text);
            made.text = words.join(" ");
            made.words = numbered(words, vocabulary);
        }
    }
    (!made.text.is_empty()).then_some(made)
}

fn numbered(words: Vec<String>, vocabulary: &mut Vocabulary) -> Vec<u32> {
    let mut numbers: Vec<u32> = words.into_iter().map(|word| vocabulary.number(word)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}

/// Whether an address is one that its host gives to anybody.
pub fn is_public(address: &Cell) -> bool {
    address.number == PUBLIC || address.number == PUBLIC + SAYS_NAME
}

/// Whether the mailbox is the name of its owner, and so says nothing that the name does not.
pub fn says_name(address: &Cell) -> bool {
    address.number >= SAYS_NAME
}

const PUBLIC: f64 = 1.0;
const SAYS_NAME: f64 = 2.0;

/// Says of each mail address whose it can be, and whether it spells a name.
fn describe_addresses(fields: &[Field], columns: &mut [Vec<Option<Cell>>], count: usize) {
    let place = |kind: Kind| fields.iter().position(|field| field.kind == kind);
    let names = place(Kind::GivenName).zip(place(Kind::Surname));
    let spelt: Vec<Option<String>> = (0..count)
        .map(|record| {
            let (given, surname) = names?;
            let (given, surname) = (columns[given][record].as_ref()?, columns[surname][record].as_ref()?);
            Some(format!("{}|{}", given.text, surname.text))
        })
        .collect();
    for (column, _) in columns.iter_mut().zip(fields).filter(|(_, field)| field.kind == Kind::Email) {
        for (cell, name) in column.iter_mut().zip(&spelt) {
            let Some(cell) = cell else { continue };
            let says = name.as_ref().map_or_else(|| two_parts(&cell.text).is_some(), |name| is_just_a_name(&cell.text, name));
            let public = if nicknames::is_public_host(&cell.rest) { PUBLIC } else { 0.0 };
            cell.number = public + if says { SAYS_NAME } else { 0.0 };
        }
    }
}

/// Whether a mailbox is a name and no more: `a.prado`, `prado`, `ana2`; years and the like make it somebody's own.
fn is_just_a_name(mailbox: &str, names: &str) -> bool {
    let letters: String = mailbox.chars().filter(char::is_ascii_alphabetic).collect();
    let digits = mailbox.chars().filter(char::is_ascii_digit).count();
    let part = || names.split('|').any(|name| name.chars().filter(char::is_ascii_alphabetic).eq(letters.chars()));
    digits < 2 && (part() || compare::spells_either_way(&letters, names))
}

/// The codes in all texts of a record: model numbers and the like.
fn codes(row: &[Option<String>], fields: &[Field], vocabulary: &mut Vocabulary) -> Option<Cell> {
    let texts = fields.iter().filter(|field| field.kind == Kind::Text).filter_map(|field| row[field.place?].as_deref());
    let found: Vec<String> = texts.flat_map(normal::tokens).filter(|word| normal::is_code(word)).collect();
    let words = numbered(found, vocabulary);
    (!words.is_empty()).then(|| Cell { text: "codes".to_owned(), words, ..Cell::default() })
}

/// Logins and mailboxes on one side, first and last names on the other; names that are missing are read from a mailbox.
fn aliases(fields: &[Field], columns: &[Vec<Option<Cell>>], count: usize) -> Vec<Option<Cell>> {
    let place = |wanted: &dyn Fn(&Field) -> bool| fields.iter().position(wanted).filter(|place| *place < columns.len());
    let given = place(&|field| field.kind == Kind::GivenName);
    let surname = place(&|field| field.kind == Kind::Surname);
    let email = place(&|field| field.kind == Kind::Email);
    let login = place(&|field| field.place.is_some() && fields::is_handle(&field.name));
    let known =
        |place: Option<usize>, record: usize| place.and_then(|place| columns[place][record].as_ref()).map(|cell| cell.text.as_str());
    (0..count)
        .map(|record| {
            let whole = known(given, record).zip(known(surname, record));
            let mailbox = known(email, record).filter(|name| !normal::is_role_mailbox(name));
            let from_mailbox = mailbox.and_then(two_parts);
            let names = whole.map(|(given, surname)| format!("{given}|{surname}")).or(from_mailbox);
            let handle = known(login, record).or(mailbox).unwrap_or_default();
            let handle: String = handle.chars().filter(char::is_ascii_alphabetic).collect();
            let number = f64::from(u8::from(whole.is_some()));
            let cell = Cell { text: handle, rest: names.unwrap_or_default(), number, ..Cell::default() };
            (!cell.text.is_empty() || !cell.rest.is_empty()).then_some(cell)
        })
        .collect()
}

/// `olaf.urrutia` is two names.
fn two_parts(mailbox: &str) -> Option<String> {
    let mailbox = mailbox.trim_end_matches(|c: char| c.is_ascii_digit());
    let (first, last) = mailbox.split_once(['.', '_', '-'])?;
    let plain = |part: &str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    (plain(first) && plain(last)).then(|| format!("{first}|{last}"))
}

fn count_values(column: &mut [Option<Cell>]) {
    let mut seen: HashMap<(String, String), u32> = HashMap::new();
    for cell in column.iter().flatten() {
        *seen.entry((cell.text.clone(), cell.rest.clone())).or_default() += 1;
    }
    for cell in column.iter_mut().flatten() {
        cell.frequency = seen.get(&(cell.text.clone(), cell.rest.clone())).copied().unwrap_or(1);
    }
}
