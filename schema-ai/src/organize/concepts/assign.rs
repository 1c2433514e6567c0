//! Gives the columns of one stream to the fields of one entity: each column to one field, each field to one column.

use std::collections::BTreeSet;

use super::library::{Attribute, Concept, Holds, Library};
use super::values;
use crate::organize::keys;
use crate::organize::normalize::{Column, Stream, Table, path};
use crate::organize::words;

/// A column with its field.
#[derive(Debug, Clone)]
pub struct Assigned {
    /// The field.
    pub field: String,
    /// Whether it is a column of the unified table.
    pub core: bool,
    /// The column's path.
    pub path: String,
    /// How sure we are.
    pub confidence: f64,
}

/// Below this a column means none of the fields.
const NONE: f64 = 0.62;

/// Objects that only wrap what a record says about itself.
const WRAPPERS: &[&str] = &[
    "properties",
    "property",
    "attributes",
    "fields",
    "data",
    "profile",
    "values",
    "attribute",
    "info",
    "details",
    "person",
    "user",
    "object",
    "node",
    "merge_fields",
    "traits",
];

/// What the parts of a record that are about itself are called: `personal details`, `contact info`.
const WHOSE: &[&str] =
    &["personal", "contact", "basic", "general", "user", "customer", "client", "person", "member", "main", "core", "public", "custom"];
const PARTS: &[&str] = &["details", "detail", "info", "information", "data", "profile", "fields", "attributes"];

/// Objects in which a record keeps its times.
const TIMES: &[&str] = &["metadata", "meta_data", "meta", "audit", "timestamps", "dates", "system"];

/// Words of a key that only says that here is the value: `email.address` is the email.
const HOLLOW: &[&str] = &["address", "addr", "value", "number", "free", "form", "text", "formatted", "display"];

/// The same of amounts of money: `unit_price.net_amount`, `price.value.cent_amount`.
const MONEY: &[&str] = &["amount", "value", "cent", "cents", "minor", "net", "gross", "money"];

/// Words before a name that do not change what it is.
const PLAIN_WORDS: &[&str] = &[
    "primary", "main", "default", "mailing", "billing", "home", "work", "business", "contact", "customer", "user", "hs", "person", "legal",
    "public", "sys",
];

/// The fields of an entity that the records, or the elements of a list, of this table of the stream have.
pub fn fields(stream: &Stream, table: &Table, concept: &Concept, provider: Option<&str>) -> Vec<Assigned> {
    let mut scored: Vec<(f64, &Attribute, &Column)> = Vec::new();
    for column in &table.columns {
        let stats = keys::stats(&stream.profile, column);
        if stats.filled() > stats.scalars() || (stats.filled() > 0 && stats.present() == 0) {
            continue;
        }
        for attribute in concept.fields.iter().filter(|attribute| allowed(attribute, provider)) {
            let score = score(column, stats, attribute, concept);
            if score >= NONE {
                scored.push((score, attribute, column));
            }
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.2.depth.cmp(&b.2.depth)).then(a.2.position.cmp(&b.2.position)));
    let mut assigned: Vec<Assigned> = Vec::new();
    for (confidence, attribute, column) in scored {
        let taken = assigned.iter().any(|one| one.path == column.path || one.field == attribute.name);
        if !taken {
            let confidence = confidence.min(0.99);
            assigned.push(Assigned { field: attribute.name.clone(), core: attribute.core, path: column.path.clone(), confidence });
        }
    }
    assigned
}

fn allowed(attribute: &Attribute, provider: Option<&str>) -> bool {
    attribute.provider.is_empty() || provider.is_some_and(|provider| attribute.provider.iter().any(|known| known == provider))
}

fn score(column: &Column, stats: &crate::organize::profile::Stats, attribute: &Attribute, concept: &Concept) -> f64 {
    // A column that was always null can only be known by its name.
    let fit = if stats.present() == 0 { 0.3 } else { values::fit(column, stats, &attribute.holds) };
    if fit < 0.25 {
        return 0.0;
    }
    if let Some(prefix) = &attribute.prefix {
        let with = stats.sketch.texts().filter(|(text, _)| text.starts_with(prefix.as_str())).count();
        if with * 10 < stats.sketch.texts().count() * 9 || with == 0 {
            return 0.0;
        }
    }
    let keys = path::cut(&column.path).last().map(|path| path::keys(path)).unwrap_or_default();
    let Some((last, outer)) = keys.split_last() else { return 0.0 };
    let inside_address = outer.last().is_some_and(|key| is_address(key));
    let tokens = words::tokens(last);
    let own = name_score(&tokens, attribute, concept, inside_address) * place(outer, attribute, concept);
    // What is the same in all records is not of the one whom each is about, but of whoever keeps them.
    let varies = stats.sketch.distinct() != 1 || stats.present() < VARIES;
    let joined = if varies { together(&tokens, outer, attribute, concept) } else { 0.0 };
    let by_name = own.max(by_object(&tokens, outer, attribute, concept)).max(joined);
    let counts = tokens.len() > 1 && tokens.last().is_some_and(|word| word == "count");
    if counts && !attribute.holds.contains(&Holds::Number) { 0.0 } else { by_name * (0.6 + 0.4 * fit) }
}

/// Where the key says only that here is the value, the object around it says which.
fn by_object(tokens: &[String], outer: &[String], attribute: &Attribute, concept: &Concept) -> f64 {
    // What a record points to has a name: `company.name`. The record's own name is no such thing.
    let pointed = tokens == ["name"] && !attribute.holds.contains(&Holds::PersonName);
    let counts = attribute.holds.contains(&Holds::Number);
    let says_nothing = |words: &[String]| {
        let all = |known: &[&str]| words.iter().all(|word| known.contains(&word.as_str()));
        all(HOLLOW) || counts && all(MONEY)
    };
    let hollow = pointed || says_nothing(tokens);
    let Some((object, outer)) = outer.split_last().filter(|_| hollow && attribute.inside.is_none()) else { return 0.0 };
    if counts && !outer.is_empty() && says_nothing(&words::tokens(object)) {
        return by_object(&words::tokens(object), outer, attribute, concept);
    }
    name_score(&words::tokens(object), attribute, concept, false) * place(outer, attribute, concept) * 0.97
}

/// Records after which a value that is always the same is taken for somebody else's.
const VARIES: u64 = 8;

/// The object and the key are one name: `account.name`, `work.title`, `company.company_name`.
fn together(tokens: &[String], outer: &[String], attribute: &Attribute, concept: &Concept) -> f64 {
    let Some((object, outer)) = outer.split_last().filter(|(object, _)| !is_address(object)) else { return 0.0 };
    let mut name = words::tokens(object);
    let again = usize::from(name.last() == tokens.first());
    name.extend_from_slice(&tokens[again..]);
    name_score(&name, attribute, concept, false) * place(outer, attribute, concept) * 0.9
}

/// Fields of any entity that go by this name.
pub fn meanings(tokens: &[String], library: &Library) -> BTreeSet<String> {
    let fields = library.entities.iter().flat_map(|concept| concept.fields.iter().map(move |field| (concept, field)));
    let meant = fields.filter(|(concept, field)| field.prefix.is_none() && name_score(tokens, field, concept, false) > 0.85);
    meant.map(|(_, field)| field.name.clone()).collect()
}

/// How much the surrounding objects allow that this is the record's own field.
fn place(outer: &[String], attribute: &Attribute, concept: &Concept) -> f64 {
    let mut place = 1.0;
    for key in outer {
        let name = words::snake(key);
        let times = attribute.holds.contains(&Holds::Moment) && TIMES.contains(&name.as_str());
        let names = attribute.holds.contains(&Holds::PersonName) && is_whole_name(key, concept);
        let wraps = WRAPPERS.contains(&name.as_str()) || is_own_part(&name) || times || names;
        place *= match (wraps, is_address(key), &attribute.inside) {
            (true, _, _) => 0.97,
            (_, true, Some(_)) => 0.96,
            // The one whom a record is about may be in an object of its own, if the record does not say it itself.
            _ if is_own_thing(&name, concept) => 0.8,
            // Who pays has a name, a company and a telephone where the bill goes.
            _ if name == "billing" => {
                if attribute.inside.is_some() {
                    0.95
                } else {
                    0.8
                }
            }
            // Who lives there is called there, if there is no other number.
            (_, true, None) if attribute.holds.contains(&Holds::Phone) => 0.7,
            (_, true, None) => 0.4,
            _ => 0.5,
        };
    }
    place
}

/// `personal_details`, `contact_info`: a part of the record that is about itself.
fn is_own_part(name: &str) -> bool {
    name.split_once('_').is_some_and(|(whose, what)| (WHOSE.contains(&whose) || PARTS.contains(&whose)) && PARTS.contains(&what))
}

/// `name`, and `shopperName` in a record about one.
fn is_whole_name(key: &str, concept: &Concept) -> bool {
    matches!(strip(&words::tokens(key), concept).as_slice(), [name] if matches!(name.as_str(), "name" | "names"))
}

/// `contact` in a record about a person, and `billing_person`.
fn is_own_thing(name: &str, concept: &Concept) -> bool {
    let thing = name.rsplit_once('_').map_or(name, |(before, thing)| if PLAIN_WORDS.contains(&before) { thing } else { name });
    WHOSE.contains(&thing) && concept.words.iter().any(|word| word == thing)
}

fn is_address(key: &str) -> bool {
    words::tokens(key).iter().any(|word| {
        let plain = word.trim_end_matches(|c: char| c.is_ascii_digit());
        matches!(plain, "address" | "location" | "addr" | "addresses" | "geo" | "headquarters" | "hq")
    })
}

fn is_letter(word: &str) -> bool {
    word.len() == 1 && word.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// The best of the field's names, and of the same name with a plain word in front.
fn name_score(tokens: &[String], attribute: &Attribute, concept: &Concept, inside_address: bool) -> f64 {
    let plain = strip(tokens, concept);
    let priced = if attribute.holds.contains(&Holds::Number) { without_tax(&plain) } else { &plain };
    let mut best = 0.0_f64;
    for (rank, name) in attribute.words().iter().enumerate() {
        let order = 0.004 * rank.min(12) as f64;
        if inside_address && *name == ["address"] {
            continue;
        }
        best = best.max(exactness(tokens, name) - order);
        if plain.len() < tokens.len() {
            best = best.max(exactness(&plain, name) - 0.08 - order);
        }
        if priced.len() < plain.len() {
            best = best.max(exactness(priced, name) - 0.1 - order);
        }
        // `address1_city`, `billing_address_country`, and one letter for it: `p_city`.
        if attribute.inside.is_some() && plain.len() > 1 && (is_address(&plain[0]) || is_letter(&plain[0])) {
            let before = 0.05 * (tokens.len() - plain.len()) as f64;
            best = best.max(exactness(&plain[1..], name) - 0.06 - before - order);
        }
    }
    best
}

fn strip(tokens: &[String], concept: &Concept) -> Vec<String> {
    let mut rest = tokens;
    while rest.len() > 1 && (PLAIN_WORDS.contains(&rest[0].as_str()) || concept.words.contains(&words::singular(&rest[0]))) {
        rest = &rest[1..];
    }
    rest.to_vec()
}

/// A name of an amount without what it says of its tax: `price_inc_tax`, `unit_price_tax_excl`, `total_price_net`. What is called a tax is one.
fn without_tax(tokens: &[String]) -> &[String] {
    let is = |word: &String, known: &[&str]| known.contains(&word.as_str());
    let tokens = tokens.strip_suffix(&["money".to_owned()]).filter(|rest| !rest.is_empty()).unwrap_or(tokens);
    let clear = |word: &String| is(word, &["inc", "incl", "including", "ex", "excl", "excluding", "net", "gross"]);
    let from = tokens.iter().rposition(|word| !clear(word) && !is(word, &["tax", "vat"])).map_or(0, |last| last + 1);
    if from > 0 && tokens[from..].iter().any(clear) { &tokens[..from] } else { tokens }
}

fn exactness(tokens: &[String], name: &[String]) -> f64 {
    let letters = |words: &[String]| words.iter().map(String::len).sum::<usize>();
    let (length, known) = (letters(tokens), letters(name));
    if length == known || length == known + 1 {
        let (joined, name) = (tokens.concat(), name.concat());
        if joined == name || joined.strip_suffix('1').is_some_and(|first| first == name) {
            return 1.0;
        }
    }
    if tokens.len() != name.len() {
        return 0.0;
    }
    // A beginning stands for a word where little of it is missing, or little is there: `count` is no country.
    let begins = |a: &String, b: &String| a != b && b.starts_with(a.as_str()) && a.len() > 4 && b.len() > a.len() + 1;
    if words::likeness(tokens, name) <= 0.88 {
        return 0.0;
    }
    let other_word = tokens.iter().any(|a| name.iter().any(|b| (begins(a, b) || begins(b, a)) && words::singular(a) != words::singular(b)));
    if other_word { 0.0 } else { 0.78 }
}
