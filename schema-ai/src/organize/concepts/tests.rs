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

/// A few records of this stream with a list of this name.
fn listing(stream: &str, list: &str, element: &str) -> Stream {
    let records = (0..20).map(|n| {
        let listed = format!("[{}]", element.replace("{n}", &n.to_string()));
        let inner = list.rsplit('.').fold(listed, |inner, key| format!(r#"{{"{key}":{inner}}}"#));
        format!(r#"{{"id":{n},"number":"N-{n}","status":"open",{}"#, &inner[1..])
    });
    streams_of(stream, records)
}

/// What it feeds.
fn fed_by(stream: &str, list: &str, element: &str) -> Vec<String> {
    let found = find(&[listing(stream, list, element)], &[]).unwrap();
    let feed = format!("{stream}.{list}[]");
    found.iter().filter(|entity| entity.streams.contains(&feed)).map(|entity| entity.name.clone()).collect()
}

const LINE: &str = r#"{"id":{n},"title":"Lamp {n}","sku":"L-{n}","quantity":1,"price":"{n}.50"}"#;

#[test]
fn lines_of_orders_and_invoices_are_found_under_whatever_name_they_go() {
    for list in [
        "line_items",
        "lines",
        "lines.data",
        "items",
        "orderItems",
        "order_lines",
        "positions",
        "LineItems",
        "Line",
        "products",
        "order.items",
    ] {
        assert_eq!(fed_by("orders", list, LINE), ["line_item"], "{list}");
    }
    let billed = r#"{"id":"il_{n}","amount":{n},"description":"Hours {n}","quantity":2}"#;
    assert_eq!(fed_by("stripe_invoices", "lines.data", billed), ["line_item"]);
    assert_eq!(fed_by("quotes", "line_items", LINE), ["line_item"]);
}

#[test]
fn what_is_listed_in_a_record_and_is_no_thing_of_its_own_feeds_nothing() {
    let address = r#"{"id":{n},"name":"Ann Bee{n}","city":"Bonn","zip":"53111","country":"DE"}"#;
    let tax = r#"{"id":{n},"title":"VAT","rate":0.19,"price":"{n}.20","amount":{n}}"#;
    let fee = r#"{"id":{n},"name":"Handling {n}","total":"{n}.20","amount":{n}}"#;
    let named = r#"{"id":{n},"name":"quantity","value":"{n}","namespace":"x"}"#;
    for (list, element) in [
        ("addresses", address),
        ("tax_lines", tax),
        ("taxes", tax),
        ("shipping_lines", fee),
        ("fee_lines", fee),
        ("coupon_lines", fee),
        ("discount_applications", fee),
        ("fulfillments", r#"{"id":{n},"status":"sent","quantity":1,"tracking_number":"T{n}"}"#),
        ("refunds", r#"{"id":{n},"amount":{n},"created_at":"2026-01-01T00:00:00Z"}"#),
        ("metafields", named),
        ("labels", named),
        ("note_attributes", named),
        ("items", named),
        ("items", r#"{"id":{n},"name":"Lamp","quantity":1}"#),
        ("line_items", r#"{"id":{n},"title":"Lamp"}"#),
        ("tags", r#""a{n}""#),
        ("refund.line_items", LINE),
    ] {
        assert!(fed_by("orders", list, element).is_empty(), "{list} {element}");
    }
    for stream in ["products", "customers", "carts", "sensors", "subscriptions"] {
        assert!(fed_by(stream, "line_items", LINE).is_empty(), "{stream}");
    }
}

#[test]
fn a_list_in_a_list_and_one_of_objects_and_plain_values_feed_nothing() {
    assert!(fed_by("orders", "line_items", &format!(r#"{LINE},"free text""#)).is_empty());
    assert!(fed_by("orders", "line_items", &format!("[{LINE}]")).is_empty());
    let inner = format!(r#"{{"id":{{n}},"line_items":[{LINE}]}}"#);
    let records = (0..20).map(|n| format!(r#"{{"id":{n},"fulfillments":[{}]}}"#, inner.replace("{n}", &n.to_string())));
    assert!(find(&[streams_of("orders", records)], &[]).unwrap().iter().all(|entity| entity.name == "order"));
}

#[test]
fn of_several_lists_that_may_be_one_thing_the_one_with_the_likelier_name_is_it() {
    let line = |n: usize| LINE.replace("{n}", &n.to_string());
    for (first, second) in [("items", "lines"), ("lines", "items")] {
        let orders =
            streams_of("orders", (0..20).map(|n| format!(r#"{{"id":{n},"{first}":[{}],"{second}":[{}]}}"#, line(n), line(n + 50))));
        let found = find(&[orders], &[]).unwrap();
        assert_eq!(found.iter().find(|entity| entity.name == "line_item").unwrap().streams, ["orders.lines[]"]);
    }
}

#[test]
fn what_was_said_in_tickets_and_paid_of_invoices_is_found_and_not_twice() {
    let comment = r#"{"id":{n},"author_id":{n},"body":"Hello {n}, it works","created_at":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(fed_by("tickets", "comments", comment), ["message"]);
    assert_eq!(fed_by("issues", "fields.comment.comments", comment), ["message"]);
    assert!(fed_by("orders", "comments", comment).is_empty());
    let paid = r#"{"id":{n},"amount":{n},"date":"2026-01-01","method":"card"}"#;
    assert_eq!(fed_by("invoices", "payments", paid), ["payment"]);
    // The payments of a source that has them as a stream are not taken from its invoices as well; those of another are.
    let records = |name: &str, of: &dyn Fn(usize) -> String| streams_of(name, (0..20).map(of));
    let payment = |n: usize| paid.replace("{n}", &n.to_string());
    let streams = [
        records("books_invoices", &|n| format!(r#"{{"id":{n},"payments":[{}]}}"#, payment(n))),
        records("books_payments", &payment),
        records("shop_orders", &|n| format!(r#"{{"id":{n},"payments":[{}]}}"#, payment(n))),
        records("shop_customers", &|n| format!(r#"{{"id":{n},"email":"a{n}@b.example"}}"#)),
    ];
    let found = find(&streams, &[]).unwrap();
    assert_eq!(found.iter().find(|entity| entity.name == "payment").unwrap().streams, ["books_payments", "shop_orders.payments[]"]);
}

#[test]
fn columns_of_a_list_have_paths_within_it_and_feed_the_fields_of_what_it_is() {
    let orders = streams_of(
        "orders",
        (0..20).map(|n| format!(r#"{{"id":{n},"lines":{{"edges":[{{"node":{}}}]}}}}"#, LINE.replace("{n}", &n.to_string()))),
    );
    let expected = [
        "description=lines.edges[].node.title",
        "quantity=lines.edges[].node.quantity",
        "sku=lines.edges[].node.sku",
        "unit_price=lines.edges[].node.price",
    ];
    assert_eq!(fields(&find(&[orders], &[]).unwrap(), "line_item"), expected);
}

#[test]
fn lines_of_many_providers_are_read() {
    let lines = |stream: &str, list: &str, element: &str| {
        let records = (0..20).map(|n| format!(r#"{{"id":{n},"{list}":[{}]}}"#, element.replace("{n}", &n.to_string())));
        let found = find(&[streams_of(stream, records)], &[]).unwrap();
        let inside = |one: &String| one.replace(&format!("{list}[]."), "");
        fields(&found, if found.iter().any(|one| one.name == "message") { "message" } else { "line_item" })
            .iter()
            .map(inside)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        lines(
            "woo_orders",
            "line_items",
            r#"{"id":{n},"name":"Lamp","product_id":{n},"quantity":1,"subtotal":"3.00","total":"2.{n}","total_tax":"0.10","sku":"L{n}","price":2.{n},"taxes":[]}"#
        ),
        ["amount=total", "description=name", "quantity=quantity", "sku=sku", "unit_price=price"]
    );
    assert_eq!(
        lines(
            "books_invoices",
            "LineItems",
            r#"{"LineItemID":"8d7c5a1e-0f6b-4c0a-9f7a-0000000000{n}","Description":"Hours","Quantity":2,"UnitAmount":9.{n},"LineAmount":{n}.5,"ItemCode":"H{n}","AccountCode":"200"}"#
        ),
        ["amount=LineAmount", "description=Description", "quantity=Quantity", "sku=ItemCode", "unit_price=UnitAmount"]
    );
    assert_eq!(
        lines(
            "mage_orders",
            "items",
            r#"{"item_id":{n},"sku":"L{n}","name":"Lamp","qty_ordered":1,"price":{n}.5,"row_total":{n}.5,"discount_amount":0,"weight":1}"#
        ),
        ["amount=row_total", "description=name", "discount=discount_amount", "quantity=qty_ordered", "sku=sku", "unit_price=price"]
    );
    assert_eq!(
        lines(
            "pos_orders",
            "line_items",
            r#"{"uid":"u{n}","name":"Lamp","quantity":"{n}","base_price_money":{"amount":{n},"currency":"EUR"}}"#
        ),
        ["description=name", "quantity=quantity", "unit_price=base_price_money.amount"]
    );
    assert_eq!(
        lines(
            "books_invoices",
            "line_items",
            r#"{"line_item_id":"{n}","name":"Lamp","rate":{n}.5,"quantity":1,"item_total":{n}.5,"tax_name":"VAT","tax_percentage":19}"#
        ),
        ["amount=item_total", "description=name", "quantity=quantity", "unit_price=rate"]
    );
    assert_eq!(
        lines(
            "desk_tickets",
            "messages",
            r#"{"id":{n},"body_text":"Hello {n}, it works","sent_datetime":"2026-01-01T00:00:00Z","public":true}"#
        ),
        ["body=body_text", "sent_at=sent_datetime"]
    );
}

#[test]
fn an_amount_of_money_may_be_an_object_and_say_what_it_has_of_taxes() {
    let line = |price: &str| {
        let element = format!(r#"{{"id":{{n}},"quantity":2,{price}}}"#);
        let found = find(&[listing("shop_orders", "lines", &element)], &[]).unwrap();
        fields(&found, "line_item").iter().map(|one| one.replace("lines[].", "")).collect::<Vec<_>>()
    };
    assert_eq!(
        line(r#""price":{"value":{"cent_amount":5{n},"currency":"EUR"}}"#),
        ["quantity=quantity", "unit_price=price.value.cent_amount"]
    );
    assert_eq!(line(r#""unitPrice":{"currency":"EUR","netAmount":5.{n}}"#), ["quantity=quantity", "unit_price=unitPrice.netAmount"]);
    assert_eq!(line(r#""total_money":{"amount":5{n},"currency":"EUR"}"#), ["amount=total_money.amount", "quantity=quantity"]);
    assert_eq!(line(r#""total_inc_tax":"5.{n}""#), ["amount=total_inc_tax", "quantity=quantity"]);
    assert_eq!(line(r#""unit_price_tax_excl":"5.{n}""#), ["quantity=quantity", "unit_price=unit_price_tax_excl"]);
    for tax in
        [r#""total_tax":"5.{n}""#, r#""tax":{"amount":5{n}}"#, r#""total_tax_money":{"amount":5{n}}"#, r#""warehouse":{"value":5{n}}"#]
    {
        assert!(fed_by("shop_orders", "lines", &format!(r#"{{"id":{{n}},"quantity":2,{tax}}}"#)).is_empty(), "{tax}");
    }
}

#[test]
fn a_list_may_be_in_an_object_that_is_about_it() {
    let paid = r#"{"id":{n},"amount":{"value":"5.{n}"},"paymentDate":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(fed_by("orders", "paymentSummary.payments", paid), ["payment"]);
    assert!(fed_by("orders", "refundSummary.payments", paid).is_empty());
    assert_eq!(fed_by("orders", "associations.order_rows", LINE), ["line_item"]);
    let sold = r#"{"id":{n},"unitQuantity":2,"unitPrice":"5.{n}"}"#;
    assert_eq!(fed_by("sales", "SaleLines.SaleLine", sold), ["line_item"]);
}

#[test]
fn transactions_of_an_invoice_are_payments_if_they_say_how_they_went() {
    let took = r#"{"id":{n},"amount":5{n},"status":"success","created_at":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(fed_by("invoices", "transactions", took), ["payment"]);
    let sold = r#"{"id":{n},"title":"Lamp","quantity":1,"price":{"amount":5{n}},"created_at":"2026-01-01T00:00:00Z"}"#;
    assert!(fed_by("orders", "transactions", sold).is_empty());
    let applied = r#"{"id":{n},"applied_amount":5{n},"applied_at":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(fed_by("invoices", "linked_payments", applied), ["payment"]);
}
