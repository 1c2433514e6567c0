//! The records of a page on their way.

use serde_json::Value;
use syncline_model::Fault;

use crate::{item::Item, piece::Pieces, record::field};

/// The records of a page.
#[derive(Debug, Clone)]
pub enum Items {
    /// Objects as they stand in one text, of which each is known to be one.
    Cut(Pieces),
    /// Each for itself.
    Each(Vec<Item>),
}

impl Default for Items {
    fn default() -> Self {
        Self::Each(Vec::new())
    }
}

impl From<Pieces> for Items {
    /// A piece that may be none is a record for itself, or a reason to refuse it.
    fn from(pieces: Pieces) -> Self {
        if pieces.places.iter().any(|place| place.seen.word) {
            return Self::Each(each(pieces));
        }
        Self::Cut(pieces)
    }
}

fn each(pieces: Pieces) -> Vec<Item> {
    let Pieces { text, places } = pieces;
    places.into_iter().map(|place| Item::of(place.piece(&text))).collect()
}

impl Items {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Cut(pieces) => pieces.places.len(),
            Self::Each(items) => items.len(),
        }
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each for itself.
    pub fn into_vec(self) -> Vec<Item> {
        match self {
            Self::Cut(pieces) => each(pieces),
            Self::Each(items) => items,
        }
    }

    /// Changes them, each for itself.
    pub fn change<T>(&mut self, change: impl FnOnce(&mut Vec<Item>) -> T) -> T {
        let mut items = std::mem::take(self).into_vec();
        let told = change(&mut items);
        *self = Self::Each(items);
        told
    }

    /// The last one.
    pub fn last(&self) -> Option<Item> {
        match self {
            Self::Cut(pieces) => pieces.places.last().map(|place| Item::Raw(place.clone().piece(&pieces.text))),
            Self::Each(items) => items.last().cloned(),
        }
    }

    /// The values of a field at the top of those that have it.
    pub fn fields(&self, name: &str, mut found: impl FnMut(Value)) {
        match self {
            Self::Cut(pieces) => {
                let path = [name.to_owned()];
                let texts = pieces.iter().filter_map(|record| std::str::from_utf8(record.bytes).ok());
                texts.filter_map(|text| field(text, &path)).for_each(found);
            }
            Self::Each(items) => items.iter().filter_map(|item| item.field(name)).for_each(&mut found),
        }
    }

    /// Leaves the records before the first that is none, and says why that one is none.
    pub fn until_refused(&mut self) -> Option<Fault> {
        let Self::Each(items) = self else { return None };
        let (place, fault) = items.iter().enumerate().find_map(|(place, item)| Some((place, item.refusal()?)))?;
        items.truncate(place);
        Some(fault)
    }
}
