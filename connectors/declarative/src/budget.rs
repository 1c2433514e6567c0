//! `HTTPAPIBudget`: how many requests a manifest allows. The first policy that a request falls under holds; all streams of a job share
//! it. What the operator declares in `connector.yaml` holds beside it, for all jobs.

use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use regex::Regex;
use serde_json::Value;
use syncline_model::{ConnectorName, Fault};
use syncline_sdk::{
    Context, Http, HttpAnswer, HttpRequest,
    catalog::{Budget as Declared, BudgetScope},
    limits::{Limits, Paced},
};

use crate::{
    dates::Duration,
    node::Node,
    problem::Problem,
    run::misconfigured,
    template::{Scope, Template, python_str},
};

/// The policies of a manifest.
#[derive(Debug, Clone)]
pub struct Budget {
    policies: Vec<Policy>,
}

#[derive(Debug, Clone)]
struct Policy {
    matchers: Vec<Matcher>,
    /// So many requests in so many milliseconds; none is no limit.
    rates: Vec<(Template, NonZeroU64)>,
}

/// `HttpRequestRegexMatcher`.
#[derive(Debug, Clone)]
pub struct Matcher {
    method: Option<String>,
    base: Option<String>,
    path: Option<Regex>,
    parameters: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

/// The limits of one job, one for each policy.
#[derive(Default)]
struct Shared(Mutex<Option<Vec<Arc<Limits>>>>);

impl Budget {
    /// Reads the one of a manifest, where it has one.
    pub fn load(root: &Node<'_>) -> Result<Option<Self>, Problem> {
        let Some(node) = root.child("api_budget") else { return Ok(None) };
        if node.kind() != "HTTPAPIBudget" {
            return Err(node.unknown("API budget", &["HTTPAPIBudget"]));
        }
        let policies = node.children("policies").iter().map(Policy::load).collect::<Result<_, _>>()?;
        Ok(Some(Self { policies }))
    }

    /// A context whose requests keep to the budget.
    pub fn around(&self, context: &Context, connector: &ConnectorName, scope: &Scope) -> Result<Context, Fault> {
        let shared = context.shared.get::<Shared>();
        let mut shared = shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_none() {
            *shared = Some(self.policies.iter().map(|policy| policy.limits(scope)).collect::<Result<_, _>>()?);
        }
        let paced = |limits: &Arc<Limits>| {
            Paced::new(Arc::clone(&context.http), vec![Arc::clone(limits)], Arc::clone(&context.patience), connector.clone())
        };
        let ways = self.policies.iter().zip(shared.iter().flatten()).map(|(policy, limits)| (policy.clone(), paced(limits))).collect();
        Ok(Context { http: Arc::new(Budgeted { inner: Arc::clone(&context.http), ways }), ..context.clone() })
    }
}

impl Policy {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let rate = |node: &Node<'_>, limit: &str, interval: &str| {
            let text = node.word(interval).ok_or_else(|| node.missing(interval))?;
            let micros = Duration::parse(text).and_then(Duration::micros).and_then(|micros| u64::try_from(micros / 1_000).ok());
            let per_ms = micros.and_then(NonZeroU64::new);
            let per_ms = per_ms.ok_or_else(|| node.problem(format!("`{interval}` is `{text}`, and must be a duration like `PT1M`")))?;
            Ok::<_, Problem>((node.needed_text(limit)?, per_ms))
        };
        let rates = match node.kind() {
            "UnlimitedCallRatePolicy" => Vec::new(),
            "FixedWindowCallRatePolicy" => vec![rate(node, "call_limit", "period")?],
            "MovingWindowCallRatePolicy" => {
                node.children("rates").iter().map(|one| rate(one, "limit", "interval")).collect::<Result<_, _>>()?
            }
            _ => {
                let known = ["UnlimitedCallRatePolicy", "FixedWindowCallRatePolicy", "MovingWindowCallRatePolicy"];
                return Err(node.unknown("call rate policy", &known));
            }
        };
        Ok(Self { matchers: node.children("matchers").iter().map(Matcher::load).collect::<Result<_, _>>()?, rates })
    }

    fn limits(&self, scope: &Scope) -> Result<Arc<Limits>, Fault> {
        let one = |(limit, per_ms): &(Template, NonZeroU64)| {
            let text = limit.text(scope)?;
            let requests = text.trim().parse::<NonZeroU32>();
            let requests = requests
                .map_err(|_| misconfigured(format!("a limit of the API budget is `{text}`, and must be a whole number above 0")))?;
            Ok(Declared { name: "manifest".to_owned(), requests, per_ms: *per_ms, scope: BudgetScope::Integration, path_contains: None })
        };
        let declared = self.rates.iter().map(one).collect::<Result<Vec<_>, Fault>>()?;
        Ok(Arc::new(Limits::new(&declared)))
    }

    fn holds(&self, request: &HttpRequest) -> bool {
        self.matchers.is_empty() || self.matchers.iter().any(|matcher| matcher.matches(request))
    }
}

impl Matcher {
    /// Reads one.
    pub fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let pairs = |field: &str| {
            let fields = node.get(field).and_then(Value::as_object).into_iter().flatten();
            fields.map(|(name, value)| (name.clone(), python_str(value))).collect()
        };
        let path = node
            .word("url_path_pattern")
            .map(|pattern| Regex::new(pattern).map_err(|error| node.problem(format!("`url_path_pattern` is no pattern: {error}"))));
        Ok(Self {
            method: node.word("method").map(str::to_uppercase),
            base: node.word("url_base").map(|base| base.trim_end_matches('/').to_owned()),
            path: path.transpose()?,
            parameters: pairs("params"),
            headers: pairs("headers"),
        })
    }

    /// Whether it holds for a request.
    pub fn matches(&self, request: &HttpRequest) -> bool {
        let url = &request.url;
        let base = format!("{}://{}", url.scheme(), &url[url::Position::BeforeHost..url::Position::AfterPort]);
        let has_parameter = |(name, value): &(String, String)| url.query_pairs().any(|(known, said)| known == *name && said == *value);
        let has_header =
            |(name, value): &(String, String)| request.headers.get(name).is_some_and(|said| said.as_bytes() == value.as_bytes());
        self.method.as_ref().is_none_or(|method| request.method.as_str() == method)
            && self.base.as_ref().is_none_or(|wanted| *wanted == base)
            && self.path.as_ref().is_none_or(|path| path.is_match(url.path().trim_end_matches('/')))
            && self.parameters.iter().all(has_parameter)
            && self.headers.iter().all(has_header)
    }
}

/// Sends each request under the first policy that holds for it.
struct Budgeted {
    inner: Arc<dyn Http>,
    ways: Vec<(Policy, Paced)>,
}

#[async_trait]
impl Http for Budgeted {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        match self.ways.iter().find(|(policy, _)| policy.holds(&request)) {
            Some((_, paced)) => paced.send(request).await,
            None => self.inner.send(request).await,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;
    use syncline_sdk::HttpRequest;

    use super::Budget;
    use crate::node::Node;

    #[test]
    fn the_first_policy_that_a_request_falls_under_holds() {
        let manifest = json!({"api_budget": {"type": "HTTPAPIBudget", "policies": [
            {"type": "FixedWindowCallRatePolicy", "period": "PT1M", "call_limit": 5, "matchers": [{"type": "HttpRequestRegexMatcher", "method": "get", "url_base": "https://a.example", "url_path_pattern": "^/v1/slow"}]},
            {"type": "MovingWindowCallRatePolicy", "rates": [{"limit": 10, "interval": "PT1S"}], "matchers": []},
        ]}});
        let budget = Budget::load(&Node::new(&manifest, "")).unwrap().unwrap();
        let policy = |url: &str| budget.policies.iter().position(|policy| policy.holds(&HttpRequest::get(url.parse().unwrap())));
        assert_eq!(
            (policy("https://a.example/v1/slow/x"), policy("https://a.example/v1/fast"), policy("https://b.example/v1/slow")),
            (Some(0), Some(1), Some(1))
        );
        let wrong = json!({"api_budget": {"type": "HTTPAPIBudget", "policies": [{"type": "FixedWindowCallRatePolicy", "period": "soon", "call_limit": 5}]}});
        assert!(Budget::load(&Node::new(&wrong, "")).unwrap_err().to_string().contains("must be a duration"));
    }
}
