//! The only way anything becomes durable: events, cursors and inbox progress of one shard, all or nothing.

use jiff::Timestamp;

use crate::{Advance, Event, TenantId, log::InboxOffset};

/// The id by which a provider's webhook is known to be the same again, however often it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Whose delivery it was.
    pub tenant: TenantId,
    /// What identifies it, as `integration/dedupe id`.
    pub delivery: String,
    /// When it may be forgotten: the provider sends it no more after this.
    pub until: Timestamp,
}

/// Events, cursors and inbox progress of one shard.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Step {
    /// What becomes visible, in this order.
    pub events: Vec<Event>,
    /// Which cursors move.
    pub advances: Vec<Advance>,
    /// The inbox is done up to and including this.
    pub inbox: Option<InboxOffset>,
    /// Deliveries that must not be handled again.
    pub seen: Vec<Seen>,
}

impl Step {
    /// Adds the events of a page together with the move of the cursor that stands for them.
    pub fn push(&mut self, events: impl IntoIterator<Item = Event>, advance: Advance) {
        self.events.extend(events);
        self.advances.push(advance);
    }

    /// There is nothing to make durable.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.advances.is_empty() && self.inbox.is_none() && self.seen.is_empty()
    }
}
