//! What templates become in the reference, from `tests/reference/interpolation.py` and `literals.py`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;

/// The moment at which the table was made.
const NOW: &str = "2024-06-15T12:30:45.123456Z";

fn scopes(table: &Value) -> Vec<Scope> {
    let one = |context: &Value| {
        let mut scope = Scope::new().at(NOW.parse().unwrap());
        for (name, value) in context.as_object().unwrap() {
            let name = KNOWN.iter().find(|known| *known == name).unwrap();
            scope.set(name, Arc::new(value.clone()));
        }
        scope
    };
    table["contexts"].as_array().unwrap().iter().map(one).collect()
}

fn said(made: Option<Evaluated>) -> Value {
    let made = made.unwrap_or_else(|| Evaluated::from(Value::Null));
    serde_json::json!([format!("{:?}", made.kind()), made.text()])
}

/// What differs between the table and us.
fn differences(table: &Value) -> (usize, Vec<String>) {
    let scopes = scopes(table);
    let (mut all, mut wrong) = (0, Vec::new());
    for row in table["rows"].as_array().unwrap() {
        let text = row[0].as_str().unwrap();
        let template = Template::new(text);
        for (at, scope) in scopes.iter().enumerate() {
            let expected = row[at + 1].as_array().unwrap();
            let mapped = if expected[1] == "=" { &expected[0] } else { &expected[1] };
            let made = match &template {
                Ok(template) => [
                    template.eval(scope).map(|made| said(Some(made))),
                    template.mapped(scope, &[Kind::Str, Kind::List]).map(said),
                    template.holds(scope).map(Value::Bool),
                ],
                Err(why) => [(); 3].map(|()| Err(Fault::Misconfigured(why.clone()))),
            };
            for (what, made, expected) in
                [("eval", &made[0], &expected[0]), ("mapped", &made[1], mapped), ("holds", &made[2], &expected[2])]
            {
                all += 1;
                let same = made.as_ref().map_or(expected.is_null(), |made| made == expected);
                if !same {
                    wrong.push(format!("{what} in {at}: {text}\n   ours {made:?}\n  theirs {expected}"));
                }
            }
        }
    }
    (all, wrong)
}

#[test]
fn templates_become_what_they_become_in_the_reference() {
    let table = serde_json::from_str(include_str!("../../tests/reference/interpolation.json")).unwrap();
    let (all, wrong) = differences(&table);
    assert!(wrong.is_empty(), "{} of {all} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// For tables that are too large to be kept: the variable `INTERPOLATION_TABLE` names one.
#[test]
#[ignore = "needs a table"]
fn templates_of_a_named_table_become_what_they_become_in_the_reference() {
    let path = std::env::var("INTERPOLATION_TABLE").unwrap();
    let table = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let (all, wrong) = differences(&table);
    assert!(wrong.is_empty(), "{} of {all} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn texts_are_read_as_python_reads_literals() {
    let rows: Vec<Vec<String>> = serde_json::from_str(include_str!("../../tests/reference/literals.json")).unwrap();
    let mut wrong = Vec::new();
    for row in &rows {
        let made = literal::evaluate(row[0].clone());
        let made = [format!("{:?}", made.kind()), made.text()];
        let expected = [row.get(1).map_or("Str", String::as_str), row.get(2).unwrap_or(&row[0])];
        if made != expected {
            wrong.push(format!("{:?}: {made:?}, not {expected:?}", row[0]));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}
