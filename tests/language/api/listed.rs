//! Lists of records, by page, offset, cursor, link and time.

use std::ops::Range;

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::Asked;

const TOTAL: usize = 25;

/// A record for each number: one more each six hours.
pub fn records(numbers: Range<usize>) -> Vec<Value> {
    numbers.map(record).collect()
}

fn record(number: usize) -> Value {
    let hours = number * 6;
    let updated_at = format!("2024-01-{:02}T{:02}:00:00Z", 1 + hours / 24, hours % 24);
    let kind = ["a", "b", "c"][number % 3];
    json!({
        "id": number,
        "name": format!("Item {number}"),
        "updated_at": updated_at,
        "epoch": 1_704_067_200 + hours * 3600,
        "kind": kind,
        "active": number.is_multiple_of(2),
        "price": format!("{number}.50"),
        "nested": {"deep": {"number": number, "list": [1, "two"]}, "other": null},
        "Camel CaseKey": format!("v{number}"),
        "tags": ["x", format!("t{}", number % 4)],
    })
}

pub fn answer(asked: &Asked) -> Option<HttpResponse> {
    let parts: Vec<&str> = asked.path.trim_matches('/').split('/').collect();
    let (all, is_bare) = match parts.as_slice() {
        // Has no time for pages that are longer.
        ["small", most] if asked.number("per_page") > most.parse().ok() => {
            return Some(HttpResponse::InternalServerError().json(json!({"error": "too much"})));
        }
        ["items"] | ["small", _] => (records(1..TOTAL + 1), false),
        ["bare"] => (records(1..TOTAL + 1), true),
        ["parents"] => (records(1..5), false),
        ["parents", parent, "children"] => (children(parent.parse().ok()?), false),
        ["newest"] => (records(1..TOTAL + 1).into_iter().rev().collect(), false),
        _ => return None,
    };
    let all: Vec<Value> = all.into_iter().filter(|record| is_wanted(asked, record)).collect();
    let size = ["per_page", "limit"].iter().find_map(|name| asked.number(name)).unwrap_or(if asked.query.contains_key("since") {
        1000
    } else {
        10
    });
    let start = match (asked.number("page"), asked.number("offset"), asked.get("cursor")) {
        (Some(page), _, _) => page.saturating_sub(1) * size,
        (_, Some(offset), _) => offset,
        (_, _, Some(cursor)) => cursor.trim_start_matches("c-").parse().unwrap_or(0),
        _ => 0,
    };
    let page: Vec<Value> = all.iter().skip(start).take(size).cloned().collect();
    let end = start + page.len();
    let more = end < all.len() && !page.is_empty();
    let next = more.then(|| format!("c-{end}"));
    let address = more.then(|| format!("{}{}?cursor=c-{end}", asked.base, asked.path));
    let mut response = HttpResponse::Ok();
    if let Some(address) = &address {
        response.insert_header(("Link", format!("<{address}>; rel=\"next\"")));
        response.insert_header(("X-Next", next.clone()?));
    }
    if is_bare {
        return Some(response.json(page));
    }
    let links = json!({"next": address});
    Some(response.json(json!({"data": page, "next": next, "has_more": more, "total": all.len(), "links": links})))
}

/// A parent has as many children as its number says.
fn children(parent: usize) -> Vec<Value> {
    records(parent..parent * 2)
        .into_iter()
        .map(|mut record| {
            record["parent"] = json!(parent);
            record["id"] = json!(parent * 100 + record["id"].as_u64().and_then(|id| usize::try_from(id).ok()).unwrap_or_default());
            record
        })
        .collect()
}

fn is_wanted(asked: &Asked, record: &Value) -> bool {
    let time = record["updated_at"].as_str().unwrap_or_default();
    let epoch = record["epoch"].to_string();
    let inside = |name: &str, keeps: fn(&str, &str) -> bool| {
        asked.get(name).is_none_or(|bound| if bound.contains('-') { keeps(time, bound) } else { keeps(&epoch, bound) })
    };
    let kind = asked.get("kind").is_none_or(|kind| record["kind"] == *kind);
    kind && inside("since", |time, bound| time >= bound) && inside("until", |time, bound| time.get(..bound.len()).unwrap_or(time) <= bound)
}
