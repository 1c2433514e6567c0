//! A member of a consumer group over the events of all tenants. Its thread keeps polling, so that the group can move partitions while
//! the member's user is busy with a batch.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, mpsc},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use rdkafka::{
    Offset, TopicPartitionList,
    config::FromClientConfigAndContext,
    consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance},
    error::{KafkaError, RDKafkaErrorCode},
};
use syncline_model::{
    LogFault,
    log::{Consumer, Logged, Position},
};
use tokio::sync::oneshot;

use super::{
    Core,
    context::{Ears, hears_with_its_ears},
    faults,
    threads::{Running, Threads},
    wire,
};
use crate::{embedded::locked, metrics};

const POLL: Duration = Duration::from_millis(20);
const BUFFER_EVENTS: usize = 20_000;
const BUFFER_BYTES: usize = 32 << 20;
/// How long a batch is gathered while partitions still have more.
const GATHER: Duration = Duration::from_millis(500);
/// How long it may take to become a member that has partitions.
const JOIN: Duration = Duration::from_secs(5);
const COMMIT_TRIES: u32 = 20;

type Partition = (String, i32);
type Reply = oneshot::Sender<Result<Vec<Logged>, LogFault>>;

/// What the group has given us.
#[derive(Default)]
struct Share {
    ours: HashSet<Partition>,
    /// How many partitions have not come to their end since they became ours.
    unread: usize,
    taken: Vec<Partition>,
    rejoined: bool,
}

struct Hears {
    ears: Ears,
    share: Mutex<Share>,
}

hears_with_its_ears!(Hears);

impl ConsumerContext for Hears {
    fn pre_rebalance(&self, _: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let mut share = locked(&self.share);
        match rebalance {
            Rebalance::Assign(list) => {
                let new = partitions(list);
                share.unread += new.len();
                share.rejoined |= !new.is_empty();
                share.ours.extend(new);
            }
            Rebalance::Revoke(list) => {
                let gone = partitions(list);
                share.ours.retain(|partition| !gone.contains(partition));
                share.unread = share.unread.min(share.ours.len());
                share.taken.extend(gone);
            }
            Rebalance::Error(error) => tracing::warn!("a consumer group cannot agree: {error}"),
        }
    }
}

fn partitions(list: &TopicPartitionList) -> Vec<Partition> {
    list.elements().iter().map(|element| (element.topic().to_owned(), element.partition())).collect()
}

enum Call {
    Next { events_max: usize, deadline: Instant, reply: Reply },
    Commit { done: Position, reply: oneshot::Sender<Result<(), LogFault>> },
    Joined { deadline: Instant, reply: oneshot::Sender<()> },
    Leave(Running),
}

struct Member {
    consumer: BaseConsumer<Hears>,
    calls: mpsc::Receiver<Call>,
    buffer: VecDeque<Logged>,
    bytes: usize,
    paused: bool,
    /// What somebody waits for, and since when there is something.
    asked: Option<(usize, Instant, Reply)>,
    since: Option<Instant>,
    joining: Option<(Instant, oneshot::Sender<()>)>,
    fault: Option<LogFault>,
    /// Tells that the group was left; dropped behind the consumer.
    leaving: Option<Running>,
}

impl Member {
    fn run(mut self) {
        loop {
            let quiet = self.poll();
            self.drop_taken();
            loop {
                match self.calls.try_recv() {
                    Ok(Call::Leave(leaving)) => {
                        self.leaving = Some(leaving);
                        return;
                    }
                    Ok(call) => self.call(call),
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
            self.tell_joined();
            self.hand_out(quiet);
            self.make_room();
        }
    }

    /// True when nothing more has come.
    fn poll(&mut self) -> bool {
        match self.consumer.poll(POLL) {
            Some(Ok(message)) => {
                match wire::logged(&message) {
                    Ok(logged) => {
                        self.bytes += logged.event.body.len();
                        self.buffer.push_back(logged);
                        self.since.get_or_insert_with(Instant::now);
                    }
                    Err(fault) => self.fault = Some(fault),
                }
                false
            }
            Some(Err(KafkaError::PartitionEOF(_))) => {
                let mut share = locked(&self.consumer.context().share);
                share.unread = share.unread.saturating_sub(1);
                true
            }
            Some(Err(KafkaError::MessageConsumptionFatal(code))) => {
                self.fault = Some(LogFault::Unavailable(code.to_string()));
                true
            }
            Some(Err(error)) => {
                tracing::debug!("a consumer hears: {error}");
                true
            }
            None => true,
        }
    }

    /// What was read of a partition that has gone comes to its next owner.
    fn drop_taken(&mut self) {
        let taken = std::mem::take(&mut locked(&self.consumer.context().share).taken);
        if taken.is_empty() {
            return;
        }
        let gone: HashSet<String> = taken.iter().map(|(topic, partition)| wire::partition(topic, *partition).0).collect();
        self.buffer.retain(|logged| !gone.contains(&logged.place.partition.0));
        self.bytes = self.buffer.iter().map(|logged| logged.event.body.len()).sum();
    }

    fn call(&mut self, call: Call) {
        match call {
            Call::Next { events_max, deadline, reply } => self.asked = Some((events_max, deadline, reply)),
            Call::Commit { done, reply } => drop(reply.send(self.commit(&done))),
            Call::Joined { deadline, reply } => self.joining = Some((deadline, reply)),
            Call::Leave(leaving) => self.leaving = Some(leaving),
        }
    }

    fn tell_joined(&mut self) {
        let joined = locked(&self.consumer.context().share).rejoined;
        if let Some((_, reply)) = self.joining.take_if(|(deadline, _)| joined || Instant::now() > *deadline) {
            let _ = reply.send(());
        }
    }

    fn hand_out(&mut self, quiet: bool) {
        let Some((events_max, deadline, _)) = &self.asked else { return };
        let (events_max, now) = (*events_max, Instant::now());
        let read_to_the_end = quiet && locked(&self.consumer.context().share).unread == 0;
        let gathered = self.since.is_some_and(|since| now.duration_since(since) > GATHER);
        let ready = !self.buffer.is_empty() && (read_to_the_end || gathered || self.buffer.len() >= events_max);
        if !ready && now < *deadline && self.fault.is_none() {
            return;
        }
        let Some((_, _, reply)) = self.asked.take() else { return };
        let count = events_max.min(self.buffer.len());
        if let (0, Some(fault)) = (count, self.fault.take()) {
            drop(reply.send(Err(fault)));
            return;
        }
        let batch: Vec<Logged> = self.buffer.drain(..count).collect();
        self.bytes -= batch.iter().map(|logged| logged.event.body.len()).sum::<usize>().min(self.bytes);
        self.since = (!self.buffer.is_empty()).then_some(now);
        drop(reply.send(Ok(batch)));
    }

    /// Reads no further while its user is far behind.
    fn make_room(&mut self) {
        let full = self.buffer.len() > BUFFER_EVENTS || self.bytes > BUFFER_BYTES;
        let free = self.buffer.len() < BUFFER_EVENTS / 2 && self.bytes < BUFFER_BYTES / 2;
        let change = if full && !self.paused {
            true
        } else if free && self.paused {
            false
        } else {
            return;
        };
        let Ok(all) = self.consumer.assignment() else { return };
        let done = if change { self.consumer.pause(&all) } else { self.consumer.resume(&all) };
        if done.is_ok() {
            self.paused = change;
        }
    }

    fn commit(&mut self, done: &Position) -> Result<(), LogFault> {
        for _ in 0..COMMIT_TRIES {
            let list = self.still_ours(done)?;
            if list.count() == 0 {
                return Ok(());
            }
            let Err(error) = self.consumer.commit(&list, CommitMode::Sync) else { return Ok(()) };
            match error {
                // The group is about to agree anew; when it has, we know what is still ours.
                KafkaError::ConsumerCommit(RDKafkaErrorCode::RebalanceInProgress) => {
                    self.poll();
                    self.drop_taken();
                }
                KafkaError::ConsumerCommit(RDKafkaErrorCode::IllegalGeneration | RDKafkaErrorCode::UnknownMemberId) => return Ok(()),
                other => return Err(faults::unavailable(&other)),
            }
        }
        Err(LogFault::Unavailable("the consumer group does not come to rest".to_owned()))
    }

    fn still_ours(&self, done: &Position) -> Result<TopicPartitionList, LogFault> {
        let share = locked(&self.consumer.context().share);
        let mut list = TopicPartitionList::new();
        for (name, offset) in &done.0 {
            let Some((topic, partition)) = wire::parse_partition(name) else { continue };
            if share.ours.contains(&(topic.to_owned(), partition)) {
                let next = Offset::Offset(i64::try_from(*offset).unwrap_or(i64::MAX));
                list.add_partition_offset(topic, partition, next).map_err(|error| faults::unavailable(&error))?;
            }
        }
        Ok(list)
    }
}

/// The member, as its user has it.
pub struct GroupMember {
    calls: mpsc::Sender<Call>,
    threads: Arc<Threads>,
    group: String,
}

impl Drop for GroupMember {
    fn drop(&mut self) {
        drop(self.calls.send(Call::Leave(Running::leaving(&self.threads, &self.group))));
    }
}

impl GroupMember {
    /// Joins, and waits until the group has given it something, or has nothing to give.
    pub async fn join(core: &Arc<Core>, group: &str) -> Result<Self, LogFault> {
        core.threads.wait_gone(group, JOIN).await;
        let hears = Hears { ears: Ears::new(&core.config), share: Mutex::default() };
        let settings = core.config.member(&core.names.group(group));
        let consumer = BaseConsumer::from_config_and_context(&settings, hears).map_err(|error| faults::client(&error))?;
        consumer.subscribe(&[&core.names.pattern()]).map_err(|error| faults::unavailable(&error))?;
        let (calls, todo) = mpsc::channel();
        let (running, lag_of) = (core.threads.enter(group), group.to_owned());
        let run = move || {
            let _running = running;
            let member = Member {
                consumer,
                calls: todo,
                buffer: VecDeque::new(),
                bytes: 0,
                paused: false,
                asked: None,
                since: None,
                joining: None,
                fault: None,
                leaving: None,
            };
            member.run();
            drop(metrics::LOG_GROUP_LAG_EVENTS.remove_label_values(&[&lag_of]));
        };
        std::thread::Builder::new()
            .name("kafka-consumer".to_owned())
            .spawn(run)
            .map_err(|error| LogFault::Unavailable(error.to_string()))?;
        let topics = {
            let core = Arc::clone(core);
            tokio::task::spawn_blocking(move || core.topics.events()).await.map_err(|error| LogFault::Unavailable(error.to_string()))??
        };
        let member = Self { calls, threads: Arc::clone(&core.threads), group: group.to_owned() };
        if !topics.is_empty() {
            member.ask(|reply| Call::Joined { deadline: Instant::now() + JOIN, reply }).await?;
        }
        Ok(member)
    }

    async fn ask<T>(&self, call: impl FnOnce(oneshot::Sender<T>) -> Call) -> Result<T, LogFault> {
        let (reply, answer) = oneshot::channel();
        let ended = || LogFault::Unavailable("the consumer has ended".to_owned());
        self.calls.send(call(reply)).map_err(|_| ended())?;
        answer.await.map_err(|_| ended())
    }
}

#[async_trait]
impl Consumer for GroupMember {
    async fn next(&mut self, events_max: usize, wait: Duration) -> Result<Vec<Logged>, LogFault> {
        let deadline = Instant::now() + wait.min(Duration::from_hours(24));
        self.ask(|reply| Call::Next { events_max: events_max.max(1), deadline, reply }).await?
    }

    async fn commit(&mut self, done: &Position) -> Result<(), LogFault> {
        self.ask(|reply| Call::Commit { done: done.clone(), reply }).await?
    }
}
