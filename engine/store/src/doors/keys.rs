//! API keys: shown once, kept as a hash, compared in constant time, limited by a role and, if wanted, to one tenant.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{Timestamp, ToSpan};
use rand::{TryRng, rngs::SysRng};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use syncline_model::{Secret, TenantId};
use zeroize::Zeroizing;

use crate::{
    Page, PageRequest, Store, StoreFault, VaultFault,
    entity::api_key::{ActiveModel, Column, Entity, Model},
    time::{from_column, maybe_from_column, now, to_column},
    word::{from_id, from_word},
};

/// What the holder of a key may do. Each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look.
    Viewer,
    /// Start, pause and retry.
    Operator,
    /// Make, change and delete integrations.
    Admin,
    /// Everything, keys and tenants included.
    Owner,
}

impl Role {
    /// The word for it in columns and answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// It is this role, or one that may do more.
    pub fn may(self, wanted: Self) -> bool {
        self >= wanted
    }
}

/// An API key, without the key itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, which is also in the key's text: `sk_{id}_…`.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// The only tenant it is good for; `None` means all.
    pub tenant: Option<TenantId>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last used, to the minute.
    pub last_used: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What its holder may do.
    pub role: Role,
    /// The only tenant it is good for; `None` means all.
    pub tenant: Option<TenantId>,
}

/// The id of the key that an installation begins with.
const FIRST: &str = "000000000000";

/// The door to the API keys.
#[derive(Debug, Clone)]
pub struct Keys(Store);

impl Keys {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    /// Makes one. Its text is handed out here and never again.
    pub async fn create(&self, new: NewKey) -> Result<(ApiKey, Secret), StoreFault> {
        let id = hex::encode(random::<6>()?.as_slice());
        self.insert(id, new).await?.map_err(Into::into)
    }

    /// Makes an owner's key for an installation that has never had a key; `None` if it has one. Of several nodes that start at the same
    /// moment one makes it: it is the key with the id [`FIRST`].
    pub async fn create_first(&self, name: &str) -> Result<Option<(ApiKey, Secret)>, StoreFault> {
        if Entity::find().one(self.0.db()).await?.is_some() {
            return Ok(None);
        }
        let new = NewKey { name: name.to_owned(), role: Role::Owner, tenant: None };
        match self.insert(FIRST.to_owned(), new).await? {
            Ok(made) => Ok(Some(made)),
            Err(error) if matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    async fn insert(&self, id: String, new: NewKey) -> Result<Result<(ApiKey, Secret), sea_orm::DbErr>, StoreFault> {
        let text = Zeroizing::new(format!("sk_{id}_{}", BASE64_URL_SAFE_NO_PAD.encode(random::<32>()?.as_slice())));
        let row = ActiveModel {
            id: Set(id),
            name: Set(new.name),
            role: Set(new.role.as_str().to_owned()),
            tenant: Set(new.tenant.as_ref().map(ToString::to_string)),
            sha256: Set(digest(&text).to_vec()),
            created: Set(now()?),
            last_used: Set(None),
            revoked: Set(None),
        };
        match Entity::insert(row).exec_with_returning(self.0.db()).await {
            Ok(made) => Ok(Ok((read(made)?, Secret::new(text.as_str())))),
            Err(error) => match (error.sql_err(), &new.tenant) {
                (Some(sea_orm::SqlErr::ForeignKeyConstraintViolation(_)), Some(tenant)) => Err(StoreFault::not_found("tenant", tenant)),
                (Some(_) | None, _) => Ok(Err(error)),
            },
        }
    }

    /// Whose text this is; `None` if it is nobody's, or was revoked.
    pub async fn verify(&self, text: &Secret) -> Result<Option<ApiKey>, StoreFault> {
        let Some(id) = id_in(text.expose()) else { return Ok(None) };
        let row = Entity::find_by_id(id).one(self.0.db()).await?;
        let Some(row) = row.filter(|row| row.revoked.is_none()) else { return Ok(None) };
        if !bool::from(digest(text.expose()).as_slice().ct_eq(&row.sha256)) {
            return Ok(None);
        }
        self.note_use(&row).await?;
        read(row).map(Some)
    }

    /// All of them, revoked ones too, by id; those of one tenant if wanted.
    pub async fn list(&self, tenant: Option<&TenantId>, page: &PageRequest) -> Result<Page<ApiKey>, StoreFault> {
        let mut rows = Entity::find();
        if let Some(tenant) = tenant {
            rows = rows.filter(Column::Tenant.eq(tenant.as_str()));
        }
        let mut rows = rows.cursor_by(Column::Id);
        if let Some(after) = page.after_text()? {
            rows.after(after);
        }
        page.cut(rows.first(page.rows()).all(self.0.db()).await?, |row| row.id.clone(), read)
    }

    /// One of them.
    pub async fn by_id(&self, id: &str) -> Result<Option<ApiKey>, StoreFault> {
        Entity::find_by_id(id).one(self.0.db()).await?.map(read).transpose()
    }

    /// Ends a key for good. Doing it again changes nothing.
    pub async fn revoke(&self, id: &str) -> Result<ApiKey, StoreFault> {
        let set = ActiveModel { revoked: Set(Some(now()?)), ..Default::default() };
        Entity::update_many().filter(Column::Id.eq(id)).filter(Column::Revoked.is_null()).set(set).exec(self.0.db()).await?;
        self.by_id(id).await?.ok_or_else(|| StoreFault::not_found("API key", id))
    }

    // To the minute, because a write for each request would be too many.
    async fn note_use(&self, row: &Model) -> Result<(), StoreFault> {
        let at = Timestamp::now();
        let is_fresh = maybe_from_column(row.last_used)?.is_some_and(|last| last + 1.minute() > at);
        if is_fresh {
            return Ok(());
        }
        let set = ActiveModel { last_used: Set(Some(to_column(at)?)), ..Default::default() };
        Entity::update_many().filter(Column::Id.eq(row.id.as_str())).set(set).exec(self.0.db()).await?;
        Ok(())
    }
}

fn id_in(text: &str) -> Option<&str> {
    let (id, _) = text.strip_prefix("sk_")?.split_once('_')?;
    Some(id).filter(|id| id.len() == 12 && id.bytes().all(|c| c.is_ascii_hexdigit()))
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text).into()
}

/// Bytes that nobody can guess, for a new secret.
pub fn random_bytes() -> Result<[u8; 32], StoreFault> {
    Ok(*random::<32>()?)
}

pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, StoreFault> {
    let mut bytes = Zeroizing::new([0; N]);
    SysRng.try_fill_bytes(bytes.as_mut_slice()).map_err(|error| VaultFault::NoRandomness(error.to_string()))?;
    Ok(bytes)
}

fn read(row: Model) -> Result<ApiKey, StoreFault> {
    Ok(ApiKey {
        id: row.id,
        name: row.name,
        role: from_word(&row.role)?,
        tenant: row.tenant.as_deref().map(from_id).transpose()?,
        created: from_column(row.created)?,
        last_used: maybe_from_column(row.last_used)?,
        revoked: maybe_from_column(row.revoked)?,
    })
}
