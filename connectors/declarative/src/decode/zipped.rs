//! Archives: every file in them is read in their order by one parser.

use std::io::{BufReader, Cursor, Read};

use bytes::Bytes;
use serde_json::Value;
use syncline_model::Fault;
use zip::ZipArchive;

use super::{
    Document, Parser,
    source::{self, Limits},
};

/// The documents of the files.
pub struct Files {
    archive: ZipArchive<Cursor<Bytes>>,
    parser: Parser,
    limits: Limits,
    /// How many bytes may still come out.
    left: u64,
    at: usize,
    file: Option<(String, Box<dyn Document>)>,
    complaint: Option<String>,
    failed: bool,
}

impl Files {
    /// Reads the list of files.
    pub fn open(body: &Bytes, parser: &Parser, limits: Limits) -> Result<Self, Fault> {
        let archive = ZipArchive::new(Cursor::new(body.clone()))
            .map_err(|error| Fault::Unusable(format!("the answer is no zip archive that can be read: {error}")))?;
        Ok(Self { archive, parser: parser.clone(), limits, left: limits.expanded, at: 0, file: None, complaint: None, failed: false })
    }

    /// Unpacks the next file; `false` behind the last.
    fn advance(&mut self) -> Result<bool, Fault> {
        if self.at >= self.archive.len() {
            return Ok(false);
        }
        let file = self.archive.by_index(self.at);
        let mut file = file.map_err(|error| Fault::Unusable(format!("a file of a zip archive cannot be read: {error}")))?;
        let name = file.name().to_owned();
        let most = self.limits.whole.min(self.left);
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(most + 1).read_to_end(&mut bytes).map_err(|error| unparsed(&name, &error.to_string()))?;
        if bytes.len() as u64 > most {
            return Err(unparsed(&name, &format!("it holds more than {most} bytes")));
        }
        self.left -= bytes.len() as u64;
        self.at += 1;
        let source: source::Source = Box::new(BufReader::new(Cursor::new(bytes)));
        let documents = self.parser.parse(source, self.limits).map_err(|fault| unparsed(&name, &why(&fault)))?;
        self.file = Some((name, documents));
        Ok(true)
    }

    fn step(&mut self) -> Result<Option<Value>, Fault> {
        loop {
            if let Some((name, documents)) = &mut self.file {
                if let Some(document) = documents.next() {
                    return document.map(Some).map_err(|fault| unparsed(name, &why(&fault)));
                }
                if self.complaint.is_none() {
                    self.complaint = documents.complaint();
                }
                self.file = None;
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }
}

impl Document for Files {
    fn next(&mut self) -> Option<Result<Value, Fault>> {
        if self.failed {
            return None;
        }
        let step = self.step();
        self.failed = step.is_err();
        step.transpose()
    }

    fn complaint(&self) -> Option<String> {
        self.complaint.clone().or_else(|| self.file.as_ref().and_then(|(_, documents)| documents.complaint()))
    }
}

fn unparsed(name: &str, why: &str) -> Fault {
    Fault::Unusable(format!("the file `{name}` of a zip archive cannot be read: {why}"))
}

fn why(fault: &Fault) -> String {
    match fault {
        Fault::Unusable(why) | Fault::Unavailable(why) => why.clone(),
        other => other.to_string(),
    }
}
