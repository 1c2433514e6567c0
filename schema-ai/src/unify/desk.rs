//! What can be asked of a tenant's plans: make, show, compare, edit, accept, reject; and the turns that carry them out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use syncline_model::{
    TenantId,
    log::{Logged, Position},
};

use super::{
    UnifyFault, apply, own, plans,
    plans::{Kept, State},
    profiles,
    reading::{Portion, Reading},
    settle::Said,
    source::{self, Tables},
};
use crate::{
    organize::plan::{
        diff::{Difference, diff},
        document::Document,
        edit::Edit,
    },
    tables::{
        TableHome, TableReader,
        database::{Database, cells},
    },
};

/// What is done with a new plan when nobody says anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Every plan waits for a person.
    #[default]
    Ask,
    /// What only adds is accepted; what changes or takes away waits for a person.
    AcceptAdditive,
}

/// How far a tenant's plans are carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// What is done with a new plan.
    pub policy: Policy,
    /// The plan that holds.
    pub accepted: Option<i64>,
    /// The plan that waits for a decision.
    pub proposed: Option<i64>,
    /// Records profiled, by stream.
    pub profiled: Vec<(String, i64)>,
    /// Records taken over, by entity and stream, and whether these are all.
    pub walks: Vec<(String, String, i64, bool)>,
    /// Streams, and lists in their records, that wait for a decision, and the plan that asks for it.
    pub held: Vec<(String, i64)>,
}

/// One tenant's plans.
pub struct Desk {
    pub(super) db: Box<dyn Database>,
    pub(super) reader: Box<dyn TableReader>,
}

impl Desk {
    /// Opens the plans of a tenant whose tables are here.
    pub fn open(home: &dyn TableHome, tenant: &TenantId) -> Result<Self, UnifyFault> {
        let reader = home.reader(tenant)?.ok_or(UnifyFault::NoTables)?;
        let db = home.database(tenant)?.ok_or(UnifyFault::NoTables)?;
        own::make(db.as_ref())?;
        Ok(Self { db, reader })
    }

    /// Begins a plan; [`Self::make`] makes it, now or after a restart.
    pub fn begin(&mut self, why: &str) -> Result<i64, UnifyFault> {
        plans::add(self.db.as_ref(), None, why, State::Making, &Document::default())
    }

    /// Makes a plan that was begun.
    pub fn make(&mut self, id: i64) -> Result<(), UnifyFault> {
        let proposed = profiles::propose(self.db.as_ref());
        let step = self.db.begin()?;
        if plans::get(&*step, id)?.state != State::Making {
            return Ok(());
        }
        match proposed {
            Ok(document) => {
                let accepted = plans::newest(&*step, State::Accepted)?;
                let (base, document) = match &accepted {
                    Some(kept) => (Some(kept.id), document.on(&kept.plan)),
                    None => (None, document),
                };
                plans::fill(&*step, id, base, &document)?;
                plans::replace(&*step, State::Proposed, id)?;
                decide(&*step, id)?;
            }
            Err(fault) => plans::set_state(&*step, id, State::Failed, Some(&fault.to_string()))?,
        }
        Ok(step.commit()?)
    }

    /// Makes what was begun and never ended.
    pub(super) fn make_begun(&mut self) -> Result<(), UnifyFault> {
        while let Some(kept) = plans::newest(self.db.as_ref(), State::Making)? {
            self.make(kept.id)?;
        }
        Ok(())
    }

    /// Plans with ids below `before`, the newest first, without what they say.
    pub fn plans(&self, before: Option<i64>, most: usize) -> Result<Vec<Kept>, UnifyFault> {
        plans::list(self.db.as_ref(), before.unwrap_or(i64::MAX), most)
    }

    /// One plan.
    pub fn plan(&self, id: i64) -> Result<Kept, UnifyFault> {
        plans::get(self.db.as_ref(), id)
    }

    /// What a plan changes in another; in the one it was made from, if none is named.
    pub fn diff(&self, from: Option<i64>, to: i64) -> Result<Vec<Difference>, UnifyFault> {
        let after = plans::get(self.db.as_ref(), to)?;
        let before = from.or(after.base).map(|id| plans::get(self.db.as_ref(), id)).transpose()?;
        Ok(diff(&before.map(|kept| kept.plan).unwrap_or_default(), &after.plan))
    }

    /// Accepts a plan. [`Self::step`] carries it out.
    pub fn accept(&mut self, id: i64) -> Result<(), UnifyFault> {
        let step = self.db.begin()?;
        apply::accept(&*step, id)?;
        Ok(step.commit()?)
    }

    /// Refuses a plan. Streams that waited for it go on as before.
    pub fn reject(&mut self, id: i64, why: Option<&str>) -> Result<(), UnifyFault> {
        let step = self.db.begin()?;
        let kept = plans::get(&*step, id)?;
        if kept.state != State::Proposed {
            return Err(UnifyFault::WrongState(id, kept.state.as_str()));
        }
        plans::set_state(&*step, id, State::Rejected, why)?;
        release(&*step)?;
        Ok(step.commit()?)
    }

    /// Makes a plan of this one with these edits. Gives its id.
    pub fn edit(&mut self, id: i64, edits: &[Edit]) -> Result<i64, UnifyFault> {
        let step = self.db.begin()?;
        let kept = plans::get(&*step, id)?;
        if !matches!(kept.state, State::Proposed | State::Accepted) {
            return Err(UnifyFault::WrongState(id, kept.state.as_str()));
        }
        let base = if kept.state == State::Accepted { Some(id) } else { kept.base };
        let edited = kept.plan.edited(edits)?;
        let made = plans::add(&*step, base, &format!("plan {id} was edited"), State::Proposed, &edited)?;
        plans::replace(&*step, State::Proposed, made)?;
        step.run("UPDATE _syncline_held SET plan = ?", cells![made])?;
        step.commit()?;
        Ok(made)
    }

    /// What is done with a new plan.
    pub fn policy(&self) -> Result<Policy, UnifyFault> {
        policy(self.db.as_ref())
    }

    /// Says what is done with a new plan.
    pub fn set_policy(&mut self, policy: Policy) -> Result<(), UnifyFault> {
        own::set_word(self.db.as_ref(), "policy", &serde_json::to_string(&policy)?)?;
        Ok(())
    }

    /// How far everything is.
    pub fn progress(&self) -> Result<Progress, UnifyFault> {
        let newest = |state| -> Result<Option<i64>, UnifyFault> { Ok(plans::newest(self.db.as_ref(), state)?.map(|kept| kept.id)) };
        let profiled = self.db.rows("SELECT stream, records FROM _syncline_profiles ORDER BY stream", &[])?;
        let walks = self.db.rows("SELECT entity, stream, records, done FROM _syncline_walks ORDER BY entity, stream", &[])?;
        let held = self.db.rows("SELECT stream, plan FROM _syncline_held ORDER BY stream", &[])?;
        Ok(Progress {
            policy: self.policy()?,
            accepted: newest(State::Accepted)?,
            proposed: newest(State::Proposed)?,
            profiled: profiled.iter().map(|row| (row.text(0), row.number(1))).collect(),
            walks: walks.iter().map(|row| (row.text(0), row.text(1), row.number(2), row.number(3) != 0)).collect(),
            held: held.iter().map(|row| (row.text(0), row.number(1))).collect(),
        })
    }

    /// Takes the next portion of records over. False when nothing is left to do.
    pub fn step(&mut self) -> Result<bool, UnifyFault> {
        let tables = self.reader.tables()?;
        apply::step(self.db.as_ref(), self.reader.as_ref(), &tables)
    }

    /// How far the log was profiled, and how far it is in the tables.
    pub(super) fn positions(&self) -> Result<(Position, Position), UnifyFault> {
        Ok((own::position(self.db.as_ref())?, self.reader.position()?))
    }

    /// Takes these events in: profiles, and the unified rows of what they touch, in one transaction with the place in the log.
    pub(super) fn follow(&mut self, events: &[Logged]) -> Result<(), UnifyFault> {
        let reader = self.reader.as_ref();
        let tables = reader.tables()?;
        let step = self.db.begin()?;
        let mut position = own::position(&*step)?;
        let fresh: Vec<Logged> = events.iter().filter(|logged| !position.has_passed(&logged.place)).cloned().collect();
        fresh.iter().for_each(|logged| position.pass(&logged.place));
        let (touched, changed) = profiles::grow(&*step, &tables, &fresh)?;
        if changed {
            // Before anything of these events is unified: what breaks must wait.
            look_for_drift(&*step)?;
        }
        let kept = plans::newest(&*step, State::Accepted)?;
        if let Some(kept) = &kept {
            let held: BTreeSet<String> = held(&*step)?;
            let places = Tables::new(&tables);
            for entity in &kept.plan.entities {
                let references = source::references(&kept.plan, entity);
                let mut portions: Vec<(&String, Portion)> = Vec::new();
                for feed in entity.streams.iter().filter(|feed| !held.contains(*feed)) {
                    let Some(keys) = touched.get(source::stream_of(feed)) else { continue };
                    let Some(reading) = Reading::new(reader, &places, (&kept.plan, entity), &references, feed) else { continue };
                    let keys: Vec<String> = keys.iter().cloned().collect();
                    portions.push((feed, reading.of(&keys)?));
                }
                if portions.is_empty() {
                    continue;
                }
                let settled = apply::settled(&*step, reader, &tables, kept, entity)?;
                let mut said: Vec<Said> = Vec::new();
                for (feed, portion) in portions {
                    said.extend(settled.with_vanished(&*step, feed, portion)?);
                }
                settled.settle(&*step, apply::turn(&*step)?, said)?;
            }
            apply::learn_again(&*step, kept)?;
        }
        own::save_position(&*step, &position)?;
        Ok(step.commit()?)
    }
}

/// Looks whether the streams ask for another plan than the one that holds, and proposes it.
fn look_for_drift(db: &dyn Database) -> Result<(), UnifyFault> {
    let accepted = plans::newest(db, State::Accepted)?;
    if accepted.is_none() && policy(db)? == Policy::Ask {
        return Ok(());
    }
    let before = accepted.as_ref().map(|kept| kept.plan.clone()).unwrap_or_default();
    let proposed = profiles::propose(db)?.on(&before);
    let same = |state| -> Result<bool, UnifyFault> {
        let known = plans::newest(db, state)?;
        let since = accepted.as_ref().map_or(0, |kept| kept.id);
        Ok(known.is_some_and(|known| known.id > since && diff(&known.plan, &proposed).is_empty()))
    };
    if diff(&before, &proposed).is_empty() || same(State::Proposed)? || same(State::Rejected)? {
        return Ok(());
    }
    let base = accepted.as_ref().map(|kept| kept.id);
    let id = plans::add(db, base, "the streams have changed", State::Proposed, &proposed)?;
    plans::replace(db, State::Proposed, id)?;
    decide(db, id)
}

/// Accepts a proposal if the policy says so; otherwise lets the streams wait that it would break.
fn decide(db: &dyn Database, id: i64) -> Result<(), UnifyFault> {
    let kept = plans::get(db, id)?;
    let before = kept.base.map(|id| plans::get(db, id)).transpose()?.map(|kept| kept.plan).unwrap_or_default();
    let differences = diff(&before, &kept.plan);
    let breaks = differences.iter().any(|one| one.breaking);
    if !breaks && policy(db)? == Policy::AcceptAdditive {
        return apply::accept(db, id);
    }
    release(db)?;
    for stream in differences.iter().flat_map(|one| &one.streams) {
        let sql = "INSERT INTO _syncline_held (stream, plan) VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET plan = excluded.plan";
        db.run(sql, cells![stream, id])?;
    }
    Ok(())
}

/// Lets streams that waited go on, from their tables.
fn release(db: &dyn Database) -> Result<(), UnifyFault> {
    if let Some(kept) = plans::newest(db, State::Accepted)? {
        for stream in held(db)? {
            if let Some(entity) = kept.plan.entity_of(&stream) {
                apply::begin_walk(db, &entity.concept, &stream, kept.id)?;
            }
        }
    }
    db.run("DELETE FROM _syncline_held", &[])?;
    Ok(())
}

fn held(db: &dyn Database) -> Result<BTreeSet<String>, UnifyFault> {
    Ok(db.rows("SELECT stream FROM _syncline_held", &[])?.iter().map(|row| row.text(0)).collect())
}

fn policy(db: &dyn Database) -> Result<Policy, UnifyFault> {
    Ok(own::word(db, "policy")?.map(|word| serde_json::from_str(&word)).transpose()?.unwrap_or_default())
}
