//! A part of a stream that is read by itself: one partition and one window of time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::template::Scope;

/// A part of a stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// The fields that name the partition.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub partition: Map<String, Value>,
    /// The window's first and last moment.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub window: Map<String, Value>,
    /// What else is known about the partition, without naming it.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub extra: Map<String, Value>,
}

impl Slice {
    /// A partition without a window.
    pub fn of(partition: Map<String, Value>) -> Self {
        Self { partition, ..Self::default() }
    }

    /// A field of the partition or of the window.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.partition.get(name).or_else(|| self.window.get(name))
    }

    /// As templates see it: what else is known does not stand among the fields.
    fn value(&self) -> Value {
        let mut fields = self.partition.clone();
        fields.extend(self.window.iter().map(|(name, value)| (name.clone(), value.clone())));
        Value::Object(fields)
    }

    /// What templates may look at while this part is read.
    pub fn scope(&self, base: &Scope) -> Scope {
        let extra = Arc::new(Value::Object(self.extra.clone()));
        base.clone().with("stream_slice", Arc::new(self.value())).with("stream_slice.extra_fields", extra)
    }
}
