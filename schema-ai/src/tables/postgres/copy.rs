//! Rows in the binary form of `COPY`. A value that its column cannot hold goes to the overflow column, as does what would make a row
//! wider than a page.

use std::borrow::Cow;

use jiff::{Timestamp, civil::Date};

use super::{act::HEAD, numeric};
use crate::{
    infer::Kind,
    json,
    tables::{
        flatten::{Cell, Row},
        port::Applied,
        schema::{Column, Table},
    },
};

/// Rows go to the server when there are so many bytes of them, and some of them stay: what comes last must not be little, because the
/// end of a `COPY` waits until the server's machine has said that it has the rest, and it says so late if that was less than a packet.
const BYTES_MANY: usize = 112 * 1024;
const BYTES_KEPT: usize = 64 * 1024;
/// A statement with rows as parameters has so many bytes of them, and one row: the server keeps it whole in its memory.
const BYTES_OF_STATEMENT: usize = 1 << 20;
/// PostgreSQL keeps large values beside the row, but no value of up to 24 bytes, and a row must fit in a page of 8 KiB.
const ROW_BYTES_MAX: usize = 7_600;
const KEPT_IN_ROW: usize = 24;
/// Seconds from 1970 to 2000, where PostgreSQL's time begins.
pub(super) const EPOCH_S: i64 = 946_684_800;
const EPOCH_DAY: Date = Date::constant(2000, 1, 1);

/// A value of an engine column.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fixed<'a> {
    Nothing,
    Text(&'a str),
    Moment(Timestamp),
    Whole(i64),
    Version(i128),
    Id([u8; 16]),
}

/// What was made: how many rows, and how many of them had a value in each column.
#[derive(Debug, Clone, Default)]
pub(super) struct Filled {
    pub rows: u64,
    pub columns: Vec<u64>,
}

impl std::ops::AddAssign for Filled {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.columns.iter_mut().zip(more.columns).for_each(|(count, more)| *count += more);
    }
}

/// Rows on their way into one table.
pub(super) struct Rows<'t> {
    table: &'t Table,
    out: Vec<u8>,
    /// Where the rows end that may go, once they are many enough.
    cut: usize,
    /// For each column: where its cell is within the row's, counted from 1.
    places: Vec<u32>,
    /// How much of the page the row needs at least.
    kept: usize,
    filled: Filled,
    overflow: Vec<(String, Cow<'static, str>)>,
}

impl<'t> Rows<'t> {
    /// Rows that go behind what is there.
    pub fn after(table: &'t Table, out: Vec<u8>) -> Self {
        let filled = Filled { rows: 0, columns: vec![0; table.columns.len()] };
        Self { table, out, cut: 0, places: vec![0; table.columns.len()], kept: 0, filled, overflow: Vec::new() }
    }

    /// There are so many that they should go.
    pub fn are_many(&self) -> bool {
        self.out.len() >= BYTES_MANY
    }

    /// There are so many that one statement should take them.
    pub fn are_a_statement(&self) -> bool {
        self.out.len() >= BYTES_OF_STATEMENT
    }

    /// Takes the first of the rows away.
    pub fn take(&mut self) -> Vec<u8> {
        let mut next = Vec::with_capacity(BYTES_MANY + BYTES_KEPT);
        next.extend_from_slice(HEAD);
        next.extend_from_slice(&self.out[self.cut..]);
        self.out.truncate(self.cut);
        self.cut = 0;
        std::mem::replace(&mut self.out, next)
    }

    /// The rows that were not taken away, and what all of them filled.
    pub fn end(self) -> (Vec<u8>, Filled) {
        (self.out, self.filled)
    }

    /// Adds a row: the engine's values without the overflow, then the source's.
    pub fn push(&mut self, engine: &[Fixed<'_>], row: &Row<'_>, applied: &mut Applied) {
        let columns = &self.table.columns;
        let count = u16::try_from(engine.len() + columns.len() + 1).unwrap_or(u16::MAX);
        self.out.extend_from_slice(&count.to_be_bytes());
        engine.iter().for_each(|value| fixed(&mut self.out, *value));
        self.places.fill(0);
        self.kept = 0;
        self.filled.rows += 1;
        for (at, (column, _)) in row.cells.iter().enumerate() {
            if let Some(place) = self.places.get_mut(*column) {
                *place = u32::try_from(at + 1).unwrap_or_default();
            }
        }
        for (index, column) in columns.iter().enumerate() {
            let is_beside = self.places[index] != 0 && column.path.is_empty();
            let found = self.places[index].checked_sub(1).and_then(|at| row.cells.get(at as usize));
            match found {
                None => null(&mut self.out),
                // The cell is that of the moment, and this is the column beside it.
                Some((_, Cell::Moment(source, _))) if is_beside => text(&mut self.out, source),
                Some((_, found)) => self.cell(index, column, found),
            }
        }
        self.overflow(row, applied);
        if self.cut == 0 && self.out.len() >= BYTES_MANY - BYTES_KEPT {
            self.cut = self.out.len();
        }
    }

    fn cell(&mut self, index: usize, column: &Column, found: &Cell<'_>) {
        let before = self.out.len();
        self.filled.columns[index] += 1;
        let fits = cell(&mut self.out, found, column.kind);
        self.kept += kept_in_row(column.kind, self.out.len() - before);
        if !fits || self.kept > ROW_BYTES_MAX {
            self.out.truncate(before);
            null(&mut self.out);
            self.filled.columns[index] -= 1;
            self.overflow.push((column.path.clone(), as_json(found)));
            return;
        }
        let has_more_to_say = |source: &str| column.kind == Kind::Timestamp && !is_canonical(source);
        let at = self.places[index];
        if let (Cell::Moment(source, _), Some(beside)) = (found, column.moment)
            && has_more_to_say(source)
            && let Some(place) = self.places.get_mut(beside)
        {
            *place = at;
        }
    }

    fn overflow(&mut self, row: &Row<'_>, applied: &mut Applied) {
        let count = row.overflow.len() + self.overflow.len();
        if count == 0 {
            return null(&mut self.out);
        }
        applied.overflow += count as u64;
        let known = row.overflow.iter().map(|(path, raw)| (path, *raw));
        let fields = known.chain(self.overflow.iter().map(|(path, raw)| (path, raw.as_ref())));
        let fields: Vec<String> = fields.map(|(path, raw)| format!("{}:{raw}", json::quote(path))).collect();
        text(&mut self.out, &format!("{{{}}}", fields.join(",")));
        self.overflow.clear();
    }
}

fn cell(out: &mut Vec<u8>, cell: &Cell<'_>, kind: Kind) -> bool {
    match (kind, cell) {
        (Kind::Boolean, Cell::Boolean(value)) => put(out, &[u8::from(*value)]),
        (Kind::Integer, Cell::Integer(number)) => put(out, &number.to_be_bytes()),
        (Kind::BigInteger | Kind::Decimal, Cell::Integer(number)) => numeric::put_whole(out, i128::from(*number)),
        (Kind::BigInteger | Kind::Decimal, Cell::Exact(raw)) => return numeric::put(out, raw),
        (Kind::Timestamp, Cell::Moment(_, us)) => put(out, &(us - EPOCH_S * 1_000_000).to_be_bytes()),
        (Kind::Date, Cell::Text(source)) => return date(out, source),
        (Kind::Uuid, Cell::Text(source)) => return uuid(out, source),
        (Kind::Json, Cell::Boolean(_) | Cell::Integer(_) | Cell::Exact(_) | Cell::Text(_) | Cell::Moment(..) | Cell::Json(_)) => {
            text(out, &as_json(cell));
        }
        (Kind::Text | Kind::Null, Cell::Text(source) | Cell::Moment(source, _)) => {
            if source.as_bytes().contains(&0) {
                return false;
            }
            text(out, source);
        }
        (Kind::Text | Kind::Null, Cell::Boolean(_) | Cell::Integer(_) | Cell::Exact(_) | Cell::Json(_)) => text(out, &as_json(cell)),
        (Kind::Boolean | Kind::Integer | Kind::BigInteger | Kind::Decimal | Kind::Timestamp | Kind::Date | Kind::Uuid, _) => return false,
    }
    true
}

/// A value as JSON, as the source wrote it or as good.
fn as_json(cell: &Cell<'_>) -> Cow<'static, str> {
    match cell {
        Cell::Boolean(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
        Cell::Integer(number) => Cow::Owned(number.to_string()),
        Cell::Exact(raw) | Cell::Json(raw) => Cow::Owned((*raw).to_owned()),
        Cell::Text(source) | Cell::Moment(source, _) => Cow::Owned(json::quote(source)),
    }
}

fn fixed(out: &mut Vec<u8>, value: Fixed<'_>) {
    match value {
        Fixed::Nothing => null(out),
        Fixed::Text(value) => text(out, value),
        Fixed::Moment(time) => put(out, &(time.as_microsecond() - EPOCH_S * 1_000_000).to_be_bytes()),
        Fixed::Whole(number) => put(out, &number.to_be_bytes()),
        Fixed::Version(version) => numeric::put_whole(out, version),
        Fixed::Id(bytes) => put(out, &bytes),
    }
}

fn date(out: &mut Vec<u8>, source: &str) -> bool {
    // PostgreSQL has no year 0.
    let Some(day) = source.parse::<Date>().ok().filter(|day| day.year() > 0) else { return false };
    let Ok(days) = EPOCH_DAY.until((jiff::Unit::Day, day)).map(|span| span.get_days()) else { return false };
    put(out, &days.to_be_bytes());
    true
}

fn uuid(out: &mut Vec<u8>, source: &str) -> bool {
    let Ok(id) = uuid::Uuid::try_parse(source) else { return false };
    put(out, id.as_bytes());
    true
}

/// PostgreSQL's own text of this moment, in UTC with no more digits than needed, is this text.
fn is_canonical(source: &str) -> bool {
    let bytes = source.as_bytes();
    let (Some(last), Some(digit)) = (bytes.last(), bytes.len().checked_sub(2).and_then(|at| bytes.get(at))) else { return false };
    let has_usual_form = *last == b'Z' && bytes.get(10) == Some(&b'T') && bytes.get(13) == Some(&b':') && bytes.get(16) == Some(&b':');
    let is_leap = bytes.get(17..19) == Some(b"60") || bytes.get(11..13) == Some(b"24");
    let fraction_fits = bytes.len() == 20 || (bytes.get(19) == Some(&b'.') && bytes.len() <= 27 && *digit != b'0');
    has_usual_form && !is_leap && fraction_fits && !source.starts_with("0000")
}

/// How much of the page a value needs at least.
fn kept_in_row(kind: Kind, bytes: usize) -> usize {
    match kind {
        Kind::Boolean => 1,
        Kind::Integer | Kind::Timestamp => 15,
        Kind::Date => 7,
        Kind::Uuid => 16,
        Kind::Null | Kind::BigInteger | Kind::Decimal | Kind::Text | Kind::Json => (bytes + 1).min(KEPT_IN_ROW),
    }
}

fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(&(-1_i32).to_be_bytes());
}

fn text(out: &mut Vec<u8>, value: &str) {
    put(out, value.as_bytes());
}

fn put(out: &mut Vec<u8>, value: &[u8]) {
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(value);
}
