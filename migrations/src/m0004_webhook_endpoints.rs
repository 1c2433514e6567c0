//! Addresses to which sources send webhooks. Their secrets lie with those of the integration.

use sea_orm_migration::prelude::*;

use crate::table::{index, refers, table, text, whole, whole_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(webhook_endpoints()).await?;
        manager.create_index(index("webhook_endpoints", "webhook_endpoints_by_integration", ["tenant", "integration", "id"])).await
    }
}

fn webhook_endpoints() -> TableCreateStatement {
    table("webhook_endpoints")
        .col(text("id").primary_key())
        .col(text("tenant"))
        .col(text("integration"))
        .col(whole("created"))
        .col(whole_null("rotated"))
        .col(whole_null("former_until"))
        .foreign_key(&mut refers("webhook_endpoints", ["tenant", "integration"], "integrations", ["tenant", "id"]))
        .take()
}
