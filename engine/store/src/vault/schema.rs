//! Which places a JSON Schema marks as secret: `airbyte_secret`, `writeOnly` or `format: password`, however deep.

use serde_json::{Map, Value};

use super::path::{SecretPath, Step};

// A schema may refer to itself; settings nested deeper than this are nobody's.
const DEEPEST: usize = 24;

/// Every place that the schema marks as secret, each once, in the schema's order.
pub fn secret_paths(schema: &Value) -> Vec<SecretPath> {
    let mut walk = Walk { root: schema, at: Vec::new(), found: Vec::new() };
    walk.visit(schema, 0);
    walk.found
}

struct Walk<'a> {
    root: &'a Value,
    at: Vec<Step>,
    found: Vec<SecretPath>,
}

impl<'a> Walk<'a> {
    fn visit(&mut self, schema: &'a Value, depth: usize) {
        let Some(schema) = schema.as_object().filter(|_| depth < DEEPEST) else { return };
        if is_marked(schema) && !self.at.is_empty() {
            self.note();
            return;
        }
        self.visit_same_place(schema, depth);
        for (name, member) in objects(schema, "properties") {
            self.visit_at(Step::Named(name.clone()), member, depth);
        }
        for (_, member) in objects(schema, "patternProperties") {
            self.visit_at(Step::Each, member, depth);
        }
        for each in ["additionalProperties", "items"].into_iter().filter_map(|word| schema.get(word)) {
            match each {
                Value::Array(items) => self.visit_items(items, depth),
                one => self.visit_at(Step::Each, one, depth),
            }
        }
        if let Some(Value::Array(items)) = schema.get("prefixItems") {
            self.visit_items(items, depth);
        }
    }

    fn visit_same_place(&mut self, schema: &'a Map<String, Value>, depth: usize) {
        let choices = ["oneOf", "anyOf", "allOf"].into_iter().filter_map(|word| schema.get(word)?.as_array()).flatten();
        let branches = ["if", "then", "else"].into_iter().filter_map(|word| schema.get(word));
        let dependent = objects(schema, "dependentSchemas").map(|(_, schema)| schema);
        let referred = schema.get("$ref").and_then(Value::as_str).and_then(|text| self.root.pointer(text.strip_prefix('#')?));
        let same: Vec<&'a Value> = choices.chain(branches).chain(dependent).chain(referred).collect();
        for schema in same {
            self.visit(schema, depth + 1);
        }
    }

    fn visit_items(&mut self, items: &'a [Value], depth: usize) {
        for (number, item) in items.iter().enumerate() {
            self.visit_at(Step::Named(number.to_string()), item, depth);
        }
    }

    fn visit_at(&mut self, step: Step, schema: &'a Value, depth: usize) {
        self.at.push(step);
        self.visit(schema, depth + 1);
        self.at.pop();
    }

    fn note(&mut self) {
        let path = SecretPath(self.at.clone());
        if !self.found.contains(&path) {
            self.found.push(path);
        }
    }
}

fn is_marked(schema: &Map<String, Value>) -> bool {
    let is = |word: &str| schema.get(word) == Some(&Value::Bool(true));
    is("airbyte_secret") || is("writeOnly") || schema.get("format").and_then(Value::as_str) == Some("password")
}

fn objects<'a>(schema: &'a Map<String, Value>, word: &str) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
    schema.get(word).and_then(Value::as_object).into_iter().flatten()
}
