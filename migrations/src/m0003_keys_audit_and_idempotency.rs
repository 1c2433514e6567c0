//! What belongs to the installation as a whole: API keys, the audit chain, and the answers of repeated requests.

use sea_orm_migration::prelude::*;

use crate::table::{bytes, bytes_null, index, primary, refers, table, text, text_null, whole, whole_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in [api_keys(), audit_entries(), idempotency_keys()] {
            manager.create_table(statement).await?;
        }
        for statement in [
            index("api_keys", "api_keys_by_tenant", ["tenant", "id"]),
            index("audit_entries", "audit_entries_by_tenant", ["tenant", "id"]),
            index("idempotency_keys", "idempotency_keys_by_time", ["at"]),
        ] {
            manager.create_index(statement).await?;
        }
        Ok(())
    }
}

fn api_keys() -> TableCreateStatement {
    table("api_keys")
        .col(text("id").primary_key())
        .col(text("name"))
        .col(text("role"))
        .col(text_null("tenant"))
        .col(bytes("sha256"))
        .col(whole("created"))
        .col(whole_null("last_used"))
        .col(whole_null("revoked"))
        .foreign_key(&mut refers("api_keys", ["tenant"], "tenants", ["id"]))
        .take()
}

// No reference to the tenant: the chain outlives whatever it speaks of.
fn audit_entries() -> TableCreateStatement {
    table("audit_entries")
        .col(whole("id").primary_key())
        .col(whole("at"))
        .col(text("who"))
        .col(text("what"))
        .col(text("target"))
        .col(text_null("tenant"))
        .col(bytes("previous"))
        .col(bytes("hash"))
        .take()
}

fn idempotency_keys() -> TableCreateStatement {
    table("idempotency_keys")
        .col(text("scope"))
        .col(text("id"))
        .col(text("request"))
        .col(bytes("request_hash"))
        .col(whole_null("status"))
        .col(bytes_null("body"))
        .col(whole("at"))
        .primary_key(&mut primary(["scope", "id"]))
        .take()
}
