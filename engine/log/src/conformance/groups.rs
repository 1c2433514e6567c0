//! Rules about consumers that share the log as a group.

use syncline_model::{EventLog, log::Logged};

use super::{BRIEF, SOON, Subject, own, position, tenants, write_all};

pub async fn a_group_splits_the_log_and_goes_on_where_it_was(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    write_all(&log, &shards, 0, "a").await;
    let mut first = log.subscribe("group").await.unwrap();
    let mut seen = Vec::new();
    while seen.len() < tenants().len() {
        let batch = first.next(5, SOON).await.unwrap();
        assert!(!batch.is_empty() && batch.len() <= 5);
        first.commit(&position(&batch)).await.unwrap();
        seen.extend(batch);
    }
    let mut second = log.subscribe("group").await.unwrap();
    write_all(&log, &shards, 1, "b").await;
    let (mut of_first, mut of_second) = (Vec::new(), Vec::new());
    while of_first.len() + of_second.len() < tenants().len() {
        for (member, found) in [(&mut first, &mut of_first), (&mut second, &mut of_second)] {
            let batch = member.next(100, BRIEF).await.unwrap();
            member.commit(&position(&batch)).await.unwrap();
            found.extend(batch);
        }
    }
    assert!(of_first.iter().chain(&of_second).all(|logged| logged.event.body == "b"), "what was committed does not come again");
    assert!(!of_first.is_empty() && !of_second.is_empty(), "both members have a share");
    drop(first);
    write_all(&log, &shards, 2, "c").await;
    let mut rest = Vec::new();
    while rest.len() < tenants().len() {
        let batch = second.next(100, SOON).await.unwrap();
        assert!(!batch.is_empty(), "the one that stays takes everything over");
        rest.extend(batch);
    }
    assert!(rest.iter().all(|logged| logged.event.body == "c"));
}

pub async fn a_commit_of_a_lost_partition_moves_nothing(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    write_all(&log, &shards, 0, "a").await;
    let mut first = log.subscribe("group").await.unwrap();
    let mut held = Vec::new();
    while held.len() < tenants().len() {
        held.extend(first.next(100, SOON).await.unwrap());
    }
    let mut second = log.subscribe("group").await.unwrap();
    let mut taken = Vec::new();
    loop {
        let batch = second.next(100, SOON).await.unwrap();
        taken.extend(batch);
        // Both are in the group now, so the first one may move only what is still its own.
        if !taken.is_empty() {
            break;
        }
    }
    first.commit(&position(&held)).await.unwrap();
    drop((first, second));
    let mut third = log.subscribe("group").await.unwrap();
    let again = third.next(100, SOON).await.unwrap();
    let names = |batch: &[Logged]| batch.iter().map(|logged| logged.event.tenant.clone()).collect::<std::collections::BTreeSet<_>>();
    assert!(names(&taken).is_subset(&names(&again)), "what the second held uncommitted comes again");
    assert!(again.len() < tenants().len(), "what the first committed of its own does not");
}
