//! The receiver of webhooks: whose is it, is it the provider's, is it durable. In this order, and nothing before.

mod desk;
mod known;
mod read;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, StatusCode, header},
    web,
};
use jiff::Timestamp;
use syncline_model::{
    State,
    log::{InboxItem, InboxKind},
};
use syncline_sdk::webhooks::{Answer, Unverified};
use tracing::{debug, warn};

pub(crate) use desk::Desk;
use desk::Open;
use known::NotFound;

use crate::{
    http::request_id::RequestId,
    metrics,
    parts::Parts,
    problem::{Code, Problem},
};

const BUSY_S: u64 = 1;
const UNAVAILABLE_S: u64 = 5;
const PAUSED_S: u64 = 300;

/// What became of a request.
enum Outcome {
    Accepted,
    Handshake(Answer),
    /// Nothing is told about why.
    Refused(&'static str),
    TooLarge,
    /// It may come again after so many seconds.
    Later(&'static str, u64),
}

/// Takes a request to an address for webhooks.
pub(crate) async fn take(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let began = std::time::Instant::now();
    let outcome = match request.app_data::<web::Data<Parts>>() {
        Some(parts) => outcome(&request, payload, &parts.tools.desk).await,
        None => Outcome::Later("unavailable", UNAVAILABLE_S),
    };
    let (word, answer) = match outcome {
        Outcome::Accepted => {
            metrics::WEBHOOK_SECONDS.observe(began.elapsed().as_secs_f64());
            ("accepted", HttpResponse::Ok().finish())
        }
        Outcome::Handshake(answer) => ("handshake", HttpResponse::Ok().content_type(answer.content_type).body(answer.body)),
        Outcome::Refused(word) => (word, nothing_here(&request)),
        Outcome::TooLarge => ("too_large", Problem::new(Code::TooLarge).answer(&RequestId::of(&request))),
        Outcome::Later(word, seconds) => (word, later(seconds)),
    };
    metrics::WEBHOOKS_TOTAL.with_label_values(&[word]).inc();
    answer
}

async fn outcome(request: &HttpRequest, payload: web::Payload, desk: &Desk) -> Outcome {
    let Some(slot) = desk.slot() else { return Outcome::Later("busy", BUSY_S) };
    let path = request.match_info();
    let open = match desk.find(path.query("connector"), path.query("endpoint")).await {
        Ok(open) => open,
        Err(NotFound::Nobodys) => return Outcome::Refused("unknown"),
        Err(NotFound::Busy) => return Outcome::Later("busy", BUSY_S),
        Err(NotFound::Unavailable) => return Outcome::Later("unavailable", UNAVAILABLE_S),
    };
    let (body, held) = match desk.body(request, payload).await {
        Ok(read) => read,
        Err(read::Unread::TooLarge) => return Outcome::TooLarge,
        Err(read::Unread::Broken) => return Outcome::Refused("malformed"),
        Err(read::Unread::Busy) => return Outcome::Later("busy", BUSY_S),
    };
    let mut call = read::call(request, body, &open, desk.public_url());
    if let Some(handshake) = open.webhooks().and_then(|webhooks| webhooks.handshake(&call, false)) {
        return answered(handshake, &call, &open);
    }
    let Some(webhooks) = open.webhooks().filter(|_| request.method() == Method::POST) else { return Outcome::Refused("unknown") };
    if let Err(refused) = webhooks.verification.verify(&mut call, &open.receiving.secrets) {
        debug!(tenant = %open.receiving.tenant, integration = %open.receiving.integration, "a webhook was refused: {refused}");
        return Outcome::Refused(Unverified::as_str(refused));
    }
    if let Some(handshake) = webhooks.handshake(&call, true) {
        return answered(handshake, &call, &open);
    }
    // What its sender keeps meanwhile comes again; what it gives up is read when the integration goes on.
    let rests = !open.receiving.state.is_active() && open.receiving.state != State::ReauthRequired;
    if rests {
        return Outcome::Later("paused", PAUSED_S);
    }
    let item = InboxItem {
        tenant: open.receiving.tenant.clone(),
        integration: open.receiving.integration.clone(),
        kind: InboxKind::Delivery,
        received: Timestamp::now(),
        body: webhooks.delivery(&call).encode(),
    };
    let taken = desk.intake().take(item).await;
    drop((slot, held));
    match taken {
        Ok(()) => Outcome::Accepted,
        Err(fault) => {
            warn!("a webhook could not be taken: {fault}");
            Outcome::Later("unavailable", UNAVAILABLE_S)
        }
    }
}

fn answered(handshake: &syncline_sdk::webhooks::Handshake, call: &syncline_sdk::webhooks::Call, open: &Open) -> Outcome {
    let verification = open.webhooks().map(|webhooks| &webhooks.verification);
    let answer = verification.and_then(|verification| handshake.answer(call, verification, &open.receiving.secrets));
    answer.map_or(Outcome::Refused("unsigned"), Outcome::Handshake)
}

/// The same for an address that is nobody's and for a signature that is wrong, so that nobody learns which addresses there are.
fn nothing_here(request: &HttpRequest) -> HttpResponse {
    Problem::because(Code::NotFound, "there is nothing at this path; see /docs").answer(&RequestId::of(request))
}

fn later(seconds: u64) -> HttpResponse {
    HttpResponse::build(StatusCode::SERVICE_UNAVAILABLE).insert_header((header::RETRY_AFTER, seconds.to_string())).finish()
}
