//! Bodies of lines: a JSON document on each, or a text.

use std::io::{BufRead, Read};

use serde_json::{Map, Value};
use syncline_model::Fault;

use super::{
    Document,
    json::{NotJson, parse},
    source::{Limits, Source, unreadable},
};

/// Lines as they stand.
struct Lines {
    source: Source,
    limits: Limits,
    ended: bool,
}

impl Lines {
    /// The next line with its end.
    fn next(&mut self) -> Option<Result<Vec<u8>, Fault>> {
        if self.ended {
            return None;
        }
        let mut line = Vec::new();
        let most = self.limits.record as u64;
        let read = (&mut self.source).take(most + 1).read_until(b'\n', &mut line);
        let outcome = match read {
            Ok(0) => None,
            Ok(count) if count as u64 > most => Some(Err(self.limits.record_too_long())),
            Ok(_) => Some(Ok(line)),
            Err(error) => Some(Err(unreadable(&error))),
        };
        self.ended = !matches!(outcome, Some(Ok(_)));
        outcome
    }
}

fn text(line: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(line).map_err(|_| Fault::Unusable("a line of the answer is no UTF-8".to_owned()))
}

/// A JSON document on each line; a line that is none is left out.
pub fn documents(source: Source, limits: Limits) -> impl Document {
    JsonLines { lines: Lines { source, limits, ended: false }, left_out: 0, first: None }
}

struct JsonLines {
    lines: Lines,
    left_out: u64,
    first: Option<NotJson>,
}

impl JsonLines {
    fn document(&mut self, line: &[u8]) -> Result<Option<Value>, Fault> {
        match parse(text(line)?.as_bytes()) {
            Ok(value) => Ok(Some(value)),
            Err(error @ NotJson::TooDeep) => Err(Fault::Unusable(format!("a line of the answer cannot be read: {error}"))),
            Err(_) if line.iter().all(u8::is_ascii_whitespace) => Ok(None),
            Err(error) => {
                self.left_out += 1;
                self.first.get_or_insert(error);
                Ok(None)
            }
        }
    }
}

impl Document for JsonLines {
    fn next(&mut self) -> Option<Result<Value, Fault>> {
        loop {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(fault) => return Some(Err(fault)),
            };
            let document = self.document(&line).transpose();
            self.lines.ended |= matches!(document, Some(Err(_)));
            if document.is_some() {
                return document;
            }
        }
    }

    fn complaint(&self) -> Option<String> {
        self.first
            .as_ref()
            .map(|first| format!("{} lines of an answer are no JSON and were left out, the first because {first}", self.left_out))
    }
}

/// Every line as the field `record`. `\n`, `\r` and both together end one.
pub fn texts(source: Source, limits: Limits) -> impl Document {
    Texts { lines: Lines { source, limits, ended: false }, waiting: Vec::new() }
}

struct Texts {
    lines: Lines,
    /// What a line holds between `\r`s, last first.
    waiting: Vec<Result<Value, Fault>>,
}

impl Document for Texts {
    fn next(&mut self) -> Option<Result<Value, Fault>> {
        if self.waiting.is_empty() {
            let line = match self.lines.next()? {
                Ok(line) => line,
                Err(fault) => return Some(Err(fault)),
            };
            let line = line.strip_suffix(b"\n").unwrap_or(&line);
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            self.waiting = line.split(|byte| *byte == b'\r').rev().map(record).collect();
        }
        let next = self.waiting.pop();
        self.lines.ended |= matches!(next, Some(Err(_)));
        next
    }
}

fn record(line: &[u8]) -> Result<Value, Fault> {
    Ok(Value::Object(Map::from_iter([("record".to_owned(), Value::from(text(line)?))])))
}
