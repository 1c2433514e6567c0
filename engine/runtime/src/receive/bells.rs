//! Tells whoever reads an inbox that something was put into it, so that nobody has to look again and again.

use std::{num::NonZeroU16, time::Duration};

use syncline_model::ShardId;
use tokio::sync::Notify;

/// One bell for each shard.
pub struct Bells(Vec<Notify>);

impl Bells {
    /// So many.
    pub fn new(shards: NonZeroU16) -> Self {
        Self((0..shards.get()).map(|_| Notify::new()).collect())
    }

    /// Something is in this shard's inbox.
    pub fn ring(&self, shard: ShardId) {
        if let Some(bell) = self.0.get(usize::from(shard.0)) {
            bell.notify_one();
        }
    }

    /// Waits until the bell rings, or at most so long.
    pub async fn wait(&self, shard: ShardId, most: Option<Duration>) {
        let rung = async {
            match self.0.get(usize::from(shard.0)) {
                Some(bell) => bell.notified().await,
                None => std::future::pending().await,
            }
        };
        match most {
            // Whether it rang or the time is over, it is looked at now.
            Some(most) => drop(tokio::time::timeout(most, rung).await),
            None => rung.await,
        }
    }
}
