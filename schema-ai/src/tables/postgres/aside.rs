//! Records that no table can hold: set aside with what else their batch writes, and kept until they were reported.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Result, Row, postgres::PgRow};
use syncline_model::{Quarantined, RecordKey, TenantId};

use super::sql::Sql;
use crate::tables::{fold::Unusable, port::Rejected};

/// Sets records aside.
pub(super) async fn set_aside(db: &mut PgConnection, sql: &Sql, unusable: &[Unusable<'_>]) -> Result<()> {
    for (logged, cause) in unusable {
        let event = &logged.event;
        let statement = format!(
            "INSERT INTO {}._syncline_rejected (at, integration, connector, stream, key, cause, body) VALUES ($1, $2, $3, $4, $5, $6, $7)",
            sql.schema
        );
        sqlx::query(AssertSqlSafe(statement))
            .persistent(false)
            .bind(logged.committed.to_string())
            .bind(event.integration.as_str())
            .bind(event.connector.as_str())
            .bind(event.stream.as_str())
            .bind(event.key.as_str().replace('\0', "\\u0000"))
            .bind(cause.replace('\0', "\\u0000"))
            .bind(event.body.as_ref())
            .execute(&mut *db)
            .await?;
    }
    Ok(())
}

/// The oldest that were not reported.
pub(super) async fn unreported(pool: &PgPool, sql: &Sql, tenant: &TenantId, records_max: usize) -> Result<Vec<Rejected>> {
    let found = format!(
        "SELECT id, integration, connector, stream, key, body, cause, at FROM {}._syncline_rejected WHERE NOT reported ORDER BY id LIMIT $1",
        sql.schema
    );
    let count = i64::try_from(records_max).unwrap_or(i64::MAX);
    let rows = sqlx::query(AssertSqlSafe(found)).persistent(false).bind(count).fetch_all(pool).await?;
    let record = |row: &PgRow| {
        let text = |at: usize| row.get::<String, _>(at);
        let (integration, connector, stream) = (text(1).parse().ok()?, text(2).parse().ok()?, text(3).parse().ok()?);
        let (key, body, cause) = (Some(RecordKey::of([text(4).as_str()])), row.get::<Vec<u8>, _>(5).into(), text(6));
        let record = Quarantined { tenant: tenant.clone(), integration, connector, stream, key, body, cause };
        Some((row.get(0), record, text(7).parse().unwrap_or(Timestamp::UNIX_EPOCH)))
    };
    Ok(rows.iter().filter_map(record).collect())
}
