#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod lists;

use std::{collections::BTreeSet, sync::Arc};

use bytes::Bytes;
use jiff::Timestamp;
use syncline_model::{
    Event, Origin, Record, RecordKey, TenantId,
    event::Source,
    log::{Logged, PartitionName, Place},
};
use tempfile::TempDir;

use super::{Desk, Policy, State, TakingOver};
use crate::{
    infer::Kind,
    organize::plan::edit::Edit,
    tables::{AnyHome, Postgres, SqliteHome, TablePolicy},
};

struct World {
    home: AnyHome,
    tenant: TenantId,
    offset: u64,
    is_postgres: bool,
    policy: TablePolicy,
    _folder: Option<TempDir>,
    _postgres: Option<Postgres>,
}

/// Runs a test on SQLite, and on the PostgreSQL of `SYNCLINE_TEST_POSTGRES_URL` if that is set.
fn on_each(test: impl Fn(World)) {
    let folder = tempfile::tempdir().unwrap();
    let home: AnyHome = Arc::new(SqliteHome(folder.path().to_owned()));
    let world = |home, is_postgres| World {
        home,
        tenant: "acme".parse().unwrap(),
        offset: 0,
        is_postgres,
        policy: TablePolicy::default(),
        _folder: None,
        _postgres: None,
    };
    test(World { _folder: Some(folder), ..world(home, false) });
    if let Some(postgres) = Postgres::new() {
        let home: AnyHome = Arc::new(postgres.home());
        test(World { _postgres: Some(postgres), ..world(home, true) });
    }
}

/// The same, of a tenant with two sources of people and one of invoices.
fn on_each_inhabited(test: impl Fn(World)) {
    on_each(|mut world| {
        world.bring("stripe", "customers", &(0..60).map(stripe).collect::<Vec<_>>());
        world.bring("hubspot", "contacts", &(30..90).map(hubspot).collect::<Vec<_>>());
        world.bring("stripe", "invoices", &(0..120).map(invoice).collect::<Vec<_>>());
        test(world);
    });
}

impl World {
    fn desk(&self) -> Desk {
        Desk::open(self.home.as_ref(), &self.tenant).unwrap()
    }

    /// Writes records into the tables, and what the log would give for them.
    fn write(&mut self, connector: &str, stream: &str, records: &[(String, Option<String>)]) -> Vec<Logged> {
        let source = Source {
            tenant: self.tenant.clone(),
            integration: connector.parse().unwrap(),
            connector: connector.parse().unwrap(),
            stream: stream.parse().unwrap(),
        };
        let logged: Vec<Logged> = records
            .iter()
            .map(|(key, body)| {
                self.offset += 1;
                let record = Record {
                    key: RecordKey::of([key.as_str()]),
                    body: Bytes::from(body.clone().unwrap_or_default()),
                    version: None,
                    time: None,
                    deleted: body.is_none(),
                };
                let place = Place { partition: PartitionName("log".to_owned()), offset: self.offset };
                Logged {
                    place,
                    committed: Timestamp::from_second(1_700_000_000 + i64::try_from(self.offset).unwrap()).unwrap(),
                    event: Event::new(&source, Origin::Poll, record),
                }
            })
            .collect();
        self.home.writer(&self.tenant, self.policy).unwrap().apply(&logged).unwrap();
        logged
    }

    fn bring(&mut self, connector: &str, stream: &str, records: &[(String, Option<String>)]) {
        let logged = self.write(connector, stream, records);
        let mut desk = self.desk();
        desk.follow(&logged).unwrap();
        while desk.step().unwrap() {}
    }

    /// The same, without what is still to be taken over.
    fn follow_only(&mut self, connector: &str, stream: &str, records: &[(String, Option<String>)]) {
        let logged = self.write(connector, stream, records);
        self.desk().follow(&logged).unwrap();
    }

    fn accept(&self) -> i64 {
        let mut desk = self.desk();
        let id = desk.begin("asked").unwrap();
        desk.make(id).unwrap();
        desk.accept(id).unwrap();
        while desk.step().unwrap() {}
        id
    }

    fn text(&self, sql: &str) -> String {
        self.home.database(&self.tenant).unwrap().unwrap().row(sql, &[]).unwrap().unwrap().text(0)
    }

    fn texts(&self, sql: &str) -> Vec<String> {
        self.home.database(&self.tenant).unwrap().unwrap().rows(sql, &[]).unwrap().iter().map(|row| row.text(0)).collect()
    }

    fn run(&self, sql: &str) {
        self.home.database(&self.tenant).unwrap().unwrap().batch(sql).unwrap();
    }

    fn count(&self, sql: &str) -> i64 {
        self.home.database(&self.tenant).unwrap().unwrap().row(sql, &[]).unwrap().unwrap().number(0)
    }

    /// References that lead nowhere. PostgreSQL refuses them by itself.
    fn broken_references(&self) -> i64 {
        if self.is_postgres { 0 } else { self.count("SELECT count(*) FROM pragma_foreign_key_check") }
    }
}

const FIRST: [&str; 12] =
    ["Ada", "Grace", "Linus", "Margaret", "Dennis", "Barbara", "Edsger", "Frances", "Donald", "Radia", "Niklaus", "Adele"];
const LAST: [&str; 11] =
    ["Lovelace", "Hopper", "Torvalds", "Hamilton", "Ritchie", "Liskov", "Dijkstra", "Allen", "Knuth", "Perlman", "Goldberg"];

fn person(n: usize) -> (String, String, String) {
    let (first, last) = (FIRST[n % 12], format!("{}{}", LAST[n * 7 % 11], ["", "son", "sen", "man", "ova"][n * 3 % 5]));
    let email = format!("{}.{}@example{}.com", first.to_lowercase(), last.to_lowercase(), n * 31 % 89);
    (first.to_owned(), last, email)
}

fn stripe(n: usize) -> (String, Option<String>) {
    let (first, last, email) = person(n);
    let id = format!("cus_{n:05}");
    let body = format!(
        r#"{{"id":"{id}","object":"customer","name":"{first} {last}","email":"{email}","phone":"+1 555 01{:04}","created":{}}}"#,
        n * 7919 % 10_000,
        1_600_000_000 + n
    );
    (id, Some(body))
}

fn hubspot(n: usize) -> (String, Option<String>) {
    let (first, last, email) = person(n);
    let id = format!("{}", 90_000 + n);
    let body =
        format!(r#"{{"id":"{id}","firstname":"{first}","lastname":"{last}","email":"{email}","jobtitle":"Engineer","city":"London"}}"#);
    (id, Some(body))
}

fn invoice(n: usize) -> (String, Option<String>) {
    let id = format!("in_{n:05}");
    let body = format!(
        r#"{{"id":"{id}","object":"invoice","customer":"cus_{:05}","number":"A-{n:04}","status":"paid","amount_due":{},"amount_paid":{},"currency":"eur","due_date":"2026-01-{:02}"}}"#,
        n % 60,
        n * 10,
        n * 10,
        n % 28 + 1
    );
    (id, Some(body))
}

#[test]
fn an_accepted_plan_makes_one_row_of_the_same_person_in_two_sources() {
    on_each_inhabited(|world| {
        world.accept();
        let plan = world.desk().plans(None, 1).unwrap();
        assert_eq!(plan[0].state, State::Accepted);
        assert_eq!(world.count("SELECT count(*) FROM customer_crosswalk"), 120);
        let people = world.count("SELECT count(*) FROM customer");
        assert!((88..=92).contains(&people), "{people}");
        let both = "SELECT _syncline_records FROM customer JOIN customer_crosswalk ON entity_id = id WHERE record_key = 'cus_00040'";
        assert_eq!(world.count(both), 2);
        assert_eq!(world.count("SELECT count(*) FROM invoice"), 120);
        assert_eq!(world.count("SELECT count(*) FROM invoice WHERE customer_id IN (SELECT id FROM customer)"), 120);
        assert_eq!(world.broken_references(), 0);
        assert_eq!(world.count("SELECT CAST(sum(amount_due) AS bigint) FROM invoice"), 71_400);
        if world.is_postgres {
            let types = "SELECT string_agg(DISTINCT data_type::text, ',') FROM information_schema.columns \
                         WHERE table_name = 'invoice' AND column_name IN ('amount_due', 'due_date', 'status')";
            assert_eq!(world.text(types), "bigint,date,text");
        }
    });
}

#[test]
fn entities_are_shown_with_their_rows_and_where_each_comes_from() {
    on_each_inhabited(|world| {
        assert!(world.desk().entities().unwrap().is_empty());
        world.accept();
        let desk = world.desk();
        let entities = desk.entities().unwrap();
        let invoice = entities.iter().find(|entity| entity.name == "invoice").unwrap();
        assert_eq!((invoice.rows, invoice.records, invoice.streams.as_slice()), (120, 120, ["stripe_invoices".to_owned()].as_slice()));
        let of = |name: &str| invoice.fields.iter().find(|field| field.name == name).unwrap();
        assert_eq!((of("amount_due").kind, of("due_date").kind), (Kind::Integer, Kind::Date));
        assert_eq!(of("customer_id").references.as_deref(), Some("customer"));
        let (mut ids, mut after) = (BTreeSet::new(), None);
        loop {
            let (rows, next) = desk.unified_rows("customer", after.as_deref(), 25).unwrap();
            ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            let Some(next) = next else { break };
            after = Some(next);
        }
        assert_eq!(i64::try_from(ids.len()).unwrap(), world.count("SELECT count(*) FROM customer"));
        let id = world.text("SELECT entity_id FROM customer_crosswalk WHERE record_key = 'cus_00040'");
        let thing = desk.thing("customer", &id).unwrap();
        let keys: Vec<&str> = thing.sources.iter().map(|source| source.key.as_str()).collect();
        assert_eq!(keys, ["90040", "cus_00040"]);
        assert_eq!(thing.row["email"], person(40).2.as_str());
        assert!(thing.row["_syncline_lineage"]["email"][0].is_string(), "{:?}", thing.row);
        assert_eq!(desk.thing("custmer", &id).unwrap_err().to_string(), "there is no entity `custmer` (did you mean `customer`?)");
        assert_eq!(desk.thing("customer", "x").unwrap_err().to_string(), "`customer` has no row `x`");
    });
}

#[test]
fn an_event_changes_only_what_it_touches_and_ids_stay() {
    on_each_inhabited(|mut world| {
        world.accept();
        let id = "SELECT entity_id FROM customer_crosswalk WHERE record_key = 'cus_00040'";
        let before = world.text(id);
        let rows = world.count("SELECT count(*) FROM customer");
        let (key, body) = stripe(40);
        world.bring("stripe", "customers", &[(key, body.map(|body| body.replace("+1 555 016760", "+1 555 019999")))]);
        assert_eq!((world.text(id), world.count("SELECT count(*) FROM customer")), (before, rows));
        assert_eq!(world.count("SELECT count(*) FROM customer WHERE phone = '+1 555 019999'"), 1);
        // A person who is gone at one source is still there by the other one, and gone when both are.
        world.bring("stripe", "customers", &[("cus_00040".to_owned(), None)]);
        assert_eq!(world.count("SELECT count(*) FROM customer"), rows);
        world.bring("hubspot", "contacts", &[("90040".to_owned(), None)]);
        assert_eq!(world.count("SELECT count(*) FROM customer"), rows - 1);
        assert_eq!(world.broken_references(), 0);
    });
}

#[test]
fn a_column_that_widens_in_the_middle_of_a_walk_keeps_what_was_taken_before() {
    on_each(|mut world| {
        world.bring("stripe", "customers", &(0..60).map(stripe).collect::<Vec<_>>());
        world.bring("stripe", "invoices", &(0..700).map(invoice).collect::<Vec<_>>());
        let mut desk = world.desk();
        let id = desk.begin("asked").unwrap();
        desk.make(id).unwrap();
        desk.accept(id).unwrap();
        let half = |desk: &Desk| {
            desk.progress().unwrap().walks.iter().any(|(entity, _, records, done)| entity == "invoice" && *records == 500 && !done)
        };
        let taking_over = |desk: &Desk| {
            let entities = desk.entities().unwrap();
            entities.into_iter().find(|entity| entity.name == "invoice").unwrap().taking_over
        };
        assert_eq!(taking_over(&desk), Some(TakingOver { taken: 0, known: 700 }));
        while !half(&desk) {
            assert!(desk.step().unwrap(), "the walk is over");
        }
        assert_eq!(taking_over(&desk), Some(TakingOver { taken: 500, known: 700 }));
        let (key, body) = invoice(699);
        world.write("stripe", "invoices", &[(key, body.map(|body| body.replace(r#""amount_due":6990"#, r#""amount_due":"a lot""#)))]);
        let mut desk = world.desk();
        while desk.step().unwrap() {}
        assert_eq!(taking_over(&desk), None);
        assert_eq!(world.count("SELECT count(*) FROM invoice WHERE amount_due IS NOT NULL"), 700);
        assert_eq!(world.count("SELECT count(*) FROM invoice WHERE CAST(amount_due AS text) = 'a lot'"), 1);
    });
}

#[test]
fn doing_it_again_changes_nothing() {
    on_each_inhabited(|world| {
        world.accept();
        let all = "SELECT min(id || _syncline_lineage || coalesce(email, '')) || max(id || _syncline_lineage || coalesce(email, '')) FROM customer";
        let before = world.text(all);
        let mut desk = world.desk();
        let id = desk.begin("again").unwrap();
        desk.make(id).unwrap();
        desk.accept(id).unwrap();
        while desk.step().unwrap() {}
        assert_eq!(world.text(all), before);
    });
}

#[test]
fn what_only_adds_is_accepted_by_the_policy_and_what_breaks_waits_and_stops_only_its_stream() {
    on_each_inhabited(|mut world| {
        let first = world.accept();
        world.desk().set_policy(Policy::AcceptAdditive).unwrap();
        let with_title = |n: usize| {
            let (key, body) = stripe(n);
            (key, body.map(|body| body.replace(r#""object""#, r#""language":"en","object""#)))
        };
        world.bring("stripe", "customers", &(0..60).map(with_title).collect::<Vec<_>>());
        let grown = world.desk().progress().unwrap();
        assert!(grown.accepted.unwrap() > first && grown.held.is_empty(), "{grown:?}");
        // An amount that becomes a text means something else.
        let broken = |n: usize| {
            let (key, body) = invoice(n);
            (key, body.map(|body| body.replace(&format!(r#""amount_due":{}"#, n * 10), r#""amount_due":"a lot""#)))
        };
        world.bring("stripe", "invoices", &(0..60).map(broken).collect::<Vec<_>>());
        let waiting = world.desk().progress().unwrap();
        assert_eq!(waiting.held.iter().map(|(stream, _)| stream.as_str()).collect::<Vec<_>>(), ["stripe_invoices"], "{waiting:?}");
        let proposed = waiting.proposed.unwrap();
        assert!(world.desk().diff(None, proposed).unwrap().iter().any(|one| one.breaking));
        assert_eq!(world.count("SELECT count(*) FROM invoice WHERE CAST(amount_due AS text) = 'a lot'"), 0);
        world.bring("hubspot", "contacts", &[hubspot(95)]);
        assert_eq!(world.count("SELECT count(*) FROM customer_crosswalk WHERE record_key = '90095'"), 1);
        let mut desk = world.desk();
        desk.accept(proposed).unwrap();
        while desk.step().unwrap() {}
        assert_eq!(world.count("SELECT count(*) FROM invoice WHERE CAST(amount_due AS text) = 'a lot'"), 60);
    });
}

#[test]
fn an_edited_plan_is_another_plan_and_names_are_carried_through() {
    on_each_inhabited(|world| {
        let accepted = world.accept();
        let mut desk = world.desk();
        let edits = [
            Edit::RenameEntity { entity: "customer".to_owned(), name: "person".to_owned() },
            Edit::RenameField { entity: "person".to_owned(), field: "email".to_owned(), name: "mail".to_owned() },
        ];
        let edited = desk.edit(accepted, &edits).unwrap();
        assert!(desk.diff(None, edited).unwrap().iter().all(|one| one.breaking));
        desk.accept(edited).unwrap();
        while desk.step().unwrap() {}
        assert!(world.count("SELECT count(mail) FROM person") > 80);
        assert_eq!(desk.plan(accepted).unwrap().state, State::Replaced);
        let wrong = desk.edit(edited, &[Edit::RenameEntity { entity: "persn".to_owned(), name: "x".to_owned() }]).unwrap_err();
        assert!(wrong.to_string().contains("did you mean `person`?"), "{wrong}");
    });
}
