//! Follows the tables: looks which tenants' tables have changed, and brings their profiles and unified rows up to them. A tenant that
//! fails is tried again at its next change and a while later; the others go on.

use std::{collections::HashMap, sync::Arc, time::Duration};

use syncline_model::{EventLog, TenantId, log::Logged};
use tokio::task::JoinHandle;
use tracing::warn;

use super::{Desk, UnifyFault};
use crate::tables::AnyHome;

/// How often the tables are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// When a tenant is looked at although nothing has changed.
const AGAIN: Duration = Duration::from_secs(30);
/// Events that are taken at once.
const EVENTS: usize = 1_000;

/// The part of the organizer that keeps profiles, plans and unified tables.
pub struct Unifier {
    log: Arc<dyn EventLog>,
    home: AnyHome,
    seen: HashMap<TenantId, (String, tokio::time::Instant)>,
}

/// The running unifier. Dropping it stops it; what it was doing is done again at the next start.
pub struct UnifierHandle(JoinHandle<()>);

impl Drop for UnifierHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Unifier {
    /// Starts following the tables of all tenants.
    pub fn start(log: Arc<dyn EventLog>, home: AnyHome) -> UnifierHandle {
        let mut unifier = Self { log, home, seen: HashMap::new() };
        UnifierHandle(tokio::spawn(async move {
            loop {
                unifier.turn().await;
                tokio::time::sleep(LOOK).await;
            }
        }))
    }

    async fn turn(&mut self) {
        let home = Arc::clone(&self.home);
        let tenants = match tokio::task::spawn_blocking(move || home.tenants()).await {
            Ok(Ok(tenants)) => tenants,
            Ok(Err(fault)) => return warn!("the tenants' unified tables are behind: {fault}"),
            Err(_) => return,
        };
        for (tenant, stamp) in tenants {
            let is_same = self.seen.get(&tenant).is_some_and(|(known, at)| *known == stamp && at.elapsed() < AGAIN);
            if is_same {
                continue;
            }
            self.seen.insert(tenant.clone(), (stamp, tokio::time::Instant::now()));
            if let Err(fault) = bring_up(&self.log, &self.home, &tenant).await {
                warn!(%tenant, "the unified tables of tenant `{tenant}` are behind: {fault}");
            }
        }
    }
}

/// Brings one tenant's profiles, plans and unified tables up to the tables of its streams.
pub(super) async fn bring_up(log: &Arc<dyn EventLog>, home: &AnyHome, tenant: &TenantId) -> Result<(), UnifyFault> {
    let (mut position, end) = at_desk(home, tenant, |desk| desk.positions()).await?;
    loop {
        let events = log.read(tenant, &position, EVENTS, Duration::ZERO).await.map_err(|fault| UnifyFault::Log(fault.to_string()))?;
        // What is not yet in the tables comes with a later turn.
        let written: Vec<Logged> = events.into_iter().filter(|logged| end.has_passed(&logged.place)).collect();
        if written.is_empty() {
            break;
        }
        written.iter().for_each(|logged| position.pass(&logged.place));
        at_desk(home, tenant, move |desk| desk.follow(&written)).await?;
    }
    at_desk(home, tenant, Desk::make_begun).await?;
    while at_desk(home, tenant, Desk::step).await? {}
    Ok(())
}

async fn at_desk<T: Send + 'static>(
    home: &AnyHome,
    tenant: &TenantId,
    work: impl FnOnce(&mut Desk) -> Result<T, UnifyFault> + Send + 'static,
) -> Result<T, UnifyFault> {
    let (home, tenant) = (Arc::clone(home), tenant.clone());
    let done = tokio::task::spawn_blocking(move || work(&mut Desk::open(home.as_ref(), &tenant)?)).await;
    done.unwrap_or_else(|error| Err(UnifyFault::Log(format!("the work broke off: {error}"))))
}
