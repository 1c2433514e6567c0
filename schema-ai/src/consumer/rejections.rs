//! Where records go that no table can hold.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use syncline_model::{Fault, Ledger, Quarantined};

/// Keeps records that could not be used. Told twice about the same one, it keeps one.
#[async_trait]
pub trait Rejections: Send + Sync {
    /// Keeps one.
    async fn reject(&self, record: &Quarantined, at: Timestamp) -> Result<(), Fault>;
}

/// The ledger's quarantine.
pub struct LedgerRejections(pub Arc<dyn Ledger>);

#[async_trait]
impl Rejections for LedgerRejections {
    async fn reject(&self, record: &Quarantined, at: Timestamp) -> Result<(), Fault> {
        self.0.quarantine(record, at).await
    }
}
