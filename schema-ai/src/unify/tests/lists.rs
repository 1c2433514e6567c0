//! Lists in records that feed entities: the lines of orders and invoices.

use serde_json::{Value, json};

use super::{World, invoice, on_each, stripe};
use crate::{
    organize::plan::edit::Edit,
    tables::{Deletes, TablePolicy, database::cells},
    unify::{Desk, Policy, apply, entities::Source},
};

/// The lines of an order: their ids and how many of each.
type Lines<'l> = &'l [(usize, usize)];

fn order(n: usize, lines: Lines<'_>) -> (String, Option<String>) {
    let line = |(id, quantity): &(usize, usize)| {
        json!({"id": 70_000 + id, "title": format!("Lamp {id}"), "sku": format!("L-{id}"), "quantity": quantity, "price": format!("{id}.50"),
               "tax_lines": [{"title": "VAT", "rate": 0.19}]})
    };
    let body = json!({"id": 5_000 + n, "order_number": 1_000 + n, "email": format!("p{n}@example.com"), "total_price": format!("{n}.00"),
        "currency": "EUR", "financial_status": "paid", "created_at": "2026-01-02T03:04:05Z", "updated_at": format!("2026-02-02T03:04:{:02}Z", n % 60),
        "line_items": lines.iter().map(line).collect::<Vec<Value>>()});
    (format!("{}", 5_000 + n), Some(body.to_string()))
}

/// An order with one to three lines.
fn plain(n: usize) -> (String, Option<String>) {
    let lines: Vec<(usize, usize)> = (0..=n % 3).map(|at| (n * 10 + at, at + 1)).collect();
    order(n, &lines)
}

fn billed(n: usize, lines: usize) -> (String, Option<String>) {
    let (key, body) = invoice(n);
    let mut body: Value = serde_json::from_str(&body.unwrap()).unwrap();
    // These have no ids.
    let line = |at: usize| json!({"amount": n * 10 + at, "description": format!("Hour {n} {at}"), "quantity": at + 1});
    body["lines"] = json!({"object": "list", "data": (0..lines).map(line).collect::<Vec<_>>()});
    (key, Some(body.to_string()))
}

/// A tenant with a shop, whose orders have 120 lines, and with bills, which have 100.
fn on_each_shop(test: impl Fn(World)) {
    on_each(|mut world| {
        world.bring("shop", "orders", &(0..60).map(plain).collect::<Vec<_>>());
        world.bring("stripe", "customers", &(0..60).map(stripe).collect::<Vec<_>>());
        world.bring("stripe", "invoices", &(0..50).map(|n| billed(n, 2)).collect::<Vec<_>>());
        test(world);
    });
}

/// What unified lines there are, and what is kept beside them, the engine's own counts apart.
fn lines(world: &World) -> Vec<String> {
    let sql = "SELECT id || ' ' || stream || ' ' || record_key || ' ' || coalesce(order_id, '-') || ' ' || coalesce(invoice_id, '-') || ' ' \
               || coalesce(CAST(quantity AS text), '-') || ' ' || coalesce(sku, '-') || ' ' || _syncline_lineage || ' ' || _syncline_as_of \
               FROM line_item JOIN line_item_crosswalk ON entity_id = id ORDER BY 1";
    world.texts(sql)
}

fn keys_of(world: &World, order: usize) -> Vec<String> {
    world.texts(&format!("SELECT record_key FROM line_item_crosswalk WHERE record_key LIKE '{order}[%' ORDER BY 1"))
}

#[test]
fn lines_of_two_sources_are_rows_that_refer_to_what_they_are_of() {
    on_each_shop(|world| {
        let plan = world.accept();
        let document = world.desk().plan(plan).unwrap().plan;
        let entity = document.entities.iter().find(|entity| entity.concept == "line_item").unwrap();
        assert_eq!(entity.streams, ["shop_orders.line_items[]", "stripe_invoices.lines.data[]"]);
        assert_eq!(world.count("SELECT count(*) FROM line_item"), 120 + 100);
        assert_eq!(world.count("SELECT count(*) FROM line_item WHERE order_id IS NOT NULL AND invoice_id IS NULL"), 120);
        assert_eq!(world.count("SELECT count(*) FROM line_item WHERE invoice_id IS NOT NULL AND order_id IS NULL"), 100);
        assert_eq!(world.broken_references(), 0);
        // A line is as old as its order, and says which order's it is.
        let own = "SELECT count(*) FROM line_item AS line JOIN \"order\" AS whole ON whole.id = line.order_id \
                   WHERE line._syncline_as_of = whole._syncline_as_of AND CAST(whole.number AS text) = '1008'";
        assert_eq!(world.count(own), 3);
        let amounts = "SELECT CAST(sum(amount) AS bigint) FROM line_item WHERE invoice_id IS NOT NULL";
        assert_eq!(world.count(amounts), (0..50).map(|n| 20 * n + 1).sum::<i64>());
        assert_eq!(keys_of(&world, 5_008), ["5008[id=70080]", "5008[id=70081]", "5008[id=70082]"]);
        assert_eq!(world.count("SELECT count(*) FROM line_item_crosswalk WHERE record_key = 'in_00007[1]'"), 1);
        let lineage: Value = serde_json::from_str(&world.text(
            "SELECT _syncline_lineage FROM line_item JOIN line_item_crosswalk ON entity_id = id WHERE record_key = '5008[id=70081]'",
        ))
        .unwrap();
        assert_eq!(lineage["quantity"], json!(["shop_orders.line_items[]/5008[id=70081]", "line_items[].quantity"]));
    });
}

#[test]
fn lines_come_go_and_change_with_their_order_and_keep_their_ids() {
    for deletes in [Deletes::Soft, Deletes::Hard] {
        on_each_shop(|mut world| {
            world.policy = TablePolicy { deletes, ..TablePolicy::default() };
            world.accept();
            let id = "SELECT entity_id FROM line_item_crosswalk WHERE record_key = '5008[id=70082]'";
            let before = world.text(id);
            let all = world.count("SELECT count(*) FROM line_item");
            // One is gone, one is new, one comes first now and is another number of things.
            world.bring("shop", "orders", &[order(8, &[(82, 9), (80, 1), (83, 4)])]);
            assert_eq!(keys_of(&world, 5_008), ["5008[id=70080]", "5008[id=70082]", "5008[id=70083]"]);
            assert_eq!((world.text(id), world.count("SELECT count(*) FROM line_item")), (before.clone(), all));
            assert_eq!(world.count(&format!("SELECT CAST(quantity AS bigint) FROM line_item WHERE id = '{before}'")), 9);
            world.bring("shop", "orders", &[order(8, &[])]);
            assert_eq!((keys_of(&world, 5_008).len(), world.count("SELECT count(*) FROM line_item")), (0, all - 3));
            world.bring("shop", "orders", &[order(8, &[(82, 1)])]);
            assert_eq!(world.text(id), before, "what comes back is what it was");
            // The order goes, and its lines with it.
            world.bring("shop", "orders", &[("5008".to_owned(), None), ("5009".to_owned(), None)]);
            assert_eq!(world.count("SELECT count(*) FROM line_item"), all - 4);
            assert_eq!(world.count("SELECT count(*) FROM line_item_crosswalk"), all - 4);
            assert_eq!(world.count("SELECT count(*) FROM _syncline_parts"), all - 4);
            assert_eq!(world.broken_references(), 0);
        });
    }
}

#[test]
fn lines_without_an_id_are_told_apart_by_their_place_and_of_two_with_one_id_none_is_lost() {
    on_each_shop(|mut world| {
        world.accept();
        world.bring("stripe", "invoices", &[billed(7, 3)]);
        assert_eq!(world.count("SELECT count(*) FROM line_item_crosswalk WHERE record_key LIKE 'in_00007[%'"), 3);
        world.bring("stripe", "invoices", &[billed(7, 1)]);
        assert_eq!(world.texts("SELECT record_key FROM line_item_crosswalk WHERE record_key LIKE 'in_00007[%'"), ["in_00007[0]"]);
        world.bring("shop", "orders", &[order(8, &[(80, 1), (80, 2), (81, 3), (80, 4)])]);
        assert_eq!(keys_of(&world, 5_008), ["5008[1]", "5008[3]", "5008[id=70080]", "5008[id=70081]"]);
        let sum =
            "SELECT CAST(sum(quantity) AS bigint) FROM line_item JOIN line_item_crosswalk ON entity_id = id WHERE record_key LIKE '5008[%'";
        assert_eq!(world.count(sum), 10);
    });
}

#[test]
fn lines_taken_over_in_portions_are_those_that_were_followed_event_by_event() {
    on_each_shop(|mut world| {
        world.accept();
        let long = |n: usize| order(n, &(0..12).map(|at| (n * 20 + at, at + 1)).collect::<Vec<_>>());
        for n in 0..6 {
            world.bring("shop", "orders", &(60 + n * 20..80 + n * 20).map(long).collect::<Vec<_>>());
        }
        world.bring("shop", "orders", &(0..30).map(|n| order(n * 2, &[(n * 20, 5), (n * 20 + 9, 1)])).collect::<Vec<_>>());
        world.bring("shop", "orders", &(0..20).map(|n| (format!("{}", 5_000 + n * 3), None)).collect::<Vec<_>>());
        let followed = lines(&world);
        assert!(followed.len() > 1_500, "{}", followed.len());
        // The same from the tables, where some of what was known is no more, and with a desk that is left after each portion, as by a
        // process that dies. In between an order comes once more, and another one goes.
        world.run(
            "DELETE FROM line_item_crosswalk WHERE record_key LIKE '5%0[%'; DELETE FROM line_item WHERE id NOT IN (SELECT entity_id FROM \
             line_item_crosswalk); DELETE FROM _syncline_records WHERE entity = 'line_item' AND thing NOT IN (SELECT id FROM line_item)",
        );
        let db = world.home.database(&world.tenant).unwrap().unwrap();
        for feed in ["shop_orders.line_items[]", "stripe_invoices.lines.data[]"] {
            apply::begin_walk(db.as_ref(), "line_item", feed, 1).unwrap();
        }
        let mut portions = 0;
        while world.desk().step().unwrap() {
            portions += 1;
            if portions == 2 {
                world.follow_only("shop", "orders", &[long(170), ("5171".to_owned(), None)]);
            }
        }
        assert!(portions > 2, "{portions}");
        let wanted: Vec<String> = followed.into_iter().filter(|line| !line.contains(" 5171[")).collect();
        assert_eq!(lines(&world), wanted);
    });
}

#[test]
fn what_the_log_gives_twice_and_what_was_not_committed_leaves_no_trace() {
    on_each_shop(|mut world| {
        world.accept();
        let logged = world.write("shop", "orders", &[order(8, &[(80, 7)]), order(90, &[(900, 1)])]);
        let before = lines(&world);
        {
            let mut desk = world.desk();
            desk.follow(&logged).unwrap();
            desk.follow(&logged).unwrap();
        }
        let after = lines(&world);
        assert_eq!(after.len(), before.len() - 2 + 1);
        world.desk().follow(&logged).unwrap();
        assert_eq!(lines(&world), after);
    });
}

#[test]
fn only_the_lines_wait_where_what_they_say_becomes_something_else() {
    on_each_shop(|mut world| {
        world.accept();
        let (key, body) = order(8, &[(80, 7)]);
        let broken = body
            .unwrap()
            .replace(r#""quantity":7"#, r#""quantity":"a few""#)
            .replace(r#""financial_status":"paid""#, r#""financial_status":"open""#);
        world.bring("shop", "orders", &[(key, Some(broken))]);
        let waiting = world.desk().progress().unwrap();
        let held: Vec<&str> = waiting.held.iter().map(|(feed, _)| feed.as_str()).collect();
        assert_eq!(held, ["shop_orders.line_items[]"], "{waiting:?}");
        assert_eq!(world.count("SELECT count(*) FROM \"order\" WHERE status = 'open'"), 1, "the order itself goes on");
        assert_eq!(keys_of(&world, 5_008).len(), 3);
        // Others of its lines go while they wait.
        world.bring("shop", "orders", &[order(9, &[])]);
        assert_eq!(keys_of(&world, 5_009).len(), 1);
        let mut desk = world.desk();
        desk.accept(waiting.proposed.unwrap()).unwrap();
        while desk.step().unwrap() {}
        assert_eq!((keys_of(&world, 5_008).len(), keys_of(&world, 5_009).len()), (1, 0));
        assert_eq!(world.count("SELECT count(*) FROM line_item WHERE CAST(quantity AS text) = 'a few'"), 1);
    });
}

#[test]
fn a_tenant_from_before_lists_fed_anything_gets_them_by_the_policy() {
    on_each_shop(|mut world| {
        let mut desk = world.desk();
        let id = desk.begin("asked").unwrap();
        desk.make(id).unwrap();
        let mut old = desk.plan(id).unwrap().plan;
        old.entities.retain(|entity| entity.concept != "line_item");
        let db = world.home.database(&world.tenant).unwrap().unwrap();
        let body = serde_json::to_string(&old).unwrap();
        db.run("UPDATE _syncline_plans SET body = ? WHERE id = ?", cells![body, id]).unwrap();
        world.run("DROP TABLE _syncline_parts");
        let mut desk = world.desk();
        desk.accept(id).unwrap();
        while desk.step().unwrap() {}
        desk.set_policy(Policy::AcceptAdditive).unwrap();
        // Twice as many records are a reason to look again.
        world.bring("shop", "orders", &(60..130).map(plain).collect::<Vec<_>>());
        let progress = world.desk().progress().unwrap();
        assert!(progress.accepted.unwrap() > id && progress.held.is_empty(), "{progress:?}");
        assert_eq!(world.count("SELECT count(*) FROM line_item"), (0..130).map(|n| n % 3 + 1).sum::<i64>() + 100);
        assert_eq!(world.count("SELECT count(*) FROM line_item WHERE order_id IS NULL AND invoice_id IS NULL"), 0);
    });
}

#[test]
fn what_was_decided_of_a_list_stays_decided() {
    on_each_shop(|world| {
        let plan = world.accept();
        let now = world.desk().plan(plan).unwrap().plan;
        let dropped = Edit::DropMapping {
            entity: "line_item".to_owned(),
            field: "sku".to_owned(),
            stream: "shop_orders".to_owned(),
            path: "line_items[].sku".to_owned(),
        };
        let decided = now.edited(&[dropped]).unwrap();
        assert_eq!(now.clone().on(&decided).entities, decided.entities);
        // A list that was empty when the plan was accepted is new.
        let mut without = now.clone();
        without.tables.retain(|table| table.stream != "shop_orders" || table.path.is_empty());
        without.entities.retain(|entity| entity.concept != "line_item");
        assert_eq!(now.clone().on(&without).entities, now.entities);
    });
}

#[test]
fn a_column_of_a_list_is_dropped_and_forced_by_its_path() {
    on_each_shop(|world| {
        let accepted = world.accept();
        let of = |path: &str, field: &str| Edit::ForceMapping {
            entity: "line_item".to_owned(),
            field: field.to_owned(),
            stream: "shop_orders".to_owned(),
            path: path.to_owned(),
        };
        let mut desk = world.desk();
        let edits = [
            Edit::DropMapping {
                entity: "line_item".to_owned(),
                field: "sku".to_owned(),
                stream: "shop_orders".to_owned(),
                path: "line_items[].sku".to_owned(),
            },
            of("line_items[].sku", "part"),
        ];
        let edited = desk.edit(accepted, &edits).unwrap();
        desk.accept(edited).unwrap();
        while desk.step().unwrap() {}
        assert_eq!(world.count("SELECT count(part) FROM line_item"), 120);
        assert_eq!(world.count("SELECT count(sku) FROM line_item"), 0);
        // A list in a list feeds when somebody says so.
        let taxed = desk.edit(edited, &[of("line_items[].tax_lines[].rate", "tax_rate")]).unwrap();
        desk.accept(taxed).unwrap();
        while desk.step().unwrap() {}
        assert_eq!(world.count("SELECT count(tax_rate) FROM line_item"), 120);
        assert_eq!(world.count("SELECT count(*) FROM line_item_crosswalk WHERE record_key = '5008[0][0]'"), 1);
        assert_eq!(world.count("SELECT count(*) FROM line_item WHERE tax_rate IS NOT NULL AND order_id IS NULL"), 0);
        let wrong = desk.edit(taxed, &[of("line_items[].skew", "part")]).unwrap_err().to_string();
        assert!(wrong.contains("did you mean `line_items[].sku`?"), "{wrong}");
        let key = Edit::ChooseKey { table: "shop_orders__line_items".to_owned(), columns: vec!["line_items[].sku".to_owned()] };
        let keyed = desk.edit(taxed, &[key]).unwrap();
        desk.accept(keyed).unwrap();
        while desk.step().unwrap() {}
        assert_eq!(keys_of(&world, 5_001), ["5001[0][0]", "5001[1][0]", "5001[sku=L-10]", "5001[sku=L-11]"]);
    });
}

#[test]
fn a_unified_line_says_in_which_list_of_which_record_it_is() {
    on_each_shop(|world| {
        let mut desk: Desk = world.desk();
        let id = desk.begin("asked").unwrap();
        desk.make(id).unwrap();
        desk.accept(id).unwrap();
        let of = |desk: &Desk| desk.entities().unwrap().into_iter().find(|entity| entity.name == "line_item").unwrap();
        let over = of(&desk).taking_over.unwrap();
        assert_eq!((over.taken, over.known), (0, 220));
        while desk.step().unwrap() {}
        let entity = of(&desk);
        assert_eq!((entity.rows, entity.records, entity.taking_over), (220, 220, None));
        let order = entity.fields.iter().find(|field| field.name == "order_id").unwrap();
        assert_eq!(order.references.as_deref(), Some("order"));
        let id = world.text("SELECT entity_id FROM line_item_crosswalk WHERE record_key = '5008[id=70081]'");
        let sources = desk.thing("line_item", &id).unwrap().sources;
        let expected = Source { stream: "shop_orders".to_owned(), list: Some("line_items".to_owned()), key: "5008[id=70081]".to_owned() };
        assert_eq!(sources, [expected]);
    });
}

#[test]
fn people_in_lists_are_found_to_be_those_of_other_streams_and_leave_with_their_list() {
    on_each(|mut world| {
        let employer = |n: usize, staff: &[usize]| {
            let one =
                |n: &usize| json!({"id": 800 + n, "who": super::person(*n).0 + " " + &super::person(*n).1, "mail": super::person(*n).2});
            let body = json!({"id": n, "name": format!("Firm {n} Ltd"), "domain": format!("firm{n}.com"), "staff": staff.iter().map(one).collect::<Vec<_>>()});
            (n.to_string(), Some(body.to_string()))
        };
        world.bring("crm", "companies", &(0..20).map(|n| employer(n, &[n * 2, n * 2 + 1])).collect::<Vec<_>>());
        world.bring("stripe", "customers", &(0..60).map(stripe).collect::<Vec<_>>());
        let accepted = world.accept();
        assert_eq!(world.count("SELECT count(*) FROM customer"), 60);
        let force = |field: &str, path: &str| Edit::ForceMapping {
            entity: "customer".to_owned(),
            field: field.to_owned(),
            stream: "crm_companies".to_owned(),
            path: format!("staff[].{path}"),
        };
        let mut desk = world.desk();
        let edited = desk.edit(accepted, &[force("full_name", "who"), force("email", "mail")]).unwrap();
        desk.accept(edited).unwrap();
        while desk.step().unwrap() {}
        assert_eq!(world.count("SELECT count(*) FROM customer_crosswalk"), 100);
        assert_eq!(world.count("SELECT count(*) FROM customer"), 60);
        let firm = "SELECT count(*) FROM customer JOIN customer_crosswalk ON entity_id = id WHERE record_key = 'cus_00007' AND \
                    company_id = (SELECT entity_id FROM company_crosswalk WHERE record_key = '3')";
        assert_eq!(world.count(firm), 1);
        world.bring("crm", "companies", &[employer(3, &[6]), employer(4, &[59, 8])]);
        assert_eq!(world.count(firm), 0, "who is in no firm's list is of none");
        assert_eq!((world.count("SELECT count(*) FROM customer_crosswalk"), world.count("SELECT count(*) FROM customer")), (99, 60));
        assert_eq!(world.broken_references(), 0);
    });
}

#[test]
fn a_list_may_be_called_as_it_likes() {
    on_each(|mut world| {
        let order = |n: usize, lines: usize| {
            let (key, body) = order(n, &[]);
            let mut body: Value = serde_json::from_str(&body.unwrap()).unwrap();
            let line = |at| json!({"qty.": n + at, "id": format!("a[{at}]/%")});
            body["my/lines.v2 []"] = (0..lines).map(line).collect();
            body["line_items"] = json!([{"id": n, "quantity": 1, "price": "1.00"}]);
            (key, Some(body.to_string()))
        };
        world.bring("shop", "orders", &(0..30).map(|n| order(n, 2)).collect::<Vec<_>>());
        let accepted = world.accept();
        let force = Edit::ForceMapping {
            entity: "line_item".to_owned(),
            field: "quantity".to_owned(),
            stream: "shop_orders".to_owned(),
            path: r#""my/lines.v2 []"[]."qty.""#.to_owned(),
        };
        let mut desk = world.desk();
        let edited = desk.edit(accepted, &[force]).unwrap();
        desk.accept(edited).unwrap();
        while desk.step().unwrap() {}
        assert_eq!(world.count("SELECT count(quantity) FROM line_item"), 30 + 60);
        assert_eq!(keys_of(&world, 5_007), ["5007[id=7]", "5007[id=a%5B0%5D/%25]", "5007[id=a%5B1%5D/%25]"]);
        let odd = "SELECT count(*) FROM line_item_crosswalk WHERE stream = 'shop_orders.\"my/lines.v2 []\"[]'";
        assert_eq!(world.count(odd), 60);
        world.bring("shop", "orders", &[order(7, 1)]);
        assert_eq!(keys_of(&world, 5_007), ["5007[id=7]", "5007[id=a%5B0%5D/%25]"]);
        assert_eq!(world.count(odd), 59);
    });
}
