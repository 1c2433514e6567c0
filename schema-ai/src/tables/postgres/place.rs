//! Sorts the folded records of one stream by what is to be done with them, and does it with a few statements for all of them.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Result};
use syncline_model::log::Logged;

use super::{
    before::Before,
    copy::{Copy, Filled, Fixed, Sent},
    sql::Sql,
};
use crate::tables::{
    flatten::{ChildRow, Row},
    fold::{Fold, Pending},
    port::{Applied, Deletes},
    rows::family_of,
    schema::Schema,
};

type Settled<'f> = (&'f str, &'f Pending<'f>, (&'f Logged, &'f Logged));

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
struct Work<'f> {
    /// Records that get a row: they had none, or the one they had goes.
    written: Vec<Settled<'f>>,
    /// Records with a row of which nothing but a deletion came.
    marked: Vec<Settled<'f>>,
    /// Records with a row that goes, or is written anew.
    removed: Vec<&'f str>,
    /// Records whose child rows go.
    bare: Vec<&'f str>,
    /// Records that are gone for good.
    gone: Vec<Settled<'f>>,
    /// Records that are there, and may have been gone.
    back: Vec<&'f str>,
}

impl<'f> Work<'f> {
    fn sort(fold: &'f Fold<'_>, deletes: Deletes, applied: &mut Applied) -> Self {
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
                // To delete and copy costs the server half of what an update does.
                (false, true, true) => {
                    work.removed.push(key);
                    work.written.push(settled);
                }
                (false, true, false) => work.marked.push(settled),
            }
        }
        work
    }

    /// The rows of a child table.
    fn lists(&self, table: usize) -> impl Iterator<Item = (&Settled<'f>, &ChildRow<'f>)> {
        self.written.iter().flat_map(move |settled| {
            let rows = settled.1.parts.iter().flat_map(|parts| &parts.children);
            rows.filter(move |child| child.table == table).map(move |child| (settled, child))
        })
    }
}

/// Writes the records of one stream. The last of the rows are only sent: what does not need the database can be done while the server
/// works on them.
pub(super) async fn write<'c>(
    db: &'c mut PgConnection,
    sql: &Sql,
    schema: &mut Schema,
    (fold, before): (&Fold<'_>, &Before<'_>),
    (deletes, applied, learned): (Deletes, &mut Applied, &mut Learned),
) -> Result<Option<Sent<'c>>> {
    let work = Work::sort(fold, deletes, applied);
    let family = family_of(schema, fold.table);
    let root = &schema.tables[fold.table];
    for &child in family.iter().skip(1).filter(|&&child| schema.tables[child].has_rows) {
        remove(db, sql.remove(&schema.tables[child]), &work.bare).await?;
        mark_children(db, sql.mark_children(&schema.tables[child]), &work.marked).await?;
    }
    remove(db, sql.remove(root), &work.removed).await?;
    mark(db, sql.mark(root), &work.marked).await?;
    remember(db, sql, fold.table, root.has_gone, &work).await?;
    if !work.gone.is_empty() && !std::mem::replace(&mut schema.tables[fold.table].has_gone, true) {
        learned.tables.push(fold.table);
    }
    let has_rows = |&table: &usize| if table == fold.table { !work.written.is_empty() } else { work.lists(table).next().is_some() };
    let filled: Vec<usize> = family.into_iter().filter(has_rows).collect();
    let Some((&last, others)) = filled.split_last() else { return Ok(None) };
    for &table in others {
        send(&mut *db, sql, schema, (table, &work, before), (&mut *applied, &mut *learned)).await?.end().await?;
    }
    send(db, sql, schema, (last, &work, before), (applied, learned)).await.map(Some)
}

/// Sends the rows that one table gets.
async fn send<'c>(
    db: &'c mut PgConnection,
    sql: &Sql,
    schema: &mut Schema,
    (table, work, before): (usize, &Work<'_>, &Before<'_>),
    (applied, learned): (&mut Applied, &mut Learned),
) -> Result<Sent<'c>> {
    let of = &schema.tables[table];
    let mut copy = Copy::begin(db, sql, of).await?;
    if of.parent.is_none() {
        records(&mut copy, work, before, applied).await?;
    } else {
        child_rows(&mut copy, work.lists(table), applied).await?;
    }
    let (sent, filled) = copy.send().await?;
    applied.rows += filled.rows;
    learn(schema, table, &filled, learned);
    Ok(sent)
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

async fn records(copy: &mut Copy<'_, '_>, work: &Work<'_>, before: &Before<'_>, applied: &mut Applied) -> Result<()> {
    let nothing = Row::default();
    for (key, record, (first, last)) in &work.written {
        let engine = [
            Fixed::Text(key),
            record.version.map_or(Fixed::Nothing, Fixed::Version),
            Fixed::Id(last.event.id.0),
            deleted_at(record, last).map_or(Fixed::Nothing, Fixed::Moment),
            Fixed::Moment(before.first_seen(key).unwrap_or(first.committed)),
            Fixed::Moment(last.committed),
            Fixed::Whole(last.place.offset.cast_signed()),
        ];
        copy.push(&engine, record.parts.as_ref().map_or(&nothing, |parts| &parts.row), applied).await?;
    }
    Ok(())
}

async fn child_rows<'f>(
    copy: &mut Copy<'_, '_>,
    rows: impl Iterator<Item = (&'f Settled<'f>, &'f ChildRow<'f>)>,
    applied: &mut Applied,
) -> Result<()> {
    for ((key, record, (_, last)), child) in rows {
        let engine = [
            Fixed::Text(key),
            Fixed::Text(&child.key),
            Fixed::Text(&child.parent_key),
            Fixed::Whole(i64::try_from(child.index).unwrap_or(i64::MAX)),
            deleted_at(record, last).map_or(Fixed::Nothing, Fixed::Moment),
        ];
        copy.push(&engine, &child.row, applied).await?;
    }
    Ok(())
}

fn deleted_at(record: &Pending<'_>, last: &Logged) -> Option<Timestamp> {
    record.deleted.then(|| last.event.time.unwrap_or(last.committed))
}

async fn remove(db: &mut PgConnection, statement: String, keys: &[&str]) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(AssertSqlSafe(statement)).bind(keys).execute(db).await.map(drop)
}

/// Rows keep what they have, and say that their record was deleted.
async fn mark(db: &mut PgConnection, statement: String, marked: &[Settled<'_>]) -> Result<()> {
    if marked.is_empty() {
        return Ok(());
    }
    let column = |of: &dyn Fn(&Settled<'_>) -> Option<String>| marked.iter().map(of).collect::<Vec<_>>();
    sqlx::query(AssertSqlSafe(statement))
        .persistent(false)
        .bind(column(&|(key, _, _)| Some((*key).to_owned())))
        .bind(column(&|(_, record, _)| record.version.map(|version| version.to_string())))
        .bind(column(&|(_, _, (_, last))| Some(last.event.id.to_string())))
        .bind(column(&|(_, record, (_, last))| deleted_at(record, last).map(|time| time.to_string())))
        .bind(column(&|(_, _, (_, last))| Some(last.committed.to_string())))
        .bind(column(&|(_, _, (_, last))| Some(last.place.offset.cast_signed().to_string())))
        .execute(db)
        .await
        .map(drop)
}

async fn mark_children(db: &mut PgConnection, statement: String, marked: &[Settled<'_>]) -> Result<()> {
    if marked.is_empty() {
        return Ok(());
    }
    let keys: Vec<&str> = marked.iter().map(|(key, _, _)| *key).collect();
    let times: Vec<Option<String>> =
        marked.iter().map(|(_, record, (_, last))| deleted_at(record, last).map(|time| time.to_string())).collect();
    sqlx::query(AssertSqlSafe(statement)).persistent(false).bind(keys).bind(times).execute(db).await.map(drop)
}

/// A record that is gone for good leaves its version behind; one that came back needs that no more.
async fn remember(db: &mut PgConnection, sql: &Sql, table: usize, has_gone: bool, work: &Work<'_>) -> Result<()> {
    let number = i64::try_from(table).unwrap_or(i64::MAX);
    if !work.gone.is_empty() {
        let keys: Vec<&str> = work.gone.iter().map(|(key, _, _)| *key).collect();
        let versions: Vec<Option<String>> =
            work.gone.iter().map(|(_, record, _)| record.version.map(|version| version.to_string())).collect();
        let statement = format!(
            "INSERT INTO {}._syncline_gone (table_id, key, version) SELECT $1, gone.key, gone.version::numeric \
             FROM unnest($2::text[], $3::text[]) AS gone (key, version) ON CONFLICT (table_id, key) DO UPDATE SET version = excluded.version",
            sql.schema
        );
        sqlx::query(AssertSqlSafe(statement)).persistent(false).bind(number).bind(keys).bind(versions).execute(&mut *db).await?;
    }
    if has_gone && !work.back.is_empty() {
        let statement = format!("DELETE FROM {}._syncline_gone WHERE table_id = $1 AND key = ANY($2)", sql.schema);
        sqlx::query(AssertSqlSafe(statement)).persistent(false).bind(number).bind(&work.back).execute(db).await?;
    }
    Ok(())
}
