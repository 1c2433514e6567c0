//! What a delivery means: which records of which streams are in it, or which streams are to be read because of it.

use std::collections::BTreeSet;

use bytes::Bytes;
use syncline_model::{RecordKey, StreamName, Version};

use super::{Call, Delivery, handshake::Condition, json, json::Path, template::Text};

/// What deliveries mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// What kind of thing happened.
    pub(super) kind: Text,
    /// The list in a delivery whose items each are a thing that happened.
    pub(super) split: Option<Path>,
    /// Kinds that are of no interest.
    pub(super) ignore: Vec<Pattern>,
    /// The first that fits counts.
    pub(super) rules: Vec<Rule>,
}

/// `issues`, `issues.*` or `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pattern(pub(super) String);

impl Pattern {
    fn fits(&self, kind: &str) -> bool {
        self.0.strip_suffix('*').map_or_else(|| self.0 == kind, |start| kind.starts_with(start))
    }
}

/// What a kind of thing means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) kind: Pattern,
    pub(super) stream: StreamName,
    pub(super) means: Meaning,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The stream is to be read.
    Thin,
    /// Records are in it.
    Records(Box<Records>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Records {
    /// Where: a record, or a list of them.
    pub(super) place: Path,
    /// They are gone, where all of this holds; never, where it is absent.
    pub(super) deleted: Option<Vec<Condition>>,
    /// What identifies the record, where that is not what the stream says.
    pub(super) key: Vec<Text>,
    /// Which state it is, where that is not what the stream says.
    pub(super) version: Option<(Text, Unit)>,
}

/// What a number that tells a version counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Milliseconds,
    Time,
    Count,
}

/// Something that a delivery says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The stream.
    pub stream: Option<StreamName>,
    /// What about it.
    pub found: Found,
}

/// What was found in a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A record, as it stands there.
    Record {
        /// Its bytes.
        body: Bytes,
        /// Its key, where the stream's own does not say it.
        key: Option<RecordKey>,
        /// Its version, where the stream's own field does not say it.
        version: Option<Version>,
        /// It is gone.
        deleted: bool,
    },
    /// The stream has something new.
    Thin,
    /// Nothing of interest.
    Ignored,
    /// What cannot be handled.
    Refused {
        /// Its bytes.
        body: Bytes,
        /// Why, as a lowercase clause.
        cause: String,
    },
}

impl Mapping {
    /// Everything that a delivery says.
    pub fn notices(&self, delivery: &Delivery) -> Vec<Notice> {
        let Some(split) = &self.split else { return self.one(delivery, delivery.body.clone()) };
        let whole = std::str::from_utf8(&delivery.body).ok();
        let Some(items) = whole.and_then(|whole| json::items(split.find(whole)?)) else {
            return vec![refused(None, delivery.body.clone(), "it has no list of things that happened".to_owned())];
        };
        items.into_iter().flat_map(|item| self.one(delivery, delivery.body.slice_ref(item.as_bytes()))).collect()
    }

    fn one(&self, delivery: &Delivery, body: Bytes) -> Vec<Notice> {
        let call = delivery.call(body.clone());
        let Some(kind) = self.kind.text(&call) else {
            return vec![refused(None, body, "it does not say what kind of thing happened".to_owned())];
        };
        if self.ignore.iter().any(|pattern| pattern.fits(&kind)) {
            return vec![Notice { stream: None, found: Found::Ignored }];
        }
        let Some(rule) = self.rules.iter().find(|rule| rule.kind.fits(&kind)) else {
            return vec![refused(None, body, format!("the connector does not know what `{}` means", shortened(&kind)))];
        };
        let stream = Some(rule.stream.clone());
        match &rule.means {
            Meaning::Thin => vec![Notice { stream, found: Found::Thin }],
            Meaning::Records(records) => {
                let notice = |found| Notice { stream: stream.clone(), found };
                records.find(&call).into_iter().map(notice).collect()
            }
        }
    }

    /// Some of what comes only says that there is something new.
    pub fn has_thin(&self) -> bool {
        self.rules.iter().any(|rule| rule.means == Meaning::Thin)
    }

    pub(super) fn headers(&self, names: &mut BTreeSet<String>) {
        self.texts(&mut |text| text.headers(names));
    }

    pub(super) fn parameters(&self, names: &mut BTreeSet<String>) {
        self.texts(&mut |text| text.parameters(names));
    }

    fn texts(&self, see: &mut dyn FnMut(&Text)) {
        see(&self.kind);
        for rule in &self.rules {
            let Meaning::Records(records) = &rule.means else { continue };
            records.key.iter().chain(records.version.iter().map(|(text, _)| text)).for_each(&mut *see);
            records.deleted.iter().flatten().for_each(|condition| see(&condition.text));
        }
    }
}

impl Records {
    fn find(&self, call: &Call) -> Vec<Found> {
        let refuse = |cause: &str| Found::Refused { body: call.body.clone(), cause: cause.to_owned() };
        let Some(whole) = call.text() else { return vec![refuse("it is not UTF-8")] };
        let Some(found) = self.place.find(whole) else { return vec![refuse("there is no record where one should be")] };
        let bodies = if found.starts_with('[') { json::items(found).unwrap_or_default() } else { vec![found] };
        let deleted = self.deleted.as_ref().is_some_and(|conditions| conditions.iter().all(|condition| condition.holds(call)));
        let key = match self.key(call) {
            Ok(key) => key,
            Err(cause) => return vec![refuse(cause)],
        };
        if key.is_some() && bodies.len() > 1 {
            return vec![refuse("several records stand where one should be")];
        }
        let version = match self.version(call) {
            Ok(version) => version,
            Err(cause) => return vec![refuse(cause)],
        };
        let record = |body: &str| Found::Record { body: call.body.slice_ref(body.as_bytes()), key: key.clone(), version, deleted };
        bodies.into_iter().map(record).collect()
    }

    fn key(&self, call: &Call) -> Result<Option<RecordKey>, &'static str> {
        if self.key.is_empty() {
            return Ok(None);
        }
        let parts = self.key.iter().map(|text| text.text(call)).collect::<Option<Vec<_>>>().ok_or("its key is missing")?;
        Ok(Some(RecordKey::of(parts.iter().map(String::as_str))))
    }

    fn version(&self, call: &Call) -> Result<Option<Version>, &'static str> {
        let Some((text, unit)) = &self.version else { return Ok(None) };
        let told = text.text(call).ok_or("its version is missing")?;
        unit.version(&told).map(Some).ok_or("its version cannot be read")
    }
}

impl Unit {
    fn version(self, told: &str) -> Option<Version> {
        let scaled = |by: i128| told.parse::<i128>().ok()?.checked_mul(by).map(Version);
        match self {
            Self::Count => scaled(1),
            Self::Seconds => scaled(1_000_000_000),
            Self::Milliseconds => scaled(1_000_000),
            Self::Time => told.parse::<jiff::Timestamp>().ok().map(Version::from),
        }
    }
}

fn refused(stream: Option<StreamName>, body: Bytes, cause: String) -> Notice {
    Notice { stream, found: Found::Refused { body, cause } }
}

/// What a sender wrote goes into messages only so far.
fn shortened(kind: &str) -> String {
    kind.chars().filter(|letter| !letter.is_control()).take(100).collect()
}
