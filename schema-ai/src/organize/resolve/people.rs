//! What holds for people and for nothing else: how a full name is cut, and when two records are two people whatever they share.

use super::cells::{Cell, Cells};
use super::compare::{self, MISSING};
use super::fields::{Field, Kind};
use super::normal;
use super::records::Records;
use crate::organize::words;

/// What is asked of the records before a field counts as the full name: this part of those that can be asked agree.
const MOSTLY: f64 = 0.8;
/// Records that can be asked before anything follows.
const ENOUGH: usize = 5;

/// The first and the last name in a full one: `Ada Lovelace` or `Lovelace, Ada`.
pub fn split(full: &str) -> Option<(String, String)> {
    if let Some((last, first)) = full.split_once(',') {
        let (first, last) = (first.trim(), last.trim());
        return (!first.is_empty() && !last.is_empty()).then(|| (first.to_owned(), last.to_owned()));
    }
    let words: Vec<&str> = full.split_whitespace().filter(|word| !is_title(word)).collect();
    let (first, rest) = words.split_first()?;
    if rest.is_empty() {
        return None;
    }
    // `von`, `de la` and the like belong to what comes behind them.
    let last = rest.iter().position(|word| is_particle(word)).unwrap_or(rest.len() - 1);
    let given: Vec<&str> = std::iter::once(*first).chain(rest[..last].iter().copied()).collect();
    Some((given.join(" "), rest[last..].join(" ")))
}

fn is_title(word: &str) -> bool {
    let word = word.trim_end_matches('.').to_lowercase();
    matches!(word.as_str(), "mr" | "mrs" | "ms" | "miss" | "dr" | "prof" | "herr" | "frau" | "jr" | "sr" | "ii" | "iii" | "phd" | "md")
}

fn is_particle(word: &str) -> bool {
    matches!(word, "von" | "van" | "de" | "der" | "den" | "di" | "da" | "dos" | "del" | "della" | "la" | "le" | "du" | "zu" | "ter" | "bin")
}

/// Whether a field repeats what the fields of first and last name say.
pub fn repeats_names(records: &Records, place: usize, given: usize, surname: usize) -> bool {
    let mut asked = 0_usize;
    let mut same = 0_usize;
    for row in records.rows.iter().take(4_000) {
        let (Some(whole), Some(given), Some(surname)) = (&row[place], &row[given], &row[surname]) else { continue };
        asked += 1;
        same += usize::from(sorted(&[whole]) == sorted(&[given, surname]));
    }
    asked >= ENOUGH && same as f64 >= MOSTLY * asked as f64
}

fn sorted(texts: &[&str]) -> Vec<String> {
    let mut words: Vec<String> = texts.iter().flat_map(|text| normal::tokens(text)).collect();
    words.sort_unstable();
    words
}

/// Whether a field without parts beside it holds people's full names: it is called a name, and mailboxes spell what it says.
pub fn holds_full_names(records: &Records, field: &Field, email: Option<usize>) -> bool {
    let (Some(place), Some(email)) = (field.place, email) else { return false };
    let words = words::tokens(&field.name);
    if !words.iter().any(|word| matches!(word.as_str(), "name" | "fullname" | "contact" | "person")) {
        return false;
    }
    let mut asked = 0_usize;
    let mut spelt = 0_usize;
    for row in records.rows.iter().take(4_000) {
        let (Some(whole), Some(email)) = (&row[place], &row[email]) else { continue };
        let (Some((given, surname)), Some((mailbox, _))) = (split(whole), normal::email(email)) else { continue };
        asked += 1;
        let letters: String = mailbox.chars().filter(char::is_ascii_alphabetic).collect();
        let names = format!("{}|{}", normal::fold(&given), normal::fold(&surname));
        spelt += usize::from(compare::spells_either_way(&letters, &names));
    }
    asked >= ENOUGH && spelt as f64 >= 0.3 * asked as f64
}

/// Words that say a code is of a place, which the people of a household share.
const OF_A_PLACE: &[&str] = &[
    "zip",
    "zipcode",
    "postal",
    "post",
    "postcode",
    "plz",
    "cap",
    "cep",
    "codigo",
    "street",
    "house",
    "building",
    "address",
    "suburb",
    "state",
    "city",
    "region",
    "country",
    "area",
    "district",
    "company",
    "account",
    "organization",
    "organisation",
    "order",
    "tenant",
    "team",
];

/// Whether a field is a code that one person has and hardly another: a birthday, a social security number, a login.
fn is_personal(field: &Field) -> bool {
    let of_a_place = || words::tokens(&field.name).iter().any(|word| OF_A_PLACE.contains(&word.as_str()));
    field.kind == Kind::Code && field.place.is_some() && !of_a_place()
}

/// Whether a field of this kind says more of a person than the name.
pub fn tells_more(kind: Kind) -> bool {
    !matches!(kind, Kind::GivenName | Kind::Surname | Kind::Alias | Kind::Category)
}

/// Bits of a field that is no name from which it says who is meant.
pub const TELLING: f64 = 4.0;

/// Whether a field holds what one person has one of, or few.
pub fn is_own(field: &Field) -> bool {
    matches!(field.kind, Kind::Email | Kind::Phone) || is_personal(field)
}

/// Whether two records are of two people: the first names differ outright, and nothing agrees that only one person has. A last
/// name, an address, a telephone, a mailbox, a company: all of them are shared in a family or an office.
pub fn differ(cells: &Cells, (a, b): (u32, u32), row: &[u8]) -> bool {
    let Some((given, surname)) = cells.names else { return false };
    let different = match row[given] {
        MISSING => kin_by_mailbox(cells, (a, b), row),
        level => level <= UNLIKE && row[surname] != MISSING,
    };
    different && !cells.fields.iter().zip(row).any(|(field, level)| *level != MISSING && *level >= ALIKE_CODE && is_personal(field))
}

/// Whether mailboxes say of records without a name that they are of two people of one last name: `alexis.prado` is not Don Prado.
fn kin_by_mailbox(cells: &Cells, (a, b): (u32, u32), row: &[u8]) -> bool {
    let Some(alias) = cells.fields.iter().position(|field| field.kind == Kind::Alias) else { return false };
    let cell = |record: u32| cells.columns[alias][record as usize].as_ref();
    let (Some(x), Some(y)) = (cell(a), cell(b)) else { return false };
    let of_one_mailbox = cells.fields.iter().zip(row).any(|(field, level)| field.kind == Kind::Email && *level != MISSING && *level >= 4);
    let (Some(x), Some(y)) = (x.rest.split_once('|'), y.rest.split_once('|')) else { return false };
    let other = |x: &str, y: &str| {
        let same = |x: &str| normal::tokens(y).iter().any(|y| compare::given_names(x, y) > UNLIKE);
        !normal::tokens(x).iter().any(|x| same(x))
    };
    let turned = (y.1, y.0);
    let kin = |y: (&str, &str)| x.1 == y.1 && other(x.0, y.0);
    let one = |y: (&str, &str)| x.1 == y.1 && !other(x.0, y.0);
    !of_one_mailbox && (kin(y) || kin(turned)) && !one(y) && !one(turned)
}

/// Whether all that two records share is what a household shares: neither a name nor anything that one person has can be compared
/// and agrees.
pub fn only_a_household(cells: &Cells, row: &[u8]) -> bool {
    let Some((given, surname)) = cells.names else { return false };
    let own = |field: &Field, level: u8| match field.kind {
        Kind::Email => level >= 4,
        Kind::Phone => level >= 2,
        Kind::Alias => level >= 1,
        _ => is_personal(field) && level >= ALIKE_CODE,
    };
    let nameless = row[given] == MISSING && row[surname] == MISSING;
    nameless && !cells.fields.iter().zip(row).any(|(field, level)| *level != MISSING && own(field, *level))
}

/// Whether first names that differ are rather slips: of the pairs that share what a household shares, most have the code of one
/// person in common, where it is known. Where nothing is known of that, a household is taken for one.
pub fn slip(cells: &Cells, pairs: &[(u32, u32)], levels: &[u8], top: &[u8]) -> bool {
    let Some((given, surname)) = cells.names else { return false };
    let shared =
        |field: &Field| matches!(field.kind, Kind::Email | Kind::Phone | Kind::Text | Kind::Code | Kind::Name) && field.place.is_some();
    let (mut one, mut two) = (0_usize, 0_usize);
    for ((record, _), row) in pairs.iter().zip(levels.chunks(cells.fields.len())) {
        if row[given] > UNLIKE || row[surname] == MISSING || row[surname] < 4 {
            continue;
        }
        let known = || (0..row.len()).filter(|at| row[*at] != MISSING);
        let rare = |at: usize| cells.columns[at][*record as usize].as_ref().is_some_and(|cell| cell.frequency <= HOUSEHOLD);
        let code = known().filter(|at| is_personal(&cells.fields[*at])).map(|at| row[at]).max();
        let shares = |at: usize| shared(&cells.fields[at]) && !is_personal(&cells.fields[at]) && row[at] == top[at] && rare(at);
        let household = known().any(shares);
        let Some(code) = code.filter(|_| household) else { continue };
        if code >= ALIKE_CODE { one += 1 } else { two += 1 }
    }
    one >= ENOUGH && 2 * one > two
}

/// Whether numbers of one person are off by a digit or two so often that whatever differs is rather a slip: among pairs of one name,
/// numbers that are nearly the same are far more than chance makes them beside those that are nothing alike, as namesakes' are.
pub fn slip_of_codes(cells: &Cells, pairs: &[(u32, u32)], levels: &[u8], any: &[[f64; compare::LEVELS]]) -> bool {
    let Some((given, surname)) = cells.names else { return false };
    let is_code = |at: &usize| is_personal(&cells.fields[*at]) && is_of_digits(cells, *at);
    (0..cells.fields.len()).filter(is_code).any(|code| {
        let (mut same, mut near, mut apart) = (0.0, 0.0, 0.0);
        for (_, row) in pairs.iter().zip(levels.chunks(cells.fields.len())) {
            let named = |field: usize| row[field] != MISSING && row[field] >= 4;
            match row[code] {
                _ if !named(given) || !named(surname) => {}
                MISSING => {}
                0 => apart += 1.0,
                4.. => same += 1.0,
                _ => near += 1.0,
            }
        }
        let by_chance = apart * any[code][1..4].iter().sum::<f64>() / any[code][0].max(1e-6);
        let all: f64 = same + near + apart;
        all >= NAMED && near - by_chance >= SLIPPED * all
    })
}

/// A login differs from source to source on purpose; a birthday or the number of a social security does not.
fn is_of_digits(cells: &Cells, field: usize) -> bool {
    let texts = || cells.columns[field].iter().flatten().map(|cell| cell.text.as_str());
    let of_digits = texts().filter(|text| !text.chars().any(char::is_alphabetic)).count();
    of_digits as f64 >= MOSTLY * texts().count().max(1) as f64
}

/// Pairs of one name before slips can be told from namesakes, and the part of them that must have slipped.
const NAMED: f64 = 30.0;
const SLIPPED: f64 = 0.25;

/// Whether two records have the same first name, or one that stands for it.
pub fn same_given(cells: &Cells, row: &[u8]) -> bool {
    cells.names.is_some_and(|(given, _)| row[given] != MISSING && row[given] > UNLIKE)
}

/// Records of one household.
const HOUSEHOLD: u32 = 10;
/// The highest level of two first names at which they are different names.
const UNLIKE: u8 = 1;
/// The level of two codes at which they are one but for a slip.
const ALIKE_CODE: u8 = 3;

/// The levels of two people's names, which are cut differently here and there: `Ana | Lucia Prado` is `Ana Lucia | Prado`.
pub fn cut_otherwise(x: (&Cell, &Cell), y: (&Cell, &Cell)) -> Option<(u8, u8)> {
    let all = |names: (&Cell, &Cell)| sorted(&[&names.0.text, &names.1.text]);
    if all(x) == all(y) {
        return Some((4, 4));
    }
    let (a, b) = (normal::tokens(&x.0.text), normal::tokens(&y.0.text));
    let within = |few: &[String], many: &[String]| few.len() < many.len() && few.iter().all(|word| many.contains(word) && word.len() > 2);
    (x.1.text == y.1.text && (within(&a, &b) || within(&b, &a))).then_some((3, 5))
}
