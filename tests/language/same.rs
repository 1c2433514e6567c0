//! Each manifest of `cases` by both runtimes. `NAME.json` beside it holds the settings, the state to begin with, the streams.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

use crate::{api::Api, run::Files};

/// The reference runtime's program, made if it is not there.
fn reference() -> PathBuf {
    let made = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/cdk.sh")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    PathBuf::from(String::from_utf8(made.stdout).unwrap().trim())
}

/// Reads a case by both, and says what differs.
fn differences(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/cases");
    let manifest = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
    let case: Value = serde_json::from_str(&std::fs::read_to_string(folder.join(format!("{name}.json"))).unwrap()).unwrap();
    let api = Api::start();
    let mut config = case["config"].clone();
    if config.is_null() {
        config = json!({});
    }
    config["base_url"] = json!(api.url);
    let streams: Vec<String> = serde_json::from_value(case["streams"].clone()).unwrap();
    let files = Files::new(&manifest, &config, &streams, case.get("state"), case["incremental"] != json!(false));
    let files = files.configured(case.get("schemas"), case.get("cursors"));
    let theirs = files.read(&reference());
    let their_requests = api.take_requests();
    let ours = files.read(Path::new(env!("CARGO_BIN_EXE_syncline")));
    let our_requests = api.take_requests();
    let mut report = String::new();
    assert!(!theirs.statuses.is_empty(), "the reference could not read `{name}`:\n{}\n{:?}", theirs.errors, theirs.messages);
    for stream in &streams {
        let (none, one, other) = (Vec::new(), theirs.records.get(stream), ours.records.get(stream));
        compare(&mut report, &format!("records of `{stream}`"), one.unwrap_or(&none), other.unwrap_or(&none));
        compare(
            &mut report,
            &format!("files of `{stream}`"),
            theirs.files.get(stream).unwrap_or(&none),
            ours.files.get(stream).unwrap_or(&none),
        );
        let (one, other) = (theirs.states.get(stream), ours.states.get(stream));
        if one != other {
            writeln!(report, "state of `{stream}`:\n  reference {}\n  ours      {}", shown(one), shown(other)).unwrap();
        }
        let (one, other) = (theirs.statuses.get(stream), ours.statuses.get(stream));
        if one != other {
            writeln!(report, "status of `{stream}`: reference {one:?}, ours {other:?} {:?}", ours.messages.get(stream)).unwrap();
        }
        let (one, other) = (theirs.failures.get(stream), ours.failures.get(stream));
        if one != other {
            writeln!(
                report,
                "failures of `{stream}`: reference {one:?} {:?}, ours {other:?} {:?}",
                theirs.messages.get(stream),
                ours.messages.get(stream)
            )
            .unwrap();
        }
    }
    compare(&mut report, "requests", &their_requests, &our_requests);
    if theirs.success != ours.success {
        writeln!(report, "success: reference {}, ours {}\n{}", theirs.success, ours.success, ours.errors).unwrap();
    }
    report
}

fn shown(state: Option<&Value>) -> String {
    state.map(ToString::to_string).unwrap_or_default()
}

/// Compares two lists without regard to their order.
fn compare(report: &mut String, what: &str, theirs: &[String], ours: &[String]) {
    let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
    theirs.iter().for_each(|item| *counts.entry(item).or_default() += 1);
    ours.iter().for_each(|item| *counts.entry(item).or_default() -= 1);
    counts.retain(|_, count| *count != 0);
    if counts.is_empty() {
        return;
    }
    writeln!(report, "{what}: reference {}, ours {}", theirs.len(), ours.len()).unwrap();
    for (side, sign) in [("reference", 1), ("ours     ", -1)] {
        for (item, count) in counts.iter().filter(|(_, count)| count.signum() == sign).take(4) {
            writeln!(report, "  only {side} ({}x) {item}", count.abs()).unwrap();
        }
    }
}

fn same(name: &str) {
    let report = differences(name);
    assert!(report.is_empty(), "`{name}` differs from the reference:\n{report}");
}

#[test]
fn every_pagination_asks_and_ends_as_the_reference_does() {
    same("paginations");
}

#[test]
fn every_cursor_makes_the_same_windows_and_states() {
    same("cursors");
}

#[test]
fn streams_in_partitions_keep_the_same_states() {
    same("partitions");
}

#[test]
fn partitions_go_on_from_a_state_as_the_reference_does() {
    same("partitions_again");
}

#[test]
fn requests_are_written_as_the_reference_writes_them() {
    same("requests");
}

#[test]
fn records_are_filtered_and_changed_alike() {
    same("records");
}

#[test]
fn errors_are_judged_alike() {
    same("errors");
}

#[test]
fn every_encoding_is_decoded_alike() {
    same("decoders");
}

#[test]
fn streams_made_from_templates_conditions_states_and_jobs_are_the_same() {
    same("dynamic");
}

#[test]
fn files_are_fetched_and_named_as_the_reference_does() {
    same("files");
}

/// A stream behind a `spec` that wants a number, and a rule that makes one of what older settings had.
const WANTS_A_NUMBER: &str = r#"
version: 6.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [things]}
streams:
  - type: DeclarativeStream
    name: things
    retriever:
      type: SimpleRetriever
      requester: {type: HttpRequester, url_base: "{{ config['base_url'] }}", path: tables/a/rows}
      record_selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
    schema_loader: {type: InlineSchemaLoader, schema: {type: object}}
spec:
  type: Spec
  connection_specification:
    type: object
    required: [days]
    properties: {days: {type: integer}, since: {type: string, format: date}}
  config_normalization_rules:
    type: ConfigNormalizationRules
    transformations:
      - {type: ConfigAddFields, condition: "{{ config.get('weeks') }}", fields: [{type: AddedFieldDefinition, path: [days], value: "{{ config.get('weeks', 0) * 7 }}", value_type: integer}]}
"#;

#[test]
fn settings_that_the_spec_does_not_want_are_read_by_neither() {
    let program = Path::new(env!("CARGO_BIN_EXE_syncline"));
    let api = Api::start();
    let read = |settings: Value, program: &Path| {
        let mut settings = settings;
        settings["base_url"] = json!(api.url);
        let said = Files::new(WANTS_A_NUMBER, &settings, &["things".to_owned()], None, false).read(program);
        (said.success, said.statuses, said.failures, api.take_requests().len())
    };
    for settings in [json!({}), json!({"days": "7"}), json!({"days": 7, "since": "now", "more": 1}), json!({"weeks": 1})] {
        let fits = settings.get("weeks").is_some() || settings["days"] == json!(7);
        let (theirs, ours) = (read(settings.clone(), &reference()), read(settings.clone(), program));
        assert_eq!((ours.0, &ours.1, ours.3), (theirs.0, &theirs.1, theirs.3), "{settings}");
        assert_eq!((ours.0, ours.3 > 0), (fits, fits), "{settings}");
        if !fits {
            assert_eq!((&ours.2, &theirs.2[""]), (&theirs.2, &vec!["config_error".to_owned()]), "{settings}");
        }
    }
}

#[test]
fn there_is_a_test_for_every_case() {
    let source = include_str!("same.rs");
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/cases")).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap();
        assert!(source.contains(&format!("same(\"{name}\")")), "no test runs `{name}`");
    }
}
