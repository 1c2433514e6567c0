#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::Write as _;

use super::*;

/// Streams from a name and records each, in files, because composite keys are looked for in them.
fn keys_of(streams: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let folder = tempfile::tempdir().unwrap();
    for (name, records) in streams {
        let mut file = std::fs::File::create(folder.path().join(format!("{name}.jsonl"))).unwrap();
        for record in *records {
            writeln!(file, "{record}").unwrap();
        }
    }
    let sources = Source::folder(folder.path()).unwrap();
    let mut found: Vec<Stream> = sources.iter().map(|source| Stream::new(&source.stream, source.profile().unwrap())).collect();
    find(&mut found, &sources).unwrap();
    found.iter().map(|stream| (stream.name.clone(), stream.tables[0].primary_key.clone())).collect()
}

#[test]
fn the_id_is_the_key_even_when_other_columns_are_unique() {
    let found = keys_of(&[("users", &["{\"email\":\"a@b.c\",\"id\":1,\"name\":\"x\"}", "{\"email\":\"d@b.c\",\"id\":2,\"name\":\"y\"}"])]);
    assert_eq!(found[0].1, ["id"]);
}

#[test]
fn a_table_of_two_references_has_both_as_its_key() {
    let found = keys_of(&[
        ("actor", &["{\"actor_id\":1}", "{\"actor_id\":2}"]),
        ("film", &["{\"film_id\":1}", "{\"film_id\":2}"]),
        (
            "film_actor",
            &[
                "{\"film_id\":1,\"actor_id\":1,\"last_update\":\"2024-01-01\"}",
                "{\"film_id\":2,\"actor_id\":2,\"last_update\":\"2024-01-01\"}",
            ],
        ),
    ]);
    assert_eq!(found[2].1, ["film_id", "actor_id"]);
}

#[test]
fn rows_without_an_id_are_told_apart_by_several_columns() {
    let records: Vec<String> = (0..40).map(|n| format!("{{\"order_id\":{},\"line_no\":{},\"qty\":{}}}", n / 4, n % 4, n % 3)).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    let mut key = keys_of(&[("order_lines", &records)])[0].1.clone();
    key.sort();
    assert_eq!(key, ["line_no", "order_id"]);
}

#[test]
fn a_word_that_several_streams_share_in_front_is_their_provider() {
    let make = |name: &str| Stream::new(name, Profile::default());
    let names = naming(&[make("stripe_customers"), make("stripe_invoices"), make("film"), make("film_actor")]);
    assert_eq!(names[0].provider.as_deref(), Some("stripe"));
    assert_eq!(names[3].provider, None);
}

#[test]
fn id_words_are_known_by_their_ending() {
    let has = |name: &str| id_word(&words::tokens(name)).is_some();
    assert!(has("customerId") && has("custid") && has("o_orderkey") && has("country_code"));
    assert!(!has("paid") && !has("name") && !has("valid"));
    assert!(has("id_customer") && has("num_factura") && has("Kundennummer"));
    assert!(!has("num_votes") && !has("no_of_items"));
    assert_eq!(without_id(words::tokens("id_address")), ["address"]);
}

#[test]
fn a_key_has_no_column_more_than_it_needs() {
    let lines: Vec<String> =
        ["AA", "DL", "UA"].iter().map(|code| format!("{{\"carrier\":\"{code}\",\"name\":\"{code} lines\"}}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    assert_eq!(keys_of(&[("airlines", &lines)])[0].1, ["carrier"]);
}

#[test]
fn the_column_that_others_refer_to_by_its_name_is_the_key() {
    let make = |row: fn(usize) -> String| (0..30).map(row).collect::<Vec<String>>();
    let people = make(|n| format!("{{\"ID\":{n},\"playerID\":\"p{n:03}\"}}"));
    let played = make(|n| format!("{{\"playerID\":\"p{:03}\",\"year\":{}}}", n / 2, 2000 + n));
    let lists: [Vec<&str>; 2] = [people.iter().map(String::as_str).collect(), played.iter().map(String::as_str).collect()];
    let found = keys_of(&[("batting", &lists[1]), ("fielding", &lists[1]), ("people", &lists[0]), ("pitching", &lists[1])]);
    assert_eq!(found[2].1, ["playerID"]);
}

#[test]
fn a_reference_does_not_become_the_key_because_others_have_it_too() {
    let make = |row: fn(usize) -> String| (0..12).map(row).collect::<Vec<String>>();
    let films = make(|n| format!("{{\"film_id\":{n}}}"));
    let categories = make(|n| format!("{{\"film_id\":{n},\"category_id\":{}}}", n % 3));
    let stock = make(|n| format!("{{\"inventory_id\":{n},\"film_id\":{}}}", n % 7));
    let lists: Vec<Vec<&str>> = [&films, &categories, &stock].iter().map(|rows| rows.iter().map(String::as_str).collect()).collect();
    let category = ["{\"category_id\":0}", "{\"category_id\":1}", "{\"category_id\":2}"];
    let found = keys_of(&[("category", &category), ("film", &lists[0]), ("film_category", &lists[1]), ("inventory", &lists[2])]);
    assert_eq!(found[2].1, ["film_id", "category_id"]);
}

#[test]
fn words_that_say_that_a_table_is_a_table_are_no_part_of_its_name() {
    assert_eq!(telling("DimCustomers"), ["customer"]);
    assert_eq!(telling("customer_entity"), ["customer"]);
    assert_eq!(telling("data"), ["data"]);
}

#[test]
fn a_word_in_the_singular_keeps_what_is_not_its_ending() {
    let singular = |word: &str| words::singular(word);
    assert_eq!(["statuses", "houses", "movies", "categories"].map(singular), ["status", "house", "movie", "category"]);
}

#[test]
fn a_word_may_be_made_of_the_beginnings_of_others() {
    let table = ["customer".to_owned(), "demographic".to_owned()];
    assert!(names_table(&["cdemo".to_owned()], &table) > 0.8);
    assert!(names_table(&["hdemo".to_owned()], &table) < 0.7);
}

#[test]
fn an_id_that_looks_like_an_amount_is_a_key() {
    let records: Vec<String> = (0..14).map(|n| format!("{{\"CID\":\"{:03}.{:03}\",\"Credits\":{}}}", n * 7, n, n % 3)).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    assert_eq!(keys_of(&[("course", &records)])[0].1, ["CID"]);
}

#[test]
fn of_columns_that_would_do_as_well_the_first_are_the_key() {
    let row =
        |n: usize| format!("{{\"order_no\":{},\"product_code\":\"P{}\",\"qty\":{},\"line_no\":{}}}", n / 3, (n * 7) % 20, n % 5, n % 3);
    let records: Vec<String> = (0..60).map(row).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    assert_eq!(keys_of(&[("details", &records)])[0].1, ["order_no", "product_code"]);
}

#[test]
fn a_name_between_the_columns_of_a_key_belongs_to_it() {
    // Every title of a person begins on another day.
    let row = |n: usize| {
        format!(
            "{{\"emp_no\":{},\"title\":\"{}\",\"from_date\":\"20{:02}-01-0{}\",\"to_date\":\"2030-01-01\"}}",
            n / 4,
            ["Staff", "Boss"][n % 2],
            n % 4,
            n % 7 + 1
        )
    };
    let records: Vec<String> = (0..80).map(row).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    assert_eq!(keys_of(&[("titles", &records)])[0].1, ["emp_no", "title", "from_date"]);
}

#[test]
fn what_is_measured_is_no_part_of_a_key_if_the_first_columns_are_one() {
    let row = |n: usize| {
        format!("{{\"race_id\":{},\"driver_id\":{},\"lap\":{},\"millis\":{}}}", n / 12, n / 3 % 4, n % 3 + 1, 70_000 + n * 37 % 9_973)
    };
    let records: Vec<String> = (0..120).map(row).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    assert_eq!(keys_of(&[("lap_times", &records)])[0].1, ["race_id", "driver_id", "lap"]);
}

#[test]
fn a_calendar_may_have_days_for_ids() {
    let records: Vec<String> = (0..28).map(|n| format!("{{\"time_id\":\"2020-01-{:02}\",\"week\":{}}}", n + 1, n / 7)).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    assert_eq!(keys_of(&[("times", &records)])[0].1, ["time_id"]);
}

#[test]
fn of_two_ids_called_as_the_table_the_one_that_others_refer_to_is_the_key() {
    let make = |row: fn(usize) -> String| (0..40).map(row).collect::<Vec<String>>();
    let products = make(|n| format!("{{\"product_key\":{},\"product_id\":\"P-{}\"}}", n + 1, 1_000 + n * 7));
    let sales = make(|n| format!("{{\"sales_key\":{},\"product_key\":{}}}", n + 1, n % 20 + 1));
    let lists: [Vec<&str>; 2] = [products.iter().map(String::as_str).collect(), sales.iter().map(String::as_str).collect()];
    let found = keys_of(&[("dim_product", &lists[0]), ("fact_sales", &lists[1])]);
    assert_eq!(found[0].1, ["product_key"]);
}

#[test]
fn columns_that_are_unique_together_by_chance_give_way_to_the_first_ones() {
    let row = |n: usize| {
        let semester = ["Fall", "Spring"][n / 2 % 2];
        format!("{{\"course_id\":\"C{}\",\"sec_id\":\"{}\",\"semester\":\"{semester}\",\"room_id\":{}}}", n / 4, n % 2, n * 7 % 53)
    };
    let records: Vec<String> = (0..64).map(row).collect();
    let records: Vec<&str> = records.iter().map(String::as_str).collect();
    assert_eq!(keys_of(&[("section", &records)])[0].1, ["course_id", "sec_id", "semester"]);
}

fn records(count: usize, row: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(row).collect()
}

fn keys_in(streams: &[(&str, Vec<String>)]) -> Vec<(String, Vec<String>)> {
    let borrowed: Vec<Vec<&str>> = streams.iter().map(|(_, rows)| rows.iter().map(String::as_str).collect()).collect();
    keys_of(&streams.iter().zip(&borrowed).map(|((name, _), rows)| (*name, rows.as_slice())).collect::<Vec<_>>())
}

#[test]
fn where_most_tables_call_their_key_name_it_is_called_name() {
    let row = |kind: &'static str| {
        move |n: usize| format!("{{\"name\":\"{kind}-{n:04}\",\"owner\":\"o{}\",\"day\":\"2024-01-{:02}\"}}", n % 3, n % 28 + 1)
    };
    let found = keys_in(&[
        ("customers", records(20, row("C"))),
        ("items", records(30, row("I"))),
        ("sales_orders", records(40, row("SO"))),
        ("warehouses", records(8, row("W"))),
    ]);
    assert!(found.iter().all(|(_, key)| key == &["name"]), "{found:?}");
}

#[test]
fn the_text_that_columns_called_as_the_table_hold_is_its_key() {
    let firms = records(30, |n| format!("{{\"label\":\"l{n}x\",\"tag\":\"T-{n:05}\"}}"));
    let bills = records(60, |n| format!("{{\"bill_id\":{},\"firm\":\"T-{:05}\"}}", n + 1, n % 30));
    let found = keys_in(&[("bills", bills), ("firms", firms)]);
    assert_eq!(found[1].1, ["tag"]);
}

#[test]
fn what_is_the_same_in_all_rows_takes_no_place_before_a_key() {
    let firms = records(4, |n| format!("{{\"client\":100,\"burk\":\"{}000\",\"title\":\"A longer name of firm {n}\"}}", n + 1));
    assert_eq!(keys_in(&[("t001", firms)])[0].1, ["burk"]);
}

#[test]
fn a_number_among_ids_tells_rows_apart() {
    let row = |n: usize| {
        format!(
            "{{\"player_id\":\"p{}\",\"year\":{},\"stint\":{},\"team_id\":\"t{}\",\"goals\":{}}}",
            n / 8,
            2000 + n / 2 % 4,
            n % 2 + 1,
            n % 5,
            n % 7
        )
    };
    assert_eq!(keys_in(&[("pitching", records(160, row))])[0].1, ["player_id", "year", "stint"]);
}

#[test]
fn what_counts_from_one_on_within_each_id_numbers_the_rows_there_whatever_it_is_called() {
    let row =
        |n: usize| format!("{{\"pokemon_id\":{},\"type_id\":{},\"slot\":{}}}", n / 2 + 1, (n / 2 * 7 + n % 2 * (n % 3)) % 18, n % 2 + 1);
    let kinds = records(18, |n| format!("{{\"id\":{n},\"name\":\"k{n}\"}}"));
    let mut key = keys_in(&[("pokemon_types", records(120, row)), ("types", kinds)])[0].1.clone();
    key.sort();
    assert_eq!(key, ["pokemon_id", "slot"]);
}

#[test]
fn what_a_table_calls_the_reference_of_its_own_is_its_key() {
    let shoppers = records(30, |n| format!("{{\"shopperReference\":\"r{n}x\",\"zip\":\"{:05}\",\"phone\":\"0228 {n}\"}}", n * 37));
    assert_eq!(keys_in(&[("pay_shoppers", shoppers)])[0].1, ["shopperReference"]);
}

#[test]
fn a_table_of_references_that_has_an_id_of_its_own_has_that_for_its_key() {
    let found = keys_in(&[
        ("hosts", records(30, |n| format!("{{\"hostid\":{}}}", n + 1))),
        ("groups", records(30, |n| format!("{{\"groupid\":{}}}", n + 1))),
        ("hosts_groups", records(60, |n| format!("{{\"hostgroupid\":{},\"hostid\":{},\"groupid\":{}}}", n + 1, n % 30 + 1, n % 7 + 1))),
    ]);
    assert!(found.contains(&("hosts_groups".to_owned(), vec!["hostgroupid".to_owned()])), "{found:?}");
}

#[test]
fn where_rows_begin_with_an_id_a_uuid_further_on_is_not_the_key() {
    let uuid = |n: usize| format!("0d6f1a2b-3c4d-4e5f-8a9b-{n:012}");
    let row = |n: usize| format!("{{\"groupid\":{},\"name\":\"n{}\",\"uuid\":\"{}\"}}", n + 10_001, n % 9, uuid(n));
    let found = keys_in(&[
        ("hstgrp", records(60, row)),
        ("group", records(20, |n| format!("{{\"id\":{n}}}"))),
        ("bare", records(60, |n| format!("{{\"name\":\"n{}\",\"uuid\":\"{}\"}}", n % 9, uuid(n)))),
    ]);
    assert!(found.contains(&("hstgrp".to_owned(), vec!["groupid".to_owned()])), "{found:?}");
    assert!(found.contains(&("bare".to_owned(), vec!["uuid".to_owned()])), "{found:?}");
}
