//! What PostgreSQL alone shows: who may look where, and what happens when two write.
use super::{event, on_postgres, tenant};
use crate::tables::{Alone, Claimed, TableHome, TablePolicy};

#[test]
fn a_tenant_logs_in_as_itself_and_is_refused_everywhere_else() {
    on_postgres(TablePolicy::default(), |bed| {
        bed.upsert("1", r#"{"a":"mine"}"#);
        let postgres = bed.postgres.as_ref().unwrap();
        let other = postgres.home();
        drop(other.writer(&tenant("globex"), TablePolicy::default()).unwrap());
        let login = bed.home.login(&tenant("acme")).unwrap().unwrap();
        let (_, rest) = postgres.url.split_once('@').unwrap();
        let url = format!("postgres://{}:{}@{rest}", login.role, login.password.expose());
        let (mine, theirs) = (format!("{}acme", postgres.prefix), format!("{}globex", postgres.prefix));
        assert_eq!(postgres.ask(&url, "SELECT a FROM shop_orders").unwrap(), ["mine"]);
        postgres.ask(&postgres.url, "CREATE TABLE public.ours (a text)").unwrap();
        for refused in [
            format!(r#"SELECT value FROM "{theirs}"._syncline_meta"#),
            "SELECT a FROM public.ours".to_owned(),
            "DELETE FROM shop_orders".to_owned(),
            format!(r#"CREATE TABLE "{mine}".x (a text)"#),
            "CREATE TABLE public.x (a text)".to_owned(),
            format!(r#"SET ROLE "{theirs}""#),
            "SELECT rolpassword FROM pg_authid".to_owned(),
        ] {
            let answer = postgres.runtime.block_on(async {
                use sqlx::{AssertSqlSafe, Connection, Executor};
                let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
                // What protects from mistakes does not protect from intent.
                connection.execute("SET default_transaction_read_only = off").await.unwrap();
                connection.execute(sqlx::raw_sql(AssertSqlSafe(refused.clone()))).await
            });
            let error = answer.expect_err(&refused).to_string();
            assert!(error.contains("permission denied"), "{refused}: {error}");
        }
        let kept = postgres.ask(&postgres.url, &format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{mine}'")).unwrap();
        assert!(kept[0].starts_with("SCRAM-SHA-256$4096:"), "{kept:?}");
        let again = bed.home.login(&tenant("acme")).unwrap().unwrap();
        assert_ne!(again.password.expose(), login.password.expose());
    });
}

#[test]
fn p22_a_record_that_the_server_refuses_is_set_aside_and_the_others_are_written() {
    on_postgres(TablePolicy::default(), |bed| {
        let mut events: Vec<_> = (0..50).map(|n| event("orders", &n.to_string(), None, Some(r#"{"a":1}"#))).collect();
        events[20] = event("orders", "a\0b", None, Some(r#"{"a":2}"#));
        // A key that no index can hold.
        let key: String = (0..9000_u32).map(|n| char::from_u32(0x4e00 + n.wrapping_mul(2_654_435_761) % 20_000).unwrap()).collect();
        events[30] = event("orders", &key, None, Some(r#"{"a":3}"#));
        let applied = bed.write(events);
        assert_eq!((applied.rejected, applied.events, bed.read().count("shop_orders").unwrap().0), (2, 50, 48));
        assert_eq!(bed.writer.rejected(10).unwrap().len(), 2);
    });
}

#[test]
fn a_row_wider_than_a_page_keeps_every_value() {
    on_postgres(TablePolicy::default(), |bed| {
        let fields: Vec<String> = (0..450).map(|n| format!(r#""field_{n}":"value {n} of twenty-four bytes""#)).collect();
        let applied = bed.upsert("1", &format!("{{{}}}", fields.join(",")));
        assert!(applied.overflow > 0 && applied.rejected == 0, "{applied:?}");
        let row = bed.read().rows("shop_orders", &crate::tables::RowQuery::default()).unwrap().rows.remove(0);
        let text = serde_json::Value::Object(row).to_string();
        assert!((0..450).all(|n| text.contains(&format!("value {n} of twenty"))));
    });
}

#[test]
fn tables_in_files_are_claimed_by_one_node_until_it_ends() {
    let Some(postgres) = super::Postgres::new() else { return };
    let url = syncline_model::Secret::new(postgres.url.clone());
    postgres.runtime.block_on(async {
        let Claimed::Ours(first) = Alone::claim_files(&url, "first-1").await.unwrap() else { panic!("nobody else is there") };
        let Claimed::Theirs(holder) = Alone::claim_files(&url, "second-2").await.unwrap() else { panic!("both have it") };
        assert_eq!(holder, "first-1");
        drop(first);
        // The server notices the end of a connection soon, but not at once.
        let mut tries = tokio::time::interval(std::time::Duration::from_millis(20));
        while let Claimed::Theirs(_) = Alone::claim_files(&url, "second-2").await.unwrap() {
            tries.tick().await;
        }
    });
}
