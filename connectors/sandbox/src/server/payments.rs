//! A bare list, the way to the next page in a `Link` header, oldest change first.

use std::fmt::Write;

use actix_web::HttpRequest;

use super::{Page, Query, Shared, limit, page};
use crate::{faults::FaultKind, timeline::Place, words::Stream};

pub(super) fn list(
    stream: Stream,
    request: &HttpRequest,
    query: &Query,
    shared: &Shared,
    faults: &[FaultKind],
) -> Result<Page, &'static str> {
    let size = limit(query, "limit", 50)?;
    let start = match query.get("updated[gte]") {
        Some(since) => Place::Since(since.parse::<i64>().map_err(|_| "`updated[gte]` is no time")?.saturating_mul(1000)),
        None => Place::Since(i64::MIN),
    };
    let place = match query.get("starting_after") {
        Some(token) => place_of(token).ok_or("`starting_after` is none of our places")?,
        None => start,
    };
    let state = shared.lock();
    let world = state.world;
    let (rows, more) = state.timeline(stream).ok_or("no such collection")?.after(place, size);
    drop(state);
    let link = match rows.last() {
        _ if page::leads_back(faults) => Some(next_url(request, None)),
        Some(last) if more => Some(next_url(request, Some((last.updated_ms, last.index)))),
        _ => None,
    };
    let mut body = Vec::new();
    page::write_list(&mut body, &world, stream, &rows, faults);
    Ok(Page { body, records: rows.len() as u64, link })
}

fn place_of(token: &str) -> Option<Place> {
    let (ms, index) = token.split_once('_')?;
    Some(Place::Behind(ms.parse().ok()?, index.parse().ok()?))
}

fn next_url(request: &HttpRequest, behind: Option<(i64, u64)>) -> String {
    let connection = request.connection_info();
    let mut url = format!("{}://{}{}?", connection.scheme(), connection.host(), request.path());
    for pair in request.query_string().split('&').filter(|pair| !pair.is_empty() && !pair.starts_with("starting_after=")) {
        url.push_str(pair);
        url.push('&');
    }
    if let Some((ms, index)) = behind {
        let _: std::fmt::Result = write!(url, "starting_after={ms}_{index}");
    }
    url
}
