#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;

use super::{Plan, diff::diff, document::Document, draw, edit::Edit, json};
use crate::organize::{cli, normalize::Stream, profile::Profile};

/// A folder with parts that suppliers offer, and lines that order them.
fn shop() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut offers = std::fs::File::create(folder.path().join("partsupp.jsonl")).unwrap();
    let mut lines = std::fs::File::create(folder.path().join("lineitem.jsonl")).unwrap();
    for n in 0..120 {
        let (part, supplier) = (n / 3 + 1, n * 7 % 20 + 1);
        writeln!(offers, "{{\"ps_partkey\":{part},\"ps_suppkey\":{supplier},\"ps_cost\":{n}.5}}").unwrap();
        writeln!(lines, "{{\"l_orderkey\":{},\"l_linenumber\":{},\"l_partkey\":{part},\"l_suppkey\":{supplier}}}", n / 4 * 32, n % 4 + 1)
            .unwrap();
    }
    folder
}

fn answer(format: &str) -> String {
    let folder = shop();
    let arguments = ["plan", &folder.path().to_string_lossy(), "--format", format].map(str::to_owned);
    let mut out = Vec::new();
    cli::run(&arguments, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_reference_of_two_columns_is_found_whole() {
    let plan: serde_json::Value = serde_json::from_str(&answer("json")).unwrap();
    let relations = plan["relations"].as_array().unwrap();
    let whole = relations.iter().find(|relation| relation["from"]["columns"].as_array().unwrap().len() == 2).unwrap();
    assert_eq!(whole["from"]["columns"], serde_json::json!(["l_partkey", "l_suppkey"]));
    assert_eq!(whole["to"]["columns"], serde_json::json!(["ps_partkey", "ps_suppkey"]));
}

#[test]
fn a_plan_can_be_drawn_and_read() {
    assert!(answer("mermaid").starts_with("erDiagram\n    \"lineitem\" {"));
    assert!(answer("text").contains("lineitem.l_partkey,l_suppkey -> partsupp.ps_partkey,ps_suppkey"));
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    for (arguments, named) in [
        (vec!["plam"], "`plam`"),
        (vec!["plan", "x", "--colour"], "`--colour`"),
        (vec!["plan"], "`plan`"),
        (vec!["plan", "/nowhere"], "`/nowhere`"),
    ] {
        let arguments: Vec<String> = arguments.into_iter().map(str::to_owned).collect();
        let refused = cli::run(&arguments, &mut Vec::new()).unwrap_err().to_string();
        assert!(refused.contains(named), "{refused}");
    }
}

/// The plan for orders with lines, tags and counts by country.
fn of_orders() -> Plan {
    let mut profile = Profile::default();
    for n in 0..20 {
        let line = format!(r#"{{"id":{n},"title":"Lamp {n}","quantity":2,"price":"{n}.50"}}"#);
        let counts: Vec<String> = (0..30).map(|at| format!(r#""c{}":{at}"#, n * 30 + at)).collect();
        let counts = counts.join(",");
        let order = format!(r#"{{"id":{n},"status":"open","total":"{n}.00","line_items":[{line}],"tags":["a"],"counts":{{{counts}}}}}"#);
        profile.record(order.as_bytes()).unwrap();
    }
    Plan::of_streams(vec![Stream::new("orders", profile)], &[]).unwrap()
}

#[test]
fn a_list_that_feeds_an_entity_is_told_and_drawn_by_its_path() {
    let plan = of_orders();
    let document = Document::of(&plan);
    let text = draw::text(&document);
    assert!(text.contains("entity line_item from orders.line_items[]\n"), "{text}");
    assert!(text.contains("  quantity <- orders.line_items[].quantity  "), "{text}");
    let drawn = draw::mermaid(&document);
    assert!(drawn.contains(r#""line_item" ||--o{ "orders__line_items" : "feeds""#), "{drawn}");
    assert!(drawn.contains(r#""orders" ||--o{ "orders__line_items" : "line_items""#), "{drawn}");
    let shown = json::plan(&plan);
    let entity = shown["entities"].as_array().unwrap().iter().find(|entity| entity["name"] == "line_item").unwrap();
    assert_eq!(entity["streams"], serde_json::json!(["orders.line_items[]"]));
    let source = &entity["fields"].as_array().unwrap().iter().find(|field| field["name"] == "quantity").unwrap()["sources"][0];
    assert_eq!((&source["stream"], &source["path"]), (&"orders".into(), &"line_items[].quantity".into()));
}

#[test]
fn what_breaks_in_a_list_lets_the_list_wait_alone() {
    let before = Document::of(&of_orders());
    let mut after = before.clone();
    let lines = after.tables.iter_mut().find(|table| table.path == "line_items").unwrap();
    lines.columns.iter_mut().find(|column| column.path == "line_items[].quantity").unwrap().kind = "text".to_owned();
    let found = diff(&before, &after);
    assert_eq!(
        found.iter().map(|one| (one.breaking, one.streams.as_slice())).collect::<Vec<_>>(),
        [(true, ["orders.line_items[]".to_owned()].as_slice())]
    );
    let drop = |path: &str| Edit::DropMapping {
        entity: "line_item".to_owned(),
        field: "quantity".to_owned(),
        stream: "orders".to_owned(),
        path: path.to_owned(),
    };
    let dropped = before.edited(&[drop("line_items[].quantity")]).unwrap();
    assert_eq!(diff(&before, &dropped)[0].streams, ["orders.line_items[]"]);
    assert_eq!(before.edited(&[drop("quantity")]).unwrap_err().to_string(), "`orders.quantity` does not feed `quantity`");
}

#[test]
fn what_is_in_a_map_or_is_no_object_cannot_be_made_to_feed_a_field() {
    let document = Document::of(&of_orders());
    let paths: Vec<&str> = document.tables.iter().flat_map(|table| &table.columns).map(|column| column.path.as_str()).collect();
    let force = |path: &str| Edit::ForceMapping {
        entity: "line_item".to_owned(),
        field: "sku".to_owned(),
        stream: "orders".to_owned(),
        path: path.to_owned(),
    };
    for (path, why) in [("tags[]", "a list of plain values"), ("counts{}", "in a map, whose keys are data")] {
        assert!(paths.contains(&path), "{paths:?}");
        let refused = document.edited(&[force(path)]).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("`{path}` of `orders` is {why}")), "{refused}");
    }
    let forced = document.edited(&[force("id")]).unwrap();
    let entity = forced.entities.iter().find(|entity| entity.name == "line_item").unwrap();
    assert_eq!(entity.streams, ["orders.line_items[]", "orders"]);
}
