//! A tenant's plans: made, shown, compared, edited, accepted and rejected.

use std::sync::Arc;

use actix_web::web;
use schema_ai::{
    organize::plan::{diff::Difference, document::Document, draw, edit::Edit},
    unify::{Desk, Kept, Policy, State, UnifyFault},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::common::Listing;
use crate::{
    faults::ours,
    gate::{Admin, Allowed, OneTenant, Operator, Viewer},
    http::{
        answer::Answer,
        input::{Json, Query},
    },
    problem::{Code, Problem},
};

const MOST: usize = 100;

/// A plan, without what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlanShown {
    /// Its id; a later plan has a greater one.
    id: i64,
    /// The plan that it was made from.
    base: Option<i64>,
    /// When it was made.
    #[schema(format = DateTime)]
    at: String,
    /// Why it was made.
    why: String,
    /// What became of it: `making`, `failed`, `proposed`, `accepted`, `rejected`, `replaced`.
    #[schema(value_type = String)]
    state: State,
    /// What there is to say about that.
    note: Option<String>,
}

/// A plan.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlanWhole {
    /// What is kept of it.
    about: PlanShown,
    /// Entities with their fields, tables with their columns and keys, and relations; each with its confidence and evidence.
    #[schema(value_type = Object)]
    plan: Document,
    /// The plan for people, with its evidence.
    text: String,
    /// The plan as a Mermaid diagram.
    mermaid: String,
}

/// One difference between two plans.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DifferenceShown {
    /// What it is about.
    what: String,
    /// What happens to it.
    change: String,
    /// It takes something away or gives it another meaning, so a person decides.
    breaking: bool,
    /// The streams, and lists in streams' records, that wait until it is decided.
    streams: Vec<String>,
}

/// How far the records of a stream are taken over into an entity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Walk {
    /// The entity.
    entity: String,
    /// The stream, by the name of its table.
    stream: String,
    /// Records taken over.
    records: i64,
    /// These are all there were.
    done: bool,
}

/// A stream and its profile.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Profiled {
    /// The stream, by the name of its table.
    stream: String,
    /// Records that its profile has seen.
    records: i64,
}

/// A stream, or a list in its records as `orders.lines[]`, that waits for a decision.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Held {
    /// The stream, by the name of its table.
    stream: String,
    /// The plan that asks for the decision.
    plan: i64,
}

/// How far a tenant's plans are carried out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrganizeState {
    /// What is done with a new plan: `ask` or `accept_additive`.
    #[schema(value_type = String)]
    policy: Policy,
    /// The plan that holds.
    accepted: Option<i64>,
    /// The plan that waits for a decision.
    proposed: Option<i64>,
    /// The profiles.
    profiled: Vec<Profiled>,
    /// What is taken over.
    walks: Vec<Walk>,
    /// Streams that wait.
    held: Vec<Held>,
}

/// What is done with new plans.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPolicy {
    /// `ask`: every plan waits. `accept_additive`: what only adds is accepted, the rest waits.
    #[schema(value_type = String)]
    policy: Policy,
}

/// Edits, done in their order, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Edits {
    /// Each has `do`: `rename_entity`, `rename_field`, `drop_mapping`, `force_mapping`, `choose_key`, `choose_rule`, `choose_trust` or
    /// `choose_resolve`, and what that needs.
    #[schema(value_type = Vec<Object>)]
    edits: Vec<Edit>,
}

/// Which plan to compare with.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Compared {
    /// The plan before; the one that it was made from, if absent.
    from: Option<i64>,
}

/// Which plans are wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PlansWanted {
    /// The `next` of the page before.
    after: Option<String>,
}

/// Make a plan from what was seen so far. It is `making` until it is `proposed`, or `accepted` by the policy.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/organize", responses((status = 202, body = PlanShown)))]
pub(crate) async fn make_plan(asked: Allowed<Operator, OneTenant>) -> Result<Answer, Problem> {
    let id = at_desk(&asked, |desk| desk.begin("somebody asked for it")).await?;
    let (home, tenant) = (Arc::clone(&asked.tools.home), asked.reach.tenant.id.clone());
    // If we are cut off here, the organizer makes it at its next turn.
    let work = move || {
        let made = Desk::open(home.as_ref(), &tenant).and_then(|mut desk| desk.make(id));
        if let Err(fault) = made {
            tracing::warn!(%tenant, plan = id, "a plan could not be made yet: {fault}");
        }
    };
    drop(actix_web::rt::task::spawn_blocking(work));
    let kept = at_desk(&asked, move |desk| desk.plan(id)).await?;
    Answer::accepted(&PlanShown::from(kept))
}

/// Show how far the plans are carried out.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/organize", responses((status = 200, body = OrganizeState)))]
pub(crate) async fn get_organize_state(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    let now = at_desk(&asked, |desk| desk.progress()).await?;
    Answer::ok(&OrganizeState {
        policy: now.policy,
        accepted: now.accepted,
        proposed: now.proposed,
        profiled: now.profiled.into_iter().map(|(stream, records)| Profiled { stream, records }).collect(),
        walks: now.walks.into_iter().map(|(entity, stream, records, done)| Walk { entity, stream, records, done }).collect(),
        held: now.held.into_iter().map(|(stream, plan)| Held { stream, plan }).collect(),
    })
}

/// Say what is done with new plans.
#[utoipa::path(put, path = "/api/v1/tenants/{tenant}/organize/policy", request_body = NewPolicy, responses((status = 204)))]
pub(crate) async fn set_plan_policy(asked: Allowed<Admin, OneTenant, Json<NewPolicy>>) -> Result<Answer, Problem> {
    let policy = asked.input.0.policy;
    at_desk(&asked, move |desk| desk.set_policy(policy)).await?;
    Ok(Answer::nothing())
}

/// List the plans, the newest first.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/plans", params(PlansWanted), responses((status = 200, body = Listing<PlanShown>)))]
pub(crate) async fn list_plans(asked: Allowed<Viewer, OneTenant, Query<PlansWanted>>) -> Result<Answer, Problem> {
    let after = asked.input.0.after.as_deref().filter(|mark| !mark.is_empty()).map(str::parse::<i64>).transpose();
    let after = after.map_err(|_| Problem::because(Code::BadCursor, "`after` must be the `next` of a page of this listing"))?;
    let plans = match at_desk(&asked, move |desk| desk.plans(after, MOST)).await {
        Err(problem) if problem.code == Code::WrongState => Vec::new(),
        plans => plans?,
    };
    let next = plans.last().filter(|_| plans.len() == MOST).map(|last| last.id.to_string());
    Answer::ok(&Listing { items: plans.into_iter().map(PlanShown::from).collect(), next })
}

/// Show one plan.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/plans/{plan}", responses((status = 200, body = PlanWhole)))]
pub(crate) async fn get_plan(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    let kept = one(&asked).await?;
    let plan = kept.plan.clone();
    Answer::ok(&PlanWhole { text: draw::text(&plan), mermaid: draw::mermaid(&plan), about: kept.into(), plan })
}

/// Draw one plan.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant}/plans/{plan}/erd.svg",
    responses((status = 200, content_type = "image/svg+xml", body = String))
)]
pub(crate) async fn draw_plan(asked: Allowed<Viewer, OneTenant>) -> Result<Answer, Problem> {
    Ok(Answer::svg(draw::svg(&one(&asked).await?.plan)))
}

/// Show what a plan changes.
#[utoipa::path(get, path = "/api/v1/tenants/{tenant}/plans/{plan}/diff", params(Compared), responses((status = 200, body = Listing<DifferenceShown>)))]
pub(crate) async fn diff_plans(asked: Allowed<Viewer, OneTenant, Query<Compared>>) -> Result<Answer, Problem> {
    let (id, from): (i64, Option<i64>) = (asked.path("plan")?, asked.input.0.from);
    let found = at_desk(&asked, move |desk| desk.diff(from, id)).await?;
    let items = found.into_iter().map(|Difference { what, change, breaking, streams }| DifferenceShown { what, change, breaking, streams });
    Answer::ok(&Listing { items: items.collect(), next: None })
}

/// Accept a plan. The organizer carries it out.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/plans/{plan}/accept", responses((status = 200, body = PlanShown)))]
pub(crate) async fn accept_plan(asked: Allowed<Admin, OneTenant>) -> Result<Answer, Problem> {
    let id: i64 = asked.path("plan")?;
    let done = at_desk(&asked, move |desk| {
        desk.accept(id)?;
        desk.plan(id)
    });
    Answer::ok(&PlanShown::from(done.await?))
}

/// Reject a plan. Streams that waited for it go on as before.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/plans/{plan}/reject", responses((status = 200, body = PlanShown)))]
pub(crate) async fn reject_plan(asked: Allowed<Admin, OneTenant>) -> Result<Answer, Problem> {
    let id: i64 = asked.path("plan")?;
    let done = at_desk(&asked, move |desk| {
        desk.reject(id, None)?;
        desk.plan(id)
    });
    Answer::ok(&PlanShown::from(done.await?))
}

/// Edit a plan: a new one is made from it, with these edits.
#[utoipa::path(post, path = "/api/v1/tenants/{tenant}/plans/{plan}/edit", request_body = Edits, responses((status = 201, body = PlanShown)))]
pub(crate) async fn edit_plan(asked: Allowed<Admin, OneTenant, Json<Edits>>) -> Result<Answer, Problem> {
    let (id, edits): (i64, Vec<Edit>) = (asked.path("plan")?, asked.input.0.edits.clone());
    let done = at_desk(&asked, move |desk| {
        let made = desk.edit(id, &edits)?;
        desk.plan(made)
    });
    let made = done.await?;
    Answer::created(format!("/api/v1/tenants/{}/plans/{}", asked.reach.tenant.id, made.id), &PlanShown::from(made))
}

async fn one<R, I>(asked: &Allowed<R, OneTenant, I>) -> Result<Kept, Problem> {
    let id: i64 = asked.path("plan")?;
    at_desk(asked, move |desk| desk.plan(id)).await
}

// Whoever works with plans waits for a disk or a server.
pub(super) async fn at_desk<R, I, T: Send + 'static>(
    asked: &Allowed<R, OneTenant, I>,
    work: impl FnOnce(&mut Desk) -> Result<T, UnifyFault> + Send + 'static,
) -> Result<T, Problem> {
    let (home, tenant) = (Arc::clone(&asked.tools.home), asked.reach.tenant.id.clone());
    let done = web::block(move || work(&mut Desk::open(home.as_ref(), &tenant)?)).await;
    done.map_err(|_| Problem::new(Code::Internal))?.map_err(Problem::from)
}

impl From<Kept> for PlanShown {
    fn from(kept: Kept) -> Self {
        let Kept { id, base, at, why, state, note, plan: _ } = kept;
        Self { id, base, at, why, state, note }
    }
}

impl From<UnifyFault> for Problem {
    fn from(fault: UnifyFault) -> Self {
        let text = fault.to_string();
        match fault {
            UnifyFault::NoPlan(_) | UnifyFault::NoEntity(..) | UnifyFault::NoThing(..) => Self::because(Code::NotFound, text),
            UnifyFault::NoTables | UnifyFault::WrongState(..) => Self::because(Code::WrongState, text),
            UnifyFault::BadEdit(_) => Self::invalid_at("/edits", text),
            UnifyFault::Tables(fault) => fault.into(),
            UnifyFault::Log(_) => ours(Code::Unavailable, &text),
            UnifyFault::Analysis(_) | UnifyFault::Unreadable(_) => ours(Code::Internal, &text),
        }
    }
}
