//! Who the tenants are, and the keys that seal their secrets.

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QuerySelect};
use syncline_model::TenantId;

use crate::{
    Page, PageRequest, Store, StoreFault,
    entity::{Tenanted, data_key, secret, tenant},
    time::{from_column, now},
    vault::{Field, Key, Wrapped, open_field, seal_field},
    word::from_id,
};

const AT_ONCE: u64 = 100;

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}

/// The door to the tenants.
#[derive(Debug, Clone)]
pub struct Tenants(Store);

/// Whose turn it is to rotate.
static ROTATION: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

impl Tenants {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    /// Makes one, with a data key of its own.
    pub async fn create(&self, id: &TenantId, name: &str) -> Result<Tenant, StoreFault> {
        let key = Key::random()?;
        let transaction = self.0.begin().await?;
        let row = tenant::ActiveModel {
            id: Set(id.to_string()),
            name: Set(name.to_owned()),
            created: Set(now()?),
            data_key: Set(key.id().to_string()),
        };
        let made = tenant::Entity::insert(row).exec_with_returning(&transaction).await.map_err(|error| match error.sql_err() {
            Some(sea_orm::SqlErr::UniqueConstraintViolation(_)) => StoreFault::Taken { kind: "tenant", id: id.to_string() },
            Some(_) | None => error.into(),
        })?;
        self.add_key(&transaction, id, &key).await?;
        transaction.commit().await?;
        read(made)
    }

    /// One of them.
    pub async fn by_id(&self, id: &TenantId) -> Result<Option<Tenant>, StoreFault> {
        tenant::Entity::find_by_id(id.as_str()).one(self.0.db()).await?.map(read).transpose()
    }

    /// All of them, by id.
    pub async fn list(&self, page: &PageRequest) -> Result<Page<Tenant>, StoreFault> {
        let mut rows = tenant::Entity::find().cursor_by(tenant::Column::Id);
        if let Some(after) = page.after_text()? {
            rows.after(after);
        }
        page.cut(rows.first(page.rows()).all(self.0.db()).await?, |row| row.id.clone(), read)
    }

    /// Calls one by another name.
    pub async fn rename(&self, id: &TenantId, name: &str) -> Result<Tenant, StoreFault> {
        let set = tenant::ActiveModel { name: Set(name.to_owned()), ..Default::default() };
        tenant::Entity::update_many().filter(tenant::Column::Id.eq(id.as_str())).set(set).exec(self.0.db()).await?;
        self.by_id(id).await?.ok_or_else(|| StoreFault::not_found("tenant", id))
    }

    /// Gives a tenant a new data key and seals all of its secrets anew. Other work goes on meanwhile. Says how many were sealed.
    /// Within a process one rotation comes after the other; one that another process has overtaken fails, and nothing is lost.
    pub async fn rotate_data_key(&self, id: &TenantId) -> Result<u64, StoreFault> {
        // A later rotation drops the keys that nothing uses, and would drop the one with which an earlier one is still sealing.
        let _turn = ROTATION.lock().await;
        let key = Key::random()?;
        let transaction = self.0.begin().await?;
        self.add_key(&transaction, id, &key).await?;
        let set = tenant::ActiveModel { data_key: Set(key.id().to_string()), ..Default::default() };
        tenant::Entity::update_many().filter(tenant::Column::Id.eq(id.as_str())).set(set).exec(&transaction).await?;
        transaction.commit().await?;
        let sealed = self.seal_anew(id, &key).await?;
        self.drop_unused_keys(id).await?;
        Ok(sealed)
    }

    /// Wraps every data key with the current key-encryption key; after that, former ones are no longer needed. Says how many
    /// were wrapped. Only keys are touched, no secret is.
    pub async fn rewrap(&self) -> Result<u64, StoreFault> {
        let current = self.0.vault().current().to_string();
        let mut rewrapped = 0;
        let mut after = (String::new(), String::new());
        loop {
            let mut stale = data_key::Entity::find()
                .filter(data_key::Column::KekId.ne(current.as_str()))
                .cursor_by((data_key::Column::Tenant, data_key::Column::Id));
            let rows = stale.after(after.clone()).first(AT_ONCE).all(self.0.db()).await?;
            let Some(last) = rows.last() else { return Ok(rewrapped) };
            after = (last.tenant.clone(), last.id.clone());
            for row in rows {
                rewrapped += self.rewrap_one(row).await?;
            }
        }
    }

    /// How many data keys still need a former key-encryption key.
    pub async fn not_rewrapped(&self) -> Result<u64, StoreFault> {
        let current = self.0.vault().current().to_string();
        Ok(data_key::Entity::find().filter(data_key::Column::KekId.ne(current)).count(self.0.db()).await?)
    }

    async fn rewrap_one(&self, row: data_key::Model) -> Result<u64, StoreFault> {
        let tenant: TenantId = from_id(&row.tenant)?;
        let old = Wrapped { id: row.id, kek_id: row.kek_id, blob: row.wrapped };
        let new = self.0.vault().wrap(&tenant, &self.0.vault().unwrap(&tenant, &old)?)?;
        let set = data_key::ActiveModel { wrapped: Set(new.blob), kek_id: Set(new.kek_id), ..Default::default() };
        let rows =
            data_key::Entity::change_of(&tenant).filter(data_key::Column::Id.eq(old.id)).filter(data_key::Column::KekId.eq(old.kek_id));
        Ok(rows.set(set).exec(self.0.db()).await?.rows_affected)
    }

    async fn add_key<C: ConnectionTrait>(&self, db: &C, tenant: &TenantId, key: &Key) -> Result<(), StoreFault> {
        let wrapped = self.0.vault().wrap(tenant, key)?;
        let row = data_key::ActiveModel {
            tenant: Set(tenant.to_string()),
            id: Set(wrapped.id),
            wrapped: Set(wrapped.blob),
            kek_id: Set(wrapped.kek_id),
            created: Set(now()?),
        };
        data_key::Entity::insert(row).exec_without_returning(db).await.map_err(|error| match error.sql_err() {
            Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)) => StoreFault::not_found("tenant", tenant),
            Some(_) | None => error.into(),
        })?;
        Ok(())
    }

    // A later rotation that began meanwhile has the last word; this one then leaves the rest to it.
    async fn seal_anew(&self, id: &TenantId, key: &Key) -> Result<u64, StoreFault> {
        let mut sealed = 0;
        let mut after = (String::new(), String::new());
        loop {
            let mut foreign = secret::Entity::of(id)
                .filter(secret::Column::KeyId.ne(key.id().to_string()))
                .cursor_by((secret::Column::Integration, secret::Column::Field));
            let rows = foreign.after(after.clone()).first(AT_ONCE).all(self.0.db()).await?;
            let current = tenant::Entity::find_by_id(id.as_str()).one(self.0.db()).await?.map(|row| row.data_key);
            let Some(last) = rows.last().filter(|_| current == Some(key.id().to_string())) else { return Ok(sealed) };
            after = (last.integration.clone(), last.field.clone());
            for row in rows {
                sealed += self.seal_one_anew(id, key, row).await?;
            }
        }
    }

    // Only if it is still the one that was read: a token refreshed meanwhile is newer, and sealed with the new key already.
    async fn seal_one_anew(&self, id: &TenantId, key: &Key, row: secret::Model) -> Result<u64, StoreFault> {
        let (integration, field): (_, Field) = (from_id(&row.integration)?, from_id(&row.field)?);
        let old = match self.0.of(id).data_key(self.0.db(), &row.key_id).await {
            // Another rotation sealed it anew, and its key went.
            Err(StoreFault::NotFound { .. }) => return Ok(0),
            found => found?,
        };
        let text = open_field(id, &integration, &field, &old, &row.sealed)?;
        let set = secret::ActiveModel {
            sealed: Set(seal_field(id, &integration, &field, key, &text)?),
            key_id: Set(key.id().to_string()),
            ..Default::default()
        };
        let rows = secret::Entity::change_of(id)
            .filter(secret::Column::Integration.eq(row.integration))
            .filter(secret::Column::Field.eq(row.field))
            .filter(secret::Column::Sealed.eq(row.sealed));
        Ok(rows.set(set).exec(self.0.db()).await?.rows_affected)
    }

    // The lock keeps away whoever is about to seal with a key that is going. The database refuses to take away a key in use.
    async fn drop_unused_keys(&self, id: &TenantId) -> Result<(), StoreFault> {
        let transaction = self.0.begin().await?;
        let row = tenant::Entity::find_by_id(id.as_str()).lock_exclusive().one(&transaction).await?;
        let current = row.ok_or_else(|| StoreFault::not_found("tenant", id))?.data_key;
        let used: Vec<String> =
            secret::Entity::of(id).select_only().column(secret::Column::KeyId).distinct().into_tuple().all(&transaction).await?;
        let unused = data_key::Entity::removal_of(id).filter(data_key::Column::Id.ne(current)).filter(data_key::Column::Id.is_not_in(used));
        unused.exec(&transaction).await?;
        Ok(transaction.commit().await?)
    }
}

/// The id of the tenant's current data key, which stays current while the transaction lasts.
pub(crate) async fn lock_current_key<C: ConnectionTrait>(db: &C, id: &TenantId) -> Result<String, StoreFault> {
    let row = tenant::Entity::find_by_id(id.as_str()).lock_shared().one(db).await?;
    row.map(|row| row.data_key).ok_or_else(|| StoreFault::not_found("tenant", id))
}

fn read(row: tenant::Model) -> Result<Tenant, StoreFault> {
    Ok(Tenant { id: from_id(&row.id)?, name: row.name, created: from_column(row.created)? })
}

#[cfg(test)]
mod tests;
