//! A thread that keeps the file in order while others work: it carries the write-ahead log over, so that no commit has to, shows the
//! log's size and lags, and notices when another process has taken the shards over.

use std::{
    path::PathBuf,
    sync::{
        Weak,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use rusqlite::Connection;
use syncline_model::LogFault;

use super::{Core, fault, raise, reading, schema, unavailable};
use crate::metrics;

const LOOK_EVERY: Duration = Duration::from_secs(1);
const MEASURE_EVERY: Duration = Duration::from_secs(15);

pub fn start(path: PathBuf, core: Weak<Core>, stopped: Receiver<()>) -> Result<(), LogFault> {
    let connection = schema::open(&path)?;
    let keep = move || keep(&connection, &path, &core, &stopped);
    std::thread::Builder::new().name("log-keeper".to_owned()).spawn(keep).map_err(unavailable)?;
    Ok(())
}

/// Runs until the log is dropped.
fn keep(connection: &Connection, path: &std::path::Path, core: &Weak<Core>, stopped: &Receiver<()>) {
    let mut measure_at = Instant::now();
    while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
        let Some(core) = core.upgrade() else { return };
        let mut kept = look(connection, &core);
        if kept.is_ok() && Instant::now() >= measure_at {
            measure_at = Instant::now() + MEASURE_EVERY;
            kept = measure(connection, path);
        }
        if let Err(fault) = kept {
            tracing::warn!(%fault, "the keeper of the event log could not do its work");
        }
    }
}

fn look(connection: &Connection, core: &Core) -> Result<(), LogFault> {
    raise(&core.epoch, schema::epoch(connection)?);
    core.writer.notice(schema::head(connection)?);
    // Never waits for readers or the writer: what they still need is carried over the next time.
    connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).map_err(fault)
}

fn measure(connection: &Connection, path: &std::path::Path) -> Result<(), LogFault> {
    let size = |suffix: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        std::fs::metadata(name).map_or(0, |file| file.len())
    };
    metrics::LOG_BYTES.set(gauge(size("") + size("-wal")));
    for (group, lag) in reading::lags(connection)? {
        metrics::LOG_GROUP_LAG_EVENTS.with_label_values(&[&group]).set(gauge(lag));
    }
    Ok(())
}

fn gauge(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
