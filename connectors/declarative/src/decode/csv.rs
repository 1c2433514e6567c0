//! Rows under a line of names, as Python's `csv.DictReader` reads them: quotes within a bare field are characters, what follows a
//! closing quote belongs to the field, empty lines are passed over, and what a row has too much of stands under `null`.

use std::vec::IntoIter;

use serde_json::{Map, Value};
use syncline_model::Fault;

use super::{
    Document,
    encoding::{Encoding, Recoded},
    source::{Limits, Source, unreadable},
};
use crate::problem::Problem;

/// The name that Python's `None` has as a key in JSON.
const REST: &str = "null";

/// A cell that a row lacks weighs as much as so many bytes: a long first line over short rows must not fill the memory.
const MISSING_BYTES: usize = 16;

/// How rows are written.
#[derive(Debug, Clone)]
pub struct Csv {
    encoding: Encoding,
    delimiter: char,
    nothing: Vec<String>,
}

impl Csv {
    /// Reads the settings of a `CsvDecoder`.
    pub fn load(node: &Value, encoding: Encoding, path: &str) -> Result<Self, Problem> {
        let given = node.get("delimiter").and_then(Value::as_str).filter(|text| !text.is_empty()).unwrap_or(",");
        let delimiter = one_character(given)
            .ok_or_else(|| Problem::manifest(&format!("{path}.delimiter"), format!("`{given}` is not one character")))?;
        let nothing = node.get("set_values_to_none").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        Ok(Self { encoding, delimiter, nothing: nothing.iter().filter_map(Value::as_str).map(str::to_owned).collect() })
    }

    /// The rows of a table, as objects.
    pub fn rows(&self, source: Source, limits: Limits) -> impl Document + use<> {
        let records = Records::new(self.encoding.checked(source), self.delimiter, limits);
        Rows { csv: self.clone(), records, names: None, missing: 0, ended: false }
    }
}

/// A delimiter may be written as an escape of Python: `\t`, `\x01`, `\u0001`.
fn one_character(given: &str) -> Option<char> {
    let spelt = match given.strip_prefix('\\') {
        None => given.to_owned(),
        Some("t") => "\t".to_owned(),
        Some("n") => "\n".to_owned(),
        Some("r") => "\r".to_owned(),
        Some("\\" | "") => "\\".to_owned(),
        Some("a") => "\u{7}".to_owned(),
        Some("b") => "\u{8}".to_owned(),
        Some("v") => "\u{b}".to_owned(),
        Some("f") => "\u{c}".to_owned(),
        Some(code) => {
            let number = match code.strip_prefix(['x', 'u', 'U']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => u32::from_str_radix(code, 8),
            };
            char::from_u32(number.ok()?)?.to_string()
        }
    };
    let mut characters = spelt.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// Where within a row reading stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum At {
    #[default]
    Row,
    Field,
    Bare,
    Quoted,
    Quote,
}

/// A row that is being read.
#[derive(Default)]
struct Row {
    at: At,
    fields: Vec<String>,
    field: String,
    bytes: usize,
}

impl Row {
    /// Takes what is nothing but characters of the field that is being read; says how many bytes of it there are.
    fn run(&mut self, text: &str, delimiter: char) -> usize {
        let end = match self.at {
            At::Bare => text.find([delimiter, '\n', '\r']),
            At::Quoted => text.find(['"', '\r']),
            At::Row | At::Field | At::Quote => return 0,
        };
        let run = end.map_or(text, |end| text.get(..end).unwrap_or_default());
        self.field.push_str(run);
        self.bytes += run.len();
        run.len()
    }

    /// Takes a character; gives the row if it ends here.
    fn take(&mut self, character: char, delimiter: char) -> Option<Vec<String>> {
        self.bytes += character.len_utf8();
        let ends = character == '\n' && self.at != At::Quoted;
        if ends {
            return Some(self.end());
        }
        match (self.at, character) {
            (At::Row | At::Field, '"') => self.at = At::Quoted,
            (At::Quoted, '"') => self.at = At::Quote,
            (At::Quote, '"') => {
                self.field.push('"');
                self.at = At::Quoted;
            }
            (At::Quoted, other) => self.field.push(other),
            (_, other) if other == delimiter => {
                self.fields.push(std::mem::take(&mut self.field));
                self.at = At::Field;
            }
            (_, other) => {
                self.field.push(other);
                self.at = At::Bare;
            }
        }
        None
    }

    fn end(&mut self) -> Vec<String> {
        if self.at != At::Row {
            self.fields.push(std::mem::take(&mut self.field));
        }
        let row = std::mem::take(self);
        row.fields
    }
}

/// The rows of a table as lists of texts; an empty line is an empty row.
pub struct Records {
    text: Recoded,
    delimiter: char,
    limits: Limits,
    ready: IntoIter<Vec<String>>,
    row: Row,
    after_return: bool,
    ended_in_quotes: bool,
}

impl Records {
    /// Reads a table.
    pub fn new(text: Recoded, delimiter: char, limits: Limits) -> Self {
        Self { text, delimiter, limits, ready: Vec::new().into_iter(), row: Row::default(), after_return: false, ended_in_quotes: false }
    }

    /// Whether the last row ended within quotes.
    pub fn ended_in_quotes(&self) -> bool {
        self.ended_in_quotes
    }

    /// The next row, or `None` behind the last.
    pub fn next(&mut self) -> Result<Option<Vec<String>>, Fault> {
        if self.ready.len() == 0 {
            self.fill()?;
        }
        Ok(self.ready.next())
    }

    /// Reads on until some rows are there, or nothing is left.
    fn fill(&mut self) -> Result<(), Fault> {
        let mut rows = Vec::new();
        while rows.is_empty() {
            let piece = self.text.piece().map_err(|error| unreadable(&error))?;
            if piece.is_empty() {
                let is_open = self.row.at != At::Row;
                self.ended_in_quotes |= self.row.at == At::Quoted;
                rows.extend(is_open.then(|| self.row.end()));
                break;
            }
            let mut rest = piece;
            while let Some(character) = rest.chars().next() {
                let second_of_pair = self.after_return && character == '\n';
                let run = if second_of_pair { 0 } else { self.row.run(rest, self.delimiter) };
                self.after_return = run == 0 && character == '\r';
                rest = rest.get(if run == 0 { character.len_utf8() } else { run }..).unwrap_or_default();
                if second_of_pair || run > 0 {
                    continue;
                }
                let character = if character == '\r' { '\n' } else { character };
                rows.extend(self.row.take(character, self.delimiter));
            }
            if self.row.bytes > self.limits.record {
                return Err(self.limits.record_too_long());
            }
        }
        self.ready = rows.into_iter();
        Ok(())
    }
}

/// The rows of a table as objects.
struct Rows {
    csv: Csv,
    records: Records,
    names: Option<Vec<String>>,
    /// Fields of the rows so far for which the table has no cell.
    missing: usize,
    ended: bool,
}

impl Rows {
    fn step(&mut self) -> Result<Option<Value>, Fault> {
        while let Some(row) = self.records.next()? {
            match &self.names {
                None => self.names = Some(row),
                Some(_) if row.is_empty() => {}
                Some(names) => {
                    self.missing += names.len().saturating_sub(row.len());
                    if self.missing.saturating_mul(MISSING_BYTES) > self.records.limits.record {
                        return Err(Fault::Unusable("the rows of the answer have far fewer cells than its first line names".to_owned()));
                    }
                    return Ok(Some(self.csv.object(names, row)));
                }
            }
        }
        Ok(None)
    }
}

impl Csv {
    fn object(&self, names: &[String], row: Vec<String>) -> Value {
        let mut values = row.into_iter();
        let mut fields = Map::with_capacity(names.len());
        for name in names {
            let value = values.next().filter(|value| !self.nothing.contains(value));
            fields.insert(name.clone(), value.map_or(Value::Null, Value::String));
        }
        let rest: Vec<Value> = values.map(Value::String).collect();
        if !rest.is_empty() {
            fields.insert(REST.to_owned(), Value::Array(rest));
        }
        Value::Object(fields)
    }
}

impl Document for Rows {
    fn next(&mut self) -> Option<Result<Value, Fault>> {
        if self.ended {
            return None;
        }
        let step = self.step();
        self.ended = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}
