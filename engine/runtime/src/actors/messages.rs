//! What the actors tell each other.

use std::{collections::HashSet, sync::Arc};

use actix::{ArbiterHandle, Message};
use syncline_model::{Fault, JobId, Shard, ShardId, StreamName, ledger::Enrolled, log::ShardChange};

use crate::{
    engine::Stats,
    gate::GateEvent,
    job::{JobEnd, Ticket},
    lanes::Key,
    supervise::Guard,
};

/// The log says whose a shard is.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Shards(pub ShardChange);

/// The log knows nothing of us any more.
#[derive(Message)]
#[rtype(result = "()")]
pub struct NoShards;

/// The log refused a step, because the shard has another owner.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Fenced(pub ShardId);

/// Something that belongs to the root panicked on another thread, and the root shares its fate.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Died;

/// What a shard's owner was asked before has been done, as far as it can be.
#[derive(Message)]
#[rtype(result = "()")]
pub struct InboxDone(pub Arc<dyn Shard>);

/// An integration is new or was changed.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Enrol(pub Enrolled);

/// Leave an integration alone; answered when nothing of it runs.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Halt(pub Key);

/// Leave everything alone; answered when nothing runs.
#[derive(Message)]
#[rtype(result = "()")]
pub struct StopAll;

/// The job of this integration that runs or was asked for. A fault if its tenant is not ours.
#[derive(Message)]
#[rtype(result = "Result<Option<JobId>, Fault>")]
pub struct Asked(pub Key);

/// It is known to be ours, and runs when it is due.
#[derive(Message)]
#[rtype(result = "bool")]
pub struct IsSeated(pub Key);

/// Read it now. Answered with the job that runs instead, if one does.
#[derive(Message)]
#[rtype(result = "Option<JobId>")]
pub struct SyncNow {
    /// The integration.
    pub enrolled: Enrolled,
    /// The job that has begun for it.
    pub job: JobId,
    /// Somebody was told of this job already: it comes behind one that runs.
    pub behind: bool,
}

/// A webhook says that these streams have something new.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Noticed {
    /// The integration.
    pub key: Key,
    /// The streams.
    pub streams: HashSet<StreamName>,
}

/// The next full refresh of this stream may delete what is missing, however much it is.
#[derive(Message)]
#[rtype(result = "()")]
pub struct AcceptDeletions {
    /// The integration.
    pub key: Key,
    /// The stream.
    pub stream: StreamName,
}

/// A shard, if this node owns it.
#[derive(Message)]
#[rtype(result = "Option<Arc<dyn Shard>>")]
pub struct AskShard(pub ShardId);

/// How many do what.
#[derive(Message)]
#[rtype(result = "Stats")]
pub struct AskStats;

/// Something about the place of a running job.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Place {
    /// Whose it is.
    pub key: Key,
    /// Which run of it.
    pub serial: u64,
    /// What.
    pub event: GateEvent,
}

/// Run an integration with this ticket.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Run {
    /// The right to do so.
    pub ticket: Arc<Ticket>,
    /// The thread to do so on; the tenant's own, if absent.
    pub on: Option<ArbiterHandle>,
    /// Who wants to know how it ended.
    pub guard: Guard<JobEnd>,
}

/// End yourself.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Quit;
