#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::organize::profile::Profile;

fn stream(name: &str, record: &str) -> Stream {
    let mut profile = Profile::default();
    profile.record(record.as_bytes()).unwrap();
    Stream::new(name, profile)
}

fn fields(entities: &[Entity], entity: &str) -> Vec<String> {
    let found = entities.iter().find(|one| one.name == entity).unwrap_or_else(|| panic!("no {entity}"));
    let mut fields: Vec<String> =
        found.fields.iter().flat_map(|field| field.sources.iter().map(move |source| format!("{}={}", field.name, source.path))).collect();
    fields.sort();
    fields
}

#[test]
fn the_shipped_concepts_are_read() {
    let library = Library::shipped().unwrap();
    assert!(library.entities.len() >= 14);
}

#[test]
fn people_are_found_under_whatever_name_they_go() {
    let contacts = stream(
        "crm_contacts",
        "{\"Id\":\"1\",\"FirstName\":\"Ann\",\"Email\":\"ann@example.org\",\"MailingCity\":\"Bonn\",\"Color\":\"red\"}",
    );
    assert_eq!(fields(&find(&[contacts], &[]).unwrap(), "customer"), ["city=MailingCity", "email=Email", "first_name=FirstName"]);
}

#[test]
fn a_field_of_another_thing_inside_the_record_is_not_the_records_own() {
    let orders = stream("customers", "{\"first_name\":\"Ann\",\"shop\":{\"email\":\"shop@example.org\"}}");
    assert_eq!(fields(&find(&[orders], &[]).unwrap(), "customer"), ["first_name=first_name"]);
}

#[test]
fn values_must_be_what_the_concept_holds() {
    let odd = stream("users", "{\"email\":\"never\",\"phone\":true,\"city\":\"Bonn\"}");
    assert_eq!(fields(&find(&[odd], &[]).unwrap(), "customer"), ["city=city"]);
}

#[test]
fn a_library_can_be_extended_with_words_and_fields() {
    let mut library = Library::shipped().unwrap();
    let more =
        r#"{"entities":[{"name":"customer","words":["gast"],"fields":[{"name":"room","core":true,"names":["zimmer"],"holds":["code"]}]}]}"#;
    library.extend("more.json", more).unwrap();
    let guests = stream("gast", "{\"zimmer\":\"12a\"}");
    assert_eq!(fields(&find_with(&[guests], &library), "customer"), ["room=zimmer"]);
    assert!(library.extend("bad.json", "{\"entitys\":[]}").is_err());
}

#[test]
fn a_stream_that_is_like_nothing_we_know_stays_alone() {
    assert!(find(&[stream("sensor_readings", "{\"celsius\":21.5}")], &[]).unwrap().is_empty());
}
