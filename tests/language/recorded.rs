//! `connectors new`, `lint` and `test` as somebody uses them who makes a connector.

use std::{
    path::Path,
    process::{Command, Output},
};

fn connectors(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_syncline")).arg("connectors").args(arguments).current_dir(folder).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn catalog() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/connectors/catalog"))
}

#[test]
fn the_sandbox_connectors_read_what_was_recorded_of_them() {
    for name in ["sandbox-crm", "sandbox-payments", "sandbox-shop"] {
        let said = connectors(&["test", name], catalog());
        assert!(said.status.success(), "{}", text(&said));
    }
}

#[test]
fn a_record_that_differs_from_the_recorded_one_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("recorded")).unwrap();
    for file in ["connector.yaml", "manifest.yaml", "recorded/first.json"] {
        let text = std::fs::read_to_string(catalog().join("sandbox-shop").join(file)).unwrap();
        std::fs::write(folder.path().join(file), text.replacen("\"first_name\"", "\"given_name\"", 1)).unwrap();
    }
    let said = connectors(&["test", "."], folder.path());
    assert!(!said.status.success());
    assert!(text(&said).contains("`customers`: record 1 differs"), "{}", text(&said));
}

#[test]
fn a_new_connector_passes_lint_and_test() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["new", "my-app"], ["lint", "my-app"], ["test", "my-app"]] {
        let said = connectors(&arguments, folder.path());
        assert!(said.status.success(), "{arguments:?}: {}", text(&said));
    }
}
