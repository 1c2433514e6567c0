//! Consumer groups within one process: the members of a group split the shards, and their places are kept in the file.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use syncline_model::{
    LogFault, ShardId,
    log::{Consumer, Logged, PartitionName, Position},
};

use super::{Core, deadline, locked, reading, writer::Work};

/// The name of a shard's partition.
pub fn partition(shard: ShardId) -> PartitionName {
    PartitionName(shard.to_string())
}

/// Who is in which group, and how often that has changed.
#[derive(Default)]
pub struct Groups(Mutex<HashMap<String, (u64, Vec<u64>)>>);

impl Groups {
    fn enter(&self, group: &str, member: u64) {
        let mut groups = locked(&self.0);
        let (changes, members) = groups.entry(group.to_owned()).or_default();
        *changes += 1;
        members.push(member);
    }

    fn leave(&self, group: &str, member: u64) {
        let mut groups = locked(&self.0);
        if let Some((changes, members)) = groups.get_mut(group) {
            *changes += 1;
            members.retain(|other| *other != member);
        }
    }

    /// The shard is this member's at this moment.
    pub fn owns(&self, group: &str, member: u64, shard: ShardId) -> bool {
        let groups = locked(&self.0);
        let members = groups.get(group).map_or(&[][..], |(_, members)| members);
        members.get(usize::from(shard.0) % members.len().max(1)) == Some(&member)
    }

    /// How often the group has changed, and this member's shards.
    fn share(&self, group: &str, member: u64, shards: u16) -> (u64, Vec<ShardId>) {
        let groups = locked(&self.0);
        let Some((changes, members)) = groups.get(group) else { return (0, Vec::new()) };
        let Some(place) = members.iter().position(|other| *other == member) else { return (*changes, Vec::new()) };
        let ours = (0..shards).filter(|shard| usize::from(*shard) % members.len() == place).map(ShardId);
        (*changes, ours.collect())
    }
}

/// One member of a group.
pub struct Member {
    core: Arc<Core>,
    group: String,
    id: u64,
    changes: u64,
    /// How far each of our shards was handed out.
    places: BTreeMap<ShardId, u64>,
    /// What was handed out of each shard and is not yet committed.
    outstanding: BTreeMap<ShardId, u64>,
    /// Everything up to here was looked at for all of our shards.
    scanned: u64,
}

impl Member {
    pub fn join(core: Arc<Core>, group: &str, id: u64) -> Self {
        core.groups.enter(group, id);
        Self { core, group: group.to_owned(), id, changes: 0, places: BTreeMap::new(), outstanding: BTreeMap::new(), scanned: 0 }
    }

    /// Takes up the places that the group has committed, if the group has changed.
    async fn settle(&mut self) -> Result<(), LogFault> {
        let (changes, shards) = self.core.groups.share(&self.group, self.id, self.core.shards.get());
        if changes == self.changes {
            return Ok(());
        }
        let group = self.group.clone();
        // Asked of the writer, so that a commit of an earlier owner that is on its way comes first.
        let committed: HashMap<ShardId, u64> = self.core.writer.call(|reply| Work::Places { group, reply }).await?.into_iter().collect();
        self.places = shards.into_iter().map(|shard| (shard, committed.get(&shard).copied().unwrap_or(0))).collect();
        self.scanned = self.places.values().copied().min().unwrap_or(0);
        self.outstanding.clear();
        self.changes = changes;
        Ok(())
    }

    async fn fetch(&mut self, events_max: usize) -> Result<Vec<Logged>, LogFault> {
        let shards: Vec<ShardId> = self.places.keys().copied().collect();
        if shards.is_empty() {
            return Ok(Vec::new());
        }
        let after = self.scanned;
        let (rows, looked) = self.core.reading.with(move |connection| reading::of_shards(connection, &shards, after, events_max)).await?;
        self.scanned = looked;
        let mut batch = Vec::with_capacity(rows.len());
        for row in rows {
            let place = self.places.entry(row.shard).or_default();
            if row.seq > *place {
                *place = row.seq;
                self.outstanding.insert(row.shard, row.seq);
                let shard = row.shard;
                batch.push(row.logged(&partition(shard)));
            }
        }
        Ok(batch)
    }
}

#[async_trait]
impl Consumer for Member {
    async fn next(&mut self, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault> {
        let mut head = self.core.writer.head();
        let deadline = deadline(wait);
        loop {
            let last = *head.borrow_and_update();
            self.settle().await?;
            let batch = self.fetch(events_max.max(1)).await?;
            if !batch.is_empty() {
                return Ok(batch);
            }
            // The log may hold more of other members' events than one look can pass.
            let looked_at_all = self.places.is_empty() || self.scanned >= last;
            if looked_at_all && tokio::time::timeout_at(deadline, head.changed()).await.is_err() {
                return Ok(Vec::new());
            }
        }
    }

    async fn commit(&mut self, done: &Position) -> Result<(), LogFault> {
        let (changes, ours) = self.core.groups.share(&self.group, self.id, self.core.shards.get());
        let named = |shard: &ShardId| done.0.get(&partition(*shard)).copied();
        self.outstanding.retain(|shard, handed_out| named(shard).is_none_or(|done| done < *handed_out));
        // With nothing left outstanding, whatever was looked at is done, also in shards that had nothing; so a restart need not look again.
        let looked_at = if self.outstanding.is_empty() && changes == self.changes { self.scanned } else { 0 };
        let offsets: Vec<(ShardId, u64)> =
            ours.iter().map(|shard| (*shard, named(shard).unwrap_or(0).max(looked_at))).filter(|(_, offset)| *offset > 0).collect();
        if offsets.is_empty() {
            return Ok(());
        }
        let (group, member) = (self.group.clone(), self.id);
        self.core.writer.call(|reply| Work::Consumed { group, member, offsets, reply }).await
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.core.groups.leave(&self.group, self.id);
    }
}
