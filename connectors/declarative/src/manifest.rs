//! Reads a manifest and makes it plain: YAML to values, `$ref` resolved, `$parameters` handed down.

use saphyr::{LoadableYamlNode, MarkedYaml, Scalar, YamlData};
use serde_json::{Map, Value};

use crate::{
    Problem,
    places::{Places, join},
};

/// How deep references may lead into one another.
const DEPTH_MAX: usize = 200;

/// The text of a YAML (or JSON) file as a value, and where everything in it stands.
pub fn parse(file: &str, text: &str) -> Result<(Value, Places), Problem> {
    let problem = |line: Option<usize>, message: String| Problem { file: file.to_owned(), line, path: String::new(), message };
    let documents = MarkedYaml::load_from_str(text).map_err(|error| problem(Some(error.marker().line()), error.info().to_owned()))?;
    let first = documents.first().ok_or_else(|| problem(None, "the file is empty".to_owned()))?;
    let mut places = Places::default();
    let value = value(first, "", &mut places).map_err(|(line, message)| problem(Some(line), message))?;
    Ok((value, places))
}

fn value(yaml: &MarkedYaml<'_>, path: &str, places: &mut Places) -> Result<Value, (usize, String)> {
    let line = yaml.span.start.line();
    places.stand(path, line);
    Ok(match &yaml.data {
        YamlData::Value(scalar) => self::scalar(scalar).map_err(|message| (line, message))?,
        YamlData::Sequence(items) => {
            let one = |(index, item): (usize, &MarkedYaml<'_>)| value(item, &format!("{path}[{index}]"), places);
            Value::Array(items.iter().enumerate().map(one).collect::<Result<_, _>>()?)
        }
        YamlData::Mapping(pairs) => {
            let mut object = Map::new();
            for (name, inner) in pairs {
                let name_line = name.span.start.line();
                let name = match value(name, "?", &mut Places::default())? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                let here = join(path, &name);
                let made = value(inner, &here, places)?;
                places.stand(&here, name_line);
                if let ("$ref", Some(target)) = (name.as_str(), made.as_str()) {
                    places.refer(path, target);
                } else if let Some(target) = made.as_str().filter(|text| text.starts_with("#/")) {
                    places.refer(&here, target);
                }
                object.insert(name, made);
            }
            Value::Object(object)
        }
        YamlData::Tagged(_, inner) => value(inner, path, places)?,
        YamlData::Representation(text, ..) => Value::String(text.to_string()),
        YamlData::Alias(_) | YamlData::BadValue => return Err((line, "an alias leads nowhere".to_owned())),
    })
}

fn scalar(scalar: &Scalar<'_>) -> Result<Value, String> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(yes) => Value::Bool(*yes),
        Scalar::Integer(number) => Value::from(*number),
        Scalar::FloatingPoint(number) => serde_json::from_str(&number.to_string()).map_err(|error| error.to_string())?,
        Scalar::String(text) => Value::String(text.to_string()),
    })
}

/// The manifest without references: whatever `$ref` names is put in its place, and what stands beside `$ref` wins.
pub fn resolve(manifest: &Value) -> Result<Value, Vec<Problem>> {
    let mut problems = Vec::new();
    let resolved = inline(manifest, manifest, "", 0, &mut problems);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(hand_down(resolved, &Map::new()))
}

fn inline(root: &Value, node: &Value, path: &str, depth: usize, problems: &mut Vec<Problem>) -> Value {
    if depth > DEPTH_MAX {
        problems.push(Problem::manifest(path, "the references lead in a circle"));
        return Value::Null;
    }
    match node {
        Value::String(text) if text.starts_with("#/") => follow(root, text, path, depth, problems),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| inline(root, item, &format!("{path}[{index}]"), depth + 1, problems)).collect()
        }
        Value::Object(fields) => object(root, fields, path, depth, problems),
        other => other.clone(),
    }
}

fn object(root: &Value, fields: &Map<String, Value>, path: &str, depth: usize, problems: &mut Vec<Problem>) -> Value {
    let mut made = match fields.get("$ref").and_then(Value::as_str) {
        Some(reference) => match follow(root, reference, path, depth, problems) {
            Value::Object(target) => target,
            other => return other,
        },
        None => Map::new(),
    };
    for (name, inner) in fields.iter().filter(|(name, _)| *name != "$ref") {
        // Definitions are only what others point at; resolving them where they stand would be work for nothing.
        let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let kept = if here == "definitions" { inner.clone() } else { inline(root, inner, &here, depth + 1, problems) };
        made.insert(name.clone(), kept);
    }
    Value::Object(made)
}

fn follow(root: &Value, reference: &str, path: &str, depth: usize, problems: &mut Vec<Problem>) -> Value {
    let names = reference.trim_start_matches("#/");
    let mut at = root;
    let mut rest = names;
    while !rest.is_empty() {
        // The whole remaining path may be one name.
        if let Some(found) = at.get(rest) {
            at = found;
            break;
        }
        let (name, behind) = rest.split_once('/').unwrap_or((rest, ""));
        let next = name.parse::<usize>().ok().and_then(|index| at.get(index)).or_else(|| at.get(name));
        match next {
            Some(found) => at = found,
            None => {
                let known = at.as_object().map(|fields| fields.keys().map(String::as_str).collect::<Vec<_>>()).unwrap_or_default();
                let hint = syncline_model::nearest::hint(name, known);
                problems.push(Problem::manifest(path, format!("`{reference}` leads nowhere: there is no `{name}`{hint}")));
                return Value::Null;
            }
        }
        rest = behind;
    }
    inline(root, at, path, depth + 1, problems)
}

/// `$parameters` of a component fill the empty fields of everything inside it that is a component.
fn hand_down(node: Value, outer: &Map<String, Value>) -> Value {
    match node {
        Value::Array(items) => items.into_iter().map(|item| hand_down(item, outer)).collect(),
        Value::Object(mut fields) => {
            let mut parameters = outer.clone();
            if let Some(Value::Object(own)) = fields.remove("$parameters") {
                parameters.extend(own);
            }
            let is_component = fields.contains_key("type") && fields.get("type").is_some_and(Value::is_string);
            if is_component {
                for (name, value) in &parameters {
                    if fields.get(name).is_none_or(is_empty) {
                        fields.insert(name.clone(), value.clone());
                    }
                }
            }
            let mut made: Map<String, Value> = fields.into_iter().map(|(name, inner)| (name, hand_down(inner, &parameters))).collect();
            if is_component && !parameters.is_empty() {
                made.insert("$parameters".to_owned(), Value::Object(parameters));
            }
            Value::Object(made)
        }
        other => other,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Number(number) => number.as_str() == "0",
        Value::Bool(true) => false,
    }
}
