#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::personal::{Personal, is_card, is_iban};
use super::*;
use crate::organize::profile::Profile;

fn plan(streams: &[(&str, &[&str])]) -> Plan {
    let streams = streams.iter().map(|(name, lines)| {
        let mut profile = Profile::default();
        for line in *lines {
            profile.record(line.as_bytes()).unwrap();
        }
        Stream::new(name, profile)
    });
    Plan::of_streams(streams.collect(), &[]).unwrap()
}

fn field<'a>(quality: &'a Quality, path: &str) -> &'a FieldQuality {
    quality.tables[0].fields.iter().find(|field| field.path == path).unwrap()
}

#[test]
fn shares_say_what_is_missing_wrong_and_repeated() {
    let lines = [
        r#"{"id":1,"email":"a@example.org","seen":"2024-01-05T10:00:00Z","plan":"x"}"#,
        r#"{"id":2,"email":"b@example.org","seen":"2024-03-01T10:00:00Z","plan":"x"}"#,
        r#"{"id":3,"email":"c@example.org","seen":"2023-12-31T10:00:00Z","plan":"y"}"#,
        r#"{"id":4,"email":"not an address","plan":"y"}"#,
        r#"{"id":5,"email":"e@example.org","plan":null}"#,
    ];
    let quality = Quality::of(&plan(&[("members", &lines)]));
    let (email, seen, plan) = (field(&quality, "email"), field(&quality, "seen"), field(&quality, "plan"));
    assert!((email.validity - 0.8).abs() < 1e-9 && (email.uniqueness - 1.0).abs() < 1e-9);
    assert!((seen.completeness - 0.6).abs() < 1e-9 && (plan.uniqueness - 0.5).abs() < 1e-9);
    assert_eq!(quality.tables[0].newest.as_deref(), Some("2024-03-01T10:00:00Z"));
    assert_eq!(email.personal, Some(Personal::Email));
}

#[test]
fn personal_data_is_tagged_by_its_values_and_by_its_names() {
    let lines: Vec<String> = ["4111 1111 1111 1111", "5500-0000-0000-0004", "340000000000009"]
        .iter()
        .enumerate()
        .map(|(n, card)| format!(r#"{{"n":{n},"number":"{card}","account":"DE89370400440532013000","first_name":"Ann","zip":"0{n}123","from":"10.0.0.{n}","product_id":"p{n}","note":"write to ann{n}@example.org soon"}}"#))
        .collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let quality = Quality::of(&plan(&[("things", &lines)]));
    let tags = [
        ("number", Personal::Card),
        ("account", Personal::BankAccount),
        ("first_name", Personal::Name),
        ("zip", Personal::Address),
        ("from", Personal::NetworkAddress),
        ("note", Personal::Mentions),
    ];
    for (path, tag) in tags {
        assert_eq!(field(&quality, path).personal, Some(tag), "{path}");
    }
    assert_eq!(field(&quality, "product_id").personal, None);
}

#[test]
fn a_number_with_one_wrong_digit_is_neither_card_nor_account() {
    assert!(is_card("4111111111111111") && !is_card("4111111111111112") && !is_card("0000000000000000"));
    assert!(is_iban("GB82 WEST 1234 5698 7654 32") && !is_iban("GB82WEST12345698765433"));
}

#[test]
fn a_masked_sample_shows_shapes_and_no_person() {
    let lines = [r#"{"id":1,"email":"ann@example.org","note":"call Bo at bo@example.org or 0123456789","state":"open"}"#];
    let made = plan(&[("tickets", &lines)]);
    let shown = mask::sample(&made.streams[0]).to_string();
    assert!(shown.contains("xxx@xxxxxxx.xxx") && shown.contains("open") && shown.contains("call"), "{shown}");
    assert!(!shown.contains("ann@") && !shown.contains("bo@") && !shown.contains("0123456789"), "{shown}");
}

#[test]
fn the_kind_of_business_comes_with_its_evidence_and_nothing_is_said_without() {
    let orders = [r#"{"id":1,"order_number":1,"fulfillment_status":"done"}"#];
    let products = [r#"{"id":1,"sku":"A-1","barcode":"1","title":"t"}"#];
    let quality = Quality::of(&plan(&[("orders", &orders), ("products", &products)]));
    assert_eq!(quality.business[0].model, "online shop");
    assert!(quality.business[0].evidence.iter().any(|why| why.contains("orders")), "{:?}", quality.business);
    assert!(Quality::of(&plan(&[("blobs", &[r#"{"a":1}"#])])).business.is_empty());
}
