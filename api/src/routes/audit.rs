//! Who did what, and whether the chain of it is whole.

use jiff::Timestamp;
use serde::Serialize;
use syncline_model::TenantId;
use syncline_store::{AuditEntry, Chain, StoreFault};
use utoipa::ToSchema;

use super::common::{Listing, Paging};
use crate::{
    gate::{Admin, Allowed, Installation, Wherever},
    http::{answer::Answer, input::Query},
    problem::Problem,
};

/// An act in the audit chain.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// Its number; they have no gaps.
    id: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// Who: `key/{id}`.
    who: String,
    /// What: the operation.
    what: String,
    /// To what.
    target: String,
    /// Whose, if it is a tenant's.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// The hash over it and the one before.
    hash: String,
}

impl From<AuditEntry> for AuditView {
    fn from(AuditEntry { id, at, act, hash }: AuditEntry) -> Self {
        Self { id, at, who: act.who, what: act.what, target: act.target, tenant: act.tenant, hash }
    }
}

/// What was found when the chain was checked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Checked {
    /// Each link fits the one before.
    whole: bool,
    /// How many entries it has, if it is whole.
    entries: Option<i64>,
    /// The hash of the newest, if it is whole. Written down elsewhere, it shows later that none is missing.
    head: Option<String>,
    /// Where it is broken, if it is.
    broken_at: Option<i64>,
}

/// List who did what, the newest first; a key of one tenant sees what was done to its tenant.
#[utoipa::path(get, path = "/api/v1/audit", params(Paging), responses((status = 200, body = Listing<AuditView>)))]
pub(crate) async fn list_audit(asked: Allowed<Admin, Wherever, Query<Paging>>) -> Result<Answer, Problem> {
    let entries = asked.reach.store.audit().list(asked.reach.tenant.as_ref(), &asked.input.0.request()).await?;
    Answer::ok(&Listing::of(entries, AuditView::from))
}

/// Read the whole audit chain and check each link.
#[utoipa::path(get, path = "/api/v1/audit/verify", responses((status = 200, body = Checked)))]
pub(crate) async fn verify_audit(asked: Allowed<Admin, Installation>) -> Result<Answer, Problem> {
    match asked.reach.store.audit().verify_chain().await {
        Ok(Chain { entries, head }) => Answer::ok(&Checked { whole: true, entries: Some(entries), head: Some(head), broken_at: None }),
        Err(StoreFault::ChainBroken(entry)) => Answer::ok(&Checked { whole: false, entries: None, head: None, broken_at: Some(entry) }),
        Err(fault) => Err(fault.into()),
    }
}
