//! `RateLimitedMultipleTokenAuthenticator`: several tokens that are worth the same, each used as long as the source lets it.
//! What they have left is asked at first, counted here, and corrected by what answers say. [`super::quota`] decides.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration as Wait};

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use syncline_model::Fault;
use syncline_sdk::{HttpAnswer, HttpRequest, WaitReason};
use tokio::sync::Mutex;

use super::{
    Call,
    quota::{Pool, Quotas, Reserve, Said, Taken},
};
use crate::{
    budget::Matcher,
    dates::{Duration, Time, parse_any},
    node::Node,
    problem::Problem,
    request::{Extra, Requester},
    run::{Run, misconfigured},
    send::{Sent, send},
    template::{Scope, Template, python_str},
};

/// Several tokens with their quotas.
#[derive(Debug)]
pub struct Rotating {
    tokens: Given,
    kinds: Vec<Kind>,
    source: Requester,
    method: String,
    header: HeaderName,
    longest: Template,
    reserve: Reserve,
    /// What tells its quotas from those of others of the same job.
    identity: String,
}

#[derive(Debug)]
enum Given {
    One(Template, String),
    Many(Vec<Template>),
}

/// A `TokenQuota`.
#[derive(Debug)]
struct Kind {
    name: String,
    matchers: Vec<Matcher>,
    left: Vec<String>,
    reset: Vec<String>,
    limit: Option<Vec<String>>,
    left_header: Option<String>,
    reset_header: Option<String>,
    limit_header: Option<String>,
    spent: Vec<i64>,
}

/// The pools that were asked for, by token.
type Asked<'a> = Pin<Box<dyn Future<Output = Result<Vec<Vec<Pool>>, Fault>> + Send + 'a>>;

/// The quotas of a job's tokens, by what they were read from.
#[derive(Default)]
struct Shared(Mutex<std::collections::HashMap<String, Arc<Mutex<Quotas>>>>);

impl Rotating {
    pub(super) fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let tokens = match node.needed("tokens")?.value {
            Value::Array(tokens) => {
                Given::Many(tokens.iter().map(|one| node.template(&python_str(one), "tokens")).collect::<Result<_, _>>()?)
            }
            _ => Given::One(
                node.needed_text("tokens")?,
                node.word("token_delimiter").filter(|text| !text.is_empty()).unwrap_or(",").to_owned(),
            ),
        };
        let kinds: Vec<Kind> = node.children("quotas").iter().map(Kind::load).collect::<Result<_, _>>()?;
        if kinds.is_empty() {
            return Err(node.missing("quotas"));
        }
        let header = node.word("header").unwrap_or("Authorization");
        let number = |field: &str| node.get(field).and_then(Value::as_f64);
        let least = node.whole("budget_min_reserve")?.unwrap_or(50);
        let header = header.parse().map_err(|_| Problem::manifest(&node.below("header"), format!("`{header}` is no header")))?;
        Ok(Self {
            tokens,
            kinds,
            source: status_of(&node.needed("quota_status_source")?)?,
            method: node.word("auth_method").filter(|text| !text.is_empty()).unwrap_or("Bearer").to_owned(),
            header,
            longest: node.text("max_wait_time")?.map_or_else(|| node.template("PT2H", "max_wait_time"), Ok)?,
            reserve: Reserve { fraction: number("budget_reserve_fraction").unwrap_or(0.1), least },
            identity: format!("{:?};{:?};{:?}", node.get("tokens"), node.get("quotas"), node.get("quota_status_source")),
        })
    }

    fn tokens(&self, scope: &Scope) -> Result<Vec<String>, Fault> {
        let texts = match &self.tokens {
            Given::One(all, delimiter) => all.text(scope)?.split(delimiter.as_str()).map(str::to_owned).collect(),
            Given::Many(tokens) => tokens.iter().map(|token| token.text(scope)).collect::<Result<Vec<_>, _>>()?,
        };
        let tokens: Vec<String> = texts.iter().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect();
        if tokens.is_empty() { Err(misconfigured("the settings hold no token")) } else { Ok(tokens) }
    }

    /// Which kind a request is of: the first that a matcher holds for, or else the first that has none.
    fn kind(&self, request: &HttpRequest) -> usize {
        let holds = |kind: &Kind| kind.matchers.iter().any(|matcher| matcher.matches(request));
        let matched = self.kinds.iter().position(holds);
        matched.or_else(|| self.kinds.iter().position(|kind| kind.matchers.is_empty())).unwrap_or_default()
    }

    async fn quotas(&self, call: &Call<'_>) -> Arc<Mutex<Quotas>> {
        let shared = call.context.shared.get::<Shared>();
        let mut all = shared.0.lock().await;
        Arc::clone(all.entry(self.identity.clone()).or_default())
    }

    /// Puts a token into a request, and waits where none has any calls left.
    pub(super) async fn sign(&self, call: &Call<'_>, request: &mut HttpRequest) -> Result<(), Fault> {
        let tokens = self.tokens(call.scope)?;
        let kind = self.kind(request);
        let text = self.longest.text(call.scope)?;
        let longest = Duration::parse(&text).filter(|time| !time.goes_by_the_calendar()).and_then(Duration::micros);
        let longest = longest.and_then(|micros| u64::try_from(micros).ok()).map(Wait::from_micros);
        let longest = longest.ok_or_else(|| misconfigured(format!("`max_wait_time` is `{text}`, and must be a duration like `PT2H`")))?;
        let place = self.quotas(call).await;
        let mut waited = Wait::ZERO;
        loop {
            let taken = {
                let mut quotas = place.lock().await;
                if quotas.pools.is_empty() {
                    quotas.pools = self.ask(call, &tokens).await?;
                }
                let left = longest.saturating_sub(waited);
                quotas.take(kind, jiff::Timestamp::now(), left, self.reserve)
            };
            match taken {
                Taken::Token(token, wait) => {
                    if !wait.is_zero() {
                        call.context.patience.wait(WaitReason::Limit, wait).await?;
                    }
                    return self.put(request, tokens.get(token).map(String::as_str).unwrap_or_default());
                }
                Taken::Wait(wait) => {
                    call.context.patience.wait(WaitReason::Limit, wait).await?;
                    waited += wait;
                    // Somebody else may have asked anew meanwhile.
                    place.lock().await.forget_if_spent(kind);
                }
                Taken::TooLong => return Err(Fault::Unavailable("no token has any calls left, and there are more only later".to_owned())),
            }
        }
    }

    fn proof(&self, token: &str) -> String {
        format!("{} {token}", self.method).trim().to_owned()
    }

    fn put(&self, request: &mut HttpRequest, token: &str) -> Result<(), Fault> {
        let value = HeaderValue::from_str(&self.proof(token)).map_err(|_| misconfigured("a token cannot be sent in a header"))?;
        request.headers.insert(self.header.clone(), value);
        Ok(())
    }

    /// Asks for each token what it has left.
    fn ask<'a>(&'a self, call: &'a Call<'_>, tokens: &'a [String]) -> Asked<'a> {
        Box::pin(async move {
            let run = Run { base: call.scope.clone(), ..Run::new(call.context, Value::Null) };
            let mut made = Vec::new();
            for token in tokens {
                let mut extra = Extra::default();
                extra.parts.headers.insert(self.header.to_string(), Value::String(self.proof(token)));
                let pools = match send(&run, "quota_status", &self.source, call.scope, &extra).await? {
                    Sent::Answer(answer) => self.pools(&answer)?,
                    _ => vec![Pool::uncounted(jiff::Timestamp::now()); self.kinds.len()],
                };
                made.push(pools);
            }
            Ok(made)
        })
    }

    fn pools(&self, answer: &HttpAnswer) -> Result<Vec<Pool>, Fault> {
        let document: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| Fault::Unusable("the answer about the tokens' quotas is no JSON".to_owned()))?;
        self.kinds.iter().map(|kind| kind.pool(&document)).collect()
    }

    /// An answer to a request with one of the tokens. Says whether another token can be tried at once.
    pub(super) async fn hear(&self, call: &Call<'_>, request: &HttpRequest, answer: &HttpAnswer) -> Result<bool, Fault> {
        let tokens = self.tokens(call.scope)?;
        let sent = request.headers.get(&self.header).and_then(|value| value.to_str().ok());
        let Some(token) = tokens.iter().position(|token| Some(self.proof(token).as_str()) == sent) else { return Ok(false) };
        let at = self.kind(request);
        let place = self.quotas(call).await;
        let mut quotas = place.lock().await;
        let Some(kind) = self.kinds.get(at) else { return Ok(false) };
        quotas.hear(token, at, kind.said(answer), kind.spent.contains(&i64::from(answer.status.as_u16())));
        Ok(quotas.has_another(token, at))
    }
}

impl Kind {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let path = |field: &str| {
            let names = node.get(field)?.as_array()?;
            Some(names.iter().map(python_str).collect())
        };
        let header = |field: &str| node.word(field).map(str::to_owned);
        let codes = node.get("exhaustion_status_codes").and_then(Value::as_array);
        Ok(Self {
            name: node.word("name").unwrap_or_default().to_owned(),
            matchers: node.children("matchers").iter().map(Matcher::load).collect::<Result<_, _>>()?,
            left: path("remaining_path").ok_or_else(|| node.missing("remaining_path"))?,
            reset: path("reset_path").ok_or_else(|| node.missing("reset_path"))?,
            limit: path("limit_path"),
            left_header: header("remaining_header"),
            reset_header: header("reset_header"),
            limit_header: header("limit_header"),
            spent: codes.into_iter().flatten().filter_map(Value::as_i64).collect(),
        })
    }

    fn pool(&self, document: &Value) -> Result<Pool, Fault> {
        let at = |path: &[String]| {
            let found = path.iter().try_fold(document, |at, name| at.as_object()?.get(name));
            let missing =
                || Fault::Unusable(format!("the answer about the tokens' quotas has no `{}` for `{}`", path.join("."), self.name));
            found.map(python_str).ok_or_else(missing)
        };
        let whole = |text: String| {
            let number = text.trim().parse::<i64>();
            number.map_err(|_| Fault::Unusable(format!("the quota `{}` is `{text}`, and must be a whole number", self.name)))
        };
        let (left, reset) = (whole(at(&self.left)?)?, at(&self.reset)?);
        let limit = self.limit.as_ref().map(|path| at(path).and_then(whole)).transpose()?.unwrap_or(left);
        let reset = parse_any(&reset).map(Time::timestamp).ok_or_else(|| Fault::Unusable(format!("`{reset}` is no time of resetting")))?;
        Ok(Pool { left, reset, limit, counted: true })
    }

    fn said(&self, answer: &HttpAnswer) -> Said {
        let header = |name: &Option<String>| answer.headers.get(name.as_ref()?)?.to_str().ok();
        let whole = |name: &Option<String>| header(name)?.trim().parse::<i64>().ok();
        Said {
            left: whole(&self.left_header),
            reset: header(&self.reset_header).and_then(parse_any).map(Time::timestamp),
            limit: whole(&self.limit_header),
        }
    }
}

/// The request that asks what a token has left.
fn status_of(node: &Node<'_>) -> Result<Requester, Problem> {
    let field = |name: &str| node.get(name).cloned();
    let mut made =
        json!({"type": "HttpRequester", "url": field("url"), "http_method": field("http_method").unwrap_or_else(|| "GET".into())});
    if let Some(headers) = field("request_headers") {
        made["request_headers"] = headers;
    }
    if let Some(codes) = field("unavailable_status_codes") {
        let filter = json!({"type": "HttpResponseFilter", "http_codes": codes, "action": "IGNORE"});
        made["error_handler"] = json!({"type": "DefaultErrorHandler", "response_filters": [filter]});
    }
    Requester::load(&made, &node.path)
}
