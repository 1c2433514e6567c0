//! The schema of a stream out of what its source says about its fields. Asking the source is the caller's.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use syncline_model::{Fault, nearest};

use crate::{
    extract::{
        RecordFilter,
        filled::{self, Path, Scope, Template},
    },
    problem::Problem,
    template::is_truthy,
    transform::{Transform, apply_all},
};

const TYPES: [&str; 11] = [
    "string",
    "boolean",
    "date",
    "timestamp_without_timezone",
    "timestamp_with_timezone",
    "time_without_timezone",
    "time_with_timezone",
    "integer",
    "number",
    "array",
    "object",
];

/// How a schema is made.
#[derive(Debug, Clone)]
pub struct DynamicSchema {
    schema: Path,
    key: Path,
    kind: Option<Path>,
    map: Vec<Mapping>,
    filter: Option<RecordFilter>,
    transforms: Vec<Transform>,
}

/// What a type of the source is called here.
#[derive(Debug, Clone)]
struct Mapping {
    from: Value,
    to: Value,
    condition: Option<Template>,
}

impl DynamicSchema {
    /// Reads a `DynamicSchemaLoader`, without its retriever.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let here = format!("{path}.schema_type_identifier");
        let identifier =
            node.get("schema_type_identifier").ok_or_else(|| Problem::manifest(path, "`schema_type_identifier` is missing"))?;
        let map = identifier.get("types_mapping").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let map = map.iter().enumerate().map(|(index, node)| Mapping::load(node, &format!("{here}.types_mapping[{index}]")));
        let key = Path::load(identifier, "key_pointer", &here)?;
        if key.is_empty() {
            return Err(Problem::manifest(&here, "`key_pointer` is missing"));
        }
        let filter = node.get("schema_filter").filter(|node| !node.is_null());
        Ok(Self {
            schema: Path::load(identifier, "schema_pointer", &here)?,
            key,
            kind: Some(Path::load(identifier, "type_pointer", &here)?).filter(|path| !path.is_empty()),
            map: map.collect::<Result<_, _>>()?,
            filter: filter.map(|node| RecordFilter::load(node, &format!("{path}.schema_filter"))).transpose()?,
            transforms: Transform::load_all(node.get("schema_transformations"), &format!("{path}.schema_transformations"))?,
        })
    }

    /// The schema that the first record of the source's answer describes; without one, there are no properties.
    pub fn schema(&self, first: Option<&Value>, scope: &Scope) -> Result<Value, Fault> {
        let described = match first.filter(|record| is_truthy(record)) {
            Some(record) => self.schema.glob(scope)?.get(record)?.cloned().unwrap_or_default(),
            None => Value::Array(Vec::new()),
        };
        let Value::Array(described) = described else {
            return Err(Fault::Unusable("the description of a schema is no list of fields".to_owned()));
        };
        let mut properties = Map::new();
        for field in &described {
            let (name, schema) = self.property(field, scope)?;
            properties.insert(name, schema);
        }
        let properties = self.keep(properties, scope)?;
        let properties = apply_all(&self.transforms, Value::Object(properties), &mut scope.clone())?;
        Ok(json!({
            "$schema": "https://json-schema.org/draft-07/schema#",
            "type": "object",
            "additionalProperties": true,
            "properties": properties,
        }))
    }

    fn property(&self, field: &Value, scope: &Scope) -> Result<(String, Value), Fault> {
        let Some(Value::String(name)) = self.key.glob(scope)?.get(field)? else {
            return Err(Fault::Unusable("a field of a schema has no name".to_owned()));
        };
        let kind = match &self.kind {
            Some(path) => path.glob(scope)?.get(field)?.cloned().unwrap_or_else(|| "string".into()),
            None => "string".into(),
        };
        let scope = scope.clone().with("raw_schema", Arc::new(field.clone()));
        for mapping in &self.map {
            if mapping.from == kind && mapping.condition.as_ref().map_or(Ok(true), |condition| condition.holds(&scope))? {
                return Ok((name.clone(), property(&mapping.to)?));
            }
        }
        if kind.is_object() {
            return Err(unknown(&kind));
        }
        Ok((name.clone(), property(&kind)?))
    }

    fn keep(&self, properties: Map<String, Value>, scope: &Scope) -> Result<Map<String, Value>, Fault> {
        let Some(filter) = &self.filter else { return Ok(properties) };
        let mut scope = scope.clone();
        let mut kept = Map::new();
        for (name, schema) in properties {
            let mut property = Value::Object(Map::from_iter([(name, schema)]));
            if let (true, Value::Object(property)) = (filter.keeps(&mut property, &mut scope)?, property) {
                kept.extend(property);
            }
        }
        Ok(kept)
    }
}

impl Mapping {
    fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let field = |name: &str| node.get(name).cloned().ok_or_else(|| Problem::manifest(path, format!("`{name}` is missing")));
        let to = field("target_type")?;
        property(&to).map_err(|fault| Problem::manifest(&format!("{path}.target_type"), fault.to_string()))?;
        let condition = node.get("condition").filter(|condition| !condition.is_null());
        let condition = condition.map(|condition| filled::template(condition, &format!("{path}.condition"))).transpose()?;
        Ok(Self { from: field("current_type")?, to, condition })
    }
}

/// The schema of one type, of one of two, or of a list of others.
fn property(kind: &Value) -> Result<Value, Fault> {
    match kind {
        Value::String(name) => simple(name),
        Value::Array(names) => match names.as_slice() {
            [Value::String(one), Value::String(other)] => Ok(json!({"oneOf": [simple(one)?, simple(other)?]})),
            _ => Err(unknown(kind)),
        },
        Value::Object(fields) => {
            let Some(Value::String(name)) = fields.get("field_type") else { return Err(unknown(kind)) };
            let mut schema = simple(name)?;
            let items = fields.get("items").filter(|items| is_truthy(items));
            if let (Some(items), Value::Object(schema)) = (items, &mut schema) {
                if name != "array" {
                    return Err(Fault::Misconfigured("only a type that is an `array` has `items`".to_owned()));
                }
                schema.insert("items".to_owned(), property(items)?);
            }
            Ok(schema)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Err(unknown(kind)),
    }
}

fn unknown(kind: &Value) -> Fault {
    Fault::Unusable(format!("`{kind}` is no type of a field"))
}

fn simple(name: &str) -> Result<Value, Fault> {
    Ok(match name {
        "string" | "boolean" | "integer" | "number" | "array" | "object" => json!({"type": ["null", name]}),
        "date" => json!({"type": ["null", "string"], "format": "date"}),
        "timestamp_with_timezone" => json!({"type": ["null", "string"], "format": "date-time"}),
        "timestamp_without_timezone" => json!({"type": ["null", "string"], "format": "date-time", "airbyte_type": name}),
        "time_with_timezone" | "time_without_timezone" => json!({"type": ["null", "string"], "format": "time", "airbyte_type": name}),
        other => return Err(Fault::Unusable(format!("unknown type `{other}`{}", nearest::hint(other, TYPES)))),
    })
}

#[cfg(test)]
mod tests;
