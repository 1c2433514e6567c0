//! Where in a file things stand, so that a mistake is told with its line, also when a reference led to it.

use std::collections::BTreeMap;

/// The lines of a file's values, by path (`streams[0].retriever`), and where its references lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    lines: BTreeMap<String, usize>,
    references: BTreeMap<String, String>,
}

impl Places {
    /// A value stands at this line.
    pub fn stand(&mut self, path: &str, line: usize) {
        self.lines.insert(path.to_owned(), line);
    }

    /// A value is what stands elsewhere; `target` is written `#/definitions/x`.
    pub fn refer(&mut self, path: &str, target: &str) {
        let parts = target.trim_start_matches("#/").split('/');
        let mut made = String::new();
        for part in parts {
            let is_index = !made.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            made = if is_index { format!("{made}[{part}]") } else { join(&made, part) };
        }
        self.references.insert(path.to_owned(), made);
    }

    /// The line of a value, or of the nearest thing around it.
    pub fn line(&self, path: &str) -> Option<usize> {
        let mut at = String::new();
        let mut found = self.lines.get("").copied();
        for part in parts(path) {
            let mut next = if part.starts_with('[') { format!("{at}{part}") } else { join(&at, part) };
            // What is not written here may be written where a reference leads; a reference to a reference is followed a few times.
            for _ in 0..8 {
                if self.lines.contains_key(&next) {
                    break;
                }
                let Some(target) = self.references.get(&at) else { break };
                at.clone_from(target);
                next = if part.starts_with('[') { format!("{at}{part}") } else { join(&at, part) };
            }
            match self.lines.get(&next) {
                Some(line) => found = Some(*line),
                None => return found,
            }
            at = next;
        }
        found
    }
}

/// `a.b[0].c` as `a`, `b`, `[0]`, `c`.
fn parts(path: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let (word, indexes) = name.find('[').map_or((name, ""), |at| name.split_at(at));
        found.extend((!word.is_empty()).then_some(word));
        found.extend(indexes.split_inclusive(']').filter(|index| !index.is_empty()));
    }
    found
}

/// A path and a name within it.
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
