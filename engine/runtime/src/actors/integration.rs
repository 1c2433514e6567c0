//! Runs one integration once.

use std::sync::Arc;

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use tokio_util::sync::CancellationToken;

use super::reader::ReaderActors;
use crate::{
    job::{Job, JobEnd, Shared, Ticket},
    supervise::Guard,
};

/// Runs one integration once.
pub struct Integration {
    pub shared: Arc<Shared>,
    pub ticket: Arc<Ticket>,
    pub kill: CancellationToken,
    pub guard: Option<Guard<JobEnd>>,
}

impl Actor for Integration {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let job = Job::new(Arc::clone(&self.shared), Arc::clone(&self.ticket));
        let kill = self.kill.clone();
        let run = async move {
            let readers = ReaderActors { kill: kill.child_token() };
            kill.run_until_cancelled(job.run(&readers)).await
        };
        context.spawn(run.into_actor(self).map(|end, actor, context| {
            if let (Some(end), Some(guard)) = (end, actor.guard.take()) {
                guard.tell(end);
            }
            context.stop();
        }));
    }
}
