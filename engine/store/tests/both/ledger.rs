use jiff::Timestamp;
use serde_json::json;
use syncline_model::{
    Fault, Ledger, Settings, State,
    ledger::{Outcome, StateChange, Trigger},
};

use syncline_store::Change;

use crate::bed::{integration, new_settings, tenant, to};

crate::on_both! {
    async fn the_engine_sees_every_integration_that_is_not_deleted(bed) {
        bed.store.tenants().create(&tenant("globex"), "Globex").await.unwrap();
        for id in ["a", "b", "gone"] {
            bed.shop(id).await;
        }
        bed.moved("gone", &[State::Deleted]).await;
        let ledger: &dyn Ledger = &bed.store;
        let mut seen: Vec<_> = ledger.enrolled().await.unwrap().into_iter().map(|one| one.integration.to_string()).collect();
        seen.sort();
        assert_eq!(seen, ["a", "b"]);
        assert_eq!(ledger.integration(&tenant("acme"), &integration("gone")).await.unwrap(), None);
        assert_eq!(ledger.integration(&tenant("globex"), &integration("a")).await.unwrap(), None);
        assert_eq!(ledger.integration(&tenant("acme"), &integration("a")).await.unwrap().unwrap().state, State::Draft);
    }

    async fn a_declared_change_of_state_is_written_with_its_cause_and_its_end(bed) {
        bed.shop("shop").await;
        bed.moved("shop", &[State::Testing]).await;
        let until: Timestamp = "2026-01-02T03:04:05.123456789Z".parse().unwrap();
        let change = StateChange { state: State::Waiting, cause: Some("the source asked us to wait".to_owned()), waiting_until: Some(until) };
        bed.store.change_state(&tenant("acme"), &integration("shop"), change).await.unwrap();
        let now = bed.acme().integrations().by_id(&integration("shop")).await.unwrap().unwrap();
        assert_eq!((now.state, now.waiting_until, now.cause.as_deref()), (State::Waiting, Some(until), Some("the source asked us to wait")));
        assert_eq!(now.revision.0, 2, "the engine's changes must not disturb an owner's edit");
    }

    async fn what_a_source_hands_out_is_kept_and_sealed_and_disturbs_no_edit(bed) {
        let made = bed.shop("shop").await;
        let given = json!({"region": "eu", "credentials": {"api_key": "rotated-1", "access_token": "fresh-2", "expires": {"at": 7}}});
        let ledger: &dyn Ledger = &bed.store;
        let had = ledger.settings(&tenant("acme"), &integration("shop")).await.unwrap();
        ledger.save_settings(&tenant("acme"), &integration("shop"), &had, &Settings::new(given.clone())).await.unwrap();
        assert_eq!(ledger.settings(&tenant("acme"), &integration("shop")).await.unwrap().expose(), &given);
        let shown = bed.acme().integrations().by_id(&integration("shop")).await.unwrap().unwrap();
        assert_eq!(shown.revision, made.revision);
        let shown = format!("{shown:?}");
        assert!(shown.contains("eu") && !shown.contains("rotated-1") && !shown.contains("fresh-2"), "{shown}");
        assert!(ledger.save_settings(&tenant("acme"), &integration("none"), &had, &Settings::new(given)).await.is_err());
    }

    async fn an_owners_edit_stays_when_the_source_hands_out_settings_for_those_before_it(bed) {
        let made = bed.shop("shop").await;
        let (ledger, acme, shop): (&dyn Ledger, _, _) = (&bed.store, tenant("acme"), integration("shop"));
        let had = ledger.settings(&acme, &shop).await.unwrap();
        let edited = json!({"region": "us", "credentials": {"api_key": "entered-3", "app": "new"}, "pages": 7});
        let change = Change { settings: Some(new_settings(edited, &["/credentials/api_key"])), ..Change::default() };
        let edited = bed.acme().integrations().update(&shop, made.revision, change).await.unwrap();
        let got = json!({"region": "eu", "credentials": {"api_key": "rotated-1", "access_token": "fresh-2"}});
        ledger.save_settings(&acme, &shop, &had, &Settings::new(got)).await.unwrap();
        let wanted =
            json!({"region": "us", "pages": 7, "credentials": {"app": "new", "access_token": "fresh-2", "api_key": "entered-3"}});
        let kept = ledger.settings(&acme, &shop).await.unwrap();
        assert_eq!(kept.expose(), &wanted);
        let shown = bed.acme().integrations().by_id(&shop).await.unwrap().unwrap();
        assert_eq!(shown.revision, edited.revision);
        let shown = format!("{shown:?}");
        assert!(shown.contains("us") && !shown.contains("entered-3") && !shown.contains("fresh-2"), "{shown}");
        // What came by itself before is ours to replace.
        let next = json!({"region": "us", "pages": 7, "credentials": {"app": "new", "access_token": "fresh-4", "api_key": "entered-3"}});
        ledger.save_settings(&acme, &shop, &kept, &Settings::new(next.clone())).await.unwrap();
        assert_eq!(ledger.settings(&acme, &shop).await.unwrap().expose(), &next);
    }

    async fn of_edits_and_renewed_tokens_at_once_none_is_lost(bed) {
        let made = bed.shop("shop").await;
        let (acme, shop) = (tenant("acme"), integration("shop"));
        let edits = async {
            let mut revision = made.revision;
            for pages in 1..=10 {
                let whole = json!({"region": "eu", "credentials": {}, "pages": pages});
                let change = Change { settings: Some(new_settings(whole, &["/credentials/api_key"])), ..Change::default() };
                revision = bed.acme().integrations().update(&shop, revision, change).await.unwrap().revision;
            }
        };
        let renewals = async {
            let ledger: &dyn Ledger = &bed.store;
            for number in 1..=10 {
                let had = ledger.settings(&acme, &shop).await.unwrap();
                let mut got = had.expose().clone();
                got["credentials"]["api_key"] = format!("rotated-{number}").into();
                ledger.save_settings(&acme, &shop, &had, &Settings::new(got)).await.unwrap();
            }
        };
        tokio::join!(edits, renewals);
        let wanted = json!({"region": "eu", "credentials": {"api_key": "rotated-10"}, "pages": 10});
        assert_eq!(bed.store.settings(&acme, &shop).await.unwrap().expose(), &wanted);
    }

    async fn a_change_that_is_not_declared_is_refused(bed) {
        bed.shop("shop").await;
        let refused = bed.store.change_state(&tenant("acme"), &integration("shop"), to(State::Live)).await;
        assert_eq!(refused, Err(Fault::Internal("integration `shop` is draft, and nothing leads from there to live".to_owned())));
        let missing = bed.store.change_state(&tenant("acme"), &integration("none"), to(State::Live)).await;
        assert_eq!(missing, Err(Fault::Internal("there is no integration `none`".to_owned())));
    }

    async fn the_engine_does_not_undo_a_pause_or_a_deletion(bed) {
        bed.shop("shop").await;
        bed.moved("shop", &[State::Testing, State::Live, State::Paused]).await;
        for state in [State::Live, State::Backfilling, State::Testing, State::Waiting, State::Degraded] {
            assert!(bed.store.change_state(&tenant("acme"), &integration("shop"), to(state)).await.is_err(), "{state}");
        }
        assert_eq!(bed.acme().integrations().by_id(&integration("shop")).await.unwrap().unwrap().state, State::Paused);
        bed.moved("shop", &[State::Live, State::Deleted]).await;
        assert!(bed.store.change_state(&tenant("acme"), &integration("shop"), to(State::Live)).await.is_err());
    }

    async fn a_deletion_through_the_ledger_takes_the_secrets_too(bed) {
        bed.shop("shop").await;
        for _ in 0..2 {
            bed.store.change_state(&tenant("acme"), &integration("shop"), to(State::Deleted)).await.unwrap();
        }
        assert!(bed.acme().secrets().fields(&integration("shop")).await.unwrap().is_empty());
        assert_eq!(bed.store.integration(&tenant("acme"), &integration("shop")).await.unwrap(), None);
    }

    async fn of_a_pause_and_the_engines_changes_at_once_the_pause_stays(bed) {
        bed.shop("shop").await;
        bed.moved("shop", &[State::Testing, State::Live]).await;
        let store = bed.store.clone();
        let engine = tokio::spawn(async move {
            for state in [State::Waiting, State::Live, State::Degraded, State::Live].into_iter().cycle().take(40) {
                let _ = store.change_state(&tenant("acme"), &integration("shop"), to(state)).await;
            }
        });
        bed.moved("shop", &[State::Paused]).await;
        engine.await.unwrap();
        assert_eq!(bed.acme().integrations().by_id(&integration("shop")).await.unwrap().unwrap().state, State::Paused);
    }

    async fn the_end_of_a_job_is_known_to_the_schedule(bed) {
        bed.shop("shop").await;
        let (began, ended) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2026-01-01T00:01:00.000000001Z".parse().unwrap());
        let job = bed.store.start_job(&tenant("acme"), &integration("shop"), Trigger::Schedule, began).await.unwrap();
        bed.store.end_job(&tenant("acme"), job, ended, Outcome::Succeeded, None).await.unwrap();
        let enrolled = bed.store.enrolled().await.unwrap();
        assert_eq!(enrolled[0].last_job_ended, Some(ended));
    }
}
