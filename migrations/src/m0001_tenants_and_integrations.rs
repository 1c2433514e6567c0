//! Tenants with their data keys, integrations, and the sealed secrets of their settings.

use sea_orm_migration::prelude::*;

use crate::table::{bytes, index, primary, refers, table, text, text_null, whole, whole_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in [tenants(), data_keys(), integrations(), secrets()] {
            manager.create_table(statement).await?;
        }
        for statement in [
            index("data_keys", "data_keys_by_key_encryption_key", ["kek_id", "tenant", "id"]),
            index("integrations", "integrations_by_connector", ["tenant", "connector", "id"]),
            index("secrets", "secrets_by_key", ["tenant", "key_id"]),
        ] {
            manager.create_index(statement).await?;
        }
        Ok(())
    }
}

fn tenants() -> TableCreateStatement {
    table("tenants").col(text("id").primary_key()).col(text("name")).col(whole("created")).col(text("data_key")).take()
}

fn data_keys() -> TableCreateStatement {
    table("data_keys")
        .col(text("tenant"))
        .col(text("id"))
        .col(bytes("wrapped"))
        .col(text("kek_id"))
        .col(whole("created"))
        .primary_key(&mut primary(["tenant", "id"]))
        .foreign_key(&mut refers("data_keys", ["tenant"], "tenants", ["id"]))
        .take()
}

fn integrations() -> TableCreateStatement {
    table("integrations")
        .col(text("tenant"))
        .col(text("id"))
        .col(text("connector"))
        .col(text("title"))
        .col(text("settings"))
        .col(text("state"))
        .col(text_null("cause"))
        .col(whole_null("waiting_until"))
        .col(text("schedule"))
        .col(text_null("streams"))
        .col(whole("created"))
        .col(whole("changed"))
        .col(whole("revision"))
        .col(whole_null("last_job_ended"))
        .primary_key(&mut primary(["tenant", "id"]))
        .foreign_key(&mut refers("integrations", ["tenant"], "tenants", ["id"]))
        .take()
}

fn secrets() -> TableCreateStatement {
    table("secrets")
        .col(text("tenant"))
        .col(text("integration"))
        .col(text("field"))
        .col(bytes("sealed"))
        .col(text("key_id"))
        .primary_key(&mut primary(["tenant", "integration", "field"]))
        .foreign_key(&mut refers("secrets", ["tenant", "integration"], "integrations", ["tenant", "id"]))
        .foreign_key(&mut refers("secrets", ["tenant", "key_id"], "data_keys", ["tenant", "id"]))
        .take()
}
