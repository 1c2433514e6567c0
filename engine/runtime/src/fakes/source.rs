//! A source with tables in memory. Its incremental reading has an inclusive lower bound, as most APIs have, and what it does at
//! each page can be told.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread::ThreadId,
};

use async_trait::async_trait;
use bytes::Bytes;
use syncline_model::{Cursor, Fault, Record, RecordKey, StreamName, Version, schedule::SyncMode};
use syncline_sdk::{
    Connector, Context, DeleteStrategy, Page, Reader, Recorder, Refused, StreamSpec, catalog::ConnectorFile, webhooks::Webhooks,
};
use tokio::sync::Notify;

/// A row of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub key: String,
    pub version: Option<i64>,
    pub body: String,
}

impl Row {
    pub fn new(key: impl ToString, version: i64) -> Self {
        let key = key.to_string();
        Self { body: format!("{{\"id\":\"{key}\",\"v\":{version}}}"), key, version: Some(version) }
    }

    /// A row without a version, as a source without a cursor has it.
    pub fn plain(key: impl ToString, text: &str) -> Self {
        Self { key: key.to_string(), version: None, body: format!("{{\"text\":\"{text}\"}}") }
    }

    fn record(&self) -> Record {
        Record {
            key: RecordKey::of([self.key.as_str()]),
            body: Bytes::from(self.body.clone()),
            version: self.version.map(|version| Version(i128::from(version))),
            time: None,
            deleted: false,
        }
    }
}

/// What happens instead of the next page.
pub enum Act {
    Fault(Fault),
    Panic,
    /// A page on which this is refused as well.
    Refuse(Option<&'static str>),
    /// Nothing, until the test says so.
    Hold(Arc<Notify>),
    /// The page comes, and something was left out.
    Skip,
}

#[derive(Default)]
pub struct Tables {
    pub rows: BTreeMap<String, Vec<Row>>,
    pub acts: BTreeMap<String, VecDeque<Act>>,
    pub always_panics: Vec<String>,
    pub check: Option<Fault>,
    pub check_panics: usize,
    pub page_sizes: Vec<usize>,
    pub delete_missing: bool,
    pub mode: Option<SyncMode>,
    /// On which threads it was read.
    pub threads: HashSet<ThreadId>,
}

pub struct TestSource {
    file: ConnectorFile,
    schema: serde_json::Value,
    pub tables: Arc<Mutex<Tables>>,
    pub opened: AtomicUsize,
    pub pages: Arc<AtomicUsize>,
    webhooks: Option<Webhooks>,
}

/// Takes what webhooks bring as it comes.
struct TestRecorder;

impl Recorder for TestRecorder {
    fn record(&self, body: &Bytes) -> Result<Option<Record>, Refused> {
        let value: serde_json::Value = serde_json::from_slice(body).unwrap();
        let Some(key) = value["id"].as_str() else {
            return Err(Refused { key: None, body: body.clone(), cause: "its key is missing".to_owned() });
        };
        assert_ne!(key, "panic", "the recorder has a bug");
        let row = Row { key: key.to_owned(), version: value["v"].as_i64(), body: String::from_utf8(body.to_vec()).unwrap() };
        Ok(Some(row.record()))
    }
}

impl TestSource {
    pub fn new(name: &str) -> Arc<Self> {
        Self::make(name, None)
    }

    /// One that gets webhooks.
    #[allow(dead_code, reason = "not every test that has these fakes wants it")]
    pub fn with_webhooks(name: &str, section: &serde_json::Value) -> Arc<Self> {
        Self::make(name, Some(Webhooks::load(section, None).unwrap()))
    }

    fn make(name: &str, webhooks: Option<Webhooks>) -> Arc<Self> {
        let file = ConnectorFile {
            name: name.parse().unwrap(),
            title: name.to_owned(),
            category: "test".to_owned(),
            description: String::new(),
            business_types: Vec::new(),
            setup: Vec::new(),
            docs_url: None,
            origin: None,
            budgets: Vec::new(),
            streams: BTreeMap::new(),
            webhooks: None,
            test_mode: true,
        };
        let tables = Tables { page_sizes: vec![2], ..Tables::default() };
        Arc::new(Self {
            file,
            schema: serde_json::json!({}),
            tables: Arc::new(Mutex::new(tables)),
            opened: AtomicUsize::new(0),
            pages: Arc::default(),
            webhooks,
        })
    }

    pub fn rows(&self, stream: &str, rows: impl IntoIterator<Item = Row>) {
        self.tables.lock().unwrap().rows.insert(stream.to_owned(), rows.into_iter().collect());
    }

    pub fn act(&self, stream: &str, act: Act) {
        self.tables.lock().unwrap().acts.entry(stream.to_owned()).or_default().push_back(act);
    }

    pub fn tell<T>(&self, change: impl FnOnce(&mut Tables) -> T) -> T {
        change(&mut self.tables.lock().unwrap())
    }

    pub fn spec(&self, name: &str) -> StreamSpec {
        let tables = self.tables.lock().unwrap();
        StreamSpec {
            name: name.parse().unwrap(),
            primary_key: vec![vec!["id".to_owned()]],
            cursor_field: vec!["v".to_owned()],
            modes: tables.mode.map_or(vec![SyncMode::Incremental, SyncMode::FullRefresh], |mode| vec![mode]),
            json_schema: serde_json::json!({}),
            delete: if tables.delete_missing { DeleteStrategy::Missing } else { DeleteStrategy::None },
            unavailable: None,
        }
    }
}

#[async_trait]
impl Connector for TestSource {
    fn file(&self) -> &ConnectorFile {
        &self.file
    }

    fn settings_schema(&self) -> &serde_json::Value {
        &self.schema
    }

    fn webhooks(&self) -> Option<&Webhooks> {
        self.webhooks.as_ref()
    }

    async fn recorder(&self, _: &Context, stream: &StreamName) -> Result<Box<dyn Recorder>, Fault> {
        assert_ne!(stream.as_str(), "panicking", "making a recorder has a bug");
        Ok(Box::new(TestRecorder))
    }

    async fn check(&self, _: &Context) -> Result<(), Fault> {
        let panics = self.tell(|tables| {
            let panics = tables.check_panics > 0;
            tables.check_panics = tables.check_panics.saturating_sub(1);
            panics
        });
        assert!(!panics, "the check has a bug");
        self.tell(|tables| tables.check.clone()).map_or(Ok(()), Err)
    }

    async fn streams(&self, _: &Context) -> Result<Vec<StreamSpec>, Fault> {
        let names: Vec<String> = self.tell(|tables| tables.rows.keys().cloned().collect());
        Ok(names.iter().map(|name| self.spec(name)).collect())
    }

    async fn open(&self, context: &Context, stream: &StreamSpec, mode: SyncMode, from: &Cursor) -> Result<Box<dyn Reader>, Fault> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.tell(|tables| tables.threads.insert(std::thread::current().id()));
        let from = String::from_utf8(from.0.to_vec()).unwrap();
        let mut rows: Vec<(String, Row)> = {
            let tables = self.tables.lock().unwrap();
            let rows = tables.rows.get(stream.name.as_str()).cloned().unwrap_or_default();
            let place = |row: &Row| match mode {
                SyncMode::Incremental => format!("{:020}", row.version.unwrap_or_default()),
                SyncMode::FullRefresh => row.key.clone(),
            };
            rows.into_iter().map(|row| (place(&row), row)).collect()
        };
        rows.retain(|(place, _)| from.is_empty() || if mode == SyncMode::Incremental { *place >= from } else { *place > from });
        rows.sort_by(|(a, left), (b, right)| (a, &left.key).cmp(&(b, &right.key)));
        Ok(Box::new(TestReader {
            tables: Arc::clone(&self.tables),
            context: context.clone(),
            stream: stream.name.clone(),
            rows: rows.into(),
            last: Cursor(Bytes::from(from)),
            page: 0,
            pages: Arc::clone(&self.pages),
        }))
    }
}

struct TestReader {
    tables: Arc<Mutex<Tables>>,
    context: Context,
    stream: StreamName,
    rows: VecDeque<(String, Row)>,
    last: Cursor,
    page: usize,
    pages: Arc<AtomicUsize>,
}

#[async_trait]
impl Reader for TestReader {
    async fn next_page(&mut self) -> Result<Option<Page>, Fault> {
        tokio::task::yield_now().await;
        let (act, panics, size) = {
            let mut tables = self.tables.lock().unwrap();
            let name = self.stream.as_str();
            let act = tables.acts.get_mut(name).and_then(VecDeque::pop_front);
            let sizes = &tables.page_sizes;
            (act, tables.always_panics.iter().any(|stream| stream == name), sizes[self.page % sizes.len()])
        };
        let mut refused = Vec::new();
        match act {
            Some(Act::Fault(fault)) => return Err(fault),
            Some(Act::Panic) => panic!("the connector has a bug"),
            Some(Act::Refuse(key)) => {
                refused.push(Refused {
                    key: key.map(|key| RecordKey::of([key])),
                    body: Bytes::from_static(b"?"),
                    cause: "is no JSON".to_owned(),
                });
            }
            Some(Act::Hold(until)) => until.notified().await,
            Some(Act::Skip) => self.context.patience.skipped("a request was forbidden"),
            None if panics => panic!("the connector has a bug that stays"),
            None => {}
        }
        let taken: Vec<(String, Row)> = self.rows.drain(..size.min(self.rows.len())).collect();
        let Some((place, _)) = taken.last() else {
            if refused.is_empty() {
                return Ok(None);
            }
            return Ok(Some(Page { refused, next: self.last.clone(), ..Page::default() }));
        };
        self.page += 1;
        self.pages.fetch_add(1, Ordering::Relaxed);
        let next = Cursor(Bytes::from(place.clone()));
        self.last = next.clone();
        let records = taken.iter().map(|(_, row)| row.record()).collect();
        Ok(Some(Page { records, refused, next, records_expected: None }))
    }
}
