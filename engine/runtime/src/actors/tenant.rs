//! Keeps the running integrations of one tenant alive, each on the thread that the root names. It exists while any of them runs.

use std::sync::Arc;

use actix::{Actor, AsyncContext, Context, Handler, WrapFuture};

use super::{integration::Integration, messages::Run};
use crate::{
    job::{Shared, cut_off, give_up},
    supervise::{Life, supervised},
};

/// Keeps the running integrations of one tenant alive.
pub struct Tenant {
    pub shared: Arc<Shared>,
}

impl Actor for Tenant {
    type Context = Context<Self>;
}

impl Handler<Run> for Tenant {
    type Result = ();

    fn handle(&mut self, run: Run, context: &mut Context<Self>) {
        let shared = Arc::clone(&self.shared);
        context.spawn(keep(shared, run).into_actor(self));
    }
}

async fn keep(shared: Arc<Shared>, Run { ticket, on, guard }: Run) {
    let kill = ticket.kill.child_token();
    let _dies_with_us = kill.clone().drop_guard();
    let make = |_, guard| {
        let (shared, ticket, kill) = (Arc::clone(&shared), Arc::clone(&ticket), kill.child_token());
        let integration = Integration { shared, ticket, kill, guard: Some(guard) };
        match &on {
            Some(thread) => drop(Integration::start_in_arbiter(thread, |_| integration)),
            None => drop(integration.start()),
        }
    };
    let end = match supervised("integration", shared.config.restart, &ticket.stop, || 0, make).await {
        Life::Ended(end) => end,
        Life::Stopped => cut_off(&shared, &ticket).await,
        Life::Quarantined(deaths) => give_up(&shared, &ticket, deaths).await,
    };
    guard.tell(end);
}
