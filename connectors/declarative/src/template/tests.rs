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

/// How long common templates take: `cargo test --release -p syncline-declarative template::tests::how_long -- --ignored --nocapture`.
#[test]
#[ignore = "measures"]
#[allow(clippy::print_stdout, reason = "what was measured is to be read")]
fn how_long_common_templates_take() {
    let record =
        serde_json::json!({"a": "x".repeat(200), "b": {"c": 5}, "id": 7, "rest": vec!["y"; 60], "created": "2024-01-01T00:00:00Z"});
    let scope = Scope::new()
        .with("config", Arc::new(serde_json::json!({"key": "k"})))
        .with("parameters", Arc::new(serde_json::json!({})))
        .with("record", Arc::new(record))
        .with("stream_slice", Arc::new(serde_json::json!({"x": "s"})));
    for text in [
        "{{ record['a'] }}-{{ stream_slice.x }}",
        "{{ record['id'] }}",
        "{{ config['key'] }}",
        "{{ record.b.c }}",
        "{{ record.get('created', '').split('T')[0] }}",
        "{{ record.id > 5 and record.b is defined }}",
        "{{ format_datetime(record.created, '%Y-%m-%d') }}",
        "{{ record['a'] | hash('md5') }}",
        "plain",
    ] {
        let template = Template::new(text).unwrap();
        let started = std::time::Instant::now();
        for _ in 0..100_000 {
            std::hint::black_box(template.eval(&scope).unwrap());
        }
        println!("{:>8.0} ns  {text}", started.elapsed().as_secs_f64() * 1e4);
    }
}

#[test]
fn a_template_that_would_never_end_or_grow_without_end_is_told_so() {
    for text in [
        "{% for a in 'x' * 9000 %}{% for b in 'x' * 9000 %}{{ a }}{% endfor %}{% endfor %}",
        "{{ 'x' * 999999999999 }}",
        "{{ ('x' * 100000) | replace('x', 'y' * 100000) }}",
        "{{ '%999999999d' % 1 }}{{ 'x'.center(99999999999) }}",
        "{{ 9 ** 9 ** 9 }}",
        "{{ [[0] * 9000] * 9000 }}",
        "{{ ([[0] * 9000] * 900 + [1]) == ([[0] * 9000] * 900 + [2]) }}",
        "{{ (('x',) * 9000, ) * 9000 }}",
        "{{ ['x' * 9000] * 90000 }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{% set l = [] %}{% set _ = l.append(l) %}{{ l }}",
        "{% set n = namespace(x=[]) %}{% for a in 'x' * 9000 %}{% set n.x = [n.x] %}{% endfor %}{{ n.x }}",
        "{{ ('a' * 50) | regex_search('(a+)+(b|$)(?=c)') }}{{ 1 / 0 }}",
    ] {
        let fault = Template::new(text).unwrap().eval(&Scope::new()).unwrap_err();
        assert!(matches!(fault, Fault::Misconfigured(_)), "{text}: {fault}");
    }
    assert!(Template::new(&format!("{{{{ {} }}}}", "1 + ".repeat(100_000))).is_err());
    assert!(Template::new(&format!("{{{{ {} }}}}", "(".repeat(100_000))).is_err());
}

#[test]
fn an_unknown_variable_is_told_with_the_nearest_name() {
    let template = Template::new("{{ recrod['id'] }}").unwrap();
    assert!(template.problem().unwrap().ends_with("names the unknown variable `recrod` (did you mean `record`?)"));
    assert!(template.eval(&Scope::new()).is_err());
    assert_eq!(Template::new("{{ record['id'] }}").unwrap().problem(), None);
}

#[test]
fn it_can_be_told_which_fields_a_template_looks_at() {
    let looks =
        |text: &str| Template::new(text).unwrap().fields("record").map(|fields| fields.into_iter().map(String::from).collect::<Vec<_>>());
    let told =
        |text: &str, fields: &[&str]| assert_eq!(looks(text), Some(fields.iter().map(|&field| field.to_owned()).collect()), "{text}");
    told("plain", &[]);
    told("{{ config.record }}", &[]);
    told("{{ record['a'] ~ record.b }} {% if record.get('c') %}{{ record.d.e[record['f']] }}{% endif %}", &["a", "b", "c", "d", "f"]);
    told("{{ 1 if not record.get('next', record.other) | default('x') }}", &["next", "other"]);
    for text in [
        "{{ record }}",
        "{{ record | length }}",
        "{{ record[config.name] }}",
        "{{ record.keys() }}",
        "{{ record.get(config.name) }}",
        "{% set r = record %}{{ r.a }}",
        "{% for name in record %}{{ name }}{% endfor %}",
        "{{ 'a' in record }}",
    ] {
        assert_eq!(looks(text), None, "{text}");
    }
}
