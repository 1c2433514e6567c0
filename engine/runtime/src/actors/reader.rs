//! Reads one stream of one job.

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, WrapFuture};
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    job::Readers,
    pump::{Pump, StreamEnd, StreamTask},
    supervise::{Guard, Life, supervised},
};

struct Reader {
    task: StreamTask,
    kill: CancellationToken,
    guard: Option<Guard<StreamEnd>>,
}

impl Actor for Reader {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Context<Self>) {
        let (kill, pump) = (self.kill.clone(), Pump::new(self.task.clone()));
        let read = async move { kill.run_until_cancelled(pump.run()).await };
        context.spawn(read.into_actor(self).map(|end, actor, context| {
            if let (Some(end), Some(guard)) = (end, actor.guard.take()) {
                guard.tell(end);
            }
            context.stop();
        }));
    }
}

/// Readers that are actors, under supervision. They end when this is dropped.
pub struct ReaderActors {
    pub kill: CancellationToken,
}

#[async_trait(?Send)]
impl Readers for ReaderActors {
    async fn read(&self, task: StreamTask) -> StreamEnd {
        let link = task.link.clone();
        let make = |_, guard| {
            Reader { task: task.clone(), kill: self.kill.child_token(), guard: Some(guard) }.start();
        };
        match supervised("reader", link.config.restart, &link.stop, || link.steps(), make).await {
            Life::Ended(end) => end,
            Life::Stopped => StreamEnd::Failed(syncline_model::Fault::Stopped),
            Life::Quarantined(deaths) => {
                let cause = format!("its reader panicked {deaths} times in a row and is in quarantine until the next probe");
                link.board.update(&task.spec.name, |progress| progress.fault = Some(cause.clone()));
                StreamEnd::Quarantined(cause)
            }
        }
    }
}

impl Drop for ReaderActors {
    fn drop(&mut self) {
        self.kill.cancel();
    }
}
