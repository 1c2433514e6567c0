//! Rules about what is handed to a shard from outside.

use bytes::Bytes;
use jiff::Timestamp;
use syncline_model::{
    EventLog, Step, TenantId,
    log::{InboxItem, InboxKind, InboxOffset},
    step::Seen,
};

use super::{Subject, has_seen, of, own, step, tenant};

fn item(tenant: &TenantId, body: &str) -> InboxItem {
    InboxItem {
        tenant: tenant.clone(),
        integration: "shop".parse().unwrap(),
        kind: InboxKind::Delivery,
        received: Timestamp::UNIX_EPOCH,
        body: Bytes::from(body.to_owned()),
    }
}

pub async fn the_inbox_keeps_order_and_forgets_what_is_done(subject: &impl Subject) {
    let acme = tenant("acme");
    {
        let log = subject.open().await;
        for body in ["a", "b", "c"] {
            log.append(item(&acme, body)).await.unwrap();
        }
        let (shards, _membership) = own(&log).await;
        let shard = of(&log, &shards, &acme);
        let waiting = shard.inbox(shard.inbox_done().await.unwrap(), 2).await.unwrap();
        assert_eq!(waiting.iter().map(|(_, item)| item.body.as_ref()).collect::<Vec<_>>(), [b"a", b"b"]);
        let done = waiting[1].0;
        shard.commit(Step { inbox: Some(done), ..step(&acme, 0, &["x"]) }).await.unwrap();
    }
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let shard = of(&log, &shards, &acme);
    let waiting = shard.inbox(shard.inbox_done().await.unwrap(), 10).await.unwrap();
    assert_eq!(waiting.iter().map(|(_, item)| item.clone()).collect::<Vec<_>>(), [item(&acme, "c")]);
    assert!(waiting[0].0 > InboxOffset(0));
}

pub async fn a_seen_delivery_is_remembered(subject: &impl Subject) {
    let log = subject.open().await;
    let (shards, _membership) = own(&log).await;
    let acme = tenant("acme");
    let shard = of(&log, &shards, &acme);
    let seen = vec![Seen { tenant: acme.clone(), delivery: "shop/1".into(), until: Timestamp::MAX }];
    shard.commit(Step { seen, ..Step::default() }).await.unwrap();
    assert!(has_seen(shard, &acme, "shop/1").await);
    let asked = [(&acme, "shop/2"), (&acme, "shop/1"), (&tenant("other"), "shop/1"), (&acme, "shop/1")];
    let seen = shard.seen(asked.map(|(tenant, delivery)| (tenant.clone(), delivery.to_owned())).into()).await.unwrap();
    assert_eq!(seen, [false, true, false, true], "each has its own answer");
    assert!(shard.seen(Vec::new()).await.unwrap().is_empty());
}
