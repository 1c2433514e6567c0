//! Makes what the server is to do while it does what was made before.

use std::{collections::BTreeMap, thread};

use sqlx::{PgConnection, Result};
use tokio::{runtime::Handle, sync::mpsc};

use crate::infer::Kind;

use super::{
    act::{Act, HEAD, Rows, serve},
    refresh::{Few, Refreshed},
};

/// How many acts may wait for the server.
const WAITING: usize = 2;
/// Below so many bytes rows are few.
const BYTES_FEW: usize = 64 * 1024;

/// Where to goes what the server is to do.
enum Out<'a> {
    Kept(Vec<Act<'a>>),
    Sent(mpsc::Sender<Act<'a>>),
}

/// Takes what the server is to do, and gathers rows that may go together.
pub(super) struct Acts<'a> {
    out: Out<'a>,
    /// By table: rows that wait for more of them.
    rows: BTreeMap<usize, Waiting>,
    /// The server does nothing any more.
    is_over: bool,
}

/// Rows of a table that wait for more of them.
pub(super) struct Waiting {
    /// Their `COPY`.
    pub copy: String,
    /// The statement for few of them, and the kinds of its parameters.
    pub insert: (String, Vec<Kind>),
    /// What a `COPY` begins with, and the rows.
    pub bytes: Vec<u8>,
}

impl<'a> Acts<'a> {
    fn to(out: Out<'a>) -> Self {
        Self { out, rows: BTreeMap::new(), is_over: false }
    }

    /// The server failed: what else is made is made for nobody.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// The server is to do this after all that came before.
    pub fn give(&mut self, act: Act<'a>) {
        self.give_rows();
        self.pass(act);
    }

    /// The server is to do this, and nothing that was given before has to do with it.
    pub fn give_beside(&mut self, act: Act<'a>) {
        self.pass(act);
    }

    /// The server is to run these statements, if there are any.
    pub fn run(&mut self, statements: String) {
        if !statements.is_empty() {
            self.give(Act::Run(statements));
        }
    }

    /// Rows of a table that wait for more of them.
    pub fn waiting(&mut self, table: usize) -> Vec<u8> {
        self.rows.remove(&table).map_or_else(|| HEAD.to_vec(), |waiting| waiting.bytes)
    }

    /// These rows of a table wait until there are more of them, or something else comes.
    pub fn wait(&mut self, table: usize, rows: Waiting) {
        self.rows.insert(table, rows);
    }

    /// The server is to copy these rows, of which more come. Others may wait longer, because rows do not depend on one another.
    pub fn copy(&mut self, copy: String, bytes: Vec<u8>) {
        self.pass(Act::Rows(copy, Rows { bytes, are_last: false }));
    }

    fn give_rows(&mut self) {
        for Waiting { copy, insert: (insert, kinds), bytes } in std::mem::take(&mut self.rows).into_values() {
            self.pass(match bytes.get(HEAD.len()..) {
                Some(few) if bytes.len() < BYTES_FEW => Act::Few(Few::of(insert, kinds, few)),
                _ => Act::Rows(copy, Rows { bytes, are_last: true }),
            });
        }
    }

    fn pass(&mut self, act: Act<'a>) {
        match &mut self.out {
            Out::Kept(acts) => acts.push(act),
            Out::Sent(acts) => self.is_over |= acts.blocking_send(act).is_err(),
        }
    }
}

/// Lets the server do what is made. If that is much, it is made on a thread of its own meanwhile.
pub(super) fn ahead<'a>(
    runtime: &Handle,
    db: &mut PgConnection,
    is_much: bool,
    make: impl FnOnce(&mut Acts<'a>) + Send,
) -> Result<Vec<Refreshed>> {
    let made = |out: Out<'a>| {
        let mut acts = Acts::to(out);
        make(&mut acts);
        acts.give_rows();
        acts.out
    };
    if !is_much {
        let Out::Kept(acts) = made(Out::Kept(Vec::new())) else { return Ok(Vec::new()) };
        let mut acts = acts.into_iter();
        return runtime.block_on(serve(db, async || acts.next()));
    }
    let (sent, mut coming) = mpsc::channel(WAITING);
    thread::scope(|scope| {
        let making = thread::Builder::new().name("tables ahead".to_owned());
        making.spawn_scoped(scope, move || drop(made(Out::Sent(sent))))?;
        let served = runtime.block_on(serve(db, async || coming.recv().await));
        // Whoever still makes something hears that nobody wants it.
        drop(coming);
        served
    })
}
