//! Recorded answers: `recorded/NAME.json` in a connector's folder holds what was asked and answered once and the records that came of it.
//! `test` reads from them without a network; `--record` writes one from the real source, with the secrets taken out.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, bail};
use async_trait::async_trait;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use syncline_declarative::{Configured, DeclarativeConnector};
use syncline_model::{Fault, Settings};
use syncline_sdk::{Connector, Context, Http, HttpAnswer, HttpRequest};

use super::secrets::Secrets;
use crate::commands::{airbyte, listed, say};

/// One recorded reading.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Recorded {
    /// When it was; reading from it believes to be then.
    now: Timestamp,
    /// The settings, secrets replaced.
    settings: Value,
    /// So many pages of each stream were read.
    pages: usize,
    exchanges: Vec<Exchange>,
    /// What came of it, by stream.
    records: BTreeMap<String, Vec<Value>>,
}

/// A question and its answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    method: String,
    url: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    body: String,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    answer: String,
}

/// Reads a connector from everything that is recorded in its folder. False if something differs.
pub async fn test(folder: &Path) -> anyhow::Result<bool> {
    let connector = load(folder)?;
    let place = folder.join("recorded");
    let entries = fs::read_dir(&place).with_context(|| format!("`{}` cannot be read; --record makes one", place.display()))?;
    let mut files: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    if files.is_empty() {
        bail!("`{}` holds no recording; --record makes one", place.display());
    }
    let mut all_same = true;
    for file in files {
        let recorded: Recorded =
            serde_json::from_slice(&fs::read(&file)?).with_context(|| format!("`{}` is no recording", file.display()))?;
        let http = Arc::new(Replay { left: Mutex::new(recorded.exchanges.clone()) });
        let context = context(&connector, recorded.settings.clone(), http, recorded.now)?;
        let mut wrong = Vec::new();
        for (stream, expected) in &recorded.records {
            match read(&connector, &context, stream, recorded.pages).await {
                Ok(records) => wrong.extend(difference(expected, &records).map(|what| format!("`{stream}`: {what}"))),
                Err(fault) => wrong.push(format!("`{stream}`: {fault}")),
            }
        }
        let count: usize = recorded.records.values().map(Vec::len).sum();
        if wrong.is_empty() {
            say(&format!("{}: {count} records of {} streams as recorded", file.display(), recorded.records.len()));
        }
        wrong.iter().for_each(|what| say(&format!("{}: {what}", file.display())));
        all_same &= wrong.is_empty();
    }
    Ok(all_same)
}

/// Reads the first pages of every stream from the real source, and writes down what was said.
pub async fn record(folder: &Path, settings: &Path, name: &str, pages: usize) -> anyhow::Result<bool> {
    let connector = load(folder)?;
    let settings = airbyte::file(Some(settings), "record")?;
    let problems = syncline_sdk::settings::problems(connector.settings_schema(), &settings);
    if !problems.is_empty() {
        bail!(listed("the settings are wrong", &problems));
    }
    let real = airbyte::context(&connector, settings.clone(), None)?;
    let http = Arc::new(Recorder { inner: Arc::clone(&real.http), heard: Mutex::default() });
    let context = Context { http: Arc::clone(&http) as Arc<dyn Http>, ..real };
    let mut records = BTreeMap::new();
    for stream in connector.streams(&context).await?.into_iter().filter(|stream| stream.unavailable.is_none()) {
        let found =
            read(&connector, &context, stream.name.as_str(), pages).await.with_context(|| format!("`{}` was not read", stream.name))?;
        records.insert(stream.name.to_string(), found);
    }
    let exchanges = std::mem::take(&mut *http.heard.lock().unwrap_or_else(PoisonError::into_inner));
    let mut secrets = Secrets::of_settings(connector.settings_schema(), &settings);
    exchanges.iter().for_each(|exchange| secrets.find_in(&exchange.answer));
    let recorded = Recorded { now: context.now, settings, pages, exchanges, records };
    let text = secrets.taken_out(&serde_json::to_value(&recorded)?);
    let place = folder.join("recorded");
    fs::create_dir_all(&place).with_context(|| format!("`{}` cannot be made", place.display()))?;
    let file = place.join(format!("{name}.json"));
    fs::write(&file, format!("{text:#}\n")).with_context(|| format!("`{}` cannot be written", file.display()))?;
    say(&format!("wrote `{}`; look through it before you share it: what is personal in the records still stands there", file.display()));
    Ok(true)
}

fn load(folder: &Path) -> anyhow::Result<DeclarativeConnector> {
    let text =
        |name: &str| fs::read_to_string(folder.join(name)).with_context(|| format!("`{}` cannot be read", folder.join(name).display()));
    let loaded = DeclarativeConnector::from_texts(&text("connector.yaml")?, &text("manifest.yaml")?);
    loaded.map_err(|problems| anyhow::anyhow!(listed(&format!("`{}` is wrong", folder.display()), &problems)))
}

fn context(connector: &DeclarativeConnector, settings: Value, http: Arc<dyn Http>, now: Timestamp) -> anyhow::Result<Context> {
    let offline = airbyte::context(connector, settings.clone(), Some(now))?;
    Ok(Context { http, settings: Settings::new(settings), ..offline })
}

async fn read(connector: &DeclarativeConnector, context: &Context, stream: &str, pages: usize) -> Result<Vec<Value>, Fault> {
    let mut reader = connector.read(context, stream, Map::new(), Configured::default()).await?;
    let mut records = Vec::new();
    for _ in 0..pages {
        let Some(page) = reader.next().await? else { break };
        for record in page {
            records.push(serde_json::from_slice(&record).map_err(|error| Fault::BadRecord(error.to_string()))?);
        }
    }
    match reader.take_faults().into_iter().next() {
        Some(fault) => Err(fault),
        None => Ok(records),
    }
}

/// The first place where two lists of records differ.
fn difference(expected: &[Value], found: &[Value]) -> Option<String> {
    let place = expected.iter().zip(found).position(|(expected, found)| expected != found);
    match place {
        Some(place) => Some(format!("record {} differs\n  recorded {}\n  now      {}", place + 1, expected.get(place)?, found.get(place)?)),
        None if expected.len() != found.len() => Some(format!("{} records were recorded, and {} came now", expected.len(), found.len())),
        None => None,
    }
}

/// Answers from a recording; each answer once.
struct Replay {
    left: Mutex<Vec<Exchange>>,
}

#[async_trait]
impl Http for Replay {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = |one: &Exchange| one.method == request.method.as_str() && one.url == request.url.as_str() && one.body == body;
        let Some(place) = left.iter().position(is_it) else {
            return Err(Fault::Misconfigured(format!("nothing is recorded for `{} {}` {body}", request.method, request.url)));
        };
        let exchange = left.remove(place);
        let status = StatusCode::from_u16(exchange.status).map_err(|_| Fault::Misconfigured("a recorded status is none".to_owned()))?;
        let pairs = exchange
            .headers
            .iter()
            .filter_map(|(name, value)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?)));
        Ok(HttpAnswer { status, headers: pairs.collect::<HeaderMap>(), body: exchange.answer.into(), url: request.url })
    }
}

/// Asks the real source, and keeps what was said.
struct Recorder {
    inner: Arc<dyn Http>,
    heard: Mutex<Vec<Exchange>>,
}

#[async_trait]
impl Http for Recorder {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        let answer = self.inner.send(request.clone()).await?;
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let kept = answer.headers.iter().filter(|(name, _)| !["set-cookie", "date", "content-length"].contains(&name.as_str()));
        let exchange = Exchange {
            method: request.method.to_string(),
            url: request.url.to_string(),
            body: String::from_utf8_lossy(&request.body).into_owned(),
            status: answer.status.as_u16(),
            headers: kept.map(|(name, value)| (name.to_string(), text(value))).collect(),
            answer: String::from_utf8_lossy(&answer.body).into_owned(),
        };
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
        Ok(answer)
    }
}
