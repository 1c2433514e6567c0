//! Looks at the crate's own source: a query that forgets the tenant does not exist.

use std::path::{Path, PathBuf};

// What begins a query, and where it may: `entity/mod.rs` begins each with its tenant, `doors/` are the installation-wide ones.
const BEGINNINGS: [&str; 9] = [
    "::find()",
    "find_by_id(",
    "find_with_related(",
    "update_many()",
    "delete_many()",
    "delete_by_id(",
    "::delete(",
    "::update(",
    "query_one",
];
const RAW: [&str; 4] = ["execute_unprepared(", "Statement::from", "execute_raw(", "query_all_raw("];
// Its two statements, which lock, are about no rows.
const RAW_IN: [&str; 2] = ["store.rs", "doors/audit.rs"];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

fn offences(words: &[&str], is_allowed: impl Fn(&str) -> bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    for path in sources(&root) {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines = text.lines().filter(|line| !is_allowed(&name) && words.iter().any(|word| line.contains(word)));
        found.extend(lines.map(|line| format!("{name}: {}", line.trim())));
    }
    found
}

#[test]
fn no_query_begins_outside_the_scoped_entities_and_the_named_doors() {
    let found = offences(&BEGINNINGS, |name| name == "entity/mod.rs" || name.starts_with("doors/"));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn no_statement_is_written_by_hand_except_for_two_locks() {
    let found = offences(&RAW, |name| RAW_IN.contains(&name));
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_table_with_a_tenant_begins_with_it_or_belongs_to_a_named_door() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/entity");
    let scoped = std::fs::read_to_string(root.join("mod.rs")).unwrap();
    let scoped = scoped.lines().find(|line| line.starts_with("tenanted!(")).unwrap().to_owned();
    for path in sources(&root) {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let has_tenant = std::fs::read_to_string(&path).unwrap().contains("tenant: String");
        let is_scoped = scoped.split(['(', ',', ' ', ')']).any(|word| word == name);
        assert_eq!(has_tenant && name != "mod", is_scoped, "{name}");
    }
}
