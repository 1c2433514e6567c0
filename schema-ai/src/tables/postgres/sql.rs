//! The SQL of a tenant's tables in PostgreSQL. Every text that goes into it is a name that the schema made, or is quoted here.

use crate::{
    infer::Kind,
    tables::{
        engine::{CHILD_COLUMNS, STREAM_COLUMNS},
        name::quoted,
        schema::{Column, Table},
    },
};

const OVERFLOW: &str = "_syncline_overflow";

/// A moment in UTC as the source most likely wrote it: as few digits behind the second as it has.
const CANONICAL: &str =
    r#"to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || rtrim(to_char({} AT TIME ZONE 'UTC', '.US'), '.0') || 'Z'"#;

/// The schema of one tenant, and the SQL that names it.
#[derive(Debug, Clone)]
pub(super) struct Sql {
    /// The schema's name, quoted.
    pub schema: String,
}

/// A text as a literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''").replace('\0', "\\u0000"))
}

/// The type of a column.
pub(super) fn type_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Null | Kind::Text => "text",
        Kind::Boolean => "boolean",
        Kind::Integer => "bigint",
        Kind::BigInteger | Kind::Decimal => "numeric",
        Kind::Timestamp => "timestamp with time zone",
        Kind::Date => "date",
        Kind::Uuid => "uuid",
        // `jsonb` would forget the order of names and names that come twice.
        Kind::Json => "json",
    }
}

/// The columns in the order in which rows bring them: what did not fit is known last.
pub(super) fn row_columns(table: &Table) -> Vec<String> {
    let engine = if table.parent.is_none() { STREAM_COLUMNS } else { CHILD_COLUMNS };
    let engine = engine.iter().copied().filter(|name| *name != OVERFLOW);
    engine.chain(table.columns.iter().map(|column| column.name.as_str())).chain([OVERFLOW]).map(quoted).collect()
}

/// A column of moments as text in RFC 3339.
pub(super) fn moment(column: &str) -> String {
    format!(
        r#"to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS') || rtrim(to_char({column} AT TIME ZONE 'UTC', '.US'), '.0') || 'Z'"#
    )
}

/// The text of a timestamp column as the source wrote it.
pub(super) fn source_text(table: &Table, column: &Column) -> String {
    let name = quoted(&column.name);
    let canonical = CANONICAL.replace("{}", &name);
    match column.moment.and_then(|moment| table.columns.get(moment)) {
        Some(beside) => format!("coalesce({}, {canonical})", quoted(&beside.name)),
        None => canonical,
    }
}

impl Sql {
    pub fn table(&self, table: &Table) -> String {
        self.named(&table.name)
    }

    pub fn named(&self, name: &str) -> String {
        format!("{}.{}", self.schema, quoted(name))
    }

    pub fn create(&self, table: &Table) -> String {
        let engine = if table.parent.is_none() {
            "_syncline_key text COLLATE \"C\" NOT NULL PRIMARY KEY, _syncline_version numeric, _syncline_event_id uuid NOT NULL, \
             _syncline_deleted_at timestamptz, _syncline_first_seen timestamptz NOT NULL, _syncline_last_seen timestamptz NOT NULL, \
             _syncline_offset bigint NOT NULL, _syncline_overflow json"
        } else {
            "_syncline_root_key text COLLATE \"C\" NOT NULL, _syncline_key text COLLATE \"C\" NOT NULL, _syncline_parent_key text NOT NULL, \
             _syncline_index bigint NOT NULL, _syncline_deleted_at timestamptz, _syncline_overflow json"
        };
        let own: Vec<String> = table.columns.iter().map(|column| format!(", {} {}", quoted(&column.name), type_of(column.kind))).collect();
        let own = own.concat();
        let key = if table.parent.is_none() { "" } else { ", PRIMARY KEY (_syncline_root_key, _syncline_key)" };
        format!("CREATE TABLE {} ({engine}{own}{key});", self.table(table))
    }

    /// Adds and widens columns with one statement, so that rows are rewritten at most once.
    pub fn alter(&self, table: &Table, added: &[usize], widened: &[(usize, Kind)]) -> String {
        let add = added.iter().filter_map(|&column| table.columns.get(column));
        let add = add.map(|column| format!("ADD COLUMN {} {}", quoted(&column.name), type_of(column.kind)));
        let widen = widened.iter().filter_map(|&(column, before)| Some((table.columns.get(column)?, before)));
        let widen = widen.filter(|(column, before)| type_of(column.kind) != type_of(*before));
        let widen = widen.map(|(column, before)| {
            let (name, wider) = (quoted(&column.name), type_of(column.kind));
            format!("ALTER COLUMN {name} TYPE {wider} USING {}", converted(table, column, before))
        });
        let actions: Vec<String> = add.chain(widen).collect();
        if actions.is_empty() { String::new() } else { format!("ALTER TABLE {} {};", self.table(table), actions.join(", ")) }
    }

    pub fn copy(&self, table: &Table) -> String {
        format!("COPY {} ({}) FROM STDIN (FORMAT binary)", self.table(table), row_columns(table).join(","))
    }

    /// Parameters: keys. Gives key, version and when the row was first written.
    pub fn versions(&self, table: &Table) -> String {
        let columns = "_syncline_key, _syncline_version::text, _syncline_first_seen";
        format!("SELECT {columns} FROM {} WHERE _syncline_key = ANY($1)", self.table(table))
    }

    /// Parameters: keys, and if asked for the newest version that goes. Takes rows away, and gives what `versions` gives.
    pub fn take(&self, table: &Table, has_newest: bool) -> String {
        let known = if has_newest { " AND (_syncline_version IS NULL OR _syncline_version <= $2::numeric)" } else { "" };
        format!(
            "DELETE FROM {} WHERE _syncline_key = ANY($1){known} RETURNING _syncline_key, _syncline_version::text, _syncline_first_seen",
            self.table(table)
        )
    }

    /// Parameters: a table's number, keys. Gives key and version of what is gone.
    pub fn gone(&self) -> String {
        format!("SELECT key, version::text FROM {}._syncline_gone WHERE table_id = $1 AND key = ANY($2)", self.schema)
    }

    /// Parameters, as texts: keys, versions. Keeps the versions of what is gone from a table of this number.
    pub fn remember(&self, number: usize) -> String {
        format!(
            "INSERT INTO {}._syncline_gone (table_id, key, version) SELECT {number}, gone.key, gone.version::numeric \
             FROM unnest($1::text[], $2::text[]) AS gone (key, version) ON CONFLICT (table_id, key) DO UPDATE SET version = excluded.version",
            self.schema
        )
    }

    /// Parameters: keys. What was gone from a table of this number is back.
    pub fn forget(&self, number: usize) -> String {
        format!("DELETE FROM {}._syncline_gone WHERE table_id = {number} AND key = ANY($1)", self.schema)
    }

    /// Parameters: keys.
    pub fn remove(&self, table: &Table) -> String {
        let key = if table.parent.is_none() { "_syncline_key" } else { "_syncline_root_key" };
        format!("DELETE FROM {} WHERE {key} = ANY($1)", self.table(table))
    }

    /// Parameters, as texts: keys, versions, event ids, when deleted, when seen, offsets.
    pub fn mark(&self, table: &Table) -> String {
        format!(
            "UPDATE {} AS known SET _syncline_version = mark.version::numeric, _syncline_event_id = mark.event::uuid, \
             _syncline_deleted_at = mark.deleted::timestamptz, _syncline_last_seen = mark.seen::timestamptz, \
             _syncline_offset = mark.place::bigint FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) \
             AS mark (key, version, event, deleted, seen, place) WHERE known._syncline_key = mark.key",
            self.table(table)
        )
    }

    /// Parameters, as texts: keys of records, when deleted.
    pub fn mark_children(&self, table: &Table) -> String {
        format!(
            "UPDATE {} AS known SET _syncline_deleted_at = mark.deleted::timestamptz FROM unnest($1::text[], $2::text[]) \
             AS mark (key, deleted) WHERE known._syncline_root_key = mark.key",
            self.table(table)
        )
    }
}

/// A stored value in the form of the wider kind.
fn converted(table: &Table, column: &Column, before: Kind) -> String {
    let name = quoted(&column.name);
    let text = if before == Kind::Timestamp { source_text(table, column) } else { format!("{name}::text") };
    match column.kind {
        Kind::Json => match before {
            Kind::Timestamp | Kind::Date | Kind::Uuid | Kind::Text => format!("to_json({text})"),
            Kind::Null | Kind::Boolean | Kind::Integer | Kind::BigInteger | Kind::Decimal | Kind::Json => format!("({text})::json"),
        },
        Kind::Null | Kind::Text => text,
        Kind::Boolean | Kind::Integer | Kind::BigInteger | Kind::Decimal | Kind::Timestamp | Kind::Date | Kind::Uuid => {
            format!("{name}::{}", type_of(column.kind))
        }
    }
}
