//! The concepts, read from data files.

use std::sync::OnceLock;

use serde::Deserialize;

use crate::organize::Refused;
use crate::organize::words;

const SHIPPED: &[(&str, &str)] = &[
    ("people-and-companies.json", include_str!("../../../concepts/people-and-companies.json")),
    ("business-objects.json", include_str!("../../../concepts/business-objects.json")),
];

/// All concepts.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Library {
    /// The entities.
    pub entities: Vec<Concept>,
}

/// An entity as a concept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Concept {
    /// Its name.
    pub name: String,
    /// Words that name its streams, the likeliest first.
    #[serde(default)]
    pub words: Vec<String>,
    /// Fields that speak for it.
    #[serde(default)]
    pub hints: Vec<String>,
    /// Its fields.
    #[serde(default)]
    pub fields: Vec<Attribute>,
    /// The lists in other records whose elements are such things. Without any, no list is.
    #[serde(default)]
    pub lists: Vec<Listed>,
}

/// A list in records, as a concept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// The entities in whose records it is.
    pub of: Vec<String>,
    /// Names it goes by, the likeliest first.
    pub names: Vec<String>,
    /// Groups of fields of which its elements have one each.
    pub has: Vec<Vec<String>>,
}

/// A field as a concept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// Whether it is a column of the unified table.
    #[serde(default)]
    pub core: bool,
    /// Names it goes by, the likeliest first.
    pub names: Vec<String>,
    /// What its values are.
    pub holds: Vec<Holds>,
    /// The object it may be inside.
    #[serde(default)]
    pub inside: Option<String>,
    /// Providers whose streams have it.
    #[serde(default)]
    pub provider: Vec<String>,
    /// What its values start with.
    #[serde(default)]
    pub prefix: Option<String>,
    /// All its names as words, cut once.
    #[serde(skip)]
    words: OnceLock<Vec<Vec<String>>>,
}

impl Attribute {
    /// Its names as words, its own first.
    pub fn words(&self) -> &[Vec<String>] {
        self.words.get_or_init(|| std::iter::once(&self.name).chain(&self.names).map(|name| words::tokens(name)).collect())
    }
}

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holds {
    /// Addresses for mail
    Email,
    /// Words for people
    Name,
    /// Names of people, and not what they call themselves in a service
    PersonName,
    /// Telephone numbers
    Phone,
    /// Short codes
    Code,
    /// Amounts and counts
    Number,
    /// Days and times
    Moment,
    /// Links and hosts
    Url,
    /// Yes and no
    Flag,
}

impl Library {
    /// The concepts that come with the program.
    pub fn shipped() -> Result<Self, Refused> {
        let mut library = Self::default();
        for (name, text) in SHIPPED {
            library.extend(name, text)?;
        }
        Ok(library)
    }

    /// Adds the concepts of a file: new entities, and more words and fields for known ones.
    pub fn extend(&mut self, file: &str, text: &str) -> Result<(), Refused> {
        let more: Self =
            serde_json::from_str(text).map_err(|cause| Refused::Invalid { what: file.to_owned(), cause: cause.to_string() })?;
        for entity in more.entities {
            match self.entities.iter_mut().find(|known| known.name == entity.name) {
                None => self.entities.push(entity),
                Some(known) => {
                    known.words.extend(entity.words);
                    known.hints.extend(entity.hints);
                    known.fields.extend(entity.fields);
                    known.lists.extend(entity.lists);
                }
            }
        }
        Ok(())
    }
}
