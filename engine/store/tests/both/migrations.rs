use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use syncline_migrations::{Migrator, MigratorTrait};
use syncline_model::TenantId;
use syncline_store::{Store, StoreFault, Vault};

use crate::bed::{integration, tenant};

async fn schema(raw: &DatabaseConnection) -> Vec<String> {
    let sql = match raw.get_database_backend() {
        DbBackend::Postgres => {
            "select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable as line from information_schema.columns \
             where table_schema = 'public' union select indexdef from pg_indexes where schemaname = 'public' order by 1"
        }
        _ => "select coalesce(sql, name) as line from sqlite_master order by 1",
    };
    let rows = raw.query_all_raw(Statement::from_string(raw.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| row.try_get("", "line").unwrap()).collect()
}

async fn applied(raw: &DatabaseConnection) -> Vec<(String, i64)> {
    let sql = "select version, applied_at from syncline_migrations order by version";
    let rows = raw.query_all_raw(Statement::from_string(raw.get_database_backend(), sql)).await.unwrap();
    rows.iter().map(|row| (row.try_get("", "version").unwrap(), row.try_get("", "applied_at").unwrap())).collect()
}

crate::on_both! {
    async fn opening_again_changes_nothing_and_loses_nothing(bed) {
        bed.shop("shop").await;
        let raw = bed.raw().await;
        let before = (schema(&raw).await, applied(&raw).await);
        assert_eq!(before.1.len(), Migrator::migrations().len());
        let again = Store::open(&bed.url, Vault::new(bed.kek.clone())).await.unwrap();
        assert_eq!((schema(&raw).await, applied(&raw).await), before);
        assert!(again.of(&tenant("acme")).integrations().settings(&integration("shop")).await.is_ok());
    }

    async fn many_nodes_may_start_at_once(bed) {
        let raw = bed.raw().await;
        let drops = "drop table job_logs; drop table jobs; drop table quarantined; drop table secrets; drop table webhook_endpoints; drop table integrations; \
                     drop table api_keys; drop table data_keys; drop table tenants; drop table audit_entries; drop table idempotency_keys; \
                     drop table syncline_migrations";
        raw.execute_unprepared(drops).await.unwrap();
        let starts = (0..4).map(|_| {
            let (url, vault) = (bed.url.clone(), Vault::new(bed.kek.clone()));
            tokio::spawn(async move { Store::open(&url, vault).await.map(drop) })
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap().unwrap();
        }
        assert_eq!(applied(&raw).await.len(), Migrator::migrations().len());
    }

    async fn a_database_of_a_newer_version_is_known_as_such_and_probing_changes_nothing(bed) {
        Store::probe(&bed.url).await.unwrap();
        bed.run("insert into syncline_migrations (version, applied_at) values ('m9999_of_the_future', 0)").await;
        let fault = Store::probe(&bed.url).await.unwrap_err().to_string();
        assert!(fault.contains("m9999_of_the_future"), "{fault}");
    }

    async fn a_tenant_is_made_once_renamed_and_listed(bed) {
        let again = bed.store.tenants().create(&tenant("acme"), "Another").await;
        assert!(matches!(again, Err(StoreFault::Taken { kind: "tenant", .. })), "{again:?}");
        assert_eq!(bed.store.tenants().rename(&tenant("acme"), "Acme Ltd").await.unwrap().name, "Acme Ltd");
        assert!(bed.store.tenants().rename(&tenant("nobody"), "x").await.is_err());
        let all = bed.store.tenants().list(&syncline_store::PageRequest::default()).await.unwrap();
        assert_eq!(all.items.into_iter().map(|one| one.id).collect::<Vec<TenantId>>(), [tenant("acme")]);
        bed.store.ping().await.unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_embedded_database_is_readable_by_its_owner_alone() {
    use std::os::unix::fs::MetadataExt;
    let bed = crate::bed::Bed::on_sqlite().await;
    bed.shop("shop").await;
    for file in std::fs::read_dir(std::path::Path::new(&bed.url).parent().unwrap()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().mode() & 0o077, 0, "{}", file.path().display());
    }
}

#[tokio::test]
async fn a_malformed_url_is_refused_without_its_password() {
    for url in ["postgres://user:hunter2@host:notaport/db", "postgres://user:hunter2@127.0.0.1:1/db?sslmode=wrong"] {
        let fault = Store::open(url, Vault::new(syncline_store::Key::random().unwrap())).await.unwrap_err();
        assert!(fault.to_string().starts_with("the store's database does not work: "), "{fault}");
        assert!(!format!("{fault} {fault:?}").contains("hunter2"), "{fault:?}");
    }
}

#[tokio::test]
async fn probing_what_is_no_database_fails_and_makes_none() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let url = format!("sqlite:{}", path.display());
    assert!(Store::probe(&url).await.is_err());
    assert!(!path.exists());
    std::fs::write(&path, "no database at all".repeat(500)).unwrap();
    assert!(Store::probe(&url).await.is_err());
}
