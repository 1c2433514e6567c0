//! Sends a request as often as its manifest says, and tells what came of it.

use std::{path::Path, sync::Arc, time::Duration};

use http::{Method, header::AUTHORIZATION};
use serde_json::{Map, Value};
use syncline_model::Fault;
use syncline_sdk::{HttpAnswer, WaitReason};

use crate::{
    auth::{Authenticator, Call},
    cache::{self, Answers},
    errors::{Action, Tries, Verdict},
    request::{Extra, Requester},
    run::Run,
    template::Scope,
};

/// What came of a request.
#[derive(Debug)]
pub enum Sent {
    /// An answer with something in it.
    Answer(HttpAnswer),
    /// An answer that the manifest leaves out.
    Nothing,
    /// The page is too large for the source; its words.
    SmallerPage(String),
    /// The window is too long for the source; its words.
    ShorterWindow(String),
    /// The pagination must begin anew.
    Restart,
}

/// A file that an answer goes into.
pub struct Target<'a> {
    /// Where it is made.
    pub path: &'a Path,
    /// How large it may be.
    pub bytes_max: u64,
}

/// Sends a request for a stream.
pub async fn send(run: &Run, stream: &str, requester: &Requester, scope: &Scope, extra: &Extra) -> Result<Sent, Fault> {
    exchange(run, stream, requester, scope, extra, None).await
}

/// The same, where the body of a good answer goes into a file.
pub async fn save(run: &Run, stream: &str, requester: &Requester, scope: &Scope, target: &Target<'_>) -> Result<Sent, Fault> {
    exchange(run, stream, requester, scope, &Extra::default(), Some(target)).await
}

async fn exchange(
    run: &Run,
    stream: &str,
    requester: &Requester,
    scope: &Scope,
    extra: &Extra,
    target: Option<&Target<'_>>,
) -> Result<Sent, Fault> {
    let (mut tries, mut renewed) = (Tries::default(), None);
    loop {
        let request = requester.request(&run.context, scope, extra).await?;
        let key = (requester.use_cache && request.method == Method::GET && target.is_none()).then(|| cache::key(&request));
        let kept = key.as_ref().and_then(|key| run.context.shared.get::<Answers>().get(key));
        if let Some(answer) = kept {
            return Ok(Sent::Answer(answer));
        }
        let proof = request.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let call = Call { context: &run.context, scope };
        let asked = if requester.authenticator.rotates(&call)? { Some(request.clone()) } else { None };
        let answer = match target {
            Some(target) => run.context.http.save(request, target.path, target.bytes_max).await,
            None => run.context.http.send(request).await,
        };
        let another = match (&asked, &answer) {
            (Some(asked), Ok(answer)) => requester.authenticator.hear(&call, asked, answer).await?,
            _ => false,
        };
        let verdict = requester.errors.judge(&answer, scope);
        let action = verdict.action;
        let (fault, reason) = match act(run, stream, verdict, &answer)? {
            Next::Done(sent) => {
                if let (Some(key), Sent::Answer(answer)) = (key, &sent) {
                    run.context.shared.get::<Answers>().put(key, answer);
                }
                return Ok(sent);
            }
            Next::Refresh(fault) => match renewed {
                Some(last) => return Err(last),
                None => {
                    renewed = renew(&requester.authenticator, &call, proof.as_deref()).await?;
                    (fault, WaitReason::Retry)
                }
            },
            Next::Again(fault, reason) => (fault, reason),
        };
        let Some(time) = tries.next(&requester.errors, scope, action, answer.as_ref().ok(), another)? else { return Err(fault) };
        run.context.patience.wait(reason, time).await?;
    }
}

/// Replaces a token that was refused. Says what it means if the next request is refused as well; nothing, if there is no token to replace.
async fn renew(authenticator: &Authenticator, call: &Call<'_>, proof: Option<&str>) -> Result<Option<Fault>, Fault> {
    match authenticator.renew(call, proof).await {
        // A fresh token that is refused as well will not be accepted the third time.
        Ok(true) => Ok(Some(Fault::Unauthorized("the source refuses even a fresh token".to_owned()))),
        Ok(false) => Ok(None),
        // That the token endpoint does not work says nothing about the token: it is tried once more.
        Err(fault @ (Fault::Unavailable(_) | Fault::Throttled(_) | Fault::Unusable(_))) => {
            Ok(Some(Fault::Unavailable(format!("the token is refused, and there is no other: {fault}"))))
        }
        Err(fault) => Err(fault),
    }
}

enum Next {
    Done(Sent),
    Refresh(Fault),
    Again(Fault, WaitReason),
}

fn act(run: &Run, stream: &str, verdict: Verdict, answer: &Result<HttpAnswer, Fault>) -> Result<Next, Fault> {
    let message = verdict.message.clone().unwrap_or_default();
    let status = answer.as_ref().map(|answer| answer.status.as_u16()).unwrap_or_default();
    let usable = |answer: &HttpAnswer| {
        // An answer that counts as none although it was let pass ends the pages.
        if answer.status.as_u16() < 400 { Sent::Answer(answer.clone()) } else { Sent::Nothing }
    };
    match (verdict.action, answer) {
        (Action::Success, Ok(answer)) => Ok(Next::Done(usable(answer))),
        (Action::Ignore, Ok(answer)) => {
            run.context.patience.skipped(&format!("a request of `{stream}` was answered {status} and left out, as the connector says"));
            Ok(Next::Done(usable(answer)))
        }
        (Action::Ignore | Action::Success, Err(fault)) => {
            run.context
                .patience
                .skipped(&format!("a request of `{stream}` had no answer and was left out, as the connector says: {fault}"));
            Ok(Next::Done(Sent::Nothing))
        }
        (Action::Fail, _) => Err(verdict.fault(answer)),
        (Action::ReducePageSize, _) => Ok(Next::Done(Sent::SmallerPage(message))),
        (Action::SplitRequestWindow, _) => Ok(Next::Done(Sent::ShorterWindow(message))),
        (Action::ResetPagination, _) => Ok(Next::Done(Sent::Restart)),
        (Action::RefreshTokenThenRetry, _) => Ok(Next::Refresh(Fault::Unauthorized("the source refuses even a fresh token".to_owned()))),
        (Action::Retry, Ok(_)) if verdict.config => Ok(Next::Again(verdict.fault(answer), WaitReason::Retry)),
        // What a source says of a request does not pass by itself, unless it is that it has no time.
        (Action::Retry, Ok(_)) if matches!(status, 400..=407 | 409..=428 | 430..=499) => {
            Ok(Next::Again(Fault::Unusable(said(status, &message)), WaitReason::Retry))
        }
        (Action::Retry, Ok(_)) => Ok(Next::Again(Fault::Unavailable(said(status, &message)), WaitReason::Retry)),
        (Action::RateLimited, Ok(_)) => Ok(Next::Again(Fault::Throttled(Duration::from_secs(60)), WaitReason::Limit)),
        (Action::Retry | Action::RateLimited, Err(fault)) => Ok(Next::Again(fault.clone(), WaitReason::Retry)),
    }
}

fn said(status: u16, message: &str) -> String {
    if message.is_empty() { format!("the source answered {status}") } else { message.to_owned() }
}

/// What templates see of the page that is asked for.
pub fn with_token(scope: Scope, token: Option<&Value>) -> Scope {
    let token = match token {
        Some(token) => Value::Object(Map::from_iter([("next_page_token".to_owned(), token.clone())])),
        None => Value::Null,
    };
    scope.with("next_page_token", Arc::new(token))
}

#[cfg(test)]
mod tests;
