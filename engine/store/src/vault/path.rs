//! Places in settings: a pattern that names secret ones, and one concrete field.

use std::{fmt, str::FromStr};

/// A text that names no place in settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no place in settings: `/credentials/api_key`, `credentials.api_key` or `/hosts/*/password` is wanted")]
pub struct BadPath(String);

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The member of this name, or the item of this number.
    Named(String),
    /// Every item of a list, every member of an object.
    Each,
}

/// Which places in settings are secret: a JSON pointer (`/credentials/api_key`) in which `*` stands for every item, or the same
/// with dots (`credentials.api_key`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretPath(pub(crate) Vec<Step>);

impl FromStr for SecretPath {
    type Err = BadPath;
    fn from_str(text: &str) -> Result<Self, BadPath> {
        let parts: Vec<String> = match text.strip_prefix('/') {
            Some(pointer) => pointer.split('/').map(unescape).collect(),
            None => text.split('.').map(str::to_owned).collect(),
        };
        if parts.iter().any(String::is_empty) {
            return Err(BadPath(text.to_owned()));
        }
        Ok(Self(parts.into_iter().map(|part| if part == "*" { Step::Each } else { Step::Named(part) }).collect()))
    }
}

impl SecretPath {
    /// Exactly this place.
    pub(crate) fn of(field: &Field) -> Self {
        Self(field.steps().into_iter().map(Step::Named).collect())
    }

    /// Exactly the place of these names.
    pub(crate) fn at(names: &[String]) -> Self {
        Self(names.iter().cloned().map(Step::Named).collect())
    }
}

impl fmt::Display for SecretPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| match step {
            Step::Named(name) => write!(f, "/{}", escape(name)),
            Step::Each => f.write_str("/*"),
        })
    }
}

/// One place in settings: a JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Field(String);

impl Field {
    pub(crate) fn of(steps: &[String]) -> Self {
        Self(steps.iter().fold(String::new(), |text, step| text + "/" + &escape(step)))
    }

    /// The field as a JSON pointer.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn steps(&self) -> Vec<String> {
        self.0.split('/').skip(1).map(unescape).collect()
    }
}

impl FromStr for Field {
    type Err = BadPath;
    fn from_str(text: &str) -> Result<Self, BadPath> {
        let path: SecretPath = text.parse()?;
        let names: Option<Vec<String>> =
            path.0.into_iter().map(|step| if let Step::Named(name) = step { Some(name) } else { None }).collect();
        names.map(|names| Self::of(&names)).ok_or_else(|| BadPath(text.to_owned()))
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn escape(part: &str) -> String {
    part.replace('~', "~0").replace('/', "~1")
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}
