//! An API on the loopback that answers in every way the cases need, and remembers what it was asked.

pub mod attached;
mod encoded;
mod hostile;
mod listed;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

/// The API, until it is dropped.
pub struct Api {
    pub url: String,
    heard: Arc<Mutex<Heard>>,
    handle: actix_web::dev::ServerHandle,
}

/// What the API remembers until it is asked.
#[derive(Default)]
struct Heard {
    requests: Vec<String>,
    /// How often a path that answers differently each time was asked.
    times: HashMap<String, u32>,
}

/// One request, as the answers look at it.
struct Asked {
    method: String,
    path: String,
    query: BTreeMap<String, String>,
    base: String,
    /// How often this path was asked before.
    before: u32,
    body: String,
}

impl Asked {
    fn get(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.get(name)?.parse().ok()
    }
}

impl Api {
    pub fn start() -> Self {
        let heard: Arc<Mutex<Heard>> = Arc::default();
        let shared = web::Data::from(Arc::clone(&heard));
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || App::new().app_data(shared.clone()).default_service(web::to(answer)))
                    .workers(2)
                    .disable_signals()
                    .bind(("127.0.0.1", 0))
                    .unwrap();
                let port = server.addrs()[0].port();
                let server = server.run();
                tell.send((port, server.handle())).unwrap();
                server.await.unwrap();
            });
        });
        let (port, handle) = told.recv().unwrap();
        Self { url: format!("http://127.0.0.1:{port}"), heard, handle }
    }

    /// What was asked since the last time, each request as one text; everything begins anew.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap()).requests
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        // The server ends by itself; nobody waits for it.
        drop(self.handle.stop(false));
    }
}

async fn answer(request: HttpRequest, body: web::Bytes, heard: web::Data<Mutex<Heard>>) -> HttpResponse {
    let mut pairs: Vec<(String, String)> = web::Query::<Vec<(String, String)>>::from_query(request.query_string()).unwrap().into_inner();
    let query = pairs.iter().cloned().collect();
    pairs.sort();
    let body = String::from_utf8_lossy(&body).into_owned();
    let path = request.path().to_owned();
    let before = {
        let mut heard = heard.lock().unwrap();
        heard.requests.push(written(&request, &pairs, &body));
        let times = heard.times.entry(path.clone()).or_default();
        *times += 1;
        *times - 1
    };
    let base = format!("http://{}", request.connection_info().host());
    let asked = Asked { method: request.method().to_string(), path, query, base, before, body };
    attached::answer(&asked)
        .or_else(|| encoded::answer(&asked))
        .or_else(|| hostile::answer(&asked))
        .or_else(|| listed::answer(&asked))
        .unwrap_or_else(|| other(&asked))
}

/// A request as it is compared.
fn written(request: &HttpRequest, pairs: &[(String, String)], body: &str) -> String {
    let mut headers: Vec<String> = request
        .headers()
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-") || ["authorization", "content-type", "cookie"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    headers.sort();
    // The order of a JSON body's fields means nothing.
    let body = serde_json::from_str::<Value>(body).map_or_else(|_| body.to_owned(), |body| crate::run::canonical(&body));
    json!([request.method().as_str(), request.path(), pairs, headers, body]).to_string()
}

fn other(asked: &Asked) -> HttpResponse {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    match parts.as_slice() {
        ["status", code] => status(code.parse().unwrap(), &json!({"error": {"message": format!("this is {code}"), "code": "E1"}})),
        // Fails so often, then works.
        ["flaky", code, times] if asked.before < times.parse().unwrap() => {
            let mut answer = HttpResponse::build(code.parse::<u16>().unwrap().try_into().unwrap());
            answer.insert_header(("Retry-After", "0")).json(json!({"error": "not now", "code": asked.before}))
        }
        // Fails in one way after the other, then works.
        ["mixed", codes] if usize::try_from(asked.before).unwrap() < codes.split(',').count() => {
            let code = codes.split(',').nth(usize::try_from(asked.before).unwrap()).unwrap();
            status(code.parse().unwrap(), &json!({"error": "not now"}))
        }
        ["flaky" | "mixed", ..] => HttpResponse::Ok().json(json!({"data": listed::records(1..4), "next": null})),
        ["echo"] => {
            let body = serde_json::from_str(&asked.body).unwrap_or_else(|_| json!(asked.body));
            HttpResponse::Ok().json(json!({"data": [{"id": 1, "method": asked.method, "query": asked.query, "body": body}]}))
        }
        ["login"] => HttpResponse::Ok().json(json!({"token": "session-1", "expires_in": 3600, "access_token": "access-1"})),
        // Every token may ask twice, until long after anybody runs this.
        ["quota"] => HttpResponse::Ok().json(json!({"core": {"remaining": 2, "limit": 100, "reset": 4_102_444_800_u64}})),
        ["jobs"] => HttpResponse::Ok().json(json!({"id": "j1", "status": "queued"})),
        ["jobs", id] => {
            let done = asked.before > 0;
            let urls = if done { vec![format!("{}/files/{id}/1", asked.base), format!("{}/files/{id}/2", asked.base)] } else { Vec::new() };
            HttpResponse::Ok().json(json!({"id": id, "status": if done { "completed" } else { "running" }, "urls": urls}))
        }
        ["files", _, number] => {
            let number: usize = number.parse().unwrap();
            HttpResponse::Ok().json(json!({"data": listed::records(number * 10..number * 10 + 3)}))
        }
        ["tables"] => HttpResponse::Ok().json(json!({"tables": [{"id": "t1", "name": "first"}, {"id": "t2", "name": "second"}]})),
        ["tables", table, "rows"] => HttpResponse::Ok().json(json!({"data": [{"id": 1, "table": table}, {"id": 2, "table": table}]})),
        ["fields"] => HttpResponse::Ok()
            .json(json!({"fields": [{"key": "id", "kind": "int"}, {"key": "name", "kind": "text"}, {"key": "price", "kind": "float"}]})),
        ["chosen"] => {
            let names: Vec<&str> = asked.get("properties").unwrap_or_default().split(',').collect();
            let one = |id: usize| {
                let mut record = json!({"id": id});
                names.iter().for_each(|name| record[*name] = json!(format!("{name}-{id}")));
                record
            };
            HttpResponse::Ok().json(json!({"data": [one(1), one(2)]}))
        }
        _ => status(404, &json!({"error": "there is no such thing"})),
    }
}

fn status(code: u16, body: &Value) -> HttpResponse {
    HttpResponse::build(code.try_into().unwrap()).json(body)
}
