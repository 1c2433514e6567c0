#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::*;
use crate::organize::profile::Profile;

fn stream(records: &[String]) -> Stream {
    let mut profile = Profile::untyped();
    for record in records {
        profile.record(record.as_bytes()).unwrap();
    }
    Stream::new("file", profile)
}

fn pairs(a: &[String], b: &[String]) -> Vec<String> {
    let mut found: Vec<String> = streams(&stream(a), &stream(b)).unwrap().iter().map(|pair| format!("{}={}", pair.a, pair.b)).collect();
    found.sort();
    found
}

#[test]
fn abbreviated_names_and_half_shared_values_are_one_column() {
    let a: Vec<String> =
        (0..60).map(|n| format!("{{\"customer_id\":\"C{n:03}\",\"postal_code\":\"{}\",\"city\":\"Town {n}\"}}", 10_000 + n * 37)).collect();
    let b: Vec<String> = (30..90).map(|n| format!("{{\"POSCO\":\"{}\",\"cstmr_d\":\"C{n:03}\"}}", 10_000 + n * 37)).collect();
    assert_eq!(pairs(&a, &b), ["customer_id=cstmr_d", "postal_code=POSCO"]);
}

#[test]
fn names_of_one_concept_match_without_a_common_value() {
    let a = vec!["{\"FirstName\":\"Ann\",\"Phone\":\"+1 555 0101\"}".to_owned()];
    let b = vec!["{\"given_name\":\"Bob\",\"shoe_size\":\"44\"}".to_owned()];
    assert_eq!(pairs(&a, &b), ["FirstName=given_name"]);
}

#[test]
fn columns_with_nothing_in_common_have_no_partner() {
    let a = vec!["{\"celsius\":\"21.5\"}".to_owned()];
    let b = vec!["{\"iban\":\"DE02120300000000202051\"}".to_owned()];
    assert!(pairs(&a, &b).is_empty());
}

#[test]
fn names_are_abbreviated_in_many_ways() {
    let words = |name: &str| words::tokens(name);
    for (short, long) in
        [("POSCO", "postal_code"), ("CUI", "customer_id"), ("dscrptn", "description"), ("rls_r", "release_year"), ("dept", "department")]
    {
        assert!(names::likeness(&words(short), &words(long)) > 0.6, "{short} {long}");
    }
    assert!(names::likeness(&words("color"), &words("postal_code")) < 0.4);
}

#[test]
fn the_letter_before_all_columns_of_a_table_counts_where_a_name_is_short_for_all_words() {
    let words = |name: &str| words::tokens(name);
    assert!(names::shortened(Some(&words("c_custkey")), &words("CC")) > 0.6);
    assert!(names::shortened(Some(&words("c_custkey")), &words("CA")) < 0.1);
    assert!(names::shortened(None, &words("CC")) < 0.1);
}

proptest! {
    #[test]
    fn the_assignment_is_the_best_of_all(scores in prop::collection::vec(prop::collection::vec(0.0_f64..1.0, 4), 1..4)) {
        let sum: f64 = assignment::best(&scores).iter().map(|(row, column)| scores[*row][*column]).sum();
        prop_assert!((sum - exhaustive(&scores, 0, &mut [false; 4])).abs() < 1e-9);
    }
}

fn exhaustive(scores: &[Vec<f64>], row: usize, used: &mut [bool; 4]) -> f64 {
    if row == scores.len() {
        return 0.0;
    }
    let mut best = 0.0_f64;
    for column in 0..4 {
        if !used[column] {
            used[column] = true;
            best = best.max(scores[row][column] + exhaustive(scores, row + 1, used));
            used[column] = false;
        }
    }
    best
}
