//! Follows the tables: looks which tenants' files have changed, and brings their profiles and unified rows up to them. A tenant that
//! fails is tried again at its next change and a while later; the others go on.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use syncline_model::{EventLog, TenantId, log::Logged};
use tokio::task::JoinHandle;
use tracing::warn;

use super::{Desk, UnifyFault};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_millis(500);
/// When a tenant is looked at although nothing has changed.
const AGAIN: Duration = Duration::from_secs(30);
/// Events that are taken at once.
const EVENTS: usize = 1_000;

/// The part of the organizer that keeps profiles, plans and unified tables.
pub struct Unifier {
    log: Arc<dyn EventLog>,
    folder: PathBuf,
    seen: HashMap<TenantId, (Stamp, tokio::time::Instant)>,
}

/// The running unifier. Dropping it stops it; what it was doing is done again at the next start.
pub struct UnifierHandle(JoinHandle<()>);

impl Drop for UnifierHandle {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// When a tenant's file and its journal were written last.
type Stamp = (Option<SystemTime>, Option<SystemTime>);

impl Unifier {
    /// Starts following the tables of this folder.
    pub fn start(log: Arc<dyn EventLog>, folder: PathBuf) -> UnifierHandle {
        let mut unifier = Self { log, folder, seen: HashMap::new() };
        UnifierHandle(tokio::spawn(async move {
            loop {
                unifier.turn().await;
                tokio::time::sleep(LOOK).await;
            }
        }))
    }

    async fn turn(&mut self) {
        let folder = self.folder.clone();
        let Ok(files) = tokio::task::spawn_blocking(move || files(&folder)).await else { return };
        for (tenant, stamp) in files {
            let is_same = self.seen.get(&tenant).is_some_and(|(known, at)| *known == stamp && at.elapsed() < AGAIN);
            if is_same {
                continue;
            }
            self.seen.insert(tenant.clone(), (stamp, tokio::time::Instant::now()));
            if let Err(fault) = bring_up(&self.log, &self.folder, &tenant).await {
                warn!(%tenant, "the unified tables of tenant `{tenant}` are behind: {fault}");
            }
        }
    }
}

fn files(folder: &Path) -> Vec<(TenantId, Stamp)> {
    let Ok(listed) = std::fs::read_dir(folder) else { return Vec::new() };
    let written = |path: PathBuf| std::fs::metadata(path).and_then(|file| file.modified()).ok();
    let one = |entry: std::fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let tenant: TenantId = name.strip_suffix(".sqlite")?.parse().ok()?;
        Some((tenant, (written(entry.path()), written(folder.join(format!("{name}-wal"))))))
    };
    listed.filter_map(Result::ok).filter_map(one).collect()
}

/// Brings one tenant's profiles, plans and unified tables up to the tables of its streams.
pub(super) async fn bring_up(log: &Arc<dyn EventLog>, folder: &Path, tenant: &TenantId) -> Result<(), UnifyFault> {
    let (mut position, end) = at_desk(folder, tenant, |desk| desk.positions()).await?;
    loop {
        let events = log.read(tenant, &position, EVENTS, Duration::ZERO).await.map_err(|fault| UnifyFault::Log(fault.to_string()))?;
        // What is not yet in the tables comes with a later turn.
        let written: Vec<Logged> = events.into_iter().filter(|logged| end.has_passed(&logged.place)).collect();
        if written.is_empty() {
            break;
        }
        written.iter().for_each(|logged| position.pass(&logged.place));
        at_desk(folder, tenant, move |desk| desk.follow(&written)).await?;
    }
    at_desk(folder, tenant, Desk::make_begun).await?;
    while at_desk(folder, tenant, Desk::step).await? {}
    Ok(())
}

async fn at_desk<T: Send + 'static>(
    folder: &Path,
    tenant: &TenantId,
    work: impl FnOnce(&mut Desk) -> Result<T, UnifyFault> + Send + 'static,
) -> Result<T, UnifyFault> {
    let (folder, tenant) = (folder.to_owned(), tenant.clone());
    let done = tokio::task::spawn_blocking(move || work(&mut Desk::open(&folder, &tenant)?)).await;
    done.unwrap_or_else(|error| Err(UnifyFault::Log(format!("the work broke off: {error}"))))
}
