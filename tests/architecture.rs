//! Holds the house: who may import whom, which words may not be said where, and what the dependencies' licences allow.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A crate of ours, and those of ours that it may import. The binary may import everything.
const ARROWS: &[(&str, &[&str])] = &[
    ("syncline-model", &[]),
    ("syncline-log", &["syncline-model"]),
    ("syncline-store", &["syncline-model", "syncline-migrations"]),
    ("syncline-migrations", &[]),
    ("syncline-sdk", &["syncline-model"]),
    ("syncline-declarative", &["syncline-sdk", "syncline-model"]),
    ("syncline-sandbox", &["syncline-sdk", "syncline-model"]),
    ("syncline-runtime", &["syncline-model", "syncline-sdk"]),
    ("schema-ai", &["syncline-model"]),
    ("syncline-api", &["syncline-model", "syncline-sdk", "syncline-runtime", "syncline-store", "schema-ai"]),
];

/// Crates that only one of ours may know, so that a decision about storage stays in one place.
const OWNERS: &[(&str, &[&str])] = &[
    ("rdkafka", &["syncline-log", "syncline"]),
    ("rusqlite", &["syncline-log", "schema-ai"]),
    ("sea-orm", &["syncline-store", "syncline-migrations"]),
    ("reqwest", &["syncline-sdk"]),
    ("actix", &["syncline-runtime"]),
];

/// Vendors that the engine must not name.
const VENDORS: &[&str] = &["stripe", "shopify", "hubspot", "salesforce", "github", "slack", "jira", "notion", "zoom", "twilio", "paypal"];

fn metadata() -> serde_json::Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Each crate of ours with the names of what it depends on outside of tests.
fn ours() -> BTreeMap<String, BTreeSet<String>> {
    let metadata = metadata();
    let members: BTreeSet<&str> = metadata["workspace_members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap().iter().filter(|package| members.contains(package["id"].as_str().unwrap()));
    packages
        .map(|package| {
            let all = package["dependencies"].as_array().unwrap().iter();
            let wanted = all
                .filter(|dependency| dependency["kind"].as_str() != Some("dev"))
                .map(|dependency| dependency["name"].as_str().unwrap().to_owned());
            (package["name"].as_str().unwrap().to_owned(), wanted.collect())
        })
        .collect()
}

#[test]
fn every_crate_imports_only_what_the_house_allows() {
    let ours = ours();
    let mut wrong = Vec::new();
    for (name, dependencies) in ours.iter().filter(|(name, _)| *name != "syncline") {
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| known == name) else {
            wrong.push(format!("`{name}` has no place in the house"));
            continue;
        };
        wrong.extend(
            dependencies
                .iter()
                .filter(|other| ours.contains_key(*other) && !allowed.contains(&other.as_str()))
                .map(|other| format!("`{name}` may not import `{other}`")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_belongs_to_one_crate_is_known_to_no_other() {
    let ours = ours();
    let mut wrong = Vec::new();
    for (dependency, owners) in OWNERS {
        let users = ours.iter().filter(|(_, dependencies)| dependencies.contains(*dependency)).map(|(name, _)| name.as_str());
        wrong.extend(users.filter(|user| !owners.contains(user)).map(|user| format!("`{user}` may not know `{dependency}`")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(rust_files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            found.push(entry);
        }
    }
    found
}

#[test]
fn the_engine_names_no_vendor() {
    let engine = Path::new(env!("CARGO_MANIFEST_DIR")).join("engine");
    let mut wrong = Vec::new();
    for crate_folder in ["model", "log", "store", "runtime"] {
        for file in rust_files(&engine.join(crate_folder).join("src")) {
            if file.file_name().is_some_and(|name| name == "tests.rs") {
                continue;
            }
            let code = fs::read_to_string(&file).unwrap();
            let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
            wrong.extend(lines.flat_map(|line| {
                VENDORS
                    .iter()
                    .filter(|vendor| line.to_lowercase().contains(*vendor))
                    .map(|vendor| format!("{} names `{vendor}`", file.display()))
                    .collect::<Vec<_>>()
            }));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_has_a_licence_that_deny_toml_allows() {
    let rules: toml::Table = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deny.toml")).unwrap().parse().unwrap();
    let allowed: BTreeSet<String> =
        rules["licenses"]["allow"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    let metadata = metadata();
    let refused: Vec<String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| !package["source"].is_null())
        .filter_map(|package| {
            let expression = package["license"].as_str().unwrap_or("none stated");
            (!permits(expression, &allowed)).then(|| format!("`{}`: {expression}", package["name"].as_str().unwrap()))
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// One of the alternatives of an SPDX expression consists of allowed licences only. Parentheses around alternatives count as
/// part of every combination.
fn permits(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let plain = expression.replace('/', " OR ");
    if let (Some(open), Some(close)) = (plain.find('('), plain.find(')')) {
        let inner = &plain[open + 1..close];
        let rest = format!("{} {}", &plain[..open], &plain[close + 1..]);
        let rest = rest.replace(" AND ", " ").replace(" OR ", " ");
        return permits(inner, allowed) && rest.split_whitespace().all(|name| allowed.contains(name));
    }
    plain.split(" OR ").any(|side| side.split(" AND ").all(|name| allowed.contains(name.trim())))
}
