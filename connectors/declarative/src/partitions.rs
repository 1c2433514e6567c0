//! Partition routers: a stream that is read once for each value of a list, or for each record of a parent stream.

use serde_json::{Map, Value};
use syncline_model::Fault;
use syncline_sdk::Context;

use crate::{
    connector::Stream,
    problem::Problem,
    reader::Pages,
    record::{dotted, field},
    request::{Extra, RequestOption, text},
    template::{Scope, Template, python_str},
    transform,
};

/// One router.
#[derive(Debug, Clone)]
pub enum Router {
    /// The values are in the manifest or the settings.
    List { values: Values, field: Template, option: Option<RequestOption> },
    /// The values are in the records of other streams.
    Parents(Vec<Parent>),
}

/// The values of a list.
#[derive(Debug, Clone)]
pub enum Values {
    /// Written down.
    Fixed(Vec<Value>),
    /// A template.
    Dynamic(Template),
}

/// A parent stream.
#[derive(Debug, Clone)]
pub struct Parent {
    stream: Box<Stream>,
    key: Template,
    field: Template,
    option: Option<RequestOption>,
}

/// Which part of a stream is read.
pub type Partition = Map<String, Value>;

impl Router {
    /// Reads one router, or a list of them.
    pub fn load_all(node: Option<&Value>, path: &str) -> Result<Vec<Self>, Problem> {
        match node {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::Array(nodes)) => {
                nodes.iter().enumerate().map(|(index, node)| Self::load(node, &format!("{path}[{index}]"))).collect()
            }
            Some(node) => Ok(vec![Self::load(node, path)?]),
        }
    }

    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let option = |node: &Value, path: &str| {
            node.get("request_option")
                .filter(|node| !node.is_null())
                .map(|node| RequestOption::load(node, &format!("{path}.request_option")))
                .transpose()
        };
        let needed = |node: &Value, field: &str, path: &str| {
            text(node, field, path)?.ok_or_else(|| Problem::manifest(path, format!("`{field}` is missing")))
        };
        match node.get("type").and_then(Value::as_str).unwrap_or_default() {
            "ListPartitionRouter" => {
                let values = match node.get("values") {
                    Some(Value::Array(values)) => Values::Fixed(values.clone()),
                    _ => Values::Dynamic(needed(node, "values", path)?),
                };
                Ok(Self::List { values, field: needed(node, "cursor_field", path)?, option: option(node, path)? })
            }
            "SubstreamPartitionRouter" => {
                let configs = node
                    .get("parent_stream_configs")
                    .and_then(Value::as_array)
                    .ok_or_else(|| Problem::manifest(path, "`parent_stream_configs` is missing"))?;
                let parent = |(index, config): (usize, &Value)| {
                    let here = format!("{path}.parent_stream_configs[{index}]");
                    let stream = config.get("stream").ok_or_else(|| Problem::manifest(&here, "`stream` is missing"))?;
                    Ok(Parent {
                        stream: Box::new(Stream::load(stream, &format!("{here}.stream"))?),
                        key: needed(config, "parent_key", &here)?,
                        field: needed(config, "partition_field", &here)?,
                        option: option(config, &here)?,
                    })
                };
                Ok(Self::Parents(configs.iter().enumerate().map(parent).collect::<Result<_, Problem>>()?))
            }
            other => {
                let hint = syncline_model::nearest::hint(other, ["ListPartitionRouter", "SubstreamPartitionRouter"]);
                Err(Problem::manifest(path, format!("unknown partition router `{other}`{hint}")))
            }
        }
    }

    async fn partitions(&self, context: &Context, scope: &Scope) -> Result<Vec<Partition>, Fault> {
        match self {
            Self::List { values, field, .. } => {
                let name = field.text(scope)?;
                let values = match values {
                    Values::Fixed(values) => values.clone(),
                    Values::Dynamic(template) => list_of(&template.text(scope)?),
                };
                Ok(values.into_iter().map(|value| Map::from_iter([(name.clone(), value)])).collect())
            }
            Self::Parents(parents) => {
                let mut found = Vec::new();
                for parent in parents {
                    parent.partitions(context, scope, &mut found).await?;
                }
                Ok(found)
            }
        }
    }

    /// What a partition puts into a request; a value that says nothing is not sent.
    pub fn put(&self, extra: &mut Extra, partition: &Partition, scope: &Scope) -> Result<(), Fault> {
        let options: Vec<(&Template, &RequestOption)> = match self {
            Self::List { field, option, .. } => option.iter().map(|option| (field, option)).collect(),
            Self::Parents(parents) => parents.iter().filter_map(|parent| Some((&parent.field, parent.option.as_ref()?))).collect(),
        };
        for (field, option) in options {
            let name = field.text(scope)?;
            if let Some(value) = partition.get(&name) {
                extra.options.push((option.clone(), python_str(value)));
            }
        }
        Ok(())
    }
}

impl Parent {
    async fn partitions(&self, context: &Context, scope: &Scope, found: &mut Vec<Partition>) -> Result<(), Fault> {
        let (key, name) = (self.key.text(scope)?, self.field.text(scope)?);
        let path = if key.contains('/') { key.split('/').map(str::to_owned).collect() } else { dotted(&key) };
        let mut parents = Box::pin(Partitions::of(&self.stream.routers, context, scope)).await?;
        if parents.is_empty() {
            parents.push(Partition::new());
        }
        for parent_slice in parents {
            let mut pages = Pages::new(&self.stream, parent_slice.clone(), None, None);
            while let Some(page) = pages.next(context).await? {
                for body in page.pieces {
                    let body = transform::all(&self.stream.transforms, body, scope)?;
                    let Some(value) = std::str::from_utf8(&body).ok().and_then(|text| field(text, &path)).filter(|value| !value.is_null())
                    else {
                        continue;
                    };
                    found.push(Map::from_iter([(name.clone(), value), ("parent_slice".to_owned(), Value::Object(parent_slice.clone()))]));
                }
            }
        }
        Ok(())
    }
}

/// All partitions of a stream.
pub struct Partitions;

impl Partitions {
    /// Every combination of the routers' partitions, the first router outermost. Empty when there are no routers.
    pub async fn of(routers: &[Router], context: &Context, scope: &Scope) -> Result<Vec<Partition>, Fault> {
        let mut all: Vec<Partition> = Vec::new();
        for (index, router) in routers.iter().enumerate() {
            let own = router.partitions(context, scope).await?;
            if index == 0 {
                all = own;
                continue;
            }
            all = all.iter().flat_map(|outer| own.iter().map(|inner| outer.clone().into_iter().chain(inner.clone()).collect())).collect();
        }
        let mut seen = std::collections::HashSet::new();
        all.retain(|partition| seen.insert(Value::Object(partition.clone()).to_string()));
        Ok(all)
    }
}

/// A list as a template writes it: `['a', 'b']`.
fn list_of(text: &str) -> Vec<Value> {
    serde_json::from_str(text).or_else(|_| serde_json::from_str(&text.replace('\'', "\""))).unwrap_or_default()
}
