use jiff::Timestamp;
use syncline_model::{
    JobId, Ledger,
    ledger::{Level, Outcome, StreamProgress, Trigger},
};
use syncline_store::{PageRequest, Retention, Store};

use crate::bed::{integration, tenant};

async fn start(store: &Store, id: &str) -> JobId {
    store.start_job(&tenant("acme"), &integration(id), Trigger::Manual, Timestamp::UNIX_EPOCH).await.unwrap()
}

crate::on_both! {
    async fn progress_is_exact_and_stops_with_the_job(bed) {
        bed.shop("shop").await;
        let job = start(&bed.store, "shop").await;
        let mut orders = StreamProgress::new("public.orders".parse().unwrap());
        orders.bytes = u64::MAX;
        orders.waiting_until = Some("2026-01-02T03:04:05.123456789Z".parse().unwrap());
        bed.store.save_progress(&tenant("acme"), job, &[orders.clone()]).await.unwrap();
        let saved = bed.acme().jobs().by_id(job).await.unwrap().unwrap();
        assert_eq!((saved.progress, saved.ended, saved.trigger), (vec![orders], None, Trigger::Manual));
        bed.store.end_job(&tenant("acme"), job, Timestamp::UNIX_EPOCH, Outcome::Partial, Some("1 record was skipped")).await.unwrap();
        assert!(bed.store.save_progress(&tenant("acme"), job, &[]).await.is_err());
        let ended = bed.acme().jobs().by_id(job).await.unwrap().unwrap();
        assert_eq!((ended.outcome, ended.cause.as_deref(), ended.progress.len()), (Some(Outcome::Partial), Some("1 record was skipped"), 1));
    }

    async fn only_the_first_end_of_a_job_counts(bed) {
        bed.shop("shop").await;
        let job = start(&bed.store, "shop").await;
        for outcome in [Outcome::Failed, Outcome::Succeeded] {
            bed.store.end_job(&tenant("acme"), job, Timestamp::UNIX_EPOCH, outcome, None).await.unwrap();
        }
        assert_eq!(bed.acme().jobs().by_id(job).await.unwrap().unwrap().outcome, Some(Outcome::Failed));
    }

    async fn a_job_whose_node_died_ends_with_the_next_one_that_ran(bed) {
        bed.shop("shop").await;
        bed.shop("other").await;
        let (lost, other) = (start(&bed.store, "shop").await, start(&bed.store, "other").await);
        let (next, later) = (start(&bed.store, "shop").await, start(&bed.store, "shop").await);
        bed.store.end_job(&tenant("acme"), next, Timestamp::UNIX_EPOCH, Outcome::Succeeded, None).await.unwrap();
        for (job, outcome) in [(lost, Some(Outcome::Cancelled)), (next, Some(Outcome::Succeeded)), (later, None), (other, None)] {
            assert_eq!(bed.acme().jobs().by_id(job).await.unwrap().unwrap().outcome, outcome);
        }
    }

    async fn a_job_that_waits_behind_one_that_began_by_itself_does_not_end_with_it(bed) {
        bed.shop("shop").await;
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let begin = async |trigger, minute| bed.store.start_job(&tenant("acme"), &integration("shop"), trigger, at(minute)).await.unwrap();
        let (old, begun) = (begin(Trigger::Manual, 1).await, begin(Trigger::Manual, 29).await);
        let progress = [StreamProgress::new("public.orders".parse().unwrap())];
        bed.store.save_progress(&tenant("acme"), begun, &progress).await.unwrap();
        let (waits, by_itself) = (begin(Trigger::Manual, 29).await, begin(Trigger::Schedule, 30).await);
        bed.store.end_job(&tenant("acme"), by_itself, at(90), Outcome::Succeeded, None).await.unwrap();
        for (job, outcome) in [(old, Some(Outcome::Cancelled)), (begun, Some(Outcome::Cancelled)), (waits, None)] {
            assert_eq!(bed.acme().jobs().by_id(job).await.unwrap().unwrap().outcome, outcome);
        }
    }

    async fn a_job_that_never_ran_does_not_end_the_one_that_runs(bed) {
        bed.shop("shop").await;
        let (running, late) = (start(&bed.store, "shop").await, start(&bed.store, "shop").await);
        bed.store.end_job(&tenant("acme"), late, Timestamp::UNIX_EPOCH, Outcome::Cancelled, Some("another job runs")).await.unwrap();
        assert_eq!(bed.acme().jobs().by_id(running).await.unwrap().unwrap().outcome, None);
    }

    async fn jobs_are_listed_newest_first_in_pages(bed) {
        bed.shop("shop").await;
        bed.shop("other").await;
        start(&bed.store, "other").await;
        let mut made = Vec::new();
        for _ in 0..5 {
            made.insert(0, start(&bed.store, "shop").await);
        }
        let shop = integration("shop");
        let first = bed.acme().jobs().list(Some(&shop), &PageRequest { after: None, limit: 3 }).await.unwrap();
        let second = bed.acme().jobs().list(Some(&shop), &PageRequest { after: first.next, limit: 3 }).await.unwrap();
        let seen: Vec<_> = first.items.iter().chain(&second.items).map(|job| job.id).collect();
        assert_eq!((seen, second.next), (made, None));
        assert_eq!(bed.acme().jobs().list(None, &PageRequest::default()).await.unwrap().items.len(), 6);
    }

    async fn another_tenant_can_neither_see_nor_change_a_job(bed) {
        bed.shop("shop").await;
        bed.store.tenants().create(&tenant("globex"), "Globex").await.unwrap();
        let (job, globex) = (start(&bed.store, "shop").await, tenant("globex"));
        assert_eq!(bed.store.of(&globex).jobs().by_id(job).await.unwrap(), None);
        assert!(bed.store.save_progress(&globex, job, &[]).await.is_err());
        assert!(bed.store.log(&globex, job, Timestamp::UNIX_EPOCH, Level::Info, "mine").await.is_err());
        assert!(bed.store.end_job(&globex, job, Timestamp::UNIX_EPOCH, Outcome::Failed, None).await.is_err());
        assert!(bed.acme().jobs().logs(job).list(&PageRequest::default()).await.unwrap().items.is_empty());
    }

    async fn log_lines_keep_their_order_are_cut_and_are_pruned(bed) {
        bed.shop("shop").await;
        let job = start(&bed.store, "shop").await;
        let (old, new): (Timestamp, Timestamp) = ("2026-01-01T00:00:00Z".parse().unwrap(), "2026-02-01T00:00:00Z".parse().unwrap());
        let long = "ä".repeat(10_000);
        for (at, level, message) in [(old, Level::Info, "began\0"), (new, Level::Warn, &long), (new, Level::Error, "ended")] {
            bed.store.log(&tenant("acme"), job, at, level, message).await.unwrap();
        }
        let first = bed.acme().jobs().logs(job).list(&PageRequest { after: None, limit: 2 }).await.unwrap();
        assert_eq!((first.items[0].message.as_str(), first.items[0].level), ("began\u{fffd}", Level::Info));
        assert_eq!(first.items[1].message.len(), 8192);
        let last = bed.acme().jobs().logs(job).list(&PageRequest { after: first.next, limit: 2 }).await.unwrap();
        assert_eq!((last.items[0].message.as_str(), last.next), ("ended", None));
        assert_eq!(bed.store.prune(Retention { idempotency: old, job_logs: new }).await.unwrap(), 1);
        assert_eq!(bed.acme().jobs().logs(job).list(&PageRequest::default()).await.unwrap().items.len(), 2);
    }
}
