//! The picture of all streams together: tables, keys, relations, entities, each with how sure we are and why.

pub mod diff;
pub mod document;
pub mod draw;
pub mod edit;
pub mod json;
pub mod mermaid;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::HashMap;

use super::concepts::{self, Entity};
use super::keys;
use super::normalize::Stream;
use super::profile::files::Source;
use super::relations::{self, Relation};
use crate::organize::Refused;

/// What we propose for a tenant.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The streams and their tables.
    pub streams: Vec<Stream>,
    /// References between them.
    pub relations: Vec<Relation>,
    /// Unified things and where their fields come from.
    pub entities: Vec<Entity>,
}

impl Plan {
    /// The plan for files, one for each stream.
    pub fn of(sources: &[Source]) -> Result<Self, Refused> {
        let profiled: Result<Vec<Stream>, Refused> =
            sources.iter().map(|source| Ok(Stream::new(&source.stream, source.profile()?))).collect();
        Self::of_streams(profiled?, sources)
    }

    /// The plan for streams that are profiled already. Files, where given, are read again only for composite keys.
    pub fn of_streams(streams: Vec<Stream>, sources: &[Source]) -> Result<Self, Refused> {
        Self::with_keys(streams, sources, &HashMap::new())
    }

    /// The same, where of some streams it is known which columns are the key of their records.
    pub fn with_keys(mut streams: Vec<Stream>, sources: &[Source], known: &HashMap<String, Vec<String>>) -> Result<Self, Refused> {
        keys::find(&mut streams, sources)?;
        for stream in &mut streams {
            if let (Some(key), Some(table)) = (known.get(&stream.name), stream.tables.first_mut()) {
                table.primary_key.clone_from(key);
                table.key_confidence = 1.0;
            }
        }
        let mut relations = relations::find(&streams);
        relations.extend(relations::composite::find(&streams, sources)?);
        let entities = concepts::find(&streams, &relations)?;
        Ok(Self { streams, relations, entities })
    }
}
