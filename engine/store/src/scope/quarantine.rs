//! A tenant's records that could not be handled: kept once for each cause, listed, and settled by a person or a retry.

use bytes::Bytes;
use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter, sea_query::OnConflict};
use serde::{Deserialize, Serialize};
use syncline_model::{ConnectorName, IntegrationId, Quarantined, StreamName};

use super::Scope;
use crate::{
    Page, PageRequest, StoreFault,
    entity::{
        Tenanted,
        quarantined::{ActiveModel, Column, Entity, Model},
    },
    time::{from_column, to_column},
    word::{from_id, from_word},
};

const LONGEST_BODY: usize = 256 * 1024;

/// What became of a record in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineState {
    /// Nobody has looked after it yet.
    Open,
    /// It was handed to the engine again.
    Retried,
    /// Somebody decided that it is not needed.
    Dismissed,
}

impl QuarantineState {
    /// The word for it in columns and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Retried => "retried",
            Self::Dismissed => "dismissed",
        }
    }
}

/// A record in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantinedRecord {
    /// Its id.
    pub id: String,
    /// Where it came from.
    pub integration: IntegrationId,
    /// Its connector.
    pub connector: ConnectorName,
    /// Its stream.
    pub stream: StreamName,
    /// Its key, as far as one could be read.
    pub key: Option<String>,
    /// Its bytes, cut at 256 KiB.
    pub body: Bytes,
    /// How many bytes it had before it was cut.
    pub body_bytes: u64,
    /// Why it could not be handled.
    pub cause: String,
    /// When it was first refused.
    pub at: Timestamp,
    /// What became of it.
    pub state: QuarantineState,
}

/// Which records a listing shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineFilter {
    /// In this state.
    pub state: QuarantineState,
    /// Of this integration only.
    pub integration: Option<IntegrationId>,
    /// Of this stream only.
    pub stream: Option<StreamName>,
}

impl Default for QuarantineFilter {
    fn default() -> Self {
        Self { state: QuarantineState::Open, integration: None, stream: None }
    }
}

/// The door to a tenant's quarantine.
#[derive(Debug, Clone)]
pub struct Quarantine(pub(super) Scope);

impl Quarantine {
    /// Keeps a record. The same one with the same cause is kept once; if it was retried and is refused again, it is open again.
    pub async fn keep(&self, record: &Quarantined, at: Timestamp) -> Result<(), StoreFault> {
        let row = ActiveModel {
            tenant: Set(self.0.tenant.to_string()),
            id: Set(record.id()),
            integration: Set(record.integration.to_string()),
            connector: Set(record.connector.to_string()),
            stream: Set(record.stream.to_string()),
            record_key: Set(record.key.as_ref().map(|key| without_nul(key.as_str()))),
            body: Set(record.body.slice(..record.body.len().min(LONGEST_BODY)).to_vec()),
            body_bytes: Set(i64::try_from(record.body.len()).unwrap_or(i64::MAX)),
            cause: Set(without_nul(&record.cause)),
            at: Set(to_column(at)?),
            state: Set(QuarantineState::Open.as_str().to_owned()),
        };
        let known = OnConflict::columns([Column::Tenant, Column::Id]).do_nothing().to_owned();
        let kept = Entity::insert(row).on_conflict(known).exec_without_returning(self.0.store.db()).await?;
        if kept == 0 {
            self.move_from(QuarantineState::Retried, &record.id(), QuarantineState::Open).await?;
        }
        Ok(())
    }

    /// One of them.
    pub async fn by_id(&self, id: &str) -> Result<Option<QuarantinedRecord>, StoreFault> {
        let row = Entity::of(&self.0.tenant).filter(Column::Id.eq(id)).one(self.0.store.db()).await?;
        row.map(read).transpose()
    }

    /// The newest first.
    pub async fn list(&self, filter: &QuarantineFilter, page: &PageRequest) -> Result<Page<QuarantinedRecord>, StoreFault> {
        let mut rows = self.select(filter).cursor_by((Column::At, Column::Id));
        if let Some(after) = page.after_number_and_text()? {
            rows.after(after);
        }
        page.cut(rows.desc().first(page.rows()).all(self.0.store.db()).await?, |row| format!("{} {}", row.at, row.id), read)
    }

    /// How many there are.
    pub async fn count(&self, filter: &QuarantineFilter) -> Result<u64, StoreFault> {
        Ok(self.select(filter).count(self.0.store.db()).await?)
    }

    /// Says what became of an open one. `false` if it is not open.
    pub async fn settle(&self, id: &str, state: QuarantineState) -> Result<bool, StoreFault> {
        if self.move_from(QuarantineState::Open, id, state).await? {
            return Ok(true);
        }
        self.by_id(id).await?.map(|_| false).ok_or_else(|| StoreFault::not_found("record in quarantine", id))
    }

    fn select(&self, filter: &QuarantineFilter) -> sea_orm::Select<Entity> {
        let mut rows = Entity::of(&self.0.tenant).filter(Column::State.eq(filter.state.as_str()));
        if let Some(integration) = &filter.integration {
            rows = rows.filter(Column::Integration.eq(integration.as_str()));
        }
        if let Some(stream) = &filter.stream {
            rows = rows.filter(Column::Stream.eq(stream.as_str()));
        }
        rows
    }

    async fn move_from(&self, from: QuarantineState, id: &str, to: QuarantineState) -> Result<bool, StoreFault> {
        let set = ActiveModel { state: Set(to.as_str().to_owned()), ..Default::default() };
        let rows = Entity::change_of(&self.0.tenant).filter(Column::Id.eq(id)).filter(Column::State.eq(from.as_str()));
        Ok(rows.set(set).exec(self.0.store.db()).await?.rows_affected > 0)
    }
}

// What sources send is not always text that PostgreSQL takes; the record's own bytes are kept as they are.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

fn read(row: Model) -> Result<QuarantinedRecord, StoreFault> {
    Ok(QuarantinedRecord {
        id: row.id,
        integration: from_id(&row.integration)?,
        connector: from_id(&row.connector)?,
        stream: from_id(&row.stream)?,
        key: row.record_key,
        body: row.body.into(),
        body_bytes: row.body_bytes.cast_unsigned(),
        cause: row.cause,
        at: from_column(row.at)?,
        state: from_word(&row.state)?,
    })
}
