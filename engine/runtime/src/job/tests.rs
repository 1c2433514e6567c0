#![allow(clippy::unwrap_used)]
use syncline_model::{Fault, State, ledger::Outcome, ledger::StreamProgress};

use super::{Plan, Verdict};
use crate::pump::StreamEnd;

const READ: StreamEnd = StreamEnd::Read { asks: None };

fn plan(left_out: &[&str]) -> Plan {
    Plan { tasks: Vec::new(), left_out: left_out.iter().map(|&why| why.to_owned()).collect() }
}

fn verdict(plan: &Plan, ends: Vec<(&str, StreamEnd)>, quarantined: u64) -> (Outcome, Option<State>, Option<String>) {
    let progress = [StreamProgress { quarantined, ..StreamProgress::new("orders".parse().unwrap()) }];
    let ends: Vec<_> = ends.into_iter().map(|(name, end)| (name.parse().unwrap(), end, 0)).collect();
    let verdict = Verdict::of_streams(plan, &ends, &progress);
    (verdict.outcome, verdict.state, verdict.cause)
}

#[test]
fn a_job_in_which_all_went_well_is_green_and_nothing_else_is() {
    assert_eq!(verdict(&plan(&[]), vec![("orders", READ)], 0), (Outcome::Succeeded, Some(State::Live), None));
    let quarantined = verdict(&plan(&[]), vec![("orders", READ)], 3);
    assert_eq!(quarantined, (Outcome::Partial, Some(State::Live), Some("3 records are in quarantine".into())));
    let left_out = verdict(&plan(&["there is no stream `x`"]), vec![("orders", READ)], 0);
    assert_eq!(left_out, (Outcome::Partial, Some(State::Live), Some("there is no stream `x`".into())));
}

#[test]
fn one_stream_that_fails_makes_a_job_partial_and_its_integration_degraded() {
    let failed = StreamEnd::Failed(Fault::Unavailable("503".into()));
    let both = verdict(&plan(&[]), vec![("orders", READ), ("customers", failed.clone())], 0);
    assert_eq!(both, (Outcome::Partial, Some(State::Degraded), Some("`customers`: the source is unavailable: 503".into())));
    assert_eq!(verdict(&plan(&[]), vec![("customers", failed)], 0).0, Outcome::Failed);
}

#[test]
fn refused_credentials_of_one_stream_are_refused_credentials() {
    let refused = StreamEnd::Failed(Fault::Unauthorized("revoked".into()));
    assert_eq!(verdict(&plan(&[]), vec![("orders", READ), ("customers", refused)], 0).1, Some(State::ReauthRequired));
}

#[test]
fn a_stopped_job_changes_no_state() {
    let stopped = verdict(&plan(&[]), vec![("orders", READ), ("customers", StreamEnd::Failed(Fault::Stopped))], 0);
    assert_eq!(stopped, (Outcome::Cancelled, None, None));
}

#[test]
fn a_question_to_the_owner_degrades_and_does_not_fail() {
    let asks = StreamEnd::Read { asks: Some("has 0 records and had 10".into()) };
    let asked = verdict(&plan(&[]), vec![("orders", asks)], 0);
    assert_eq!(asked, (Outcome::Partial, Some(State::Degraded), Some("`orders` has 0 records and had 10".into())));
}

#[test]
fn what_only_the_owner_can_mend_asks_the_owner() {
    let ends = |fault| vec![("orders".parse().unwrap(), StreamEnd::Failed(fault), 0)];
    let asks = |fault| Verdict::of_streams(&plan(&[]), &ends(fault), &[]).asks_owner;
    assert!(asks(Fault::Misconfigured("no such shop".into())) && asks(Fault::Unauthorized("revoked".into())));
    assert!(!asks(Fault::Unavailable("503".into())) && !asks(Fault::Internal("store".into())));
}
