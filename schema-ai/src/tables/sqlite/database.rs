//! A tenant's own file, for what is kept beside the tables.

use std::{path::Path, time::Duration};

use rusqlite::{Connection, Result, params_from_iter, types::Value};
use syncline_model::TenantId;

use crate::tables::{
    database::{Cell, Database, Dialect, Found},
    fault::{TableFault, unavailable},
};

/// Statements that are kept ready.
const STATEMENTS: usize = 64;

pub(super) struct SqliteDatabase {
    db: Connection,
    tenant: String,
}

impl SqliteDatabase {
    pub(super) fn open(file: &Path, tenant: &TenantId) -> std::result::Result<Self, TableFault> {
        let tenant = tenant.to_string();
        let opened = || {
            let db = Connection::open(file)?;
            db.busy_timeout(Duration::from_secs(30))?;
            db.set_prepared_statement_cache_capacity(STATEMENTS);
            db.pragma_update(None, "journal_mode", "WAL")?;
            db.pragma_update(None, "synchronous", "FULL")?;
            // References between unified rows are made whole at the end of each transaction, in whatever order rows come.
            db.pragma_update(None, "foreign_keys", false)?;
            Ok(db)
        };
        let db = opened().map_err(unavailable(&tenant))?;
        Ok(Self { db, tenant })
    }

    fn said<T>(&self, done: Result<T>) -> std::result::Result<T, TableFault> {
        done.map_err(unavailable(&self.tenant))
    }
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Nothing | Cell::NoNumber => Value::Null,
        Cell::Number(number) => Value::Integer(*number),
        Cell::Text(text) => Value::Text(text.clone()),
    }
}

fn cell(value: Value) -> Cell {
    match value {
        Value::Null => Cell::Nothing,
        Value::Integer(number) => Cell::Number(number),
        Value::Text(text) => Cell::Text(text),
        Value::Real(real) => Cell::Text(real.to_string()),
        Value::Blob(bytes) => Cell::Text(hex::encode(bytes)),
    }
}

impl Database for SqliteDatabase {
    fn run(&self, sql: &str, values: &[Cell]) -> std::result::Result<u64, TableFault> {
        let done = || self.db.prepare_cached(sql)?.execute(params_from_iter(values.iter().map(value)));
        self.said(done()).map(|rows| rows as u64)
    }

    fn rows(&self, sql: &str, values: &[Cell]) -> std::result::Result<Vec<Found>, TableFault> {
        let asked = || {
            let mut statement = self.db.prepare_cached(sql)?;
            let columns = statement.column_count();
            let read = |row: &rusqlite::Row<'_>| Ok(Found((0..columns).map(|at| row.get(at).map(cell)).collect::<Result<_>>()?));
            statement.query_map(params_from_iter(values.iter().map(value)), read)?.collect()
        };
        self.said(asked())
    }

    fn batch(&self, sql: &str) -> std::result::Result<(), TableFault> {
        self.said(self.db.execute_batch(sql))
    }

    fn lock(&self) -> std::result::Result<(), TableFault> {
        self.batch("BEGIN IMMEDIATE")
    }

    fn columns(&self, table: &str) -> std::result::Result<Vec<String>, TableFault> {
        let found = self.rows("SELECT name FROM pragma_table_info(?)", &[Cell::from(table)])?;
        Ok(found.iter().map(|row| row.text(0)).collect())
    }

    fn dialect(&self) -> &'static Dialect {
        &Dialect {
            number: "INTEGER",
            counting_key: "INTEGER PRIMARY KEY AUTOINCREMENT",
            end: "STRICT",
            keyed_end: "STRICT, WITHOUT ROWID",
            type_of: |_| None,
            shown: |_, column| column.to_owned(),
        }
    }
}
