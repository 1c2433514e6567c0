//! Texts with places in them that a request fills: `{header:x-event}.{json:action}`.

use std::collections::BTreeSet;

use syncline_model::nearest;

use super::{Call, json::Path};

const WORDS: [&str; 10] = ["body", "timestamp", "id", "url", "method", "endpoint", "header:", "query:", "json:", "hmac_hex:"];

/// Signs bytes with the endpoint's secret.
pub type Sign<'a> = dyn Fn(&[u8]) -> String + 'a;

/// A text with places in it that a request fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Fixed(String),
    Body,
    Timestamp,
    Id,
    Url,
    Method,
    Endpoint,
    Header(String),
    Query(String),
    Json(Path),
    /// What stands there, signed with the endpoint's secret.
    HmacHex(Path),
}

impl Text {
    /// Reads one, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some(open) = rest.find('{') {
            let (before, behind) = rest.split_at(open);
            if !before.is_empty() {
                parts.push(Part::Fixed(before.to_owned()));
            }
            let Some(close) = behind.find('}') else { return Err(format!("`{text}` has a `{{` without its `}}`")) };
            parts.push(part(behind.get(1..close).unwrap_or_default())?);
            rest = behind.get(close + 1..).unwrap_or_default();
        }
        if !rest.is_empty() {
            parts.push(Part::Fixed(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// What it is for this request; `None` if something of it is not there.
    pub fn text(&self, call: &Call) -> Option<String> {
        let mut made = String::new();
        for part in &self.0 {
            made.push_str(&part.text(call, None)?);
        }
        Some(made)
    }

    /// The same, where something of it may be signed.
    pub fn text_signed(&self, call: &Call, sign: &Sign<'_>) -> Option<String> {
        let mut made = String::new();
        for part in &self.0 {
            made.push_str(&part.text(call, Some(sign))?);
        }
        Some(made)
    }

    /// Gives the bytes of it to somebody, piece by piece. False if something of it is not there.
    pub fn feed(&self, call: &Call, to: &mut dyn FnMut(&[u8])) -> bool {
        for part in &self.0 {
            match part {
                Part::Body => to(&call.body),
                Part::Fixed(text) => to(text.as_bytes()),
                other => match other.text(call, None) {
                    Some(text) => to(text.as_bytes()),
                    None => return false,
                },
            }
        }
        true
    }

    /// The headers that it looks at.
    pub fn headers(&self, names: &mut BTreeSet<String>) {
        names.extend(self.0.iter().filter_map(|part| if let Part::Header(name) = part { Some(name.clone()) } else { None }));
    }

    /// The parameters that it looks at.
    pub fn parameters(&self, names: &mut BTreeSet<String>) {
        names.extend(self.0.iter().filter_map(|part| if let Part::Query(name) = part { Some(name.clone()) } else { None }));
    }

    /// Something of it is signed with the endpoint's secret.
    pub fn signs(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::HmacHex(_)))
    }

    /// The body is in it.
    pub fn has_body(&self) -> bool {
        self.0.contains(&Part::Body)
    }

    /// The sender's id of the message is in it.
    pub fn has_id(&self) -> bool {
        self.0.contains(&Part::Id)
    }

    /// The sender's time is in it.
    pub fn has_timestamp(&self) -> bool {
        self.0.contains(&Part::Timestamp)
    }
}

impl Part {
    fn text(&self, call: &Call, sign: Option<&Sign<'_>>) -> Option<String> {
        match self {
            Self::Fixed(text) => Some(text.clone()),
            Self::Body => call.text().map(str::to_owned),
            Self::Timestamp => call.timestamp.clone(),
            Self::Id => call.id.clone(),
            Self::Url => Some(call.url.clone()),
            Self::Method => Some(call.method.clone()),
            Self::Endpoint => Some(call.endpoint.clone()),
            Self::Header(name) => call.header(name).map(str::to_owned),
            Self::Query(name) => call.parameter(name).map(str::to_owned),
            Self::Json(path) => path.scalar(call.text()?),
            Self::HmacHex(path) => path.scalar(call.text()?).and_then(|text| Some(sign?(text.as_bytes()))),
        }
    }
}

fn part(word: &str) -> Result<Part, String> {
    let path = |text: &str| Path::parse(text).ok_or_else(|| format!("`{text}` is no place in JSON: `data.object.id` is wanted"));
    let named = |name: &str| if name.is_empty() { Err(format!("`{{{word}}}` names nothing")) } else { Ok(name.to_owned()) };
    match (word, word.split_once(':')) {
        ("body", _) => Ok(Part::Body),
        ("timestamp", _) => Ok(Part::Timestamp),
        ("id", _) => Ok(Part::Id),
        ("url", _) => Ok(Part::Url),
        ("method", _) => Ok(Part::Method),
        ("endpoint", _) => Ok(Part::Endpoint),
        (_, Some(("header", name))) => named(name).map(|name| Part::Header(name.to_ascii_lowercase())),
        (_, Some(("query", name))) => named(name).map(Part::Query),
        (_, Some(("json", name))) => path(name).map(Part::Json),
        (_, Some(("hmac_hex", name))) => path(name).map(Part::HmacHex),
        (other, _) => {
            let word = other.split_once(':').map_or_else(|| other.to_owned(), |(kind, _)| format!("{kind}:"));
            Err(format!("there is no `{{{other}}}`{}", nearest::hint(&word, WORDS)))
        }
    }
}
