//! Rules about steps: all or nothing, in their order, by the owner and nobody else.

use std::{future::Future, sync::Arc};

use jiff::Timestamp;
use syncline_model::{
    Advance, Cursor, EventLog, LogFault, Revision, Shard, ShardId, Step,
    log::{Position, ShardChange},
    step::Seen,
};

use super::{BRIEF, SOON, Subject, advance, bodies, cursor, event, has_seen, key, of, own, position, step, tenant, tenants, write_all};

pub async fn order_within_a_key_is_kept(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let mut wanted = Vec::new();
    for round in 0..20_u64 {
        let texts: Vec<String> = (0..10).map(|n| format!("{round}-{n}")).collect();
        of(&log, &shards, &acme).commit(step(&acme, round, &texts.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
        wanted.extend(texts);
    }
    assert_eq!(bodies(&log, &acme).await, wanted);
}

pub async fn a_step_is_all_or_nothing(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let mut mixed = step(&acme, 0, &["a"]);
    mixed.advances.push(Advance { key: key(&acme, "customers"), from: Revision(9), to: Some(Cursor::START) });
    mixed.seen.push(Seen { tenant: acme.clone(), delivery: "shop/d".into(), until: Timestamp::MAX });
    assert!(matches!(shard.commit(mixed).await, Err(LogFault::Conflict(_))));
    assert_eq!(bodies(&log, &acme).await, Vec::<String>::new());
    assert_eq!(cursor(shard, &acme).await, None);
    assert!(!has_seen(shard, &acme, "shop/d").await);
    shard.commit(step(&acme, 0, &["a", "b"])).await.unwrap();
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (vec!["a".into(), "b".into()], Some((1, "b".into()))));
}

pub async fn an_owner_that_lost_its_shard_can_commit_nothing(subject: &impl Subject) {
    let log = subject.open().await;
    the_later_owner_wins(&log, &log).await;
}

pub async fn an_owner_that_lost_its_shard_to_another_process_can_commit_nothing(subject: &impl Subject) {
    let (log, other) = (subject.open().await, subject.open().await);
    the_later_owner_wins(&log, &other).await;
}

/// The later member need not get every shard; whatever it gets, the earlier one has lost.
async fn the_later_owner_wins(log: &impl EventLog, other: &impl EventLog) {
    let (old, mut old_membership) = own(log).await;
    write_all(log, &old, 0, "a").await;
    let mut new_membership = other.join("later").await.unwrap();
    let (new, acme) = loop {
        let change = tokio::time::timeout(SOON, new_membership.next()).await.expect("the later owner gets a shard").unwrap();
        let Some(ShardChange::Assigned(shard)) = change else { panic!("the later owner gets a shard first") };
        if let Some(tenant) = tenants().into_iter().find(|tenant| ShardId::of(tenant, log.shard_count()) == shard.id()) {
            break (shard, tenant);
        }
    };
    let lost = of(log, &old, &acme);
    assert_eq!(lost.commit(step(&acme, 1, &["zombie"])).await, Err(LogFault::Fenced(lost.id())));
    assert_eq!(cursor(new.as_ref(), &acme).await, Some((1, "a".into())));
    let told = tokio::time::timeout(SOON, old_membership.next()).await.expect("the old owner is told").unwrap();
    assert!(matches!(told, Some(ShardChange::Revoked(_)) | None));
    new.commit(step(&acme, 1, &["b"])).await.unwrap();
    assert_eq!(bodies(other, &acme).await, ["a", "b"]);
    assert_eq!(cursor(new.as_ref(), &acme).await, Some((2, "b".into())));
}

pub async fn advances_of_one_cursor_in_one_step_follow_each_other(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let mut twice = step(&acme, 0, &["a"]);
    twice.push([event(&acme, "1", "again")], advance(&acme, 0, "again"));
    assert_eq!(shard.commit(twice).await, Err(LogFault::Conflict(Box::new(key(&acme, "orders")))));
    let mut pages = step(&acme, 0, &["a"]);
    pages.push([event(&acme, "1", "b")], advance(&acme, 1, "b"));
    shard.commit(pages).await.unwrap();
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (vec!["a".into(), "b".into()], Some((2, "b".into()))));
}

pub async fn a_step_of_another_shards_tenant_is_refused(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let ours = ShardId::of(&acme, log.shard_count());
    let foreign = tenants().into_iter().find(|tenant| ShardId::of(tenant, log.shard_count()) != ours).expect("there are several shards");
    let fault = of(&log, &shards, &acme).commit(step(&foreign, 0, &["a"])).await;
    assert_eq!(fault, Err(LogFault::Fenced(ShardId::of(&foreign, log.shard_count()))));
    assert_eq!(bodies(&log, &foreign).await, Vec::<String>::new());
}

pub async fn a_position_passes_what_is_before_it_and_nothing_else(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    of(&log, &shards, &acme).commit(step(&acme, 0, &["a", "b", "c"])).await.unwrap();
    let all = log.read(&acme, &Position::default(), 100, SOON).await.unwrap();
    assert_eq!(all.len(), 3);
    for (at, logged) in all.iter().enumerate() {
        let behind = log.read(&acme, &position(std::slice::from_ref(logged)), 100, BRIEF).await.unwrap();
        assert_eq!(behind, all[at + 1..]);
    }
}

pub async fn a_cursor_moves_only_from_where_it_is(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    shard.commit(step(&acme, 0, &["a"])).await.unwrap();
    for stale in [0, 2] {
        assert_eq!(shard.commit(step(&acme, stale, &["again"])).await, Err(LogFault::Conflict(Box::new(key(&acme, "orders")))));
    }
    let gone = Step { advances: vec![Advance { key: key(&acme, "orders"), from: Revision(1), to: None }], ..Step::default() };
    shard.commit(gone).await.unwrap();
    assert_eq!(cursor(shard, &acme).await, None);
    shard.commit(step(&acme, 0, &["b"])).await.unwrap();
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (vec!["a".into(), "b".into()], Some((1, "b".into()))));
}

pub async fn no_event_is_visible_before_its_step(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let follow = async {
        let (mut position, mut sizes) = (Position::default(), Vec::new());
        while sizes.iter().sum::<usize>() < 500 {
            let batch = log.read(&acme, &position, 1000, SOON).await.unwrap();
            for logged in &batch {
                position.pass(&logged.place);
            }
            // Whatever is seen of a step, all of it is there: the last event of the batch must be the last of its step.
            let last: Vec<&str> =
                batch.last().map(|logged| std::str::from_utf8(&logged.event.body).unwrap().split('-').collect()).unwrap_or_default();
            sizes.push(batch.len());
            assert_eq!(last.get(1), Some(&"9"), "a part of a step was visible");
        }
    };
    let write = async {
        for round in 0..50_u64 {
            let texts: Vec<String> = (0..10).map(|n| format!("{round}-{n}")).collect();
            shard.commit(step(&acme, round, &texts.iter().map(String::as_str).collect::<Vec<_>>())).await.unwrap();
        }
    };
    futures_join(follow, write).await;
}

async fn futures_join(a: impl Future<Output = ()>, b: impl Future<Output = ()>) {
    tokio::join!(a, b);
}

/// Hands these over without waiting for any of them, then hears of each.
async fn hand_over(shard: &dyn Shard, steps: impl IntoIterator<Item = Step>) -> Vec<Result<(), LogFault>> {
    let mut answers = Vec::new();
    for step in steps {
        answers.push(shard.submit(Arc::new(step)).await);
    }
    let mut decided = Vec::new();
    for answer in answers {
        decided.push(answer.await);
    }
    decided
}

pub async fn steps_that_are_handed_over_one_after_the_other_are_decided_in_that_order(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let texts: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let decided = hand_over(shard, (0..).zip(&texts).map(|(from, text)| step(&acme, from, &[text]))).await;
    assert!(decided.iter().all(Result::is_ok), "{decided:?}");
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (texts, Some((300, "299".into()))));
}

pub async fn behind_a_refused_step_no_later_one_is_committed(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let large = "x".repeat(subject.event_bytes_max() + 1);
    let mut elsewhere = step(&acme, 0, &["elsewhere"]);
    elsewhere.advances[0].key = key(&acme, "customers");
    elsewhere.events[0].stream = "customers".parse().unwrap();
    let conflict = || Err(LogFault::Conflict(Box::new(key(&acme, "orders"))));
    for round in 0..5 {
        let at = round * 2;
        elsewhere.advances[0].from = Revision(round);
        let before = [step(&acme, at, &["a"]), step(&acme, at + 1, &["b", &large])];
        let behind = [step(&acme, at + 2, &["late"]), elsewhere.clone(), step(&acme, at + 3, &["later"])];
        let mut decided = hand_over(shard, before.into_iter().chain(behind)).await;
        let refused = decided.remove(1);
        assert!(matches!(refused, Err(LogFault::TooLarge { index: 1, .. })), "{refused:?}");
        assert_eq!(decided, [Ok(()), conflict(), Ok(()), conflict()]);
        assert_eq!(hand_over(shard, [step(&acme, at + 1, &["b"])]).await, [Ok(())]);
    }
    let found = bodies(&log, &acme).await;
    let of_stream: Vec<&String> = found.iter().filter(|body| *body != "elsewhere").collect();
    assert_eq!(of_stream, ["a", "b"].repeat(5));
    assert_eq!(found.len(), 15);
}
