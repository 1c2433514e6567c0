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

fn numbered(name: &str, key: &str, rows_of: usize, row: impl Fn(usize) -> String) -> Stream {
    stream(name, key, &rows(rows_of, |n| format!("{{\"{key}\":{},{}}}", n + 1, row(n))))
}

#[test]
fn keys_that_a_database_calls_all_alike_refer_to_nothing() {
    let customers = numbered("customer_entity", "entity_id", 60, |n| format!("\"email\":\"a{n}@example.com\""));
    let products = numbered("product_entity", "entity_id", 40, |n| format!("\"sku\":\"s{n}\""));
    let orders = numbered("order_entity", "entity_id", 50, |n| format!("\"customer_id\":{}", n % 60 + 1));
    assert_eq!(found(&[customers, products, orders]), ["order_entity.customer_id>customer_entity.entity_id"]);
}

#[test]
fn a_name_may_say_only_the_end_of_a_tables_name() {
    let teams = numbered("crm_team", "id", 20, |n| format!("\"name\":\"t{n}\""));
    let orders = numbered("orders", "id", 60, |n| format!("\"team_id\":{}", n % 20 + 1));
    assert_eq!(found(&[teams, orders]), ["orders.team_id>crm_team.id"]);
}

#[test]
fn whoever_granted_it_is_a_user_and_not_a_mailbox_of_one() {
    let users = numbered("users", "id", 30, |n| format!("\"login\":\"u{n}\""));
    let mails = numbered("user_emails", "id", 30, |n| format!("\"email\":\"a{n}@example.com\""));
    let badges = numbered("badges", "id", 60, |n| format!("\"granted_by_id\":{}", n % 30 + 1));
    assert_eq!(found(&[users, mails, badges]), ["badges.granted_by_id>users.id"]);
}

#[test]
fn the_parent_of_every_row_is_of_the_table_that_the_name_begins_with() {
    let orders = numbered("order", "id", 40, |n| format!("\"total\":\"x{n}\""));
    let addresses = numbered("order_address", "id", 80, |n| format!("\"parent_id\":{}", n / 2 + 1));
    assert_eq!(found(&[orders, addresses]), ["order_address.parent_id>order.id"]);
}

#[test]
fn a_row_is_not_referred_to_by_what_only_sounds_like_its_table() {
    let pages = numbered("wiki_pages", "id", 60, |n| format!("\"wiki_id\":{}", n % 20 + 1));
    assert!(found(&[pages]).is_empty());
    let films = numbered("films", "film_id", 60, |n| format!("\"prequel_film_id\":{}", n % 50 + 1));
    assert_eq!(found(&[films]), ["films.prequel_film_id>films.film_id"]);
}

#[test]
fn words_before_names_that_references_cross_are_parts_of_one_database() {
    let named = |n: usize| format!("\"name\":\"n{n}\"");
    let streams = [
        numbered("res_partner", "id", 40, named),
        numbered("res_currency", "id", 12, named),
        numbered("account_tax", "id", 60, |n| format!("\"partner_id\":{},\"currency_id\":{}", n % 40 + 1, n % 12 + 1)),
        numbered("account_journal", "id", 70, |n| format!("\"partner_id\":{}", n % 40 + 1)),
    ];
    let expected =
        ["account_journal.partner_id>res_partner.id", "account_tax.currency_id>res_currency.id", "account_tax.partner_id>res_partner.id"];
    assert_eq!(found(&streams), expected);
}

#[test]
fn of_two_tables_with_the_same_rows_the_one_with_the_longer_name_refers() {
    let row = |n: usize| format!("{{\"nid\":{}}}", n * 3 + 7);
    let nodes = stream("node", "nid", &rows(40, row));
    let fields = stream("node_field_data", "nid", &rows(40, |n| format!("{{\"nid\":{},\"title\":\"t{n}\",\"lang\":\"en\"}}", n * 3 + 7)));
    assert_eq!(found(&[nodes, fields]), ["node_field_data.nid>node.nid"]);
}

#[test]
fn letters_before_all_columns_say_nothing() {
    let dates =
        stream("date_dim", "d_date_sk", &rows(60, |n| format!("{{\"d_date_sk\":{},\"d_year\":2020,\"d_dom\":{}}}", n + 2_415_022, n % 28)));
    let sites = stream(
        "site",
        "s_site_sk",
        &rows(9, |n| format!("{{\"s_site_sk\":{},\"s_name\":\"x\",\"s_open_date_sk\":{}}}", n + 1, n + 2_415_030)),
    );
    assert_eq!(found(&[dates, sites]), ["site.s_open_date_sk>date_dim.d_date_sk"]);
    assert_eq!(naming::role_within("d_date_sk", Some("d")).words, ["date"]);
}

#[test]
fn a_second_id_is_referred_to_where_the_key_is_not() {
    let teams = numbered("team", "id", 30, |n| format!("\"team_api_id\":{}", 9_000 + n * 7));
    let matches = numbered("match", "id", 80, |n| format!("\"home_team_api_id\":{}", 9_000 + n % 30 * 7));
    assert_eq!(found(&[teams, matches]), ["match.home_team_api_id>team.team_api_id"]);
}

#[test]
fn another_key_of_its_own_table_refers_to_nothing() {
    let kinds = numbered("subcategory", "SubcategoryKey", 30, |n| format!("\"SubcategoryAlternateKey\":{}", n + 1));
    let kind = numbered("category", "CategoryKey", 4, |n| format!("\"CategoryAlternateKey\":{}", n + 1));
    assert!(found(&[kinds, kind]).is_empty());
}

#[test]
fn rows_that_count_themselves_do_not_refer_to_a_longer_table_of_that_name() {
    let results = numbered("results", "result_id", 90, |n| format!("\"points\":\"p{n}\""));
    let sprints = numbered("sprint_results", "result_id", 20, |n| format!("\"points\":\"p{n}\""));
    assert!(found(&[results, sprints]).is_empty());
}

#[test]
fn an_id_may_come_before_what_it_names_and_that_before_its_part() {
    let addresses = numbered("ps_address", "id_address", 60, |n| format!("\"city\":\"c{n}\""));
    let orders = numbered("ps_orders", "id_order", 80, |n| format!("\"id_address_delivery\":{}", n % 60 + 1));
    assert_eq!(found(&[addresses, orders]), ["ps_orders.id_address_delivery>ps_address.id_address"]);
}

#[test]
fn a_key_called_as_its_own_table_refers_to_no_shorter_name() {
    let courses = numbered("courses", "course_id", 30, |n| format!("\"name\":\"c{n}\""));
    let taken = numbered("student_enrolment_courses", "student_course_id", 20, |n| format!("\"course_id\":{}", n % 30 + 1));
    assert_eq!(found(&[courses, taken]), ["student_enrolment_courses.course_id>courses.course_id"]);
}

#[test]
fn who_made_it_is_a_user_and_how_often_is_nothing() {
    let users = numbered("users", "user_id", 30, |n| format!("\"login\":\"u{n}\""));
    let countries = numbered("countries", "id", 40, |n| format!("\"name\":\"c{n}\""));
    let visits = numbered("visit", "visit_id", 60, |n| format!("\"creator\":{},\"sign_in_count\":{}", n % 30 + 1, n % 40 + 1));
    assert_eq!(found(&[users, countries, visits]), ["visit.creator>users.user_id"]);
}

#[test]
fn of_two_tables_the_one_whose_numbers_are_nearly_all_there_is_meant() {
    let addresses = numbered("addresses", "id", 150, |n| format!("\"city\":\"c{n}\""));
    let shipments = numbered("shipments", "id", 142, |n| format!("\"tracking\":\"t{n}\""));
    let users = numbered("users", "id", 74, |n| format!("\"ship_address_id\":{}", n * 2 + 1));
    assert_eq!(found(&[addresses, shipments, users]), ["users.ship_address_id>addresses.id"]);
}

#[test]
fn words_written_together_are_told_apart_by_the_reference() {
    let issues = stream("jiraissue", "ID", &rows(60, |n| format!("{{\"ID\":{}}}", n * 3 + 10_200)));
    let logs = stream("worklog", "ID", &rows(80, |n| format!("{{\"ID\":{},\"issueid\":{}}}", n + 1, n % 60 * 3 + 10_200)));
    assert_eq!(found(&[issues, logs]), ["worklog.issueid>jiraissue.ID"]);
}

#[test]
fn a_poster_is_somebody_and_a_level_is_no_row() {
    let users = numbered("users", "user_id", 30, |n| format!("\"login\":\"u{n}\""));
    let posts = numbered("posts", "post_id", 60, |n| format!("\"poster_id\":{},\"root_level\":{}", n % 30 + 1, n % 5));
    assert_eq!(found(&[users, posts]), ["posts.poster_id>users.user_id"]);
}

#[test]
fn values_that_cannot_be_there_by_chance_need_no_name_that_says_so() {
    let hash = |n: usize| format!("{:08x}-7c1f-4a52-9d3e-{:012x}", n * 2_654_435, n * 97_531);
    let contacts = stream("contacts", "id", &rows(40, |n| format!("{{\"id\":\"{}\"}}", hash(n))));
    let links = stream("mailings", "id", &rows(60, |n| format!("{{\"id\":{n},\"bean\":\"{}\"}}", hash(n % 40))));
    assert_eq!(found(&[contacts, links]), ["mailings.bean>contacts.id"]);
}

#[test]
fn numbers_from_one_on_may_be_there_by_chance() {
    let rooms = stream("rooms", "id", &rows(40, |n| format!("{{\"id\":{}}}", n + 1)));
    let bills = stream("bills", "id", &rows(60, |n| format!("{{\"id\":{},\"nights\":{}}}", n + 1, n % 40 + 1)));
    assert!(found(&[rooms, bills]).is_empty());
}

#[test]
fn what_columns_of_one_name_refer_to_in_large_tables_they_refer_to_in_small_ones() {
    let people = stream("people", "person_id", &rows(60, |n| format!("{{\"person_id\":{}}}", n + 1)));
    let edited = |name: &str, count: usize| {
        stream(name, "id", &rows(count, |n| format!("{{\"id\":{},\"person_id\":1,\"checked\":{}}}", n + 1, n % 60 + 1)))
    };
    let mut streams = vec![people, edited("orders", 90), edited("invoices", 90), edited("colors", 3)];
    let known = |from: &str| Relation {
        from_stream: from.to_owned(),
        from: vec!["checked".to_owned()],
        to_stream: "people".to_owned(),
        to: vec!["person_id".to_owned()],
        confidence: 0.9,
        evidence: Evidence::default(),
    };
    let names = keys::naming(&streams);
    let from = |streams: &[Stream], known: &[Relation]| -> Vec<String> {
        let targets = targets(streams);
        kin::find(streams, &names, &targets, known).into_iter().map(|found| format!("{}.{}", found.from_stream, found.from[0])).collect()
    };
    assert_eq!(from(&streams, &[known("orders"), known("invoices")]), ["colors.checked"]);
    assert!(from(&streams, &[known("orders")]).is_empty(), "one is no custom");
    streams[3] = stream("colors", "id", &rows(3, |n| format!("{{\"id\":{},\"checked\":{}}}", n + 1, 900 + n)));
    assert!(from(&streams, &[known("orders"), known("invoices")]).is_empty(), "nobody has these numbers");
}

#[test]
fn an_id_that_no_table_is_called_by_refers_to_the_one_whose_numbers_begin_and_end_with_its_own() {
    let countries = stream("c_country", "rowid", &rows(70, |n| format!("{{\"rowid\":{}}}", n + 1)));
    let users = stream("c_user", "rowid", &rows(300, |n| format!("{{\"rowid\":{}}}", n + 1)));
    let firms = stream("c_firm", "rowid", &rows(210, |n| format!("{{\"rowid\":{},\"fk_pays\":{}}}", n + 1, n % 70 + 1)));
    assert_eq!(found(&[countries, users, firms]), ["c_firm.fk_pays>c_country.rowid"]);
}

#[test]
fn a_package_is_one_of_the_types_of_packages_where_there_are_no_packages() {
    let types = stream("package_types", "package_type_id", &rows(12, |n| format!("{{\"package_type_id\":{}}}", n + 1)));
    let items = stream("goods", "good_id", &rows(60, |n| format!("{{\"good_id\":{},\"unit_package_id\":{}}}", n + 1, n % 12 + 1)));
    assert_eq!(found(&[types, items]), ["goods.unit_package_id>package_types.package_type_id"]);
}

#[test]
fn a_second_id_is_referred_to_by_its_own_name_or_with_that_of_its_table() {
    let code = |n: usize| format!("K{n:03}X");
    let sets = stream("sets", "id", &rows(50, |n| format!("{{\"id\":{},\"code\":\"{}\"}}", n + 1, code(n))));
    let cards = stream("cards", "id", &rows(90, |n| format!("{{\"id\":{},\"setCode\":\"{}\"}}", n + 1, code(n % 50))));
    assert_eq!(found(&[sets, cards]), ["cards.setCode>sets.code"]);
}

#[test]
fn an_often_missing_id_of_the_own_table_is_that_of_another_row() {
    let row = |n: usize| match n % 3 {
        0 => format!("{{\"id\":{},\"user_id\":null}}", n + 1),
        _ => format!("{{\"id\":{},\"user_id\":{}}}", n + 1, n / 4 + 1),
    };
    assert_eq!(found(&[stream("users", "id", &rows(40, row))]), ["users.user_id>users.id"]);
}

#[test]
fn words_that_few_streams_begin_with_are_no_providers() {
    let names = ["customers", "people", "orders", "cities", "stock_items", "stock_groups"];
    let streams: Vec<Stream> = names.iter().map(|name| stream(name, "id", &rows(2, |n| format!("{{\"id\":{n}}}")))).collect();
    assert!(keys::naming(&streams).iter().all(|naming| naming.provider.is_none()));
}

/// Streams of many applications, each of which refers to the next one of its own.
fn applications(count: usize) -> Vec<Stream> {
    let of = |app: usize| {
        let customer = move |n: usize| format!("cus_{app}_{n}");
        let orders = rows(20, |n| format!("{{\"id\":\"ord_{app}_{n}\",\"customer_id\":\"{}\",\"note\":\"n{n}\"}}", customer(n % 10)));
        let customers = rows(10, |n| format!("{{\"id\":\"{}\",\"email\":\"a{n}@b.example\"}}", customer(n)));
        [stream(&format!("app{app}_orders"), "id", &orders), stream(&format!("app{app}_customers"), "id", &customers)]
    };
    (0..count).flat_map(of).collect()
}

#[test]
fn two_thousand_streams_are_not_each_compared_with_each() {
    let streams = applications(1_000);
    let targets = targets(&streams);
    let index = index::Index::of(&targets);
    let columns = || streams.iter().flat_map(|stream| stream.tables[0].columns.iter().map(move |column| (stream, column)));
    let asked: usize = columns().map(|(stream, column)| index.candidates(keys::stats(&stream.profile, column), |_| true).len()).sum();
    // Each key finds itself, and each reference its key.
    assert_eq!((streams.len(), asked), (2_000, 3_000));
}

#[test]
fn a_key_that_holds_just_enough_of_a_column_is_a_candidate_whichever_values_it_lacks() {
    let line = |n: usize| format!("{{\"id\":\"value {n}\"}}");
    let lacking = |a: usize, b: usize| (0..10).filter(|n| *n != a && *n != b).map(line).collect::<Vec<_>>();
    let pairs = || (0..10).flat_map(|a| (a + 1..10).map(move |b| (a, b)));
    let keys: Vec<Stream> = pairs().map(|(a, b)| stream(&format!("lacks_{a}_{b}"), "id", &lacking(a, b))).collect();
    let targets = targets(&keys);
    let column = stream("column", "id", &rows(10, line));
    let found = index::Index::of(&targets).candidates(keys::stats(&column.profile, &column.tables[0].columns[0]), |_| true);
    assert_eq!(found.len(), pairs().count());
}

#[test]
fn no_key_that_holds_most_of_a_column_is_left_out_of_the_candidates() {
    let mut streams = applications(3);
    streams.push(stream("large", "id", &rows(5_000, |n| format!("{{\"id\":{}}}", n * 3))));
    for part in [1_usize, 3, 7] {
        let values = |n: usize| if n % 9 < 8 { n * part * 3 } else { 1_000_000 + n };
        streams.push(stream(&format!("part{part}"), "id", &rows(200, |n| format!("{{\"id\":{},\"large_id\":{}}}", n * 2, values(n)))));
    }
    let targets = targets(&streams);
    let index = index::Index::of(&targets);
    for (stream, column) in streams.iter().flat_map(|stream| stream.tables[0].columns.iter().map(move |column| (stream, column))) {
        let stats = keys::stats(&stream.profile, column);
        let candidates = index.candidates(stats, |_| true);
        let holds = |target: &Target<'_>| evidence::containment(stats, target.stats).is_some_and(|(part, _)| part >= evidence::CONTAINED);
        let holding = (0..targets.len()).filter(|at| holds(&targets[*at]));
        assert!(holding.clone().all(|at| candidates.contains(&(at as u32))), "{} {}", stream.name, column.path);
    }
}

#[test]
fn where_something_comes_from_may_be_another_row_of_its_table() {
    let species = rows(60, |n| match n % 3 {
        0 => format!("{{\"id\":{},\"name\":\"s{n}\"}}", n + 1),
        _ => format!("{{\"id\":{},\"name\":\"s{n}\",\"evolves_from_species_id\":{}}}", n + 1, n / 2 + 1),
    });
    assert_eq!(found(&[stream("pokemon_species", "id", &species)]), ["pokemon_species.evolves_from_species_id>pokemon_species.id"]);
}

#[test]
fn the_manager_of_a_customer_is_an_employee() {
    let customers = rows(200, |n| format!("{{\"customer_id\":{},\"account_mgr_id\":{}}}", n + 101, n % 40 + 145));
    let employees = rows(40, |n| format!("{{\"employee_id\":{},\"manager_id\":{}}}", n + 145, n / 4 + 145));
    let streams = [stream("customers", "customer_id", &customers), stream("employees", "employee_id", &employees)];
    assert_eq!(found(&streams), ["customers.account_mgr_id>employees.employee_id", "employees.manager_id>employees.employee_id"]);
}

/// A name that is like no other.
fn word(at: usize) -> String {
    const SYLLABLES: [&str; 10] = ["ba", "ced", "fi", "gok", "hu", "jal", "me", "nip", "ro", "suv"];
    let number = at * 7919 % 10_000;
    [1, 10, 100, 1000].map(|place| SYLLABLES[number / place % 10]).concat()
}

/// Tables that all count their rows from one, each with a reference to another by its name.
fn counting(tables: usize, rows_of: impl Fn(usize) -> usize) -> Vec<Stream> {
    let table = |at: usize| {
        let other = (at * 7 + 3) % tables;
        let row =
            |n: usize| format!("{{\"id\":{},\"{}_id\":{},\"quantity\":{}}}", n + 1, word(other), n * 7 % rows_of(other) + 1, n % 30 + 1);
        stream(&word(at), "id", &rows(rows_of(at), row))
    };
    (0..tables).map(table).collect()
}

/// How many keys columns are compared with, for each column.
fn compared(streams: &[Stream]) -> f64 {
    let names = keys::naming(streams);
    let targets = targets(streams);
    let lookup = Lookup::of(&targets, &names);
    let (mut columns, mut compared) = (0, 0);
    for (at, stream) in streams.iter().enumerate() {
        for column in &stream.tables[0].columns {
            let role = naming::role(&column.path);
            columns += 1;
            compared += lookup.candidates(streams, &names, (at, column, &naming::Said::new(&role)), &mut counted::Near::default()).len();
        }
    }
    f64::from(compared as u32) / f64::from(columns)
}

#[test]
fn where_all_tables_count_from_one_a_column_is_compared_with_few_of_them() {
    for rows_of in [|_: usize| 60, |at: usize| 40 + at * 13 % 50] {
        let streams = counting(120, rows_of);
        assert!(compared(&streams) < 3.0, "{}", compared(&streams));
        let right = |found: &Relation| found.from[0] == format!("{}_id", found.to_stream);
        let found = find(&streams);
        assert_eq!((found.iter().filter(|found| right(found)).count(), found.len()), (120, 120));
    }
}

#[test]
fn keys_that_begin_far_from_one_or_have_gaps_are_found_by_name_too() {
    let table = |at: usize, other: usize, id: fn(usize) -> usize| {
        let row = |n: usize| format!("{{\"id\":{},\"{}_id\":{},\"quantity\":{}}}", id(n), word(other), id(n * 7 % 60), n % 30 + 1);
        stream(&word(at), "id", &rows(60, row))
    };
    let far: fn(usize) -> usize = |n| 100_001 + n;
    let gaps: fn(usize) -> usize = |n| n + 1 + n / 15;
    for id in [far, gaps] {
        let streams: Vec<Stream> = (0..60).map(|at| table(at, (at * 7 + 3) % 60, id)).collect();
        assert!(compared(&streams) < 3.0, "{}", compared(&streams));
        assert_eq!(find(&streams).len(), 60);
    }
}

#[test]
fn no_table_is_meant_rather_than_the_one_that_is_called_so() {
    let row = |n: usize| format!("{{\"id\":{}}}", n + 1);
    let (teams, teammates) = (stream("team", "id", &rows(200, row)), stream("teammate", "id", &rows(50, row)));
    let games = stream("game", "id", &rows(70, |n| format!("{{\"id\":{},\"team_id\":{}}}", n + 300, n % 50 + 1)));
    assert_eq!(found(&[teams, teammates, games]), ["game.team_id>team.id"]);
}

#[test]
fn what_an_object_repeats_of_a_counted_record_says_which_it_is() {
    let suppliers = stream("suppliers", "id", &rows(30, |n| format!("{{\"id\":{},\"title\":\"supplier {n}\"}}", n + 1)));
    let row = |n: usize| format!("{{\"id\":{},\"vendor\":{{\"id\":{},\"title\":\"supplier {}\"}}}}", n + 1, n % 30 + 1, n % 30);
    assert_eq!(found(&[suppliers, stream("orders", "id", &rows(80, row))]), ["orders.vendor.id>suppliers.id"]);
}

#[test]
fn values_alone_say_nothing_against_a_name() {
    let types = stream("site_content_type", "id", &rows(300, |n| format!("{{\"id\":{},\"model\":\"m{n}\"}}", n + 1)));
    let votes = stream("reviews_vote", "id", &rows(60, |n| format!("{{\"id\":{},\"score\":1}}", 5 * n + 5)));
    let values =
        stream("attribute_value", "id", &rows(80, |n| format!("{{\"id\":{},\"entity_content_type_id\":{}}}", n + 900, 5 * (n % 40) + 5)));
    assert_eq!(found(&[types, votes, values]), ["attribute_value.entity_content_type_id>site_content_type.id"]);
}

#[test]
fn of_several_tables_that_count_through_the_same_numbers_none_is_meant_without_a_name() {
    let from = |name: &str, rows_of: usize| stream(name, "id", &rows(rows_of, |n| format!("{{\"id\":{}}}", n + 10_001)));
    let tags = || stream("tag_filters", "key", &rows(80, |n| format!("{{\"key\":\"k{n}\",\"topic_id\":{}}}", n % 70 + 10_001)));
    assert!(found(&[from("conditions", 140), from("dashboards", 155), tags()]).is_empty());
    assert_eq!(found(&[from("conditions", 140), tags()]), ["tag_filters.topic_id>conditions.id"]);
}

#[test]
fn numbers_that_are_close_together_say_little_of_a_key_with_gaps() {
    let votes = stream("votes", "id", &rows(120, |n| format!("{{\"id\":{}}}", if n < 60 { n + 1 } else { 9 * n })));
    let offers = stream("offers", "key", &rows(90, |n| format!("{{\"key\":\"k{n}\",\"priority\":{}}}", n % 30 + 1)));
    assert!(found(&[votes, offers]).is_empty());
}

#[test]
fn a_table_that_refers_to_a_thing_is_not_the_thing() {
    let links = stream(
        "hosts_templates",
        "hosttemplateid",
        &rows(90, |n| format!("{{\"hosttemplateid\":{},\"hostid\":{},\"templateid\":{}}}", n + 1, n % 40 + 1, n % 9 + 1)),
    );
    let items = stream("items", "itemid", &rows(60, |n| format!("{{\"itemid\":{},\"templateid\":{}}}", n + 1, n % 8 + 1)));
    assert!(found(&[links, items]).is_empty());
    let hosts = stream("hosts", "name", &rows(30, |n| format!("{{\"name\":\"h{n}\",\"templateid\":{}}}", n + 10_001)));
    let groups = rows(40, |n| format!("{{\"link\":{},\"templateid\":{}}}", n + 10_001, n % 30 + 10_001));
    let mut hosts = hosts;
    hosts.tables[0].primary_key = vec!["templateid".to_owned()];
    assert_eq!(found(&[hosts, stream("template_links", "link", &groups)]), ["template_links.templateid>hosts.templateid"]);
}

#[test]
fn a_key_refers_to_no_table_that_refers_to_it() {
    let groups = stream("hstgrp", "groupid", &rows(40, |n| format!("{{\"groupid\":{}}}", n + 10_001)));
    let link = |n: usize| format!("{{\"maintenance_groupid\":{},\"groupid\":{}}}", n + 10_001, n % 40 + 10_001);
    let links = stream("maintenances_groups", "maintenance_groupid", &rows(70, link));
    assert_eq!(found(&[groups, links]), ["maintenances_groups.groupid>hstgrp.groupid"]);
}

#[test]
fn a_table_may_be_called_by_its_initials() {
    let name = "history_dataset_association";
    let sets = stream(name, "id", &rows(90, |n| format!("{{\"id\":{}}}", n + 1)));
    let files = stream("metadata_file", "id", &rows(40, |n| format!("{{\"id\":{},\"hda_id\":{},\"hdb_id\":3}}", n + 1, n % 30 + 1)));
    assert_eq!(found(&[sets, files]), ["metadata_file.hda_id>history_dataset_association.id"]);
}

#[test]
fn the_last_word_of_a_tables_name_may_be_written_together_with_others() {
    let says = |column: &str, table: &str| naming::names(&naming::role(column), &keys::telling(table));
    assert!(says("attribute_id", "catalogue_productattribute") > 0.75);
    assert!(says("event_type_id", "order_paymenteventtype") > says("event_type_id", "django_content_type"));
    assert!(says("event_type_id", "django_content_type") < 0.7);
    let sorts = ["order_paymentevent", "order_paymenteventtype", "order_shippingeventtype"];
    let tables = sorts
        .map(|name| stream(name, "id", &rows(20, |n| format!("{{\"id\":{},\"event_type_id\":{}}}", n + 1, n % 12 + 1)[..].to_owned())));
    assert!(found(&tables).contains(&"order_paymentevent.event_type_id>order_paymenteventtype.id".to_owned()));
}

#[test]
fn a_number_of_several_things_is_no_id() {
    let id = |name: &str| naming::role(name).id;
    assert!(id("num_orders_as_billing_address") < 0.1 && id("num_orders_of_user") < 0.1);
    assert!(id("num_factura") > 0.5);
}
