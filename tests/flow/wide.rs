//! Streams whose records have very many paths, or new ones every time: what is bounded, what is kept, and what is said.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
};

use serde_json::{Value, json};

use crate::support::{Home, Server};

/// Paths of the one stream, which no two of its records share.
const PATHS: usize = 10_000;
const RECORDS_OF_PATHS: usize = 20;
/// Records of the other stream; each has so many names that no other has.
const RECORDS_OF_NAMES: usize = 3_000;
const NEW_NAMES: usize = 5;
/// A table has no more of the source's columns than this.
const COLUMNS_MAX: usize = 500;
const MEMORY_MIB_MAX: u64 = 512;

const CONNECTOR: &str = "
name: wide
title: Wide
category: other
description: Records that are wider than tables.
business_types: [software]
setup:
  - Nothing has to be done.
test_mode: true
budgets:
  - name: requests
    requests: 5000
    per_ms: 1000
streams:
  paths:
    delete: { strategy: none }
  names:
    delete: { strategy: none }
";

fn manifest(url: &str) -> String {
    let stream = |name: &str| {
        format!(
            "  - type: DeclarativeStream
    name: {name}
    primary_key: [id]
    retriever:
      type: SimpleRetriever
      requester:
        type: HttpRequester
        url_base: \"{url}\"
        path: /{name}
        http_method: GET
      record_selector:
        type: RecordSelector
        extractor:
          type: DpathExtractor
          field_path: []
    schema_loader:
      type: InlineSchemaLoader
      schema: {{ type: object, properties: {{ id: {{ type: integer }} }} }}
"
        )
    };
    format!(
        "version: 6.60.0
type: DeclarativeSource
check:
  type: CheckStream
  stream_names: [paths]
streams:
{}{}spec:
  type: Spec
  connection_specification:
    type: object
    properties: {{}}
",
        stream("paths"),
        stream("names")
    )
}

/// What each stream has.
fn records(stream: &str) -> Value {
    let (count, names) = if stream == "paths" { (RECORDS_OF_PATHS, PATHS / RECORDS_OF_PATHS) } else { (RECORDS_OF_NAMES, NEW_NAMES) };
    let record = |n: usize| {
        let mut record = json!({"id": n, "same": format!("value {n}")});
        for name in 0..names {
            record[format!("field_{n}_{name}")] = json!({"of": n, "text": format!("text {name} of {n}")})[["of", "text"][name % 2]].clone();
        }
        record
    };
    (0..count).map(record).collect()
}

fn answer(stream: TcpStream) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut request = String::new();
        reader.read_line(&mut request)?;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        let Some(path) = request.split_whitespace().nth(1) else { return Ok(()) };
        let name = path.trim_start_matches('/').split('?').next().unwrap_or_default();
        let body = records(name).to_string();
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        reader.get_mut().write_all((head + &body).as_bytes())?;
    }
}

/// Answers on the loopback for as long as the test runs.
fn source() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Whoever goes away in the middle comes again.
            std::thread::spawn(move || answer(stream));
        }
    });
    url
}

fn peak_mib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse::<u64>().unwrap() / 1024
}

/// Every field of every record, by what it is called and what it is, from columns and overflow.
fn kept(home: &Home, table: &str) -> usize {
    let db = rusqlite::Connection::open(home.path().join("tenants/acme.sqlite")).unwrap();
    let mut columns = db.prepare("SELECT c.name FROM _syncline_columns c JOIN _syncline_tables t ON t.id = c.table_id WHERE t.name = ?1 AND c.path LIKE '/field%'").unwrap();
    let columns: Vec<String> = columns.query_map([table], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap();
    assert!(columns.len() <= COLUMNS_MAX, "{} columns", columns.len());
    let filled = columns.iter().map(|name| format!("count(\"{name}\")")).chain(["0".to_owned()]).collect::<Vec<_>>().join("+");
    let in_columns: i64 = db.query_row(&format!("SELECT {filled} FROM \"{table}\""), [], |row| row.get(0)).unwrap();
    let beyond: i64 = db
        .query_row(&format!("SELECT count(*) FROM \"{table}\", json_each(_syncline_overflow) WHERE key LIKE '/field%'"), [], |row| {
            row.get(0)
        })
        .unwrap();
    usize::try_from(in_columns + beyond).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_paths_and_new_names_in_every_record_are_kept_in_bounded_tables_and_that_is_said() {
    let (url, home) = (source(), Home::new());
    let catalog = home.path().join("catalog");
    std::fs::create_dir_all(catalog.join("wide")).unwrap();
    std::fs::write(catalog.join("wide/connector.yaml"), CONNECTOR).unwrap();
    std::fs::write(catalog.join("wide/manifest.yaml"), manifest(&url)).unwrap();
    let server = home.serve_with(&[format!("connectors.folders={}", catalog.display())]);
    server.make_tenant("acme").await;
    let integrations = "/api/v1/tenants/acme/integrations";
    server.post(integrations, json!({"id": "wide", "connector": "wide", "settings": {}, "schedule": {"every_s": 3600}})).await;
    server.post(&format!("{integrations}/wide/resume"), json!({})).await;
    server.until_state("acme", "wide", "live").await;

    let tables = "/api/v1/tenants/acme/tables";
    server.until(tables, |found| found["items"].as_array().is_some_and(|tables| tables.len() == 2)).await;
    for (table, records) in [("wide_paths", RECORDS_OF_PATHS), ("wide_names", RECORDS_OF_NAMES)] {
        server.until(&format!("{tables}/{table}"), |found| found["rows"] == records).await;
    }
    assert_eq!(server.get("/api/v1/tenants/acme/quarantine").await["items"], json!([]));
    assert_eq!(kept(&home, "wide_paths"), PATHS);
    assert_eq!(kept(&home, "wide_names"), RECORDS_OF_NAMES * NEW_NAMES);

    let peak = peak_mib(&server);
    assert!(peak < MEMORY_MIB_MAX, "{peak} MiB");
    let db = rusqlite::Connection::open(home.path().join("tenants/acme.sqlite")).unwrap();
    let said = |table: &str| {
        let note = format!("table `{table}` has {COLUMNS_MAX} columns, as many as it may%");
        db.query_row("SELECT count(*) FROM _syncline_changes WHERE change LIKE ?1", [note], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert_eq!((said("wide_paths"), said("wide_names")), (1, 1), "it is said once for each table");
}
