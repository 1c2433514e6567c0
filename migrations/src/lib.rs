//! The tables of the store, made and changed step by step: expand, then contract.
//!
//! A migration that has been released is never edited: a change is a new file. What an older binary still reads stays until
//! no older binary runs; only then may a migration take it away. Every statement works on SQLite and on PostgreSQL: texts are
//! `text`, times are nanoseconds since 1970 as `bigint`, JSON is text (so that no number of it is rewritten), bytes are `blob`.

use sea_orm_migration::prelude::*;

mod m0001_tenants_and_integrations;
mod m0002_jobs_and_quarantine;
mod m0003_keys_audit_and_idempotency;
mod m0004_webhook_endpoints;
mod table;

/// Brings a database to the newest form.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_tenants_and_integrations::Migration),
            Box::new(m0002_jobs_and_quarantine::Migration),
            Box::new(m0003_keys_audit_and_idempotency::Migration),
            Box::new(m0004_webhook_endpoints::Migration),
        ]
    }

    // The database may be shared with other programs of the same ORM.
    fn migration_table_name() -> DynIden {
        "syncline_migrations".into_iden()
    }
}

pub use sea_orm_migration::MigratorTrait;
