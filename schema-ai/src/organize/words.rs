//! Names as words: how they are cut, shortened, put in the singular, and how alike two of them are.

use std::collections::BTreeSet;

/// Cuts a name into lower-case words: `customerId`, `CUSTOMER_ID`, `customer-id` are `customer`, `id`.
pub fn tokens(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = name.chars().collect();
    for (at, &c) in characters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| characters.get(at)).copied();
        let after = characters.get(at + 1).copied();
        if starts_word(before, c, after) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn starts_word(before: Option<char>, c: char, after: Option<char>) -> bool {
    let Some(before) = before else { return false };
    if !c.is_alphanumeric() {
        return true;
    }
    let hump = before.is_lowercase() && c.is_uppercase();
    let last_capital = before.is_uppercase() && c.is_uppercase() && after.is_some_and(char::is_lowercase);
    // `IDs` and `URLs` are one word each.
    let plural = last_capital && after == Some('s');
    hump || (last_capital && !plural)
}

/// The words of a name joined by `_`.
pub fn snake(name: &str) -> String {
    tokens(name).join("_")
}

/// A word in the singular, well enough for names.
pub fn singular(word: &str) -> String {
    let cut = |ending: &str, put: &str| word.strip_suffix(ending).map(|stem| format!("{stem}{put}"));
    let short = word.len() <= 3;
    if short || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return word.to_owned();
    }
    let whole = match word {
        "people" => Some("person"),
        "children" => Some("child"),
        "series" | "species" | "news" => Some(word),
        "movies" => Some("movie"),
        "cookies" => Some("cookie"),
        "aliases" => Some("alias"),
        _ => None,
    };
    if let Some(whole) = whole {
        return whole.to_owned();
    }
    let before = |ending: &str| word.strip_suffix(ending).and_then(|stem| stem.chars().last());
    // `statuses` and `buses`, but neither `houses` nor `causes`.
    if before("uses").is_some_and(|c| !matches!(c, 'a' | 'e' | 'o')) {
        return word[..word.len() - 2].to_owned();
    }
    cut("ies", "y")
        .or_else(|| cut("sses", "ss"))
        .or_else(|| cut("xes", "x"))
        .or_else(|| cut("ches", "ch"))
        .or_else(|| cut("shes", "sh"))
        .or_else(|| cut("s", ""))
        .unwrap_or_else(|| word.to_owned())
}

/// Whether the short word can stand for the long one: same first letter, letters in order, as in `dept` and `department`.
pub fn abbreviates(short: &str, long: &str) -> bool {
    if short.len() >= long.len() || short.is_empty() {
        return false;
    }
    let mut rest = long.chars();
    if short.chars().next() != long.chars().next() {
        return false;
    }
    short.chars().all(|c| rest.any(|other| other == c))
}

/// How alike two words are, from 0 to 1.
pub fn word_likeness(a: &str, b: &str) -> f64 {
    if a == b || singular(a) == singular(b) {
        return 1.0;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if long.starts_with(short) && short.len() >= 3 {
        // A poster is no post.
        return if matches!(&long[short.len()..], "er" | "or") { 0.4 } else { 0.9 };
    }
    if short.len() >= 2 && abbreviates(short, long) {
        return abbreviation_strength(short, long);
    }
    let alike = strsim::jaro_winkler(a, b);
    if alike > 0.86 { alike - 0.1 } else { 0.0 }
}

/// An abbreviation that keeps the consonants, or a beginning, is stronger than one that keeps a letter here and there.
fn abbreviation_strength(short: &str, long: &str) -> f64 {
    let consonants = consonants(long);
    if short == consonants || consonants.starts_with(short) && short.len() >= 2 {
        return 0.85;
    }
    if long.starts_with(short) {
        return 0.7;
    }
    if short.len() * 5 >= long.len() * 2 { 0.7 } else { 0.45 }
}

/// Whether a word is made of the beginnings of all these words, in order: `cdemo` of `customer demographics`.
pub fn is_made_of(word: &str, parts: &[String]) -> bool {
    let Some((first, rest)) = parts.split_first() else { return word.is_empty() };
    let shared = word.bytes().zip(first.bytes()).take_while(|(a, b)| a == b).count();
    (1..=shared).rev().any(|at| word.is_char_boundary(at) && is_made_of(&word[at..], rest))
}

/// A word without its vowels, the first letter kept.
pub fn consonants(word: &str) -> String {
    let mut letters = word.chars();
    let first: String = letters.next().into_iter().collect();
    letters.filter(|c| !matches!(c, 'a' | 'e' | 'i' | 'o' | 'u')).fold(first, |mut text, c| {
        text.push(c);
        text
    })
}

/// How alike two lists of words are: each word finds its best partner, and words without one count against it.
pub fn likeness(a: &[String], b: &[String]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 0.0;
    }
    let best = |word: &String, others: &[String]| others.iter().map(|other| word_likeness(word, other)).fold(0.0, f64::max);
    let there: f64 = a.iter().map(|word| best(word, b) * weight(word)).sum();
    let back: f64 = b.iter().map(|word| best(word, a) * weight(word)).sum();
    let whole: f64 = a.iter().chain(b).map(|word| weight(word)).sum();
    (there + back) / whole
}

/// Words that say little count little.
fn weight(word: &str) -> f64 {
    match word {
        "id" | "ids" | "key" | "code" | "no" | "num" | "number" | "name" | "type" => 0.6,
        "the" | "of" | "a" | "is" | "has" => 0.2,
        _ => 1.0,
    }
}

/// The words of a name as a set of singulars.
pub fn stems(name: &str) -> BTreeSet<String> {
    tokens(name).iter().map(|word| singular(word)).collect()
}
