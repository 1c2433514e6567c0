//! How long to wait before a request is sent again. The reference reckons with floating-point seconds here, and so do we, inside.

use std::time::Duration;

use jiff::Timestamp;
use rand::RngExt;
use regex::Regex;
use syncline_model::Fault;
use syncline_sdk::limits::shortest;

use super::seen::Seen;
use crate::{
    node::Node,
    problem::Problem,
    template::{Scope, Template},
};

/// One strategy.
#[derive(Debug, Clone)]
pub enum Backoff {
    /// Always as long.
    Constant(Template, Option<Template>),
    /// Twice as long each time.
    Exponential(Template, Option<Template>),
    /// As long as a header says.
    Header(Header),
    /// Until the moment that a header names, and at least so long.
    Until(Header, Option<Template>),
    /// As long as an expression over the answer says.
    Response(Template, Option<Template>),
}

/// A number in a header.
#[derive(Debug, Clone)]
pub struct Header {
    name: Template,
    pattern: Option<Pattern>,
    /// So long or longer is not waited.
    most: Option<Template>,
}

#[derive(Debug, Clone)]
enum Pattern {
    Known(Regex),
    Later(Template),
}

const KNOWN: [&str; 5] =
    ["ConstantBackoffStrategy", "ExponentialBackoffStrategy", "WaitTimeFromHeader", "WaitUntilTimeFromHeader", "WaitTimeFromResponse"];

impl Backoff {
    pub(super) fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let jitter = || node.text("jitter_range_in_seconds");
        Ok(match node.kind() {
            "ConstantBackoffStrategy" => Self::Constant(node.needed_text("backoff_time_in_seconds")?, jitter()?),
            "ExponentialBackoffStrategy" => Self::Exponential(node.text("factor")?.unwrap_or_else(|| Template::plain("5")), jitter()?),
            "WaitTimeFromHeader" => Self::Header(Header::load(node)?),
            "WaitUntilTimeFromHeader" => Self::Until(Header::load(node)?, node.text("min_wait")?),
            "WaitTimeFromResponse" => Self::Response(node.needed_text("wait_time_in_seconds")?, node.text("max_waiting_time_in_seconds")?),
            _ => return Err(node.unknown("backoff strategy", &KNOWN)),
        })
    }

    /// How long, if this strategy has an answer to that.
    pub(super) fn wait(&self, seen: Option<&Seen<'_>>, attempt: u32, scope: &Scope) -> Result<Option<Duration>, Fault> {
        let seconds = match self {
            Self::Constant(time, jitter) => Some(jittered(needed(time, scope)?, jitter.as_ref(), scope)?),
            Self::Exponential(factor, jitter) => {
                let doubled = f64::from(attempt.min(1000)).exp2();
                Some(jittered(needed(factor, scope)? * doubled, jitter.as_ref(), scope)?)
            }
            Self::Header(header) => match seen.map(|seen| header.number(seen, scope)).transpose()?.flatten() {
                Some(wait) => Some(capped(wait, header.most.as_ref(), scope)?),
                None => None,
            },
            Self::Until(header, least) => header.until(seen, least.as_ref(), scope)?,
            Self::Response(template, most) => match seen.and_then(|seen| asked(template, seen)) {
                Some(wait) => Some(capped(wait, most.as_ref(), scope)?),
                None => None,
            },
        };
        // No wait at all is no answer: the next strategy decides.
        Ok(seconds.filter(|seconds| *seconds != 0.0).and_then(|seconds| Duration::try_from_secs_f64(seconds.max(0.0)).ok()))
    }
}

impl Header {
    fn load(node: &Node<'_>) -> Result<Self, Problem> {
        let pattern = match node.text("regex")?.filter(|pattern| !pattern.source().is_empty()) {
            Some(pattern) if pattern.is_dynamic() => Some(Pattern::Later(pattern)),
            Some(pattern) => {
                let bad = |error: regex::Error| Problem::manifest(&node.below("regex"), format!("this is no pattern: {error}"));
                Some(Pattern::Known(anchored(pattern.source()).map_err(bad)?))
            }
            None => None,
        };
        Ok(Self { name: node.needed_text("header")?, pattern, most: node.text("max_waiting_time_in_seconds")? })
    }

    /// The number that stands in the header.
    fn number(&self, seen: &Seen<'_>, scope: &Scope) -> Result<Option<f64>, Fault> {
        let name = self.name.text(scope)?;
        let Some(text) = seen.answer.headers.get(name).and_then(|value| value.to_str().ok()) else { return Ok(None) };
        let found = match &self.pattern {
            None => None,
            Some(Pattern::Known(pattern)) => pattern.find(text),
            Some(Pattern::Later(template)) => {
                let pattern = anchored(&template.text(scope)?);
                let pattern = pattern.map_err(|_| Fault::Misconfigured("the pattern for a header's number is no pattern".to_owned()))?;
                return Ok(number(pattern.find(text).map_or(text, |found| found.as_str())));
            }
        };
        Ok(number(found.map_or(text, |found| found.as_str())))
    }

    fn until(&self, seen: Option<&Seen<'_>>, least: Option<&Template>, scope: &Scope) -> Result<Option<f64>, Fault> {
        let least = least.map(|least| least.text(scope)).transpose()?.and_then(|least| number(&least)).filter(|least| *least != 0.0);
        let until = seen.map(|seen| self.number(seen, scope)).transpose()?.flatten().filter(|until| *until != 0.0);
        // A moment that has passed by one clock and not by the other is waited for; the reference knows its own clock alone.
        let by = |until: f64, now: Timestamp| until - now.as_duration().as_secs_f64();
        let wait = until.zip(seen).map(|(until, seen)| {
            let to_come = |now| Some(by(until, now)).filter(|wait| *wait >= 0.0);
            shortest(&seen.answer.headers, scope.clock(), to_come).unwrap_or_else(|| by(until, scope.clock()))
        });
        let wait = match (wait, least) {
            (Some(wait), Some(least)) => wait.max(least),
            (Some(wait), None) if wait < 0.0 => return Ok(None),
            (Some(wait), None) | (None, Some(wait)) => wait,
            (None, None) => return Ok(None),
        };
        capped(wait, self.most.as_ref(), scope).map(Some)
    }
}

/// Python's `match` looks at the beginning alone.
fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?:{pattern})"))
}

/// Python's `float`, as far as one can wait for it.
fn number(text: &str) -> Option<f64> {
    text.trim().replace('_', "").parse().ok().filter(|number: &f64| number.is_finite())
}

fn needed(template: &Template, scope: &Scope) -> Result<f64, Fault> {
    let text = template.text(scope)?;
    number(&text).ok_or_else(|| Fault::Misconfigured(format!("a time to wait is `{text}`, and must be a number of seconds")))
}

fn jittered(seconds: f64, jitter: Option<&Template>, scope: &Scope) -> Result<f64, Fault> {
    let Some(jitter) = jitter else { return Ok(seconds) };
    Ok(seconds + rand::rng().random::<f64>() * 2.0 * needed(jitter, scope)?)
}

/// Nobody waits as long as the manifest forbids, or longer: the stream ends, and the engine comes back when it is time.
fn capped(seconds: f64, most: Option<&Template>, scope: &Scope) -> Result<f64, Fault> {
    let Some(most) = most else { return Ok(seconds) };
    if seconds != 0.0 && seconds >= needed(most, scope)? {
        return Err(Fault::Throttled(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)));
    }
    Ok(seconds)
}

/// What an expression says. One that does not fit an answer of this shape has no answer.
fn asked(template: &Template, seen: &Seen<'_>) -> Option<f64> {
    let text = template.text(&seen.scope(template, true)).ok()?;
    number(&text).filter(|seconds| *seconds >= 0.0)
}
