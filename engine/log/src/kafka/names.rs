//! The names of everything in Kafka. What is our own begins with `_` behind the prefix, where no tenant's name can begin, so that no
//! event topic can be called the same.

use sha2::{Digest, Sha256};
use syncline_model::{Event, ShardId, TenantId, nearest};

const PLACES: [&str; 4] = ["prefix", "tenant", "connector", "stream"];
const TOPIC_BYTES_MAX: usize = 249;

/// Names by prefix and template, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    prefix: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Prefix,
    Tenant,
    Connector,
    Stream,
}

fn is_legal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// The topics of events, one after the other: neighbours mostly share theirs.
pub struct TopicsOf<'a> {
    names: &'a Names,
    last: Option<(&'a Event, String)>,
}

impl<'a> TopicsOf<'a> {
    /// With these names.
    pub fn new(names: &'a Names) -> Self {
        Self { names, last: None }
    }

    /// The topic of the next event.
    pub fn of(&mut self, event: &'a Event) -> &str {
        let place = |event: &'a Event| (&event.tenant, &event.connector, &event.stream);
        let (_, topic) = match self.last.take() {
            Some((before, topic)) if place(before) == place(event) => self.last.insert((event, topic)),
            _ => self.last.insert((event, self.names.topic(event))),
        };
        topic
    }

    /// The topics of these events, each once where neighbours share it.
    pub fn all(names: &'a Names, events: impl Iterator<Item = &'a Event>) -> Vec<String> {
        let (mut topics, mut of) = (Vec::<String>::new(), Self::new(names));
        for event in events {
            let topic = of.of(event);
            if topics.last().is_none_or(|last| last != topic) {
                topics.push(topic.to_owned());
            }
        }
        topics.sort_unstable();
        topics.dedup();
        topics
    }
}

impl Names {
    /// Reads a template, or says what is wrong with it.
    pub fn new(prefix: &str, template: &str) -> Result<Self, String> {
        let legal = !prefix.is_empty() && prefix.len() <= 64 && prefix.bytes().all(is_legal) && !prefix.ends_with('.');
        if !legal || prefix.starts_with(['.', '_']) {
            return Err(format!("the prefix `{prefix}` must be 1 to 64 of a-z, A-Z, 0-9, `.`, `_` and `-`, and no `.` or `_` at its ends"));
        }
        let parts = template
            .split('.')
            .map(part)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|why| format!("the topic template `{template}`: {why}"))?;
        let names = Self { prefix: prefix.to_owned(), parts };
        names.check().map_err(|why| format!("the topic template `{template}`: {why}"))?;
        Ok(names)
    }

    fn check(&self) -> Result<(), String> {
        let count = |wanted: &Part| self.parts.iter().filter(|part| *part == wanted).count();
        if self.parts.first() != Some(&Part::Prefix) {
            return Err("it must begin with `{prefix}.`, so that installations do not share topics".to_owned());
        }
        if count(&Part::Tenant) != 1 {
            return Err("it must have `{tenant}` once, so that no topic holds the events of two tenants".to_owned());
        }
        if count(&Part::Prefix) > 1 || count(&Part::Connector) > 1 || count(&Part::Stream) > 1 {
            return Err("a name may stand in it once".to_owned());
        }
        if count(&Part::Stream) == 1 && self.parts.last() != Some(&Part::Stream) {
            return Err("`{stream}` must come last, because names of streams may have dots".to_owned());
        }
        Ok(())
    }

    /// Carries verified deliveries and commands; one partition for each shard.
    pub fn inbox(&self) -> String {
        format!("{}._inbox", self.prefix)
    }

    /// Holds the cursors; compacted, one partition for each shard.
    pub fn cursors(&self) -> String {
        format!("{}._cursors", self.prefix)
    }

    /// Holds the ids of recent deliveries; compacted, one partition for each shard.
    pub fn seen(&self) -> String {
        format!("{}._seen", self.prefix)
    }

    /// The group of those that own shards.
    pub fn owners(&self) -> String {
        format!("{}._owners", self.prefix)
    }

    /// The group that never joins: what readers without a group call themselves.
    pub fn readers(&self) -> String {
        format!("{}._readers", self.prefix)
    }

    /// The group of a consumer.
    pub fn group(&self, group: &str) -> String {
        format!("{}.{group}", self.prefix)
    }

    /// The transactional id of a shard's steps, for each of its lanes.
    pub fn transactional(&self, shard: ShardId, lane: usize) -> String {
        let first = format!("{}.shard-{shard}", self.prefix);
        if lane == 0 { first } else { format!("{first}.{lane}") }
    }

    /// The topic of an event.
    pub fn topic(&self, event: &Event) -> String {
        let texts: Vec<String> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Prefix => self.prefix.clone(),
                Part::Tenant => event.tenant.to_string(),
                Part::Connector => event.connector.to_string(),
                Part::Stream => legal_stream(event.stream.as_str()),
            })
            .collect();
        let topic = texts.join(".");
        if topic.len() <= TOPIC_BYTES_MAX {
            return topic;
        }
        let digest = digest(&topic);
        format!("{}-{digest}", &topic[..TOPIC_BYTES_MAX - 1 - digest.len()])
    }

    /// What stands for the name of a stream in a topic.
    pub fn stream_part(stream: &str) -> String {
        legal_stream(stream)
    }

    /// The topic holds events of this tenant.
    pub fn is_of(&self, topic: &str, tenant: &TenantId) -> bool {
        self.tenant(topic) == Some(tenant.as_str())
    }

    /// The topic holds events.
    pub fn is_events(&self, topic: &str) -> bool {
        self.tenant(topic).is_some()
    }

    /// The tenant whose events the topic holds.
    pub fn tenant<'a>(&self, topic: &'a str) -> Option<&'a str> {
        let rest = topic.strip_prefix(&self.prefix)?.strip_prefix('.')?;
        let parts = &self.parts[1..];
        let texts: Vec<&str> = rest.splitn(parts.len(), '.').collect();
        if texts.len() != parts.len() {
            return None;
        }
        let mut tenant = None;
        for (part, text) in parts.iter().zip(texts) {
            let slug = !text.is_empty() && !text.contains('.') && !text.starts_with('_');
            match part {
                Part::Text(wanted) if wanted == text => {}
                Part::Tenant if slug => tenant = Some(text),
                Part::Connector if slug => {}
                Part::Stream if !text.is_empty() => {}
                Part::Text(_) | Part::Prefix | Part::Tenant | Part::Connector | Part::Stream => return None,
            }
        }
        tenant
    }

    /// What consumers subscribe to.
    pub fn pattern(&self) -> String {
        let texts: Vec<String> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Prefix => self.prefix.replace('.', "\\."),
                Part::Tenant | Part::Connector => "[a-z0-9][a-z0-9_-]*".to_owned(),
                Part::Stream => ".+".to_owned(),
            })
            .collect();
        format!("^{}$", texts.join("\\."))
    }
}

fn part(text: &str) -> Result<Part, String> {
    let place = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    match place {
        Some("prefix") => Ok(Part::Prefix),
        Some("tenant") => Ok(Part::Tenant),
        Some("connector") => Ok(Part::Connector),
        Some("stream") => Ok(Part::Stream),
        Some(other) if !other.contains(['{', '}']) => Err(format!("unknown name `{{{other}}}`{}", nearest::hint(other, PLACES))),
        Some(_) | None if text.contains(['{', '}']) => Err(format!("`{text}`: a name stands between dots, alone")),
        Some(_) | None if text.is_empty() || text.starts_with('_') || !text.bytes().all(is_legal) => {
            Err(format!("`{text}` must be a-z, A-Z, 0-9, `_` and `-`, and not begin with `_`"))
        }
        Some(_) | None => Ok(Part::Text(text.to_owned())),
    }
}

/// A stream's name as it may stand in a topic. One that had to be changed gets a digest, so that two never become the same.
fn legal_stream(stream: &str) -> String {
    let kept: String = stream.chars().map(|c| if c.is_ascii() && is_legal(c as u8) { c } else { '-' }).collect();
    if kept == stream { kept } else { format!("{kept}-{}", digest(stream)) }
}

fn digest(text: &str) -> String {
    let head = Sha256::digest(text).iter().take(6).fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte));
    format!("{head:012x}")
}

#[cfg(test)]
mod tests;
