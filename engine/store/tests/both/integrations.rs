use serde_json::json;
use syncline_model::{Revision, State, schedule::Schedule};
use syncline_store::{Change, PageRequest, StoreFault};

use crate::bed::{draft, integration, new_settings, tenant, to};

crate::on_both! {
    async fn a_new_integration_is_a_draft_and_shows_no_secret(bed) {
        let made = bed.shop("shop").await;
        assert_eq!((made.state, made.revision), (State::Draft, Revision(1)));
        assert_eq!(made.settings, json!({"region": "eu", "credentials": {}}));
        assert_eq!(bed.acme().integrations().by_id(&integration("shop")).await.unwrap(), Some(made));
        let whole = bed.acme().integrations().settings(&integration("shop")).await.unwrap();
        assert_eq!(whole.expose(), &json!({"region": "eu", "credentials": {"api_key": "hunter2-shop"}}));
    }

    async fn numbers_in_settings_stay_as_they_were_written(bed) {
        let written = r#"{"big":18446744073709551616.10,"pin":0.1000}"#;
        let settings = new_settings(serde_json::from_str(written).unwrap(), &["pin"]);
        bed.acme().integrations().create(draft("exact", settings)).await.unwrap();
        let whole = bed.acme().integrations().settings(&integration("exact")).await.unwrap();
        assert_eq!(whole.expose().to_string(), written);
    }

    async fn another_tenant_sees_nothing_of_it(bed) {
        bed.shop("shop").await;
        bed.store.tenants().create(&tenant("globex"), "Globex").await.unwrap();
        let theirs = bed.store.of(&tenant("globex"));
        assert_eq!(theirs.integrations().by_id(&integration("shop")).await.unwrap(), None);
        assert!(theirs.integrations().list(None, &PageRequest::default()).await.unwrap().items.is_empty());
        assert!(theirs.integrations().settings(&integration("shop")).await.is_err());
        assert!(theirs.secrets().fields(&integration("shop")).await.unwrap().is_empty());
        assert!(matches!(theirs.integrations().delete(&integration("shop"), None).await, Err(StoreFault::NotFound { .. })));
        assert!(bed.acme().integrations().by_id(&integration("shop")).await.unwrap().is_some());
    }

    async fn an_integration_of_an_unknown_tenant_is_refused_by_name(bed) {
        let nobody = bed.store.of(&tenant("nobody"));
        let fault = nobody.integrations().create(draft("shop", new_settings(json!({}), &[]))).await.unwrap_err();
        assert_eq!(fault.to_string(), "there is no tenant `nobody`");
    }

    async fn an_id_is_never_used_again_not_even_after_deletion(bed) {
        let new = || draft("shop", new_settings(json!({"key": "k"}), &["key"]));
        bed.acme().integrations().create(new()).await.unwrap();
        assert!(matches!(bed.acme().integrations().create(new()).await, Err(StoreFault::Taken { .. })));
        bed.acme().integrations().delete(&integration("shop"), Some(Revision(1))).await.unwrap();
        let fault = bed.acme().integrations().create(new()).await.unwrap_err();
        assert_eq!(fault.to_string(), "the integration id `shop` is taken, or was once");
    }

    async fn deletion_takes_secrets_and_settings_with_it(bed) {
        bed.shop("shop").await;
        bed.acme().integrations().delete(&integration("shop"), None).await.unwrap();
        assert_eq!(bed.acme().integrations().by_id(&integration("shop")).await.unwrap(), None);
        assert!(bed.acme().secrets().fields(&integration("shop")).await.unwrap().is_empty());
        assert!(matches!(bed.acme().integrations().settings(&integration("shop")).await, Err(StoreFault::NotFound { .. })));
        assert!(bed.acme().integrations().list(None, &PageRequest::default()).await.unwrap().items.is_empty());
    }

    async fn a_change_for_an_older_revision_is_a_conflict(bed) {
        bed.shop("shop").await;
        let title = |text: &str| Change { title: Some(text.to_owned()), ..Change::default() };
        let first = bed.acme().integrations().update(&integration("shop"), Revision(1), title("One")).await.unwrap();
        assert_eq!((first.title.as_str(), first.revision), ("One", Revision(2)));
        let late = bed.acme().integrations().update(&integration("shop"), Revision(1), title("Two")).await;
        assert!(matches!(late, Err(StoreFault::Conflict { expected: Revision(1), actual: Revision(2), .. })), "{late:?}");
        assert_eq!(bed.acme().integrations().by_id(&integration("shop")).await.unwrap().unwrap().title, "One");
    }

    async fn of_many_changes_for_one_revision_exactly_one_wins(bed) {
        bed.shop("shop").await;
        let tries = (0..8).map(|number| {
            let door = bed.acme().integrations();
            tokio::spawn(async move {
                let change = Change { schedule: Some(Schedule::EveryS(number)), ..Change::default() };
                door.update(&integration("shop"), Revision(1), change).await
            })
        });
        let mut won = 0;
        for attempt in tries.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                Ok(_) => won += 1,
                Err(fault) => assert!(matches!(fault, StoreFault::Conflict { .. }), "{fault}"),
            }
        }
        assert_eq!(won, 1);
    }

    async fn an_omitted_secret_stays_a_null_one_goes_and_a_new_one_replaces(bed) {
        let secret = ["a", "b", "c"];
        let door = bed.acme().integrations();
        door.create(draft("shop", new_settings(json!({"a": "1", "b": "2", "c": "3"}), &secret))).await.unwrap();
        let change = Change { settings: Some(new_settings(json!({"b": null, "c": "4", "new": true}), &secret)), ..Change::default() };
        door.update(&integration("shop"), Revision(1), change).await.unwrap();
        assert_eq!(door.settings(&integration("shop")).await.unwrap().expose(), &json!({"new": true, "a": "1", "c": "4"}));
    }

    async fn a_secret_in_a_list_never_moves_to_another_item(bed) {
        let door = bed.acme().integrations();
        let hosts = json!({"hosts": [{"name": "a", "password": "for a"}, {"name": "b", "password": "for b"}]});
        door.create(draft("shop", new_settings(hosts, &["/hosts/*/password"]))).await.unwrap();
        let same = new_settings(json!({"hosts": [{"name": "a"}, {"name": "b"}], "x": 1}), &["/hosts/*/password"]);
        let kept = door.update(&integration("shop"), Revision(1), Change { settings: Some(same), ..Change::default() }).await.unwrap();
        assert_eq!(door.settings(&integration("shop")).await.unwrap().expose()["hosts"][1]["password"], "for b");
        let other = new_settings(json!({"hosts": [{"name": "b"}, {"name": "evil"}]}), &["/hosts/*/password"]);
        door.update(&integration("shop"), kept.revision, Change { settings: Some(other), ..Change::default() }).await.unwrap();
        assert_eq!(door.settings(&integration("shop")).await.unwrap().expose(), &json!({"hosts": [{"name": "b"}, {"name": "evil"}]}));
    }

    async fn listings_go_on_after_the_last_one_and_miss_none_when_others_go(bed) {
        for number in 0..7 {
            bed.shop(&format!("shop-{number}")).await;
        }
        let door = bed.acme().integrations();
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = door.list(None, &PageRequest { after, limit: 3 }).await.unwrap();
            seen.extend(page.items.iter().map(|item| item.id.to_string()));
            let last = page.items.last().unwrap().id.clone();
            door.delete(&last, None).await.unwrap();
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(seen, (0..7).map(|number| format!("shop-{number}")).collect::<Vec<_>>());
        let bad = door.list(None, &PageRequest { after: Some("?".to_owned()), limit: 3 }).await;
        assert!(matches!(bad, Err(StoreFault::BadPage(_))));
        assert!(door.list(Some(&"other".parse().unwrap()), &PageRequest::default()).await.unwrap().items.is_empty());
    }

    async fn an_owner_moves_along_declared_transitions_only(bed) {
        bed.shop("shop").await;
        let door = bed.acme().integrations();
        let fault = door.move_to(&integration("shop"), None, to(State::Live)).await.unwrap_err();
        assert_eq!(fault.to_string(), "integration `shop` is draft, and nothing leads from there to live");
        let paused = door.move_to(&integration("shop"), Some(Revision(1)), to(State::Paused)).await.unwrap();
        assert_eq!((paused.state, paused.revision), (State::Paused, Revision(2)));
        let stale = door.move_to(&integration("shop"), Some(Revision(1)), to(State::Live)).await;
        assert!(matches!(stale, Err(StoreFault::Conflict { .. })));
    }
}
