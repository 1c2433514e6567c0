//! Reads decoders from a manifest.

use serde_json::Value;
use syncline_model::nearest;

use super::{Decoder, Parser, csv::Csv, encoding::Encoding};
use crate::problem::Problem;

const DECODERS: [&str; 8] =
    ["JsonDecoder", "JsonItemsDecoder", "JsonlDecoder", "CsvDecoder", "GzipDecoder", "ZipfileDecoder", "XmlDecoder", "IterableDecoder"];

impl Decoder {
    /// Reads a decoder.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        match kind(node) {
            "" | "JsonDecoder" => Ok(Self::Json),
            "IterableDecoder" => Ok(Self::Iterable),
            "XmlDecoder" => Ok(Self::Xml),
            "ZipfileDecoder" => Ok(Self::Zip(inner(node, "decoder", path)?)),
            "CompositeRawDecoder" => Ok(Self::Raw(inner(node, "parser", path)?)),
            _ => Ok(Self::Raw(Parser::load(node, path)?)),
        }
    }
}

impl Parser {
    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        match kind(node) {
            "JsonDecoder" | "JsonParser" => Ok(Self::Json),
            "JsonlDecoder" | "JsonLineParser" => Ok(Self::Lines),
            "JsonItemsDecoder" => {
                let items = node.get("items_path").and_then(Value::as_str).filter(|items| !items.is_empty());
                let items = items.ok_or_else(|| Problem::manifest(path, "`items_path` is missing"))?;
                Ok(Self::Items { path: items.to_owned(), encoding: encoding(node, path)? })
            }
            "CsvDecoder" | "CsvParser" => Ok(Self::Csv(Csv::load(node, encoding(node, path)?, path)?)),
            "GzipDecoder" => Ok(Self::Gzip(Box::new(inner(node, "decoder", path)?))),
            "GzipParser" => Ok(Self::Gzip(Box::new(inner(node, "inner_parser", path)?))),
            "CustomDecoder" => {
                let class = node.get("class_name").and_then(Value::as_str).unwrap_or_default();
                Err(Problem::manifest(path, format!("the decoder `{class}` is custom Python, which is not run here")))
            }
            within @ ("IterableDecoder" | "XmlDecoder" | "ZipfileDecoder") => {
                Err(Problem::manifest(path, format!("`{within}` cannot stand within another decoder")))
            }
            other => Err(Problem::manifest(path, format!("unknown decoder `{other}`{}", nearest::hint(other, DECODERS)))),
        }
    }
}

fn kind(node: &Value) -> &str {
    node.get("type").and_then(Value::as_str).unwrap_or_default()
}

fn inner(node: &Value, name: &str, path: &str) -> Result<Parser, Problem> {
    let within = node.get(name).ok_or_else(|| Problem::manifest(path, format!("`{name}` is missing")))?;
    Parser::load(within, &format!("{path}.{name}"))
}

fn encoding(node: &Value, path: &str) -> Result<Encoding, Problem> {
    match node.get("encoding") {
        None | Some(Value::Null) => Ok(Encoding::Utf8),
        Some(Value::String(label)) => {
            Encoding::of(label).ok_or_else(|| Problem::manifest(&format!("{path}.encoding"), format!("unknown encoding `{label}`")))
        }
        Some(other) => Err(Problem::manifest(&format!("{path}.encoding"), format!("`{other}` is no text"))),
    }
}
