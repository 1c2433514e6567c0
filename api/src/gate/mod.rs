//! The only way from a request to a handler. A handler takes one argument, [`Allowed`], which exists only for a caller that was found,
//! has the needed role, and may know of the row that the path names; everything a handler works with is reached through it.
//! So a handler that forgets the check has nothing to work with, and does not compile where routes are listed.

mod caller;
mod once;
mod reach;
mod role;

use std::{future::Future, marker::PhantomData, panic::AssertUnwindSafe, sync::Arc};

use actix_web::{HttpRequest, HttpResponse, http::Method, web};
use futures::FutureExt;
use jiff::Timestamp;
use syncline_store::{Act, ApiKey, Role, Store};
use tracing::error;

pub(crate) use caller::FailedAttempts;
pub(crate) use reach::{Installation, OneIntegration, OneJob, OneTenant, Reach, Wherever};
pub(crate) use role::{Admin, Needed, Operator, Owner, Viewer};

use crate::{
    http::{answer::Answer, input, input::Input, request_id::RequestId},
    metrics,
    parts::{Parts, Tools},
    problem::{Code, Problem},
};

/// A permitted request: who asks, what it is about, and what came with it.
pub(crate) struct Allowed<R, S, I = ()> {
    /// What the path names, as far as this caller may see it.
    pub(crate) reach: S,
    /// What came with the request.
    pub(crate) input: I,
    /// Who asks.
    pub(crate) caller: ApiKey,
    /// What work is done with.
    pub(crate) tools: Arc<Tools>,
    request: HttpRequest,
    role: PhantomData<R>,
}

impl<R, S, I> Allowed<R, S, I> {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.request.headers().get(name)?.to_str().ok()
    }

    /// The revision that `If-Match` wants.
    pub(crate) fn if_match(&self) -> Result<Option<syncline_model::Revision>, Problem> {
        Ok(crate::http::request_id::if_match(self.request.headers())?.map(syncline_model::Revision))
    }

    /// A part of the path.
    pub(crate) fn path<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, Problem> {
        let text = self.request.match_info().query(name);
        text.parse().map_err(|_| Problem::not_found(name, text))
    }
}

/// A handler with its name, which is its operation in the OpenAPI document, and the role it needs.
pub(crate) struct Entry {
    pub(crate) operation: &'static str,
    pub(crate) role: Option<Role>,
    pub(crate) route: actix_web::Route,
}

/// A handler for permitted callers.
pub(crate) fn guarded<R, S, I, F, Fut>(operation: &'static str, handler: F) -> Entry
where
    R: Needed,
    S: Reach,
    I: Input,
    F: Fn(Allowed<R, S, I>) -> Fut + Clone + 'static,
    Fut: Future<Output = Result<Answer, Problem>> + 'static,
{
    let route = web::to(move |request: HttpRequest, payload: web::Payload| {
        let handler = handler.clone();
        async move {
            let work = admit(operation, request.clone(), payload, handler);
            finish(&request, work).await
        }
    });
    Entry { operation, role: Some(R::ROLE), route }
}

/// A handler for everybody: it gets what it is given here, and nothing of a tenant.
pub(crate) fn open<F, Fut>(operation: &'static str, handler: F) -> Entry
where
    F: Fn(Parts) -> Fut + Clone + 'static,
    Fut: Future<Output = HttpResponse> + 'static,
{
    let route = web::to(move |parts: web::Data<Parts>| handler(Parts::clone(&parts)));
    Entry { operation, role: None, route }
}

/// A handler for everybody that sees the whole request, because what is in it must prove who sent it.
pub(crate) fn proven<F, Fut>(operation: &'static str, handler: F) -> Entry
where
    F: Fn(HttpRequest, web::Payload) -> Fut + Clone + 'static,
    Fut: Future<Output = HttpResponse> + 'static,
{
    let route = web::to(move |request: HttpRequest, payload: web::Payload| {
        let handler = handler.clone();
        async move {
            let request_id = RequestId::of(&request);
            match AssertUnwindSafe(handler(request, payload)).catch_unwind().await {
                Ok(answer) => answer,
                Err(_) => {
                    metrics::PANICS_TOTAL.inc();
                    error!(request_id, "a handler panicked");
                    Problem::new(Code::Internal).answer(&request_id)
                }
            }
        }
    });
    Entry { operation, role: None, route }
}

async fn admit<R, S, I, F, Fut>(operation: &'static str, request: HttpRequest, payload: web::Payload, handler: F) -> Result<Answer, Problem>
where
    R: Needed,
    S: Reach,
    I: Input,
    F: Fn(Allowed<R, S, I>) -> Fut + Clone + 'static,
    Fut: Future<Output = Result<Answer, Problem>> + 'static,
{
    let parts = request.app_data::<web::Data<Parts>>().ok_or(Problem::new(Code::Internal))?;
    let (store, tools) = (parts.store.clone(), Arc::clone(&parts.tools));
    let caller::Known { key, text } = caller::know(&request, parts).await?;
    S::admits(&key, request.match_info())?;
    if !key.role.may(R::ROLE) {
        return Err(Problem::role_too_low(R::ROLE.as_str()));
    }
    let reach = S::find(&store, &key, request.match_info()).await?;
    let body = if I::HAS_BODY { input::body(&request, &mut payload.into_inner(), parts.body_bytes_max).await? } else { web::Bytes::new() };
    let input = I::read(&request, &body)?;
    let once = once::Once::of(&request, &store, &key, &text, &body)?;
    let act = act(operation, &request, &key);
    let work = handler(Allowed { reach, input, caller: key, tools, request, role: PhantomData });
    let Some((act, location)) = act else { return work.await };
    // What changes something is done to its end and written down, even if the caller does not wait for it.
    let done = actix_web::rt::spawn(once.run(async move {
        let answer = work.await?;
        let target = answer.location.as_deref().map_or(location, |made| without_base(made).to_owned());
        write_down(&store, Act { target, ..act }).await?;
        Ok(answer)
    }));
    done.await.unwrap_or_else(|_| Err(Problem::new(Code::Internal)))
}

async fn finish(request: &HttpRequest, work: impl Future<Output = Result<Answer, Problem>>) -> HttpResponse {
    let request_id = RequestId::of(request);
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(answer)) => answer.response(),
        Ok(Err(problem)) => problem.answer(&request_id),
        Err(_) => {
            metrics::PANICS_TOTAL.inc();
            error!(request_id, "a handler panicked");
            Problem::new(Code::Internal).answer(&request_id)
        }
    }
}

/// What the audit chain will say of this request, if it changes anything.
fn act(operation: &str, request: &HttpRequest, key: &ApiKey) -> Option<(Act, String)> {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method()) {
        return None;
    }
    let target = without_base(request.path()).to_owned();
    let tenant = request.match_info().get("tenant").and_then(|text| text.parse().ok()).or_else(|| key.tenant.clone());
    Some((Act { who: format!("key/{}", key.id), what: operation.to_owned(), target: target.clone(), tenant }, target))
}

fn without_base(path: &str) -> &str {
    path.strip_prefix("/api/v1").unwrap_or(path)
}

async fn write_down(store: &Store, act: Act) -> Result<(), Problem> {
    let what = act.what.clone();
    store.audit().record(act, Timestamp::now()).await.map(drop).map_err(|fault| {
        error!(what, "`{what}` was done, and could not be written into the audit chain: {fault}");
        Problem::because(Code::Unavailable, "it was done, but could not be written into the audit chain")
    })
}
