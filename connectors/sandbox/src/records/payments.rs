//! The payment service: prefixed ids, cents, epoch seconds, and numbers in metadata that fit no machine type.

use crate::{
    dice::Dice,
    json::Object,
    people::{Person, ascii},
    timeline::Row,
    words::Stream,
    world::World,
};

/// 2^63 times ten and more: too big for 64 bits.
const BEYOND: u128 = 92_233_720_368_547_758_070;

/// People and firms who pay.
pub(super) fn customer(out: &mut Vec<u8>, world: &World, row: &Row) {
    let stream = Stream::PaymentsCustomers;
    let person = Person::of(world, world.person(stream, row.index));
    let mut fixed = world.dice(stream, row.index, 0);
    let mut now = world.dice(stream, row.index, row.revision);
    let name = match fixed.below(4) {
        0 => person.company.casual(&mut fixed),
        1 => format!("{}, {}", person.last, person.first),
        2 => format!("{} {}", ascii(person.first), ascii(person.last)),
        _ => format!("{} {}", person.first, person.last),
    };
    Object::write(out, |it| {
        it.text("id", &super::key(world, stream, row.index));
        it.text("object", "customer");
        it.text("name", &name);
        it.text("email", if fixed.percent(70) { &person.email } else { &person.private_email });
        it.maybe("phone", fixed.percent(60).then(|| person.phone_e164()).as_deref());
        it.text("currency", "eur");
        it.raw("balance", i64::try_from(now.below(20_000)).unwrap_or_default() - 10_000);
        it.raw("delinquent", now.percent(5));
        it.object("address", |it| {
            it.text("line1", &person.street);
            it.text("city", person.city.0);
            it.text("postal_code", person.city.1);
            it.text("country", person.city.2);
        });
        metadata(it, row.index, &mut now, None);
        ending(it, row);
    });
}

/// What they paid: the first charges pay the first orders of the shop.
pub(super) fn charge(out: &mut Vec<u8>, world: &World, row: &Row) {
    let stream = Stream::PaymentsCharges;
    let mut fixed = world.dice(stream, row.index, 0);
    let mut now = world.dice(stream, row.index, row.revision);
    let status = now.pick(&["succeeded", "succeeded", "succeeded", "pending", "failed"]);
    Object::write(out, |it| {
        it.text("id", &super::key(world, stream, row.index));
        it.text("object", "charge");
        it.text("customer", &payer(world, row.index));
        it.raw("amount", super::shop::total(world, row.index));
        it.raw("amount_refunded", if now.percent(5) { now.below(1000) } else { 0 });
        it.text("currency", "eur");
        it.text("status", status);
        it.raw("paid", status == "succeeded");
        it.object("card", |it| {
            it.text("brand", fixed.pick(&["visa", "mastercard", "amex"]));
            it.quoted("last4", format_args!("{:04}", fixed.below(10_000)));
        });
        metadata(it, row.index, &mut now, Some(row.index));
        ending(it, row);
    });
}

/// What they were asked to pay.
pub(super) fn invoice(out: &mut Vec<u8>, world: &World, row: &Row) {
    let stream = Stream::PaymentsInvoices;
    let mut now = world.dice(stream, row.index, row.revision);
    let due = super::shop::total(world, row.index);
    let paid = now.percent(70);
    let key = super::key(world, stream, row.index);
    Object::write(out, |it| {
        it.text("id", &key);
        it.text("object", "invoice");
        it.quoted("number", format_args!("R-{:07}", row.index + 1));
        it.text("customer", &payer(world, row.index));
        it.raw("amount_due", due);
        it.raw("amount_paid", if paid { due } else { 0 });
        it.text("status", if paid { "paid" } else { "open" });
        it.raw("due_date", row.created_ms / 1000 + 14 * 86_400);
        it.list("lines", 0..=row.index % 3, |line, at| {
            line.quoted("id", format_args!("il_{}_{at}", key.trim_start_matches("in_")));
            line.quoted("description", format_args!("Position {}", at + 1));
            line.raw("amount", due / (1 + row.index % 3));
        });
        metadata(it, row.index, &mut now, None);
        ending(it, row);
    });
}

fn payer(world: &World, order: u64) -> String {
    let customers = world.count(Stream::PaymentsCustomers);
    super::key(world, Stream::PaymentsCustomers, super::shop::buyer(world, order) % customers)
}

fn metadata(it: &mut Object<'_>, index: u64, now: &mut Dice, order: Option<u64>) {
    it.object("metadata", |it| {
        if let Some(order) = order {
            it.quoted("order_number", super::shop::Number(order));
        }
        it.raw("ledger", BEYOND + u128::from(index));
        it.raw("rate", format_args!("1.{:018}{:07}", now.below(1_000_000_000_000_000_000), now.below(10_000_000)));
    });
}

fn ending(it: &mut Object<'_>, row: &Row) {
    it.raw("created", row.created_ms / 1000);
    it.raw("updated", row.updated_ms / 1000);
}
