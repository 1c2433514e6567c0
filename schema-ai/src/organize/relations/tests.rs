#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::organize::profile::Profile;

fn stream(name: &str, key: &str, records: &[String]) -> Stream {
    let mut profile = Profile::default();
    for record in records {
        profile.record(record.as_bytes()).unwrap();
    }
    let mut stream = Stream::new(name, profile);
    stream.tables[0].primary_key = vec![key.to_owned()];
    stream
}

fn found(streams: &[Stream]) -> Vec<String> {
    let mut found: Vec<String> = find(streams)
        .iter()
        .map(|relation| format!("{}.{}>{}.{}", relation.from_stream, relation.from[0], relation.to_stream, relation.to[0]))
        .collect();
    found.sort();
    found
}

fn rows(count: usize, row: impl Fn(usize) -> String) -> Vec<String> {
    (0..count).map(row).collect()
}

#[test]
fn a_column_named_after_a_table_refers_to_it_and_a_count_does_not() {
    let customers = stream("customers", "id", &rows(50, |n| format!("{{\"id\":{},\"name\":\"n{n}\"}}", n + 1)));
    let orders =
        stream("orders", "id", &rows(80, |n| format!("{{\"id\":{},\"customer_id\":{},\"quantity\":{}}}", n + 1, n % 50 + 1, n % 9 + 1)));
    assert_eq!(found(&[customers, orders]), ["orders.customer_id>customers.id"]);
}

#[test]
fn a_nested_object_refers_by_its_id_and_by_what_it_repeats() {
    let users = stream("hub_users", "id", &rows(60, |n| format!("{{\"id\":{},\"login\":\"user{n}\"}}", 100_000 + n * 7)));
    let issues = stream(
        "hub_issues",
        "id",
        &rows(90, |n| {
            format!("{{\"id\":{},\"assignees\":[{{\"id\":{},\"login\":\"user{}\"}}]}}", 9_000_000 + n, 100_000 + (n % 60) * 7, n % 60)
        }),
    );
    assert_eq!(found(&[users, issues]), ["hub_issues.assignees[].id>hub_users.id"]);
}

#[test]
fn a_manager_is_another_row_of_the_same_table() {
    let staff = stream("employees", "employee_id", &rows(20, |n| format!("{{\"employee_id\":{},\"reports_to\":{}}}", n + 1, n / 4 + 1)));
    assert_eq!(found(&[staff]), ["employees.reports_to>employees.employee_id"]);
}

#[test]
fn the_same_id_again_is_no_reference() {
    let contacts = stream("contacts", "id", &rows(40, |n| format!("{{\"id\":\"5{n:04}\",\"object_id\":\"5{n:04}\"}}")));
    assert!(found(&[contacts]).is_empty());
}

#[test]
fn the_key_of_a_table_does_not_refer_to_the_details_about_it() {
    let row = |n: usize| format!("{{\"pub_id\":\"9{n:03}\"}}");
    let publishers = stream("publishers", "pub_id", &rows(30, row));
    let details = stream("pub_info", "pub_id", &rows(30, row));
    let titles = stream("titles", "title_id", &rows(50, |n| format!("{{\"title_id\":\"T{n:04}\",\"pub_id\":\"9{:03}\"}}", n % 30)));
    assert_eq!(found(&[publishers, details, titles]), ["pub_info.pub_id>publishers.pub_id", "titles.pub_id>publishers.pub_id"]);
}

#[test]
fn a_role_is_what_is_left_of_a_name_without_its_id() {
    assert_eq!(naming::role("manager_staff_id").words, ["manager", "staff"]);
    assert_eq!(naming::role("customer.id").words, ["customer"]);
    assert_eq!(naming::role("associations.companies.results[].id").words, ["company"]);
    assert_eq!(naming::role("ship_via").words, ["ship"]);
}

#[test]
fn a_value_in_an_object_is_called_as_the_object() {
    assert_eq!(naming::role("org_id.value").words, ["org"]);
    assert_eq!(naming::role("CustomerRef.value").words, ["customer"]);
    assert_eq!(naming::role("_parentcustomerid_value").words, ["parentcustomer"]);
    assert_eq!(naming::role("value").words, ["value"]);
}

#[test]
fn the_type_of_a_thing_is_not_the_thing() {
    let votes = stream("votes", "id", &rows(60, |n| format!("{{\"id\":{},\"vote_type_id\":{}}}", n + 1, n % 4 + 1)));
    assert!(found(&[votes]).is_empty());
    assert_eq!(naming::role("fields.issuetype.id").words, ["issue", "type"]);
}

#[test]
fn a_type_refers_to_the_table_of_its_own_tables_types() {
    let types = stream("artist_type", "id", &rows(3, |n| format!("{{\"id\":{},\"name\":\"t{n}\"}}", n + 1)));
    let artists = stream("artist", "id", &rows(60, |n| format!("{{\"id\":{},\"type\":{}}}", n * 7 + 3, n % 3 + 1)));
    assert_eq!(found(&[artists, types]), ["artist.type>artist_type.id"]);
}

#[test]
fn a_plural_that_is_a_number_counts() {
    let votes = stream("votes", "id", &rows(60, |n| format!("{{\"id\":{}}}", n + 1)));
    let users = stream("users", "id", &rows(30, |n| format!("{{\"id\":{},\"up_votes\":{}}}", n + 500, n % 9 + 1)));
    assert!(found(&[users, votes]).is_empty());
}

#[test]
fn a_table_with_the_key_of_a_larger_one_extends_it() {
    let people = stream("person", "entity_id", &rows(90, |n| format!("{{\"entity_id\":{}}}", n + 1)));
    let staff = stream("employee", "entity_id", &rows(40, |n| format!("{{\"entity_id\":{}}}", n + 1)));
    let sellers = stream("sales_person", "entity_id", &rows(12, |n| format!("{{\"entity_id\":{}}}", n + 20)));
    let expected = ["employee.entity_id>person.entity_id", "sales_person.entity_id>employee.entity_id"];
    assert_eq!(found(&[people, staff, sellers]), expected);
}

#[test]
fn places_are_known_by_the_part_they_play() {
    let code = |n: usize| format!("{}{}{}", (b'A' + (n % 26) as u8) as char, (b'A' + (n / 26 % 26) as u8) as char, 'X');
    let airports = stream("airports", "faa", &rows(60, |n| format!("{{\"faa\":\"{}\"}}", code(n * 5))));
    let flights = stream("flights", "number", &rows(90, |n| format!("{{\"number\":{n},\"dest\":\"{}\"}}", code(n % 40 * 5))));
    assert_eq!(found(&[airports, flights]), ["flights.dest>airports.faa"]);
}
