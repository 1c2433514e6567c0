#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::format::{Format, classify, digits};
use super::json::Reader;
use super::kinds::{Kind, Kinds};
use super::*;

const KINDS: [Kind; 7] = [Kind::Null, Kind::Bool, Kind::Integer, Kind::Decimal, Kind::Text, Kind::Object, Kind::List];

fn kinds(seeds: &[usize]) -> Kinds {
    seeds.iter().fold(Kinds::default(), |kinds, seed| kinds.with(KINDS[seed % KINDS.len()]))
}

fn profile(records: &[String]) -> Profile {
    let mut profile = Profile::default();
    for record in records {
        let _ = profile.record(record.as_bytes());
    }
    profile
}

/// Everything countable below a node, with keys in order.
fn picture(profile: &Profile, at: NodeId) -> String {
    let node = profile.node(at);
    let stats = &node.stats;
    let mut hashes: Vec<(u64, u32)> = stats.sketch.entries().map(|(hash, entry)| (hash, entry.count)).collect();
    hashes.sort_unstable();
    let mut text = format!("{:?}{:?}{:?}{}{}{:?}", node.step, stats.kinds, stats.formats, stats.seen, stats.nulls, hashes);
    let mut children: Vec<String> =
        node.children.iter().chain(&node.element).chain(&node.rest).map(|child| picture(profile, *child)).collect();
    children.sort();
    text.push_str(&children.join(";"));
    text
}

fn record() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|truth| truth.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?[1-9][0-9]{0,5}\\.[0-9]{1,4}",
        "\"[a-z0-9 @.:-]{0,12}\"",
    ];
    let value = scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|list| format!("[{}]", list.join(","))),
            prop::collection::btree_map("[a-d]{1,2}", inner, 0..4).prop_map(|map| format!(
                "{{{}}}",
                map.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect::<Vec<_>>().join(",")
            )),
        ]
    });
    prop::collection::btree_map("[a-e]", value, 0..5)
        .prop_map(|map| format!("{{{}}}", map.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect::<Vec<_>>().join(",")))
}

proptest! {
    #[test]
    fn joining_kinds_is_commutative_idempotent_and_associative(a in prop::collection::vec(0_usize..7, 0..6), b in prop::collection::vec(0_usize..7, 0..6), c in prop::collection::vec(0_usize..7, 0..6)) {
        let (a, b, c) = (kinds(&a), kinds(&b), kinds(&c));
        prop_assert_eq!(a.join(b), b.join(a));
        prop_assert_eq!(a.join(a), a);
        prop_assert_eq!(a.join(b).join(c), a.join(b.join(c)));
    }

    #[test]
    fn two_halves_merge_into_the_profile_of_the_whole(records in prop::collection::vec(record(), 0..20), cut in 0_usize..20) {
        let cut = cut.min(records.len());
        let mut merged = profile(&records[..cut]);
        merged.merge(&profile(&records[cut..]));
        let whole = profile(&records);
        prop_assert_eq!(merged.records, whole.records);
        prop_assert_eq!(picture(&merged, 0), picture(&whole, 0));
    }

    #[test]
    fn the_walker_accepts_what_serde_json_accepts(text in "\\{\"a\":[ -~]{0,12}\\}") {
        let known = serde_json::from_str::<serde_json::Value>(&text).is_ok_and(|value| value.is_object());
        let mut one = Profile::default();
        prop_assert_eq!(one.record(text.as_bytes()).is_ok(), known, "{}", text);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn many_values_merge_into_the_same_sketch(split in 0_u64..20_000) {
        let numbers = |range: std::ops::Range<u64>| range.map(|number| format!("{{\"n\":{}}}", number % 15_000)).collect::<Vec<_>>();
        let mut merged = profile(&numbers(0..split));
        merged.merge(&profile(&numbers(split..20_000)));
        let whole = profile(&numbers(0..20_000));
        let column = |profile: &Profile| { let id = profile.root().children[0]; profile.node(id).stats.sketch.clone() };
        let (merged, whole) = (column(&merged), column(&whole));
        prop_assert_eq!(merged.distinct(), whole.distinct());
        let limit = merged.limit().min(whole.limit());
        for (hash, entry) in whole.entries().filter(|(hash, _)| *hash <= limit) {
            prop_assert!(merged.entries().any(|(other, twin)| other == hash && twin.count == entry.count));
        }
    }
}

#[test]
fn a_key_is_told_from_a_nearly_key_among_many_rows() {
    let mut profile = Profile::default();
    for number in 0..50_000 {
        profile.record(format!("{{\"id\":{number},\"nearly\":{}}}", number % 49_000).as_bytes()).unwrap();
    }
    let unique = |at: usize| profile.node(profile.root().children[at]).stats.sketch.is_unique();
    assert!(unique(0));
    assert!(!unique(1));
}

#[test]
fn the_estimate_of_many_values_is_near() {
    let mut profile = Profile::default();
    for number in 0..100_000 {
        profile.record(format!("{{\"id\":\"k{number}\"}}").as_bytes()).unwrap();
    }
    let distinct = profile.node(profile.root().children[0]).stats.sketch.distinct();
    assert!((95_000..105_000).contains(&distinct), "{distinct}");
}

#[test]
fn different_short_texts_have_different_hashes() {
    let mut seen: Vec<u64> = (0..200_000).map(|number: u32| hash::value(number.to_string().as_bytes())).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 200_000);
    assert_eq!(hash::value(b"5.0"), hash::value(b"5"));
}

#[test]
fn a_text_has_the_most_special_format_that_fits() {
    let cases = [
        ("", Format::Empty),
        ("12", Format::Integer),
        ("-3", Format::Integer),
        ("007", Format::Digits),
        ("1.50", Format::Decimal),
        ("1e9", Format::Decimal),
        ("2024-02-29", Format::Date),
        ("2023-02-29", Format::Token),
        ("0000-00-00", Format::Token),
        ("2024-01-01T10:00:00Z", Format::Instant),
        ("2024-01-01T10:00:00.123+02:00", Format::Instant),
        ("2024-01-01 10:00:00", Format::LocalTime),
        ("10:30:00", Format::Clock),
        ("00000001-0000-4000-8000-000000000000", Format::Uuid),
        ("ann@example.org", Format::Email),
        ("https://example.org/x", Format::Url),
        ("example.org", Format::Domain),
        ("+1 (555) 010-9999", Format::Phone),
        ("cus_C1YKNaibP1voKw", Format::PrefixedId),
        ("gid://shop/Customer/1", Format::PrefixedId),
        ("EUR", Format::ShortCode),
        ("true", Format::Bool),
        ("Zürich", Format::Word),
    ];
    for (text, format) in cases {
        let seen = classify(text);
        assert_eq!(seen, format, "`{text}`");
    }
}

#[test]
fn digits_are_counted_before_and_behind_the_point() {
    assert_eq!(digits("-123.4500"), (3, 2));
    assert_eq!(digits("1.5e3"), (4, 0));
    assert_eq!(digits("18446744073709551615"), (20, 0));
}

#[test]
fn a_value_deeper_than_the_limit_is_skipped_whole() {
    let deep = format!("{{\"a\":{}1{},\"b\":2}}", "[".repeat(500), "]".repeat(500));
    let mut profile = Profile::default();
    profile.record(deep.as_bytes()).unwrap();
    assert_eq!(profile.records, 1);
    assert!(profile.paths() < 100);
    assert_eq!(Reader::new(b"[1,[2]] x").unwrap().skip().unwrap(), "[1,[2]]");
}

#[test]
fn a_broken_record_is_counted_and_the_next_one_read() {
    let mut profile = Profile::default();
    for bad in ["{\"a\":1", "[1]", "{\"a\" 1}", "{\"a\":01}", "{\"a\":tru}", "{\"a\":\"x\ny\"}", "\u{7f}"] {
        assert!(profile.record(bad.as_bytes()).is_err(), "{bad}");
    }
    profile.record(b"{\"a\":1}").unwrap();
    assert_eq!((profile.records, profile.malformed), (1, 7));
}

#[test]
fn records_with_new_keys_each_stay_within_bounds() {
    let mut profile = Profile::default();
    for number in 0..30_000 {
        profile.record(format!("{{\"key_{number}\":{number}}}").as_bytes()).unwrap();
    }
    assert!(profile.paths() <= MOST_PATHS + 2);
    assert!(profile.folded > 0);
    assert_eq!(profile.records, 30_000);
}

#[test]
fn a_map_with_many_keys_is_folded_while_reading() {
    let mut profile = Profile::default();
    for number in 0..5_000 {
        profile.record(format!("{{\"by\":{{\"u{number}\":{{\"n\":1}}}}}}").as_bytes()).unwrap();
    }
    assert!(profile.paths() < 1_000, "{}", profile.paths());
    let by = profile.node(profile.root().children[0]);
    assert_eq!(profile.node(by.rest.unwrap()).stats.seen, 5_000);
    assert!((4_800..5_200).contains(&by.keys.distinct()));
}

#[test]
fn a_saved_profile_goes_on_where_it_was() {
    let mut saved = profile(&["{\"a\":1}".to_owned()]);
    let text = serde_json::to_string(&saved).unwrap();
    let mut read: Profile = serde_json::from_str(&text).unwrap();
    for profile in [&mut saved, &mut read] {
        profile.record(b"{\"a\":2}").unwrap();
    }
    assert_eq!(picture(&saved, 0), picture(&read, 0));
}
