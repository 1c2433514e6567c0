//! States that older versions of a connector kept, made what this one reads.

use serde_json::{Map, Value, json};
use syncline_model::Fault;

use crate::{node::Node, problem::Problem, run::Run, stream::Stream, template::Template};

/// A change of a stream's state.
#[derive(Debug, Clone)]
pub enum Migration {
    /// `LegacyToPerPartitionStateMigration`: from a cursor by parent's key to a list of partitions.
    PerPartition { field: Template },
}

impl Migration {
    /// Reads the ones of a stream.
    pub fn load_all(stream: &Node<'_>) -> Result<Vec<Self>, Problem> {
        let one = |node: &Node<'_>| match node.kind() {
            "LegacyToPerPartitionStateMigration" => Self::per_partition(node, stream).map(Some),
            _ => Err(node.unknown("state migration", &["LegacyToPerPartitionStateMigration"])),
        };
        stream.children("state_migrations").iter().filter_map(|node| one(node).transpose()).collect()
    }

    fn per_partition(node: &Node<'_>, stream: &Node<'_>) -> Result<Self, Problem> {
        let router = stream.child("retriever").and_then(|retriever| retriever.child("partition_router"));
        let router = router.ok_or_else(|| node.problem("it needs a partition router in its stream"))?;
        let field = match router.kind() {
            "UnionPartitionRouter" => router.needed_text("partition_field")?,
            _ => {
                let parents = router.children("parent_stream_configs");
                let [parent] = parents.as_slice() else {
                    return Err(node.problem("it needs a partition router with exactly one parent stream"));
                };
                parent.needed_text("partition_field")?
            }
        };
        Ok(Self::PerPartition { field })
    }
}

/// A state with all migrations applied.
pub fn migrate(stream: &Stream, mut state: Map<String, Value>, run: &Run) -> Result<Map<String, Value>, Fault> {
    for Migration::PerPartition { field } in &stream.migrations {
        let Some(cursor) = &stream.cursor else { continue };
        let name = cursor.field.text(&run.base)?;
        let is_old = |value: &Value| value.as_object().is_some_and(|fields| fields.len() == 1 && fields.contains_key(&name));
        if state.is_empty() || state.contains_key("states") || !state.values().all(is_old) {
            continue;
        }
        let field = field.text(&run.base)?;
        let states: Vec<Value> = state.iter().map(|(key, cursor)| json!({"partition": {field.clone(): key}, "cursor": cursor})).collect();
        state = Map::from_iter([("states".to_owned(), Value::Array(states))]);
    }
    Ok(state)
}
