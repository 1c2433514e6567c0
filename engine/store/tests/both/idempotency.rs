use jiff::Timestamp;
use syncline_store::{Answer, Begun, Idempotency, Retention};

use crate::bed::tenant;

const POST: &str = "POST /integrations";

async fn begin(door: &Idempotency, key: &str) -> Begun {
    door.begin(key, POST, b"hash", Timestamp::UNIX_EPOCH).await.unwrap()
}

crate::on_both! {
    async fn the_second_request_gets_the_answer_of_the_first(bed) {
        let door = bed.acme().idempotency();
        assert_eq!(begin(&door, "k").await, Begun::First);
        assert_eq!(begin(&door, "k").await, Begun::InProgress);
        let answer = Answer { status: 201, body: Some(b"{\"id\":\"shop\"}".to_vec()) };
        door.finish("k", &answer).await.unwrap();
        door.finish("k", &Answer { status: 500, body: None }).await.unwrap();
        assert_eq!(begin(&door, "k").await, Begun::Done(answer));
    }

    async fn a_key_for_another_request_is_misused_and_of_another_scope_is_another_key(bed) {
        let door = bed.acme().idempotency();
        assert_eq!(begin(&door, "k").await, Begun::First);
        assert_eq!(door.begin("k", POST, b"other", Timestamp::UNIX_EPOCH).await.unwrap(), Begun::Misused);
        assert_eq!(door.begin("k", "POST /jobs", b"hash", Timestamp::UNIX_EPOCH).await.unwrap(), Begun::Misused);
        assert_eq!(begin(&bed.store.of(&tenant("globex")).idempotency(), "k").await, Begun::First);
        assert_eq!(begin(&bed.store.idempotency("acme"), "k").await, Begun::First);
    }

    async fn an_abandoned_key_is_free_again_and_old_ones_are_pruned(bed) {
        let door = bed.acme().idempotency();
        begin(&door, "k").await;
        door.abandon("k").await.unwrap();
        assert_eq!(begin(&door, "k").await, Begun::First);
        door.finish("k", &Answer { status: 204, body: None }).await.unwrap();
        door.abandon("k").await.unwrap();
        assert_eq!(begin(&door, "k").await, Begun::Done(Answer { status: 204, body: None }));
        let now = Timestamp::now();
        assert_eq!(bed.store.prune(Retention { idempotency: now, job_logs: now }).await.unwrap(), 1);
        assert_eq!(begin(&door, "k").await, Begun::First);
    }

    async fn of_many_requests_at_once_one_is_the_first(bed) {
        let tries = (0..8).map(|_| {
            let door = bed.acme().idempotency();
            tokio::spawn(async move { begin(&door, "k").await })
        });
        let mut first = 0;
        for attempt in tries.collect::<Vec<_>>() {
            first += u32::from(attempt.await.unwrap() == Begun::First);
        }
        assert_eq!(first, 1);
    }
}
