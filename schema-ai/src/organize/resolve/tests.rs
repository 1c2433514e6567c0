#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;

use super::records::Records;
use super::*;

/// A name of some syllables that only this seed has.
fn name(seed: usize, syllables: usize) -> String {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = |of: &'static [u8]| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        char::from(of[(state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % of.len()])
    };
    (0..syllables).flat_map(|_| [next(b"bcdfghjklmnprstvwz"), next(b"aeiou")]).collect()
}

/// Rows of 180 people, each once, followed by copies of the first forty with a slip in the last name.
pub(crate) fn people() -> Vec<(String, Vec<Option<String>>)> {
    let person = |n: usize| -> Vec<Option<String>> {
        let (given, surname) = (name(n % 90, 2), name(1_000 + n / 2, 4));
        let (year, month, day) = (1930 + n * 7919 % 61, n * 31 % 12 + 1, n * 101 % 28 + 1);
        let born = format!("{year}-{month:02}-{day:02}");
        let email = format!("{given}.{surname}@example.org");
        vec![Some(given), Some(surname), Some(born), Some(email)]
    };
    let mut rows: Vec<(String, Vec<Option<String>>)> = (0..180).map(|n| (format!("p{n}"), person(n))).collect();
    for n in 0..40 {
        let mut copy = person(n);
        let slip = copy[1].as_deref().map(|name| format!("{}x{}", &name[..2], &name[2..]));
        copy[1] = slip;
        copy[n % 2 * 3] = None;
        rows.push((format!("c{n}"), copy));
    }
    rows
}

fn records(rows: &[(String, Vec<Option<String>>)], second: Option<usize>) -> Records {
    let cells: Vec<Vec<Option<&str>>> = rows.iter().map(|(_, row)| row.iter().map(Option::as_deref).collect()).collect();
    let rows: Vec<(&str, &[Option<&str>])> = rows.iter().zip(&cells).map(|((id, _), row)| (id.as_str(), row.as_slice())).collect();
    Records::of(&["first_name", "last_name", "date_of_birth", "email"], &rows, second)
}

#[test]
fn copies_with_slips_and_gaps_find_their_originals_and_nobody_else() {
    let found = resolve(&records(&people(), None));
    let right = found.clusters.iter().filter(|cluster| cluster.len() == 2 && cluster[0].1[1..] == cluster[1].1[1..]).count();
    assert!(right >= 34, "{right} {:?}", found.clusters);
    assert!(found.clusters.len() <= right + 3, "{:?}", found.clusters);
    assert!(found.edges.iter().all(|edge| edge.confidence > 0.5 && !edge.why.is_empty()));
}

#[test]
fn linking_gives_each_record_one_partner() {
    let found = resolve(&records(&people(), Some(180)));
    assert!(found.clusters.iter().all(|cluster| cluster.len() == 2 && cluster[0].0 != cluster[1].0));
    assert!(found.clusters.len() >= 36, "{}", found.clusters.len());
}

#[test]
fn mail_addresses_that_reach_one_mailbox_are_one() {
    assert_eq!(normal::email("Ann.Lee+shop@GoogleMail.com"), normal::email("annlee@gmail.com"));
    assert_ne!(normal::email("ann.lee@example.org"), normal::email("annlee@example.org"));
    assert_eq!(normal::email("nobody"), None);
}

#[test]
fn telephone_numbers_are_one_with_and_without_their_country() {
    let same = |a: &str, b: &str| phone::read(a).unwrap().1 == phone::read(b).unwrap().1;
    assert!(same("+1 (393) 963-8665", "393-963-8665") && same("1 393 963 8665 x12", "+13939638665"));
    assert!(same("+44 (0)20 7946 0958", "020 7946 0958") && same("0047 21 93 40 00", "21934000"));
    assert_eq!(phone::read("+491511234567").unwrap().0, Some("49"));
    assert_eq!(phone::read("12"), None);
}

#[test]
fn letters_lose_their_marks_and_codes_stay_whole() {
    assert_eq!(normal::fold("Großenhain, ÉTÉ  O'Neil"), "grossenhain ete oneil");
    assert_eq!(normal::tokens("Sony PS-LX350H wide-range"), ["sony", "pslx350h", "wide", "range"]);
    assert!(normal::is_code("pslx350h") && !normal::is_code("speaker"));
}

#[test]
fn nicknames_stand_for_names() {
    assert!(nicknames::alike("bob", "robert") && nicknames::alike("liz", "beth"));
    assert!(!nicknames::alike("bob", "william"));
    assert!(nicknames::is_company_suffix("gmbh"));
}

proptest! {
    #[test]
    fn weights_always_become_a_probability(bits in -1e9_f64..1e9) {
        let likely = weights::probability(bits);
        prop_assert!((0.0..=1.0).contains(&likely));
    }

    #[test]
    fn folding_twice_is_folding_once(text in "\\PC{0,40}") {
        let once = normal::fold(&text);
        prop_assert_eq!(normal::fold(&once), once);
    }
}
