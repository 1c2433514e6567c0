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

/// Where this is in a path, and not in a quoted key.
pub fn places<'p>(path: &'p str, mark: &'p str) -> impl Iterator<Item = usize> + 'p {
    let (mut is_quoted, mut is_escaped) = (false, false);
    path.char_indices().filter_map(move |(at, c)| {
        let is_here = !is_quoted && path[at..].starts_with(mark);
        is_quoted ^= c == '"' && !is_escaped;
        is_escaped = is_quoted && c == '\\' && !is_escaped;
        is_here.then_some(at)
    })
}

/// The path of the innermost list that a value is in; empty for a value of the record itself.
pub fn list(path: &str) -> &str {
    &path[..places(path, "[]").last().unwrap_or_default()]
}

/// A path cut behind each list: `lines[].taxes[].rate` is `lines`, in it `taxes`, and in that `rate`.
pub fn cut(path: &str) -> Vec<&str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    for at in places(path, "[]") {
        parts.push(&path[from..at]);
        from = at + 2 + usize::from(path[at + 2..].starts_with('.'));
    }
    parts.push(&path[from..]);
    parts
}

/// Whether a value is in a map, whose keys are data.
pub fn is_in_map(path: &str) -> bool {
    places(path, "{}").next().is_some()
}
