//! What in the data is about people, and so must be handled with care. A tag is a reason to look, not a proof.

use serde::Serialize;

use crate::organize::normalize::Column;
use crate::organize::profile::{Format, Stats};
use crate::organize::words;

/// What kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Personal {
    /// A mail address
    Email,
    /// A telephone number
    Phone,
    /// The name of a person, or of an account
    Name,
    /// Where somebody lives or is
    Address,
    /// A day of birth, a gender and the like
    Person,
    /// A number that passes the check of payment cards
    Card,
    /// An account number that passes the check of IBANs
    BankAccount,
    /// A number the state gave out
    NationalId,
    /// An address in a network
    NetworkAddress,
    /// A text in which mail addresses or telephone numbers were seen
    Mentions,
}

/// The tag of a column.
pub fn of(column: &Column, stats: &Stats) -> Option<Personal> {
    by_values(stats).or_else(|| by_name(&column.path, stats)).or_else(|| mentions(stats))
}

fn by_values(stats: &Stats) -> Option<Personal> {
    let texts: Vec<&str> = stats.sketch.texts().map(|(text, _)| text).filter(|text| !text.is_empty()).collect();
    let most = |holds: fn(&str) -> bool| !texts.is_empty() && texts.iter().filter(|text| holds(text)).count() * 5 >= texts.len() * 4;
    let present = stats.texts.saturating_sub(stats.format(Format::Empty));
    let mostly = |format: Format| present > 0 && stats.format(format) * 2 > present;
    if mostly(Format::Email) {
        return Some(Personal::Email);
    }
    if most(is_iban) {
        return Some(Personal::BankAccount);
    }
    if texts.len() >= 3 && most(is_card) {
        return Some(Personal::Card);
    }
    if most(is_network_address) {
        return Some(Personal::NetworkAddress);
    }
    mostly(Format::Phone).then_some(Personal::Phone)
}

/// Names of columns, and what they hold. The longer ones are looked for first.
const NAMED: &[(&[&str], Personal)] = &[
    (&["phone", "mobile", "telephone", "telefon", "fax", "cellphone"], Personal::Phone),
    (&["email", "mail"], Personal::Email),
    (&["iban"], Personal::BankAccount),
    (&["ssn", "passport", "tax id", "national id", "social security", "soc sec", "drivers license", "vat id"], Personal::NationalId),
    (&["birth", "birthday", "birthdate", "dob", "gender", "sex", "nationality", "religion", "ethnicity"], Personal::Person),
    (
        &[
            "first name",
            "last name",
            "firstname",
            "lastname",
            "given name",
            "family name",
            "surname",
            "forename",
            "full name",
            "fullname",
            "middle name",
            "maiden name",
            "display name",
            "username",
            "login",
            "vorname",
            "nachname",
            "cardholder",
            "contact name",
        ],
        Personal::Name,
    ),
    (
        &[
            "street",
            "address",
            "address1",
            "address2",
            "line1",
            "line2",
            "postal code",
            "postcode",
            "postalcode",
            "zip",
            "zipcode",
            "city",
            "suburb",
            "latitude",
            "longitude",
        ],
        Personal::Address,
    ),
    (&["ip", "ip address", "mac address"], Personal::NetworkAddress),
];

fn by_name(path: &str, stats: &Stats) -> Option<Personal> {
    if stats.texts + stats.integers + stats.decimals == 0 {
        return None;
    }
    let leaf = path.rsplit('.').next().unwrap_or(path);
    let words = words::tokens(leaf).join(" ");
    let bounded = format!(" {words} ");
    let says = |word: &str| bounded.contains(&format!(" {word} "));
    if ["id", "count", "type", "status", "verified", "at"].iter().any(|word| bounded.ends_with(&format!(" {word} ")))
        && !words.ends_with("tax id")
        && !words.ends_with("national id")
        && !words.ends_with("vat id")
    {
        return None;
    }
    NAMED.iter().find(|(words, _)| words.iter().any(|word| says(word))).map(|(_, personal)| *personal)
}

fn mentions(stats: &Stats) -> Option<Personal> {
    let seen = stats.sketch.texts().any(|(text, _)| text.split_whitespace().count() > 2 && text.split_whitespace().any(mentions_somebody));
    seen.then_some(Personal::Mentions)
}

/// Whether a word is a mail address.
pub fn mentions_somebody(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.') && !host.ends_with('.'))
}

/// Thirteen to nineteen digits, in groups or not, that pass Luhn's check.
pub fn is_card(text: &str) -> bool {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b' ' || byte == b'-');
    let digits: Vec<u32> = text.bytes().filter(u8::is_ascii_digit).map(|byte| u32::from(byte - b'0')).collect();
    // Cards begin with the number of an industry, which is never 0, and do not repeat one digit.
    let possible = plain && (13..=19).contains(&digits.len()) && digits[0] != 0 && digits.iter().any(|digit| *digit != digits[0]);
    possible && luhn(&digits)
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { digit * 2 - 9 } else { digit * 2 };
    let sum: u32 = digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

/// Two letters, two digits and the rest of an account whose remainder by 97 is 1.
pub fn is_iban(text: &str) -> bool {
    let text: Vec<u8> = text.bytes().filter(|byte| *byte != b' ').collect();
    let shaped = (15..=34).contains(&text.len())
        && text[..2].iter().all(u8::is_ascii_uppercase)
        && text[2..4].iter().all(u8::is_ascii_digit)
        && text.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !shaped {
        return false;
    }
    let turned = text[4..].iter().chain(&text[..4]);
    turned.fold(0_u32, |rest, byte| {
        if byte.is_ascii_digit() { (rest * 10 + u32::from(byte - b'0')) % 97 } else { (rest * 100 + u32::from(byte - b'A') + 10) % 97 }
    }) == 1
}

fn is_network_address(text: &str) -> bool {
    text.parse::<std::net::IpAddr>().is_ok()
}
