//! What the engine writes of an integration: its state, settings that a source handed out, and when its last job ended. An owner's word
//! stands above it.

use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, QueryFilter, sea_query::Expr, sea_query::ExprTrait};
use serde_json::Value;
use syncline_model::{IntegrationId, Settings, State, ledger::StateChange};

use super::{
    Scope,
    integrations::{Lock, NewSettings, is_live, no_such_transition, state_columns},
    merge::merged,
};
use crate::{
    StoreFault,
    entity::{Tenanted, integration, integration::Column},
    time::now,
    vault::{self, SecretPath},
    word::{from_json, from_word},
};

impl Scope {
    /// Keeps settings that the source itself handed out for those that the engine had. What was sealed stays sealed, and so is
    /// everything that the source gave anew: whoever hands out settings hands out tokens. An owner's edit that is under way is not
    /// disturbed, and one that came meanwhile stays.
    pub(crate) async fn engine_saves(&self, id: &IntegrationId, had: &Settings, got: &Settings) -> Result<(), StoreFault> {
        let transaction = self.store.begin().await?;
        let row = self.row(&transaction, id, Lock::Exclusive).await?.filter(is_live);
        let row = row.ok_or_else(|| StoreFault::not_found("integration", id))?;
        let old: Value = from_json(&row.settings)?;
        let now_whole = vault::join(old.clone(), self.unseal(&transaction, id).await?)?;
        let whole = Settings::new(merged(had.expose(), now_whole.expose().clone(), got.expose()));
        let mut secret: Vec<SecretPath> = self.sealed_fields(&transaction, id).await?.iter().map(SecretPath::of).collect();
        vault::given_anew(&old, whole.expose(), &mut Vec::new(), &mut secret);
        let public = self.replace_settings(&transaction, id, old, NewSettings { whole, secret }).await?;
        let set = integration::ActiveModel { settings: Set(public.to_string()), changed: Set(now()?), ..Default::default() };
        self.write(&transaction, id, set).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The engine's change of state: one statement that sees and sets, so that nothing comes between. An owner's pause or
    /// deletion is not the engine's to undo.
    pub(crate) async fn engine_moves(&self, id: &IntegrationId, change: &StateChange) -> Result<(), StoreFault> {
        if change.state == State::Deleted {
            let row = self.row(self.store.db(), id, Lock::None).await?.ok_or_else(|| StoreFault::not_found("integration", id))?;
            return if is_live(&row) { self.integrations().delete(id, None).await } else { Ok(()) };
        }
        let is_owners = |from: State| matches!(from, State::Paused | State::Deleted) && from != change.state;
        let from = State::ALL.iter().filter(|from| from.to(change.state).is_some() && !is_owners(**from)).map(|from| from.as_str());
        let changed = integration::Entity::change_of(&self.tenant)
            .filter(Column::Id.eq(id.as_str()))
            .filter(Column::State.is_in(from))
            .set(state_columns(change)?)
            .exec(self.store.db())
            .await?;
        if changed.rows_affected > 0 {
            return Ok(());
        }
        let row = self.row(self.store.db(), id, Lock::None).await?.ok_or_else(|| StoreFault::not_found("integration", id))?;
        Err(no_such_transition(id, from_word(&row.state)?, change.state))
    }

    pub(super) async fn job_ended<C: ConnectionTrait>(&self, db: &C, id: &str, at: i64) -> Result<(), StoreFault> {
        // Of two jobs that end in disorder, the later end stays.
        let is_later = Expr::col(Column::LastJobEnded).is_null().or(Expr::col(Column::LastJobEnded).lt(at));
        let rows = integration::Entity::change_of(&self.tenant).filter(Column::Id.eq(id)).filter(is_later);
        rows.col_expr(Column::LastJobEnded, Expr::value(at)).exec(db).await?;
        Ok(())
    }
}
