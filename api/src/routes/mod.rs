//! Every route there is. One list makes both the OpenAPI document and the application: a handler that is not in the document does not
//! exist, and each handler but the few for everybody takes the gate's `Allowed`.

// The macro that describes a handler writes paths in full.
#![allow(unused_qualifications)]

mod audit;
mod common;
mod connectors;
mod deliveries;
mod entities;
mod events;
mod health;
mod integrations;
mod jobs;
mod keys;
mod plans;
mod quarantine;
mod state;
mod streams;
mod tables;
mod tenants;
mod webhooks;

use utoipa::OpenApi;

use crate::gate::{Entry, guarded, open, proven};

macro_rules! routes {
    (open: [$($open_module:ident :: $open:ident),* $(,)?], proven: [$($proven_module:ident :: $proven:ident),* $(,)?], guarded: [$($module:ident :: $handler:ident),* $(,)?] $(,)?) => {
        #[derive(OpenApi)]
        #[openapi(
            paths($($open_module::$open,)* $($proven_module::$proven,)* $($module::$handler),*),
            components(schemas(crate::problem::ProblemBody, common::ScheduleDoc, common::StreamChoiceDoc, common::ModeDoc, keys::RoleDoc, jobs::StreamProgressDoc, tables::CompareDoc))
        )]
        struct Listed;

        /// Every handler, by the name of its operation.
        pub(crate) fn entries() -> Vec<Entry> {
            vec![
                $(open(stringify!($open), $open_module::$open),)*
                $(proven(stringify!($proven), $proven_module::$proven),)*
                $(guarded(stringify!($handler), $module::$handler),)*
            ]
        }
    };
}

routes! {
    open: [
        health::healthz,
        health::readyz,
        health::metrics,
    ],
    proven: [
        deliveries::receive_delivery,
        deliveries::answer_handshake,
    ],
    guarded: [
        keys::whoami,
        tenants::list_tenants,
        tenants::create_tenant,
        tenants::get_tenant,
        tenants::rename_tenant,
        connectors::list_connectors,
        connectors::get_connector,
        integrations::list_integrations,
        integrations::create_integration,
        integrations::get_integration,
        integrations::change_integration,
        integrations::delete_integration,
        integrations::test_integration,
        integrations::sync_integration,
        integrations::pause_integration,
        integrations::resume_integration,
        webhooks::list_webhook_endpoints,
        webhooks::create_webhook_endpoint,
        webhooks::rotate_webhook_endpoint,
        webhooks::delete_webhook_endpoint,
        streams::list_cursors,
        streams::list_streams,
        streams::accept_deletions,
        state::get_state,
        state::set_state,
        jobs::list_jobs,
        jobs::get_job,
        jobs::list_job_logs,
        jobs::follow_job,
        quarantine::list_quarantined,
        quarantine::get_quarantined,
        quarantine::retry_quarantined,
        quarantine::dismiss_quarantined,
        events::list_events,
        events::follow_events,
        tables::list_tables,
        tables::list_table_changes,
        tables::get_table,
        tables::list_rows,
        entities::list_entities,
        entities::list_entity_rows,
        entities::get_entity_row,
        plans::make_plan,
        plans::get_organize_state,
        plans::set_plan_policy,
        plans::list_plans,
        plans::get_plan,
        plans::draw_plan,
        plans::diff_plans,
        plans::accept_plan,
        plans::reject_plan,
        plans::edit_plan,
        keys::list_keys,
        keys::create_key,
        keys::get_key,
        keys::revoke_key,
        audit::list_audit,
        audit::verify_audit,
    ],
}

/// What the handlers say of themselves; `openapi` completes it.
pub(crate) fn described() -> utoipa::openapi::OpenApi {
    Listed::openapi()
}
