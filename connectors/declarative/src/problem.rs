//! A mistake in a connector's files.

/// A mistake in a connector's files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {}{message}", self.at(), self.place())]
pub struct Problem {
    /// `connector.yaml` or `manifest.yaml`.
    pub file: String,
    /// The line in it, counted from 1, as far as it is known.
    pub line: Option<usize>,
    /// Where in it, as a path of names; empty for the whole.
    pub path: String,
    /// What is wrong, as a lowercase clause.
    pub message: String,
}

impl Problem {
    /// A mistake in the manifest.
    pub fn manifest(path: &str, message: impl Into<String>) -> Self {
        Self { file: "manifest.yaml".to_owned(), line: None, path: path.to_owned(), message: message.into() }
    }

    /// What it needs is a Python class that cannot run here; only the streams that need it are lost.
    pub fn needs_class(&self) -> bool {
        self.message.starts_with("it needs the Python class") || self.message.contains("is custom Python")
    }

    fn at(&self) -> String {
        self.line.map(|line| format!(":{line}")).unwrap_or_default()
    }

    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("`{}`: ", self.path) }
    }
}
