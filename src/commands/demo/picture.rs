//! What happened, drawn: the apps, the log, the tables with their columns and a few rows.

use std::{fmt::Write as _, path::Path, time::Duration};

use anyhow::Context;
use schema_ai::tables::{RowQuery, SqliteReader, TableReader, TableView};
use serde_json::Value;
use syncline_sandbox::Provider;

use super::{TENANT, api::Api};
use crate::wiring::Running;

const CELL: usize = 22;
const COLUMNS_SHOWN: usize = 5;

/// The picture as text.
pub async fn draw(api: &Api, running: &Running, folder: &Path, read: Duration, took: Duration) -> anyhow::Result<String> {
    let mut text = String::from("\n");
    let events = running.log.events().await?;
    let (mut records, mut bytes) = (0, 0);
    for (index, provider) in Provider::ALL.iter().enumerate() {
        let jobs = api.get(&format!("/tenants/{TENANT}/integrations/{}/jobs?limit=100", provider.name())).await?;
        let streams = || jobs["items"].as_array().into_iter().flatten().flat_map(|job| job["progress"].as_array().into_iter().flatten());
        let sum = |field: &str| streams().filter_map(|stream| stream[field].as_u64()).sum::<u64>();
        let first = jobs["items"].as_array().and_then(|jobs| jobs.last());
        let count = first.and_then(|job| job["progress"].as_array()).map_or(0, Vec::len);
        records += sum("records");
        bytes += sum("bytes");
        let arrow = if index == 1 {
            format!("  ──▶  event log: {} events  ──▶  tables of `{TENANT}`", thousands(events))
        } else {
            String::new()
        };
        writeln!(
            text,
            "  ┌{:─<29}┐\n  │ {:9} {count:2} streams {:>6} │{arrow}\n  └{:─<29}┘",
            "",
            provider.name(),
            thousands(sum("records")),
            ""
        )?;
    }
    let tables = SqliteReader::open(folder, &TENANT.parse()?)?.context("there are no tables")?;
    let (mut rows, views) = (0, tables.tables()?);
    for view in &views {
        let (live, _) = tables.count(&view.name)?;
        rows += live;
        write!(text, "\n{}", table(&tables, view, live)?)?;
    }
    let seconds = |time: Duration| format!("{}.{:01} s", time.as_secs(), time.subsec_millis() / 100);
    writeln!(
        text,
        "\n{} records ({} MB) read in {}; {} events in the log, {} rows in {} tables after {}\n",
        thousands(records),
        bytes / 1_000_000,
        seconds(read),
        thousands(events),
        thousands(rows),
        views.len(),
        seconds(took)
    )?;
    Ok(text)
}

/// A table: its name, how many rows, its first columns with their types, and two rows.
fn table(tables: &SqliteReader, view: &TableView, live: u64) -> anyhow::Result<String> {
    let of = view.parent.as_ref().map(|parent| format!(", lists of {parent}")).unwrap_or_default();
    let mut text = format!("{}  ({} rows, {} columns{of})\n", view.name, thousands(live), view.columns.len());
    let columns = &view.columns[..view.columns.len().min(COLUMNS_SHOWN)];
    let line =
        |cells: Vec<String>| format!("  {}\n", cells.iter().map(|cell| format!("{:CELL$}", cut(cell))).collect::<Vec<_>>().join(" "));
    text.push_str(&line(columns.iter().map(|column| format!("{} {}", column.name, column.kind.as_str())).collect()));
    let page = tables.rows(&view.name, &RowQuery { rows_max: 2, ..RowQuery::default() })?;
    for row in &page.rows {
        let cell = |name: &str| match row.get(name) {
            None | Some(Value::Null) => "∅".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        text.push_str(&line(columns.iter().map(|column| cell(&column.name)).collect()));
    }
    Ok(text)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= CELL { text.to_owned() } else { text.chars().take(CELL - 1).chain(['…']).collect() }
}

fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
