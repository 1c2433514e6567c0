//! What one node asks of another: an item in the inbox of the tenant's shard, which whoever owns the shard reads and does.
//! Doing one twice does no harm.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use actix::Addr;
use bytes::Bytes;
use futures::FutureExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use syncline_model::{
    Advance, Cursor, CursorKey, EventLog, Fault, IntegrationId, JobId, Ledger, LogFault, Revision, Shard, State, Step, StreamName,
    TenantId,
    ledger::Outcome,
    log::{InboxItem, InboxKind, InboxOffset},
};
use tokio_util::sync::CancellationToken;

use crate::{
    actors::{Root, messages},
    job::Shared,
    lanes::Key,
    pump::{HISTORY, HISTORY_KNOWN},
    receive::Receiver,
};

const ITEMS_AT_ONCE: usize = 100;
/// How often an owner looks whether another node has asked it for something.
const LOOK: Duration = Duration::from_millis(200);

/// What the owner of a shard is asked to do for an integration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Command {
    /// It is new or was changed: look at it again.
    Look,
    /// Read it now, as this job, which has begun.
    Read {
        /// The job.
        job: JobId,
    },
    /// Go on from these cursors of the streams' connector, unless it is being read.
    GoOn {
        /// What the connector wrote, by stream.
        cursors: Vec<(StreamName, Vec<u8>)>,
    },
    /// The source of this stream has become much smaller, and that is right.
    AcceptDeletions {
        /// The stream.
        stream: StreamName,
    },
}

/// Asks the owner of the tenant's shard, whoever that is. It is durable when this returns.
pub async fn ask(log: &dyn EventLog, key: &Key, command: &Command) -> Result<(), Fault> {
    let body = serde_json::to_vec(command).map_err(|error| Fault::Internal(error.to_string()))?;
    let item = InboxItem {
        tenant: key.tenant.clone(),
        integration: key.integration.clone(),
        kind: InboxKind::Command,
        received: Timestamp::now(),
        body: Bytes::from(body),
    };
    log.append(item).await?;
    Ok(())
}

/// Does what the owner of this shard is asked, and handles its deliveries, for as long as it is ours and nobody ends it.
pub async fn serve(shared: Arc<Shared>, shard: Arc<dyn Shard>, root: Addr<Root>, end: CancellationToken) {
    let id = shard.id();
    let following = AssertUnwindSafe(follow(&shared, &shard, &root)).catch_unwind();
    match end.run_until_cancelled(following).await {
        None | Some(Ok(LogFault::Fenced(_))) => {}
        Some(Ok(fault @ (LogFault::Conflict(_) | LogFault::TooLarge { .. } | LogFault::Unavailable(_) | LogFault::Damaged(_)))) => {
            tracing::warn!("what shard {id} is asked cannot be read any more: {fault}");
            root.do_send(messages::Fenced(id));
        }
        Some(Err(_)) => {
            tracing::error!("what shard {id} is asked made us panic");
            root.do_send(messages::Died);
        }
    }
}

async fn follow(shared: &Arc<Shared>, shard: &Arc<dyn Shard>, root: &Addr<Root>) -> LogFault {
    // Alone, it begins with who lives in the shard, and hears of everything that comes into the inbox.
    let (mut after, mut caught_up) = (None, !shared.config.cluster);
    let mut receiver = Receiver::new(shared);
    loop {
        let before = after;
        let mut look_again = shared.config.cluster.then_some(LOOK);
        match turn(shared, &mut receiver, shard.as_ref(), root, &mut after).await {
            Ok(Turn::Done) => {}
            Ok(Turn::NotYet) => look_again = Some(LOOK),
            Err(LogFault::Unavailable(why)) => {
                tracing::debug!("the inbox cannot be handled at the moment: {why}");
                look_again = Some(LOOK);
            }
            Err(fault @ (LogFault::Fenced(_) | LogFault::Conflict(_) | LogFault::TooLarge { .. } | LogFault::Damaged(_))) => return fault,
        }
        if before == after {
            // Also when the inbox cannot be read: what it holds comes late then, and nobody waits for it for ever.
            if !std::mem::replace(&mut caught_up, true) {
                root.do_send(messages::InboxDone(Arc::clone(shard)));
            }
            shared.bells.wait(shard.id(), look_again).await;
        }
    }
}

/// How far a look into the inbox came.
enum Turn {
    /// Everything that was there is done.
    Done,
    /// Something must be tried again.
    NotYet,
}

async fn turn(
    shared: &Arc<Shared>,
    receiver: &mut Receiver,
    shard: &dyn Shard,
    root: &Addr<Root>,
    after: &mut Option<InboxOffset>,
) -> Result<Turn, LogFault> {
    let from = match *after {
        Some(after) => after,
        None => shard.inbox_done().await?,
    };
    *after = Some(from);
    let items = shard.inbox(from, ITEMS_AT_ONCE).await?;
    let kind = items.first().map(|(_, item)| item.kind);
    let alike: Vec<_> = items.into_iter().take_while(|(_, item)| Some(item.kind) == kind).collect();
    match (kind, alike.last().map(|(offset, _)| *offset)) {
        (Some(InboxKind::Delivery), Some(last)) => {
            for (key, streams) in receiver.take(shard, alike).await? {
                root.do_send(messages::Noticed { key, streams });
            }
            *after = Some(last);
            Ok(Turn::Done)
        }
        (Some(InboxKind::Command), Some(_)) => commanded(&shared.ledger, shard, root, after, alike).await,
        (None, _) | (_, None) => Ok(Turn::Done),
    }
}

async fn commanded(
    ledger: &Arc<dyn Ledger>,
    shard: &dyn Shard,
    root: &Addr<Root>,
    after: &mut Option<InboxOffset>,
    items: Vec<(InboxOffset, InboxItem)>,
) -> Result<Turn, LogFault> {
    let (mut done, mut turn) = (None, Turn::Done);
    for (offset, item) in items {
        if let Err(fault) = obey(ledger, shard, root, offset, &item).await {
            tracing::warn!(tenant = %item.tenant, integration = %item.integration, "what was asked cannot be done yet: {fault}");
            turn = Turn::NotYet;
            break;
        }
        done = Some(offset);
    }
    if let Some(done) = done {
        shard.commit(Step { inbox: Some(done), ..Step::default() }).await?;
        *after = Some(done);
    }
    Ok(turn)
}

async fn obey(ledger: &Arc<dyn Ledger>, shard: &dyn Shard, root: &Addr<Root>, at: InboxOffset, item: &InboxItem) -> Result<(), Fault> {
    let key = Key { tenant: item.tenant.clone(), integration: item.integration.clone() };
    match serde_json::from_slice(&item.body) {
        Ok(Command::Look) => look(ledger, root, key).await,
        Ok(Command::Read { job }) => read(ledger, root, &key, job).await,
        Ok(Command::GoOn { cursors }) => {
            let cursors = cursors.into_iter().map(|(stream, bytes)| (stream, Cursor(Bytes::from(bytes)))).collect();
            // Asked for while it was not read. Somebody may have resumed it since, and what began then began from the wrong place.
            root.send(messages::Halt(key.clone())).await.map_err(|error| Fault::Internal(error.to_string()))?;
            if ledger.integration(&key.tenant, &key.integration).await?.is_some() {
                // In the step that passes the item: cursors that have moved on are not put back by reading it twice.
                move_cursors(shard, &key, cursors, Some(at)).await?;
            }
            look(ledger, root, key).await
        }
        Ok(Command::AcceptDeletions { stream }) => {
            root.do_send(messages::AcceptDeletions { key, stream });
            Ok(())
        }
        Err(error) => {
            tracing::error!(tenant = %key.tenant, integration = %key.integration, "a newer program asked for something unknown: {error}");
            Ok(())
        }
    }
}

async fn look(ledger: &Arc<dyn Ledger>, root: &Addr<Root>, key: Key) -> Result<(), Fault> {
    match ledger.integration(&key.tenant, &key.integration).await? {
        Some(enrolled) if enrolled.state.is_active() => root.do_send(messages::Enrol(enrolled)),
        Some(_) | None => root.do_send(messages::Halt(key)),
    }
    Ok(())
}

async fn read(ledger: &Arc<dyn Ledger>, root: &Addr<Root>, key: &Key, job: JobId) -> Result<(), Fault> {
    let cancel = async |cause: &str| ledger.end_job(&key.tenant, job, Timestamp::now(), Outcome::Cancelled, Some(cause)).await;
    let enrolled = ledger.integration(&key.tenant, &key.integration).await?.filter(|enrolled| enrolled.state.is_active());
    let Some(enrolled) = enrolled else { return cancel("the integration may not be read any more").await };
    let asked = messages::SyncNow { enrolled, job, behind: true };
    let instead = root.send(asked).await.map_err(|error| Fault::Internal(error.to_string()))?;
    match instead {
        Some(instead) if instead != job => cancel("another job of the integration was asked for before and waits").await,
        Some(_) | None => Ok(()),
    }
}

/// Moves the cursors of an integration that is not read. The history of their streams counts as known, because somebody has read it.
pub async fn go_on(
    ledger: &dyn Ledger,
    shard: &dyn Shard,
    key: &Key,
    running: Option<JobId>,
    cursors: Vec<(StreamName, Cursor)>,
) -> Result<(), Fault> {
    let enrolled = ledger.integration(&key.tenant, &key.integration).await?;
    let state = enrolled.map_or(State::Deleted, |enrolled| enrolled.state);
    if state.is_active() || state == State::Deleted {
        return Err(Fault::Misconfigured(format!("the integration `{}` is {state}, and must be paused", key.integration)));
    }
    if let Some(job) = running {
        return Err(Fault::Misconfigured(format!("the job `{job}` of the integration `{}` has not ended yet", key.integration)));
    }
    move_cursors(shard, key, cursors, None).await
}

async fn move_cursors(shard: &dyn Shard, key: &Key, cursors: Vec<(StreamName, Cursor)>, inbox: Option<InboxOffset>) -> Result<(), Fault> {
    let known = shard.cursors(&key.tenant, &key.integration).await?;
    let mut step = Step { inbox, ..Step::default() };
    for (stream, cursor) in cursors {
        for (part, to) in [("", cursor), (HISTORY, Cursor(HISTORY_KNOWN))] {
            let (tenant, integration) = (key.tenant.clone(), key.integration.clone());
            let at = CursorKey { tenant, integration, stream: stream.clone(), part: part.to_owned() };
            let from = known.iter().find(|entry| entry.key == at).map_or(Revision::NONE, |entry| entry.revision);
            step.advances.push(Advance { key: at, from, to: Some(to) });
        }
    }
    if step.is_empty() { Ok(()) } else { Ok(shard.commit(step).await?) }
}

/// The integration of a command.
pub fn key(tenant: &TenantId, integration: &IntegrationId) -> Key {
    Key { tenant: tenant.clone(), integration: integration.clone() }
}
