//! A mistake in a connector's files.

/// A mistake in a connector's files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}: {}{message}", self.place())]
pub struct Problem {
    /// `connector.yaml` or `manifest.yaml`.
    pub file: String,
    /// Where in it, as a path of names; empty for the whole.
    pub path: String,
    /// What is wrong, as a lowercase clause.
    pub message: String,
}

impl Problem {
    /// A mistake in the manifest.
    pub fn manifest(path: &str, message: impl Into<String>) -> Self {
        Self { file: "manifest.yaml".to_owned(), path: path.to_owned(), message: message.into() }
    }

    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("`{}`: ", self.path) }
    }
}
