//! Who did what. Each entry holds the hash of the one before, so that nobody can change or take away one unseen.
//! That the newest entries are missing shows only beside a head that was written down elsewhere; `verify_chain` returns it.

use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use sha2::{Digest, Sha256};
use syncline_model::TenantId;

use crate::{
    Page, PageRequest, Store, StoreFault,
    entity::audit_entry::{ActiveModel, Column, Entity, Model},
    time::{from_column, to_column},
    word::from_id,
};

const FIRST: [u8; 32] = [0; 32];
const AT_ONCE: u64 = 1000;

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Who: `key/{id}`, `engine`, `setup`.
    pub who: String,
    /// What: `integration.created`.
    pub what: String,
    /// To what: the id of the thing.
    pub target: String,
    /// Whose, if it is a tenant's.
    pub tenant: Option<TenantId>,
}

/// An act in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its number; they have no gaps.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub act: Act,
    /// The hash over it and the one before, in hexadecimal.
    pub hash: String,
}

/// A chain that was found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// How many entries it has.
    pub entries: i64,
    /// The hash of the newest, in hexadecimal.
    pub head: String,
}

/// The door to the audit chain.
#[derive(Debug, Clone)]
pub struct Audit(Store);

impl Audit {
    pub(crate) fn new(store: Store) -> Self {
        Self(store)
    }

    /// Adds an act to the chain.
    pub async fn record(&self, act: Act, at: Timestamp) -> Result<AuditEntry, StoreFault> {
        let transaction = self.0.begin().await?;
        if self.0.is_postgres() {
            // One writer at a time, as SQLite has it anyway; readers are not held up.
            transaction.execute_unprepared("lock table audit_entries in exclusive mode").await?;
        }
        let newest = Entity::find().order_by_desc(Column::Id).one(&transaction).await?;
        let (id, previous) = newest.map_or((1, FIRST.to_vec()), |newest| (newest.id + 1, newest.hash));
        let mut row = Model {
            id,
            at: to_column(at)?,
            who: act.who,
            what: act.what,
            target: act.target,
            tenant: act.tenant.as_ref().map(ToString::to_string),
            previous,
            hash: Vec::new(),
        };
        row.hash = hash(&row);
        Entity::insert(active(row.clone())).exec_without_returning(&transaction).await?;
        transaction.commit().await?;
        read(row)
    }

    /// The newest first, of one tenant if wanted.
    pub async fn list(&self, tenant: Option<&TenantId>, page: &PageRequest) -> Result<Page<AuditEntry>, StoreFault> {
        let mut rows = Entity::find();
        if let Some(tenant) = tenant {
            rows = rows.filter(Column::Tenant.eq(tenant.as_str()));
        }
        let mut rows = rows.cursor_by(Column::Id);
        if let Some(after) = page.after_number()? {
            rows.after(after);
        }
        page.cut(rows.desc().first(page.rows()).all(self.0.db()).await?, |row| row.id.to_string(), read)
    }

    /// Reads the whole chain and checks each link.
    pub async fn verify_chain(&self) -> Result<Chain, StoreFault> {
        let (mut entries, mut head) = (0, FIRST.to_vec());
        loop {
            let rows = Entity::find().cursor_by(Column::Id).after(entries).first(AT_ONCE).all(self.0.db()).await?;
            if rows.is_empty() {
                return Ok(Chain { entries, head: hex::encode(head) });
            }
            for row in rows {
                let is_next = row.id == entries + 1 && row.previous == head && row.hash == hash(&row);
                if !is_next {
                    return Err(StoreFault::ChainBroken(row.id));
                }
                (entries, head) = (row.id, row.hash);
            }
        }
    }
}

// Each field has its length in front, so that no two entries give the same bytes; an absent tenant has none.
fn hash(row: &Model) -> Vec<u8> {
    let (id, at) = (row.id.to_be_bytes(), row.at.to_be_bytes());
    let tenant = row.tenant.as_deref().map(str::as_bytes);
    let fields = [b"syncline audit".as_slice(), &row.previous, &id, &at, row.who.as_bytes(), row.what.as_bytes(), row.target.as_bytes()];
    let mut hasher = Sha256::new();
    for field in fields.into_iter().chain(tenant) {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field);
    }
    hasher.finalize().to_vec()
}

fn active(row: Model) -> ActiveModel {
    ActiveModel {
        id: Set(row.id),
        at: Set(row.at),
        who: Set(row.who),
        what: Set(row.what),
        target: Set(row.target),
        tenant: Set(row.tenant),
        previous: Set(row.previous),
        hash: Set(row.hash),
    }
}

fn read(row: Model) -> Result<AuditEntry, StoreFault> {
    let tenant = row.tenant.as_deref().map(from_id).transpose()?;
    let act = Act { who: row.who, what: row.what, target: row.target, tenant };
    Ok(AuditEntry { id: row.id, at: from_column(row.at)?, act, hash: hex::encode(row.hash) })
}
