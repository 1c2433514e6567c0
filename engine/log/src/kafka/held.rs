//! What the owner of a shard holds in memory: what was restored when the shard was taken over, and every step since.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use syncline_model::{
    Advance, Cursor, CursorEntry, CursorKey, Event, IntegrationId, LogFault, Revision, Step, StreamName, TenantId, log::InboxOffset,
};

use super::wire::{self, Outgoing};

type OfIntegration = BTreeMap<(StreamName, String), (Revision, Cursor)>;

/// Cursors, deliveries seen and the progress of the inbox of one shard.
#[derive(Default)]
pub struct Held {
    cursors: HashMap<TenantId, HashMap<IntegrationId, OfIntegration>>,
    seen: HashMap<TenantId, HashMap<String, u64>>,
    pub inbox_done: InboxOffset,
    /// How many lanes the shard's transactions may have come from.
    pub lanes: u64,
}

impl Held {
    pub fn revision(&self, key: &CursorKey) -> Revision {
        let found = self.cursors.get(&key.tenant).and_then(|of| of.get(&key.integration));
        found.and_then(|of| of.get(&(key.stream.clone(), key.part.clone()))).map_or(Revision::NONE, |(revision, _)| *revision)
    }

    pub fn cursors(&self, tenant: &TenantId, integration: &IntegrationId) -> Vec<CursorEntry> {
        let found = self.cursors.get(tenant).and_then(|of| of.get(integration));
        let entry = |((stream, part), (revision, cursor)): (&(StreamName, String), &(Revision, Cursor))| CursorEntry {
            key: CursorKey { tenant: tenant.clone(), integration: integration.clone(), stream: stream.clone(), part: part.clone() },
            revision: *revision,
            cursor: cursor.clone(),
        };
        found.into_iter().flatten().map(entry).collect()
    }

    pub fn has_seen(&self, tenant: &TenantId, delivery: &str) -> bool {
        self.seen.get(tenant).is_some_and(|of| of.contains_key(delivery))
    }

    /// What was read of the topic of cursors, and the deliveries of another.
    pub fn with_seen_of(self, other: Self) -> Self {
        Self { seen: other.seen, ..self }
    }

    pub fn set_cursor(&mut self, key: CursorKey, to: Option<(Revision, Cursor)>) {
        let of = self.cursors.entry(key.tenant).or_default().entry(key.integration).or_default();
        match to {
            Some(cursor) => drop(of.insert((key.stream, key.part), cursor)),
            None => drop(of.remove(&(key.stream, key.part))),
        }
    }

    pub fn set_seen(&mut self, tenant: TenantId, delivery: String, until_us: Option<u64>) {
        let of = self.seen.entry(tenant).or_default();
        match until_us {
            Some(until) => drop(of.insert(delivery, until)),
            None => drop(of.remove(&delivery)),
        }
    }

    /// Takes up one record of the topic of cursors.
    pub fn restore_cursor(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), LogFault> {
        if key == wire::INBOX_DONE {
            self.inbox_done = InboxOffset(value.and_then(wire::read_plain_number).unwrap_or(0));
            return Ok(());
        }
        if key == wire::LANES {
            self.lanes = value.and_then(wire::read_plain_number).unwrap_or(0);
            return Ok(());
        }
        let damaged = || LogFault::Damaged(format!("a cursor cannot be read: `{}`", String::from_utf8_lossy(key)));
        let read = wire::read_cursor_key(key).ok_or_else(damaged)?;
        let to = value.map(|value| wire::read_cursor(value).ok_or_else(damaged)).transpose()?;
        self.set_cursor(read, to);
        Ok(())
    }

    /// Takes up one record of the topic of deliveries.
    pub fn restore_seen(&mut self, key: &[u8], value: Option<&[u8]>) -> Result<(), LogFault> {
        if key == wire::ENDS {
            return Ok(());
        }
        let damaged = || LogFault::Damaged(format!("a delivery cannot be read: `{}`", String::from_utf8_lossy(key)));
        let (tenant, delivery) = wire::read_seen_key(key).ok_or_else(damaged)?;
        let until = value.map(|value| wire::read_plain_number(value).ok_or_else(damaged)).transpose()?;
        self.set_seen(tenant, delivery, until);
        Ok(())
    }

    /// Some deliveries that providers send no more.
    pub fn expired(&self, now_us: u64, at_most: usize) -> Vec<(TenantId, String)> {
        let all = self.seen.iter().flat_map(|(tenant, of)| of.iter().map(move |(delivery, until)| (tenant, delivery, *until)));
        all.filter(|(_, _, until)| *until < now_us).take(at_most).map(|(tenant, delivery, _)| (tenant.clone(), delivery.clone())).collect()
    }

    /// A draft that removes everything of a tenant.
    pub fn without(&self, tenant: &TenantId) -> Draft {
        let mut draft = Draft::default();
        for (integration, of) in self.cursors.get(tenant).into_iter().flatten() {
            for (stream, part) in of.keys() {
                let key =
                    CursorKey { tenant: tenant.clone(), integration: integration.clone(), stream: stream.clone(), part: part.clone() };
                draft.cursors.insert(key, None);
            }
        }
        let deliveries = self.seen.get(tenant).into_iter().flatten();
        draft.seen.extend(deliveries.map(|(delivery, _)| ((tenant.clone(), delivery.clone()), None)));
        draft
    }

    /// What was drafted is durable.
    pub fn apply(&mut self, draft: Draft) {
        for (key, to) in draft.cursors {
            self.set_cursor(key, to);
        }
        for ((tenant, delivery), until) in draft.seen {
            self.set_seen(tenant, delivery, until);
        }
        if let Some(done) = draft.inbox {
            self.inbox_done = self.inbox_done.max(done);
        }
        self.lanes = draft.lanes.unwrap_or(self.lanes);
    }
}

/// What one transaction changes.
#[derive(Default)]
pub struct Draft {
    /// The steps whose events it holds.
    pub steps: Vec<Arc<Step>>,
    /// These events as they are written, until somebody tries to.
    pub messages: Vec<Outgoing>,
    pub cursors: HashMap<CursorKey, Option<(Revision, Cursor)>>,
    pub seen: HashMap<(TenantId, String), Option<u64>>,
    pub inbox: Option<InboxOffset>,
    pub lanes: Option<u64>,
    /// Something is written to the topic of deliveries that says nothing: what the same producer has left open there ends with it.
    pub ends: bool,
}

impl Draft {
    pub fn is_empty(&self) -> bool {
        self.events().next().is_none()
            && self.cursors.is_empty()
            && self.seen.is_empty()
            && self.inbox.is_none()
            && self.lanes.is_none()
            && !self.ends
    }

    /// The events, each with the number of its step and its place in that step.
    pub fn events(&self) -> impl Iterator<Item = (usize, usize, &Event)> {
        self.steps.iter().enumerate().flat_map(|(number, step)| step.events.iter().enumerate().map(move |(at, event)| (number, at, event)))
    }

    /// The events as they are written, all of them: what was made for the first try, or made once more.
    pub fn take_messages(&mut self) -> Vec<Outgoing> {
        let made = std::mem::take(&mut self.messages);
        if made.len() == self.events().count() { made } else { self.steps.iter().flat_map(|step| wire::events(&step.events)).collect() }
    }

    /// Adds a step and its events as they are written, if all of its cursors are where it says.
    pub fn add(&mut self, held: &Held, step: &Arc<Step>, messages: Vec<Outgoing>) -> Result<(), LogFault> {
        self.check(held, &step.advances)?;
        for advance in &step.advances {
            let to = advance.to.as_ref().map(|cursor| (advance.from.next(), cursor.clone()));
            self.cursors.insert(advance.key.clone(), to);
        }
        self.steps.push(Arc::clone(step));
        self.messages.extend(messages);
        for seen in &step.seen {
            let until = u64::try_from(seen.until.as_microsecond()).unwrap_or(0);
            let known = self.seen.entry((seen.tenant.clone(), seen.delivery.clone())).or_default();
            *known = Some(known.unwrap_or(0).max(until));
        }
        self.inbox = self.inbox.max(step.inbox);
        Ok(())
    }

    fn check(&self, held: &Held, advances: &[Advance]) -> Result<(), LogFault> {
        let mut moved: HashMap<&CursorKey, Revision> = HashMap::new();
        for advance in advances {
            let drafted = self.cursors.get(&advance.key).map(|to| to.as_ref().map_or(Revision::NONE, |(revision, _)| *revision));
            let now = moved.get(&advance.key).copied().or(drafted).unwrap_or_else(|| held.revision(&advance.key));
            if now != advance.from {
                return Err(LogFault::Conflict(Box::new(advance.key.clone())));
            }
            moved.insert(&advance.key, advance.to.as_ref().map_or(Revision::NONE, |_| now.next()));
        }
        Ok(())
    }

    /// The records of our own topics: is it of the cursors, its key, its value.
    pub fn own_records(&self) -> Vec<(bool, Vec<u8>, Option<Bytes>)> {
        let cursor = |(key, to): (&CursorKey, &Option<(Revision, Cursor)>)| {
            (true, wire::cursor_key(key), to.as_ref().map(|(revision, cursor)| wire::cursor(*revision, cursor).into()))
        };
        let seen = |((tenant, delivery), until): (&(TenantId, String), &Option<u64>)| {
            (false, wire::seen_key(tenant, delivery), until.map(|until| wire::number(until).into()))
        };
        let mut records: Vec<_> = self.cursors.iter().map(cursor).chain(self.seen.iter().map(seen)).collect();
        if let Some(done) = self.inbox {
            records.push((true, wire::INBOX_DONE.to_vec(), Some(wire::number(done.0).into())));
        }
        if let Some(lanes) = self.lanes {
            records.push((true, wire::LANES.to_vec(), Some(wire::number(lanes).into())));
        }
        if self.ends {
            records.push((false, wire::ENDS.to_vec(), None));
        }
        records
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::conformance::{advance, event, tenant};

    #[test]
    fn a_draft_that_is_written_once_more_has_all_of_its_messages_again() {
        let (acme, held, mut draft) = (tenant("acme"), Held::default(), Draft::default());
        for from in 0..2 {
            let events = vec![event(&acme, &format!("{from}a"), "x"), event(&acme, &format!("{from}b"), "yy")];
            let step = Step { events, advances: vec![advance(&acme, from, "c")], ..Step::default() };
            let messages = wire::events(&step.events);
            draft.add(&held, &Arc::new(step), messages).unwrap();
        }
        let described = |messages: Vec<Outgoing>| -> Vec<_> { messages.into_iter().map(|message| (message.key, message.bytes)).collect() };
        let first = described(draft.take_messages());
        assert_eq!(first.len(), 4);
        assert_eq!(described(draft.take_messages()), first);
    }
}
