//! Two that changed the same settings: the engine, which was handed new ones by a source, and the owner, who edited them meanwhile.

use serde_json::{Map, Value};

/// What `after` changed of `before`, put into `now`. Where somebody else has changed the same value meanwhile, theirs stays: what the
/// source handed out was for what they have replaced.
pub fn merged(before: &Value, now: Value, after: &Value) -> Value {
    of_value(Some(before), Some(now), Some(after)).unwrap_or(Value::Null)
}

fn of_value(before: Option<&Value>, now: Option<Value>, after: Option<&Value>) -> Option<Value> {
    if before == after {
        return now;
    }
    if now.as_ref() == before {
        return after.cloned();
    }
    match (now, after) {
        (Some(Value::Object(now)), Some(Value::Object(after))) => {
            let nothing = Map::new();
            let before = before.and_then(Value::as_object).unwrap_or(&nothing);
            Some(Value::Object(of_object(before, now, after)))
        }
        (now, _) => now,
    }
}

fn of_object(before: &Map<String, Value>, mut now: Map<String, Value>, after: &Map<String, Value>) -> Map<String, Value> {
    let new: Vec<String> = after.keys().filter(|name| !now.contains_key(*name)).cloned().collect();
    let names: Vec<String> = now.keys().cloned().chain(new).collect();
    let merged = names.into_iter().filter_map(|name| {
        let value = of_value(before.get(&name), now.remove(&name), after.get(&name))?;
        Some((name, value))
    });
    merged.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_either_side_changed_is_there_and_an_owners_edit_of_the_same_value_stays() {
        let before = json!({"region": "eu", "auth": {"token": "t0", "until": 1, "app": "a"}, "pages": 5});
        let after = json!({"region": "eu", "auth": {"token": "t1", "until": 2, "app": "a", "scope": "all"}});
        for (now, wanted) in [
            (before.clone(), after.clone()),
            (
                json!({"region": "us", "auth": {"token": "t0", "until": 1, "app": "b"}, "pages": 5, "new": [1]}),
                json!({"region": "us", "auth": {"token": "t1", "until": 2, "app": "b", "scope": "all"}, "new": [1]}),
            ),
            (json!({"auth": {"token": "entered", "until": 1}}), json!({"auth": {"token": "entered", "until": 2, "scope": "all"}})),
            (json!({"region": "eu", "auth": null, "pages": 6}), json!({"region": "eu", "auth": null, "pages": 6})),
            (after.clone(), after.clone()),
        ] {
            assert_eq!(merged(&before, now, &after), wanted);
        }
    }

    #[test]
    fn numbers_keep_the_digits_that_they_were_written_with() -> Result<(), serde_json::Error> {
        let read = |text: &str| serde_json::from_str::<Value>(text);
        let (before, now, after) = (read(r#"{"a":1.10,"b":1}"#)?, read(r#"{"a":1.10,"b":1,"c":2.50}"#)?, read(r#"{"a":1.100,"b":1}"#)?);
        assert_eq!(merged(&before, now, &after).to_string(), r#"{"a":1.100,"b":1,"c":2.50}"#);
        Ok(())
    }
}
