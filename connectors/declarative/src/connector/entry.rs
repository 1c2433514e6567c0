//! The streams of a manifest, each by itself: one that cannot be read does not keep the others away.

use std::sync::Arc;

use crate::{node::Node, problem::Problem, stream::Stream, template::Template};

/// One stream of a manifest, or why it cannot be read.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) stream: Result<Arc<Stream>, String>,
    /// It is there only where the settings say so.
    pub(super) condition: Option<Template>,
}

impl Entry {
    pub(super) fn load(node: &Node<'_>, condition: Option<Template>, problems: &mut Vec<Problem>) -> Option<Self> {
        let Some(name) = node.word("name").map(str::to_owned) else {
            problems.push(node.missing("name"));
            return None;
        };
        let stream = match Stream::load(node) {
            Ok(stream) => Ok(Arc::new(stream)),
            Err(problem) if problem.needs_class() => Err(format!("{} (at `{}`)", problem.message, problem.path)),
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        Some(Self { name, stream, condition })
    }

    pub(super) fn key(&self) -> Vec<Vec<String>> {
        self.stream.as_ref().map(|stream| stream.key.clone()).unwrap_or_default()
    }
}

/// The streams that a manifest names one by one.
pub(super) fn named(root: &Node<'_>, problems: &mut Vec<Problem>) -> Vec<Entry> {
    let mut made = Vec::new();
    for node in root.children("streams") {
        if node.kind() != "ConditionalStreams" {
            made.extend(Entry::load(&node, None, problems));
            continue;
        }
        match node.needed_text("condition") {
            Ok(condition) => {
                made.extend(node.children("streams").iter().filter_map(|inner| Entry::load(inner, Some(condition.clone()), problems)));
            }
            Err(problem) => problems.push(problem),
        }
    }
    made
}
