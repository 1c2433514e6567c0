//! How a record is written. A pure function of the world and the row; every record starts with its key.

mod crm;
mod payments;
mod shop;

use std::fmt::Write;

use crate::{dice::mix, timeline::Row, words::Stream, world::World};

/// Writes the record as its provider says it.
pub(crate) fn write(out: &mut Vec<u8>, world: &World, stream: Stream, row: &Row) {
    match stream {
        Stream::ShopCustomers => shop::customer(out, world, row),
        Stream::ShopProducts => shop::product(out, world, row),
        Stream::ShopOrders => shop::order(out, world, row),
        Stream::CrmCompanies => crm::company(out, world, row),
        Stream::CrmContacts => crm::contact(out, world, row),
        Stream::CrmDeals => crm::deal(out, world, row),
        Stream::CrmDealNotes => crm::deal_note(out, world, row.index / 4, row.index % 4),
        Stream::PaymentsCustomers => payments::customer(out, world, row),
        Stream::PaymentsCharges => payments::charge(out, world, row),
        Stream::PaymentsInvoices => payments::invoice(out, world, row),
    }
}

/// The record's key as its provider says it, without quotes.
pub(crate) fn key(world: &World, stream: Stream, index: u64) -> String {
    let first = match stream {
        Stream::ShopCustomers => 1001,
        Stream::ShopProducts => 501,
        Stream::ShopOrders => 100_001,
        Stream::CrmCompanies => 20_001,
        Stream::CrmContacts => 300_001,
        Stream::CrmDeals => 4_000_001,
        Stream::CrmDealNotes => 50_001,
        Stream::PaymentsCustomers => return prefixed(world, "cus", stream, index),
        Stream::PaymentsCharges => return prefixed(world, "ch", stream, index),
        Stream::PaymentsInvoices => return prefixed(world, "in", stream, index),
    };
    (first + index).to_string()
}

fn prefixed(world: &World, prefix: &str, stream: Stream, index: u64) -> String {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut code = mix(world.seed().wrapping_mul(31) ^ ((stream as u64 + 1) << 56) ^ index);
    let mut id = String::with_capacity(20);
    let _: std::fmt::Result = write!(id, "{prefix}_");
    for _ in 0..13 {
        id.push(char::from(LETTERS[usize::from((code & 31) as u8)]));
        code >>= 5;
    }
    id
}
