//! Partition routers: the parts of a stream that are read one by one, found while they are read.

mod found;

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    node::Node,
    parts::{Parts, RequestOption},
    problem::Problem,
    run::{Run, misconfigured},
    slice::Slice,
    stream::Stream,
    template::{Scope, Template, python_str},
};

pub use found::{Parents, Partitions};

/// A partition router.
#[derive(Debug, Clone)]
pub enum Router {
    /// One partition for each value of a list.
    List(Box<List>),
    /// One partition for each record of parent streams.
    Substream(Vec<Parent>),
    /// Every combination of what several routers find; the first is the outermost.
    Product(Vec<Router>),
    /// Several partitions as one.
    Grouping { inner: Box<Router>, size: usize, deduplicates: bool },
    /// What several routers find, each value once.
    Union { inner: Vec<Router>, field: Template },
}

/// `ListPartitionRouter`.
#[derive(Debug, Clone)]
pub struct List {
    values: Values,
    field: Template,
    option: Option<RequestOption>,
}

#[derive(Debug, Clone)]
enum Values {
    Fixed(Vec<Value>),
    Template(Template),
}

/// `ParentStreamConfig`.
#[derive(Debug, Clone)]
pub struct Parent {
    stream: Arc<Stream>,
    key: Template,
    field: Template,
    extra: Vec<Vec<Template>>,
    option: Option<RequestOption>,
    incremental: bool,
    lazy: Vec<Template>,
}

const KNOWN: [&str; 4] = ["SubstreamPartitionRouter", "ListPartitionRouter", "GroupingPartitionRouter", "UnionPartitionRouter"];

impl Router {
    /// Reads the router of a retriever; several are combined.
    pub fn load_all(retriever: &Node<'_>) -> Result<Option<Self>, Problem> {
        let nodes = retriever.children("partition_router");
        let is_list = retriever.get("partition_router").is_some_and(Value::is_array);
        let mut routers = nodes.iter().map(Self::load).collect::<Result<Vec<_>, _>>()?;
        Ok(match routers.len() {
            0 => None,
            1 if !is_list => routers.pop(),
            _ => Some(Self::Product(routers)),
        })
    }

    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let option =
            |node: &Node<'_>| node.child("request_option").map(|option| RequestOption::load(option.value, &option.path)).transpose();
        match node.kind() {
            "ListPartitionRouter" => {
                let values = match node.get("values") {
                    Some(Value::Array(values)) => Values::Fixed(values.clone()),
                    Some(Value::String(text)) => Values::Template(node.template(text, "values")?),
                    _ => return Err(node.missing("values")),
                };
                Ok(Self::List(Box::new(List { values, field: node.needed_text("cursor_field")?, option: option(node)? })))
            }
            "SubstreamPartitionRouter" => {
                let parents = node.children("parent_stream_configs");
                if parents.is_empty() {
                    return Err(node.problem("`parent_stream_configs` must name at least one parent stream"));
                }
                parents.iter().map(|parent| Parent::load(parent, option(parent)?)).collect::<Result<_, _>>().map(Self::Substream)
            }
            "GroupingPartitionRouter" => Ok(Self::Grouping {
                inner: Box::new(Self::load(&node.needed("underlying_partition_router")?)?),
                size: node
                    .whole("group_size")?
                    .and_then(|size| usize::try_from(size).ok())
                    .filter(|size| *size > 0)
                    .ok_or_else(|| node.problem("`group_size` must be a whole number of at least 1"))?,
                deduplicates: node.get("deduplicate").and_then(Value::as_bool).unwrap_or(true),
            }),
            "UnionPartitionRouter" => Ok(Self::Union {
                inner: node.children("partition_routers").iter().map(Self::load).collect::<Result<_, _>>()?,
                field: node.needed_text("partition_field")?,
            }),
            _ => Err(node.unknown("partition router", &KNOWN)),
        }
    }

    /// All partitions share one state.
    pub fn is_grouping(&self) -> bool {
        matches!(self, Self::Grouping { .. })
    }

    /// The pages of its parents hold the first records of the streams below, and those are read from there.
    pub fn is_lazy(&self) -> bool {
        matches!(self, Self::Substream(parents) if parents.iter().any(|parent| !parent.lazy.is_empty()))
    }

    /// What a partition puts into requests.
    pub fn put(&self, parts: &mut Parts, slice: &Slice, scope: &Scope) -> Result<(), Fault> {
        let mut one = |option: &Option<RequestOption>, field: &Template| {
            let Some(option) = option else { return Ok(()) };
            let Some(value) = slice.partition.get(&field.text(scope)?) else { return Ok(()) };
            if crate::template::is_truthy(value) { parts.put(option, value.clone(), scope) } else { Ok(()) }
        };
        match self {
            Self::List(list) => one(&list.option, &list.field),
            Self::Substream(parents) => parents.iter().try_for_each(|parent| one(&parent.option, &parent.field)),
            // Of two that say the same thing the first wins.
            Self::Product(routers) => routers.iter().rev().try_for_each(|router| router.put(parts, slice, scope)),
            Self::Grouping { .. } | Self::Union { .. } => Ok(()),
        }
    }

    /// The partitions; `state` is what the stream's saved state says about its parents.
    pub fn partitions(&self, run: &Run, state: &Map<String, Value>) -> Result<Partitions, Fault> {
        Ok(match self {
            Self::List(list) => Partitions::Ready(list.slices(&run.base)?),
            Self::Substream(parents) => Partitions::Parents(Box::new(Parents::new(parents, run, state))),
            Self::Product(routers) => Partitions::Product {
                inner: routers.iter().map(|router| router.partitions(run, state)).collect::<Result<_, _>>()?,
                made: None,
            },
            Self::Grouping { inner, size, deduplicates } => {
                Partitions::Grouping { inner: Box::new(inner.partitions(run, state)?), size: *size, seen: deduplicates.then(HashSet::new) }
            }
            Self::Union { inner, field } => Partitions::Union {
                inner: inner.iter().map(|router| router.partitions(run, state)).collect::<Result<_, _>>()?,
                at: 0,
                field: field.text(&run.base)?,
                seen: HashSet::new(),
            },
        })
    }
}

impl List {
    fn slices(&self, scope: &Scope) -> Result<VecDeque<Slice>, Fault> {
        let values = match &self.values {
            Values::Fixed(values) => values.clone(),
            Values::Template(template) => match template.eval(scope)?.into_json() {
                Value::Array(values) => values,
                // Python walks through a text letter by letter.
                Value::String(text) => text.chars().map(|letter| Value::String(letter.to_string())).collect(),
                Value::Object(fields) => fields.into_iter().map(|(name, _)| Value::String(name)).collect(),
                other => return Err(misconfigured(format!("the `values` of a partition router became `{other}`, and must be a list"))),
            },
        };
        let field = self.field.text(scope)?;
        Ok(values.into_iter().map(|value| Slice::of(Map::from_iter([(field.clone(), value)]))).collect())
    }
}

impl Parent {
    fn load(node: &Node<'_>, option: Option<RequestOption>) -> Result<Self, Problem> {
        let stream = node.needed("stream")?;
        let path = |node: &Node<'_>| -> Result<Vec<Template>, Problem> {
            let names = node.value.as_array().map(Vec::as_slice).unwrap_or_default();
            names.iter().map(|name| Template::new(&python_str(name)).map_err(|why| node.problem(why))).collect()
        };
        let lazy = node.child("lazy_read_pointer").map(|pointer| path(&pointer)).transpose()?.unwrap_or_default();
        if lazy.iter().any(|name| name.source().contains('*')) {
            return Err(node.problem("`lazy_read_pointer` must be a path without `*`"));
        }
        Ok(Self {
            stream: Arc::new(Stream::load(&stream)?),
            key: node.needed_text("parent_key")?,
            field: node.needed_text("partition_field")?,
            extra: node.children("extra_fields").iter().map(path).collect::<Result<_, _>>()?,
            option,
            incremental: node.says("incremental_dependency"),
            lazy,
        })
    }

    /// The state that the parent begins with.
    fn state(&self, child: &Map<String, Value>, run: &Run) -> Map<String, Value> {
        if !self.incremental {
            return Map::new();
        }
        let object = |value: Option<&Value>| value.and_then(Value::as_object).cloned();
        if let Some(parents) = object(child.get("parent_state"))
            && let Some(own) = object(parents.get(&self.stream.name))
        {
            return own;
        }
        if let Some(common) = object(child.get("state")) {
            return common;
        }
        // An old state of the child is one value, and stands for the parent too.
        let values: Vec<&Value> =
            child.iter().filter(|(name, _)| *name != "__ab_no_cursor_state_message").map(|(_, value)| value).collect();
        match (values.as_slice(), self.stream.cursor.as_ref().and_then(|cursor| cursor.field.text(&run.base).ok())) {
            ([value @ (Value::String(_) | Value::Number(_))], Some(field)) => Map::from_iter([(field, (*value).clone())]),
            _ => Map::new(),
        }
    }

    /// The partition that a record of the parent makes, if it makes one.
    fn slice(&self, record: &Value, parent: &Slice, scope: &Scope) -> Result<Option<Slice>, Fault> {
        let key = self.key.text(scope)?;
        let value = match at_path(record, key.trim_matches('/').split('/')) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value.clone(),
        };
        let mut extra = Map::new();
        if !self.lazy.is_empty() {
            let names = self.lazy.iter().map(|name| name.text(scope)).collect::<Result<Vec<_>, _>>()?;
            let found = at_path(record, names.iter().map(String::as_str)).cloned().unwrap_or_else(|| Value::Array(Vec::new()));
            extra.insert("child_response".to_owned(), found);
        }
        for path in &self.extra {
            let names = path.iter().map(|name| name.text(scope)).collect::<Result<Vec<_>, _>>()?;
            let found = at_path(record, names.iter().map(String::as_str)).cloned().unwrap_or_default();
            extra.insert(names.join("."), found);
        }
        let partition =
            Map::from_iter([(self.field.text(scope)?, value), ("parent_slice".to_owned(), Value::Object(parent.partition.clone()))]);
        Ok(Some(Slice { partition, window: Map::new(), extra }))
    }
}

/// A value at a path; numbers lead into lists.
fn at_path<'a>(record: &'a Value, path: impl Iterator<Item = &'a str>) -> Option<&'a Value> {
    let mut at = record;
    for name in path {
        at = match at {
            Value::Array(items) => items.get(name.parse::<usize>().ok()?)?,
            other => other.get(name)?,
        };
    }
    Some(at)
}

#[cfg(test)]
mod tests;
