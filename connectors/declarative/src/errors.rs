//! What an answer means: the error handlers of a requester, and how long to wait before the next try.

use std::{sync::Arc, time::Duration};

use http::StatusCode;
use regex::Regex;
use serde_json::{Value, json};
use syncline_model::Fault;
use syncline_sdk::HttpAnswer;

use crate::{
    node::Node,
    problem::Problem,
    template::{Scope, Template, is_truthy},
};

/// What to do with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Use it.
    Success,
    /// Leave it out, and say so.
    Ignore,
    /// Try again.
    Retry,
    /// Try again, and it was a limit.
    RateLimited,
    /// Give up.
    Fail,
    /// Ask for a smaller page.
    ReducePageSize,
    /// Ask for a shorter window.
    SplitRequestWindow,
    /// Begin the pages anew.
    ResetPagination,
    /// Fetch a new token and try again.
    RefreshTokenThenRetry,
}

const ACTIONS: [(&str, Action); 9] = [
    ("SUCCESS", Action::Success),
    ("IGNORE", Action::Ignore),
    ("RETRY", Action::Retry),
    ("RATE_LIMITED", Action::RateLimited),
    ("FAIL", Action::Fail),
    ("REDUCE_PAGE_SIZE", Action::ReducePageSize),
    ("SPLIT_REQUEST_WINDOW", Action::SplitRequestWindow),
    ("RESET_PAGINATION", Action::ResetPagination),
    ("REFRESH_TOKEN_THEN_RETRY", Action::RefreshTokenThenRetry),
];

/// What came of looking at an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// What to do.
    pub action: Action,
    /// Who is to blame, if it fails.
    pub blame: Blame,
    /// What the manifest says about it.
    pub message: Option<String>,
}

/// Who is to blame for a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The owner's settings.
    Config,
    /// The source, for now.
    Transient,
    /// The source, or the manifest.
    System,
}

impl Verdict {
    fn new(action: Action, blame: Blame) -> Self {
        Self { action, blame, message: None }
    }

    /// The fault that ends the stream.
    pub fn fault(self, answer: &Result<HttpAnswer, Fault>) -> Fault {
        let status = match answer {
            Ok(answer) => answer.status.as_u16(),
            Err(fault) => return fault.clone(),
        };
        let message = self.message.filter(|text| !text.is_empty()).unwrap_or_else(|| format!("the source answered {status}"));
        match (status, self.blame) {
            (401, _) => Fault::Unauthorized(message),
            (_, Blame::Config) => Fault::Misconfigured(message),
            (_, Blame::Transient) => Fault::Unavailable(message),
            (_, Blame::System) => Fault::Unusable(message),
        }
    }
}

#[derive(Debug, Clone)]
struct Filter {
    codes: Vec<u16>,
    contains: Option<String>,
    predicate: Option<Template>,
    action: Option<Action>,
    blame: Option<Blame>,
    message: Option<Template>,
}

#[derive(Debug, Clone)]
enum Backoff {
    Constant(Template),
    Exponential(Template),
    FromHeader { header: Header, most: Option<Template> },
    UntilHeader { header: Header, least: Option<Template>, most: Option<Template> },
    FromResponse { wait: Template, most: Option<Template> },
}

/// A number in a header.
#[derive(Debug, Clone)]
struct Header {
    name: Template,
    pattern: Option<Template>,
}

/// The handlers of a requester, in order.
#[derive(Debug, Clone)]
pub struct ErrorHandlers {
    handlers: Vec<Vec<Filter>>,
    backoffs: Vec<Backoff>,
    retries_max: Option<Template>,
}

const RETRIES: u32 = 5;
/// No wait is longer than what a person would wait for.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

impl ErrorHandlers {
    /// Reads them; without any, the defaults hold.
    pub fn load(node: Option<&Value>, path: &str) -> Result<Self, Problem> {
        let mut made = Self { handlers: Vec::new(), backoffs: Vec::new(), retries_max: None };
        if let Some(node) = node.filter(|node| !node.is_null()) {
            made.add(&Node::new(node, path))?;
        }
        Ok(made)
    }

    fn add(&mut self, node: &Node<'_>) -> Result<(), Problem> {
        match node.kind() {
            "CompositeErrorHandler" => return node.children("error_handlers").iter().try_for_each(|inner| self.add(inner)),
            "DefaultErrorHandler" | "" => {}
            _ => return Err(node.unknown("error handler", &["DefaultErrorHandler", "CompositeErrorHandler"])),
        }
        if self.handlers.is_empty() {
            self.retries_max = node.text("max_retries")?;
        }
        self.handlers.push(node.children("response_filters").iter().map(Filter::load).collect::<Result<_, _>>()?);
        for backoff in node.children("backoff_strategies") {
            self.backoffs.push(Backoff::load(&backoff)?);
        }
        Ok(())
    }

    /// How many times a request is tried again.
    pub fn retries_max(&self, scope: &Scope) -> u32 {
        let said = self.retries_max.as_ref().and_then(|retries| retries.text(scope).ok()?.trim().parse().ok());
        said.unwrap_or(RETRIES)
    }

    /// What to do with an answer, or with the fault that came instead of one. Each handler is asked, its defaults included; one that
    /// fails or sees a limit lets the next one speak.
    pub fn judge(&self, answer: &Result<HttpAnswer, Fault>, scope: &Scope) -> Verdict {
        let answer = match answer {
            Ok(answer) => answer,
            Err(Fault::Unavailable(_)) => return Verdict::new(Action::Retry, Blame::System),
            Err(_) => return Verdict::new(Action::Fail, Blame::System),
        };
        let scope = &seen(answer, scope, self.handlers.iter().flatten().any(Filter::looks_inside));
        let mut last = None;
        for filters in &self.handlers {
            let found = filters.iter().find_map(|filter| filter.verdict(answer, scope));
            let verdict = found.unwrap_or_else(|| by_status(answer.status));
            if !matches!(verdict.action, Action::Fail | Action::RateLimited | Action::RefreshTokenThenRetry) {
                return verdict;
            }
            last = Some(verdict);
        }
        last.unwrap_or_else(|| by_status(answer.status))
    }

    /// How long to wait before try number `attempt` (1 is the first repetition), with a second on top as the reference does. A fault if
    /// the manifest does not allow to wait so long.
    pub fn wait(&self, answer: Option<&HttpAnswer>, attempt: u32, scope: &Scope) -> Result<Duration, Fault> {
        let second = Duration::from_secs(1);
        for backoff in &self.backoffs {
            if let Some(wait) = backoff.wait(answer, attempt, scope)? {
                return Ok((wait + second).min(WAIT_MAX));
            }
        }
        Ok(Duration::from_secs(1 << attempt.saturating_sub(1).min(6)) + second)
    }
}

/// What filters may look at.
fn seen(answer: &HttpAnswer, scope: &Scope, looks_inside: bool) -> Scope {
    if !looks_inside {
        return scope.clone();
    }
    let response = crate::decode::json::parse(&answer.body).unwrap_or_else(|_| json!({}));
    let mut url = answer.url.clone();
    url.set_query(None);
    // An address may hold a name and a password, and a message is read by people.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    scope
        .clone()
        .with("response", Arc::new(response))
        .with("headers", Arc::new(Value::Object(crate::paginate::plain_headers(&answer.headers))))
        .with("request_url", Arc::new(Value::from(url.to_string())))
}

/// What a status means by itself.
fn by_status(status: StatusCode) -> Verdict {
    match status.as_u16() {
        200..=399 => Verdict::new(Action::Success, Blame::System),
        400 | 404 | 405 => Verdict::new(Action::Fail, Blame::System),
        401 | 403 => Verdict::new(Action::Fail, Blame::Config),
        429 => Verdict::new(Action::RateLimited, Blame::Transient),
        408 | 500 | 502 | 503 | 504 => Verdict::new(Action::Retry, Blame::Transient),
        _ => Verdict::new(Action::Retry, Blame::System),
    }
}

impl Filter {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let code = |code: &Node<'_>| {
            code.value.to_string().trim_matches('"').parse().map_err(|_| code.problem(format!("`{}` is no HTTP status", code.value)))
        };
        let action = node.word("action").map(|word| {
            let found = ACTIONS.iter().find(|(name, _)| *name == word).map(|(_, action)| *action);
            let hint = || syncline_model::nearest::hint(word, ACTIONS.iter().map(|(name, _)| *name));
            found.ok_or_else(|| node.problem(format!("unknown action `{word}`{}", hint())))
        });
        let blame = match node.word("failure_type") {
            None => None,
            Some("config_error") => Some(Blame::Config),
            Some("transient_error") => Some(Blame::Transient),
            Some("system_error") => Some(Blame::System),
            Some(other) => {
                let hint = syncline_model::nearest::hint(other, ["config_error", "transient_error", "system_error"]);
                return Err(node.problem(format!("unknown failure type `{other}`{hint}")));
            }
        };
        Ok(Self {
            codes: node.children("http_codes").iter().map(code).collect::<Result<_, _>>()?,
            contains: node.word("error_message_contains").filter(|text| !text.is_empty()).map(str::to_owned),
            predicate: node.text("predicate")?.filter(|predicate| !predicate.source().is_empty()),
            action: action.transpose()?,
            blame,
            message: node.text("error_message")?,
        })
    }

    fn looks_inside(&self) -> bool {
        self.predicate.is_some() || self.message.as_ref().is_some_and(Template::is_dynamic)
    }

    /// What it says about an answer, if it says something.
    fn verdict(&self, answer: &HttpAnswer, scope: &Scope) -> Option<Verdict> {
        let action = self.action.filter(|_| self.matches(answer, scope))?;
        let status = by_status(answer.status);
        let usual = if answer.status.as_u16() < 400 { Blame::System } else { status.blame };
        let blame = self.blame.filter(|_| action == Action::Fail).unwrap_or(usual);
        let message = self.message.as_ref().and_then(|message| message.text(scope).ok()).filter(|text| !text.is_empty());
        Some(Verdict { action, blame, message })
    }

    fn matches(&self, answer: &HttpAnswer, scope: &Scope) -> bool {
        self.codes.contains(&answer.status.as_u16())
            || self.predicate.as_ref().is_some_and(|predicate| predicate.holds(scope).unwrap_or(false))
            || self.contains.as_ref().is_some_and(|wanted| message(answer).is_some_and(|message| message.contains(wanted.as_str())))
    }
}

/// The names under which sources tell what is wrong, the first that says something wins.
const NAMES: [&str; 12] =
    ["message", "messages", "error", "errors", "failures", "failure", "detail", "err", "error_message", "msg", "reason", "status_message"];

/// What an answer says is wrong.
fn message(answer: &HttpAnswer) -> Option<String> {
    match crate::decode::json::parse(&answer.body) {
        Ok(body) => told(&body, 0),
        Err(_) => std::str::from_utf8(&answer.body).ok().map(str::to_owned),
    }
}

fn told(value: &Value, depth: usize) -> Option<String> {
    match value {
        _ if depth > 100 => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(|item| told(item, depth + 1)).collect::<Vec<_>>().join(", ")),
        Value::Object(fields) => {
            let found = NAMES.iter().filter_map(|name| fields.get(*name)).find(|value| is_truthy(value))?;
            told(found, depth + 1)
        }
        _ => None,
    }
}

impl Backoff {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let header = || Ok::<_, Problem>(Header { name: node.needed_text("header")?, pattern: node.text("regex")? });
        let most = node.text("max_waiting_time_in_seconds")?;
        match node.kind() {
            "ConstantBackoffStrategy" => Ok(Self::Constant(node.needed_text("backoff_time_in_seconds")?)),
            "ExponentialBackoffStrategy" => Ok(Self::Exponential(node.text("factor")?.unwrap_or_else(|| Template::plain("5")))),
            "WaitTimeFromHeader" => Ok(Self::FromHeader { header: header()?, most }),
            "WaitUntilTimeFromHeader" => Ok(Self::UntilHeader { header: header()?, least: node.text("min_wait")?, most }),
            "WaitTimeFromResponse" => Ok(Self::FromResponse { wait: node.needed_text("wait_time_in_seconds")?, most }),
            _ => {
                let known = [
                    "ConstantBackoffStrategy",
                    "ExponentialBackoffStrategy",
                    "WaitTimeFromHeader",
                    "WaitUntilTimeFromHeader",
                    "WaitTimeFromResponse",
                ];
                Err(node.unknown("backoff strategy", &known))
            }
        }
    }

    /// `None` leaves it to the next strategy.
    fn wait(&self, answer: Option<&HttpAnswer>, attempt: u32, scope: &Scope) -> Result<Option<Duration>, Fault> {
        let said = |template: &Template| template.text(scope).map(|text| seconds(&text));
        match self {
            Self::Constant(wait) => said(wait),
            Self::Exponential(factor) => Ok(said(factor)?.map(|factor| factor.saturating_mul(1 << attempt.min(16)))),
            Self::FromHeader { header, most } => {
                let wait = header.number(answer, scope)?;
                capped(wait, most.as_ref(), scope)
            }
            Self::UntilHeader { header, least, most } => {
                let least = least.as_ref().map(said).transpose()?.flatten();
                let now = Duration::try_from(scope.now().as_duration()).unwrap_or_default();
                let wait = match header.number(answer, scope)? {
                    None => least,
                    Some(until) if until < now && least.is_none() => None,
                    Some(until) => Some(until.saturating_sub(now).max(least.unwrap_or_default())),
                };
                capped(wait, most.as_ref(), scope)
            }
            Self::FromResponse { wait, most } => {
                let Some(answer) = answer else { return Ok(None) };
                let wait = wait.text(&seen(answer, scope, true)).ok().and_then(|text| seconds(&text)).filter(|wait| !wait.is_zero());
                capped(wait, most.as_ref(), scope)
            }
        }
    }
}

/// A wait that the manifest does not allow ends the stream.
fn capped(wait: Option<Duration>, most: Option<&Template>, scope: &Scope) -> Result<Option<Duration>, Fault> {
    let most = most.map(|most| most.text(scope)).transpose()?.and_then(|text| seconds(&text));
    match (wait, most) {
        (Some(wait), Some(most)) if !wait.is_zero() && wait >= most => Err(Fault::Unavailable(format!(
            "the source asks to wait {} s, and the connector waits less than {} s",
            wait.as_secs(),
            most.as_secs()
        ))),
        (wait, _) => Ok(wait),
    }
}

impl Header {
    fn number(&self, answer: Option<&HttpAnswer>, scope: &Scope) -> Result<Option<Duration>, Fault> {
        let Some(answer) = answer else { return Ok(None) };
        let name = self.name.text(scope)?;
        let Some(text) = answer.headers.get(name.as_str()).and_then(|value| value.to_str().ok()) else { return Ok(None) };
        let Some(pattern) = &self.pattern else { return Ok(seconds(text)) };
        // Python matches from the beginning of the text.
        let pattern = Regex::new(&format!("^(?:{})", pattern.text(scope)?));
        let pattern = pattern.map_err(|error| Fault::Misconfigured(format!("the `regex` of a backoff strategy is no pattern: {error}")))?;
        Ok(seconds(pattern.find(text).map_or(text, |found| found.as_str())))
    }
}

/// A number of seconds, with a fraction or without.
fn seconds(text: &str) -> Option<Duration> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let whole: u64 = whole.parse().ok()?;
    let milliseconds: u64 = if fraction.is_empty() { 0 } else { format!("{fraction:0<3}").get(..3)?.parse().ok()? };
    Some(Duration::from_millis(whole.checked_mul(1000)?.checked_add(milliseconds)?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use bytes::Bytes;
    use serde_json::{Value, json};
    use syncline_model::Fault;
    use syncline_sdk::HttpAnswer;

    use super::{Action, Blame, ErrorHandlers};
    use crate::template::Scope;

    fn answer(status: u16, body: &Value, headers: &[(&'static str, &str)]) -> Result<HttpAnswer, Fault> {
        let headers = headers.iter().map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap())).collect();
        let url = "https://user:hunter2@api.example.com/a?token=hunter2".parse().unwrap();
        Ok(HttpAnswer { status: status.try_into().unwrap(), headers, body: Bytes::from(body.to_string()), url })
    }

    fn judged(node: &Value, status: u16, body: &Value) -> (Action, Blame, Option<String>) {
        let handlers = ErrorHandlers::load(Some(node), "error_handler").unwrap();
        let verdict = handlers.judge(&answer(status, body, &[]), &Scope::new());
        (verdict.action, verdict.blame, verdict.message)
    }

    #[test]
    fn a_filter_speaks_by_code_by_condition_or_by_the_sources_own_words() {
        let node = json!({"type": "DefaultErrorHandler", "response_filters": [
            {"http_codes": [404], "action": "IGNORE"},
            {"predicate": "{{ response.get('ok') == false }}", "action": "FAIL", "failure_type": "config_error", "error_message": "{{ response['why'] }} at {{ request_url }}"},
            {"error_message_contains": "slow down", "action": "RATE_LIMITED"},
            {"http_codes": [418]},
        ]});
        assert_eq!(judged(&node, 404, &json!({})).0, Action::Ignore);
        let (action, blame, message) = judged(&node, 200, &json!({"ok": false, "why": "no plan"}));
        assert_eq!((action, blame, message.as_deref()), (Action::Fail, Blame::Config, Some("no plan at https://api.example.com/a")));
        assert_eq!(judged(&node, 400, &json!({"errors": [{"detail": "please slow down"}]})).0, Action::RateLimited);
        assert_eq!(judged(&node, 418, &json!({})), (Action::Retry, Blame::System, None), "a filter without an action says nothing");
        assert_eq!(judged(&node, 200, &json!({})).0, Action::Success);
        let wrong = json!({"type": "DefaultErrorHandler", "response_filters": [{"http_codes": [1], "action": "RETRI"}]});
        assert!(ErrorHandlers::load(Some(&wrong), "x").unwrap_err().to_string().contains("did you mean `RETRY`?"));
    }

    #[test]
    fn of_several_handlers_the_first_that_neither_fails_nor_sees_a_limit_is_heard() {
        let node = json!({"type": "CompositeErrorHandler", "error_handlers": [
            {"type": "DefaultErrorHandler", "max_retries": 2, "response_filters": [{"http_codes": [429], "action": "RATE_LIMITED"}]},
            {"type": "DefaultErrorHandler", "max_retries": 9, "response_filters": [{"http_codes": [500, 403, 429], "action": "IGNORE"}]},
        ]});
        assert_eq!(judged(&node, 500, &json!({})).0, Action::Retry, "the first one's default comes before the second one's filter");
        assert_eq!((judged(&node, 403, &json!({})).0, judged(&node, 429, &json!({})).0), (Action::Ignore, Action::Ignore));
        assert_eq!(ErrorHandlers::load(Some(&node), "x").unwrap().retries_max(&Scope::new()), 2);
    }

    #[test]
    fn the_wait_is_the_first_strategys_that_has_one_and_a_second() {
        let wait = |strategies: &Value, headers: &[(&'static str, &str)], attempt: u32| {
            let handlers =
                ErrorHandlers::load(Some(&json!({"type": "DefaultErrorHandler", "backoff_strategies": strategies})), "x").unwrap();
            let scope = Scope::new().at("2024-06-15T12:00:00Z".parse().unwrap());
            handlers.wait(answer(429, &json!({"retry": {"after": 7}}), headers).as_ref().ok(), attempt, &scope)
        };
        let seconds = |count: u64| Ok(Duration::from_secs(count));
        let header = json!([{"type": "WaitTimeFromHeader", "header": "Retry-After", "regex": "[0-9]+", "max_waiting_time_in_seconds": 60}, {"type": "ConstantBackoffStrategy", "backoff_time_in_seconds": 3}]);
        assert_eq!(wait(&header, &[("retry-after", "12 seconds")], 1), seconds(13));
        assert_eq!(wait(&header, &[("retry-after", "soon")], 1), seconds(4));
        assert!(wait(&header, &[("retry-after", "60")], 1).is_err());
        assert_eq!(wait(&json!([{"type": "ExponentialBackoffStrategy"}]), &[], 2), seconds(21));
        assert_eq!(wait(&json!([]), &[], 3), seconds(5));
        let until = json!([{"type": "WaitUntilTimeFromHeader", "header": "x-reset", "min_wait": 5}]);
        assert_eq!(
            (wait(&until, &[("x-reset", "1718452830")], 1), wait(&until, &[("x-reset", "1")], 1), wait(&until, &[], 1)),
            (seconds(31), seconds(6), seconds(6))
        );
        let told = json!([{"type": "WaitTimeFromResponse", "wait_time_in_seconds": "{{ response['retry']['after'] }}"}]);
        assert_eq!(wait(&told, &[], 1), seconds(8));
    }
}
