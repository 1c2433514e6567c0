//! A tenant's integrations: made, listed, changed under an expected revision, moved between states, and deleted for good.

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::Value;
use syncline_model::{
    ConnectorName, IntegrationId, Revision, Settings, State, TenantId,
    ledger::{Enrolled, StateChange},
    schedule::{Schedule, StreamChoice},
};

use super::Scope;
use crate::{
    Page, PageRequest, StoreFault,
    doors::enrol,
    entity::{Tenanted, integration, integration::Column},
    time::{from_column, maybe_from_column, maybe_to_column, now},
    vault::{self, Field, SecretPath, Split},
    word::{from_id, from_json, from_word, to_json},
};

/// An integration as its owner sees it. Its settings are without their secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integration {
    /// Whose it is.
    pub tenant: TenantId,
    /// Which it is.
    pub id: IntegrationId,
    /// Its connector.
    pub connector: ConnectorName,
    /// What its owner calls it.
    pub title: String,
    /// The part of its settings that may be shown.
    pub settings: Value,
    /// Where it is in its life.
    pub state: State,
    /// Why, if there is something to explain.
    pub cause: Option<String>,
    /// The end of a wait.
    pub waiting_until: Option<Timestamp>,
    /// When it is read.
    pub schedule: Schedule,
    /// The chosen streams; `None` means all.
    pub streams: Option<Vec<StreamChoice>>,
    /// When it was made.
    pub created: Timestamp,
    /// When it, or its state, last changed.
    pub changed: Timestamp,
    /// How often its owner changed it. The engine's changes of state do not count, so that they disturb no edit.
    pub revision: Revision,
    /// When its last job ended.
    pub last_job_ended: Option<Timestamp>,
}

/// Settings as they came, and which places in them are secret.
#[derive(Debug, Clone)]
pub struct NewSettings {
    /// The settings, secrets included.
    pub whole: Settings,
    /// Which places are secret. [`vault::secret_paths`] reads them from a schema.
    pub secret: Vec<SecretPath>,
}

/// An integration to be made. It begins as a draft.
#[derive(Debug, Clone)]
pub struct NewIntegration {
    /// Its id, which was never used before.
    pub id: IntegrationId,
    /// Its connector.
    pub connector: ConnectorName,
    /// What its owner calls it.
    pub title: String,
    /// Its settings.
    pub settings: NewSettings,
    /// When it is to be read.
    pub schedule: Schedule,
    /// The chosen streams; `None` means all.
    pub streams: Option<Vec<StreamChoice>>,
}

/// What its owner changes. `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// A new title.
    pub title: Option<String>,
    /// New settings, whole. A secret that is omitted stays, one that is `null` goes; in a list, an omitted secret stays only if
    /// nothing else of the list changed.
    pub settings: Option<NewSettings>,
    /// A new schedule.
    pub schedule: Option<Schedule>,
    /// Another choice of streams; `Some(None)` means all.
    pub streams: Option<Option<Vec<StreamChoice>>>,
}

/// The door to a tenant's integrations.
#[derive(Debug, Clone)]
pub struct Integrations(pub(super) Scope);

impl Integrations {
    /// Makes one.
    pub async fn create(&self, new: NewIntegration) -> Result<Integration, StoreFault> {
        let scope = &self.0;
        let transaction = scope.store.begin().await?;
        if scope.row(&transaction, &new.id, Lock::Exclusive).await?.is_some() {
            return Err(taken(&new.id));
        }
        let Split { public, secrets, cleared: _ } = vault::split(new.settings.whole.expose().clone(), &new.settings.secret)?;
        let at = now()?;
        let row = integration::ActiveModel {
            tenant: Set(scope.tenant.to_string()),
            id: Set(new.id.to_string()),
            connector: Set(new.connector.to_string()),
            title: Set(new.title),
            settings: Set(public.to_string()),
            state: Set(State::Draft.to_string()),
            cause: Set(None),
            waiting_until: Set(None),
            schedule: Set(to_json(&new.schedule)?),
            streams: Set(new.streams.as_deref().map(to_json).transpose()?),
            created: Set(at),
            changed: Set(at),
            revision: Set(1),
            last_job_ended: Set(None),
        };
        let made = integration::Entity::insert(row).exec_with_returning(&transaction).await.map_err(|error| match error.sql_err() {
            Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => taken(&new.id),
            Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)) => StoreFault::not_found("tenant", &scope.tenant),
            Some(_) | None => error.into(),
        })?;
        scope.seal(&transaction, &new.id, &secrets).await?;
        transaction.commit().await?;
        read(made)
    }

    /// One of them; `None` if there is none of that id, or it is deleted.
    pub async fn by_id(&self, id: &IntegrationId) -> Result<Option<Integration>, StoreFault> {
        let row = self.0.row(self.0.store.db(), id, Lock::None).await?;
        row.filter(is_live).map(read).transpose()
    }

    pub(crate) async fn enrolled(&self, id: &IntegrationId) -> Result<Option<Enrolled>, StoreFault> {
        let row = self.0.row(self.0.store.db(), id, Lock::None).await?;
        row.as_ref().filter(|row| is_live(row)).map(enrol).transpose()
    }

    /// Those that are not deleted, by id, of one connector if wanted.
    pub async fn list(&self, connector: Option<&ConnectorName>, page: &PageRequest) -> Result<Page<Integration>, StoreFault> {
        let mut rows = integration::Entity::of(&self.0.tenant).filter(Column::State.ne(State::Deleted.as_str()));
        if let Some(connector) = connector {
            rows = rows.filter(Column::Connector.eq(connector.as_str()));
        }
        let mut rows = rows.cursor_by(Column::Id);
        if let Some(after) = page.after_text()? {
            rows.after(after);
        }
        page.cut(rows.first(page.rows()).all(self.0.store.db()).await?, |row| row.id.clone(), read)
    }

    /// Its settings, secrets included.
    pub async fn settings(&self, id: &IntegrationId) -> Result<Settings, StoreFault> {
        // One transaction, so that the two parts are of one moment.
        let transaction = self.0.store.begin_reading().await?;
        let row = self.0.row(&transaction, id, Lock::None).await?.filter(is_live);
        let row = row.ok_or_else(|| StoreFault::not_found("integration", id))?;
        let secrets = self.0.unseal(&transaction, id).await?;
        transaction.commit().await?;
        Ok(vault::join(from_json(&row.settings)?, secrets)?)
    }

    /// Changes it, if it is still at the revision for which the change was made.
    pub async fn update(&self, id: &IntegrationId, expected: Revision, change: Change) -> Result<Integration, StoreFault> {
        let scope = &self.0;
        let transaction = scope.store.begin().await?;
        let row = scope.at_revision(&transaction, id, Some(expected)).await?;
        let mut set = integration::ActiveModel { changed: Set(now()?), revision: Set(row.revision + 1), ..Default::default() };
        if let Some(title) = change.title {
            set.title = Set(title);
        }
        if let Some(schedule) = change.schedule {
            set.schedule = Set(to_json(&schedule)?);
        }
        if let Some(streams) = change.streams {
            set.streams = Set(streams.as_deref().map(to_json).transpose()?);
        }
        if let Some(settings) = change.settings {
            let public = scope.replace_settings(&transaction, id, from_json(&row.settings)?, settings).await?;
            set.settings = Set(public.to_string());
        }
        let changed = scope.write(&transaction, id, set).await?;
        transaction.commit().await?;
        read(changed)
    }

    /// Moves it to another state because its owner wants it, along declared transitions: pause, resume, authorize again.
    pub async fn move_to(&self, id: &IntegrationId, expected: Option<Revision>, change: StateChange) -> Result<Integration, StoreFault> {
        let transaction = self.0.store.begin().await?;
        let row = self.0.at_revision(&transaction, id, expected).await?;
        let from: State = from_word(&row.state)?;
        if from.to(change.state).is_none() {
            return Err(no_such_transition(id, from, change.state));
        }
        if change.state == State::Deleted {
            self.0.forget_all(&transaction, id).await?;
            self.0.forget_endpoints(&transaction, id).await?;
        }
        let mut set = state_columns(&change)?;
        set.revision = Set(row.revision + 1);
        if change.state == State::Deleted {
            set.settings = Set("{}".to_owned());
        }
        let moved = self.0.write(&transaction, id, set).await?;
        transaction.commit().await?;
        read(moved)
    }

    /// Deletes it: its secrets and settings go, its id stays taken, its jobs stay readable.
    pub async fn delete(&self, id: &IntegrationId, expected: Option<Revision>) -> Result<(), StoreFault> {
        let change = StateChange { state: State::Deleted, cause: None, waiting_until: None };
        self.move_to(id, expected, change).await.map(drop)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lock {
    None,
    Exclusive,
}

impl Scope {
    pub(super) async fn row<C: ConnectionTrait>(
        &self,
        db: &C,
        id: &IntegrationId,
        lock: Lock,
    ) -> Result<Option<integration::Model>, StoreFault> {
        let row = integration::Entity::of(&self.tenant).filter(Column::Id.eq(id.as_str()));
        let row = if lock == Lock::Exclusive { row.lock_exclusive() } else { row };
        Ok(row.one(db).await?)
    }

    async fn at_revision<C: ConnectionTrait>(
        &self,
        db: &C,
        id: &IntegrationId,
        expected: Option<Revision>,
    ) -> Result<integration::Model, StoreFault> {
        let row = self.row(db, id, Lock::Exclusive).await?.filter(is_live).ok_or_else(|| StoreFault::not_found("integration", id))?;
        let actual = Revision(row.revision.cast_unsigned());
        match expected.filter(|expected| *expected != actual) {
            Some(expected) => Err(StoreFault::Conflict { id: id.to_string(), expected, actual }),
            None => Ok(row),
        }
    }

    pub(super) async fn write<C: ConnectionTrait>(
        &self,
        db: &C,
        id: &IntegrationId,
        set: integration::ActiveModel,
    ) -> Result<integration::Model, StoreFault> {
        integration::Entity::change_of(&self.tenant).filter(Column::Id.eq(id.as_str())).set(set).exec(db).await?;
        self.row(db, id, Lock::None).await?.ok_or_else(|| StoreFault::not_found("integration", id))
    }

    pub(super) async fn replace_settings<C: ConnectionTrait>(
        &self,
        db: &C,
        id: &IntegrationId,
        old: Value,
        new: NewSettings,
    ) -> Result<Value, StoreFault> {
        let Split { public, secrets, cleared } = vault::split(new.whole.expose().clone(), &new.secret)?;
        let replaced = |field: &Field| cleared.contains(field) || secrets.iter().any(|(name, _)| name == field);
        let sealed = self.sealed_fields(db, id).await?;
        let gone: Vec<Field> = sealed.into_iter().filter(|field| replaced(field) || !vault::keeps(&old, &public, field)).collect();
        self.forget(db, id, &gone).await?;
        self.seal(db, id, &secrets).await?;
        Ok(public)
    }
}

pub(super) fn state_columns(change: &StateChange) -> Result<integration::ActiveModel, StoreFault> {
    Ok(integration::ActiveModel {
        state: Set(change.state.to_string()),
        cause: Set(change.cause.clone()),
        waiting_until: Set(maybe_to_column(change.waiting_until)?),
        changed: Set(now()?),
        ..Default::default()
    })
}

pub(super) fn is_live(row: &integration::Model) -> bool {
    row.state != State::Deleted.as_str()
}

fn taken(id: &IntegrationId) -> StoreFault {
    StoreFault::Taken { kind: "integration", id: id.to_string() }
}

pub(super) fn no_such_transition(id: &IntegrationId, from: State, to: State) -> StoreFault {
    StoreFault::NoSuchTransition { id: id.to_string(), from, to }
}

fn read(row: integration::Model) -> Result<Integration, StoreFault> {
    Ok(Integration {
        tenant: from_id(&row.tenant)?,
        id: from_id(&row.id)?,
        connector: from_id(&row.connector)?,
        title: row.title,
        settings: from_json(&row.settings)?,
        state: from_word(&row.state)?,
        cause: row.cause,
        waiting_until: maybe_from_column(row.waiting_until)?,
        schedule: from_json(&row.schedule)?,
        streams: row.streams.as_deref().map(from_json).transpose()?,
        created: from_column(row.created)?,
        changed: from_column(row.changed)?,
        revision: Revision(row.revision.cast_unsigned()),
        last_job_ended: maybe_from_column(row.last_job_ended)?,
    })
}
