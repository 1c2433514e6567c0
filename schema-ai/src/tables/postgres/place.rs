//! Sorts the folded records of one stream by what is to be done with them, and makes a few statements for all of them.

use jiff::Timestamp;
use syncline_model::log::Logged;

use super::{
    act::{Act, HEAD},
    ahead::{Acts, Waiting},
    before::Before,
    copy::{Filled, Fixed, Rows},
    refresh::Refresh,
    sql::{self, Sql},
};
use crate::tables::{
    flatten::{ChildRow, Row},
    fold::{Fold, Pending},
    port::{Applied, Deletes},
    rows::family_of,
    schema::{Schema, Table},
};

type Settled<'f, 'a> = (&'a str, &'f Pending<'a>, (&'a Logged, &'a Logged));

/// What the catalog has to learn after rows were written.
#[derive(Default)]
pub(super) struct Learned {
    /// Tables that have rows, or versions of what is gone, for the first time.
    pub tables: Vec<usize>,
    /// Columns that some row left empty for the first time.
    pub columns: Vec<(usize, usize)>,
}

/// What is to be done with the records of one stream.
#[derive(Default)]
struct Work<'f, 'a> {
    /// Records that get a row.
    written: Vec<Settled<'f, 'a>>,
    /// Records that have a row, or are presumed to have one, and get another state.
    refreshed: Vec<Settled<'f, 'a>>,
    /// Records with a row of which nothing but a deletion came.
    marked: Vec<Settled<'f, 'a>>,
    /// Records with a row that goes.
    removed: Vec<&'a str>,
    /// Records whose child rows go.
    bare: Vec<&'a str>,
    /// Records that are gone for good.
    gone: Vec<Settled<'f, 'a>>,
    /// Records that are there, and may have been gone.
    back: Vec<&'a str>,
}

impl<'f, 'a> Work<'f, 'a> {
    fn sort(fold: &'f Fold<'a>, deletes: Deletes, applied: &mut Applied) -> Self {
        let mut work = Self::default();
        for (key, record) in &fold.records {
            let Some(won) = record.won else { continue };
            let settled = (*key, record, won);
            applied.deleted += u64::from(record.deleted);
            let is_gone = record.deleted && deletes == Deletes::Hard;
            if record.exists && (record.parts.is_some() || is_gone) {
                work.bare.push(key);
            }
            if !is_gone && !record.exists {
                work.back.push(key);
            }
            match (is_gone, record.exists, record.parts.is_some()) {
                (true, true, _) => {
                    work.gone.push(settled);
                    work.removed.push(key);
                }
                (true, false, _) => work.gone.push(settled),
                (false, false, _) => work.written.push(settled),
                (false, true, true) => work.refreshed.push(settled),
                (false, true, false) => work.marked.push(settled),
            }
        }
        work
    }

    /// The rows of a child table.
    fn lists(&self, table: usize) -> impl Iterator<Item = (&Settled<'f, 'a>, &ChildRow<'a>)> {
        self.written.iter().chain(&self.refreshed).flat_map(move |settled| {
            let rows = settled.1.parts.iter().flat_map(|parts| &parts.children);
            rows.filter(move |child| child.table == table).map(move |child| (settled, child))
        })
    }
}

/// Makes what the server is to do with the records of one stream.
pub(super) fn place<'a>(
    acts: &mut Acts<'a>,
    sql: &Sql,
    schema: &mut Schema,
    (fold, before): (&Fold<'a>, &Before<'_>),
    (deletes, applied, learned): (Deletes, &mut Applied, &mut Learned),
) {
    let work = Work::sort(fold, deletes, applied);
    let family = family_of(schema, fold.table);
    let root = &schema.tables[fold.table];
    for &child in family.iter().skip(1).filter(|&&child| schema.tables[child].has_rows) {
        remove(acts, || sql.remove(&schema.tables[child]), &work.bare);
        mark_children(acts, || sql.mark_children(&schema.tables[child]), &work.marked);
    }
    remove(acts, || sql.remove(root), &work.removed);
    mark(acts, || sql.mark(root), &work.marked);
    remember(acts, sql, fold.table, root.has_gone, &work);
    let refreshed = refresh(acts, (sql, fold.table, root), (&work.refreshed, before), applied);
    learn(schema, fold.table, &refreshed, learned);
    if !work.gone.is_empty() && !std::mem::replace(&mut schema.tables[fold.table].has_gone, true) {
        learned.tables.push(fold.table);
    }
    let has_rows = |&table: &usize| if table == fold.table { !work.written.is_empty() } else { work.lists(table).next().is_some() };
    for table in family.into_iter().filter(has_rows) {
        let of = &schema.tables[table];
        let (mut rows, copy) = (Rows::after(of, acts.waiting(table)), || sql.copy(of));
        match of.parent {
            None => records(acts, (&copy, &mut rows), &work, before, applied),
            Some(_) => child_rows(acts, (&copy, &mut rows), work.lists(table), applied),
        }
        let (bytes, filled) = rows.end();
        applied.rows += filled.rows;
        if bytes.len() > HEAD.len() {
            acts.wait(table, Waiting { copy: copy(), insert: (sql.insert(of), sql::row_kinds(of).collect()), bytes });
        }
        learn(schema, table, &filled, learned);
    }
}

fn learn(schema: &mut Schema, index: usize, filled: &Filled, learned: &mut Learned) {
    let table = &mut schema.tables[index];
    if filled.rows > 0 && !std::mem::replace(&mut table.has_rows, true) {
        learned.tables.push(index);
    }
    for (ordinal, column) in table.columns.iter_mut().enumerate() {
        let was_left_empty = filled.columns.get(ordinal).is_some_and(|count| *count < filled.rows);
        if was_left_empty && !column.nullable {
            column.nullable = true;
            learned.columns.push((index, ordinal));
        }
    }
}

/// Where rows go: the `COPY` of a table, and those that are made.
type Into<'t, 'r> = (&'r dyn Fn() -> String, &'r mut Rows<'t>);

/// Adds the row of a record.
fn push(rows: &mut Rows<'_>, (key, record, (first, last)): &Settled<'_, '_>, before: &Before<'_>, applied: &mut Applied) {
    let engine = [
        Fixed::Text(key),
        record.version.map_or(Fixed::Nothing, Fixed::Version),
        Fixed::Id(last.event.id.0),
        deleted_at(record, last).map_or(Fixed::Nothing, Fixed::Moment),
        Fixed::Moment(before.first_seen(key).unwrap_or(first.committed)),
        Fixed::Moment(last.committed),
        Fixed::Whole(last.place.offset.cast_signed()),
    ];
    let nothing = Row::default();
    rows.push(&engine, record.parts.as_ref().map_or(&nothing, |parts| &parts.row), applied);
}

/// Rows that are written over others.
fn refresh(
    acts: &mut Acts<'_>,
    (sql, number, table): (&Sql, usize, &Table),
    (refreshed, before): (&[Settled<'_, '_>], &Before<'_>),
    applied: &mut Applied,
) -> Filled {
    let mut rows = Rows::after(table, Vec::new());
    let (mut refreshed, mut sum) = (refreshed.iter().peekable(), Filled { rows: 0, columns: vec![0; table.columns.len()] });
    while let Some(settled) = refreshed.next() {
        push(&mut rows, settled, before, applied);
        if refreshed.peek().is_some() && !rows.are_a_statement() {
            continue;
        }
        let (bytes, filled) = std::mem::replace(&mut rows, Rows::after(table, Vec::new())).end();
        sum += filled;
        let act = Act::Refresh(Refresh::of(sql, (number, table), &bytes));
        // What else there is to do with the table concerns other records, unless some come twice.
        if before.repeats() {
            acts.give(act);
        } else {
            acts.give_beside(act);
        }
    }
    applied.rows += sum.rows;
    sum
}

fn records(acts: &mut Acts<'_>, (copy, rows): Into<'_, '_>, work: &Work<'_, '_>, before: &Before<'_>, applied: &mut Applied) {
    for settled in &work.written {
        push(rows, settled, before, applied);
        if rows.are_many() {
            acts.copy(copy(), rows.take());
        }
    }
}

fn child_rows<'f, 'a: 'f>(
    acts: &mut Acts<'_>,
    (copy, rows): Into<'_, '_>,
    lists: impl Iterator<Item = (&'f Settled<'f, 'a>, &'f ChildRow<'a>)>,
    applied: &mut Applied,
) {
    for ((key, record, (_, last)), child) in lists {
        let engine = [
            Fixed::Text(key),
            Fixed::Text(&child.key),
            Fixed::Text(&child.parent_key),
            Fixed::Whole(i64::try_from(child.index).unwrap_or(i64::MAX)),
            deleted_at(record, last).map_or(Fixed::Nothing, Fixed::Moment),
        ];
        rows.push(&engine, &child.row, applied);
        if rows.are_many() {
            acts.copy(copy(), rows.take());
        }
    }
}

fn deleted_at(record: &Pending<'_>, last: &Logged) -> Option<Timestamp> {
    record.deleted.then(|| last.event.time.unwrap_or(last.committed))
}

fn remove<'f>(acts: &mut Acts<'f>, statement: impl FnOnce() -> String, keys: &[&'f str]) {
    if !keys.is_empty() {
        acts.give(Act::Keys(statement(), keys.to_vec()));
    }
}

/// Something of each record, as a column of texts.
fn column(of: &[Settled<'_, '_>], value: impl Fn(&Settled<'_, '_>) -> Option<String>) -> Vec<Option<String>> {
    of.iter().map(value).collect()
}

/// Rows keep what they have, and say that their record was deleted.
fn mark(acts: &mut Acts<'_>, statement: impl FnOnce() -> String, marked: &[Settled<'_, '_>]) {
    if marked.is_empty() {
        return;
    }
    let columns = vec![
        column(marked, |(key, _, _)| Some((*key).to_owned())),
        column(marked, |(_, record, _)| record.version.map(|version| version.to_string())),
        column(marked, |(_, _, (_, last))| Some(last.event.id.to_string())),
        column(marked, |(_, record, (_, last))| deleted_at(record, last).map(|time| time.to_string())),
        column(marked, |(_, _, (_, last))| Some(last.committed.to_string())),
        column(marked, |(_, _, (_, last))| Some(last.place.offset.cast_signed().to_string())),
    ];
    acts.give(Act::Texts(statement(), columns));
}

fn mark_children(acts: &mut Acts<'_>, statement: impl FnOnce() -> String, marked: &[Settled<'_, '_>]) {
    if marked.is_empty() {
        return;
    }
    let keys = column(marked, |(key, _, _)| Some((*key).to_owned()));
    let times = column(marked, |(_, record, (_, last))| deleted_at(record, last).map(|time| time.to_string()));
    acts.give(Act::Texts(statement(), vec![keys, times]));
}

/// A record that is gone for good leaves its version behind; one that came back needs that no more.
fn remember<'a>(acts: &mut Acts<'a>, sql: &Sql, table: usize, has_gone: bool, work: &Work<'_, 'a>) {
    if !work.gone.is_empty() {
        let keys = column(&work.gone, |(key, _, _)| Some((*key).to_owned()));
        let versions = column(&work.gone, |(_, record, _)| record.version.map(|version| version.to_string()));
        acts.give(Act::Texts(sql.remember(table), vec![keys, versions]));
    }
    if has_gone && !work.back.is_empty() {
        acts.give(Act::Keys(sql.forget(table), work.back.clone()));
    }
}
