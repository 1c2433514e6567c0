//! The engine's port to the store. Each call goes through the tenant's scope; `enrolled` alone looks at all tenants.

use async_trait::async_trait;
use jiff::Timestamp;
use syncline_model::{
    Fault, IntegrationId, JobId, Ledger, Quarantined, Settings, TenantId,
    ledger::{Enrolled, Level, Outcome, StateChange, StreamProgress, Trigger},
};

use crate::{Store, StoreFault, doors, metrics::LEDGER_SECONDS};

#[async_trait]
impl Ledger for Store {
    async fn enrolled(&self) -> Result<Vec<Enrolled>, Fault> {
        timed("enrolled", doors::enrolled(self)).await
    }

    async fn integration(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Option<Enrolled>, Fault> {
        timed("integration", self.of(tenant).integrations().enrolled(integration)).await
    }

    async fn settings(&self, tenant: &TenantId, integration: &IntegrationId) -> Result<Settings, Fault> {
        timed("settings", self.of(tenant).integrations().settings(integration)).await
    }

    async fn save_settings(&self, tenant: &TenantId, integration: &IntegrationId, had: &Settings, got: &Settings) -> Result<(), Fault> {
        timed("save_settings", self.of(tenant).engine_saves(integration, had, got)).await
    }

    async fn change_state(&self, tenant: &TenantId, integration: &IntegrationId, change: StateChange) -> Result<(), Fault> {
        timed("change_state", self.of(tenant).engine_moves(integration, &change)).await
    }

    async fn start_job(
        &self,
        tenant: &TenantId,
        integration: &IntegrationId,
        trigger: Trigger,
        started: Timestamp,
    ) -> Result<JobId, Fault> {
        timed("start_job", self.of(tenant).jobs().start(integration, trigger, started)).await
    }

    async fn save_progress(&self, tenant: &TenantId, job: JobId, streams: &[StreamProgress]) -> Result<(), Fault> {
        timed("save_progress", self.of(tenant).jobs().save_progress(job, streams)).await
    }

    async fn log(&self, tenant: &TenantId, job: JobId, at: Timestamp, level: Level, message: &str) -> Result<(), Fault> {
        timed("log", self.of(tenant).jobs().logs(job).add(at, level, message)).await
    }

    async fn end_job(&self, tenant: &TenantId, job: JobId, ended: Timestamp, outcome: Outcome, cause: Option<&str>) -> Result<(), Fault> {
        timed("end_job", self.of(tenant).jobs().end(job, ended, outcome, cause)).await
    }

    async fn quarantine(&self, record: &Quarantined, at: Timestamp) -> Result<(), Fault> {
        timed("quarantine", self.of(&record.tenant).quarantined().keep(record, at)).await
    }
}

async fn timed<T>(call: &str, work: impl Future<Output = Result<T, StoreFault>>) -> Result<T, Fault> {
    let timer = LEDGER_SECONDS.with_label_values(&[call]).start_timer();
    let done = work.await;
    timer.observe_duration();
    Ok(done?)
}
