//! One server for all providers. Every request is judged, answered, spoiled if that was asked for, and remembered.

mod answer;
mod control;
mod crm;
mod page;
mod payments;
mod shop;

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use base64::{Engine, engine::general_purpose::STANDARD};

pub(crate) use control::truth_lines;

use crate::{
    faults::FaultKind,
    state::{SeenRequest, State, Verdict},
    words::{Provider, Stream},
};
use page::Page;

/// What the server and the running sandbox share.
#[derive(Debug)]
pub(crate) struct Shared(Mutex<State>);

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

type Query = HashMap<String, String>;

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
enum Asked<'a> {
    /// A page of a stream.
    List(Stream),
    /// The deals that have notes.
    DealsWithNotes,
    /// The notes of a deal.
    Notes(&'a str),
}

impl<'a> Asked<'a> {
    fn of(provider: Provider, path: &'a str) -> Option<Self> {
        match (provider, path.split('/').collect::<Vec<_>>().as_slice()) {
            (Provider::Crm, ["deals", "with-notes"]) => Some(Self::DealsWithNotes),
            (Provider::Crm, ["deals", deal, "notes"]) => Some(Self::Notes(deal)),
            (_, [name]) => Stream::named(provider, name).filter(|stream| *stream != Stream::CrmDealNotes).map(Self::List),
            _ => None,
        }
    }

    const fn stream(self) -> Stream {
        match self {
            Self::List(stream) => stream,
            Self::DealsWithNotes | Self::Notes(_) => Stream::CrmDealNotes,
        }
    }
}

/// The way to every handler.
pub(crate) fn routes(config: &mut web::ServiceConfig) {
    control::routes(config);
    config.route("/__loop/{side}", web::get().to(redirect_again)).route("/{provider}/{path:.*}", web::get().to(serve));
}

async fn redirect_again(side: web::Path<String>) -> HttpResponse {
    let other = if side.as_str() == "a" { "/__loop/b" } else { "/__loop/a" };
    answer::redirect(other)
}

async fn serve(request: HttpRequest, path: web::Path<(String, String)>, shared: web::Data<Shared>) -> HttpResponse {
    let (provider, path) = path.into_inner();
    let Some(provider) = Provider::named(&provider) else { return answer::error(StatusCode::NOT_FOUND, "no such provider") };
    let Some(asked) = Asked::of(provider, &path) else { return answer::error(StatusCode::NOT_FOUND, "no such collection") };
    let given = credentials(provider, &request);
    let verdict = shared.lock().judge(asked.stream(), given.as_deref(), Instant::now());
    for fault in &verdict.faults {
        if let FaultKind::Slow { ms } = fault {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    let (mut response, records) = respond(&request, asked, &shared, &verdict);
    if let Some(allowance) = verdict.allowance {
        answer::announce(&mut response, allowance);
    }
    let target = request.uri().to_string();
    let stream = Some(asked.stream());
    let seen = SeenRequest { number: 0, provider, stream, target, status: response.status().as_u16(), records };
    shared.lock().remember(seen);
    response
}

fn respond(request: &HttpRequest, asked: Asked<'_>, shared: &Shared, verdict: &Verdict) -> (HttpResponse, u64) {
    if let Some(refusal) = answer::refusal(verdict) {
        return (refusal, 0);
    }
    let Ok(query) = web::Query::<Query>::from_query(request.query_string()) else {
        return (answer::error(StatusCode::BAD_REQUEST, "unreadable query"), 0);
    };
    let page = match asked {
        Asked::List(stream) => match stream.provider() {
            Provider::Shop => shop::list(stream, &query, shared, &verdict.faults),
            Provider::Crm => crm::list(stream, &query, shared, &verdict.faults),
            Provider::Payments => payments::list(stream, request, &query, shared, &verdict.faults),
        },
        Asked::DealsWithNotes => crm::deals_with_notes(shared, &verdict.faults),
        Asked::Notes(deal) => Ok(crm::notes(deal, shared, &verdict.faults)),
    };
    match page {
        Ok(page) => {
            let records = page.records;
            (answer::page(page, &verdict.faults), records)
        }
        Err(why) => (answer::error(StatusCode::BAD_REQUEST, why), 0),
    }
}

fn credentials(provider: Provider, request: &HttpRequest) -> Option<String> {
    let header = |name: &str| request.headers().get(name)?.to_str().ok();
    let authorization = || header(header::AUTHORIZATION.as_str());
    match provider {
        Provider::Shop => header("x-api-key").map(str::to_owned),
        Provider::Crm => authorization()?.strip_prefix("Bearer ").map(str::to_owned),
        Provider::Payments => {
            let pair = STANDARD.decode(authorization()?.strip_prefix("Basic ")?).ok()?;
            let pair = String::from_utf8(pair).ok()?;
            pair.split_once(':').map(|(_, password)| password.to_owned())
        }
    }
}

fn limit(query: &Query, name: &str, usual: usize) -> Result<usize, &'static str> {
    let Some(wanted) = query.get(name) else { return Ok(usual) };
    wanted.parse().ok().filter(|wanted| (1..=1000).contains(wanted)).ok_or("a page has 1 to 1000 records")
}
