//! Asks a reader for its next page, and does about a fault what the fault says.

use std::sync::PoisonError;

use syncline_model::{Fault, Remedy};
use syncline_sdk::{Page, Reader};

use super::{LeftOut, Parts, Pump};
use crate::tries::{Tries, insist, unless_stopped};

impl Pump {
    pub(super) async fn next_page(&self, reader: &mut dyn Reader, left_out: &mut LeftOut) -> Result<Option<Page>, Fault> {
        let link = &self.task.link;
        let skipped_before = self.task.waiter.skipped_count();
        let mut tries = Tries::new(&link.config);
        let page = loop {
            let fault = match unless_stopped(&link.stop, reader.next_page()).await {
                Ok(page) => break page,
                Err(fault) => fault,
            };
            if let Remedy::SkipRecord(why) = fault.remedy() {
                left_out.0 = true;
                self.quarantine(&self.quarantined(None, bytes::Bytes::new(), why)).await?;
            }
            tries.bear(fault, &self.task.waiter).await?;
        };
        left_out.0 |= self.task.waiter.skipped_count() > skipped_before;
        Ok(page)
    }

    /// The cursors of the stream, as the log has them.
    pub(super) async fn load(&self) -> Result<Parts, Fault> {
        let source = &self.task.source;
        let read_before = self.task.cursors.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(entries) = read_before {
            return Ok(Parts::of(source, entries));
        }
        let entries = insist(&self.task.waiter, || async { Ok(self.task.link.shard.cursors(&source.tenant, &source.integration).await?) });
        Ok(Parts::of(source, entries.await?))
    }
}
