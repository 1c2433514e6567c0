//! Sorts the folded records of one stream by what is to be done with them, and does it with a few statements for all of them.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Result};
use syncline_model::log::Logged;

use super::{
    catalog::run,
    copy::{Copy, Filled, Fixed},
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
    /// Records without a row.
    fresh: Vec<Settled<'f>>,
    /// Records whose row is replaced.
    replaced: Vec<Settled<'f>>,
    /// Records with a row of which nothing but a deletion came.
    marked: Vec<Settled<'f>>,
    /// Records with a row that goes.
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
                (false, false, _) => work.fresh.push(settled),
                (false, true, true) => work.replaced.push(settled),
                (false, true, false) => work.marked.push(settled),
            }
        }
        work
    }
}

/// Writes the records of one stream.
pub(super) async fn write(
    db: &mut PgConnection,
    sql: &Sql,
    schema: &mut Schema,
    fold: &Fold<'_>,
    (deletes, applied, learned): (Deletes, &mut Applied, &mut Learned),
) -> Result<()> {
    let work = Work::sort(fold, deletes, applied);
    let family = family_of(schema, fold.table);
    let root = &schema.tables[fold.table];
    for &child in family.iter().skip(1).filter(|&&child| schema.tables[child].has_rows) {
        remove(db, sql.remove(&schema.tables[child]), &work.bare).await?;
        mark_children(db, sql.mark_children(&schema.tables[child]), &work.marked).await?;
    }
    remove(db, sql.remove(root), &work.removed).await?;
    mark(db, sql.mark(root), &work.marked).await?;
    let mut filled = vec![Filled::default(); family.len()];
    if !work.replaced.is_empty() {
        run(db, sql.stage(root)).await?;
        let copy = Copy::begin(db, &Sql::copy("pg_temp._syncline_stage", root), root).await?;
        filled[0] += records(copy, &work.replaced, applied).await?;
        run(db, sql.merge(root)).await?;
    }
    if !work.fresh.is_empty() {
        let copy = Copy::begin(db, &Sql::copy(&sql.table(root), root), root).await?;
        filled[0] += records(copy, &work.fresh, applied).await?;
    }
    for (filled, &child) in filled.iter_mut().zip(&family).skip(1) {
        let lists = || work.fresh.iter().chain(&work.replaced).flat_map(move |settled| lists(settled, child));
        if lists().next().is_some() {
            let table = &schema.tables[child];
            let copy = Copy::begin(db, &Sql::copy(&sql.table(table), table), table).await?;
            *filled += child_rows(copy, lists(), applied).await?;
        }
    }
    remember(db, sql, fold.table, root.has_gone, &work).await?;
    for (filled, &table) in filled.iter().zip(&family) {
        applied.rows += filled.rows;
        learn(schema, table, filled, learned);
    }
    if !work.gone.is_empty() && !std::mem::replace(&mut schema.tables[fold.table].has_gone, true) {
        learned.tables.push(fold.table);
    }
    Ok(())
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

async fn records(mut copy: Copy<'_>, records: &[Settled<'_>], applied: &mut Applied) -> Result<Filled> {
    let nothing = Row::default();
    for (key, record, (first, last)) in records {
        let engine = [
            Fixed::Text(key),
            record.version.map_or(Fixed::Nothing, Fixed::Version),
            Fixed::Id(last.event.id.0),
            deleted_at(record, last).map_or(Fixed::Nothing, Fixed::Moment),
            Fixed::Moment(first.committed),
            Fixed::Moment(last.committed),
            Fixed::Whole(last.place.offset.cast_signed()),
        ];
        copy.push(&engine, record.parts.as_ref().map_or(&nothing, |parts| &parts.row), applied).await?;
    }
    copy.end().await
}

async fn child_rows<'f>(
    mut copy: Copy<'_>,
    rows: impl Iterator<Item = (&'f Settled<'f>, &'f ChildRow<'f>)>,
    applied: &mut Applied,
) -> Result<Filled> {
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
    copy.end().await
}

fn lists<'f>(settled: &'f Settled<'f>, table: usize) -> impl Iterator<Item = (&'f Settled<'f>, &'f ChildRow<'f>)> {
    let rows = settled.1.parts.iter().flat_map(|parts| &parts.children);
    rows.filter(move |child| child.table == table).map(move |child| (settled, child))
}

fn deleted_at(record: &Pending<'_>, last: &Logged) -> Option<Timestamp> {
    record.deleted.then(|| last.event.time.unwrap_or(last.committed))
}

async fn remove(db: &mut PgConnection, statement: String, keys: &[&str]) -> Result<()> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(AssertSqlSafe(statement)).persistent(false).bind(keys).execute(db).await.map(drop)
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
