//! Records as flat rows of text.

use std::collections::HashMap;

use serde_json::Value;

use super::align;
use crate::organize::Refused;
use crate::organize::normalize::path;
use crate::organize::profile::files::Source;

/// All records of one or two files, the first file's first.
#[derive(Debug, Clone, Default)]
pub struct Records {
    ids: Vec<String>,
    /// Paths of the fields.
    pub fields: Vec<String>,
    /// The text of each record's fields.
    pub rows: Vec<Vec<Option<String>>>,
    /// Where the second file starts.
    pub second: Option<usize>,
}

impl Records {
    /// Reads the files.
    pub fn read(a: &Source, b: Option<&Source>, id: &str) -> Result<Self, Refused> {
        let mut records = Self::default();
        let mut index = HashMap::new();
        records.add(a, id, &mut index)?;
        if let Some(b) = b {
            records.second = Some(records.ids.len());
            records.add(b, id, &mut index)?;
        }
        let width = records.fields.len();
        for row in &mut records.rows {
            row.resize(width, None);
        }
        if let Some(b) = b {
            align::fields(&mut records, a, b)?;
        }
        Ok(records)
    }

    /// From rows that are at hand: an id and the values of the fields.
    pub fn of(fields: &[&str], rows: &[(&str, &[Option<&str>])], second: Option<usize>) -> Self {
        Self {
            ids: rows.iter().map(|(id, _)| (*id).to_owned()).collect(),
            fields: fields.iter().map(|field| (*field).to_owned()).collect(),
            rows: rows.iter().map(|(_, row)| row.iter().map(|cell| cell.map(str::to_owned)).collect()).collect(),
            second,
        }
    }

    /// From rows that may be taken.
    pub fn of_rows(fields: Vec<String>, rows: Vec<(String, Vec<Option<String>>)>) -> Self {
        let (ids, rows) = rows.into_iter().unzip();
        Self { ids, fields, rows, second: None }
    }

    fn add(&mut self, source: &Source, id: &str, index: &mut HashMap<String, usize>) -> Result<(), Refused> {
        let mut missing = 0_usize;
        source.records(&mut |record| {
            let Ok(value) = serde_json::from_slice::<Value>(record) else { return };
            let Some(key) = value.get(id).filter(|key| !key.is_null()) else {
                missing += 1;
                return;
            };
            self.ids.push(key.as_str().map_or_else(|| key.to_string(), str::to_owned));
            let mut row = Vec::with_capacity(self.fields.len());
            self.flatten(&value, "", id, &mut row, index);
            self.rows.push(row);
        })?;
        if self.ids.is_empty() {
            let what = format!("no record has the field `{id}` ({missing} were read)");
            return Err(Refused::Invalid { what: source.path.display().to_string(), cause: what });
        }
        Ok(())
    }

    fn flatten(&mut self, value: &Value, at: &str, id: &str, row: &mut Vec<Option<String>>, index: &mut HashMap<String, usize>) {
        let Value::Object(fields) = value else { return };
        for (key, value) in fields {
            let here = path::key(at, key);
            if here == id {
                continue;
            }
            let text = match value {
                Value::Null => continue,
                Value::Object(_) => {
                    self.flatten(value, &here, id, row, index);
                    continue;
                }
                Value::Array(list) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if text.trim().is_empty() {
                continue;
            }
            let place = *index.entry(here.clone()).or_insert_with(|| {
                self.fields.push(here);
                self.fields.len() - 1
            });
            if row.len() <= place {
                row.resize(place + 1, None);
            }
            row[place] = Some(text);
        }
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.ids.len()
    }

    /// Whether two files are linked.
    pub fn linked(&self) -> bool {
        self.second.is_some()
    }

    /// The id of a record.
    pub fn id(&self, at: u32) -> &str {
        &self.ids[at as usize]
    }

    /// Whether a record is of the first or the second file.
    pub fn side(&self, at: u32) -> char {
        if self.second.is_some_and(|second| at as usize >= second) { 'b' } else { 'a' }
    }

    /// Whether two records may be the same at all.
    pub fn comparable(&self, a: u32, b: u32) -> bool {
        self.second.is_none_or(|second| ((a as usize) < second) != ((b as usize) < second))
    }

    /// All pairs that may be the same.
    pub fn all_pairs(&self) -> f64 {
        let all = self.count() as f64;
        self.second.map_or(all * (all - 1.0) / 2.0, |second| second as f64 * (all - second as f64))
    }
}
