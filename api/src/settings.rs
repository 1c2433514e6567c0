//! Settings as they are shown and changed. A secret is never shown: where one is kept, `{"set": true}` stands in its place, and
//! that mark, sent back, keeps it. A change is a merge patch (RFC 7396): what is left out stays, `null` takes away.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use syncline_model::{IntegrationId, Secret, Settings};
use syncline_sdk::Connector;
use syncline_store::{
    NewSettings, Scope, StoreFault,
    vault::{Field, secret_paths, split},
};

use crate::problem::{FieldProblem, Problem};

/// The public part with a mark for each secret that is kept.
pub(crate) fn shown(public: &Value, sealed: &[Field]) -> Value {
    let mut shown = public.clone();
    for field in sealed {
        mark(&mut shown, &parts(field));
    }
    shown
}

fn parts(field: &Field) -> Vec<String> {
    field.as_str().split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

fn mark(at: &mut Value, path: &[String]) {
    let Some((name, rest)) = path.split_first() else {
        *at = json!({"set": true});
        return;
    };
    match at {
        Value::Object(members) => mark(members.entry(name.clone()).or_insert_with(|| Value::Object(Map::new())), rest),
        Value::Array(items) => {
            if let Some(item) = name.parse::<usize>().ok().and_then(|number| items.get_mut(number)) {
                mark(item, rest);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_mark(value: &Value) -> bool {
    value.as_object().is_some_and(|members| members.len() == 1 && members.get("set") == Some(&Value::Bool(true)))
}

/// New settings, checked against the connector's schema.
pub(crate) fn checked(connector: &dyn Connector, whole: Value) -> Result<NewSettings, Problem> {
    let schema = connector.settings_schema();
    let whole = Settings::new(whole);
    let problems = syncline_sdk::settings::problems(schema, whole.expose());
    if !problems.is_empty() {
        let found = problems.into_iter().map(|problem| FieldProblem { path: format!("/settings{}", problem.path), why: problem.why });
        return Err(Problem::invalid(found.collect()));
    }
    Ok(NewSettings { secret: secret_paths(schema), whole })
}

/// What the settings become by a patch, checked. A secret that the patch takes away is `null` in it, so that it is forgotten. One that
/// the patch does not speak of is left out, so that the store keeps its own: the engine may have renewed it meanwhile.
pub(crate) fn replacing(connector: &dyn Connector, old: &Settings, patch: Value) -> Result<NewSettings, Problem> {
    let whole = patched(old, patch)?;
    let mut new = checked(connector, whole)?;
    let Ok(before) = split(old.expose().clone(), &new.secret) else { return Ok(new) };
    let mut whole = new.whole.expose().clone();
    for (field, _) in &before.secrets {
        let (was, is) = (old.expose().pointer(field.as_str()), whole.pointer(field.as_str()));
        if is.is_none() {
            put_null(&mut whole, &parts(field));
        } else if is == was {
            leave_out(&mut whole, &parts(field));
        }
    }
    new.whole = Settings::new(whole);
    Ok(new)
}

/// Not in a list, where what is left out would change the numbers of its neighbours.
fn leave_out(at: &mut Value, path: &[String]) {
    let (Some((name, rest)), Some(members)) = (path.split_first(), at.as_object_mut()) else { return };
    if rest.is_empty() {
        members.shift_remove(name);
    } else if let Some(member) = members.get_mut(name) {
        leave_out(member, rest);
    }
}

fn put_null(at: &mut Value, path: &[String]) {
    let Some((name, rest)) = path.split_first() else { return };
    let Some(members) = at.as_object_mut() else { return };
    if rest.is_empty() {
        members.entry(name.clone()).or_insert(Value::Null);
    } else if let Some(member) = members.get_mut(name) {
        put_null(member, rest);
    }
}

/// What the settings are after a patch. Marks keep what is there; a list is replaced as a whole, so a mark inside one is refused.
pub(crate) fn patched(old: &Settings, patch: Value) -> Result<Value, Problem> {
    let mut marks = Vec::new();
    let mut patch = patch;
    take_marks(&mut patch, "/settings", false, &mut marks);
    if !marks.is_empty() {
        return Err(Problem::invalid(marks));
    }
    let mut whole = old.expose().clone();
    merge(&mut whole, patch);
    Ok(whole)
}

fn take_marks(value: &mut Value, path: &str, in_list: bool, refused: &mut Vec<FieldProblem>) {
    match value {
        Value::Object(members) => {
            if !in_list {
                members.retain(|_, member| !is_mark(member));
            }
            for (name, member) in members {
                let here = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                if in_list && is_mark(member) {
                    refused.push(FieldProblem { path: here, why: "a list is replaced as a whole: send the secret again".to_owned() });
                } else {
                    take_marks(member, &here, in_list, refused);
                }
            }
        }
        Value::Array(items) => {
            for (number, item) in items.iter_mut().enumerate() {
                take_marks(item, &format!("{path}/{number}"), true, refused);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn merge(into: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *into = patch;
        return;
    };
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    let Value::Object(members) = into else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.shift_remove(&name);
        } else {
            merge(members.entry(name).or_insert(Value::Null), value);
        }
    }
}

/// Takes secrets out of texts. A source may repeat what it was sent, and its words are shown; so they are searched for the secrets of
/// their integration. Nothing is unsealed where there is no text.
pub(crate) struct Cleaner<'a> {
    scope: &'a Scope,
    known: BTreeMap<IntegrationId, Vec<Secret>>,
}

const SHORTEST_SECRET: usize = 4;

impl<'a> Cleaner<'a> {
    pub(crate) fn new(scope: &'a Scope) -> Self {
        Self { scope, known: BTreeMap::new() }
    }

    /// Cleans a text about this integration.
    pub(crate) async fn clean(&mut self, integration: &IntegrationId, text: &mut Option<String>) -> Result<(), Problem> {
        let Some(text) = text.as_mut() else { return Ok(()) };
        if !self.known.contains_key(integration) {
            let secrets = self.secrets(integration).await?;
            self.known.insert(integration.clone(), secrets);
        }
        for secret in self.known.get(integration).into_iter().flatten() {
            if text.contains(secret.expose()) {
                *text = text.replace(secret.expose(), "[secret]");
            }
        }
        Ok(())
    }

    async fn secrets(&self, integration: &IntegrationId) -> Result<Vec<Secret>, Problem> {
        let fields = self.scope.secrets().fields(integration).await?;
        if fields.is_empty() {
            return Ok(Vec::new());
        }
        let settings = match self.scope.integrations().settings(integration).await {
            Ok(settings) => settings,
            Err(StoreFault::NotFound { .. }) => return Ok(Vec::new()),
            Err(fault) => return Err(fault.into()),
        };
        let mut texts: Vec<Secret> = Vec::new();
        for field in &fields {
            collect(settings.expose().pointer(field.as_str()), &mut texts);
        }
        // The longest first, because one secret may be a part of another.
        texts.sort_by_key(|text| std::cmp::Reverse(text.expose().len()));
        Ok(texts)
    }
}

fn collect(value: Option<&Value>, into: &mut Vec<Secret>) {
    match value {
        Some(Value::String(text)) if text.len() >= SHORTEST_SECRET => into.push(Secret::new(text.clone())),
        Some(Value::Array(items)) => items.iter().for_each(|item| collect(Some(item), into)),
        Some(Value::Object(members)) => members.values().for_each(|member| collect(Some(member), into)),
        Some(Value::Number(number)) if number.as_str().len() >= SHORTEST_SECRET => into.push(Secret::new(number.as_str())),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) | None => {}
    }
}

#[cfg(test)]
mod tests;
