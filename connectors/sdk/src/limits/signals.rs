//! What answers say about limits: `Retry-After` (RFC 9110 section 10.2.3), `RateLimit-Remaining`/`-Reset` (the IETF draft on
//! RateLimit header fields) and the `X-RateLimit-*` that came before it.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use jiff::Timestamp;

/// How long the source asks us to stay away, if it asks. `now` is compared with dates in the headers.
pub fn wait_asked(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    shortest(headers, now, |now| wait_by(status, headers, now))
}

/// The shortest wait by our own clock and by the source's, where its answer says what time it is there: a moment that the source names
/// is one of its own clock, and when ours is wrong by an hour nobody is to wait for an hour.
pub fn shortest<T: PartialOrd>(headers: &HeaderMap, now: Timestamp, wait: impl Fn(Timestamp) -> Option<T>) -> Option<T> {
    let theirs = text(headers, "date").and_then(|date| jiff::fmt::rfc2822::parse(date.trim()).ok()).map(|date| date.timestamp());
    let (ours, theirs) = (wait(now), theirs.and_then(&wait));
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => Some(if theirs < ours { theirs } else { ours }),
        (ours, theirs) => ours.or(theirs),
    }
}

fn wait_by(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let refused = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
    if let Some(wait) = text(headers, "retry-after").filter(|_| refused).and_then(|value| retry_after(value, now)) {
        return Some(wait);
    }
    let remaining = text(headers, "x-ratelimit-remaining").or_else(|| text(headers, "ratelimit-remaining"))?;
    let reset = text(headers, "x-ratelimit-reset").or_else(|| text(headers, "ratelimit-reset"))?;
    let used_up = remaining.trim().parse::<u64>() == Ok(0);
    if used_up { reset_in(reset, now) } else { None }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(value.trim()).ok()?;
    date.timestamp().duration_since(now).try_into().ok()
}

/// A reset is a number of seconds from now, or a moment in epoch seconds: nobody waits for thirty years.
fn reset_in(value: &str, now: Timestamp) -> Option<Duration> {
    const A_MOMENT: i64 = 1_000_000_000;
    let whole = value.trim().split('.').next()?;
    let number: i64 = whole.parse().ok()?;
    let seconds = if number >= A_MOMENT { number - now.as_second() } else { number };
    u64::try_from(seconds).ok().map(Duration::from_secs)
}
