//! Jobs with their log lines, and the records that could not be handled.

use sea_orm_migration::prelude::*;

use crate::table::{bytes, counted, index, primary, refers, table, text, text_null, whole, whole_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for statement in [jobs(), job_logs(), quarantined()] {
            manager.create_table(statement).await?;
        }
        for statement in [
            index("jobs", "jobs_by_integration", ["tenant", "integration", "id"]),
            index("jobs", "jobs_by_end", ["ended"]),
            index("job_logs", "job_logs_by_job", ["tenant", "job", "id"]),
            index("job_logs", "job_logs_by_time", ["at"]),
            index("quarantined", "quarantined_by_time", ["tenant", "state", "at", "id"]),
            index("quarantined", "quarantined_by_integration", ["tenant", "integration", "state", "at", "id"]),
        ] {
            manager.create_index(statement).await?;
        }
        Ok(())
    }
}

fn jobs() -> TableCreateStatement {
    table("jobs")
        .col(text("tenant"))
        .col(text("id"))
        .col(text("integration"))
        .col(text("trigger"))
        .col(whole("started"))
        .col(whole_null("ended"))
        .col(text_null("outcome"))
        .col(text_null("cause"))
        .col(text("progress"))
        .primary_key(&mut primary(["tenant", "id"]))
        .foreign_key(&mut refers("jobs", ["tenant", "integration"], "integrations", ["tenant", "id"]))
        .take()
}

fn job_logs() -> TableCreateStatement {
    table("job_logs")
        .col(counted("id"))
        .col(text("tenant"))
        .col(text("job"))
        .col(whole("at"))
        .col(text("level"))
        .col(text("message"))
        .foreign_key(&mut refers("job_logs", ["tenant", "job"], "jobs", ["tenant", "id"]))
        .take()
}

fn quarantined() -> TableCreateStatement {
    table("quarantined")
        .col(text("tenant"))
        .col(text("id"))
        .col(text("integration"))
        .col(text("connector"))
        .col(text("stream"))
        .col(text_null("record_key"))
        .col(bytes("body"))
        .col(whole("body_bytes"))
        .col(text("cause"))
        .col(whole("at"))
        .col(text("state"))
        .primary_key(&mut primary(["tenant", "id"]))
        .foreign_key(&mut refers("quarantined", ["tenant", "integration"], "integrations", ["tenant", "id"]))
        .take()
}
