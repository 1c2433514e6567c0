use bytes::Bytes;
use jiff::Timestamp;
use syncline_model::{Ledger, Quarantined, RecordKey};
use syncline_store::{PageRequest, QuarantineFilter, QuarantineState, StoreFault};

use crate::bed::{integration, tenant};

fn record(number: u32) -> Quarantined {
    Quarantined {
        tenant: tenant("acme"),
        integration: integration("shop"),
        connector: "sandbox-shop".parse().unwrap(),
        stream: "orders".parse().unwrap(),
        key: Some(RecordKey::of([number.to_string().as_str()])),
        body: Bytes::from(format!("{{\"n\":{number}.10}}")),
        cause: "the record has no `id`".to_owned(),
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

crate::on_both! {
    async fn the_same_record_with_the_same_cause_is_kept_once(bed) {
        bed.shop("shop").await;
        for second in [1, 2] {
            bed.store.quarantine(&record(7), at(second)).await.unwrap();
        }
        let page = bed.acme().quarantined().list(&QuarantineFilter::default(), &PageRequest::default()).await.unwrap();
        assert_eq!(page.items.len(), 1);
        assert_eq!((page.items[0].id.clone(), page.items[0].at, &page.items[0].body[..]), (record(7).id(), at(1), b"{\"n\":7.10}".as_slice()));
    }

    async fn the_newest_come_first_in_pages_even_at_the_same_moment(bed) {
        bed.shop("shop").await;
        for number in 0..7 {
            bed.store.quarantine(&record(number), at((number / 3).into())).await.unwrap();
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = bed.acme().quarantined().list(&QuarantineFilter::default(), &PageRequest { after, limit: 2 }).await.unwrap();
            seen.extend(page.items.into_iter().map(|item| (item.at, item.id)));
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(seen.len(), 7);
        assert!(seen.is_sorted_by(|a, b| a > b));
        assert_eq!(bed.acme().quarantined().count(&QuarantineFilter::default()).await.unwrap(), 7);
        let other = QuarantineFilter { stream: Some("customers".parse().unwrap()), integration: Some(integration("shop")), ..QuarantineFilter::default() };
        assert_eq!(bed.acme().quarantined().count(&other).await.unwrap(), 0);
    }

    async fn a_retried_record_that_is_refused_again_is_open_again_and_a_dismissed_one_is_not(bed) {
        bed.shop("shop").await;
        let (door, id) = (bed.acme().quarantined(), record(7).id());
        bed.store.quarantine(&record(7), at(1)).await.unwrap();
        assert!(door.settle(&id, QuarantineState::Retried).await.unwrap());
        assert!(!door.settle(&id, QuarantineState::Dismissed).await.unwrap());
        bed.store.quarantine(&record(7), at(2)).await.unwrap();
        assert_eq!(door.by_id(&id).await.unwrap().unwrap().state, QuarantineState::Open);
        assert!(door.settle(&id, QuarantineState::Dismissed).await.unwrap());
        bed.store.quarantine(&record(7), at(3)).await.unwrap();
        assert_eq!(door.by_id(&id).await.unwrap().unwrap().state, QuarantineState::Dismissed);
        assert!(matches!(door.settle("none", QuarantineState::Dismissed).await, Err(StoreFault::NotFound { .. })));
    }

    async fn a_huge_record_is_cut_and_its_size_is_told_and_odd_texts_are_kept(bed) {
        bed.shop("shop").await;
        let huge = Quarantined { body: Bytes::from(vec![0; 300_000]), key: Some(RecordKey::of(["a\0b"])), ..record(1) };
        bed.store.quarantine(&huge, at(1)).await.unwrap();
        let kept = bed.acme().quarantined().by_id(&huge.id()).await.unwrap().unwrap();
        assert_eq!((kept.body.len(), kept.body_bytes, kept.key.as_deref()), (256 * 1024, 300_000, Some("a\u{fffd}b")));
    }

    async fn another_tenant_sees_no_record_of_it(bed) {
        bed.shop("shop").await;
        bed.store.quarantine(&record(7), at(1)).await.unwrap();
        bed.store.tenants().create(&tenant("globex"), "Globex").await.unwrap();
        let theirs = bed.store.of(&tenant("globex")).quarantined();
        assert_eq!(theirs.by_id(&record(7).id()).await.unwrap(), None);
        assert_eq!(theirs.count(&QuarantineFilter::default()).await.unwrap(), 0);
        assert!(theirs.settle(&record(7).id(), QuarantineState::Dismissed).await.is_err());
    }
}
