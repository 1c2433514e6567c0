//! Reads a manifest and makes it plain: YAML to values, `$ref` resolved. What becomes of `$parameters` and of parents is below.

mod bound;
mod handed;
mod parents;

use serde_json::{Map, Value};

pub use self::{bound::bind, handed::hand_down_with, parents::keep_parents};
use crate::{
    Problem,
    places::{Places, join},
    yaml,
};

/// The text of a YAML (or JSON) file as a value, and where everything in it stands.
pub fn parse(file: &str, text: &str) -> Result<(Value, Places), Problem> {
    let problem = |line: Option<usize>, message: String| Problem { file: file.to_owned(), line, path: String::new(), message };
    // JSON spells some characters in a way that YAML does not know.
    let json = if text.trim_start().starts_with('{') { crate::decode::json::parse(text.as_bytes()).ok() } else { None };
    let read = || {
        let document = yaml::load(text, true).map_err(|error| problem(Some(error.marker().line()), error.info().to_owned()))?;
        let document = document.ok_or_else(|| problem(None, "the file is empty".to_owned()))?;
        let mut places = Places::default();
        let value = yaml::value(&document, "", &mut places).map_err(|(line, message)| problem(Some(line), message))?;
        Ok((value, places))
    };
    match (json, read()) {
        (Some(value), read) => Ok((value, read.map(|(_, places)| places).unwrap_or_default())),
        (None, read) => read,
    }
}

/// The first field that stands twice in an object of a file.
pub fn twice(text: &str) -> Option<Problem> {
    let error = yaml::load(text, false).err()?;
    Some(Problem { line: Some(error.marker().line()), ..Problem::manifest("", format!("{}; the last one counts", error.info())) })
}

/// The manifest without references: whatever `$ref` names is put in its place, and what stands beside `$ref` wins. Components
/// get the types that their places imply, and the parameters that were handed down to them.
pub fn resolve(manifest: &Value) -> Result<Value, Vec<Problem>> {
    let mut resolver = Resolver { root: manifest, following: Vec::new(), values: 0, problems: Vec::new() };
    let mut resolved = resolver.inline(manifest, "");
    if !resolver.problems.is_empty() {
        return Err(resolver.problems);
    }
    if let Value::Object(fields) = &mut resolved {
        fields.entry("type").or_insert_with(|| Value::String("DeclarativeSource".to_owned()));
    }
    let mut made = hand_down_with(resolved, "", &Map::new(), false);
    bind(&mut made);
    Ok(made)
}

/// How many values a manifest may have when every reference is followed.
const VALUES_MAX: usize = 1_500_000;

struct Resolver<'a> {
    root: &'a Value,
    following: Vec<String>,
    values: usize,
    problems: Vec<Problem>,
}

impl Resolver<'_> {
    fn inline(&mut self, node: &Value, path: &str) -> Value {
        self.values += 1;
        if self.values > VALUES_MAX {
            if self.values == VALUES_MAX + 1 {
                self.problems
                    .push(Problem::manifest(path, format!("with all references followed there are more than {VALUES_MAX} values")));
            }
            return Value::Null;
        }
        match node {
            Value::String(text) if text.starts_with("#/") => self.follow(text, path),
            Value::Array(items) => items.iter().enumerate().map(|(index, item)| self.inline(item, &format!("{path}[{index}]"))).collect(),
            Value::Object(fields) => self.object(fields, path),
            other => other.clone(),
        }
    }

    fn object(&mut self, fields: &Map<String, Value>, path: &str) -> Value {
        let mut made = match fields.get("$ref").and_then(Value::as_str) {
            // A schema may name another file, which nobody follows: the text stands for what it names.
            Some(text) if !text.starts_with("#/") && path.contains("schema") => return Value::String(text.to_owned()),
            Some(reference) => match self.follow(reference, path) {
                Value::Object(target) => target,
                other => return other,
            },
            None => Map::new(),
        };
        for (name, inner) in fields.iter().filter(|(name, _)| *name != "$ref") {
            let here = join(path, name);
            // Definitions are only what others point at; resolving them where they stand would be work for nothing.
            let stays = here == "definitions" || name == "config_overrides";
            let value = if stays { inner.clone() } else { self.inline(inner, &here) };
            made.insert(name.clone(), value);
        }
        Value::Object(made)
    }

    fn follow(&mut self, reference: &str, path: &str) -> Value {
        if self.following.iter().any(|known| known == reference) {
            self.problems.push(Problem::manifest(path, format!("the reference `{reference}` leads in a circle")));
            return Value::Null;
        }
        match look_up(self.root, reference) {
            Ok(target) => {
                self.following.push(reference.to_owned());
                let made = self.inline(target, path);
                self.following.pop();
                made
            }
            Err(why) => {
                self.problems.push(Problem::manifest(path, why));
                Value::Null
            }
        }
    }
}

/// What a reference names. The whole remaining path may be one name.
fn look_up<'a>(root: &'a Value, reference: &str) -> Result<&'a Value, String> {
    let mut rest = reference.trim_start_matches("#/");
    let mut at = root;
    while !rest.is_empty() {
        if let Some(found) = at.get(rest) {
            return Ok(found);
        }
        let (name, behind) = rest.split_once('/').unwrap_or((rest, ""));
        let next = name.parse::<usize>().ok().and_then(|index| at.get(index)).or_else(|| at.get(name));
        let Some(found) = next else {
            let known = at.as_object().map(|fields| fields.keys().map(String::as_str).collect::<Vec<_>>()).unwrap_or_default();
            return Err(format!("`{reference}` leads nowhere: there is no `{name}`{}", syncline_model::nearest::hint(name, known)));
        };
        at = found;
        rest = behind;
    }
    Ok(at)
}
