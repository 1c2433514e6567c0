//! What a hostile source or a hopeless manifest must not do: take all memory, last for ever, or spoil the streams beside it.

use std::{fmt::Write as _, path::Path, time::Duration};

use serde_json::json;

use crate::{
    api::Api,
    run::{Files, Said},
};

/// More than one answer may be, and what the program needs beside it.
const MEMORY_KB_MAX: u64 = 400 << 10;
const TIME_MAX: Duration = Duration::from_secs(60);

const HEAD: &str = "version: 7.0.0
type: DeclarativeSource
check: {type: CheckStream, stream_names: [good]}
spec: {type: Spec, connection_specification: {type: object}}
definitions:
  requester: {type: HttpRequester, url_base: \"{{ config['base_url'] }}\"}
  selector: {type: RecordSelector, extractor: {type: DpathExtractor, field_path: [data]}}
  schema: {type: InlineSchemaLoader, schema: {type: object, properties: {}}}
streams:
";

/// One stream of `path`, with more in its retriever.
fn stream(name: &str, path: &str, more: &str) -> String {
    stream_asking(name, path, "", more)
}

/// The same with more in its requester.
fn stream_asking(name: &str, path: &str, asking: &str, more: &str) -> String {
    format!(
        "  - type: DeclarativeStream\n    name: {name}\n    primary_key: [id]\n    schema_loader: {{$ref: \"#/definitions/schema\"}}\n    retriever: {{type: SimpleRetriever, requester: {{$ref: \"#/definitions/requester\", path: \"{path}\"{asking}}}, record_selector: {{$ref: \"#/definitions/selector\"}}{more}}}\n"
    )
}

fn read(manifest: &str, streams: &[&str]) -> Said {
    let api = Api::start();
    let streams: Vec<String> = streams.iter().map(|&name| name.to_owned()).collect();
    let files = Files::new(manifest, &json!({"base_url": api.url}), &streams, None, false);
    let said = files.read(Path::new(env!("CARGO_BIN_EXE_syncline")));
    assert!(said.memory_kb < MEMORY_KB_MAX, "it took {} KiB of memory", said.memory_kb);
    assert!(said.worked < TIME_MAX, "it worked for {:?}", said.worked);
    said
}

/// The stream fails with such words, and the ones beside it are read.
fn fails(path: &str, more: &str, words: &str) {
    fails_with(&stream("bad", path, more), words);
}

/// The stream `bad` fails with such words, and the ones beside it are read.
fn fails_with(bad: &str, words: &str) {
    let manifest = format!("{HEAD}{}{bad}{}", stream("good", "items", ""), stream("after", "items", ""));
    let said = read(&manifest, &["good", "bad", "after"]);
    assert!(!said.success);
    assert_eq!(said.statuses["bad"], "INCOMPLETE");
    assert!(said.messages["bad"].contains(words), "{}", said.messages["bad"]);
    for other in ["good", "after"] {
        assert_eq!((said.statuses[other].as_str(), said.count(other)), ("COMPLETE", 10), "`{other}`");
    }
}

/// The whole manifest is refused before anything is asked.
fn refused(manifest: &str, words: &str) {
    let said = read(manifest, &["good"]);
    assert!(!said.success);
    let all = format!("{}{:?}", said.errors, said.messages);
    assert!(all.contains(words), "{all}");
}

#[test]
fn a_page_of_a_gigabyte_is_refused_before_it_is_in_memory() {
    fails("huge", "", "sent more than");
}

#[test]
fn lists_ten_thousand_deep_end_one_stream() {
    fails("deep", "", "no JSON");
}

#[test]
fn objects_ten_thousand_deep_end_one_stream() {
    fails("deep.objects", "", "no JSON");
}

#[test]
fn a_pagination_that_repeats_its_token_ends() {
    let pages = ", paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: token}, pagination_strategy: {type: CursorPagination, cursor_value: \"{{ response.next }}\"}}";
    fails("again", pages, "again and again");
}

#[test]
fn a_source_that_gives_the_same_page_whatever_it_is_asked_for_ends() {
    let pages = ", paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: page}, pagination_strategy: {type: PageIncrement}}";
    fails("again", pages, "whichever it is asked for");
}

#[test]
fn a_token_that_is_named_for_ever_ends_even_if_every_page_differs() {
    let pages = ", paginator: {type: DefaultPaginator, page_token_option: {type: RequestOption, inject_into: request_parameter, field_name: token}, pagination_strategy: {type: CursorPagination, cursor_value: \"{{ response.next }}\"}}";
    fails("differs", pages, "named the same next page");
}

#[test]
fn a_template_that_never_ends_is_cut_off() {
    fails(
        "{% for a in 'x' * 100000 %}{% for b in 'x' * 100000 %}{% for c in 'x' * 100000 %}{% endfor %}{% endfor %}{% endfor %}items",
        "",
        "template",
    );
}

#[test]
fn a_template_that_makes_an_endless_text_is_cut_off() {
    fails("{{ 'x' * 100000000000 }}", "", "template");
}

#[test]
fn something_else_than_what_the_decoder_expects_is_told() {
    fails("csv", ", decoder: {type: GzipDecoder, decoder: {type: JsonDecoder}}", "cannot be read as JSON");
}

#[test]
fn a_web_page_in_the_place_of_records_is_told() {
    fails("no.json", "", "a web page");
}

/// What fails on the way is not tried again.
const ONCE: &str = ", error_handler: {type: DefaultErrorHandler, max_retries: 0}";

#[test]
fn an_answer_that_swells_when_it_is_unpacked_is_refused_before_it_is_in_memory() {
    fails("bomb", "", "sent more than");
}

#[test]
fn an_archive_that_was_cut_off_is_told() {
    fails_with(&stream_asking("bad", "cut.gz", ONCE, ", decoder: {type: GzipDecoder, decoder: {type: JsonlDecoder}}"), "ends too early");
}

#[test]
fn a_circle_of_redirects_ends_one_stream() {
    fails("circle", "", "redirects in a circle");
}

#[test]
fn as_many_redirects_are_followed_as_the_reference_follows() {
    let said = read(&format!("{HEAD}{}", stream("good", "round", "")), &["good"]);
    assert_eq!((said.success, said.count("good")), (true, 10), "{:?}", said.messages);
}

#[test]
fn headers_of_ten_megabytes_are_refused() {
    fails_with(&stream_asking("bad", "head", ONCE, ""), "head is too large");
}

#[test]
fn an_answer_that_never_goes_on_is_given_up() {
    fails_with(&stream_asking("bad", "silent", &format!("{ONCE}, read_timeout_in_seconds: 0.3"), ""), "nothing came for 300ms");
}

#[test]
fn texts_and_lists_that_double_each_time_are_cut_off() {
    let doubled = "{type: AddFields, fields: [{path: [name], value: \"{{ record.name ~ record.name }}\"}]}, ".repeat(60);
    for changes in [doubled.as_str(), "{type: AddFields, fields: [{path: [name], value: \"{{ [[0] * 100000] * 100000 }}\"}]}"] {
        fails_with(&format!("{}    transformations: [{changes}]\n", stream("bad", "items", "")), "does not come to an end");
    }
}

#[test]
fn entities_within_entities_stay_what_they_are() {
    let xml = stream("good", "entities", ", decoder: {type: XmlDecoder}");
    let said = read(&format!("{HEAD}{xml}"), &["good"]);
    assert_eq!((said.success, said.count("good")), (true, 1), "{:?}", said.messages);
}

#[test]
fn a_manifest_of_a_hundred_thousand_lines_is_read() {
    let mut manifest = HEAD.to_owned();
    manifest.push_str(&stream("good", "items", ""));
    for number in 0..12_500 {
        write!(
            manifest,
            "  - type: DeclarativeStream\n    name: s{number}\n    primary_key: [id]\n    schema_loader:\n      $ref: \"#/definitions/schema\"\n    retriever:\n      {{type: SimpleRetriever, record_selector: {{$ref: \"#/definitions/selector\"}},\n       requester: {{$ref: \"#/definitions/requester\", path: items}}}}\n"
        )
        .unwrap();
    }
    assert!(manifest.lines().count() > 100_000);
    let said = read(&manifest, &["good", "s12499"]);
    assert!(said.success, "{}", said.errors);
    assert_eq!((said.count("good"), said.count("s12499")), (10, 10));
}

#[test]
fn references_in_a_circle_are_refused_by_name() {
    let circle =
        HEAD.replace("definitions:\n", "definitions:\n  one: {$ref: \"#/definitions/two\"}\n  two: {$ref: \"#/definitions/one\"}\n");
    refused(&format!("{circle}{}", stream("good", "items", ", paginator: {$ref: \"#/definitions/one\"}")), "definitions/");
}

#[test]
fn references_that_double_each_time_do_not_fill_the_memory() {
    let mut doubled = String::from("definitions:\n  d0: {a: 1}\n");
    for number in 1..60 {
        writeln!(doubled, "  d{number}: {{a: {{$ref: \"#/definitions/d{0}\"}}, b: {{$ref: \"#/definitions/d{0}\"}}}}", number - 1).unwrap();
    }
    let more = ", paginator: {$ref: \"#/definitions/d59\"}";
    refused(&format!("{}{}", HEAD.replace("definitions:\n", &doubled), stream("good", "items", more)), "manifest.yaml");
}

#[test]
fn a_manifest_ten_thousand_deep_is_refused() {
    refused(&format!("{HEAD}{}  - {}1{}\n", stream("good", "items", ""), "[".repeat(10_000), "]".repeat(10_000)), "recursion limit");
}
