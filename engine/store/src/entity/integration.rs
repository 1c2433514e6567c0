//! An integration; deleted ones stay, so that an id is never used again.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "integrations")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) tenant: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub(crate) id: String,
    pub(crate) connector: String,
    pub(crate) title: String,
    pub(crate) settings: String,
    pub(crate) state: String,
    pub(crate) cause: Option<String>,
    pub(crate) waiting_until: Option<i64>,
    pub(crate) schedule: String,
    pub(crate) streams: Option<String>,
    pub(crate) created: i64,
    pub(crate) changed: i64,
    pub(crate) revision: i64,
    pub(crate) last_job_ended: Option<i64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
