//! How big the world is and when its records were last touched before the test began.

use crate::{
    dice::{Dice, mix},
    words::{Provider, Stream},
};

/// 2024-01-01T00:00:00Z: the first change of the world.
const FIRST_MS: i64 = 1_704_067_200_000;
/// 2025-01-01T00:00:00Z: where the sandbox's clock starts; everything generated is older, everything changed later is newer.
pub(crate) const CLOCK_START_MS: i64 = 1_735_689_600_000;
/// So many records share a timestamp. No usual page size is a multiple of it, so pages end inside of such a group.
const TIE: u64 = 7;
const SPAN_S: u64 = 365 * 86_400;
const MOST: u64 = 1_000_000;
/// So many deals have notes at most, because each of them costs a request.
const NOTED_DEALS: u64 = 50;

/// A deterministic world: everything in it follows from the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct World {
    seed: u64,
    records: u64,
}

impl World {
    /// The world of this seed with about this many records in all streams together, at most a million.
    pub const fn new(seed: u64, records: u64) -> Self {
        Self { seed, records: if records > MOST { MOST } else { records } }
    }

    /// What everything follows from.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// How many records the stream has before anything changes. `deal_notes` counts its deals.
    pub fn count(&self, stream: Stream) -> u64 {
        match stream {
            Stream::CrmDealNotes => self.count(Stream::CrmDeals).min(NOTED_DEALS),
            _ => (self.records * stream.share() / 1000).max(1),
        }
    }

    /// Number of the deal that is the `nth` with notes.
    pub(crate) fn noted_deal(&self, nth: u64) -> u64 {
        let stride = (self.count(Stream::CrmDeals) / NOTED_DEALS).max(1);
        nth * stride
    }

    /// Number among the deals with notes, if this deal has any.
    pub(crate) fn noted_position(&self, deal: u64) -> Option<u64> {
        (0..self.count(Stream::CrmDealNotes)).find(|nth| self.noted_deal(*nth) == deal)
    }

    /// How many notes the `nth` deal with notes has.
    pub(crate) fn notes_of(&self, nth: u64) -> u64 {
        1 + self.dice(Stream::CrmDealNotes, nth, 77).below(3)
    }

    /// When a record was last touched before the test began. Never falls with the index.
    pub(crate) fn touched_ms(&self, stream: Stream, index: u64) -> i64 {
        let groups = self.count(stream) / TIE + 1;
        let group = index / TIE;
        let spacing = (SPAN_S / groups).max(1);
        // Only the CRM knows parts of a second.
        let part = if stream.provider() == Provider::Crm { group * 37 % 1000 } else { 0 };
        FIRST_MS + i64::try_from(group * spacing * 1000 + part).unwrap_or_default()
    }

    /// When a record that was there from the start was created.
    pub(crate) fn created_ms(&self, stream: Stream, index: u64) -> i64 {
        let age_s = mix(self.seed ^ index ^ stream as u64) % (20 * 86_400);
        self.touched_ms(stream, index) - i64::try_from(age_s * 1000).unwrap_or_default()
    }

    /// The numbers that a record in a revision is made from.
    pub(crate) fn dice(&self, stream: Stream, index: u64, revision: u32) -> Dice {
        Dice::of(&[self.seed, stream as u64 + 1, index, u64::from(revision)])
    }

    /// Which person a customer or contact is. The same person has the same number in all providers.
    pub(crate) fn person(&self, stream: Stream, index: u64) -> u64 {
        let mut dice = self.dice(stream, index, u32::MAX);
        let buyers = self.count(Stream::ShopCustomers);
        let own = (stream as u64 + 1) * 1_000_000_000 + index;
        match stream {
            // A few people made a second account.
            Stream::ShopCustomers if index > 0 && dice.percent(3) => index - 1,
            Stream::ShopCustomers => index,
            Stream::CrmContacts if index < buyers && dice.percent(60) => index,
            Stream::PaymentsCustomers if index < buyers && dice.percent(80) => index,
            _ => own,
        }
    }
}
