//! Settings from a file, the environment and flags laid over the defaults, each with the place where it stands.

use syncline_model::nearest;
use toml::{Table, Value};

use super::{ENVIRONMENT_PREFIX, Problem, Raw, defaults, problem};

/// The settings of a file.
pub fn merge_file(merged: &mut Table, file: &str, text: &str, problems: &mut Vec<Problem>) {
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(error) => {
            let line = error.span().map_or(1, |span| line_of(text, span.start));
            problems.push(problem(&format!("{file}:{line}"), error.message().trim().replace('\n', " ")));
            return;
        }
    };
    for (name, value) in flatten(&table, "") {
        let origin = format!("{file}:{}", line_of_name(text, &name));
        set(merged, &name, value, &origin, problems);
    }
}

/// The setting of a variable of the environment.
pub fn merge_variable(merged: &mut Table, variable: &str, value: &str, problems: &mut Vec<Problem>) {
    let names = names(merged);
    let variables: Vec<String> = names.iter().map(|name| variable_of(name)).collect();
    match variables.iter().position(|known| known == variable) {
        Some(index) => set_text(merged, &names[index], value, variable, problems),
        None => {
            let hint = nearest::hint(variable, variables.iter().map(String::as_str));
            problems.push(problem("environment", format!("unknown setting `{variable}`{hint}")));
        }
    }
}

/// The setting of a flag, `name=value`.
pub fn merge_flag(merged: &mut Table, flag: &str, problems: &mut Vec<Problem>) {
    match flag.split_once('=') {
        Some((name, value)) => set_text(merged, name.trim(), value.trim(), "--set", problems),
        None => problems.push(problem("--set", format!("`{flag}` is not of the form NAME=VALUE"))),
    }
}

/// The environment's name of a setting.
fn variable_of(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.replace('.', "_").to_uppercase())
}

/// A text takes the type that the setting has.
fn set_text(merged: &mut Table, name: &str, text: &str, origin: &str, problems: &mut Vec<Problem>) {
    let wanted = get(merged, name).cloned();
    let value = match wanted {
        None | Some(Value::String(_)) => Some(Value::String(text.to_owned())),
        Some(Value::Array(_)) => {
            Some(Value::Array(text.split(',').filter(|part| !part.is_empty()).map(|part| Value::String(part.trim().to_owned())).collect()))
        }
        Some(_) => format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value")),
    };
    match value {
        Some(value) => set(merged, name, value, origin, problems),
        None => problems.push(problem(origin, format!("`{name}` cannot be `{text}`"))),
    }
}

fn set(merged: &mut Table, name: &str, value: Value, origin: &str, problems: &mut Vec<Problem>) {
    let Some(place) = get_mut(merged, name) else {
        let names = names(merged);
        let hint = nearest::hint(name, names.iter().map(String::as_str));
        problems.push(problem(origin, format!("unknown setting `{name}`{hint}")));
        return;
    };
    if !place.same_type(&value) {
        problems.push(problem(origin, format!("`{name}` must be {}, and is {}", kind(place), kind(&value))));
        return;
    }
    *place = value.clone();
    if let Some(why) = refused(name, value) {
        problems.push(problem(origin, format!("`{name}`: {why}")));
    }
}

/// Why a setting cannot have this value, whatever the others are.
fn refused(name: &str, value: Value) -> Option<String> {
    let mut alone = defaults().ok()?;
    let number = value.as_integer();
    *get_mut(&mut alone, name)? = value;
    let error = alone.try_into::<Raw>().err()?;
    if let (Some(number), Some(range)) = (number, range(error.message())) {
        return Some(format!("it must be {range}, and is {number}"));
    }
    // `unknown variant `a`, expected one of `b`, `c``
    let mut named = error.message().split('`').skip(1).step_by(2);
    let hint = named.next().map(|wrong| nearest::hint(wrong, named)).unwrap_or_default();
    Some(format!("{}{hint}", error.message().trim().replace('\n', " ")))
}

/// Which numbers there may be, where a message names a type of whole numbers.
fn range(message: &str) -> Option<String> {
    let (_, wanted) = message.trim().rsplit_once("expected ")?;
    let (least, kind) = wanted.strip_prefix("a nonzero ").map_or((0, wanted), |kind| (1, kind));
    let most = match kind {
        "u8" => u64::from(u8::MAX),
        "u16" => u64::from(u16::MAX),
        "u32" => u64::from(u32::MAX),
        "u64" | "usize" => return Some(format!("{least} or more")),
        _ => return None,
    };
    Some(format!("{least} to {most}"))
}

fn get<'a>(table: &'a Table, name: &str) -> Option<&'a Value> {
    match name.split_once('.') {
        Some((section, rest)) => get(table.get(section)?.as_table()?, rest),
        None => table.get(name).filter(|value| !value.is_table()),
    }
}

fn get_mut<'a>(table: &'a mut Table, name: &str) -> Option<&'a mut Value> {
    match name.split_once('.') {
        Some((section, rest)) => get_mut(table.get_mut(section)?.as_table_mut()?, rest),
        None => table.get_mut(name).filter(|value| !value.is_table()),
    }
}

fn names(table: &Table) -> Vec<String> {
    flatten(table, "").into_iter().map(|(name, _)| name).collect()
}

fn flatten(table: &Table, prefix: &str) -> Vec<(String, Value)> {
    let mut flat = Vec::new();
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => flat.extend(flatten(inner, &name)),
            other => flat.push((name, other.clone())),
        }
    }
    flat
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|&byte| byte == b'\n').count() + 1
}

/// The line on which a setting stands: the first line with its last word in front of `=`, behind its section if it has one.
fn line_of_name(text: &str, name: &str) -> usize {
    let (section, key) = name.rsplit_once('.').unwrap_or(("", name));
    let start =
        text.lines().position(|line| !section.is_empty() && line.trim().trim_matches(['[', ']']) == section).map_or(0, |line| line + 1);
    let is_it = |line: &str| line.split_once('=').is_some_and(|(left, _)| left.trim().rsplit('.').next() == Some(key));
    text.lines().skip(start).position(is_it).map_or(1, |line| start + line + 1)
}

/// What kind of value this is, with its article.
fn kind(value: &Value) -> String {
    let kind = value.type_str();
    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
    format!("{article} {kind}")
}
