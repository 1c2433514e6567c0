//! The database in which a tenant's tables are, open for what the organizer keeps beside them. Statements are in what SQLite and
//! PostgreSQL both understand, and `?` stands for a value.

use std::ops::Deref;

use super::fault::TableFault;
use crate::infer::Kind;

/// A value that goes into a statement or comes out of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Absence, of a text.
    Nothing,
    /// Absence, of a whole number.
    NoNumber,
    /// A whole number; truth is 1.
    Number(i64),
    /// A text.
    Text(String),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Cell {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Self {
        text.map_or(Self::Nothing, Self::Text)
    }
}

impl From<Option<&str>> for Cell {
    fn from(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, Self::from)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::NoNumber, Self::Number)
    }
}

impl From<bool> for Cell {
    fn from(truth: bool) -> Self {
        Self::Number(i64::from(truth))
    }
}

/// The values of a statement.
macro_rules! cells {
    ($($value:expr),* $(,)?) => { &[$($crate::tables::database::Cell::from($value)),*] };
}
pub(crate) use cells;

/// A row that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found(pub Vec<Cell>);

impl Found {
    /// A text; nothing if there is none.
    pub fn maybe_text(&self, at: usize) -> Option<String> {
        match self.0.get(at) {
            Some(Cell::Text(text)) => Some(text.clone()),
            Some(Cell::Number(number)) => Some(number.to_string()),
            Some(Cell::Nothing | Cell::NoNumber) | None => None,
        }
    }

    /// A text; empty if there is none.
    pub fn text(&self, at: usize) -> String {
        self.maybe_text(at).unwrap_or_default()
    }

    /// A whole number; nothing if there is none.
    pub fn maybe_number(&self, at: usize) -> Option<i64> {
        match self.0.get(at) {
            Some(Cell::Number(number)) => Some(*number),
            Some(Cell::Nothing | Cell::NoNumber | Cell::Text(_)) | None => None,
        }
    }

    /// A whole number; 0 if there is none.
    pub fn number(&self, at: usize) -> i64 {
        self.maybe_number(at).unwrap_or_default()
    }
}

/// The database of one tenant's tables. Names in statements are looked up among this tenant's.
pub trait Database: Send {
    /// Does something. Gives how many rows it touched.
    fn run(&self, sql: &str, values: &[Cell]) -> Result<u64, TableFault>;

    /// Asks for rows.
    fn rows(&self, sql: &str, values: &[Cell]) -> Result<Vec<Found>, TableFault>;

    /// Does several things that bring no rows and take no values.
    fn batch(&self, sql: &str) -> Result<(), TableFault>;

    /// Begins a transaction; whoever else begins one for this tenant waits until it ends.
    fn lock(&self) -> Result<(), TableFault>;

    /// The names of the columns of a table; none if there is no such table.
    fn columns(&self, table: &str) -> Result<Vec<String>, TableFault>;

    /// How tables are declared here.
    fn dialect(&self) -> &'static Dialect;
}

/// How tables are declared.
#[derive(Debug)]
pub struct Dialect {
    /// The type of whole numbers of 64 bits.
    pub number: &'static str,
    /// Type and constraint of a primary key that counts by itself.
    pub counting_key: &'static str,
    /// What ends the declaration of a table.
    pub end: &'static str,
    /// The same, of a table whose rows are found by their primary key alone.
    pub keyed_end: &'static str,
    /// The type of a column that holds values of this kind; `None` if a column holds whatever comes.
    pub type_of: fn(Kind) -> Option<&'static str>,
    /// How a column of this kind is asked for, so that a whole number, truth or a text comes.
    pub shown: fn(Kind, &str) -> String,
}

impl dyn Database + '_ {
    /// Asks for the first row.
    pub fn row(&self, sql: &str, values: &[Cell]) -> Result<Option<Found>, TableFault> {
        Ok(self.rows(sql, values)?.into_iter().next())
    }

    /// Asks whether there is such a row.
    pub fn is(&self, sql: &str, values: &[Cell]) -> Result<bool, TableFault> {
        Ok(self.row(sql, values)?.is_some_and(|found| found.number(0) != 0))
    }

    /// Begins a transaction, which is undone unless it is committed.
    pub fn begin(&self) -> Result<Transaction<'_>, TableFault> {
        self.lock()?;
        Ok(Transaction { database: self, is_open: true })
    }
}

/// A transaction, undone when it is dropped.
pub struct Transaction<'d> {
    database: &'d dyn Database,
    is_open: bool,
}

impl Transaction<'_> {
    /// Keeps all that was done.
    pub fn commit(mut self) -> Result<(), TableFault> {
        self.is_open = false;
        self.database.batch("COMMIT").inspect_err(|_| drop(self.database.batch("ROLLBACK")))
    }
}

impl<'d> Deref for Transaction<'d> {
    type Target = dyn Database + 'd;

    fn deref(&self) -> &Self::Target {
        self.database
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            drop(self.database.batch("ROLLBACK"));
        }
    }
}

/// So many marks for values, as `?,?,?`.
pub(crate) fn marks(count: usize) -> String {
    vec!["?"; count].join(",")
}
