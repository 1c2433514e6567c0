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
const VERSION: &str = "_syncline_version";

/// How full pages of a stream's table become: some rows change now and then, and find room beside them.
const FILL: u8 = 90;
/// How full they become once most of the rows are written again and again.
const FILL_REWRITTEN: u8 = 50;

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

/// The kinds of these columns.
pub(super) fn row_kinds(table: &Table) -> impl Iterator<Item = Kind> {
    let of_stream: &[Kind] = &[Kind::Text, Kind::Decimal, Kind::Uuid, Kind::Timestamp, Kind::Timestamp, Kind::Timestamp, Kind::Integer];
    let of_child: &[Kind] = &[Kind::Text, Kind::Text, Kind::Text, Kind::Integer, Kind::Timestamp];
    let engine = if table.parent.is_none() { of_stream } else { of_child };
    engine.iter().copied().chain(table.columns.iter().map(|column| column.kind)).chain([Kind::Json])
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
        let (key, fill) = match table.parent {
            None => ("", format!(" WITH (fillfactor = {FILL})")),
            Some(_) => (", PRIMARY KEY (_syncline_root_key, _syncline_key)", String::new()),
        };
        format!("CREATE TABLE {} ({engine}{own}{key}){fill};", self.table(table))
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

    /// Parameters of both: for each column of a stream's table an array of its values, in the order in which rows bring them. The first
    /// statement writes them over rows that are there and not newer, the second one adds those that are not there.
    pub fn refresh(&self, table: &Table) -> (String, String) {
        let (columns, known) = (row_columns(table), self.table(table));
        let fresh = format!("({}) AS fresh", arrays(table));
        let stays = [VERSION, "_syncline_key", "_syncline_first_seen"].map(quoted);
        let set: Vec<String> = columns.iter().filter(|name| !stays.contains(name)).map(|name| format!("{name} = fresh.{name}")).collect();
        let update = format!(
            "UPDATE {known} AS known SET {VERSION} = coalesce(fresh.{VERSION}, known.{VERSION}), {} FROM {fresh} \
             WHERE known._syncline_key = fresh._syncline_key \
             AND (known.{VERSION} IS NULL OR fresh.{VERSION} IS NULL OR known.{VERSION} <= fresh.{VERSION})",
            set.join(",")
        );
        let insert = format!(
            "INSERT INTO {known} ({}) SELECT * FROM {fresh} \
             WHERE NOT EXISTS (SELECT FROM {known} AS known WHERE known._syncline_key = fresh._syncline_key)",
            columns.join(",")
        );
        (update, insert)
    }

    /// Parameters: for each column of a table an array of its values, in the order in which rows bring them.
    pub fn insert(&self, table: &Table) -> String {
        format!("INSERT INTO {} ({}) {}", self.table(table), row_columns(table).join(","), arrays(table))
    }

    /// Leaves room in each page for another state of its rows, unless somebody is at work on the table whom that would have to wait for.
    pub fn make_room(&self, table: &Table) -> String {
        let table = self.table(table);
        let change = format!(
            "BEGIN LOCK TABLE {table} IN SHARE UPDATE EXCLUSIVE MODE NOWAIT; ALTER TABLE {table} SET (fillfactor = {FILL_REWRITTEN}); \
             EXCEPTION WHEN lock_not_available THEN NULL; END"
        );
        format!("DO {};", literal(&change))
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

/// Rows from an array for each column.
fn arrays(table: &Table) -> String {
    let columns = row_columns(table);
    let arrays = columns.iter().zip(row_kinds(table)).enumerate();
    let arrays: Vec<String> = arrays.map(|(at, (name, kind))| format!("unnest(${}::{}[]) AS {name}", at + 1, type_of(kind))).collect();
    format!("SELECT {}", arrays.join(","))
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
