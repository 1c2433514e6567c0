//! What goes into a request, part by part, and how the parts of several sides are put together.

use serde_json::{Map, Value};
use syncline_model::Fault;

use crate::{
    node::Node,
    problem::Problem,
    template::{Scope, Template},
};

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The query.
    Parameter,
    /// A header.
    Header,
    /// A field of a JSON body.
    BodyJson,
    /// A field of a form.
    BodyData,
}

/// Where a value is put into a request.
#[derive(Debug, Clone)]
pub struct RequestOption {
    /// The part of the request.
    pub place: Place,
    /// The name there; more than one leads into a nested object of a JSON body.
    pub names: Vec<Template>,
}

impl RequestOption {
    /// An option with a fixed name.
    pub fn plain(place: Place, name: &str) -> Self {
        Self { place, names: vec![Template::plain(name)] }
    }

    /// Reads one.
    pub fn load(node: &Value, path: &str) -> Result<Self, Problem> {
        let node = Node::new(node, path);
        let place = match node.word("inject_into") {
            Some("request_parameter") => Place::Parameter,
            Some("header") => Place::Header,
            Some("body_json") => Place::BodyJson,
            Some("body_data") => Place::BodyData,
            other => {
                let known = ["request_parameter", "header", "body_json", "body_data"];
                let hint = syncline_model::nearest::hint(other.unwrap_or_default(), known);
                return Err(node.problem(format!("`inject_into` is `{}`{hint}", other.unwrap_or("absent"))));
            }
        };
        // What is empty is not there, as in the reference.
        let name = node.text("field_name")?.filter(|name| !name.source().is_empty());
        let names = match (name, node.get("field_path").and_then(Value::as_array).filter(|names| !names.is_empty())) {
            (Some(_), Some(_)) => return Err(node.problem("only one of `field_name` and `field_path` can be given")),
            (Some(name), None) => vec![name],
            (None, Some(_)) if place != Place::BodyJson => {
                return Err(node.problem("`field_path` leads into a JSON body only; use `field_name` here"));
            }
            (None, Some(names)) => names
                .iter()
                .map(|name| node.template(&name.as_str().map_or_else(|| name.to_string(), str::to_owned), "field_path"))
                .collect::<Result<_, _>>()?,
            (None, None) if node.get("field_name").is_some() => return Err(node.problem("`field_name` is empty")),
            (None, None) => return Err(node.missing("field_name")),
        };
        Ok(Self { place, names })
    }

    /// The name that another option writes as well: one of the two values would be lost.
    pub fn same_place(&self, other: &Self) -> Option<String> {
        let sources = |option: &Self| option.names.iter().map(|name| name.source().to_owned()).collect::<Vec<_>>();
        let names = sources(self);
        (self.place == other.place && names == sources(other)).then(|| names.join("."))
    }
}

/// What goes into a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// The query: texts, numbers, or lists that repeat their name.
    pub parameters: Map<String, Value>,
    /// The headers.
    pub headers: Map<String, Value>,
    /// The JSON body.
    pub body_json: Map<String, Value>,
    /// The form.
    pub body_data: Map<String, Value>,
    /// A body that is a plain text.
    pub body_text: Option<String>,
}

impl Parts {
    /// Puts a value where an option says.
    pub fn put(&mut self, option: &RequestOption, value: Value, scope: &Scope) -> Result<(), Fault> {
        let mut names = option.names.iter().map(|name| name.text(scope)).collect::<Result<Vec<_>, _>>()?;
        let last = names.pop().unwrap_or_default();
        let mut at = self.part(option.place);
        for name in names {
            let inner = at.entry(name).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(fields) = inner else {
                return Err(Fault::Misconfigured("a nested field is put into a body where something else stands already".to_owned()));
            };
            at = fields;
        }
        at.insert(last, value);
        Ok(())
    }

    fn part(&mut self, place: Place) -> &mut Map<String, Value> {
        match place {
            Place::Parameter => &mut self.parameters,
            Place::Header => &mut self.headers,
            Place::BodyJson => &mut self.body_json,
            Place::BodyData => &mut self.body_data,
        }
    }

    /// Adds what another side wants to put in. The same name from two sides is a mistake of the manifest; only a JSON body may say
    /// the same thing twice.
    pub fn merge(&mut self, other: Self) -> Result<(), Fault> {
        merge(&mut self.parameters, other.parameters, false)?;
        merge(&mut self.headers, other.headers, false)?;
        merge(&mut self.body_json, other.body_json, true)?;
        if other.body_text.is_some() {
            if self.body_text.is_some() || !self.body_data.is_empty() {
                return Err(Fault::Misconfigured("two sides want to write the whole body of a request".to_owned()));
            }
            self.body_text = other.body_text;
        }
        if self.body_text.is_some() && !other.body_data.is_empty() {
            return Err(Fault::Misconfigured("a body that is a text cannot hold form fields".to_owned()));
        }
        merge(&mut self.body_data, other.body_data, false)
    }
}

fn merge(into: &mut Map<String, Value>, from: Map<String, Value>, may_repeat: bool) -> Result<(), Fault> {
    for (name, value) in from {
        match (into.get_mut(&name), value) {
            (None, value) => {
                into.insert(name, value);
            }
            (Some(Value::Object(inner)), Value::Object(other)) if may_repeat => merge(inner, other, true)?,
            (Some(known), value) if may_repeat && *known == value => {}
            (Some(_), _) => return Err(Fault::Misconfigured(format!("`{name}` is put into the request from two sides"))),
        }
    }
    Ok(())
}
