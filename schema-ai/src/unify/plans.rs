//! Plans as they are kept: a list that only grows, each with its state.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::UnifyFault;
use crate::organize::plan::document::Document;

/// What became of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is being made.
    Making,
    /// It could not be made.
    Failed,
    /// It waits for somebody to decide.
    Proposed,
    /// It is, or is becoming, what the tables are.
    Accepted,
    /// It was refused.
    Rejected,
    /// A newer one took its place.
    Replaced,
}

impl State {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Making => "making",
            Self::Failed => "failed",
            Self::Proposed => "proposed",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Replaced => "replaced",
        }
    }

    fn named(word: &str) -> Self {
        let all = [Self::Making, Self::Failed, Self::Proposed, Self::Accepted, Self::Rejected];
        all.into_iter().find(|state| state.as_str() == word).unwrap_or(Self::Replaced)
    }
}

/// A plan as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Its id; a later plan has a greater one.
    pub id: i64,
    /// The plan that it was made from.
    pub base: Option<i64>,
    /// When it was made, in RFC 3339.
    pub at: String,
    /// Why it was made.
    pub why: String,
    /// What became of it.
    pub state: State,
    /// What there is to say about that.
    pub note: Option<String>,
    /// The plan.
    pub plan: Document,
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Kept, String)> {
    let kept = Kept {
        id: row.get(0)?,
        base: row.get(1)?,
        at: row.get(2)?,
        why: row.get(3)?,
        state: State::named(&row.get::<_, String>(4)?),
        note: row.get(5)?,
        plan: Document::default(),
    };
    Ok((kept, row.get(6)?))
}

fn whole((kept, body): (Kept, String)) -> Result<Kept, UnifyFault> {
    Ok(Kept { plan: serde_json::from_str(&body)?, ..kept })
}

const SELECT: &str = "SELECT id, base, at, why, state, note, body FROM _syncline_plans";

/// One plan.
pub(super) fn get(db: &Connection, id: i64) -> Result<Kept, UnifyFault> {
    let found = db.prepare_cached(&format!("{SELECT} WHERE id = ?"))?.query_row([id], read).optional()?;
    whole(found.ok_or(UnifyFault::NoPlan(id))?)
}

/// The newest plan in this state.
pub(super) fn newest(db: &Connection, state: State) -> Result<Option<Kept>, UnifyFault> {
    let sql = format!("{SELECT} WHERE state = ? ORDER BY id DESC LIMIT 1");
    db.prepare_cached(&sql)?.query_row([state.as_str()], read).optional()?.map(whole).transpose()
}

/// All plans, the newest first, without what they say.
pub(super) fn list(db: &Connection, before: i64, most: usize) -> Result<Vec<Kept>, UnifyFault> {
    let sql = "SELECT id, base, at, why, state, note, '' FROM _syncline_plans WHERE id < ? ORDER BY id DESC LIMIT ?";
    let mut found = db.prepare_cached(sql)?;
    let rows = found.query_map(params![before, i64::try_from(most).unwrap_or(i64::MAX)], read)?;
    Ok(rows.map(|row| row.map(|(kept, _)| kept)).collect::<rusqlite::Result<_>>()?)
}

/// Keeps a new plan.
pub(super) fn add(db: &Connection, base: Option<i64>, why: &str, state: State, plan: &Document) -> Result<i64, UnifyFault> {
    let at = Timestamp::now().to_string();
    db.prepare_cached("INSERT INTO _syncline_plans (base, at, why, state, body) VALUES (?, ?, ?, ?, ?)")?.execute(params![
        base,
        at,
        why,
        state.as_str(),
        serde_json::to_string(plan)?
    ])?;
    Ok(db.last_insert_rowid())
}

/// Says what became of a plan.
pub(super) fn set_state(db: &Connection, id: i64, state: State, note: Option<&str>) -> Result<(), UnifyFault> {
    db.prepare_cached("UPDATE _syncline_plans SET state = ?, note = ? WHERE id = ?")?.execute(params![state.as_str(), note, id])?;
    Ok(())
}

/// Ends every plan that is in this state, for the sake of a newer one.
pub(super) fn replace(db: &Connection, state: State, by: i64) -> Result<(), UnifyFault> {
    let sql = "UPDATE _syncline_plans SET state = 'replaced', note = 'plan ' || ?1 || ' took its place' WHERE state = ?2 AND id <> ?1";
    db.prepare_cached(sql)?.execute(params![by, state.as_str()])?;
    Ok(())
}

/// Puts a plan into one that was being made.
pub(super) fn fill(db: &Connection, id: i64, base: Option<i64>, plan: &Document) -> Result<(), UnifyFault> {
    let sql = "UPDATE _syncline_plans SET body = ?, base = ?, state = 'proposed' WHERE id = ?";
    db.prepare_cached(sql)?.execute(params![serde_json::to_string(plan)?, base, id])?;
    Ok(())
}
