//! Which streams a connection is tried with.

use serde_json::{Map, Value};

use crate::{node::Node, problem::Problem};

/// How a connection is tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Check {
    pub(super) names: Vec<String>,
    /// Streams made from a template: whose, and how many of them.
    pub(super) dynamic: Vec<(String, Option<usize>)>,
    /// So many streams, whichever come first.
    pub(super) first: Option<usize>,
    pub(super) overrides: Map<String, Value>,
}

impl Check {
    pub(super) fn load(root: &Node<'_>) -> Result<Self, Problem> {
        let Some(node) = root.child("check") else { return Ok(Self::default()) };
        let count = |node: &Node<'_>, field: &str| Ok::<_, Problem>(node.whole(field)?.and_then(|count| usize::try_from(count).ok()));
        let overrides = node.get("config_overrides").and_then(Value::as_object).cloned().unwrap_or_default();
        if node.kind() == "CheckDynamicStream" {
            let uses = node.get("use_check_availability").and_then(Value::as_bool).unwrap_or(true);
            let first = if uses { count(&node, "stream_count")? } else { Some(0) };
            return Ok(Self { first: Some(first.unwrap_or(1)), overrides, ..Self::default() });
        }
        if !["CheckStream", ""].contains(&node.kind()) {
            return Err(node.unknown("check", &["CheckStream", "CheckDynamicStream"]));
        }
        let names: Vec<String> = node.children("stream_names").iter().filter_map(|name| name.value.as_str().map(str::to_owned)).collect();
        let one = |node: &Node<'_>| {
            let name = node.word("dynamic_stream_name").ok_or_else(|| node.missing("dynamic_stream_name"))?.to_owned();
            Ok((name, count(node, "stream_count")?))
        };
        let dynamic = node.children("dynamic_streams_check_configs").iter().map(one).collect::<Result<_, Problem>>()?;
        Ok(Self { names, dynamic, first: None, overrides })
    }
}
