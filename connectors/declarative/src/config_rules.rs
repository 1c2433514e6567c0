//! What a manifest makes of the settings before they are used: migrations of old ones, fields that are derived, and checks.
//! (`spec.config_normalization_rules`)

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Map, Value};
use syncline_model::{Fault, nearest};

use crate::{
    decode::json,
    extract::filled::{self, Kind, Path, Scope, Template},
    problem::Problem,
    template::Evaluated,
    transform::{Add, Remove},
};

/// The rules of a manifest.
#[derive(Debug, Clone, Default)]
pub struct ConfigRules {
    migrations: Vec<Change>,
    transforms: Vec<Change>,
    checks: Vec<Check>,
}

/// One change of the settings.
#[derive(Debug, Clone)]
enum Change {
    Add(Add),
    Remove { remove: Remove, condition: Option<Template> },
    Remap { path: Vec<Template>, map: Vec<(Template, Mapped)> },
}

/// One check of the settings.
#[derive(Debug, Clone)]
struct Check {
    of: Checked,
    schema: Arc<Validator>,
}

/// What is checked.
#[derive(Debug, Clone)]
enum Checked {
    Settings(Path),
    Value(Value),
}

impl ConfigRules {
    /// Reads the rules of a `Spec`, if it has any.
    pub fn load(spec: &Value, path: &str) -> Result<Self, Problem> {
        let here = format!("{path}.config_normalization_rules");
        let Some(rules) = spec.get("config_normalization_rules") else { return Ok(Self::default()) };
        let mut migrations = Vec::new();
        for (index, migration) in list(rules, "config_migrations").iter().enumerate() {
            migrations.extend(Change::load_all(migration, &format!("{here}.config_migrations[{index}]"))?);
        }
        let check = |(index, node): (usize, &Value)| Check::load(node, &format!("{here}.validations[{index}]"));
        Ok(Self {
            migrations,
            transforms: Change::load_all(rules, &here)?,
            checks: list(rules, "validations").iter().enumerate().map(check).collect::<Result<_, _>>()?,
        })
    }

    /// Brings settings of an older kind up to date; says whether anything changed, so that they can be kept.
    pub fn migrate(&self, config: &mut Value) -> Result<bool, Fault> {
        if self.migrations.is_empty() {
            return Ok(false);
        }
        let before = config.clone();
        self.migrations.iter().try_for_each(|change| change.apply(config))?;
        Ok(*config != before)
    }

    /// Derives what the manifest wants besides the settings. What this makes is not kept.
    pub fn transform(&self, config: &mut Value) -> Result<(), Fault> {
        self.transforms.iter().try_for_each(|change| change.apply(config))
    }

    /// Checks settings that were migrated and transformed. No value of them is told.
    pub fn validate(&self, config: &Value) -> Result<(), Fault> {
        self.checks.iter().try_for_each(|check| check.run(config))
    }
}

fn list<'a>(node: &'a Value, name: &str) -> &'a [Value] {
    node.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

impl Change {
    fn load_all(node: &Value, path: &str) -> Result<Vec<Self>, Problem> {
        let changes = list(node, "transformations").iter().enumerate();
        changes.map(|(index, node)| Self::load(node, &format!("{path}.transformations[{index}]"))).collect()
    }

    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        match node.get("type").and_then(Value::as_str).unwrap_or_default() {
            "ConfigAddFields" => Add::load(node, path).map(Self::Add),
            "ConfigRemoveFields" => {
                let remove = Remove::unconditional(node, path)?;
                Ok(Self::Remove { remove, condition: filled::optional(node, "condition", path)? })
            }
            "ConfigRemapField" => {
                let names = list(node, "field_path").iter().map(|name| filled::template(name, &format!("{path}.field_path")));
                let names: Vec<Template> = names.collect::<Result<_, _>>()?;
                if names.is_empty() {
                    return Err(Problem::manifest(path, "`field_path` is empty"));
                }
                let Some(Value::Object(map)) = node.get("map") else {
                    return Err(Problem::manifest(&format!("{path}.map"), "a map of values is missing"));
                };
                Ok(Self::Remap { path: names, map: Mapped::load_all(map, &format!("{path}.map"))? })
            }
            "CustomConfigTransformation" => {
                let class = node.get("class_name").and_then(Value::as_str).unwrap_or_default();
                Err(Problem::manifest(path, format!("the transformation `{class}` is custom Python, which is not run here")))
            }
            other => {
                let hint = nearest::hint(other, ["ConfigAddFields", "ConfigRemoveFields", "ConfigRemapField"]);
                Err(Problem::manifest(path, format!("unknown transformation `{other}`{hint}")))
            }
        }
    }

    fn apply(&self, config: &mut Value) -> Result<(), Fault> {
        match self {
            Self::Add(add) => add.apply(config, "config", &mut Scope::new().with("parameters", Arc::new(Map::new().into()))),
            Self::Remove { remove, condition } => {
                let holds = condition.as_ref().map_or(Ok(true), |condition| condition.holds(&scope_of(config)))?;
                if holds { remove.apply(config, &mut Scope::new()) } else { Ok(()) }
            }
            Self::Remap { path, map } => remap(config, path, map),
        }
    }
}

fn scope_of(config: &Value) -> Scope {
    Scope::new().with("config", Arc::new(config.clone())).with("parameters", Arc::new(Map::new().into()))
}

/// A value in place of another, where a path leads to one that is in the map.
fn remap(config: &mut Value, path: &[Template], map: &[(Template, Mapped)]) -> Result<(), Fault> {
    let scope = scope_of(config);
    let mut at = config;
    for name in path {
        let Value::String(name) = name.eval(&scope)?.into_json() else { return Ok(()) };
        let Some(next) = at.as_object_mut().and_then(|fields| fields.get_mut(&name)) else { return Ok(()) };
        at = next;
    }
    if at.is_object() || at.is_array() {
        return Err(Fault::Misconfigured("a setting that is to be one of a few values is a list or an object".to_owned()));
    }
    for (from, to) in map {
        if *at == mapped(from, &scope, &[Kind::Str])? {
            *at = to.value(&scope)?;
            break;
        }
    }
    Ok(())
}

/// An empty text is nothing in a map.
fn mapped(text: &Template, scope: &Scope, wanted: &[Kind]) -> Result<Value, Fault> {
    let made = text.mapped(scope, wanted)?.map_or(Value::Null, Evaluated::into_json);
    Ok(if made.as_str() == Some("") { Value::Null } else { made })
}

/// What a value becomes: texts are templates.
#[derive(Debug, Clone)]
enum Mapped {
    Text(Template),
    Other(Value),
}

impl Mapped {
    fn load_all(map: &Map<String, Value>, here: &str) -> Result<Vec<(Template, Self)>, Problem> {
        let template = |text: &str| Template::new(text).map_err(|why| Problem::manifest(here, why));
        let one = |(from, to): (&String, &Value)| {
            let to = match to {
                Value::String(text) => Self::Text(template(text)?),
                other => Self::Other(other.clone()),
            };
            Ok((template(from)?, to))
        };
        map.iter().map(one).collect()
    }

    fn value(&self, scope: &Scope) -> Result<Value, Fault> {
        match self {
            Self::Text(text) => mapped(text, scope, &[]),
            Self::Other(value) => Ok(value.clone()),
        }
    }
}

impl Check {
    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let of = match node.get("type").and_then(Value::as_str).unwrap_or_default() {
            "DpathValidator" => Checked::Settings(Path::load(node, "field_path", path)?),
            "PredicateValidator" => Checked::Value(node.get("value").cloned().unwrap_or_default()),
            other => {
                let hint = nearest::hint(other, ["DpathValidator", "PredicateValidator"]);
                return Err(Problem::manifest(path, format!("unknown validator `{other}`{hint}")));
            }
        };
        if matches!(&of, Checked::Settings(path) if path.is_empty()) {
            return Err(Problem::manifest(path, "`field_path` is empty"));
        }
        let here = format!("{path}.validation_strategy");
        let strategy = node.get("validation_strategy").ok_or_else(|| Problem::manifest(path, "`validation_strategy` is missing"))?;
        if strategy.get("type").and_then(Value::as_str) != Some("ValidateAdheresToSchema") {
            return Err(Problem::manifest(&here, "only `ValidateAdheresToSchema` is run here"));
        }
        let schema = strategy.get("base_schema").filter(|schema| schema.is_object());
        let schema = schema.ok_or_else(|| Problem::manifest(&here, "`base_schema` is no JSON Schema"))?;
        let schema = jsonschema::options().should_validate_formats(false).build(schema);
        let schema = schema.map_err(|error| Problem::manifest(&format!("{here}.base_schema"), format!("it is no JSON Schema: {error}")))?;
        Ok(Self { of, schema: Arc::new(schema) })
    }

    fn run(&self, config: &Value) -> Result<(), Fault> {
        match &self.of {
            Checked::Value(value) => self.one(value, "a value of the manifest"),
            Checked::Settings(path) => {
                let glob = path.glob(&Scope::new())?;
                let here = format!("the setting `{}`", glob.spelt());
                if glob.has_star() {
                    return glob.values(config).into_iter().try_for_each(|value| self.one(value, &here));
                }
                glob.get(config)?.map_or(Ok(()), |value| self.one(value, &here))
            }
        }
    }

    /// A text is read as JSON first.
    fn one(&self, value: &Value, here: &str) -> Result<(), Fault> {
        let read;
        let value = match value {
            Value::String(text) => {
                read = json::parse(text.as_bytes()).map_err(|_| Fault::Misconfigured(format!("{here} is a text that is no JSON")))?;
                &read
            }
            other => other,
        };
        let Err(error) = self.schema.validate(value) else { return Ok(()) };
        let place = error.instance_path().to_string();
        let within = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
        Err(Fault::Misconfigured(format!("{here} does not fit what the connector asks of it{within}: `{}`", error.kind().keyword())))
    }
}

#[cfg(test)]
mod tests;
