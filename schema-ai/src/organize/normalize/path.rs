//! Paths as people write them: `customer.id`, `assignees[].id`; a key with a dot, a bracket, a quote or nothing in it is quoted.

/// The path of a key inside an object.
pub fn key(parent: &str, key: &str) -> String {
    let odd = key.is_empty() || key.contains(['.', '[', ']', '"', '{', '}', '#']);
    let step = if odd { serde_json::Value::from(key).to_string() } else { key.to_owned() };
    if parent.is_empty() { step } else { format!("{parent}.{step}") }
}

/// The path of a list's elements.
pub fn element(list: &str) -> String {
    format!("{list}[]")
}

/// The path of a map's values.
pub fn any_key(map: &str) -> String {
    format!("{map}{{}}")
}

/// The keys of a path, from the outside in, as they are in the record. Lists and maps leave no key.
pub fn keys(path: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        let (key, after) = if rest.starts_with('"') { quoted(rest) } else { plain(rest) };
        if !(key.is_empty() && rest.starts_with(['[', '{', '#'])) {
            keys.push(key);
        }
        rest = after.trim_start_matches("[]").trim_start_matches("{}").trim_start_matches("[]");
        rest = rest.strip_prefix('.').unwrap_or(rest);
        if rest.starts_with('#') {
            break;
        }
    }
    keys
}

fn quoted(rest: &str) -> (String, &str) {
    let mut stream = serde_json::Deserializer::from_str(rest).into_iter::<String>();
    let Some(Ok(key)) = stream.next() else { return (rest.to_owned(), "") };
    let end = stream.byte_offset();
    (key, &rest[end..])
}

fn plain(rest: &str) -> (String, &str) {
    let end = rest.find(['.', '[', '{', '#']).unwrap_or(rest.len());
    (rest[..end].to_owned(), &rest[end..])
}

/// The innermost key of a path.
pub fn last(path: &str) -> &str {
    let path = path.strip_suffix("#overflow").unwrap_or(path);
    let end = path.trim_end_matches("[]").trim_end_matches("{}");
    if end.ends_with('"') {
        return end;
    }
    end.rsplit_once('.').map_or(end, |(_, key)| key)
}
