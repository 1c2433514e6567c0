//! What is listed is the truth, however it is read and whatever changes meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use support::{Asker, by_key, cursor_field, started, with};
use syncline_sandbox::{Advance, Provider, SandboxConfig, Stream};

const CHANGES: Advance = Advance { updates: 60, deletes: 12, creates: 25, stream: None };

#[tokio::test]
async fn the_same_seed_gives_the_same_bytes_and_another_seed_gives_others() {
    let (one, same, other) = (started(7, 700), started(7, 700), started(8, 700));
    for asker in [&one, &same, &other] {
        asker.sandbox.advance(CHANGES);
    }
    for stream in Stream::GROWING {
        let path = Asker::first(stream, 50, None);
        let bytes = one.body(stream.provider(), &path).await;
        assert_eq!(bytes, same.body(stream.provider(), &path).await, "{stream:?}");
        assert_ne!(bytes, other.body(stream.provider(), &path).await, "{stream:?}");
        assert_eq!(one.sandbox.truth(stream), same.sandbox.truth(stream), "{stream:?}");
    }
}

#[tokio::test]
async fn a_full_reading_is_the_truth_with_every_page_size() {
    let asker = started(3, 700);
    asker.sandbox.advance(CHANGES);
    for stream in Stream::GROWING {
        let (truth, _) = asker.truth(stream);
        for size in [7, 20, 1000] {
            let read = asker.all(stream, size, None, |_| ()).await;
            assert_eq!(read.len(), truth.len(), "{stream:?} in pages of {size}");
            assert_eq!(by_key(read), truth, "{stream:?} in pages of {size}");
        }
    }
}

#[tokio::test]
async fn nothing_is_lost_when_records_change_between_two_pages() {
    let asker = started(5, 900);
    for stream in Stream::GROWING {
        let mut have = BTreeMap::new();
        let mut since: Option<Value> = None;
        for round in 0..4 {
            let last_round = round == 3;
            let between = |page: usize| {
                let quiet = last_round || page > 12;
                if !quiet {
                    asker.sandbox.advance(Advance { updates: 9, deletes: 1, creates: 2, stream: Some(stream) });
                }
            };
            let read = asker.all(stream, 10, since.as_ref(), between).await;
            let newest = read.iter().map(|record| record[cursor_field(stream)].clone()).max_by_key(ToString::to_string);
            since = newest.or(since);
            // The shop lists the newest state first, so an older one may come later: the newer one wins.
            for (key, record) in read.into_iter().map(|record| (record["id"].to_string(), record)) {
                let older = have.get(&key).is_some_and(|known: &Value| version(known, stream) > version(&record, stream));
                if !older {
                    have.insert(key, record);
                }
            }
        }
        let (truth, gone) = asker.truth(stream);
        for key in gone {
            have.remove(&key);
        }
        assert_eq!(have, truth, "{stream:?}");
    }
}

fn version(record: &Value, stream: Stream) -> String {
    record[cursor_field(stream)].to_string()
}

#[tokio::test]
async fn deletions_show_as_each_provider_shows_them() {
    let asker = started(2, 500);
    for stream in Stream::GROWING {
        let before = asker.truth(stream).0.len();
        let done = asker.sandbox.advance(Advance { deletes: 4, stream: Some(stream), ..Advance::default() });
        assert_eq!(done.deletes, 4);
        let read = asker.all(stream, 50, None, |_| ()).await;
        let flagged = read.iter().filter(|record| record["archived"] == true || record["deleted_at"].is_string()).count();
        match stream.provider() {
            Provider::Shop | Provider::Crm => assert_eq!((read.len(), flagged), (before, 4), "{stream:?}"),
            Provider::Payments => assert_eq!((read.len(), flagged), (before - 4, 0), "{stream:?}"),
        }
        assert_eq!(asker.truth(stream).1.len(), if stream.provider() == Provider::Payments { 4 } else { 0 });
    }
}

#[tokio::test]
async fn many_records_share_a_timestamp_across_the_end_of_a_page() {
    let asker = started(1, 2000);
    for stream in Stream::GROWING {
        let first = asker.page(stream, &Asker::first(stream, 10, None)).await;
        let second = asker.page(stream, &first.next.unwrap()).await;
        let last = &first.records.last().unwrap()[cursor_field(stream)];
        assert_eq!(last, &second.records.first().unwrap()[cursor_field(stream)], "{stream:?}");
    }
}

#[tokio::test]
async fn the_crm_leaves_out_its_own_millisecond_and_the_others_include_their_second() {
    let asker = started(1, 700);
    let done = asker.sandbox.advance(Advance { updates: 3, stream: Some(Stream::CrmDeals), ..Advance::default() });
    assert_eq!(done.updates, 3);
    let newest = asker.all(Stream::CrmDeals, 100, None, |_| ()).await.last().unwrap()["updatedAt"].clone();
    assert_eq!(asker.all(Stream::CrmDeals, 100, Some(&newest), |_| ()).await.len(), 0);
    for stream in [Stream::ShopOrders, Stream::PaymentsCharges] {
        asker.sandbox.advance(Advance { updates: 3, stream: Some(stream), ..Advance::default() });
        let newest = asker.all(stream, 100, None, |_| ()).await.into_iter().max_by_key(|record| version(record, stream)).unwrap();
        assert_eq!(asker.all(stream, 100, Some(&newest[cursor_field(stream)]), |_| ()).await.len(), 3);
    }
}

#[tokio::test]
async fn the_same_people_and_firms_are_found_in_several_providers() {
    let asker = started(1, 5000);
    let mut seen: BTreeMap<String, BTreeSet<Stream>> = BTreeMap::new();
    let mut spellings: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for stream in [Stream::ShopCustomers, Stream::CrmContacts, Stream::PaymentsCustomers] {
        for record in asker.truth(stream).0.into_values() {
            let email = record["email"].as_str().or(record["properties"]["email"].as_str()).unwrap();
            let (local, _) = email.split_once('@').unwrap();
            let person = local.to_lowercase().split('+').next().unwrap().to_owned();
            seen.entry(person.clone()).or_default().insert(stream);
            spellings.entry(person).or_default().insert(email.to_owned());
        }
    }
    let shared = seen.values().filter(|streams| streams.len() >= 2).count();
    let everywhere = seen.values().filter(|streams| streams.len() == 3).count();
    let respelled = spellings.values().filter(|spellings| spellings.len() >= 2).count();
    assert!(shared * 100 > seen.len() * 40, "{shared} of {}", seen.len());
    assert!(everywhere * 100 > seen.len() * 15, "{everywhere} of {}", seen.len());
    assert!(respelled * 100 > seen.len() * 15, "{respelled} of {}", seen.len());

    let firms: BTreeSet<String> =
        asker.truth(Stream::CrmCompanies).0.into_values().map(|firm| firm["properties"]["domain"].as_str().unwrap().to_owned()).collect();
    assert_eq!(firms.len(), 250);
    let business = asker.truth(Stream::ShopCustomers).0.into_values().filter(|customer| customer["company"].is_string());
    assert!(business.count() > 100);
}

#[tokio::test]
async fn what_refers_to_something_refers_to_something_that_exists() {
    let asker = started(4, 1000);
    let keys = |stream| asker.truth(stream).0.into_keys().collect::<BTreeSet<_>>();
    let refers = |from: Stream, to: Stream, pointer: &str| {
        let known = keys(to);
        let records = asker.truth(from).0;
        assert!(records.values().all(|record| known.contains(&record.pointer(pointer).unwrap().to_string())), "{from:?} to {to:?}");
    };
    refers(Stream::ShopOrders, Stream::ShopCustomers, "/customer_id");
    refers(Stream::ShopOrders, Stream::ShopProducts, "/line_items/0/product_id");
    refers(Stream::CrmContacts, Stream::CrmCompanies, "/properties/companyId");
    refers(Stream::CrmDeals, Stream::CrmContacts, "/properties/contactId");
    refers(Stream::CrmDealNotes, Stream::CrmDeals, "/properties/dealId");
    refers(Stream::PaymentsCharges, Stream::PaymentsCustomers, "/customer");
    refers(Stream::PaymentsInvoices, Stream::PaymentsCustomers, "/customer");
}

#[tokio::test]
async fn notes_are_read_deal_by_deal() {
    let asker = started(4, 1000);
    let deals: Value = serde_json::from_slice(&asker.body(Provider::Crm, "deals/with-notes").await).unwrap();
    let mut notes = Vec::new();
    for deal in deals["results"].as_array().unwrap() {
        let path = format!("deals/{}/notes", deal["id"].as_str().unwrap());
        let page: Value = serde_json::from_slice(&asker.body(Provider::Crm, &path).await).unwrap();
        notes.extend(page["results"].as_array().unwrap().clone());
    }
    assert!(notes.len() > 50);
    assert_eq!(by_key(notes), asker.truth(Stream::CrmDealNotes).0);
}

#[tokio::test]
async fn numbers_that_fit_no_machine_type_are_sent_as_they_are() {
    let asker = started(1, 100);
    let page = String::from_utf8(asker.body(Provider::Payments, "charges?limit=1").await).unwrap();
    assert!(page.contains("\"ledger\":92233720368547758070,"), "{page}");
    let rate = page.split("\"rate\":").nth(1).unwrap().split('}').next().unwrap();
    assert!(rate.len() >= 27 && rate.parse::<f64>().unwrap().to_string() != rate, "{rate}");
}

#[tokio::test]
async fn a_million_records_are_there_at_once() {
    let asker = started(1, 1_000_000);
    let page: Value = serde_json::from_slice(&asker.body(Provider::Shop, "orders?per_page=100&page=2700").await).unwrap();
    assert_eq!((page["total"].as_u64(), page["data"].as_array().map(Vec::len)), (Some(270_000), Some(100)));
    let page: Value = serde_json::from_slice(&asker.body(Provider::Shop, "orders?per_page=100&page=2701").await).unwrap();
    assert_eq!(page["data"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn changes_that_come_by_themselves_come_while_it_is_read() {
    let asker = with(SandboxConfig { records: 300, changes_per_s: 20_000, ..SandboxConfig::default() });
    asker.body(Provider::Shop, "orders").await;
    asker.body(Provider::Shop, "orders").await;
    let status: Value = asker
        .http
        .get(format!("{}/status", asker.sandbox.control_url()))
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .map(|bytes| serde_json::from_slice(&bytes).unwrap())
        .unwrap();
    assert!(status["now_ms"].as_u64().unwrap() > 1_735_689_600_000, "{status}");
}
