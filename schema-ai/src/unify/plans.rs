//! Plans as they are kept: a list that only grows, each with its state.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::UnifyFault;
use crate::{
    organize::plan::document::Document,
    tables::database::{Database, Found, cells},
};

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

fn read(row: &Found) -> Result<Kept, UnifyFault> {
    let body = row.text(6);
    Ok(Kept {
        id: row.number(0),
        base: row.maybe_number(1),
        at: row.text(2),
        why: row.text(3),
        state: State::named(&row.text(4)),
        note: row.maybe_text(5),
        plan: if body.is_empty() { Document::default() } else { serde_json::from_str(&body)? },
    })
}

const SELECT: &str = "SELECT id, base, at, why, state, note, body FROM _syncline_plans";

/// One plan.
pub(super) fn get(db: &dyn Database, id: i64) -> Result<Kept, UnifyFault> {
    let found = db.row(&format!("{SELECT} WHERE id = ?"), cells![id])?;
    read(&found.ok_or(UnifyFault::NoPlan(id))?)
}

/// The newest plan in this state.
pub(super) fn newest(db: &dyn Database, state: State) -> Result<Option<Kept>, UnifyFault> {
    let sql = format!("{SELECT} WHERE state = ? ORDER BY id DESC LIMIT 1");
    db.row(&sql, cells![state.as_str()])?.as_ref().map(read).transpose()
}

/// All plans, the newest first, without what they say.
pub(super) fn list(db: &dyn Database, before: i64, most: usize) -> Result<Vec<Kept>, UnifyFault> {
    let sql = "SELECT id, base, at, why, state, note, '' FROM _syncline_plans WHERE id < ? ORDER BY id DESC LIMIT ?";
    db.rows(sql, cells![before, i64::try_from(most).unwrap_or(i64::MAX)])?.iter().map(read).collect()
}

/// Keeps a new plan.
pub(super) fn add(db: &dyn Database, base: Option<i64>, why: &str, state: State, plan: &Document) -> Result<i64, UnifyFault> {
    let at = Timestamp::now().to_string();
    let sql = "INSERT INTO _syncline_plans (base, at, why, state, body) VALUES (?, ?, ?, ?, ?) RETURNING id";
    let made = db.row(sql, cells![base, at, why, state.as_str(), serde_json::to_string(plan)?])?;
    Ok(made.map_or(0, |row| row.number(0)))
}

/// Says what became of a plan.
pub(super) fn set_state(db: &dyn Database, id: i64, state: State, note: Option<&str>) -> Result<(), UnifyFault> {
    db.run("UPDATE _syncline_plans SET state = ?, note = ? WHERE id = ?", cells![state.as_str(), note, id])?;
    Ok(())
}

/// Ends every plan that is in this state, for the sake of a newer one.
pub(super) fn replace(db: &dyn Database, state: State, by: i64) -> Result<(), UnifyFault> {
    let sql = "UPDATE _syncline_plans SET state = 'replaced', note = ? WHERE state = ? AND id <> ?";
    db.run(sql, cells![format!("plan {by} took its place"), state.as_str(), by])?;
    Ok(())
}

/// Puts a plan into one that was being made.
pub(super) fn fill(db: &dyn Database, id: i64, base: Option<i64>, plan: &Document) -> Result<(), UnifyFault> {
    let sql = "UPDATE _syncline_plans SET body = ?, base = ?, state = 'proposed' WHERE id = ?";
    db.run(sql, cells![serde_json::to_string(plan)?, base, id])?;
    Ok(())
}
