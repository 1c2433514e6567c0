//! Numbers as Python spells them.

use std::fmt::Write as _;

use super::{Literal, parse::Parser};

/// Python reads no longer whole numbers.
const DIGITS_MAX: usize = 4300;

impl Parser<'_> {
    /// A number that is followed by no letter.
    pub fn number(&mut self) -> Option<Literal> {
        let number = match self.rest.get(..2).and_then(base_of) {
            Some(base) => self.based(base)?,
            None => self.decimal()?,
        };
        let glued = self.rest.starts_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        (!glued).then_some(number)
    }

    /// `0x1f`, `0o17`, `0b1`
    fn based(&mut self, base: u32) -> Option<Literal> {
        self.rest = &self.rest[2..];
        self.take("_");
        let digits = self.digits(|letter| letter.is_digit(base))?;
        decimal(&digits, base).map(Literal::Int)
    }

    /// Digits with single underscores between them.
    fn digits(&mut self, is_digit: impl Fn(char) -> bool) -> Option<String> {
        let end = self.rest.find(|letter| !(is_digit(letter) || letter == '_')).unwrap_or(self.rest.len());
        let digits = &self.rest[..end];
        if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') || digits.contains("__") {
            return None;
        }
        self.rest = &self.rest[end..];
        Some(digits.replace('_', ""))
    }

    fn decimal(&mut self) -> Option<Literal> {
        let is_digit = |letter: char| letter.is_ascii_digit();
        let whole = if self.next() == b'.' { String::new() } else { self.digits(is_digit)? };
        let mut text = whole.clone();
        let mut is_float = false;
        if self.take(".") {
            is_float = true;
            text.push('.');
            match self.next() {
                b'0'..=b'9' => text.push_str(&self.digits(is_digit)?),
                _ if whole.is_empty() => return None,
                _ => text.push('0'),
            }
        }
        if let b'e' | b'E' = self.next() {
            is_float = true;
            self.rest = &self.rest[1..];
            text.push('e');
            if let sign @ (b'+' | b'-') = self.next() {
                text.push(char::from(sign));
                self.rest = &self.rest[1..];
            }
            text.push_str(&self.digits(is_digit)?);
        }
        if self.take("j") || self.take("J") {
            return Some(Literal::Complex(0.0, text.parse().ok()?));
        }
        if is_float {
            return text.parse().ok().map(Literal::Float);
        }
        let significant = whole.trim_start_matches('0');
        match significant {
            "" => Some(Literal::Int("0".to_owned())),
            _ if significant.len() < whole.len() || whole.len() > DIGITS_MAX => None,
            _ => Some(Literal::Int(whole)),
        }
    }
}

fn base_of(prefix: &str) -> Option<u32> {
    match prefix {
        "0x" | "0X" => Some(16),
        "0o" | "0O" => Some(8),
        "0b" | "0B" => Some(2),
        _ => None,
    }
}

/// A number of any size with the base 10; `None` for one that Python would not print.
fn decimal(digits: &str, base: u32) -> Option<String> {
    if digits.len() > DIGITS_MAX {
        return None;
    }
    // Groups of nine decimal digits, the lowest first.
    let mut groups: Vec<u64> = vec![0];
    for digit in digits.chars() {
        let mut carry = u64::from(digit.to_digit(base)?);
        for group in &mut groups {
            let value = *group * u64::from(base) + carry;
            *group = value % 1_000_000_000;
            carry = value / 1_000_000_000;
        }
        if carry > 0 {
            groups.push(carry);
        }
    }
    let mut out = groups.pop().unwrap_or(0).to_string();
    for group in groups.iter().rev() {
        write!(out, "{group:09}").ok()?;
    }
    Some(out)
}
