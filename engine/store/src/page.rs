//! Listings in pages. A page ends with a mark that says where the next begins: the key of its last row, so that rows which come
//! or go meanwhile make nothing appear twice or not at all.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::StoreFault;

const MOST: u64 = 500;

/// Which page of a listing is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    /// The mark of the page before; `None` for the first page.
    pub after: Option<String>,
    /// How many, at most; 500 is the most of all.
    pub limit: u64,
}

impl Default for PageRequest {
    fn default() -> Self {
        Self { after: None, limit: 100 }
    }
}

/// A page of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it.
    pub items: Vec<T>,
    /// The mark for the next page; `None` on the last.
    pub next: Option<String>,
}

impl PageRequest {
    /// One more than shown, because only that tells whether there is a next page.
    pub(crate) fn rows(&self) -> u64 {
        self.shown() + 1
    }

    fn shown(&self) -> u64 {
        self.limit.clamp(1, MOST)
    }

    pub(crate) fn after_text(&self) -> Result<Option<String>, StoreFault> {
        let Some(mark) = &self.after else { return Ok(None) };
        let bad = || StoreFault::BadPage(mark.clone());
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(mark).map_err(|_| bad())?;
        String::from_utf8(bytes).map(Some).map_err(|_| bad())
    }

    pub(crate) fn after_number(&self) -> Result<Option<i64>, StoreFault> {
        let Some(text) = self.after_text()? else { return Ok(None) };
        text.parse().map(Some).map_err(|_| StoreFault::BadPage(text))
    }

    pub(crate) fn after_number_and_text(&self) -> Result<Option<(i64, String)>, StoreFault> {
        let Some(text) = self.after_text()? else { return Ok(None) };
        let parts = text.split_once(' ').and_then(|(number, id)| Some((number.parse().ok()?, id.to_owned())));
        parts.map(Some).ok_or(StoreFault::BadPage(text))
    }

    /// The page that these rows are, where `key` is what the listing is sorted by.
    pub(crate) fn cut<R, T>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> String,
        read: impl Fn(R) -> Result<T, StoreFault>,
    ) -> Result<Page<T>, StoreFault> {
        let shown = usize::try_from(self.shown()).unwrap_or(usize::MAX);
        let has_more = rows.len() > shown;
        rows.truncate(shown);
        let next = rows.last().filter(|_| has_more).map(|row| BASE64_URL_SAFE_NO_PAD.encode(key(row)));
        Ok(Page { items: rows.into_iter().map(read).collect::<Result<_, _>>()?, next })
    }
}
