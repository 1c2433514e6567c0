//! The type of a column from the counts of its path. Types form a lattice; what was seen can only move a column up in it.

use serde::Serialize;

use crate::organize::profile::{Format, Stats};
use crate::organize::words;

/// What a database stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// Nothing but nulls so far
    Unknown,
    /// True or false
    Boolean,
    /// 64 bits
    Bigint,
    /// Any number, exact
    Numeric,
    /// A day
    Date,
    /// A time of day
    Time,
    /// A day and a time without a zone
    Timestamp,
    /// A moment
    Timestamptz,
    /// 128 bits
    Uuid,
    /// Anything as text
    Text,
    /// Anything at all
    Jsonb,
}

/// What a value means beyond its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Logical {
    /// Seconds since 1970
    EpochSeconds,
    /// Milliseconds since 1970
    EpochMilliseconds,
    /// An address for mail
    Email,
    /// A link
    Url,
    /// A host
    Domain,
    /// A telephone number
    Phone,
    /// A number written as text
    Decimal,
    /// True or false, written as text
    Boolean,
    /// An id that says what it names
    PrefixedId,
    /// A country's code
    Country,
    /// A currency's code
    Currency,
}

/// A type, a meaning, and how many values fit neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Typed {
    /// The type.
    pub kind: Type,
    /// The meaning.
    pub logical: Option<Logical>,
    /// Values that go to the overflow column.
    pub misfits: u64,
}

/// Misfits a column may have in a thousand without changing its type.
const TOLERATED: u64 = 5;
/// Values a column must have before misfits are tolerated.
const ENOUGH: u64 = 200;

/// The type of a path, by its counts and its key.
pub fn of(stats: &Stats, key: &str, untyped: bool) -> Typed {
    let whole =
        stats.scalars() + u64::from(stats.kinds.has(crate::organize::profile::Kind::Object) && stats.scalars() == 0) * stats.objects;
    if whole == 0 {
        return Typed { kind: Type::Unknown, logical: None, misfits: 0 };
    }
    if stats.scalars() == 0 {
        return Typed { kind: Type::Jsonb, logical: None, misfits: 0 };
    }
    let numbers = stats.integers + stats.decimals;
    let counts = [(stats.bools, 0), (numbers, 1), (stats.texts, 2)];
    let (most, which) = counts.into_iter().max().unwrap_or((0, 2));
    let misfits = stats.scalars() - most;
    if !tolerable(misfits, stats.scalars()) {
        return Typed { kind: Type::Text, logical: None, misfits: 0 };
    }
    match which {
        0 => Typed { kind: Type::Boolean, logical: None, misfits },
        1 => number(stats, key, misfits),
        _ => text(stats, key, untyped, misfits),
    }
}

fn tolerable(misfits: u64, all: u64) -> bool {
    misfits == 0 || (all >= ENOUGH && misfits * 1000 <= all * TOLERATED)
}

fn number(stats: &Stats, key: &str, misfits: u64) -> Typed {
    let whole = stats.decimals == 0;
    let kind = if whole && stats.whole_digits <= 18 { Type::Bigint } else { Type::Numeric };
    Typed { kind, logical: if whole { epoch(stats, key) } else { None }, misfits }
}

/// Whole numbers that are all in this century's seconds or milliseconds, under a name that speaks of time.
fn epoch(stats: &Stats, key: &str) -> Option<Logical> {
    let called = words::tokens(key);
    // The `last_order_id` of a shop with long ids is no time.
    let is_id = called.last().is_some_and(|word| matches!(word.as_str(), "id" | "uid" | "key"));
    let named = !is_id && called.iter().any(|word| TIME_WORDS.contains(&word.as_str()));
    let within = |low: f64, high: f64| stats.least >= low && stats.most <= high;
    if named && within(3e8, 8e9) {
        return Some(Logical::EpochSeconds);
    }
    (named && within(3e11, 8e12)).then_some(Logical::EpochMilliseconds)
}

const TIME_WORDS: &[&str] = &[
    "at",
    "created",
    "updated",
    "modified",
    "time",
    "timestamp",
    "ts",
    "date",
    "start",
    "end",
    "expires",
    "expiry",
    "deleted",
    "canceled",
    "cancelled",
    "paid",
    "since",
    "until",
    "on",
    "last",
    "seen",
    "period",
    "due",
    "birth",
    "arrival",
    "available",
    "frozen",
    "effective",
    "trial",
];

fn text(stats: &Stats, key: &str, untyped: bool, strangers: u64) -> Typed {
    let present = stats.texts - stats.format(Format::Empty);
    let share = |formats: &[Format]| formats.iter().map(|format| stats.format(*format)).sum::<u64>();
    let fits = |formats: &[Format]| present > 0 && tolerable(present - share(formats), present);
    let typed = |kind, formats: &[Format]| Typed { kind, logical: None, misfits: strangers + present - share(formats) };
    let meant = |logical| Typed { kind: Type::Text, logical: Some(logical), misfits: strangers };
    if present == 0 {
        return Typed { kind: Type::Text, logical: None, misfits: strangers };
    }
    if untyped && let Some(kind) = untyped_number(stats, present) {
        return Typed { kind, logical: None, misfits: strangers };
    }
    if fits(&[Format::Date]) {
        return typed(Type::Date, &[Format::Date]);
    }
    if fits(&[Format::Instant, Format::Date]) && share(&[Format::Instant]) > 0 {
        return typed(Type::Timestamptz, &[Format::Instant, Format::Date]);
    }
    if fits(&[Format::LocalTime, Format::Date]) {
        return typed(Type::Timestamp, &[Format::LocalTime, Format::Date]);
    }
    if fits(&[Format::Clock]) {
        return typed(Type::Time, &[Format::Clock]);
    }
    if fits(&[Format::Uuid]) {
        return typed(Type::Uuid, &[Format::Uuid]);
    }
    let mostly = |formats: &[Format]| share(formats) * 10 >= present * 9;
    let name = words::tokens(key);
    let named = |words: &[&str]| name.iter().any(|word| words.contains(&word.as_str()));
    if mostly(&[Format::Bool]) {
        return meant(Logical::Boolean);
    }
    if mostly(&[Format::Email]) {
        return meant(Logical::Email);
    }
    if mostly(&[Format::Url]) {
        return meant(Logical::Url);
    }
    if mostly(&[Format::Decimal, Format::Integer]) && share(&[Format::Decimal]) * 2 >= present {
        return meant(Logical::Decimal);
    }
    if mostly(&[Format::PrefixedId]) {
        return meant(Logical::PrefixedId);
    }
    if mostly(&[Format::Domain]) {
        return meant(Logical::Domain);
    }
    let id = name.last().is_some_and(|word| word == "id");
    if !id
        && mostly(&[Format::Phone, Format::Integer, Format::Digits])
        && (named(&["phone", "mobile", "fax", "tel", "telephone", "cell"]) || mostly(&[Format::Phone]))
    {
        return meant(Logical::Phone);
    }
    if mostly(&[Format::ShortCode]) && named(&["country", "nation", "nationality"]) {
        return meant(Logical::Country);
    }
    if mostly(&[Format::ShortCode]) && stats.shortest == 3 && named(&["currency", "cur", "ccy"]) {
        return meant(Logical::Currency);
    }
    Typed { kind: Type::Text, logical: None, misfits: strangers }
}

/// CSV writes numbers as text; a column of nothing else is one of numbers, unless a leading zero says that it is a code.
fn untyped_number(stats: &Stats, present: u64) -> Option<Type> {
    let integers = stats.format(Format::Integer);
    let decimals = stats.format(Format::Decimal);
    if integers == present {
        return Some(if stats.whole_digits <= 18 { Type::Bigint } else { Type::Numeric });
    }
    if integers + decimals == present {
        return Some(Type::Numeric);
    }
    (stats.format(Format::Bool) == present).then_some(Type::Boolean)
}
