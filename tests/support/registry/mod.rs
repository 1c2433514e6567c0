//! A schema registry over real HTTP that answers what the documented interface of registries says, kept in memory: the real ones cannot
//! be had as packages. `POST /subjects/{subject}/versions`, `GET /schemas/ids/{id}`, `GET /subjects`; with a name and a password if wanted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use serde_json::{Value, json};

#[derive(Default)]
struct Kept {
    schemas: Vec<String>,
    subjects: BTreeMap<String, Vec<u32>>,
}

/// A registry that runs until the process ends.
#[derive(Clone)]
pub struct Registry {
    kept: Arc<Mutex<Kept>>,
    /// Where it is.
    pub url: String,
}

#[derive(Clone)]
struct Desk {
    kept: Arc<Mutex<Kept>>,
    authorization: Option<String>,
}

impl Registry {
    /// Starts it; `authorization` is the header that it wants.
    pub fn start(authorization: Option<&str>) -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let desk = Desk { kept: Arc::clone(&kept), authorization: authorization.map(str::to_owned) };
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = HttpServer::new(move || {
                    App::new()
                        .app_data(web::Data::new(desk.clone()))
                        .route("/subjects", web::get().to(subjects))
                        .route("/subjects/{subject}/versions", web::post().to(register))
                        .route("/schemas/ids/{id}", web::get().to(schema))
                });
                let bound = server.workers(1).bind("127.0.0.1:0").unwrap();
                tell.send(bound.addrs()[0]).unwrap();
                bound.run().await.unwrap();
            });
        });
        Self { kept, url: format!("http://{}", told.recv().unwrap()) }
    }

    /// The subjects that it knows.
    pub fn subjects(&self) -> Vec<String> {
        self.kept.lock().unwrap().subjects.keys().cloned().collect()
    }
}

fn refused(request: &HttpRequest, desk: &Desk) -> Option<HttpResponse> {
    let given = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let wrong = desk.authorization.is_some() && given != desk.authorization.as_deref();
    wrong.then(|| HttpResponse::Unauthorized().json(json!({"error_code": 40101, "message": "Unauthorized"})))
}

async fn subjects(request: HttpRequest, desk: web::Data<Desk>) -> HttpResponse {
    refused(&request, &desk)
        .unwrap_or_else(|| HttpResponse::Ok().json(desk.kept.lock().unwrap().subjects.keys().cloned().collect::<Vec<_>>()))
}

async fn register(request: HttpRequest, subject: web::Path<String>, body: web::Bytes, desk: web::Data<Desk>) -> HttpResponse {
    if let Some(refused) = refused(&request, &desk) {
        return refused;
    }
    let invalid = || HttpResponse::UnprocessableEntity().json(json!({"error_code": 42201, "message": "Invalid schema"}));
    let Ok(asked) = serde_json::from_slice::<Value>(&body) else { return invalid() };
    let text = asked["schema"].as_str().unwrap_or_default().to_owned();
    if asked["schemaType"] != "JSON" || serde_json::from_str::<Value>(&text).is_err() {
        return invalid();
    }
    let mut kept = desk.kept.lock().unwrap();
    let at = kept.schemas.iter().position(|known| *known == text).unwrap_or_else(|| {
        kept.schemas.push(text);
        kept.schemas.len() - 1
    });
    let id = u32::try_from(at + 1).unwrap();
    let versions = kept.subjects.entry(subject.into_inner()).or_default();
    if !versions.contains(&id) {
        versions.push(id);
    }
    HttpResponse::Ok().content_type("application/vnd.schemaregistry.v1+json").json(json!({"id": id}))
}

async fn schema(request: HttpRequest, id: web::Path<usize>, desk: web::Data<Desk>) -> HttpResponse {
    if let Some(refused) = refused(&request, &desk) {
        return refused;
    }
    match desk.kept.lock().unwrap().schemas.get(id.into_inner().wrapping_sub(1)) {
        Some(text) => HttpResponse::Ok().json(json!({"schemaType": "JSON", "schema": text})),
        None => HttpResponse::NotFound().json(json!({"error_code": 40403, "message": "Schema not found"})),
    }
}
