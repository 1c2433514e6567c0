//! Owning shards: a membership that has all of them, until somebody else joins.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::{Connection, params};
use syncline_model::{
    Cursor, CursorEntry, CursorKey, IntegrationId, LogFault, Revision, Shard, ShardId, Step, TenantId,
    log::{Answer, InboxItem, InboxOffset, Membership, ShardChange},
};
use tokio::sync::watch;

use super::{Core, Owned, fault, reading, writer::Work};

/// A member: first it gets every shard, and when somebody else has joined it loses every shard.
pub struct Joined {
    core: Arc<Core>,
    to_assign: std::vec::IntoIter<Owned>,
    to_revoke: Vec<ShardId>,
    epoch: i64,
    latest: watch::Receiver<i64>,
}

impl Joined {
    pub fn new(core: Arc<Core>, acquired: Vec<Owned>) -> Self {
        let to_revoke = acquired.iter().rev().map(|owned| owned.shard).collect();
        let epoch = acquired.iter().map(|owned| owned.epoch).max().unwrap_or(0);
        let latest = core.epoch.subscribe();
        Self { core, to_assign: acquired.into_iter(), to_revoke, epoch, latest }
    }
}

#[async_trait]
impl Membership for Joined {
    async fn next(&mut self) -> Result<Option<ShardChange>, LogFault> {
        let followed = *self.latest.borrow() > self.epoch;
        if followed {
            // What was not handed out is not ours to give, and not to take back either.
            let unassigned: Vec<ShardId> = self.to_assign.by_ref().map(|owned| owned.shard).collect();
            self.to_revoke.retain(|shard| !unassigned.contains(shard));
        } else if let Some(owned) = self.to_assign.next() {
            return Ok(Some(ShardChange::Assigned(Box::new(EmbeddedShard { core: Arc::clone(&self.core), owned }))));
        }
        let ours = self.epoch;
        if self.latest.wait_for(|epoch| *epoch > ours).await.is_err() {
            return Ok(None);
        }
        match self.to_revoke.pop() {
            Some(shard) => Ok(Some(ShardChange::Revoked(shard))),
            None => Ok(None),
        }
    }
}

struct EmbeddedShard {
    core: Arc<Core>,
    owned: Owned,
}

impl EmbeddedShard {
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, LogFault> + Send + 'static,
    ) -> Result<T, LogFault> {
        let owned = self.owned;
        let checked = move |connection: &Connection| {
            check_epoch(connection, owned)?;
            query(connection)
        };
        self.core.reading.with(checked).await
    }
}

/// Refuses an owner that is no owner any more.
pub fn check_epoch(connection: &Connection, owned: Owned) -> Result<(), LogFault> {
    let epoch: i64 = connection
        .prepare_cached("SELECT epoch FROM shards WHERE shard = ?1")
        .and_then(|mut statement| statement.query_row([owned.shard.0], |row| row.get(0)))
        .map_err(fault)?;
    if epoch == owned.epoch { Ok(()) } else { Err(LogFault::Fenced(owned.shard)) }
}

#[async_trait]
impl Shard for EmbeddedShard {
    fn id(&self) -> ShardId {
        self.owned.shard
    }

    async fn cursors(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Vec<CursorEntry>, LogFault> {
        let (tenant, integration) = (tenant.clone(), integration.clone());
        self.read(move |connection| cursors(connection, &tenant, &integration)).await
    }

    async fn inbox(&self, after: InboxOffset, items_max: usize) -> Result<Vec<(InboxOffset, InboxItem)>, LogFault> {
        let shard = self.owned.shard;
        self.read(move |connection| reading::inbox(connection, shard, after, items_max)).await
    }

    async fn inbox_done(&self) -> Result<InboxOffset, LogFault> {
        let shard = self.owned.shard;
        let sql = "SELECT inbox_done FROM shards WHERE shard = ?1";
        let done = self.read(move |connection| connection.query_row(sql, [shard.0], |row| row.get::<_, i64>(0)).map_err(fault)).await?;
        Ok(InboxOffset(done.unsigned_abs()))
    }

    async fn seen(&self, deliveries: Vec<(TenantId, String)>) -> Result<Vec<bool>, LogFault> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT 1 FROM seen WHERE tenant = ?1 AND delivery = ?2").map_err(fault)?;
            let known = |(tenant, delivery): &(TenantId, String)| statement.exists(params![tenant.as_str(), delivery]).map_err(fault);
            deliveries.iter().map(known).collect()
        })
        .await
    }

    async fn submit(&self, step: Arc<Step>) -> Answer {
        if step.is_empty() {
            return Box::pin(async { Ok(()) });
        }
        let owned = self.owned;
        match self.core.writer.hand_over(move |reply| Work::Commit { owned, step, reply }).await {
            Ok(answer) => Box::pin(answer),
            Err(fault) => Box::pin(async { Err(fault) }),
        }
    }
}

fn cursors(connection: &Connection, tenant: &TenantId, integration: &IntegrationId) -> Result<Vec<CursorEntry>, LogFault> {
    let sql = "SELECT stream, part, revision, cursor FROM cursors WHERE tenant = ?1 AND integration = ?2 ORDER BY stream, part";
    let mut statement = connection.prepare_cached(sql).map_err(fault)?;
    let mut found = statement.query(params![tenant.as_str(), integration.as_str()]).map_err(fault)?;
    let mut entries = Vec::new();
    while let Some(row) = found.next().map_err(fault)? {
        let stream: String = row.get(0).map_err(fault)?;
        let stream = stream.parse().map_err(|error| LogFault::Damaged(format!("a cursor: {error}")))?;
        let key = CursorKey { tenant: tenant.clone(), integration: integration.clone(), stream, part: row.get(1).map_err(fault)? };
        let revision = Revision(row.get::<_, i64>(2).map_err(fault)?.unsigned_abs());
        let cursor = Cursor(Bytes::from(row.get::<_, Vec<u8>>(3).map_err(fault)?));
        entries.push(CursorEntry { key, revision, cursor });
    }
    Ok(entries)
}
