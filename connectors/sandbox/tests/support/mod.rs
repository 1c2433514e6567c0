//! A client that reads the sandbox as a careful connector would.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use reqwest::{Client, Response};
use serde_json::Value;
use syncline_sandbox::{Provider, RunningSandbox, Sandbox, SandboxConfig, Stream};

/// A running sandbox and somebody who asks it.
pub struct Asker {
    pub sandbox: RunningSandbox,
    pub http: Client,
}

/// A page and the way on.
pub struct Page {
    pub records: Vec<Value>,
    pub next: Option<String>,
}

pub fn started(seed: u64, records: u64) -> Asker {
    with(SandboxConfig { seed, records, ..SandboxConfig::default() })
}

pub fn with(config: SandboxConfig) -> Asker {
    // Another test of this process may have been first.
    rustls::crypto::ring::default_provider().install_default().ok();
    Asker { sandbox: Sandbox::start(config).unwrap(), http: Client::builder().build().unwrap() }
}

impl Asker {
    /// Asks with the provider's key; `path` may be a whole address.
    pub async fn get(&self, provider: Provider, path: &str) -> reqwest::Result<Response> {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}/{path}", self.sandbox.url(provider)) };
        let key = self.sandbox.key(provider);
        let request = self.http.get(url);
        match provider {
            Provider::Shop => request.header("X-Api-Key", key),
            Provider::Crm => request.bearer_auth(key),
            Provider::Payments => request.basic_auth("acct", Some(key)),
        }
        .send()
        .await
    }

    pub async fn status(&self, provider: Provider, path: &str) -> u16 {
        self.get(provider, path).await.unwrap().status().as_u16()
    }

    pub async fn body(&self, provider: Provider, path: &str) -> Vec<u8> {
        let answer = self.get(provider, path).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        answer.bytes().await.unwrap().to_vec()
    }

    /// The first page that changed since, in the provider's own words.
    pub fn first(stream: Stream, size: u64, since: Option<&Value>) -> String {
        let name = stream.name();
        let text = |since: &Value| since.as_str().unwrap_or_default().to_owned();
        match (stream.provider(), since) {
            (Provider::Shop, None) => format!("{name}?per_page={size}&page=1&"),
            (Provider::Shop, Some(since)) => format!("{name}?per_page={size}&page=1&updated_since={}", text(since)),
            (Provider::Crm, Some(since)) => format!("{name}?limit={size}&updatedAfter={}", text(since)),
            (Provider::Crm | Provider::Payments, None) => format!("{name}?limit={size}"),
            (Provider::Payments, Some(since)) => format!("{name}?limit={size}&updated%5Bgte%5D={since}"),
        }
    }

    pub async fn page(&self, stream: Stream, path: &str) -> Page {
        let provider = stream.provider();
        let answer = self.get(provider, path).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        match provider {
            Provider::Shop => {
                let records = body["data"].as_array().unwrap().clone();
                let (number, size) = (body["page"].as_u64().unwrap(), body["per_page"].as_u64().unwrap());
                let more = records.len() as u64 == size;
                let next = more.then(|| path.replace(&format!("&page={number}&"), &format!("&page={}&", number + 1)));
                Page { records, next }
            }
            Provider::Crm => {
                let base = path.split("&after=").next().unwrap();
                let next = body["paging"]["next"]["after"].as_str().map(|after| format!("{base}&after={after}"));
                Page { records: body["results"].as_array().unwrap().clone(), next }
            }
            Provider::Payments => {
                let next = link.map(|link| link.trim_start_matches('<').split('>').next().unwrap().to_owned());
                Page { records: body.as_array().unwrap().clone(), next }
            }
        }
    }

    /// All pages that changed since; `between` happens after each.
    pub async fn all(&self, stream: Stream, size: u64, since: Option<&Value>, between: impl Fn(usize)) -> Vec<Value> {
        let mut path = Some(Self::first(stream, size, since));
        let mut records = Vec::new();
        let mut pages = 0;
        while let Some(here) = path {
            let page = self.page(stream, &here).await;
            records.extend(page.records);
            between(pages);
            pages += 1;
            path = page.next;
        }
        records
    }

    /// What the stream really is: records by key, and the keys of those that are gone.
    pub fn truth(&self, stream: Stream) -> (BTreeMap<String, Value>, Vec<String>) {
        let (mut records, mut gone) = (BTreeMap::new(), Vec::new());
        for line in self.sandbox.truth(stream).split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let mut line: Value = serde_json::from_slice(line).unwrap();
            let key = line["key"].to_string();
            match line.get_mut("record") {
                Some(record) => drop(records.insert(key, record.take())),
                None => gone.push(key),
            }
        }
        (records, gone)
    }
}

/// Records by key.
pub fn by_key(records: impl IntoIterator<Item = Value>) -> BTreeMap<String, Value> {
    records.into_iter().map(|record| (record["id"].to_string(), record)).collect()
}

/// The field that the provider's clock is in.
pub const fn cursor_field(stream: Stream) -> &'static str {
    match stream.provider() {
        Provider::Shop => "updated_at",
        Provider::Crm => "updatedAt",
        Provider::Payments => "updated",
    }
}
