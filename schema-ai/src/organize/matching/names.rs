//! How alike two columns' names are, abbreviations of every kind included.

use crate::organize::normalize::{Column, path};
use crate::organize::words;

/// How many words all columns of a file start with: `customers_city`, `customers_phone` share one.
pub fn shared_start(columns: &[&Column]) -> usize {
    let cut: Vec<Vec<String>> = columns.iter().map(|column| words::tokens(&column.path)).collect();
    let Some(first) = cut.first().filter(|_| cut.len() > 2) else { return 0 };
    let shortest = cut.iter().map(Vec::len).min().unwrap_or(0);
    (0..shortest.saturating_sub(1)).take_while(|at| cut.iter().all(|words| words[*at] == first[*at])).count()
}

/// The words of a path, without those that all share. Wrapping objects count only when the key alone says nothing.
pub fn words(path: &str, shared: usize) -> Vec<String> {
    let keys = path::keys(path);
    let all: Vec<String> = keys.iter().flat_map(|key| words::tokens(key)).collect();
    if keys.len() < 2 {
        return all.into_iter().skip(shared).collect();
    }
    let last = keys.last().map(|key| words::tokens(key)).unwrap_or_default();
    if last.len() > 1 || last.first().is_some_and(|word| !matches!(word.as_str(), "id" | "name" | "type" | "code" | "value")) {
        last
    } else {
        all.into_iter().skip(shared).collect()
    }
}

/// How alike, from 0 to 1.
pub fn likeness(a: &[String], b: &[String]) -> f64 {
    let (joined_a, joined_b) = (a.concat(), b.concat());
    if joined_a == joined_b {
        return 1.0;
    }
    let plain = words::likeness(a, b);
    let cut = chunked(&joined_a, b).max(chunked(&joined_b, a));
    let bare = vowelless(a, b).max(vowelless(b, a));
    plain.max(cut).max(bare)
}

/// Whether a name is short for all the words of another one, the letter in front of them included: `CC` of `c_custkey`.
pub fn shortened(all: Option<&[String]>, short: &[String]) -> f64 {
    all.map_or(0.0, |all| chunked(&short.concat(), all))
}

/// Whether `short` is made of beginnings of all the words in order: `posco` of `postal code`, `cui` of `customer id`.
fn chunked(short: &str, words: &[String]) -> f64 {
    let whole: usize = words.iter().map(String::len).sum();
    if short.len() >= whole || !fits(short, words) {
        return 0.0;
    }
    // The more letters are kept, the less it can be chance.
    let kept = short.len() as f64 / whole as f64;
    (0.6 + 0.5 * kept + 0.04 * short.len() as f64).min(0.95)
}

fn fits(short: &str, words: &[String]) -> bool {
    let Some((word, rest)) = words.split_first() else { return short.is_empty() };
    let common = short.bytes().zip(word.bytes()).take_while(|(a, b)| a == b).count();
    (1..=common).rev().any(|length| short.is_char_boundary(length) && fits(&short[length..], rest))
}

/// Whether each word of `short` is the other's word without its vowels: `cstmr_d` for `customer_id`.
fn vowelless(short: &[String], long: &[String]) -> f64 {
    let bare = |word: &String| word.chars().filter(|c| !matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')).collect::<String>();
    let letters: usize = short.iter().map(String::len).sum();
    let same = short.len() == long.len() && short.iter().zip(long).all(|(short, long)| *short == bare(long) || short == long);
    if same { (0.8 + 0.04 * letters as f64).min(0.95) } else { 0.0 }
}
