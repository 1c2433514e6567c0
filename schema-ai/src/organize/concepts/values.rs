//! Whether a column's values can be what a concept holds.

use super::library::Holds;
use crate::organize::normalize::{Column, Logical, Type};
use crate::organize::profile::{Format, Stats};
use crate::organize::resolve::nicknames;
use crate::organize::words;

/// How well the values fit, from 0 (they cannot be that) to 1.
pub fn fit(column: &Column, stats: &Stats, holds: &[Holds]) -> f64 {
    holds.iter().map(|one| fit_one(column, stats, *one)).fold(0.0, f64::max)
}

fn fit_one(column: &Column, stats: &Stats, holds: Holds) -> f64 {
    let kind = column.typed.kind;
    let logical = column.typed.logical;
    let present = stats.present().max(1) as f64;
    let share = |formats: &[Format]| formats.iter().map(|format| stats.format(*format)).sum::<u64>() as f64 / present;
    match holds {
        Holds::Email => share(&[Format::Email]),
        Holds::Moment => match (kind, logical) {
            (Type::Date | Type::Timestamp | Type::Timestamptz, _) | (_, Some(Logical::EpochSeconds | Logical::EpochMilliseconds)) => 1.0,
            (Type::Text, None) => 0.3,
            _ => 0.0,
        },
        Holds::Phone => {
            let digits = share(&[Format::Phone, Format::Integer, Format::Digits, Format::Token, Format::Text]);
            if kind == Type::Text && share(&[Format::Email, Format::Url]) < 0.1 {
                digits.max(0.3)
            } else if kind == Type::Bigint && stats.whole_digits >= 7 {
                0.9
            } else {
                0.0
            }
        }
        Holds::Url => share(&[Format::Url, Format::Domain]),
        Holds::Name => {
            let strange =
                share(&[Format::Email, Format::Url, Format::Uuid, Format::PrefixedId, Format::Integer, Format::Date, Format::Instant]);
            let keys = stats.sketch.texts().filter(|(text, _)| is_key(text)).count();
            let keys = keys as f64 / stats.sketch.texts().count().max(1) as f64;
            if kind == Type::Text { 1.0 - strange.max(keys) } else { 0.0 }
        }
        Holds::PersonName => {
            let handles = stats.sketch.texts().filter(|(text, _)| is_handle(text)).count();
            let all = stats.sketch.texts().count().max(1);
            if handles * 5 > all * 4 { 0.0 } else { fit_one(column, stats, Holds::Name) }
        }
        Holds::Code => match kind {
            Type::Text | Type::Bigint | Type::Uuid if stats.bytes as f64 / stats.scalars().max(1) as f64 <= 40.0 => 1.0,
            _ => 0.0,
        },
        Holds::Number => match (kind, logical) {
            (_, Some(Logical::EpochSeconds | Logical::EpochMilliseconds)) => 0.0,
            (Type::Bigint | Type::Numeric, _) | (Type::Text, Some(Logical::Decimal)) => 1.0,
            (Type::Text, None) => share(&[Format::Integer, Format::Decimal]),
            _ => 0.0,
        },
        Holds::Flag => {
            if kind == Type::Boolean || logical == Some(Logical::Boolean) {
                1.0
            } else {
                0.0
            }
        }
    }
}

/// What somebody is called in a service: one word of small letters, with a digit or a sign in it or not.
fn is_handle(text: &str) -> bool {
    text.is_ascii() && !text.contains(' ') && !text.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Long, in one piece and with digits: what a machine calls something, and nobody else.
fn is_key(text: &str) -> bool {
    text.len() >= 16 && !text.contains(' ') && text.bytes().filter(u8::is_ascii_digit).count() * 5 > text.len()
}

/// Whether a column holds names of companies: many of them end like one, or are several names with `and` between.
pub fn are_companies(stats: &Stats) -> bool {
    let all = stats.sketch.texts().count();
    let companies = stats.sketch.texts().filter(|(text, _)| is_company(text)).count();
    all >= ENOUGH && companies * 5 >= all * 2
}

/// Values before anything follows.
const ENOUGH: usize = 8;

fn is_company(text: &str) -> bool {
    let words = words::tokens(text);
    let between = words.len() > 2 && words[1..words.len() - 1].iter().any(|word| word == "and");
    between || text.contains('&') || words.len() > 1 && words.last().is_some_and(|word| nicknames::is_company_suffix(word))
}
