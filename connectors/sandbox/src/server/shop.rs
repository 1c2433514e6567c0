//! Page numbers, newest change first, so that a change during the reading shifts records to later pages and hides none.

use jiff::Timestamp;

use super::{Page, Query, Shared, limit, page};
use crate::{faults::FaultKind, json, words::Stream};

pub(super) fn list(stream: Stream, query: &Query, shared: &Shared, faults: &[FaultKind]) -> Result<Page, &'static str> {
    let per_page = limit(query, "per_page", 50)?;
    let asked = query.get("page").map_or(Ok(1), |page| page.parse::<u64>()).map_err(|_| "`page` is no number")?;
    let number = if page::leads_back(faults) { 1 } else { asked.max(1) };
    let since_ms = match query.get("updated_since") {
        Some(since) => since.parse::<Timestamp>().map_err(|_| "`updated_since` is no time")?.as_millisecond(),
        None => i64::MIN,
    };
    let state = shared.lock();
    let world = state.world;
    let timeline = state.timeline(stream).ok_or("no such collection")?;
    let (rows, total) = timeline.newest_first(since_ms, (number - 1).saturating_mul(per_page as u64), per_page);
    drop(state);
    let mut body = b"{\"data\":".to_vec();
    page::write_list(&mut body, &world, stream, &rows, faults);
    json::write(&mut body, format_args!(",\"page\":{number},\"per_page\":{per_page},\"total\":{total}}}"));
    Ok(Page { body, records: rows.len() as u64, link: None })
}
