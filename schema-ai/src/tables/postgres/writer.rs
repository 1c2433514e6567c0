//! Writes events into the tables of one tenant in PostgreSQL. A batch is one transaction, or several of whole prefixes of it; each
//! holds rows, schema and log position, and is refused if somebody else wrote in between.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use sqlx::{AssertSqlSafe, PgConnection};
use syncline_model::{
    TenantId,
    log::{Logged, Position},
};

use super::{
    Server,
    ahead::{Acts, ahead},
    aside,
    before::{Before, Familiar},
    catalog,
    fault::{Remedy, fault, remedy},
    parts::Parts,
    place::{Learned, place},
    refresh::Refreshed,
    sql::Sql,
    step::Step,
    written::Written,
};
use crate::{
    metrics,
    tables::{
        fault::TableFault,
        fold::Unusable,
        port::{Applied, Rejected, TablePolicy, TableWriter},
        schema::Schema,
    },
};

/// Streams that are written in one transaction: PostgreSQL holds a lock for each table and index, and has room for a few thousand.
const STREAMS_MAX: usize = 100;
/// Events for which it is worth a thread to work ahead of the server.
const MANY: usize = 1_000;

/// The tables of one tenant in PostgreSQL, open for writing. A second writer does no harm, but both have to read anew what the other
/// one did.
pub struct PostgresWriter {
    server: Arc<Server>,
    tenant: TenantId,
    policy: TablePolicy,
    sql: Sql,
    schema: Schema,
    position: Position,
    /// How many transactions were made, as far as we know.
    step: i64,
    is_stale: bool,
    written: Written,
    familiar: Familiar,
    /// Tables whose pages were told to leave room.
    roomy: HashSet<usize>,
}

impl PostgresWriter {
    pub(super) async fn open(server: Arc<Server>, tenant: TenantId, policy: TablePolicy) -> Result<Self, TableFault> {
        let sql = server.sql(&tenant);
        let mut writer = Self {
            server,
            tenant,
            policy,
            sql,
            schema: Schema::default(),
            position: Position::default(),
            step: -1,
            is_stale: true,
            written: Written::default(),
            familiar: Familiar::default(),
            roomy: HashSet::new(),
        };
        let opened = writer.look().await;
        opened.map_err(|error| fault(&writer.tenant, &error))?;
        Ok(writer)
    }

    async fn look(&mut self) -> sqlx::Result<()> {
        self.begin().await?.give_up().await
    }

    /// Begins a step of this tenant. Looks at the tables again where they may differ from what we know.
    async fn begin(&mut self) -> sqlx::Result<Step> {
        let (mut begun, step) = Step::begin(&self.server.pool, &self.sql).await?;
        if self.is_stale || step != self.step {
            self.written.forget();
            self.familiar.forget();
            self.roomy.clear();
            let db = begun.db()?;
            self.schema = catalog::load(db, &self.sql).await?;
            self.schema.limit(self.policy.limits);
            self.position = catalog::position(db, &self.sql).await?;
            self.step = step;
            self.is_stale = false;
        }
        Ok(begun)
    }

    /// Writes a batch, in halves where the server cannot take it whole. A record that it refuses alone is set aside.
    fn write(&mut self, batch: &[Logged]) -> sqlx::Result<Applied> {
        let mut applied = Applied::default();
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            let (part, rest) = part.split_at(streams_end(part));
            if !rest.is_empty() {
                parts.push(rest);
            }
            let mut done = self.step(part, None);
            if let Ok(None) = done {
                self.is_stale = true;
                self.familiar.deceived();
                done = self.step(part, None);
            }
            let error = match done {
                Ok(done) => {
                    applied += done.unwrap_or_default();
                    continue;
                }
                Err(error) => error,
            };
            self.is_stale = true;
            match (remedy(&error), part) {
                (Remedy::Halve, [_, _, ..]) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                (Remedy::Halve, [_]) => applied += self.step(part, Some(&error))?.unwrap_or_default(),
                (Remedy::Halve, []) | (Remedy::TryAgain, _) => return Err(error),
            }
        }
        Ok(applied)
    }

    /// One transaction. With a refusal, the only record of the part is set aside. Nothing is done, and nothing given, if more had to be
    /// known of a record than was presumed.
    fn step(&mut self, part: &[Logged], refused: Option<&sqlx::Error>) -> sqlx::Result<Option<Applied>> {
        let server = Arc::clone(&self.server);
        // What is dropped on the way goes back to where it came from by a task.
        let _runtime = server.runtime.enter();
        let mut step = server.runtime.block_on(self.begin())?;
        let mut position = self.position.clone();
        let fresh: Vec<&Logged> = part
            .iter()
            .filter(|logged| {
                let is_new = !position.has_passed(&logged.place);
                if is_new {
                    position.pass(&logged.place);
                }
                is_new
            })
            .collect();
        let mut applied = Applied { events: fresh.len() as u64, ..Applied::default() };
        if fresh.is_empty() {
            server.runtime.block_on(step.give_up())?;
            return Ok(Some(applied));
        }
        let unusable = match refused {
            Some(error) => {
                applied.rejected += fresh.len() as u64;
                let cause = format!("PostgreSQL cannot hold the record: {error}");
                fresh.iter().map(|logged| (*logged, cause.clone())).collect()
            }
            None => match self.rows(step.db()?, &fresh, &mut applied)? {
                Some(unusable) => unusable,
                None => {
                    server.runtime.block_on(step.give_up())?;
                    return Ok(None);
                }
            },
        };
        server.runtime.block_on(async {
            aside::set_aside(step.db()?, &self.sql, &unusable).await?;
            step.commit(catalog::save_position(&self.sql, &self.position, &position, self.step + 1)).await
        })?;
        self.step += 1;
        self.position = position;
        Ok(Some(applied))
    }

    /// Writes the rows. Gives the events that cannot be used, unless more has to be known of a record than was presumed: it may be
    /// outdated, and then it neither is refused nor widens a column.
    fn rows<'a>(&mut self, db: &mut PgConnection, fresh: &[&'a Logged], applied: &mut Applied) -> sqlx::Result<Option<Vec<Unusable<'a>>>> {
        let runtime = self.server.runtime.clone();
        let streams = self.by_stream(fresh);
        let mut before = Vec::with_capacity(streams.len());
        for (table, events) in &streams {
            let known = (&mut self.written, &mut self.familiar);
            before.push(runtime.block_on(Before::ask(db, (&self.sql, &self.schema), known, (*table, events)))?);
        }
        self.familiar.next();
        let mut unusable = Vec::new();
        let known_changes = applied.schema_changes;
        let refreshed = ahead(&runtime, db, fresh.len() >= MANY, |acts| unusable = self.acts(acts, &streams, &mut before, applied))?;
        let is_presumed = |(logged, _): &Unusable<'_>| before.iter().any(|before| before.is_presumed(logged.event.key.as_str()));
        let has_grown = applied.schema_changes > known_changes && before.iter().any(Before::presumes);
        if has_grown || unusable.iter().any(is_presumed) {
            return Ok(None);
        }
        for Refreshed { table, rows, updated, inserted } in refreshed {
            let outdated = rows - updated - inserted;
            applied.rows -= outdated;
            applied.outdated += outdated;
            if updated * 2 < rows {
                self.familiar.note(table, false);
            }
        }
        Ok(Some(unusable))
    }

    /// Makes all that the server is to do for these events, part by part.
    fn acts<'a>(
        &mut self,
        acts: &mut Acts<'a>,
        streams: &[(usize, Vec<&'a Logged>)],
        before: &mut [Before<'a>],
        applied: &mut Applied,
    ) -> Vec<Unusable<'a>> {
        let at = streams.iter().filter_map(|(_, events)| events.last()).map(|last| last.committed).max();
        let at = at.map(|at| at.to_string()).unwrap_or_default();
        let (mut learned, mut unusable) = (Learned::default(), Vec::new());
        let mut parts = Parts::new(streams);
        while let Some((stream, fold)) = parts.fold(&mut self.schema, before, applied)
            && !acts.is_over()
        {
            let changes = self.schema.take_changes();
            applied.schema_changes += changes.len() as u64;
            acts.run(catalog::grow(&self.sql, &self.schema, &changes, &at));
            if before[stream].presumes() && self.roomy.insert(fold.table) {
                acts.run(self.sql.make_room(&self.schema.tables[fold.table]));
            }
            place(acts, &self.sql, &mut self.schema, (&fold, &before[stream]), (self.policy.deletes, applied, &mut learned));
            before[stream].written(&fold, self.policy.deletes);
            unusable.extend(fold.unusable);
        }
        acts.run(catalog::save_fill(&self.sql, &self.schema, &learned.tables));
        acts.run(catalog::save_columns(&self.sql, &self.schema, &learned.columns));
        unusable
    }

    /// Events by the table of their stream.
    fn by_stream<'a>(&mut self, fresh: &[&'a Logged]) -> Vec<(usize, Vec<&'a Logged>)> {
        let mut of_stream: HashMap<(&str, &str), usize> = HashMap::new();
        let mut streams: Vec<(usize, Vec<&Logged>)> = Vec::new();
        let mut last: Option<(&Logged, usize)> = None;
        for logged in fresh {
            let event = &logged.event;
            // Events of one stream mostly follow each other.
            if let Some((known, index)) = last
                && known.event.stream == event.stream
                && known.event.integration == event.integration
            {
                streams[index].1.push(logged);
                continue;
            }
            let index = *of_stream.entry((event.integration.as_str(), event.stream.as_str())).or_insert_with(|| {
                let table = self.schema.stream_table(event.connector.as_str(), event.integration.as_str(), event.stream.as_str());
                streams.push((table, Vec::new()));
                streams.len() - 1
            });
            streams[index].1.push(logged);
            last = Some((logged, index));
        }
        streams
    }
}

/// How far a batch goes with as many streams as one transaction may write.
fn streams_end(batch: &[Logged]) -> usize {
    let mut streams = HashSet::new();
    let end = batch.iter().position(|logged| {
        streams.insert((logged.event.integration.as_str(), logged.event.stream.as_str()));
        streams.len() > STREAMS_MAX
    });
    end.unwrap_or(batch.len())
}

impl TableWriter for PostgresWriter {
    fn tenant(&self) -> &TenantId {
        &self.tenant
    }

    fn position(&self) -> &Position {
        &self.position
    }

    fn apply(&mut self, batch: &[Logged]) -> Result<Applied, TableFault> {
        if let Some(foreign) = batch.iter().find(|logged| logged.event.tenant != self.tenant) {
            return Err(TableFault::ForeignTenant { owner: self.tenant.to_string(), asked: foreign.event.tenant.to_string() });
        }
        let started = Instant::now();
        let applied = self.write(batch);
        self.is_stale |= applied.is_err();
        let applied = applied.map_err(|error| fault(&self.tenant, &error))?;
        metrics::observe(&applied, started.elapsed());
        Ok(applied)
    }

    fn rejected(&mut self, records_max: usize) -> Result<Vec<Rejected>, TableFault> {
        let found = self.server.runtime.block_on(aside::unreported(&self.server.pool, &self.sql, &self.tenant, records_max));
        found.map_err(|error| fault(&self.tenant, &error))
    }

    fn mark_reported(&mut self, ids: &[i64]) -> Result<(), TableFault> {
        let statement = format!("UPDATE {}._syncline_rejected SET reported = true WHERE id = ANY($1)", self.sql.schema);
        let marked = sqlx::query(AssertSqlSafe(statement)).persistent(false).bind(ids).execute(&self.server.pool);
        self.server.runtime.block_on(marked).map(drop).map_err(|error| fault(&self.tenant, &error))
    }
}
