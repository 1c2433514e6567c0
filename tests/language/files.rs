//! Files that records speak of: where they lie in the end, and where they must not.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    api::{Api, attached::LARGE_MIB},
    run::{Files, Said},
};

/// Reads one stream whose records speak of files, and more of the requester that fetches them.
fn read(path: &str, more: &str, check: impl FnOnce(&Said, &Path)) {
    let manifest = format!(
        "version: 7.0.0
type: DeclarativeSource
check: {{type: CheckStream, stream_names: [attached]}}
spec: {{type: Spec, connection_specification: {{type: object}}}}
streams:
  - type: DeclarativeStream
    name: attached
    primary_key: [id]
    schema_loader: {{type: InlineSchemaLoader, schema: {{type: object}}}}
    retriever: {{type: SimpleRetriever, requester: {{type: HttpRequester, url_base: \"{{{{ config['base_url'] }}}}\", path: {path}}}, record_selector: {{type: RecordSelector, extractor: {{type: DpathExtractor, field_path: [data]}}}}}}
    file_uploader:
      type: FileUploader
      requester: {{type: HttpRequester, url_base: \"{{{{ download_target }}}}\"{more}}}
      download_target_extractor: {{type: DpathExtractor, field_path: [url]}}
      filename_extractor: \"{{{{ record.file_name }}}}\"
"
    );
    let api = Api::start();
    let files = Files::new(&manifest, &json!({"base_url": api.url}), &["attached".to_owned()], None, false);
    let said = files.read(Path::new(env!("CARGO_BIN_EXE_syncline")));
    check(&said, &files.staging());
}

/// The paths of the files that records came with.
fn paths(said: &Said) -> Vec<String> {
    let files = said.files.get("attached").into_iter().flatten();
    files.map(|file| serde_json::from_str::<Value>(file).unwrap()["source_file_relative_path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_record_says_where_its_file_lies() {
    read("attachments", "", |said, staging| {
        assert!(said.success, "{:?}", said.messages);
        assert_eq!(paths(said), ["attached/a b.txt", "attached/c/d.bin", "attached/last"]);
        let second: Value = serde_json::from_str(&said.files["attached"][1]).unwrap();
        assert_eq!(second["staging_file_url"], staging.join("attached/c/d.bin").to_str().unwrap());
        assert_eq!(second["file_size_bytes"], "what lies in 2".len());
        assert_eq!(std::fs::read_to_string(staging.join("attached/c/d.bin")).unwrap(), "what lies in 2");
    });
}

#[test]
fn no_file_is_written_outside_its_folder() {
    read("attachments.out", "", |said, staging| {
        assert!(!said.success);
        assert!(said.messages["attached"].contains("leads out of the folder"), "{:?}", said.messages);
        assert_eq!((paths(said), said.count("attached")), (vec!["attached/a b.txt".to_owned()], 1));
        assert!(!staging.join("../escaped").exists());
    });
}

#[test]
fn a_file_that_the_manifest_leaves_out_leaves_its_record() {
    let ignored =
        ", error_handler: {type: DefaultErrorHandler, response_filters: [{type: HttpResponseFilter, http_codes: [404], action: IGNORE}]}";
    read("attachments.gone", ignored, |said, staging| {
        assert!(said.success, "{:?}", said.messages);
        assert_eq!((paths(said), said.count("attached")), (vec!["attached/a b.txt".to_owned(), "attached/last".to_owned()], 3));
        assert!(!staging.join("attached/gone").exists());
    });
}

#[test]
fn a_file_larger_than_an_answer_may_be_is_not_kept_in_memory() {
    read("attachments.large", "", |said, staging| {
        assert!(said.success, "{:?}", said.messages);
        assert_eq!(std::fs::metadata(staging.join("attached/large")).unwrap().len(), (LARGE_MIB << 20) as u64);
        assert!(said.memory_kb < (LARGE_MIB << 10) as u64, "it took {} KiB of memory", said.memory_kb);
    });
}
