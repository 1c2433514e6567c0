//! Names as words: how they are cut, shortened, put in the singular, and how alike two of them are.

use std::borrow::Cow;
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
    in_singular(word).into_owned()
}

fn in_singular(word: &str) -> Cow<'_, str> {
    let cut = |ending: &str, put: &str| word.strip_suffix(ending).map(|stem| Cow::Owned(format!("{stem}{put}")));
    let short = word.len() <= 3;
    if short || word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        return Cow::Borrowed(word);
    }
    let whole = match word {
        "people" => Some("person"),
        "children" => Some("child"),
        "series" | "species" | "news" => Some(word),
        "movies" => Some("movie"),
        "cookies" => Some("cookie"),
        "aliases" => Some("alias"),
        // All other endings that are cut end so.
        _ if !word.ends_with('s') => Some(word),
        _ => None,
    };
    if let Some(whole) = whole {
        return Cow::Borrowed(whole);
    }
    let before = |ending: &str| word.strip_suffix(ending).and_then(|stem| stem.chars().last());
    // `statuses` and `buses`, but neither `houses` nor `causes`.
    if before("uses").is_some_and(|c| !matches!(c, 'a' | 'e' | 'o')) {
        return Cow::Borrowed(&word[..word.len() - 2]);
    }
    cut("ies", "y").unwrap_or_else(|| {
        let two = ["sses", "xes", "ches", "shes"].iter().any(|ending| word.ends_with(ending));
        Cow::Borrowed(&word[..word.len() - if two { 2 } else { 1 }])
    })
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
    if a == b || in_singular(a) == in_singular(b) {
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
    if !may_be_alike(a, b) {
        return 0.0;
    }
    let alike = strsim::jaro_winkler(a, b);
    if alike > ALIKE { alike - 0.1 } else { 0.0 }
}

/// From here on two words are spelt alike.
const ALIKE: f64 = 0.86;

/// Whether words can be spelt alike, by the letters that they have in common, in whatever order. Most cannot, and this is much quicker
/// than to compare them.
fn may_be_alike(a: &str, b: &str) -> bool {
    if !a.is_ascii() || !b.is_ascii() {
        return true;
    }
    let letters = |word: &str| word.bytes().fold(0_u128, |letters, byte| letters | 1 << byte);
    let shared = letters(a) & letters(b);
    let common = |word: &str| word.bytes().filter(|byte| shared >> byte & 1 == 1).count();
    let most = common(a).min(common(b));
    if most == 0 {
        return false;
    }
    let begins = a.bytes().zip(b.bytes()).take(4).take_while(|(a, b)| a == b).count();
    let part = |of: &str| most as f64 / of.len().max(1) as f64;
    let jaro = (part(a) + part(b) + 1.0) / 3.0;
    // A hundredth of a thousandth more than Jaro and Winkler can give, because both are rounded.
    jaro + 0.1 * begins as f64 * (1.0 - jaro) + 1e-5 > ALIKE
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ALIKE, in_singular, may_be_alike};

    #[test]
    fn words_are_put_in_the_singular() {
        let known = [
            ("customers", "customer"),
            ("categories", "category"),
            ("addresses", "address"),
            ("boxes", "box"),
            ("branches", "branch"),
            ("dishes", "dish"),
            ("statuses", "status"),
            ("houses", "house"),
            ("people", "person"),
            ("series", "series"),
            ("analysis", "analysis"),
            ("gas", "gas"),
            ("order", "order"),
            ("Straßes", "Straße"),
        ];
        for (word, singular) in known {
            assert_eq!(in_singular(word), singular);
        }
    }

    proptest! {
        #[test]
        fn words_that_are_spelt_alike_are_never_passed_over(a in "[a-f]{0,9}", b in "[a-f]{0,9}", end in "[a-z]{0,3}") {
            for (a, b) in [(a.clone(), b.clone()), (format!("{a}{b}"), format!("{a}{end}{b}")), (format!("{a}{end}"), format!("{a}{b}"))] {
                prop_assert!(a == b || strsim::jaro_winkler(&a, &b) <= ALIKE || may_be_alike(&a, &b), "{} and {}", a, b);
            }
        }
    }
}
