//! Tables that asynchronous jobs leave: CSV, compressed or not, as `ResponseToFileExtractor` has pandas read it. Every value is a text;
//! empty ones, and by default words like `NA`, are `null`. Nothing is kept but one row, and no file is written.

use std::{collections::HashMap, io::Read};

use bytes::Bytes;
use flate2::bufread::ZlibDecoder;
use http::HeaderMap;
use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::decode::{
    Document, Documents,
    csv::Records,
    encoding::Encoding,
    gzip,
    source::{self, Limited, Limits, Source},
};

/// What pandas takes for no value.
const NOTHING: [&str; 19] = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN", "None",
    "n/a", "nan", "null",
];

/// How a table is read.
#[derive(Debug, Clone)]
pub struct Table {
    keeps_words: bool,
}

impl Table {
    /// Reads a `ResponseToFileExtractor`.
    pub fn load(node: &Value) -> Self {
        Self { keeps_words: node.get("preserve_na_values").and_then(Value::as_bool).unwrap_or_default() }
    }

    /// The rows of a body.
    pub fn rows(&self, body: &Bytes, _: &HeaderMap) -> Result<Documents, Fault> {
        let text = Encoding::Utf8Marked.checked(unpacked(body)?);
        let records = Records::new(text, ',', Limits::USUAL);
        Ok(Documents::of(Rows { keeps_words: self.keeps_words, records, names: Vec::new(), width: 0, began: false, ended: false }))
    }
}

fn unpacked(body: &Bytes) -> Result<Source, Fault> {
    let is_zlib = body.len() > 2 && body[0] & 0x0f == 8 && (u16::from(body[0]) * 256 + u16::from(body[1])).is_multiple_of(31);
    if is_zlib {
        let within = Limited::new(ZlibDecoder::new(source::of(body)), Limits::USUAL.expanded);
        return Ok(Box::new(std::io::BufReader::new(within)));
    }
    if body.starts_with(&gzip::MAGIC) {
        return gzip::peel(source::of(body), Limits::USUAL);
    }
    Ok(Box::new(std::io::BufReader::new(WithoutZeros(source::of(body)))))
}

/// Leaves out the bytes that are zero.
struct WithoutZeros<R>(R);

impl<R: Read> Read for WithoutZeros<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let count = self.0.read(buffer)?;
            let mut kept = 0;
            for at in 0..count {
                if buffer[at] != 0 {
                    buffer[kept] = buffer[at];
                    kept += 1;
                }
            }
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}

struct Rows {
    keeps_words: bool,
    records: Records,
    names: Vec<String>,
    /// How many values a row may have.
    width: usize,
    began: bool,
    ended: bool,
}

impl Rows {
    /// The next row that holds something.
    fn row(&mut self) -> Result<Option<Vec<String>>, Fault> {
        while let Some(row) = self.records.next()? {
            if self.records.ended_in_quotes() {
                return Err(Fault::Unusable("a table ends within quotes".to_owned()));
            }
            let is_blank = match row.as_slice() {
                [] => true,
                [only] => !only.is_empty() && only.chars().all(|sign| matches!(sign, ' ' | '\t')),
                _ => false,
            };
            if !is_blank {
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    fn step(&mut self) -> Result<Option<Value>, Fault> {
        if self.names.is_empty() {
            let Some(names) = self.row()? else { return Ok(None) };
            self.names = distinct(names);
        }
        let Some(row) = self.row()? else { return Ok(None) };
        if !self.began {
            self.began = true;
            self.width = row.len().max(self.names.len());
        }
        if row.len() > self.width {
            return Err(Fault::Unusable(format!("a row of a table has {} values where {} were expected", row.len(), self.width)));
        }
        // What stands before the named values is an index to pandas, which is no part of a record.
        let unnamed = self.width - self.names.len();
        let mut values = row.into_iter().skip(unnamed);
        let mut value = || values.next().filter(|text| !self.is_nothing(text)).map_or(Value::Null, Value::String);
        Ok(Some(Value::Object(self.names.iter().map(|name| (name.clone(), value())).collect::<Map<_, _>>())))
    }

    fn is_nothing(&self, text: &str) -> bool {
        if self.keeps_words { text.is_empty() } else { NOTHING.contains(&text) }
    }
}

/// Columns of one name get a number, and those without one are called by their place.
fn distinct(given: Vec<String>) -> Vec<String> {
    let unnamed: Vec<usize> = (0..given.len()).filter(|place| given[*place].is_empty()).collect();
    let mut names = given;
    unnamed.iter().for_each(|place| names[*place] = format!("Unnamed: {place}"));
    let named = (0..names.len()).filter(|place| !unnamed.contains(place));
    let order: Vec<usize> = named.chain(unnamed.iter().copied()).collect();
    let mut counts = HashMap::<String, usize>::new();
    for place in order {
        let first = names[place].clone();
        let (mut own, mut count) = (first.clone(), counts.get(&first).copied().unwrap_or_default());
        while count > 0 {
            counts.insert(first.clone(), count + 1);
            own = format!("{first}.{count}");
            count = if names.contains(&own) { count + 1 } else { counts.get(&own).copied().unwrap_or_default() };
        }
        counts.insert(own.clone(), 1);
        names[place] = own;
    }
    names
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
