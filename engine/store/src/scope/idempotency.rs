//! Requests that must not be done twice. The first one claims its key, and what it answered is what the others get.

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, sea_query::OnConflict};

use crate::{
    Store, StoreFault,
    entity::idempotency_key::{ActiveModel, Column, Entity},
    time::to_column,
};

/// What a request was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body; `None` if it held a secret and was therefore not kept.
    pub body: Option<Vec<u8>>,
}

/// What to do with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// It is the first: do it, then say how it was answered.
    First,
    /// The first one is still being done.
    InProgress,
    /// It was done: answer the same.
    Done(Answer),
    /// The key was used for another request.
    Misused,
}

/// The door to the repeated requests of one tenant or API key.
#[derive(Debug, Clone)]
pub struct Idempotency {
    store: Store,
    scope: String,
}

impl Idempotency {
    pub(crate) fn new(store: Store, scope: String) -> Self {
        Self { store, scope }
    }

    /// Claims a key for a request (`POST /path`) with a hash over its body.
    pub async fn begin(&self, key: &str, request: &str, request_hash: &[u8], at: Timestamp) -> Result<Begun, StoreFault> {
        let row = ActiveModel {
            scope: Set(self.scope.clone()),
            id: Set(key.to_owned()),
            request: Set(request.to_owned()),
            request_hash: Set(request_hash.to_owned()),
            status: Set(None),
            body: Set(None),
            at: Set(to_column(at)?),
        };
        let known = OnConflict::columns([Column::Scope, Column::Id]).do_nothing().to_owned();
        if Entity::insert(row).on_conflict(known).exec_without_returning(self.store.db()).await? > 0 {
            return Ok(Begun::First);
        }
        let row = Entity::in_scope(&self.scope).filter(Column::Id.eq(key)).one(self.store.db()).await?;
        // Abandoned between the two statements: the client's next try will be the first.
        let Some(row) = row else { return Ok(Begun::InProgress) };
        if row.request != request || row.request_hash != request_hash {
            return Ok(Begun::Misused);
        }
        let Some(status) = row.status else { return Ok(Begun::InProgress) };
        let status = u16::try_from(status).map_err(StoreFault::unreadable)?;
        Ok(Begun::Done(Answer { status, body: row.body }))
    }

    /// Keeps the answer of the first. A body that holds a secret must not be given.
    pub async fn finish(&self, key: &str, answer: &Answer) -> Result<(), StoreFault> {
        let set = ActiveModel { status: Set(Some(answer.status.into())), body: Set(answer.body.clone()), ..Default::default() };
        Entity::change_in_scope(&self.scope)
            .filter(Column::Id.eq(key))
            .filter(Column::Status.is_null())
            .set(set)
            .exec(self.store.db())
            .await?;
        Ok(())
    }

    /// The first was not done after all; the key is free again.
    pub async fn abandon(&self, key: &str) -> Result<(), StoreFault> {
        Entity::removal_in_scope(&self.scope).filter(Column::Id.eq(key)).filter(Column::Status.is_null()).exec(self.store.db()).await?;
        Ok(())
    }
}
