//! `HTTPAPIBudget`: how many requests a manifest allows. The first policy that a request falls under holds; all streams of a job share
//! it. What the operator declares in `connector.yaml` holds beside it, for all jobs.

use std::{
    num::{NonZeroU32, NonZeroU64},
    path::Path,
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
    /// What falls under it, and as how many requests that counts; as one, if nothing is said.
    matchers: Vec<(Matcher, Option<Template>)>,
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
        let way = |(policy, limits)| Ok(Way { matchers: Policy::weighed(policy, scope)?, paced: paced(limits) });
        let ways = self.policies.iter().zip(shared.iter().flatten()).map(way).collect::<Result<_, Fault>>()?;
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
        let matcher = |node: &Node<'_>| Ok::<_, Problem>((Matcher::load(node)?, node.text("weight")?));
        Ok(Self { matchers: node.children("matchers").iter().map(matcher).collect::<Result<_, _>>()?, rates })
    }

    /// What falls under it, with its weight.
    fn weighed(&self, scope: &Scope) -> Result<Vec<(Matcher, NonZeroU32)>, Fault> {
        let least = self.rates.iter().map(|(limit, _)| whole(limit, "a limit", scope)).collect::<Result<Vec<_>, _>>()?.into_iter().min();
        let one = |(matcher, weight): &(Matcher, Option<Template>)| {
            let weight = weight.as_ref().map_or(Ok(NonZeroU32::MIN), |weight| whole(weight, "a weight", scope))?;
            match least {
                Some(limit) if weight > limit => Err(misconfigured(format!(
                    "a weight of the API budget is {weight}, which is more than its limit of {limit}: no such request could ever be sent"
                ))),
                _ => Ok((matcher.clone(), weight)),
            }
        };
        self.matchers.iter().map(one).collect()
    }

    fn limits(&self, scope: &Scope) -> Result<Arc<Limits>, Fault> {
        let one = |(limit, per_ms): &(Template, NonZeroU64)| {
            let requests = whole(limit, "a limit", scope)?;
            Ok(Declared { name: "manifest".to_owned(), requests, per_ms: *per_ms, scope: BudgetScope::Integration, path_contains: None })
        };
        let declared = self.rates.iter().map(one).collect::<Result<Vec<_>, Fault>>()?;
        Ok(Arc::new(Limits::new(&declared)))
    }
}

/// A number of requests that a manifest names.
fn whole(number: &Template, what: &str, scope: &Scope) -> Result<NonZeroU32, Fault> {
    let text = number.text(scope)?;
    let wrong = |_| misconfigured(format!("{what} of the API budget is `{text}`, and must be a whole number above 0"));
    text.trim().parse().map_err(wrong)
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
    ways: Vec<Way>,
}

impl Budgeted {
    /// The policy that a request falls under, and as how many requests it counts there.
    fn way_of(&self, request: &HttpRequest) -> Option<(&Way, NonZeroU32)> {
        self.ways.iter().find_map(|way| Some((way, weight_of(&way.matchers, request)?)))
    }
}

/// A policy of one job.
struct Way {
    matchers: Vec<(Matcher, NonZeroU32)>,
    paced: Paced,
}

/// As how many requests this one counts; `None` if it does not fall under the policy. The first matcher says.
fn weight_of(matchers: &[(Matcher, NonZeroU32)], request: &HttpRequest) -> Option<NonZeroU32> {
    if matchers.is_empty() {
        return Some(NonZeroU32::MIN);
    }
    matchers.iter().find(|(matcher, _)| matcher.matches(request)).map(|(_, weight)| *weight)
}

#[async_trait]
impl Http for Budgeted {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        match self.way_of(&request) {
            Some((way, weight)) => way.paced.send_weighing(request, weight).await,
            None => self.inner.send(request).await,
        }
    }

    async fn save(&self, request: HttpRequest, file: &Path, bytes_max: u64) -> Result<HttpAnswer, Fault> {
        match self.way_of(&request) {
            Some((way, weight)) => way.paced.save_weighing(request, weight, file, bytes_max).await,
            None => self.inner.save(request, file, bytes_max).await,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;
    use syncline_sdk::HttpRequest;

    use super::{Budget, weight_of};
    use crate::{node::Node, template::Scope};

    #[test]
    fn the_first_policy_that_a_request_falls_under_holds() {
        let manifest = json!({"api_budget": {"type": "HTTPAPIBudget", "policies": [
            {"type": "FixedWindowCallRatePolicy", "period": "PT1M", "call_limit": 5, "matchers": [{"type": "HttpRequestRegexMatcher", "method": "get", "url_base": "https://a.example", "url_path_pattern": "^/v1/slow", "weight": 3}]},
            {"type": "MovingWindowCallRatePolicy", "rates": [{"limit": 10, "interval": "PT1S"}], "matchers": []},
        ]}});
        let budget = Budget::load(&Node::new(&manifest, "")).unwrap().unwrap();
        let policies: Vec<_> = budget.policies.iter().map(|policy| policy.weighed(&Scope::new()).unwrap()).collect();
        let falls = |url: &str| {
            let request = HttpRequest::get(url.parse().unwrap());
            policies.iter().enumerate().find_map(|(number, matchers)| Some((number, weight_of(matchers, &request)?.get())))
        };
        assert_eq!(
            (falls("https://a.example/v1/slow/x"), falls("https://a.example/v1/fast"), falls("https://b.example/v1/slow")),
            (Some((0, 3)), Some((1, 1)), Some((1, 1)))
        );
        let heavy = json!({"api_budget": {"type": "HTTPAPIBudget", "policies": [{"type": "FixedWindowCallRatePolicy", "period": "PT1M", "call_limit": 5,
            "matchers": [{"type": "HttpRequestRegexMatcher", "weight": 6}]}]}});
        let heavy = Budget::load(&Node::new(&heavy, "")).unwrap().unwrap();
        assert!(heavy.policies[0].weighed(&Scope::new()).unwrap_err().to_string().contains("more than its limit of 5"));
        let wrong = json!({"api_budget": {"type": "HTTPAPIBudget", "policies": [{"type": "FixedWindowCallRatePolicy", "period": "soon", "call_limit": 5}]}});
        assert!(Budget::load(&Node::new(&wrong, "")).unwrap_err().to_string().contains("must be a duration"));
    }
}
