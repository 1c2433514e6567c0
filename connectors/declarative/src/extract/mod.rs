//! Extractors: the records within the documents that a decoder yields. Which of them are kept and what becomes of them is the
//! selector's.

pub mod change;
mod combined;
pub mod dpath;
mod expand;
pub mod filled;
mod filter;
mod flow;
mod pieces;
mod table;
mod wildcard;

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use syncline_model::{Fault, nearest};

pub use self::filter::RecordFilter;
pub use self::flow::Flow;
pub use self::table::Table;
use self::{
    combined::Combined,
    expand::Expander,
    filled::{Path, Scope},
};
use crate::{
    cut::{Cut, NotJson, Wanted},
    decode::{Decoder, Documents},
    problem::Problem,
    template::is_truthy,
};

/// Where records stand.
#[derive(Debug, Clone)]
pub enum Extractor {
    /// At a path.
    Dpath(Box<Dpath>),
    /// Where several others find them.
    Combined(Combined),
    /// The body is a table; documents are not asked for.
    File(Table),
}

/// Records at a path of each document.
#[derive(Debug, Clone)]
pub struct Dpath {
    path: Path,
    expander: Option<Expander>,
}

/// The records of a page.
#[derive(Debug, Default)]
pub struct Extracted {
    /// What was found.
    pub records: Vec<Value>,
    /// Empty ones that were dropped, and count as part of the page's size.
    pub dropped: usize,
}

impl Extractor {
    /// Reads an extractor.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        match node.get("type").and_then(Value::as_str).unwrap_or("DpathExtractor") {
            "DpathExtractor" => {
                let expander = node.get("record_expander").filter(|node| !node.is_null());
                let expander = expander.map(|node| Expander::load(node, &format!("{path}.record_expander"))).transpose()?;
                Ok(Self::Dpath(Box::new(Dpath { path: Path::load(node, "field_path", path)?, expander })))
            }
            "CombinedExtractor" => Combined::load(node, path).map(Self::Combined),
            "ResponseToFileExtractor" => Ok(Self::File(Table::load(node))),
            "CustomRecordExtractor" => {
                let class = node.get("class_name").and_then(Value::as_str).unwrap_or_default();
                Err(Problem::manifest(path, format!("the extractor `{class}` is custom Python, which is not run here")))
            }
            other => {
                let hint = nearest::hint(other, ["DpathExtractor", "CombinedExtractor", "ResponseToFileExtractor"]);
                Err(Problem::manifest(path, format!("unknown extractor `{other}`{hint}")))
            }
        }
    }

    /// The names that lead to the records, if that is all there is to it: then they may be cut out of the bytes.
    pub fn plain_path(&self) -> Option<Vec<String>> {
        match self {
            Self::Dpath(dpath) if dpath.expander.is_none() => dpath.path.plain(),
            Self::Dpath(_) | Self::Combined(_) | Self::File(_) => None,
        }
    }

    /// The records of a page of plain JSON at the names of [`Self::plain_path`], as bytes, and those of the wanted
    /// fields that stand at the top of it.
    pub fn pieces(page: &Bytes, path: &[String], wanted: Wanted<'_>) -> Result<Cut, NotJson> {
        pieces::pieces(page, path, wanted)
    }

    /// Whether a decoder that can be read only once can stand before this.
    pub fn check_decoder(&self, decoder: &Decoder, path: &str) -> Result<(), Problem> {
        let reads_twice = matches!(self, Self::Combined(_)) && decoder.is_streamed();
        if reads_twice {
            return Err(Problem::manifest(path, "`CombinedExtractor` cannot stand behind a decoder that streams"));
        }
        Ok(())
    }

    /// The records of one document.
    pub fn extract(&self, document: &Value, scope: &Scope) -> Result<Vec<Value>, Fault> {
        let mut found = Extracted::default();
        self.extract_into(std::slice::from_ref(document), scope, &mut found)?;
        Ok(found.records)
    }

    /// The rows of a body that is a table, if this extractor reads the body itself.
    pub fn rows(&self, body: &Bytes, headers: &HeaderMap) -> Option<Result<Documents, Fault>> {
        match self {
            Self::File(table) => Some(table.rows(body, headers)),
            Self::Dpath(_) | Self::Combined(_) => None,
        }
    }

    fn extract_into(&self, documents: &[Value], scope: &Scope, found: &mut Extracted) -> Result<(), Fault> {
        match self {
            Self::Dpath(dpath) => documents.iter().try_for_each(|document| dpath.extract(document, scope, &mut found.records)),
            Self::Combined(combined) => combined.extract(documents, scope, found),
            Self::File(_) => {
                found.records.extend(documents.iter().cloned());
                Ok(())
            }
        }
    }
}

impl Dpath {
    /// Moves the records out of a document.
    fn take(&self, mut document: Value, scope: &Scope, found: &mut Vec<Value>) -> Result<(), Fault> {
        let Some(names) = self.path.plain().filter(|_| self.expander.is_none()) else { return self.extract(&document, scope, found) };
        let mut at = &mut document;
        for name in &names {
            let Some(next) = at.get_mut(name) else { return Ok(()) };
            at = next;
        }
        match at.take() {
            Value::Array(items) => found.extend(items),
            one if is_truthy(&one) => found.push(one),
            _ => {}
        }
        Ok(())
    }

    fn extract(&self, document: &Value, scope: &Scope, found: &mut Vec<Value>) -> Result<(), Fault> {
        let glob = self.path.glob(scope)?;
        if glob.has_star() {
            return glob.values(document).into_iter().try_for_each(|record| self.expand(record, scope, found));
        }
        match glob.get(document)? {
            Some(Value::Array(items)) => items.iter().try_for_each(|record| self.expand(record, scope, found)),
            Some(one) if is_truthy(one) => self.expand(one, scope, found),
            Some(_) | None => Ok(()),
        }
    }

    fn expand(&self, record: &Value, scope: &Scope, found: &mut Vec<Value>) -> Result<(), Fault> {
        if let Some(expander) = &self.expander {
            return expander.expand(record, scope, found);
        }
        found.push(record.clone());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
