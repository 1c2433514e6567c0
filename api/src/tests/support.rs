//! A whole API on a store, a log and an engine that are real, in a folder that goes when the test ends.

use std::{sync::Arc, time::Duration};

use actix_web::{
    App, Error,
    body::{BoxBody, MessageBody, to_bytes},
    dev::{Service, ServiceResponse},
    http::{Method, StatusCode, header::HeaderMap},
    middleware::from_fn,
    test, web,
};
use async_trait::async_trait;
use bytes::Bytes;
use schema_ai::tables::TablePolicy;
use serde_json::{Value, json};
use syncline_log::{EmbeddedConfig, EmbeddedLog};
use syncline_model::{Cursor, EventLog, Fault, Record, RecordKey, TenantId, log::Position, schedule::SyncMode};
use syncline_runtime::{Connectors, Engine, EngineConfig};
use syncline_sdk::{Connector, Context, DeleteStrategy, Page, Reader, StreamSpec, catalog::ConnectorFile, webhooks::Webhooks};
use syncline_store::{Key, NewKey, Role, Store, Vault};
use tokio_util::sync::CancellationToken;

use crate::{
    app::{Document, configure, nowhere},
    http::request_id::attend,
    parts::{ApiConfig, ApiParts, Parts},
};

/// A secret that must never be seen again.
pub const CANARY: &str = "canary-9b1c-must-never-be-seen";

/// A connector whose source is this file. It repeats its secret in a fault, as careless sources do.
pub struct Sample {
    file: ConnectorFile,
    schema: Value,
    webhooks: Option<Webhooks>,
}

impl Sample {
    pub fn boxed(name: &str, title: &str, category: &str) -> Arc<dyn Connector> {
        let file = json!({
            "name": name, "title": title, "category": category, "description": "Made for tests.",
            "business_types": ["shop"], "setup": ["Do this", "Then that"],
        });
        let schema = json!({
            "type": "object", "required": ["api_key"],
            "properties": {
                "api_key": {"type": "string", "airbyte_secret": true, "minLength": 3},
                "token": {"type": "string", "airbyte_secret": true},
                "region": {"type": "string", "enum": ["eu", "us"]},
                "works": {"type": "boolean"},
            },
        });
        let section = json!({
            "verify": {"scheme": "token", "token": "{header:x-token}"},
            "handshakes": [{"signed": false, "when": {"{query:validationToken}": null}, "answer": "{query:validationToken}"}],
            "type": "{json:type}",
            "events": [{"type": "thing", "stream": "customers", "record": "it"}],
        });
        let webhooks = (name == "sample").then(|| Webhooks::load(&section, None).unwrap());
        Arc::new(Self { file: serde_json::from_value(file).unwrap(), schema, webhooks })
    }
}

#[async_trait]
impl Connector for Sample {
    fn file(&self) -> &ConnectorFile {
        &self.file
    }

    fn settings_schema(&self) -> &Value {
        &self.schema
    }

    fn webhooks(&self) -> Option<&Webhooks> {
        self.webhooks.as_ref()
    }

    async fn check(&self, context: &Context) -> Result<(), Fault> {
        let settings = context.settings.expose();
        if settings["works"] == Value::Bool(false) {
            return Err(Fault::Unauthorized(format!("the key `{}` is unknown here", settings["api_key"].as_str().unwrap())));
        }
        Ok(())
    }

    async fn streams(&self, context: &Context) -> Result<Vec<StreamSpec>, Fault> {
        self.check(context).await?;
        Ok(vec![StreamSpec {
            name: "customers".parse().unwrap(),
            primary_key: vec![vec!["id".to_owned()]],
            cursor_field: Vec::new(),
            modes: vec![SyncMode::FullRefresh],
            json_schema: json!({"type": "object"}),
            delete: DeleteStrategy::None,
            unavailable: None,
        }])
    }

    async fn open(&self, _: &Context, _: &StreamSpec, _: SyncMode, from: &Cursor) -> Result<Box<dyn Reader>, Fault> {
        Ok(Box::new(Once(from.is_start())))
    }
}

struct Once(bool);

#[async_trait]
impl Reader for Once {
    async fn next_page(&mut self) -> Result<Option<Page>, Fault> {
        if !std::mem::take(&mut self.0) {
            return Ok(None);
        }
        let record = |id: &str| Record {
            key: RecordKey::of([id]),
            body: Bytes::from(format!(r#"{{"id":"{id}","amount":1.10}}"#)),
            version: None,
            time: None,
            deleted: false,
        };
        let refused = syncline_sdk::Refused { key: None, body: Bytes::from_static(b"{\"id\":null}"), cause: "it has no key".to_owned() };
        Ok(Some(Page {
            records: vec![record("1"), record("2")],
            refused: vec![refused],
            next: Cursor(Bytes::from_static(b"1")),
            records_expected: Some(2),
        }))
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Seen {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Seen {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}

/// A request in the making.
pub struct Ask<'a> {
    world: &'a World,
    request: test::TestRequest,
}

impl Ask<'_> {
    pub fn key(self, key: &str) -> Self {
        self.header("authorization", &format!("Bearer {key}"))
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.insert_header((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.request = self.request.insert_header(("content-type", "application/json")).set_payload(body.to_string());
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.request = self.request.insert_header(("content-type", "application/json")).set_payload(body);
        self
    }

    /// The answer as it comes, for streams.
    pub async fn open(self) -> ServiceResponse<BoxBody> {
        let peer = "192.0.2.7:4000".parse().unwrap();
        self.world.call(self.request.peer_addr(peer)).await
    }

    pub async fn send(self) -> Seen {
        let answer = self.open().await;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let body = to_bytes(answer.into_body()).await.unwrap_or_else(|_| panic!("the body ends in a fault"));
        Seen { status, headers, text: String::from_utf8(body.to_vec()).unwrap() }
    }
}

/// Two tenants with an integration each, and keys for them.
pub struct World {
    pub store: Store,
    pub parts: ApiParts,
    pub owner: String,
    pub stop: CancellationToken,
    inner: Parts,
    _folder: tempfile::TempDir,
}

impl World {
    pub async fn new() -> Self {
        Self::with(ApiConfig::default()).await
    }

    pub async fn with(config: ApiConfig) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("store.db").display());
        let store = Store::open(&url, Vault::new(Key::random().unwrap())).await.unwrap();
        let log = Arc::new(EmbeddedLog::open(EmbeddedConfig::new(folder.path().join("log.db"))).unwrap());
        let connectors = Arc::new(Connectors::new([
            Sample::boxed("sample", "Sample shop", "e-commerce"),
            Sample::boxed("ledgerly", "Ledgerly", "accounting"),
        ]));
        let engine_config = EngineConfig { start_spread: Duration::ZERO, ..EngineConfig::default() };
        let engine =
            Engine::start(engine_config, Arc::clone(&log) as Arc<dyn EventLog>, Arc::new(store.clone()), Arc::clone(&connectors)).unwrap();
        let home = Arc::new(schema_ai::tables::SqliteHome(folder.path().join("tables")));
        let intake = syncline_runtime::Intake::new(engine.clone(), Duration::from_secs(5));
        let parts = ApiParts { store: store.clone(), engine, intake, log, connectors, home, declared: Vec::new };
        let stop = CancellationToken::new();
        let inner = Parts::new(&config, parts.clone(), stop.clone());
        let world = Self { owner: String::new(), store, parts, stop, inner, _folder: folder };
        let owner = world.make_key(Role::Owner, None).await;
        Self { owner, ..world }
    }

    /// With tenants `acme` and `globex`, and integration `shop` with the canary in each.
    pub async fn inhabited() -> Self {
        let world = Self::new().await;
        for tenant in ["acme", "globex"] {
            world.make_tenant(tenant).await;
            let made =
                world.post(&format!("/api/v1/tenants/{tenant}/integrations")).key(&world.owner).json(&integration("shop")).send().await;
            assert_eq!(made.status, 201, "{}", made.text);
        }
        world
    }

    pub async fn make_tenant(&self, tenant: &str) {
        let id: TenantId = tenant.parse().unwrap();
        self.store.tenants().create(&id, &format!("{tenant} incorporated")).await.unwrap();
    }

    /// Writes a tenant's events into its tables.
    pub async fn organize(&self, tenant: &str) {
        let tenant: TenantId = tenant.parse().unwrap();
        let events = self.parts.log.read(&tenant, &Position::default(), 100, Duration::from_secs(5)).await.unwrap();
        self.parts.home.writer(&tenant, TablePolicy::default()).unwrap().apply(&events).unwrap();
    }

    pub async fn make_key(&self, role: Role, tenant: Option<&str>) -> String {
        let tenant = tenant.map(|text| text.parse().unwrap());
        let new = NewKey { name: format!("{} for tests", role.as_str()), role, tenant };
        self.store.keys().create(new).await.unwrap().1.expose().to_owned()
    }

    async fn call(&self, request: test::TestRequest) -> ServiceResponse<BoxBody> {
        let parts = self.inner.clone();
        let document = Document::new().unwrap();
        let app = App::new()
            .wrap(from_fn(attend))
            .configure(move |services| configure(services, parts, document))
            .default_service(web::to(nowhere));
        let service = test::init_service(app).await;
        answered(&service, request.to_request()).await
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask<'_> {
        Ask { world: self, request: test::TestRequest::with_uri(path).method(method) }
    }

    pub fn get(&self, path: &str) -> Ask<'_> {
        self.ask(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Ask<'_> {
        self.ask(Method::POST, path)
    }

    pub fn patch(&self, path: &str) -> Ask<'_> {
        self.ask(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> Ask<'_> {
        self.ask(Method::DELETE, path)
    }
}

async fn answered<S, R, B>(service: &S, request: R) -> ServiceResponse<BoxBody>
where
    S: Service<R, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    service.call(request).await.unwrap().map_into_boxed_body()
}

pub fn integration(id: &str) -> Value {
    json!({"id": id, "connector": "sample", "title": "The shop", "settings": {"api_key": CANARY, "region": "eu"}, "schedule": "manual"})
}
