#![allow(clippy::unwrap_used)]
use std::{
    num::{NonZeroU32, NonZeroU64},
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use proptest::prelude::*;
use syncline_model::{Fault, Settings};
use tokio::time::Instant;

use super::{Limits, Paced, wait_asked};
use crate::{
    Http, HttpAnswer, HttpRequest,
    catalog::{Budget, BudgetScope},
    connector::{Patience, WaitReason},
};

struct Sleeper;

#[async_trait]
impl Patience for Sleeper {
    async fn wait(&self, _: WaitReason, time: Duration) -> Result<(), Fault> {
        tokio::time::sleep(time).await;
        Ok(())
    }
    fn note(&self, _: &str) {}
    fn skipped(&self, _: &str) {}
    async fn save_settings(&self, _: &Settings, _: &Settings) -> Result<(), Fault> {
        Ok(())
    }
}

/// Writes down when requests arrive, and answers with some headers.
#[derive(Default)]
struct Source {
    arrivals: Mutex<Vec<Instant>>,
    headers: Mutex<Vec<(StatusCode, HeaderMap)>>,
}

#[async_trait]
impl Http for Source {
    async fn send(&self, request: HttpRequest) -> Result<HttpAnswer, Fault> {
        self.arrivals.lock().unwrap().push(Instant::now());
        let (status, headers) = self.headers.lock().unwrap().pop().unwrap_or((StatusCode::OK, HeaderMap::new()));
        Ok(HttpAnswer { status, headers, body: Bytes::new(), url: request.url })
    }
}

fn budget(requests: u32, per_ms: u64) -> Budget {
    Budget {
        name: "all".into(),
        requests: NonZeroU32::new(requests).unwrap(),
        per_ms: NonZeroU64::new(per_ms).unwrap(),
        scope: BudgetScope::Integration,
        path_contains: None,
    }
}

fn paced(source: &Arc<Source>, budgets: &[Budget]) -> Paced {
    Paced::new(Arc::clone(source) as Arc<dyn Http>, vec![Arc::new(Limits::new(budgets))], Arc::new(Sleeper), "shop".parse().unwrap())
}

fn get() -> HttpRequest {
    HttpRequest::get("https://api.example.com/orders".parse().unwrap())
}

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn no_window_holds_more_requests_than_any_of_its_budgets_allows(a in 1_u32..40, a_ms in 100_u64..5_000, b in 1_u32..40, b_ms in 100_u64..5_000) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let source = Arc::new(Source::default());
        runtime.block_on(async {
            let http = paced(&source, &[budget(a, a_ms), budget(b, b_ms)]);
            for _ in 0..(a + b) {
                http.send(get()).await.unwrap();
            }
        });
        let arrivals = source.arrivals.lock().unwrap().clone();
        for (requests, window_ms) in [(a, a_ms), (b, b_ms)] {
            for (index, first) in arrivals.iter().enumerate() {
                // Tokio's timer wakes on whole milliseconds, so two of them lie between a window of the budget and one we can see.
                let within = arrivals[index..].iter().filter(|at| **at - *first < Duration::from_millis(window_ms.saturating_sub(2))).count();
                prop_assert!(within <= requests as usize, "{within} requests in {window_ms} ms, allowed {requests}");
            }
        }
    }
}

/// Nobody waits here, and no time passes.
struct Still;

#[async_trait]
impl Patience for Still {
    async fn wait(&self, _: WaitReason, _: Duration) -> Result<(), Fault> {
        Err(Fault::Internal("somebody waits although the clock stands still".to_owned()))
    }
    fn is_still(&self) -> bool {
        true
    }
    fn note(&self, _: &str) {}
    fn skipped(&self, _: &str) {}
    async fn save_settings(&self, _: &Settings, _: &Settings) -> Result<(), Fault> {
        Ok(())
    }
}

#[tokio::test]
async fn no_limit_holds_where_the_clock_stands_still() {
    let source = Arc::new(Source::default());
    source.headers.lock().unwrap().push((StatusCode::TOO_MANY_REQUESTS, headers(&[("retry-after", "3600")])));
    let limits = vec![Arc::new(Limits::new(&[budget(1, 3_600_000)]))];
    let http = Paced::new(Arc::clone(&source) as Arc<dyn Http>, limits, Arc::new(Still), "shop".parse().unwrap());
    for _ in 0..3 {
        http.send(get()).await.unwrap();
    }
    assert_eq!(source.arrivals.lock().unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_counts_as_several_leaves_less_for_the_next() {
    let source = Arc::new(Source::default());
    let http = paced(&source, &[budget(4, 4_000)]);
    for _ in 0..3 {
        http.send_weighing(get(), NonZeroU32::new(4).unwrap()).await.unwrap();
    }
    let arrivals = source.arrivals.lock().unwrap();
    assert!(arrivals[2] - arrivals[1] >= Duration::from_millis(3_998), "{arrivals:?}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_asks_us_to_wait_is_left_alone_for_that_long() {
    let source = Arc::new(Source::default());
    source.headers.lock().unwrap().push((StatusCode::TOO_MANY_REQUESTS, headers(&[("retry-after", "30")])));
    let http = paced(&source, &[]);
    http.send(get()).await.unwrap();
    http.send(get()).await.unwrap();
    let arrivals = source.arrivals.lock().unwrap();
    assert!(arrivals[1] - arrivals[0] >= Duration::from_secs(30));
}

#[test]
fn each_way_of_saying_when_to_come_back_is_understood() {
    let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let late = StatusCode::TOO_MANY_REQUESTS;
    let asked = |status, pairs: &[(&'static str, &str)]| wait_asked(status, &headers(pairs), now).map(|wait| wait.as_secs());
    assert_eq!(asked(late, &[("retry-after", "7")]), Some(7));
    assert_eq!(asked(late, &[("retry-after", "Thu, 01 Jan 2026 00:01:00 GMT")]), Some(60));
    assert_eq!(asked(StatusCode::OK, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "12")]), Some(12));
    assert_eq!(asked(StatusCode::OK, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "1767225610")]), Some(10));
    assert_eq!(asked(StatusCode::OK, &[("x-ratelimit-remaining", "3"), ("x-ratelimit-reset", "12")]), None);
    assert_eq!(asked(late, &[("retry-after", "soon")]), None);
}

#[test]
fn a_source_whose_clock_differs_from_ours_is_left_alone_for_no_longer_than_by_its_own() {
    let asked = |now: &str, pairs: &[(&'static str, &str)]| {
        wait_asked(StatusCode::TOO_MANY_REQUESTS, &headers(pairs), now.parse().unwrap()).map(|wait| wait.as_secs())
    };
    let (date, until) = (("date", "Thu, 01 Jan 2026 00:00:00 GMT"), ("retry-after", "Thu, 01 Jan 2026 00:01:00 GMT"));
    let reset = [date, ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1767225610")];
    for ours in ["2025-12-31T23:00:00Z", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"] {
        assert_eq!((asked(ours, &[date, until]), asked(ours, &reset)), (Some(60), Some(10)), "{ours}");
    }
    // A date that something on the way has kept since long ago makes nobody wait until now.
    let old = ("date", "Mon, 01 Jan 2024 00:00:00 GMT");
    assert_eq!(asked("2026-01-01T00:00:00Z", &[old, until]), Some(60));
}
