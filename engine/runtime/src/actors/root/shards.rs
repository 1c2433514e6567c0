//! Which shards are ours, and who lives in them.

use std::{sync::Arc, time::Duration};

use actix::{ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};
use syncline_model::{Shard, ShardId, TenantId, ledger::Enrolled, log::ShardChange};

use super::Root;
use crate::{
    actors::messages::{Died, Fenced, InboxDone, NoShards, Shards},
    commands, metrics,
    roster::key_of,
};

/// Shards come in bursts; who lives in them is read once for all of a burst.
const BURST: Duration = Duration::from_millis(20);

impl Root {
    /// Joins those that own shards, again and again.
    pub(super) fn join(&self, context: &mut Context<Self>) {
        let (shared, root) = (Arc::clone(&self.shared), context.address());
        let member = async move {
            let mut failures = 0;
            loop {
                match shared.log.join(&shared.config.node).await {
                    Ok(mut membership) => loop {
                        match membership.next().await {
                            Ok(Some(change)) => {
                                failures = 0;
                                root.do_send(Shards(change));
                            }
                            Ok(None) => break,
                            Err(fault) => {
                                tracing::warn!("the membership in the log has ended: {fault}");
                                break;
                            }
                        }
                    },
                    Err(fault) => tracing::warn!("the log cannot be joined: {fault}"),
                }
                root.do_send(NoShards);
                failures += 1;
                tokio::time::sleep(shared.config.restart.after(failures)).await;
            }
        };
        context.spawn(member.into_actor(self));
    }

    /// A tenant is ours, and we are not about to end.
    pub(super) fn owns(&self, tenant: &TenantId) -> bool {
        !self.stopping && self.shards.contains_key(&self.shard_of(tenant))
    }

    pub(super) fn shard_of(&self, tenant: &TenantId) -> ShardId {
        ShardId::of(tenant, self.shared.log.shard_count())
    }

    /// Whoever lives in this shard is looked up and taken in.
    fn live_in(&mut self, shard: ShardId, context: &mut Context<Self>) {
        self.unread.insert(shard);
        self.read_soon(BURST, context);
    }

    fn read_soon(&mut self, after: Duration, context: &mut Context<Self>) {
        if !self.reading {
            self.reading = true;
            context.run_later(after, Self::read_enrolled);
        }
    }

    fn read_enrolled(&mut self, context: &mut Context<Self>) {
        let shards = std::mem::take(&mut self.unread);
        let ledger = Arc::clone(&self.shared.ledger);
        let read = async move { ledger.enrolled().await };
        context.spawn(read.into_actor(self).map(move |enrolled, root, context| {
            root.reading = false;
            match enrolled {
                Ok(enrolled) => root.seat(enrolled, &shards),
                Err(fault) => {
                    tracing::warn!("it cannot be read who is enrolled: {fault}");
                    root.unread.extend(shards);
                }
            }
            if !root.unread.is_empty() {
                let again = root.shared.config.restart.first.max(BURST);
                root.read_soon(again, context);
            }
            root.turn(context);
        }));
    }

    fn seat(&mut self, enrolled: Vec<Enrolled>, shards: &std::collections::HashSet<ShardId>) {
        let now = self.now();
        for enrolled in enrolled {
            let shard = self.shard_of(&enrolled.tenant);
            let ours = shards.contains(&shard) && self.shards.contains_key(&shard);
            if !ours || !enrolled.state.is_active() {
                continue;
            }
            let key = key_of(&enrolled);
            if self.runs.contains_key(&key) {
                self.again.insert(key);
            } else {
                // What a webhook said while nobody was here to remember it may be missing.
                let gets_thin = self.shared.connectors.get(&enrolled.connector);
                let gets_thin = gets_thin.is_ok_and(|connector| connector.webhooks().is_some_and(|webhooks| webhooks.mapping.has_thin()));
                self.roster.seat_at_start(enrolled, now, gets_thin);
            }
        }
    }

    /// Has its inbox handled, by one of the other threads: what webhooks bring takes a while to map, and everybody waits for this one.
    fn serve(&self, shard: Arc<dyn Shard>, context: &mut Context<Self>) {
        let threads = self.arbiters.len().max(1);
        let arbiter = self.arbiters.get(usize::from(shard.id().0) % threads);
        let work = commands::serve(Arc::clone(&self.shared), shard, context.address(), self.kill.clone());
        match arbiter {
            Some(arbiter) => {
                if !arbiter.spawn(work) {
                    tracing::error!("a thread of the engine is gone, and an inbox is not handled");
                    context.notify(Died);
                }
            }
            None => drop(context.spawn(work.into_actor(self))),
        }
    }

    fn drop_shard(&mut self, shard: ShardId, context: &mut Context<Self>) {
        self.unread.remove(&shard);
        if self.shards.remove(&shard).is_none() {
            return;
        }
        let count = self.shared.log.shard_count();
        for key in self.roster.keys(|key| ShardId::of(&key.tenant, count) == shard) {
            self.shared.boards.remove(&key);
            if let Some(passed_on) = self.give_up_asked(key.clone()) {
                context.spawn(passed_on.into_actor(self));
            }
            drop(self.halt(key, context));
        }
        self.turn(context);
        metrics::SHARDS_OWNED.set(i64::try_from(self.shards.len()).unwrap_or(i64::MAX));
    }
}

impl Handler<Shards> for Root {
    type Result = ();

    fn handle(&mut self, Shards(change): Shards, context: &mut Context<Self>) {
        match change {
            ShardChange::Assigned(shard) => {
                let shard: Arc<dyn Shard> = Arc::from(shard);
                self.shards.insert(shard.id(), Arc::clone(&shard));
                metrics::SHARDS_OWNED.set(i64::try_from(self.shards.len()).unwrap_or(i64::MAX));
                // Nobody is read before what was asked while the shard had no owner is done: other cursors may be among it.
                if !self.shared.config.cluster {
                    self.live_in(shard.id(), context);
                }
                self.serve(shard, context);
            }
            ShardChange::Revoked(shard) => self.drop_shard(shard, context),
        }
    }
}

impl Handler<InboxDone> for Root {
    type Result = ();

    fn handle(&mut self, InboxDone(shard): InboxDone, context: &mut Context<Self>) {
        if self.shards.get(&shard.id()).is_some_and(|ours| Arc::ptr_eq(ours, &shard)) {
            self.live_in(shard.id(), context);
        }
    }
}

impl Handler<Fenced> for Root {
    type Result = ();

    fn handle(&mut self, Fenced(shard): Fenced, context: &mut Context<Self>) {
        tracing::warn!("shard {shard} has another owner now");
        self.drop_shard(shard, context);
    }
}

impl Handler<Died> for Root {
    type Result = ();

    fn handle(&mut self, _: Died, context: &mut Context<Self>) {
        context.terminate();
    }
}

impl Handler<NoShards> for Root {
    type Result = ();

    fn handle(&mut self, _: NoShards, context: &mut Context<Self>) {
        let shards: Vec<ShardId> = self.shards.keys().copied().collect();
        for shard in shards {
            self.drop_shard(shard, context);
        }
    }
}
