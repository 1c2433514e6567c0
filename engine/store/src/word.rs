//! Reads the words of the model back from their columns. Each word is what serde writes for it.

use serde::{Serialize, de::DeserializeOwned};

use crate::StoreFault;

pub(crate) fn from_word<T: DeserializeOwned>(word: &str) -> Result<T, StoreFault> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).map_err(|_| StoreFault::Unreadable(format!("the word `{word}`")))
}

pub(crate) fn from_id<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, StoreFault> {
    text.parse().map_err(StoreFault::unreadable)
}

pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<String, StoreFault> {
    serde_json::to_string(value).map_err(StoreFault::unreadable)
}

pub(crate) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, StoreFault> {
    serde_json::from_str(text).map_err(StoreFault::unreadable)
}
