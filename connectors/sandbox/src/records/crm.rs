//! The CRM: everything is text, even ids and numbers; names as a salesperson types them; milliseconds in UTC.

use crate::{
    dice::Dice,
    json::{Object, Price, time},
    people::{Company, Person},
    timeline::Row,
    words::Stream,
    world::World,
};

const INDUSTRIES: [&str; 6] = ["Manufacturing", "Retail", "Software", "Health Care", "Logistics", "Finance"];
const TITLES: [&str; 6] = ["CEO", "Head of Purchasing", "Buyer", "Office Manager", "CTO", "Accountant"];
const STAGES: [&str; 5] = ["appointmentScheduled", "qualified", "proposalSent", "closedWon", "closedLost"];

/// Firms.
pub(super) fn company(out: &mut Vec<u8>, world: &World, row: &Row) {
    let company = Company::of(world, row.index);
    let mut now = world.dice(Stream::CrmCompanies, row.index, row.revision);
    envelope(out, world, Stream::CrmCompanies, row, |it| {
        it.text("name", &company.legal());
        it.text("domain", &company.domain);
        it.text("industry", now.pick(&INDUSTRIES));
        it.quoted("employeeCount", 1 + now.below(5000));
    });
}

/// People who work there.
pub(super) fn contact(out: &mut Vec<u8>, world: &World, row: &Row) {
    let stream = Stream::CrmContacts;
    let person = Person::of(world, world.person(stream, row.index));
    let mut fixed = world.dice(stream, row.index, 0);
    let mut now = world.dice(stream, row.index, row.revision);
    let employer = super::key(world, Stream::CrmCompanies, person.employer);
    let email = email(&person.email, &mut fixed);
    envelope(out, world, stream, row, |it| {
        it.text("firstName", if fixed.percent(20) { person.nick } else { person.first });
        it.text("lastName", &if fixed.percent(10) { person.last.to_uppercase() } else { person.last.to_owned() });
        it.text("email", &email);
        it.maybe("phone", now.percent(70).then(|| person.phone_local()).as_deref());
        it.text("jobTitle", now.pick(&TITLES));
        it.text("companyId", &employer);
        it.text("lifecycleStage", now.pick(&["lead", "customer", "evangelist"]));
    });
}

/// What may be sold to them.
pub(super) fn deal(out: &mut Vec<u8>, world: &World, row: &Row) {
    let stream = Stream::CrmDeals;
    let mut fixed = world.dice(stream, row.index, 0);
    let mut now = world.dice(stream, row.index, row.revision);
    let contact = fixed.below(world.count(Stream::CrmContacts));
    let person = Person::of(world, world.person(Stream::CrmContacts, contact));
    envelope(out, world, stream, row, |it| {
        it.text("dealName", &format!("{} – renewal {}", person.company.plain, 2024 + fixed.below(3)));
        it.quoted("amount", Price(now.below(9_000_000)));
        it.text("stage", now.pick(&STAGES));
        it.quoted("probability", format_args!("0.{}", 1 + now.below(9)));
        it.quoted("closeDate", format_args!("2025-{:02}-{:02}", 1 + now.below(12), 1 + now.below(28)));
        it.text("companyId", &super::key(world, Stream::CrmCompanies, person.employer));
        it.text("contactId", &super::key(world, Stream::CrmContacts, contact));
        it.raw("hasNotes", world.noted_position(row.index).is_some());
    });
}

/// The `at`th note about the `nth` deal with notes.
pub(super) fn deal_note(out: &mut Vec<u8>, world: &World, nth: u64, at: u64) {
    let index = nth * 4 + at;
    let deal = world.noted_deal(nth);
    let written_ms = world.touched_ms(Stream::CrmDeals, deal) + i64::try_from(at * 1000).unwrap_or_default();
    let row = Row { index, revision: 0, created_ms: written_ms, updated_ms: written_ms, deleted: false };
    let mut dice = world.dice(Stream::CrmDealNotes, index, 0);
    envelope(out, world, Stream::CrmDealNotes, &row, |it| {
        it.text("dealId", &super::key(world, Stream::CrmDeals, deal));
        it.text("body", dice.pick(&["Called, no answer", "Wants a discount of 10 %", "Sent the offer\nagain", "\"Maybe next year\""]));
        it.text("author", dice.pick(&["ana@crm.example", "ben@crm.example"]));
    });
}

fn email(of: &str, dice: &mut Dice) -> String {
    match (dice.below(10), of.split_once('@')) {
        (0, Some((local, domain))) => format!("{local}+crm@{domain}"),
        (1, _) => of.to_uppercase(),
        (2, Some((local, domain))) => format!("{local}@{}", domain.to_uppercase()),
        _ => of.to_owned(),
    }
}

fn envelope(out: &mut Vec<u8>, world: &World, stream: Stream, row: &Row, properties: impl FnOnce(&mut Object<'_>)) {
    Object::write(out, |it| {
        it.text("id", &super::key(world, stream, row.index));
        it.object("properties", properties);
        it.quoted("createdAt", format_args!("{:.3}", time(row.created_ms)));
        it.quoted("updatedAt", format_args!("{:.3}", time(row.updated_ms)));
        it.raw("archived", row.deleted);
    });
}
