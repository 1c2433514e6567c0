//! Rules about what is kept, for whom, and what is not.

use syncline_model::{EventLog, LogFault};

use super::{Subject, bodies, cursor, of, own, step, tenant, tenants, write_all};

pub async fn everything_is_there_after_opening_again(subject: &impl Subject) {
    let acme = tenant("acme");
    {
        let log = subject.open().await;
        let (shards, _membership) = own(&log).await;
        of(&log, &shards, &acme).commit(step(&acme, 0, &["a", "b"])).await.unwrap();
    }
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let shard = of(&log, &shards, &acme);
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (vec!["a".into(), "b".into()], Some((1, "b".into()))));
    shard.commit(step(&acme, 1, &["c"])).await.unwrap();
    assert_eq!(bodies(&log, &acme).await, ["a", "b", "c"]);
}

pub async fn a_tenant_reads_only_its_own(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    for tenant in tenants() {
        of(&log, &shards, &tenant).commit(step(&tenant, 0, &[tenant.as_str()])).await.unwrap();
    }
    for tenant in tenants() {
        assert_eq!(bodies(&log, &tenant).await, [tenant.as_str()]);
    }
    assert_eq!(bodies(&log, &tenant("nobody")).await, Vec::<String>::new());
}

pub async fn an_event_too_large_is_named_and_nothing_of_its_step_is_kept(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let large = "x".repeat(subject.event_bytes_max() + 1);
    match shard.commit(step(&acme, 0, &["a", &large])).await {
        Err(LogFault::TooLarge { index, limit_bytes, .. }) => assert_eq!((index, limit_bytes), (1, subject.event_bytes_max())),
        other => panic!("{other:?}"),
    }
    assert_eq!((bodies(&log, &acme).await, cursor(shard, &acme).await), (Vec::new(), None));
    shard.commit(step(&acme, 0, &["a"])).await.unwrap();
}

pub async fn a_purged_tenant_is_gone_and_others_stay(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    write_all(&log, &shards, 0, "a").await;
    let gone = &tenants()[0];
    log.purge(gone).await.unwrap();
    assert_eq!((bodies(&log, gone).await, cursor(of(&log, &shards, gone), gone).await), (Vec::new(), None));
    assert_eq!(bodies(&log, &tenants()[1]).await, ["a"]);
}
