//! What the black-box tests start and ask: the binary, its API, the tenants' tables.

pub mod compare;

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use syncline_sandbox::{Provider, RunningSandbox, Stream};

/// A running `syncline serve`, killed when dropped.
pub struct Server {
    child: Child,
    /// Where its API is.
    pub url: String,
    /// The first key, which only the first start prints.
    pub key: String,
    /// Everything it has printed, both ways.
    pub output: Arc<Mutex<String>>,
    http: reqwest::Client,
}

/// The folder of a test, with the key that its first start printed.
pub struct Home {
    folder: tempfile::TempDir,
    key: Mutex<Option<String>>,
    output: Arc<Mutex<String>>,
    environment: Vec<(String, String)>,
}

/// The binary that is tested; `TESTED_SYNCLINE` names another one, as one that was built for speed.
pub fn binary() -> String {
    std::env::var("TESTED_SYNCLINE").unwrap_or_else(|_| env!("CARGO_BIN_EXE_syncline").to_owned())
}

impl Home {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), key: Mutex::new(None), output: Arc::default(), environment: Vec::new() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Everything that was ever printed by a server of this folder.
    pub fn output(&self) -> String {
        self.output.lock().unwrap().clone()
    }

    /// The folder of another node of the same installation, which knows its key.
    #[allow(dead_code, reason = "only the tests of many nodes have more than one")]
    pub fn of_node(key: &str) -> Self {
        Self::new().knowing(key)
    }

    /// The same folder, of a node that knows this key.
    #[allow(dead_code, reason = "only the tests of many nodes have more than one")]
    pub fn knowing(self, key: &str) -> Self {
        Self { key: Mutex::new(Some(key.to_owned())), ..self }
    }

    /// The same folder, of a node that is started with this in its environment.
    #[allow(dead_code, reason = "only the test of wrong clocks needs it")]
    pub fn under(self, environment: Vec<(String, String)>) -> Self {
        Self { environment, ..self }
    }

    /// Starts the binary on this folder and waits until it is ready.
    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    /// The same, with more settings.
    pub fn serve_with(&self, settings: &[String]) -> Server {
        self.serve_as("api,engine,organizer", settings)
    }

    /// The same, with other roles; `api` must be among them.
    pub fn serve_as(&self, roles: &str, settings: &[String]) -> Server {
        let mut child = Command::new(binary())
            .args(["serve", "--listen", "127.0.0.1:0", "--roles", roles, "--folder"])
            .arg(self.path())
            .args(["--set", "egress.private_allowed=true", "--set", "connectors.test_mode=true", "--set", "telemetry.log_format=json"])
            .args(settings.iter().flat_map(|setting| ["--set", setting]))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        collect(child.stderr.take().unwrap(), Arc::clone(&self.output), None);
        let (tell, told) = std::sync::mpsc::channel();
        collect(child.stdout.take().unwrap(), Arc::clone(&self.output), Some(tell));
        let mut url = None;
        while url.is_none() {
            let line =
                told.recv_timeout(Duration::from_secs(60)).unwrap_or_else(|_| panic!("the server did not start:\n{}", self.output()));
            if let Some(key) = line.split_whitespace().find(|word| word.starts_with("sk_")) {
                *self.key.lock().unwrap() = Some(key.to_owned());
            }
            url = line.split_whitespace().find(|word| word.starts_with("http://")).map(|text| text.trim_end_matches('/').to_owned());
        }
        let key = self.key.lock().unwrap().clone().expect("the first start prints the first key");
        Server { child, url: url.unwrap(), key, output: Arc::clone(&self.output), http: client() }
    }

    /// Waits until the tables of these streams equal the sandbox, for at most two minutes.
    pub async fn until_equal(&self, tenant: &str, sandbox: &RunningSandbox, streams: &[Stream]) {
        let (deadline, mut looks) = (Instant::now() + Duration::from_secs(120), looks());
        loop {
            looks.tick().await;
            let differences = compare::differences(self.path(), tenant, sandbox, streams);
            if differences.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "the tables differ:\n{}\n\n{}", differences.join("\n"), tail(&self.output()));
        }
    }
}

fn collect(from: impl std::io::Read + Send + 'static, into: Arc<Mutex<String>>, tell: Option<std::sync::mpsc::Sender<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let mut output = into.lock().unwrap();
            output.push_str(&line);
            output.push('\n');
            drop(output);
            if let Some(tell) = &tell {
                // Nobody listens any more once the server has started.
                let _ = tell.send(line);
            }
        }
    });
}

impl Server {
    /// Ends the process as a power cut would.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The number of its process.
    #[allow(dead_code, reason = "only the tests of many nodes tell them apart by it")]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, by its name.
    pub fn signal(&self, name: &str) {
        Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status().unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) -> bool {
        self.signal("TERM");
        self.child.wait().unwrap().success()
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        self.call_as(&self.key, method, path, body).await
    }

    pub async fn call_as(&self, key: &str, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).bearer_auth(key);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Method::GET, path, None).await;
        assert!(status.is_success(), "GET {path}: {status} {body}");
        body
    }

    pub async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.call(Method::POST, path, Some(body)).await;
        assert!(status.is_success(), "POST {path}: {status} {answer}");
        answer
    }

    pub async fn make_tenant(&self, tenant: &str) {
        self.post("/api/v1/tenants", json!({"id": tenant, "name": tenant})).await;
    }

    /// Asks again until the answer is as wanted, for at most two minutes.
    pub async fn until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let (deadline, mut looks) = (Instant::now() + Duration::from_secs(120), looks());
        loop {
            looks.tick().await;
            let answer = self.get(path).await;
            if wanted(&answer) {
                return answer;
            }
            assert!(Instant::now() < deadline, "never as wanted: {path}: {answer:#}\n{}", tail(&self.output.lock().unwrap()));
        }
    }

    /// Connects a provider of the sandbox and starts it. Its integration has the provider's name.
    pub async fn connect(&self, tenant: &str, sandbox: &RunningSandbox, provider: Provider, schedule: Value) {
        let id = provider.name();
        let body = json!({"id": id, "connector": format!("sandbox-{id}"), "settings": sandbox.settings(provider), "schedule": schedule});
        self.post(&format!("/api/v1/tenants/{tenant}/integrations"), body).await;
        self.post(&format!("/api/v1/tenants/{tenant}/integrations/{id}/resume"), json!({})).await;
    }

    /// Waits until an integration is in this state.
    pub async fn until_state(&self, tenant: &str, integration: &str, state: &str) -> Value {
        self.until(&format!("/api/v1/tenants/{tenant}/integrations/{integration}"), |found| found["state"] == state).await
    }

    /// Reads an integration now, and waits until that job has ended.
    pub async fn sync(&self, tenant: &str, integration: &str) -> Value {
        let path = format!("/api/v1/tenants/{tenant}/integrations/{integration}");
        let begun = self.post(&format!("{path}/sync"), json!({})).await;
        let job = begun["job"].as_str().unwrap().to_owned();
        self.until(&format!("{path}/jobs/{job}"), |job| !job["outcome"].is_null()).await
    }

    /// All events of a tenant, oldest first.
    pub async fn events(&self, tenant: &str) -> Vec<Value> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.get(&format!("/api/v1/tenants/{tenant}/events?limit=500{after}")).await;
            let items = page["items"].as_array().unwrap().clone();
            if items.is_empty() {
                return all;
            }
            all.extend(items);
            after = format!("&after={}", page["next"].as_str().unwrap());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended before, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::Client {
    // Whoever comes second finds the same one installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // A connection that was left open may be closed by the server in the moment in which it is used again.
    reqwest::Client::builder().pool_max_idle_per_host(0).build().unwrap()
}

/// How often a server is asked again.
pub fn looks() -> tokio::time::Interval {
    tokio::time::interval(Duration::from_millis(20))
}

fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}
