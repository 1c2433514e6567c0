//! What an answer means: the error handlers of a requester, and how long to wait before the next try.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use syncline_sdk::HttpAnswer;

use crate::{
    node::Node,
    problem::Problem,
    template::{Scope, Template},
};

/// What to do with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Use it.
    Success,
    /// Leave it out, and say so.
    Ignore,
    /// Try again.
    Retry,
    /// Try again, and it was a limit.
    RateLimited,
    /// Give up; the owner must change something if `config`.
    Fail,
    ReducePageSize,
    SplitRequestWindow,
    ResetPagination,
    RefreshTokenThenRetry,
}

#[derive(Debug, Clone)]
struct Filter {
    codes: Vec<u16>,
    contains: Option<String>,
    predicate: Option<Template>,
    action: Option<Action>,
    config: Option<bool>,
    message: Option<Template>,
}

#[derive(Debug, Clone)]
enum Backoff {
    Constant(Template),
    Exponential(Template),
    FromHeader(Template),
    UntilHeader(Template),
}

/// The handlers of a requester, in order.
#[derive(Debug, Clone)]
pub struct ErrorHandlers {
    filters: Vec<Filter>,
    backoffs: Vec<Backoff>,
    /// How many times a request is tried again.
    pub retries_max: u32,
}

const RETRIES: u32 = 5;

impl ErrorHandlers {
    /// Reads them; without any, the defaults hold.
    pub fn load(node: Option<&Value>, path: &str) -> Result<Self, Problem> {
        let mut handlers = Self { filters: Vec::new(), backoffs: Vec::new(), retries_max: RETRIES };
        let Some(node) = node.filter(|node| !node.is_null()) else { return Ok(handlers) };
        let single = [node.clone()];
        let nodes = node.get("error_handlers").and_then(Value::as_array).map_or(&single[..], Vec::as_slice);
        for (index, node) in nodes.iter().enumerate() {
            let here = format!("{path}[{index}]");
            for filter in list(node, "response_filters") {
                handlers.filters.push(load_filter(filter, &here)?);
            }
            for backoff in list(node, "backoff_strategies") {
                handlers.backoffs.push(load_backoff(backoff, &here)?);
            }
            if index == 0
                && let Some(retries) = node.get("max_retries").and_then(Value::as_u64)
            {
                handlers.retries_max = u32::try_from(retries).unwrap_or(u32::MAX);
            }
        }
        Ok(handlers)
    }

    pub fn judge(&self, answer: &Result<HttpAnswer, syncline_model::Fault>, scope: &Scope) -> Verdict {
        let answer = match answer {
            Ok(answer) => answer,
            Err(fault) => {
                let action = if matches!(fault, syncline_model::Fault::Unavailable(_)) { Action::Retry } else { Action::Fail };
                return Verdict { action, config: false, message: None };
            }
        };
        let response: Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| serde_json::json!({}));
        let headers = answer
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), Value::String(String::from_utf8_lossy(value.as_bytes()).into_owned())));
        let scope = scope
            .clone()
            .with("response", std::sync::Arc::new(response))
            .with("headers", std::sync::Arc::new(Value::Object(headers.collect())));
        for filter in &self.filters {
            if filter.matches(answer, &scope) {
                let message = filter.message.as_ref().and_then(|message| message.text(&scope).ok());
                let by = by_status(answer.status);
                return Verdict { action: filter.action.clone().unwrap_or(by.action), config: filter.config.unwrap_or(by.config), message };
            }
        }
        by_status(answer.status)
    }

    pub fn wait(&self, answer: Option<&HttpAnswer>, attempt: u32, scope: &Scope) -> Duration {
        let second = Duration::from_secs(1);
        for backoff in &self.backoffs {
            if let Some(wait) = answer.and_then(|answer| backoff.wait(answer, attempt, scope)) {
                return wait + second;
            }
        }
        Duration::from_secs(1 << attempt.saturating_sub(1).min(6)) + second
    }
}

#[derive(Debug, Clone)]
pub struct Verdict {
    pub action: Action,
    pub config: bool,
    pub message: Option<String>,
}
impl Verdict {
    pub fn fault(self, answer: &Result<HttpAnswer, syncline_model::Fault>) -> syncline_model::Fault {
        use syncline_model::Fault;
        let status = match answer {
            Ok(answer) => answer.status.as_u16(),
            Err(fault) => return fault.clone(),
        };
        let message = self.message.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("the source answered {status}"));
        match (status, self.config) {
            (401, _) => Fault::Unauthorized(message),
            (_, true) => Fault::Misconfigured(message),
            (_, false) => Fault::Unusable(message),
        }
    }
}

fn by_status(status: StatusCode) -> Verdict {
    let make = |action, config| Verdict { action, config, message: None };
    match status.as_u16() {
        200..=399 => make(Action::Success, false),
        400 | 404 | 405 => make(Action::Fail, false),
        401 | 403 => make(Action::Fail, true),
        429 => make(Action::RateLimited, false),
        _ => make(Action::Retry, false),
    }
}

impl Filter {
    fn matches(&self, answer: &HttpAnswer, scope: &Scope) -> bool {
        let by_code = self.codes.contains(&answer.status.as_u16());
        let by_text = self.contains.as_ref().is_some_and(|wanted| String::from_utf8_lossy(&answer.body).contains(wanted.as_str()));
        by_code || by_text || self.predicate.as_ref().is_some_and(|predicate| predicate.holds(scope).unwrap_or(false))
    }
}

impl Backoff {
    fn wait(&self, answer: &HttpAnswer, attempt: u32, scope: &Scope) -> Option<Duration> {
        let seconds = |template: &Template| seconds(&template.text(scope).ok()?);
        let header = |template: &Template| Some(answer.headers.get(template.text(scope).ok()?)?.to_str().ok()?.to_owned());
        match self {
            Self::Constant(wait) => seconds(wait),
            Self::Exponential(factor) => Some(seconds(factor)?.saturating_mul(1 << attempt.min(10))),
            Self::FromHeader(name) => self::seconds(&header(name)?),
            Self::UntilHeader(name) => {
                let until = self::seconds(&header(name)?)?;
                let now = Duration::try_from(jiff::Timestamp::now().as_duration()).ok()?;
                Some(until.saturating_sub(now))
            }
        }
    }
}

/// A number of seconds, with a fraction or without.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let whole: u64 = whole.parse().ok()?;
    let milliseconds: u64 = if fraction.is_empty() { 0 } else { format!("{fraction:0<3}").get(..3)?.parse().ok()? };
    Some(Duration::from_millis(whole.checked_mul(1000)? + milliseconds))
}

fn list<'a>(node: &'a Value, field: &str) -> &'a [Value] {
    node.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn load_filter(node: &Value, path: &str) -> Result<Filter, Problem> {
    let code = |code: &Value| {
        code.to_string().trim_matches('"').parse().map_err(|_| Problem::manifest(path, format!("`{code}` is no HTTP status")))
    };
    let config = node.get("failure_type").and_then(Value::as_str).map(|kind| kind == "config_error");
    let action = match node.get("action").and_then(Value::as_str) {
        None => None,
        Some("SUCCESS") => Some(Action::Success),
        Some("IGNORE") => Some(Action::Ignore),
        Some("RETRY") => Some(Action::Retry),
        Some("RATE_LIMITED") => Some(Action::RateLimited),
        Some("FAIL") => Some(Action::Fail),
        Some(other) => {
            let hint = syncline_model::nearest::hint(other, ["SUCCESS", "IGNORE", "RETRY", "RATE_LIMITED", "FAIL"]);
            return Err(Problem::manifest(path, format!("unknown action `{other}`{hint}")));
        }
    };
    Ok(Filter {
        codes: list(node, "http_codes").iter().map(code).collect::<Result<_, _>>()?,
        contains: node.get("error_message_contains").and_then(Value::as_str).map(str::to_owned),
        predicate: Node::new(node, path).text("predicate")?,
        action,
        config,
        message: Node::new(node, path).text("error_message")?,
    })
}

fn load_backoff(node: &Value, path: &str) -> Result<Backoff, Problem> {
    let needed = |field: &str| Node::new(node, path).text(field)?.ok_or_else(|| Problem::manifest(path, format!("`{field}` is missing")));
    match node.get("type").and_then(Value::as_str).unwrap_or_default() {
        "ConstantBackoffStrategy" => Ok(Backoff::Constant(needed("backoff_time_in_seconds")?)),
        "ExponentialBackoffStrategy" => {
            Ok(Backoff::Exponential(Node::new(node, path).text("factor")?.unwrap_or_else(|| Template::plain("5"))))
        }
        "WaitTimeFromHeader" => Ok(Backoff::FromHeader(needed("header")?)),
        "WaitUntilTimeFromHeader" => Ok(Backoff::UntilHeader(needed("header")?)),
        other => {
            let known = ["ConstantBackoffStrategy", "ExponentialBackoffStrategy", "WaitTimeFromHeader", "WaitUntilTimeFromHeader"];
            Err(Problem::manifest(path, format!("unknown backoff strategy `{other}`{}", syncline_model::nearest::hint(other, known))))
        }
    }
}
