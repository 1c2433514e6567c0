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

#[test]
fn what_only_says_here_is_the_value_is_called_as_the_object_around_it() {
    let record = r#"{"Id":"1","PrimaryEmailAddr":{"Address":"ann@example.org"},"PrimaryPhone":{"FreeFormNumber":"+49 228 123456"},"MetaData":{"CreateTime":"2024-01-01T00:00:00Z"}}"#;
    let expected = ["created_at=MetaData.CreateTime", "email=PrimaryEmailAddr.Address", "phone=PrimaryPhone.FreeFormNumber"];
    assert_eq!(fields(&find(&[stream("books_customers", record)], &[]).unwrap(), "customer"), expected);
}

#[test]
fn a_count_is_no_country() {
    let company = stream("chat_companies", r#"{"id":"1","name":"Acme","user_count":3}"#);
    assert_eq!(fields(&find(&[company], &[]).unwrap(), "company"), ["name=name"]);
}

#[test]
fn what_somebody_calls_themselves_is_not_their_name() {
    let user = stream("chat_users", r#"{"id":"U1","name":"ann77","real_name":"Ann Bee"}"#);
    assert_eq!(fields(&find(&[user], &[]).unwrap(), "customer"), ["full_name=real_name"]);
}

#[test]
fn numbered_and_prefixed_addresses_are_addresses() {
    let record =
        r#"{"contactid":"1","emailaddress1":"a@b.example","address1_city":"Bonn","address1_country":"DE","address1_postalcode":"53111"}"#;
    let expected = ["city=address1_city", "country=address1_country", "email=emailaddress1", "postal_code=address1_postalcode"];
    assert_eq!(fields(&find(&[stream("crm_contacts", record)], &[]).unwrap(), "customer"), expected);
}

#[test]
fn who_pays_lives_where_the_bill_goes() {
    let record =
        r#"{"id":7,"email":"a@b.example","billing":{"company":"Acme","city":"Bonn","phone":"+49228123456"},"shipping":{"city":"Köln"}}"#;
    let expected = ["city=billing.city", "company_name=billing.company", "email=email", "phone=billing.phone"];
    assert_eq!(fields(&find(&[stream("shop_customers", record)], &[]).unwrap(), "customer"), expected);
}

#[test]
fn an_account_with_somebodys_names_is_a_persons() {
    let account = stream("billing_accounts", r#"{"id":"1","email":"a@b.example","first_name":"Ann","last_name":"Bee","company":"Acme"}"#);
    let expected = ["company_name=company", "email=email", "first_name=first_name", "last_name=last_name"];
    assert_eq!(fields(&find(&[account], &[]).unwrap(), "customer"), expected);
}

#[test]
fn an_address_may_have_one_letter_before_each_word_and_whoever_lives_there_a_telephone() {
    let client = stream("books_clients", r#"{"id":1,"fname":"Ann","p_city":"Bonn","s_city":"Ulm"}"#);
    assert_eq!(fields(&find(&[client], &[]).unwrap(), "customer"), ["city=p_city", "first_name=fname"]);
    let user = stream("sign_users", r#"{"id":1,"email":"a@b.example","workAddress":{"city":"Bonn","phone":"+49 228 123456"}}"#);
    assert_eq!(fields(&find(&[user], &[]).unwrap(), "customer"), ["city=workAddress.city", "email=email", "phone=workAddress.phone"]);
}

#[test]
fn a_login_that_is_a_mail_address_is_one_where_there_is_no_other() {
    let only = stream("box_users", r#"{"id":1,"login":"a@b.example"}"#);
    assert_eq!(fields(&find(&[only], &[]).unwrap(), "customer"), ["email=login"]);
    let both = stream("box_users", r#"{"id":1,"login":"a@b.example","mail":"c@d.example"}"#);
    assert_eq!(fields(&find(&[both], &[]).unwrap(), "customer"), ["email=mail"]);
}

#[test]
fn who_somebody_works_for_may_be_an_object_and_what_they_are_may_be_in_a_part_of_the_record() {
    let contact = stream("crm_contacts", r#"{"id":1,"name":"Ann Bee","company":{"id":7,"name":"Acme"},"office":{"name":"Bonn"}}"#);
    assert_eq!(fields(&find(&[contact], &[]).unwrap(), "customer"), ["company_name=company.name", "full_name=name"]);
    let customer = stream(
        "pay_customers",
        r#"{"id":1,"personal_details":{"email":"a@b.example","address":{"city":"Bonn"}},"bank_details":{"country":"DE"}}"#,
    );
    let expected = ["city=personal_details.address.city", "email=personal_details.email"];
    assert_eq!(fields(&find(&[customer], &[]).unwrap(), "customer"), expected);
}

#[test]
fn the_words_before_an_address_may_be_several() {
    let contact = stream("crm_contacts", r#"{"id":1,"primary_address_country":"DE","primary_address_postalcode":"53111"}"#);
    let expected = ["country=primary_address_country", "postal_code=primary_address_postalcode"];
    assert_eq!(fields(&find(&[contact], &[]).unwrap(), "customer"), expected);
}

#[test]
fn an_object_and_its_key_together_may_be_the_name_of_a_field() {
    let employee =
        stream("hr_employees", r#"{"id":1,"email":"a@b.example","work":{"title":"Buyer"},"home":{"mobilePhone":"+49 228 1234567"}}"#);
    let expected = ["email=email", "job_title=work.title", "phone=home.mobilePhone"];
    assert_eq!(fields(&find(&[employee], &[]).unwrap(), "customer"), expected);
    let contact = stream("desk_contacts", r#"{"id":1,"name":"Ann Bee","company":{"company_name":"Acme"},"parent":{"title":"Sir"}}"#);
    assert_eq!(fields(&find(&[contact], &[]).unwrap(), "customer"), ["company_name=company.company_name", "full_name=name"]);
}

#[test]
fn the_one_whom_a_record_is_about_may_be_in_an_object_of_its_own() {
    let buyer = stream("shop_customers", r#"{"id":1,"email":"a@b.example","billingPerson":{"phone":"+49 228 1234567"}}"#);
    assert_eq!(fields(&find(&[buyer], &[]).unwrap(), "customer"), ["email=email", "phone=billingPerson.phone"]);
    let shopper = stream("pay_shoppers", r#"{"id":1,"shopperName":{"firstName":"Ann","lastName":"Bee"},"dataFields":{"city":"Bonn"}}"#);
    let expected = ["city=dataFields.city", "first_name=shopperName.firstName", "last_name=shopperName.lastName"];
    assert_eq!(fields(&find(&[shopper], &[]).unwrap(), "customer"), expected);
}

fn streams_of(name: &str, records: impl Iterator<Item = String>) -> Stream {
    let mut profile = Profile::default();
    for record in records {
        profile.record(record.as_bytes()).unwrap();
    }
    Stream::new(name, profile)
}

#[test]
fn clients_that_are_called_as_companies_are_companies() {
    let called = |n: usize| ["Abel Inc", "Baker, Bode and Son", "Cole Ltd", "Dorn", "Ernst & Frei"][n % 5].replace(' ', &format!(" {n} "));
    let clients = streams_of("time_clients", (0..20).map(|n| format!(r#"{{"id":{n},"name":"{}"}}"#, called(n))));
    assert_eq!(fields(&find(&[clients], &[]).unwrap(), "company"), ["name=name"]);
    let people = streams_of("time_clients", (0..20).map(|n| format!(r#"{{"id":{n},"name":"Ann Bee{n}"}}"#)));
    assert_eq!(fields(&find(&[people], &[]).unwrap(), "customer"), ["full_name=name"]);
    let both = streams_of("time_clients", (0..20).map(|n| format!(r#"{{"id":{n},"first_name":"Ann{n}","contact_name":"{}"}}"#, called(n))));
    assert_eq!(fields(&find(&[both], &[]).unwrap(), "customer"), ["first_name=first_name"]);
}

#[test]
fn a_key_is_no_name_and_an_account_that_all_share_is_nobodys_company() {
    let users = streams_of(
        "desk_users",
        (0..20).map(|n| format!(r#"{{"email":"a{n}@b.example","company":{{"value":"9f8e7d6c5b4a3920{n:016}"}}}}"#)),
    );
    assert_eq!(fields(&find(&[users], &[]).unwrap(), "customer"), ["email=email"]);
    let users = streams_of("desk_users", (0..20).map(|n| format!(r#"{{"email":"a{n}@b.example","account":{{"name":"Acme"}}}}"#)));
    assert_eq!(fields(&find(&[users], &[]).unwrap(), "customer"), ["email=email"]);
}
