//! Short words for the columns and indexes that every table has.

use sea_orm_migration::prelude::*;

pub(crate) fn table(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).if_not_exists().take()
}

pub(crate) fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().take()
}

pub(crate) fn text_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().null().take()
}

pub(crate) fn whole(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

pub(crate) fn whole_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

pub(crate) fn bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().not_null().take()
}

pub(crate) fn bytes_null(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().null().take()
}

pub(crate) fn counted(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().auto_increment().primary_key().take()
}

pub(crate) fn primary<const N: usize>(columns: [&'static str; N]) -> IndexCreateStatement {
    columns.into_iter().fold(Index::create().primary().take(), |mut index, column| index.col(column).take())
}

pub(crate) fn index<const N: usize>(table: &'static str, name: &'static str, columns: [&'static str; N]) -> IndexCreateStatement {
    let start = Index::create().if_not_exists().name(name).table(table).take();
    columns.into_iter().fold(start, |mut index, column| index.col(column).take())
}

/// A reference that forbids taking away what is referred to.
pub(crate) fn refers<const N: usize>(
    from: &'static str,
    columns: [&'static str; N],
    to: &'static str,
    keys: [&'static str; N],
) -> ForeignKeyCreateStatement {
    let mut reference = ForeignKey::create().from_tbl(from).to_tbl(to).on_delete(ForeignKeyAction::Restrict).take();
    for (column, key) in columns.into_iter().zip(keys) {
        reference.from_col(column).to_col(key);
    }
    reference
}
