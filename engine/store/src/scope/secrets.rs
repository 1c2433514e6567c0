//! The sealed secrets of integrations. They are unsealed only into [`Settings`](syncline_model::Settings).

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, sea_query::OnConflict};
use syncline_model::{IntegrationId, Secret};

use super::Scope;
use crate::{
    StoreFault,
    doors::tenants,
    entity::{Tenanted, data_key, integration, secret},
    vault::{Field, Key, Wrapped, open_field, seal_field},
    word::from_id,
};

/// The door to a tenant's secrets.
#[derive(Debug, Clone)]
pub struct Secrets(pub(super) Scope);

impl Secrets {
    /// Seals these fields, all or none: a refreshed pair of tokens is durable before its first use. Each secret is a text; it
    /// comes back as a JSON string at its place in the settings.
    pub async fn put(&self, integration: &IntegrationId, fields: &[(Field, Secret)]) -> Result<(), StoreFault> {
        let transaction = self.0.store.begin().await?;
        self.0.must_exist(&transaction, integration).await?;
        let texts = fields.iter().map(|(field, text)| (field.clone(), Secret::new(serde_json::Value::from(text.expose()).to_string())));
        self.0.seal(&transaction, integration, &texts.collect::<Vec<_>>()).await?;
        Ok(transaction.commit().await?)
    }

    /// Forgets these fields.
    pub async fn forget(&self, integration: &IntegrationId, fields: &[Field]) -> Result<(), StoreFault> {
        self.0.forget(self.0.store.db(), integration, fields).await
    }

    /// Which fields are sealed. Their names only.
    pub async fn fields(&self, integration: &IntegrationId) -> Result<Vec<Field>, StoreFault> {
        self.0.sealed_fields(self.0.store.db(), integration).await
    }
}

/// Secrets of an integration's webhooks lie beside those of its settings, under names that no setting has.
pub(super) const WEBHOOKS: &str = "$webhooks";

fn of_settings() -> sea_orm::sea_query::SimpleExpr {
    secret::Column::Field.not_like(format!("/{WEBHOOKS}/%"))
}

impl Scope {
    pub(super) async fn must_exist<C: ConnectionTrait>(&self, db: &C, id: &IntegrationId) -> Result<(), StoreFault> {
        let live = integration::Entity::of(&self.tenant)
            .filter(integration::Column::Id.eq(id.as_str()))
            .filter(integration::Column::State.ne("deleted"));
        live.lock_shared().one(db).await?.map(drop).ok_or_else(|| StoreFault::not_found("integration", id))
    }

    pub(super) async fn sealed_fields<C: ConnectionTrait>(&self, db: &C, integration: &IntegrationId) -> Result<Vec<Field>, StoreFault> {
        let rows = secret::Entity::of(&self.tenant)
            .filter(secret::Column::Integration.eq(integration.as_str()))
            .filter(of_settings())
            .order_by_asc(secret::Column::Field);
        rows.all(db).await?.into_iter().map(|row| from_id(&row.field)).collect()
    }

    /// Seals JSON texts with the data key that is current for as long as the transaction lasts.
    pub(super) async fn seal<C: ConnectionTrait>(
        &self,
        db: &C,
        integration: &IntegrationId,
        texts: &[(Field, Secret)],
    ) -> Result<(), StoreFault> {
        if texts.is_empty() {
            return Ok(());
        }
        let key = self.current_key(db).await?;
        for (field, text) in texts {
            let row = secret::ActiveModel {
                tenant: Set(self.tenant.to_string()),
                integration: Set(integration.to_string()),
                field: Set(field.to_string()),
                sealed: Set(seal_field(&self.tenant, integration, field, &key, text)?),
                key_id: Set(key.id().to_string()),
            };
            let again = OnConflict::columns([secret::Column::Tenant, secret::Column::Integration, secret::Column::Field])
                .update_columns([secret::Column::Sealed, secret::Column::KeyId])
                .to_owned();
            secret::Entity::insert(row).on_conflict(again).exec_without_returning(db).await?;
        }
        Ok(())
    }

    /// The JSON texts of an integration's sealed fields.
    pub(super) async fn unseal<C: ConnectionTrait>(&self, db: &C, integration: &IntegrationId) -> Result<Vec<(Field, Secret)>, StoreFault> {
        let rows = secret::Entity::of(&self.tenant).filter(secret::Column::Integration.eq(integration.as_str()));
        let rows = rows.filter(of_settings()).all(db).await?;
        let mut keys: Vec<Key> = Vec::new();
        let mut texts = Vec::with_capacity(rows.len());
        for row in rows {
            let field: Field = from_id(&row.field)?;
            let key = match keys.iter().find(|key| key.id().to_string() == row.key_id) {
                Some(key) => key.clone(),
                None => self.data_key(db, &row.key_id).await?,
            };
            texts.push((field.clone(), open_field(&self.tenant, integration, &field, &key, &row.sealed)?));
            keys.push(key);
        }
        Ok(texts)
    }

    /// The JSON text of one sealed field, whatever it belongs to.
    pub(crate) async fn unseal_one<C: ConnectionTrait>(
        &self,
        db: &C,
        integration: &IntegrationId,
        field: &Field,
    ) -> Result<Option<Secret>, StoreFault> {
        let row = secret::Entity::of(&self.tenant).filter(secret::Column::Integration.eq(integration.as_str()));
        let Some(row) = row.filter(secret::Column::Field.eq(field.as_str())).one(db).await? else { return Ok(None) };
        let key = self.data_key(db, &row.key_id).await?;
        Ok(Some(open_field(&self.tenant, integration, field, &key, &row.sealed)?))
    }

    pub(super) async fn forget<C: ConnectionTrait>(&self, db: &C, integration: &IntegrationId, fields: &[Field]) -> Result<(), StoreFault> {
        let names = fields.iter().map(Field::as_str);
        let removal = secret::Entity::removal_of(&self.tenant).filter(secret::Column::Integration.eq(integration.as_str()));
        removal.filter(secret::Column::Field.is_in(names)).exec(db).await?;
        Ok(())
    }

    pub(super) async fn forget_all<C: ConnectionTrait>(&self, db: &C, integration: &IntegrationId) -> Result<(), StoreFault> {
        secret::Entity::removal_of(&self.tenant).filter(secret::Column::Integration.eq(integration.as_str())).exec(db).await?;
        Ok(())
    }

    async fn current_key<C: ConnectionTrait>(&self, db: &C) -> Result<Key, StoreFault> {
        let id = tenants::lock_current_key(db, &self.tenant).await?;
        self.data_key(db, &id).await
    }

    pub(crate) async fn data_key<C: ConnectionTrait>(&self, db: &C, id: &str) -> Result<Key, StoreFault> {
        let row = data_key::Entity::of(&self.tenant).filter(data_key::Column::Id.eq(id)).one(db).await?;
        let row = row.ok_or_else(|| StoreFault::not_found("data key", id))?;
        Ok(self.store.vault().unwrap(&self.tenant, &Wrapped { id: row.id, kek_id: row.kek_id, blob: row.wrapped })?)
    }
}
