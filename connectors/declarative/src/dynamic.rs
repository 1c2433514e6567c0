//! Streams that are made from a template: one for each value of the settings, of a list, or of what a source answers.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use syncline_model::Fault;

use crate::{
    manifest,
    node::Node,
    problem::Problem,
    read::StreamReading,
    run::{Run, misconfigured},
    stream::{Schema, Stream},
    template::{Kind, Scope, Template, python_str},
};

/// A `DynamicDeclarativeStream`.
#[derive(Debug, Clone)]
pub struct Dynamic {
    /// What it is called in checks.
    pub name: String,
    template: Value,
    values: Values,
    mappings: Vec<Mapping>,
    outer_parameters_win: bool,
}

#[derive(Debug, Clone)]
enum Values {
    /// Each record that the source answers.
    Asked(Arc<Stream>),
    /// Values of the settings, every combination.
    Config(Vec<ConfigValues>),
    /// A list in the manifest.
    Fixed(Vec<Value>),
}

#[derive(Debug, Clone)]
struct ConfigValues {
    pointer: Vec<Template>,
    more: Vec<Value>,
}

/// `ComponentMappingDefinition`.
#[derive(Debug, Clone)]
struct Mapping {
    path: Vec<Template>,
    value: Template,
    kind: Option<Kind>,
    creates: bool,
    condition: Option<Template>,
}

impl Dynamic {
    /// Reads one; `index` names those without a name.
    pub fn load(node: &Node<'_>, index: usize) -> Result<Self, Problem> {
        let resolver = node.needed("components_resolver")?;
        let values = match resolver.kind() {
            "HttpComponentsResolver" => Values::Asked(Arc::new(asked(&resolver)?)),
            "ConfigComponentsResolver" => {
                Values::Config(resolver.children("stream_config").iter().map(ConfigValues::load).collect::<Result<_, _>>()?)
            }
            "ParametrizedComponentsResolver" => {
                let parameters = resolver.needed("stream_parameters")?;
                Values::Fixed(parameters.children("list_of_parameters_for_stream").iter().map(|one| one.value.clone()).collect())
            }
            _ => {
                let known = ["HttpComponentsResolver", "ConfigComponentsResolver", "ParametrizedComponentsResolver"];
                return Err(resolver.unknown("components resolver", &known));
            }
        };
        Ok(Self {
            name: node.word("name").map_or_else(|| format!("dynamic_stream_{index}"), str::to_owned),
            template: node.needed("stream_template")?.value.clone(),
            values,
            mappings: resolver.children("components_mapping").iter().map(Mapping::load).collect::<Result<_, _>>()?,
            outer_parameters_win: node.get("use_parent_parameters").and_then(Value::as_bool).unwrap_or(true),
        })
    }

    /// The streams for these settings, as their definitions.
    pub async fn definitions(&self, run: &Run) -> Result<Vec<Value>, Fault> {
        let mut made: Vec<Value> = Vec::new();
        for (values, slice) in self.values.all(run).await? {
            let scope = run.base.clone().with("components_values", Arc::new(values)).with("stream_slice", Arc::new(slice));
            let scope = scope.with("stream_template_config", Arc::new(self.template.clone()));
            let mut definition = self.template.clone();
            for mapping in &self.mappings {
                mapping.apply(&mut definition, &scope)?;
            }
            let mut definition = manifest::hand_down_with(definition, "", &Map::new(), self.outer_parameters_win);
            manifest::bind(&mut definition);
            if definition.get("type").is_none() {
                definition["type"] = json!("DeclarativeStream");
            }
            let name = definition.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
            if name.is_empty() {
                return Err(misconfigured(format!("a stream made by `{}` has no name", self.name)));
            }
            if made.iter().any(|known| known["name"] == name.as_str()) {
                return Err(misconfigured(format!("`{}` makes two streams of the name `{name}`; check the settings", self.name)));
            }
            made.push(definition);
        }
        Ok(made)
    }
}

/// A stream of its own whose records are the values.
fn asked(resolver: &Node<'_>) -> Result<Stream, Problem> {
    let mut retriever = resolver.needed("retriever")?.value.clone();
    if let Some(requester) = retriever.get_mut("requester").and_then(Value::as_object_mut) {
        requester.insert("use_cache".to_owned(), Value::Bool(true));
    }
    let definition = json!({"type": "DeclarativeStream", "name": "components", "retriever": retriever});
    let mut stream = Stream::load(&Node::new(&definition, &resolver.path))?;
    stream.schema = Schema::Fixed(Arc::new(json!({})));
    Ok(stream)
}

impl Values {
    /// Each value, with the part of the source that it was found in.
    async fn all(&self, run: &Run) -> Result<Vec<(Value, Value)>, Fault> {
        match self {
            Self::Fixed(values) => Ok(values.iter().map(|value| (value.clone(), Value::Null)).collect()),
            Self::Config(lists) => Ok(combined(lists, run)?.into_iter().map(|value| (value, Value::Null)).collect()),
            Self::Asked(stream) => {
                let mut run = run.clone();
                run.goes_on = false;
                let mut reading = StreamReading::new(Arc::clone(stream), run, Map::new(), None)?;
                let mut found = Vec::new();
                while let Some(batch) = Box::pin(reading.next()).await? {
                    let slice = Value::Object(batch.slice.partition.clone());
                    found.extend(batch.items.into_vec().into_iter().map(|item| (item.into_tree(), slice.clone())));
                }
                Ok(found)
            }
        }
    }
}

impl ConfigValues {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let pointer = node.children("configs_pointer");
        Ok(Self {
            pointer: pointer.iter().map(|name| node.template(&python_str(name.value), "configs_pointer")).collect::<Result<_, _>>()?,
            more: node.children("default_values").iter().map(|one| one.value.clone()).collect(),
        })
    }

    fn values(&self, run: &Run) -> Result<Vec<Value>, Fault> {
        let config = run.config();
        let mut at = Some(config.as_ref());
        for name in &self.pointer {
            let name = name.text(&run.base)?;
            at = match at {
                Some(Value::Array(items)) => name.parse::<usize>().ok().and_then(|index| items.get(index)),
                Some(other) => other.get(&name),
                None => None,
            };
        }
        let mut values = match at {
            Some(Value::Array(items)) => items.clone(),
            Some(other) => vec![other.clone()],
            None => Vec::new(),
        };
        values.extend(self.more.iter().cloned());
        Ok(values)
    }
}

/// Every combination of the lists' values; objects become one object.
fn combined(lists: &[ConfigValues], run: &Run) -> Result<Vec<Value>, Fault> {
    let mut made = vec![Map::new()];
    for (number, list) in lists.iter().enumerate() {
        let values = list.values(run)?;
        let mut next = Vec::new();
        for known in &made {
            for (index, value) in values.iter().enumerate() {
                let mut both = known.clone();
                match value {
                    Value::Object(fields) => both.extend(fields.clone()),
                    other => {
                        both.entry(format!("source_config_{number}")).or_insert_with(|| json!([index, other]));
                    }
                }
                next.push(both);
            }
        }
        made = next;
    }
    Ok(made.into_iter().map(Value::Object).collect())
}

impl Mapping {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let kind = match node.word("value_type") {
            None => None,
            Some("string") => Some(Kind::Str),
            Some("number") => Some(Kind::Float),
            Some("integer") => Some(Kind::Int),
            Some("boolean") => Some(Kind::Bool),
            Some(other) => {
                let hint = syncline_model::nearest::hint(other, ["string", "number", "integer", "boolean"]);
                return Err(node.problem(format!("`value_type` cannot be `{other}`{hint}")));
            }
        };
        let path = node.children("field_path");
        Ok(Self {
            path: path.iter().map(|name| node.template(&python_str(name.value), "field_path")).collect::<Result<_, _>>()?,
            value: node.needed_text("value")?,
            kind,
            creates: node.says("create_or_update"),
            condition: node.text("condition")?,
        })
    }

    fn apply(&self, definition: &mut Value, scope: &Scope) -> Result<(), Fault> {
        if let Some(condition) = &self.condition
            && !condition.holds(scope)?
        {
            return Ok(());
        }
        let kinds: Vec<Kind> = self.kind.into_iter().collect();
        let value = self.value.mapped(scope, &kinds)?.map(crate::template::Evaluated::into_json).unwrap_or_default();
        // A text that spells something else in YAML becomes that, unless a text was asked for.
        let value = match (&value, self.kind) {
            (Value::String(_), Some(Kind::Str)) => value,
            (Value::String(text), _) => manifest::parse("value", text).map_or(value.clone(), |(parsed, _)| parsed),
            _ => value,
        };
        let path = self.path.iter().map(|name| name.text(scope)).collect::<Result<Vec<_>, _>>()?;
        let is_something = crate::template::is_truthy(&value);
        let changed = set(definition, &path, &value);
        if changed == 0 && self.creates && is_something {
            create(definition, &path, value);
        }
        Ok(())
    }
}

/// Sets a value at every place that a path names; `*` is any name, `**` any number of names. Says how many were set.
fn set(at: &mut Value, path: &[String], value: &Value) -> usize {
    let Some((name, rest)) = path.split_first() else {
        *at = value.clone();
        return 1;
    };
    if name == "**" {
        let here = set(at, rest, value);
        return here + children(at).map(|child| set(child, path, value)).sum::<usize>();
    }
    if name == "*" {
        return children(at).map(|child| set(child, rest, value)).sum();
    }
    let inner = match at {
        Value::Object(fields) => fields.get_mut(name),
        Value::Array(items) => name.parse::<usize>().ok().and_then(|index| items.get_mut(index)),
        _ => None,
    };
    inner.map_or(0, |inner| set(inner, rest, value))
}

fn children(at: &mut Value) -> Box<dyn Iterator<Item = &mut Value> + '_> {
    match at {
        Value::Object(fields) => Box::new(fields.values_mut()),
        Value::Array(items) => Box::new(items.iter_mut()),
        _ => Box::new(std::iter::empty()),
    }
}

fn create(at: &mut Value, path: &[String], value: Value) {
    let Some((name, rest)) = path.split_first() else {
        *at = value;
        return;
    };
    if let (Value::Array(items), Ok(index)) = (&mut *at, name.parse::<usize>()) {
        while items.len() <= index {
            items.push(json!({}));
        }
        if let Some(inner) = items.get_mut(index) {
            create(inner, rest, value);
        }
        return;
    }
    if !at.is_object() {
        *at = json!({});
    }
    if let Value::Object(fields) = at {
        create(fields.entry(name.clone()).or_insert_with(|| json!({})), rest, value);
    }
}
