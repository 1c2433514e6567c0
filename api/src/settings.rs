//! Settings as they are shown and changed. A secret is never shown: where one is kept, `{"set": true}` stands in its place, and
//! that mark, sent back, keeps it. A change is a merge patch (RFC 7396): what is left out stays, `null` takes away.

use serde_json::{Map, Value, json};
use syncline_model::Settings;
use syncline_sdk::Connector;
use syncline_store::{
    NewSettings,
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

/// A text of the source's without any secret of these settings, should it repeat one.
pub(crate) fn without_secrets(text: &str, settings: &Settings, connector: &dyn Connector) -> String {
    let mut clean = text.to_owned();
    if let Ok(parted) = split(settings.expose().clone(), &secret_paths(connector.settings_schema())) {
        for (_, secret) in parted.secrets {
            let plain = serde_json::from_str::<String>(secret.expose()).unwrap_or_else(|_| secret.expose().to_owned());
            if plain.len() >= 4 {
                clean = clean.replace(&plain, "[secret]");
            }
        }
    }
    clean
}

#[cfg(test)]
mod tests;
