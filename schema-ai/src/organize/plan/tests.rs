#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;

use crate::organize::cli;

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
