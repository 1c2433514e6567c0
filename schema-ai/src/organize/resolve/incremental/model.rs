//! What was learnt from the records once, and is enough to weigh any two of them later.

use serde::{Deserialize, Serialize};

use super::{CROWD, Row};
use crate::organize::resolve::cells::{Cells, Counted};
use crate::organize::resolve::fields::Field;
use crate::organize::resolve::records::Records;
use crate::organize::resolve::weights::{self, Weights};
use crate::organize::resolve::{blocking, compare};

/// The learnt weights, with how often words and values come. It can be saved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Model {
    columns: Vec<String>,
    compared: Vec<Field>,
    counted: Counted,
    weights: Weights,
}

/// How sure it is that two records are one thing.
#[derive(Debug, Clone)]
pub struct Scored {
    /// From 0 to 1.
    pub confidence: f64,
    /// What each field gave, in bits.
    pub why: Vec<(String, f64)>,
}

impl Model {
    /// Learns from the records there are.
    pub fn learn(records: &Records) -> Self {
        let cells = Cells::of(records);
        let pairs = blocking::pairs(&cells, records);
        let levels = compare::levels(&cells, &pairs);
        let weights = Weights::learn(&cells, records, &pairs, &levels);
        Self { columns: records.fields.clone(), compared: cells.fields.clone(), counted: Counted::of(&cells), weights }
    }

    /// Learns from rows whose values are in the order of these fields.
    pub fn learn_from(fields: &[&str], rows: &[Row]) -> Self {
        Self::learn(&records(fields.iter().map(|field| (*field).to_owned()).collect(), rows))
    }

    /// The fields whose values a [`Row`] holds, in order.
    pub fn fields(&self) -> &[String] {
        &self.columns
    }

    /// Records that the model was learnt from. When there are twice as many, it is time to learn again.
    pub fn learnt_from(&self) -> usize {
        self.counted.population
    }

    /// What a record is found by.
    pub fn keys(&self, row: &Row) -> Vec<u64> {
        let cells = self.cells(std::slice::from_ref(row));
        blocking::pieces(&cells, 0).into_iter().map(|(key, _)| key).collect()
    }

    /// How sure it is that two records are one thing.
    pub fn compare(&self, a: &Row, b: &Row) -> Scored {
        let cells = self.cells(&[a.clone(), b.clone()]);
        let (bits, why) = self.weights.explain(&cells, 0, 1);
        Scored { confidence: weights::probability(bits), why }
    }

    pub(super) fn weights(&self) -> &Weights {
        &self.weights
    }

    pub(super) fn records(&self, rows: &[Row]) -> Records {
        records(self.columns.clone(), rows)
    }

    pub(super) fn cells(&self, rows: &[Row]) -> Cells {
        Cells::under(&self.records(rows), &self.compared, &self.counted)
    }

    /// The evidence in bits that two records of these cells are one thing.
    pub(super) fn bits(&self, cells: &Cells, a: u32, b: u32) -> f64 {
        self.weights.bits(cells, a, b, &compare::pair(cells, a, b))
    }
}

fn records(fields: Vec<String>, rows: &[Row]) -> Records {
    Records::of_rows(fields, rows.iter().map(|row| (row.id.clone(), row.values.clone())).collect())
}

/// The longest list of records under one key that is still compared.
pub(super) fn is_crowded(records: usize) -> bool {
    records > CROWD
}
