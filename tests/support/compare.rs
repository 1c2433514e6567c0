//! Compares a tenant's tables with what the sandbox says is true.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use schema_ai::tables::{RowQuery, SqliteReader, TableHome, TableReader, TableView};
use serde_json::{Map, Value};
use syncline_sandbox::{RunningSandbox, Stream};

/// The live records of a stream, by key.
pub fn truth(sandbox: &RunningSandbox, stream: Stream) -> BTreeMap<String, Value> {
    let text = String::from_utf8(sandbox.truth(stream)).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let live = lines.filter(|line| line["deleted"] == Value::Bool(false));
    live.map(|line| (plain(&line["key"]).unwrap(), line["record"].clone())).collect()
}

/// What differs between the tables and the truth of these streams; nothing if they are equal.
pub fn differences(folder: &Path, tenant: &str, sandbox: &RunningSandbox, streams: &[Stream]) -> Vec<String> {
    let Ok(Some(tables)) = SqliteReader::open(&folder.join("tenants"), &tenant.parse().unwrap()) else {
        return vec!["there are no tables".to_owned()];
    };
    differences_in(&tables, sandbox, streams)
}

/// The same, of tables wherever they are.
pub fn differences_in(tables: &dyn TableReader, sandbox: &RunningSandbox, streams: &[Stream]) -> Vec<String> {
    let views = tables.tables().unwrap();
    streams.iter().flat_map(|stream| of_stream(tables, &views, sandbox, *stream)).take(10).collect()
}

/// Waits until the tables of a tenant are what the source says.
pub async fn until_equal_in(home: &dyn TableHome, tenant: &str, sandbox: &RunningSandbox, streams: &[Stream]) {
    let (deadline, mut looks) = (Instant::now() + Duration::from_secs(120), super::looks());
    loop {
        looks.tick().await;
        let differences = tokio::task::block_in_place(|| match home.reader(&tenant.parse().unwrap()).unwrap() {
            Some(reader) => differences_in(reader.as_ref(), sandbox, streams),
            None => vec!["there are no tables".to_owned()],
        });
        if differences.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "the tables differ:\n{}", differences.join("\n"));
    }
}

fn of_stream(tables: &dyn TableReader, views: &[TableView], sandbox: &RunningSandbox, stream: Stream) -> Vec<String> {
    let truth = truth(sandbox, stream);
    let own = |view: &&TableView| view.stream == stream.name() && view.integration == stream.provider().name();
    let Some(main) = views.iter().filter(own).find(|view| view.parent.is_none()) else {
        return if truth.is_empty() { Vec::new() } else { vec![format!("{stream:?}: there is no table")] };
    };
    let mut found: BTreeMap<String, Map<String, Value>> =
        rows(tables, main).into_iter().map(|row| (plain(&row["_syncline_key"]).unwrap(), row)).collect();
    let mut wrong = Vec::new();
    for (key, record) in &truth {
        match found.remove(key) {
            None => wrong.push(format!("{}: {key} is missing", main.name)),
            Some(row) => wrong.extend(of_row(&format!("{}: {key}", main.name), main, record, &row)),
        }
    }
    wrong.extend(found.keys().map(|key| format!("{}: {key} is there and should not be", main.name)));
    for child in views.iter().filter(own).filter(|view| view.parent.as_deref() == Some(main.name.as_str())) {
        wrong.extend(of_children(tables, child, &truth));
    }
    wrong
}

fn of_row(name: &str, view: &TableView, record: &Value, row: &Map<String, Value>) -> Vec<String> {
    let differs =
        |column: &&schema_ai::tables::ColumnView| plain(record.pointer(&column.path).unwrap_or(&Value::Null)) != plain(&row[&column.name]);
    view.columns
        .iter()
        .filter(differs)
        .map(|column| format!("{name}.{} is {} and should be {:?}", column.name, row[&column.name], record.pointer(&column.path)))
        .collect()
}

fn of_children(tables: &dyn TableReader, child: &TableView, truth: &BTreeMap<String, Value>) -> Vec<String> {
    let path = child.path.as_deref().unwrap();
    let mut found: BTreeMap<(String, u64), Map<String, Value>> = BTreeMap::new();
    for row in rows(tables, child) {
        found.insert((plain(&row["_syncline_root_key"]).unwrap(), row["_syncline_index"].as_u64().unwrap()), row);
    }
    let mut wrong = Vec::new();
    for (key, record) in truth {
        for (index, element) in record.pointer(path).and_then(Value::as_array).into_iter().flatten().enumerate() {
            match found.remove(&(key.clone(), index as u64)) {
                None => wrong.push(format!("{}: {key}[{index}] is missing", child.name)),
                Some(row) => wrong.extend(of_row(&format!("{}: {key}[{index}]", child.name), child, element, &row)),
            }
        }
    }
    wrong.extend(found.keys().map(|(key, index)| format!("{}: {key}[{index}] is there and should not be", child.name)));
    wrong
}

fn rows(tables: &dyn TableReader, view: &TableView) -> Vec<Map<String, Value>> {
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = tables.rows(&view.name, &RowQuery { rows_max: 1000, cursor, ..RowQuery::default() }).unwrap();
        all.extend(page.rows);
        cursor = page.next;
        if cursor.is_none() {
            return all;
        }
    }
}

/// A value as text, whatever type it is kept in; nothing for null.
pub fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
