//! Opaque cursors, oldest change first, so that a change during the reading moves a record ahead of the reader.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use super::{Page, Query, Shared, limit, page};
use crate::{
    faults::FaultKind,
    json, records,
    timeline::{Place, Row},
    words::Stream,
    world::World,
};

pub(super) fn list(stream: Stream, query: &Query, shared: &Shared, faults: &[FaultKind]) -> Result<Page, &'static str> {
    let size = limit(query, "limit", 50)?;
    let start = start(query)?;
    let place = match query.get("after") {
        Some(token) => place_of(token).ok_or("`after` is none of our cursors")?,
        None => start,
    };
    let state = shared.lock();
    let world = state.world;
    let (rows, more) = state.timeline(stream).ok_or("no such collection")?.after(place, size);
    drop(state);
    let next = match rows.last() {
        _ if page::leads_back(faults) => Some(token_of(start)),
        Some(last) if more => Some(token_of(Place::Behind(last.updated_ms, last.index))),
        _ => None,
    };
    Ok(results(&world, stream, &rows, next.as_deref(), faults))
}

pub(super) fn deals_with_notes(shared: &Shared, faults: &[FaultKind]) -> Result<Page, &'static str> {
    let state = shared.lock();
    let world = state.world;
    let deals = state.timeline(Stream::CrmDeals).ok_or("no such collection")?;
    let rows: Vec<Row> = (0..world.count(Stream::CrmDealNotes)).map(|nth| deals.row(world.noted_deal(nth))).collect();
    drop(state);
    Ok(results(&world, Stream::CrmDeals, &rows, None, faults))
}

pub(super) fn notes(deal: &str, shared: &Shared, faults: &[FaultKind]) -> Page {
    let world = shared.lock().world;
    let known = |nth: &u64| records::key(&world, Stream::CrmDeals, world.noted_deal(*nth)) == deal;
    let nth = (0..world.count(Stream::CrmDealNotes)).find(known);
    let rows: Vec<Row> = nth.map(|nth| note_rows(&world, nth)).unwrap_or_default();
    results(&world, Stream::CrmDealNotes, &rows, None, faults)
}

/// The notes of the `nth` deal that has some.
pub(super) fn note_rows(world: &World, nth: u64) -> Vec<Row> {
    let row = |at| Row { index: nth * 4 + at, revision: 0, created_ms: 0, updated_ms: 0, deleted: false };
    (0..world.notes_of(nth)).map(row).collect()
}

fn results(world: &World, stream: Stream, rows: &[Row], next: Option<&str>, faults: &[FaultKind]) -> Page {
    let mut body = b"{\"results\":".to_vec();
    page::write_list(&mut body, world, stream, rows, faults);
    if let Some(next) = next {
        json::write(&mut body, format_args!(",\"paging\":{{\"next\":{{\"after\":\"{next}\"}}}}"));
    }
    body.push(b'}');
    Page { body, records: rows.len() as u64, link: None }
}

/// `updatedAfter` leaves out its own millisecond, unlike what the others call `since`.
fn start(query: &Query) -> Result<Place, &'static str> {
    let Some(after) = query.get("updatedAfter") else { return Ok(Place::Since(i64::MIN)) };
    let after: Timestamp = after.parse().map_err(|_| "`updatedAfter` is no time")?;
    Ok(Place::Since(after.as_millisecond() + 1))
}

fn token_of(place: Place) -> String {
    let plain = match place {
        Place::Since(ms) => format!("s.{ms}.0"),
        Place::Behind(ms, index) => format!("b.{ms}.{index}"),
    };
    URL_SAFE_NO_PAD.encode(plain)
}

fn place_of(token: &str) -> Option<Place> {
    let plain = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let mut parts = plain.split('.');
    let (kind, ms, index) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    match kind {
        "s" => Some(Place::Since(ms)),
        "b" => Some(Place::Behind(ms, index)),
        _ => None,
    }
}
