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

/// Sixty people, each in two systems with a mailbox and an address of their own, and more rows behind them.
fn town(more: &[[Option<&str>; 6]]) -> Records {
    let mut rows: Vec<(String, Vec<Option<String>>)> = Vec::new();
    for n in 0..120 {
        let (given, surname) = (name(n / 2, 3), name(500 + n / 2, 4));
        let mail = format!("{given}{}@{}.example", n / 2 * 7, name(900 + n / 2, 3));
        let row = [given, surname, mail, name(2_000 + n / 2, 4), format!("{:05}", 10_000 + n / 2 * 131), "shop".to_owned()];
        rows.push((format!("p{n}"), row.into_iter().map(Some).collect()));
    }
    rows.extend(more.iter().enumerate().map(|(at, row)| (format!("x{at}"), row.iter().map(|cell| cell.map(str::to_owned)).collect())));
    Records::of_rows(["first_name", "last_name", "email", "city", "zip", "company"].map(str::to_owned).to_vec(), rows)
}

fn together(found: &Resolution, a: &str, b: &str) -> bool {
    found.clusters.iter().any(|cluster| [a, b].iter().all(|id| cluster.iter().any(|(_, member)| member == id)))
}

#[test]
fn a_family_with_one_mailbox_and_one_address_stays_several_people() {
    let found = resolve(&town(&[
        [Some("Derek"), Some("Underwood"), Some("underwoods@mail.example"), Some("Wendymouth"), Some("34692"), None],
        [Some("Rhonda"), Some("Underwood"), Some("underwoods@mail.example"), Some("Wendymouth"), Some("34692"), None],
        [Some("Rhonda"), Some("Underwood"), Some("underwoods@mail.example"), None, None, None],
    ]));
    assert!(!together(&found, "x0", "x1") && !together(&found, "x0", "x2"), "{:?}", found.text());
    assert!(together(&found, "x1", "x2") && together(&found, "p0", "p1"));
}

#[test]
fn people_who_answer_one_mailbox_of_a_role_stay_several_people() {
    let found = resolve(&town(&[
        [Some("Derek"), Some("Underwood"), Some("info@mail.example"), None, None, None],
        [Some("Rhonda"), Some("Pell"), Some("info@mail.example"), None, None, None],
        [None, None, Some("info@mail.example"), None, None, None],
    ]));
    assert!(["x1", "x2"].iter().all(|other| !together(&found, "x0", other)), "{:?}", found.text());
}

#[test]
fn one_mailbox_is_enough_for_a_record_that_says_nothing_else() {
    let found = resolve(&town(&[
        [Some("Derek"), Some("Underwood"), Some("du1971@mail.example"), Some("Wendymouth"), Some("34692"), None],
        [None, None, Some("du1971@mail.example"), None, None, None],
    ]));
    assert!(together(&found, "x0", "x1"), "{:?}", found.text());
}

#[test]
fn a_number_behind_a_mailbox_makes_it_another_one() {
    let (x, y) = ("kylej63@icloud.example", "kylej67@icloud.example");
    let records = Records::of(&["email"], &[("a", &[Some(x)]), ("b", &[Some(y)]), ("c", &[Some("lena@icloud.example")])], None);
    let cells = Cells::of(&records);
    assert!(compare::pair(&cells, 0, 1)[0] < 4);
}

#[test]
fn a_full_name_beside_its_parts_is_not_counted_twice_and_is_asked_where_they_are_missing() {
    let people: Vec<(String, String)> = (0..20).map(|n| (name(n, 3), name(100 + n, 3))).collect();
    let mut rows: Vec<(String, Vec<Option<String>>)> = Vec::new();
    for (n, (given, surname)) in people.iter().enumerate() {
        let whole = Some(format!("{given} {surname}"));
        rows.push((format!("a{n}"), vec![Some(given.clone()), Some(surname.clone()), whole.clone()]));
        rows.push((format!("b{n}"), vec![None, None, whole]));
    }
    let fields = ["given_name", "family_name", "name"].map(str::to_owned).to_vec();
    let cells = Cells::of(&Records::of_rows(fields, rows));
    let kinds: Vec<fields::Kind> = cells.fields.iter().map(|field| field.kind).collect();
    assert_eq!(kinds, [fields::Kind::GivenName, fields::Kind::Surname]);
    assert_eq!(cells.columns[0][0].as_ref().unwrap().text, cells.columns[0][1].as_ref().unwrap().text);
}

#[test]
fn full_names_are_cut_where_people_cut_them() {
    let cut = |full: &str| people::split(full).map(|(given, surname)| format!("{given}|{surname}")).unwrap_or_default();
    assert_eq!(cut("Ada Lovelace"), "Ada|Lovelace");
    assert_eq!(cut("Lovelace, Ada"), "Ada|Lovelace");
    assert_eq!(cut("Dr. Ludwig van Beethoven"), "Ludwig|van Beethoven");
    assert_eq!(cut("Ana Lucia Prado"), "Ana Lucia|Prado");
    assert_eq!(cut("Cher"), "");
}

#[test]
fn the_host_of_a_mailbox_is_known_for_the_company_it_is_of() {
    let rows: [(&str, &[Option<&str>]); 3] = [
        ("a", &[Some("ann@beckrodriguez.example"), None]),
        ("b", &[None, Some("Beck-Rodriguez Ltd")]),
        ("c", &[Some("eva@other.example"), Some("Vaillant")]),
    ];
    let cells = Cells::of(&Records::of(&["email", "company"], &rows, None));
    let at = cells.fields.iter().position(|field| field.kind == fields::Kind::Employer).unwrap();
    assert_eq!(compare::pair(&cells, 0, 1)[at], 2);
    assert_eq!(compare::pair(&cells, 0, 2)[at], compare::MISSING, "two hosts are compared as addresses");
}

/// Ninety people, each three times: with the birthday off by two digits in two of them, or with another person's birthday.
fn thrice(of_another: bool) -> Records {
    let born = |n: usize| (1930 + n * 7919 % 61, n * 31 % 12 + 1, n * 101 % 28 + 1);
    let row = |at: usize| -> (String, Vec<Option<String>>) {
        let (n, copy) = (at / 3, at % 3);
        let (year, month, day) = born(if of_another { n * 3 + copy * 97 } else { n });
        let (year, month) = if of_another || copy == 0 { (year, month) } else { (year + 10 * copy, (month + copy) % 12 + 1) };
        let named = vec![Some(name(n, 2)), Some(name(1_000 + n, 4)), Some(format!("{year}-{month:02}-{day:02}")), None];
        (format!("p{n}-{copy}"), named)
    };
    records(&(0..270).map(row).collect::<Vec<_>>(), None)
}

#[test]
fn birthdays_off_by_some_digits_are_slips_and_others_are_of_namesakes() {
    let (slipped, namesakes) = (resolve(&thrice(false)), resolve(&thrice(true)));
    let whole = |found: &Resolution| found.clusters.iter().filter(|cluster| cluster.len() == 3).count();
    assert!(whole(&slipped) >= 80, "{}", whole(&slipped));
    assert!(whole(&namesakes) <= 20, "{}", whole(&namesakes));
}

/// Songs of albums in two files: four of six are in both, and what is not has others of its album there.
fn songs() -> Records {
    let text = |seed: usize, words: usize| (0..words).map(|at| name(seed * 7 + at * 31 + 3, 2)).collect::<Vec<String>>().join(" ");
    let song = |at: usize, side: &str| {
        let (album, artist) = (text(at / 6 + 1_000, 3), text(at / 12 + 9_000, 3));
        (format!("{side}{at}"), vec![Some(text(at + 100, 3)), Some(album), Some(artist)])
    };
    let first = (0..600).filter(|at| at % 6 < 5).map(|at| song(at, "a"));
    let second = (0..600).filter(|at| at % 6 > 0).map(|at| song(at, "b"));
    let mut rows: Vec<(String, Vec<Option<String>>)> = first.collect();
    let cut = rows.len();
    rows.extend(second);
    let mut records = Records::of_rows(["song", "album", "artist"].map(str::to_owned).to_vec(), rows);
    records.second = Some(cut);
    records
}

#[test]
fn songs_of_one_album_are_not_one_song() {
    let found = resolve(&songs());
    let right = found.clusters.iter().filter(|pair| pair[0].1[1..] == pair[1].1[1..]).count();
    assert_eq!((right, found.clusters.len()), (400, 400));
}

#[test]
fn what_two_files_call_by_two_names_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let text = |seed: usize| (0..4).map(|at| name(seed * 11 + at * 37 + 5, 3)).collect::<Vec<String>>().join(" ");
    let file = |side: &str, field: &str, from: usize| {
        let path = folder.path().join(format!("{side}.jsonl"));
        let line = |at| format!("{{\"id\":\"{at}\",\"{field}\":\"{}\",\"maker\":\"{}\"}}\n", text(at), text(at / 3 + 900));
        let lines: Vec<String> = (from..from + 60).map(line).collect();
        std::fs::write(&path, lines.concat()).unwrap();
        Source::file(&path)
    };
    let (a, b) = (file("a", "title", 0), file("b", "name", 30));
    let found = files(&a, Some(&b), "id").unwrap();
    assert_eq!(found.clusters.len(), 30);
    assert!(found.clusters.iter().all(|pair| pair[0].1 == pair[1].1));
}

#[test]
fn a_year_with_a_fraction_of_nothing_is_a_year() {
    assert_eq!(
        (normal::whole("2001.0"), normal::whole("20.01"), normal::whole("v.0"), normal::whole("7.")),
        ("2001", "20.01", "v.0", "7.")
    );
}

/// The bits that remain for the first two rows among people who have a street and a mailbox.
fn left_for(first: [Option<&str>; 4], second: [Option<&str>; 4]) -> f64 {
    let others: Vec<[String; 4]> = (0..120)
        .map(|n| {
            let (given, surname) = (name(n % 60, 2), name(500 + n / 2, 3));
            [given.clone(), surname.clone(), format!("{given}.{surname}@example.org"), format!("{} {} street", n / 2, name(n / 2, 3))]
        })
        .collect();
    let others: Vec<Vec<Option<&str>>> = others.iter().map(|row| row.iter().map(|cell| Some(cell.as_str())).collect()).collect();
    let ids: Vec<String> = (0..others.len()).map(|n| format!("o{n}")).collect();
    let mut rows: Vec<(&str, &[Option<&str>])> = vec![("a", &first), ("b", &second)];
    rows.extend(ids.iter().zip(&others).map(|(id, row)| (id.as_str(), row.as_slice())));
    let records = Records::of(&["first_name", "last_name", "email", "street"], &rows, None);
    let cells = Cells::of(&records);
    let pairs = blocking::pairs(&cells, &records);
    let levels = compare::levels(&cells, &pairs);
    let weights = Weights::learn(&cells, &records, &pairs, &levels);
    weights.explain(&cells, 0, 1).0
}

#[test]
fn a_record_without_a_name_is_not_whoever_lives_in_the_same_street_and_house() {
    let street = Some("6470 clayton highway apt 480");
    assert!(left_for([Some("Toni"), Some("Cline"), Some("zcarr@yahoo.com"), street], [None, None, Some("jcl55@aol.com"), street]) < 0.0);
    assert!(left_for([Some("Toni"), Some("Cline"), Some("zcarr@yahoo.com"), street], [None, None, Some("zcarr@yahoo.com"), street]) > 0.0);
}

#[test]
fn a_mailbox_with_another_first_name_and_the_same_last_name_is_of_somebody_of_the_family() {
    let street = Some("414 hanna valley apt 562");
    let alexis = [None, None, Some("alexis.valdez@comcast.net"), street];
    assert!(left_for([Some("Don"), Some("Valdez"), Some("don.valdez81@gmail.com"), street], alexis) < -5.0);
    assert!(left_for([Some("Alexis"), Some("Valdez"), Some("lexi81@gmail.com"), street], alexis) > -1.5);
}
