//! The tree: root, tenant, integration, reader. Each actor is a mailbox around a plain value and holds no rule of its own; each holds
//! a guard that tells its death, and a token that ends it when whoever made it is gone.

mod integration;
pub mod messages;
mod reader;
mod root;
mod tenant;

use std::sync::Arc;

use actix::{Actor, Addr, Arbiter, System};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use root::Root;

use crate::{job::Shared, metrics, supervise::Guard};

/// Keeps a root alive on this thread until it is told to stop.
pub fn keep_alive(shared: &Arc<Shared>, tell_root: &watch::Sender<Option<Addr<Root>>>, stop: &CancellationToken) {
    let system = System::new();
    system.block_on(async {
        let mut arbiters = Vec::new();
        for _ in 0..shared.config.threads.max(1) {
            match Arbiter::try_new() {
                Ok(arbiter) => arbiters.push(arbiter),
                Err(error) => tracing::error!("a thread for the engine could not be started: {error}"),
            }
        }
        let mut deaths = 0;
        while !stop.is_cancelled() {
            let (guard, mut end) = Guard::new();
            let born = Instant::now();
            let root = Root::new(Arc::clone(shared), arbiters.iter().map(Arbiter::handle).collect(), guard).start();
            tell_root.send_replace(Some(root.clone()));
            tokio::select! {
                () = stop.cancelled() => {
                    root.do_send(messages::Quit);
                    drop(root);
                    let _ = end.await;
                    break;
                }
                _ = &mut end => {}
            }
            tell_root.send_replace(None);
            metrics::RESTARTS_TOTAL.with_label_values(&["root"]).inc();
            let lived_well = born.elapsed() > shared.config.restart.most * 6;
            deaths = if lived_well { 1 } else { deaths + 1 };
            tracing::error!(deaths, "the root of the engine died and is started again");
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(shared.config.restart.after(deaths)) => {}
            }
        }
        tell_root.send_replace(None);
        for arbiter in arbiters {
            arbiter.stop();
            if arbiter.join().is_err() {
                tracing::error!("a thread of the engine panicked");
            }
        }
    });
}
