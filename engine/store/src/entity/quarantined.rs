//! A record that could not be handled.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quarantined")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) integration: String,
    pub(crate) connector: String,
    pub(crate) stream: String,
    pub(crate) record_key: Option<String>,
    pub(crate) body: Vec<u8>,
    pub(crate) body_bytes: i64,
    pub(crate) cause: String,
    pub(crate) at: i64,
    pub(crate) state: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
