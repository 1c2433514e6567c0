use jiff::Timestamp;
use syncline_store::{Act, PageRequest, StoreFault};

use crate::bed::{Bed, tenant};

async fn record(bed: &Bed, what: &str, of: Option<&str>) {
    let act = Act { who: "key/0123".to_owned(), what: what.to_owned(), target: "shop".to_owned(), tenant: of.map(tenant) };
    bed.store.audit().record(act, Timestamp::now()).await.unwrap();
}

async fn broken_at(bed: &Bed) -> Option<i64> {
    match bed.store.audit().verify_chain().await {
        Ok(_) => None,
        Err(StoreFault::ChainBroken(at)) => Some(at),
        Err(other) => panic!("{other}"),
    }
}

crate::on_both! {
    async fn a_chain_that_nobody_touched_is_whole(bed) {
        assert_eq!(bed.store.audit().verify_chain().await.unwrap().entries, 0);
        for what in ["integration.created", "integration.paused"] {
            record(&bed, what, Some("acme")).await;
        }
        record(&bed, "tenant.created", None).await;
        let chain = bed.store.audit().verify_chain().await.unwrap();
        let listed = bed.store.audit().list(None, &PageRequest::default()).await.unwrap();
        assert_eq!((chain.entries, &chain.head), (3, &listed.items[0].hash));
        let acmes = bed.store.audit().list(Some(&tenant("acme")), &PageRequest { after: None, limit: 1 }).await.unwrap();
        assert_eq!((acmes.items[0].act.what.as_str(), acmes.next.is_some()), ("integration.paused", true));
    }

    async fn a_changed_moved_or_missing_entry_is_found(bed) {
        for number in 0..4 {
            record(&bed, &number.to_string(), Some("acme")).await;
        }
        bed.run("update audit_entries set who = 'somebody else' where id = 2").await;
        assert_eq!(broken_at(&bed).await, Some(2));
        bed.run("update audit_entries set who = 'key/0123' where id = 2").await;
        assert_eq!(broken_at(&bed).await, None);
        bed.run("update audit_entries set tenant = null where id = 3").await;
        assert_eq!(broken_at(&bed).await, Some(3));
        bed.run("delete from audit_entries where id = 3").await;
        assert_eq!(broken_at(&bed).await, Some(4));
    }

    async fn entries_made_at_once_form_one_chain_without_gaps(bed) {
        let writers = (0..8).map(|number| {
            let store = bed.store.clone();
            tokio::spawn(async move {
                let act = Act { who: "engine".to_owned(), what: number.to_string(), target: String::new(), tenant: None };
                store.audit().record(act, Timestamp::now()).await.unwrap();
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        assert_eq!(bed.store.audit().verify_chain().await.unwrap().entries, 8);
    }
}
