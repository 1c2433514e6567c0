//! Properties that a request must name one by one, in chunks that the source bears.

use std::sync::Arc;

use serde_json::{Map, Value};
use syncline_model::Fault;
use tokio::sync::OnceCell;

use crate::{
    item::Item,
    items::Items,
    node::Node,
    problem::Problem,
    retrieve::{self, Pages},
    run::Run,
    slice::Slice,
    stream::Simple,
    template::{Scope, Template, python_str},
    transform::Transform,
};

/// Where the names come from.
#[derive(Debug, Clone)]
enum Names {
    Fixed(Vec<String>),
    /// The source is asked, and the names stand at this path of its records.
    Asked {
        from: Arc<Simple>,
        path: Vec<Template>,
    },
}

/// `QueryProperties`.
#[derive(Debug, Clone)]
pub struct Properties {
    names: Names,
    always: Vec<String>,
    chunks: Option<Chunks>,
    /// Only what the configured schema of the stream selects.
    selects: Option<Vec<Transform>>,
}

/// `PropertyChunking`.
#[derive(Debug, Clone)]
struct Chunks {
    by_characters: bool,
    limit: Option<usize>,
    keys: Vec<String>,
}

/// The names that a source told, for all streams of one job.
#[derive(Default)]
pub struct Told(tokio::sync::Mutex<std::collections::HashMap<String, Arc<OnceCell<Vec<String>>>>>);

impl Properties {
    /// Reads the ones of a requester, wherever they stand in it.
    pub fn load(requester: &Node<'_>) -> Result<Option<Self>, Problem> {
        let is_properties = |node: &Node<'_>| node.kind() == "QueryProperties";
        let in_parameters = requester.child("request_parameters").and_then(|parameters| {
            let found: Vec<String> = parameters.value.as_object()?.keys().cloned().collect();
            found.iter().filter_map(|name| parameters.child(name)).find(is_properties)
        });
        if let Some(node) = in_parameters.or_else(|| requester.child("query_properties")) {
            return Self::of(&node).map(Some);
        }
        let Some(node) = requester.child("fetch_properties_from_endpoint") else { return Ok(None) };
        Ok(Some(Self { names: Names::load(&node)?, always: Vec::new(), chunks: None, selects: None }))
    }

    fn of(node: &Node<'_>) -> Result<Self, Problem> {
        let words = |field: &str| node.children(field).iter().filter_map(|one| one.value.as_str().map(str::to_owned)).collect();
        let names = match node.child("property_list") {
            Some(list) if list.value.is_object() => Names::load(&list)?,
            _ => Names::Fixed(words("property_list")),
        };
        let selects = match node.child("property_selector") {
            None => None,
            Some(selector) => Some(Transform::load_all(selector.get("transformations"), &selector.below("transformations"))?),
        };
        Ok(Self {
            names,
            always: words("always_include_properties"),
            chunks: node.child("property_chunking").map(|chunks| Chunks::load(&chunks)).transpose()?,
            selects,
        })
    }

    /// The names to ask for, request by request.
    pub async fn chunks(&self, run: &Run, selected: Option<&Value>) -> Result<Vec<Vec<String>>, Fault> {
        let names = self.names.all(run).await?;
        let selected = match (&self.selects, selected) {
            (Some(transforms), Some(schema)) => {
                // A schema that names none selects none.
                let properties = schema.get("properties").cloned().unwrap_or_else(|| Value::Object(Map::new()));
                let mut scope = run.base.clone();
                crate::transform::apply_all(transforms, properties, &mut scope)?.as_object().cloned()
            }
            _ => None,
        };
        let wanted = |name: &&String| selected.as_ref().is_none_or(|selected| selected.contains_key(*name));
        let Some(chunks) = &self.chunks else {
            return Ok(vec![self.always.iter().chain(names.iter().filter(wanted)).cloned().collect()]);
        };
        let Some(limit) = chunks.limit.filter(|limit| *limit > 0) else {
            return Ok(vec![names.iter().chain(&self.always).cloned().collect()]);
        };
        let (mut made, mut chunk, mut size) = (Vec::new(), self.always.clone(), 0);
        for name in names.iter().filter(wanted) {
            // Three more for the separator as it is written in an address.
            let weight = if chunks.by_characters { name.chars().count() + 3 } else { 1 };
            if size + weight > limit {
                made.push(std::mem::replace(&mut chunk, self.always.clone()));
                size = 0;
            }
            chunk.push(name.clone());
            size += weight;
        }
        made.push(chunk);
        Ok(made)
    }

    /// The records of all chunks of a page, those of one key as one.
    pub fn merge(&self, chunks: Vec<Items>) -> Vec<Item> {
        let items = chunks.into_iter().flat_map(Items::into_vec);
        let Some(rule) = &self.chunks else { return items.collect() };
        let (mut alone, mut merged): (Vec<Item>, Vec<(String, Value)>) = (Vec::new(), Vec::new());
        let mut places = std::collections::HashMap::new();
        for item in items {
            let tree = item.tree();
            let Some(key) = rule.key(&tree) else {
                alone.push(item);
                continue;
            };
            let place = *places.entry(key.clone()).or_insert_with(|| {
                merged.push((key, Value::Object(Map::new())));
                merged.len() - 1
            });
            if let Some((_, known)) = merged.get_mut(place) {
                deep_merge(known, tree);
            }
        }
        alone.extend(merged.into_iter().map(|(_, tree)| Item::Tree(tree)));
        alone
    }
}

impl Names {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let path = node.children("property_field_path");
        let path = path.iter().map(|name| node.template(&python_str(name.value), "property_field_path")).collect::<Result<_, _>>()?;
        Ok(Self::Asked { from: Arc::new(Simple::load(&node.needed("retriever")?, Vec::new(), false)?), path })
    }

    async fn all(&self, run: &Run) -> Result<Vec<String>, Fault> {
        let (from, path) = match self {
            Self::Fixed(names) => return Ok(names.clone()),
            Self::Asked { from, path } => (from, path),
        };
        let told = run.context.shared.get::<Told>();
        let cell = Arc::clone(told.0.lock().await.entry(format!("{from:?}")).or_default());
        let ask = || async {
            let mut pages = Pages::new(Slice::default(), from);
            let mut names = Vec::new();
            while let Some(page) = Box::pin(pages.next(from, run, &retrieve::Reading::default())).await? {
                for item in page.items.into_vec() {
                    names.push(name_at(&item.into_tree(), path, &run.base)?);
                }
            }
            Ok(names)
        };
        cell.get_or_try_init(ask).await.cloned()
    }
}

fn name_at(record: &Value, path: &[Template], scope: &Scope) -> Result<String, Fault> {
    let mut at = record;
    for name in path {
        match at.get(name.text(scope)?) {
            Some(inner) => at = inner,
            None => return Ok("[]".to_owned()),
        }
    }
    Ok(python_str(at))
}

impl Chunks {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let keys = match node.child("record_merge_strategy") {
            None => vec!["id".to_owned()],
            Some(strategy) if strategy.kind() == "GroupByKeyMergeStrategy" => {
                strategy.children("key").iter().filter_map(|key| key.value.as_str().map(str::to_owned)).collect()
            }
            Some(strategy) => return Err(strategy.unknown("merge strategy", &["GroupByKeyMergeStrategy"])),
        };
        let limit = node.whole("property_limit")?.and_then(|limit| usize::try_from(limit).ok());
        Ok(Self { by_characters: node.word("property_limit_type") == Some("characters"), limit, keys })
    }

    fn key(&self, record: &Value) -> Option<String> {
        let one = |key: &String| {
            let value = record.get(key)?;
            crate::template::is_truthy(value).then(|| python_str(value))
        };
        self.keys.iter().map(one).collect::<Option<Vec<_>>>().map(|parts| parts.join(","))
    }
}

fn deep_merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(fields), Value::Object(others)) => {
            for (name, value) in others {
                match fields.get_mut(&name) {
                    Some(known) if known.is_object() && value.is_object() => deep_merge(known, value),
                    _ => {
                        fields.insert(name, value);
                    }
                }
            }
        }
        (into, from) => *into = from,
    }
}
