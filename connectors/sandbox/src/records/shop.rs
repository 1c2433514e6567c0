//! The shop: integer ids, nested address and line items, prices as text, seconds in UTC.

use crate::{
    json::{Object, Price, time},
    people::Person,
    timeline::Row,
    words::Stream,
    world::World,
};

const THINGS: [&str; 16] = [
    "Espresso Cup",
    "27\" Monitor",
    "Desk Lamp",
    "Notebook A5",
    "Wool Socks",
    "Trail Shoes",
    "Rucksack 30 l",
    "Water Bottle",
    "Phone Stand",
    "Keyboard",
    "USB-C Cable",
    "Olive Oil",
    "Café Crème 1 kg",
    "Garden Chair",
    "Rain Jacket",
    "Board Game",
];
const COLOURS: [&str; 8] = ["black", "white", "red", "blue", "green", "grün", "sand", "steel"];

struct Item {
    product: u64,
    quantity: u64,
    cents: u64,
}

/// What the customers of the shop look like.
pub(super) fn customer(out: &mut Vec<u8>, world: &World, row: &Row) {
    let stream = Stream::ShopCustomers;
    let person = Person::of(world, world.person(stream, row.index));
    let mut fixed = world.dice(stream, row.index, 0);
    let mut now = world.dice(stream, row.index, row.revision);
    let business = fixed.percent(35);
    let company = business.then(|| person.company.casual(&mut fixed));
    let email = if business || fixed.percent(30) { &person.email } else { &person.private_email };
    Object::write(out, |it| {
        it.raw("id", super::key(world, stream, row.index));
        it.text("first_name", person.first);
        it.text("last_name", person.last);
        it.text("email", email);
        it.maybe("phone", fixed.percent(80).then(|| person.phone_spaced()).as_deref());
        it.maybe("company", company.as_deref());
        it.raw("accepts_marketing", now.percent(40));
        it.raw("orders_count", now.below(30));
        it.quoted("total_spent", Price(now.below(500_000)));
        address(it, "address", &person);
        ending(it, row);
    });
}

/// What is sold.
pub(super) fn product(out: &mut Vec<u8>, world: &World, row: &Row) {
    let stream = Stream::ShopProducts;
    let mut now = world.dice(stream, row.index, row.revision);
    Object::write(out, |it| {
        it.raw("id", super::key(world, stream, row.index));
        it.quoted("sku", Sku(row.index));
        it.text("title", &title(world, row.index));
        it.quoted("price", Price(price(world, row.index) + u64::from(row.revision) * 10));
        it.text("currency", "EUR");
        it.raw("stock", now.below(1000));
        it.quoted("weight_kg", format_args!("{}.{:03}", now.below(20), now.below(1000)));
        it.raw("available", now.percent(90));
        ending(it, row);
    });
}

/// What was bought.
pub(super) fn order(out: &mut Vec<u8>, world: &World, row: &Row) {
    let stream = Stream::ShopOrders;
    let buyer = buyer(world, row.index);
    let person = Person::of(world, world.person(Stream::ShopCustomers, buyer));
    let items = items(world, row.index);
    let net: u64 = items.iter().map(|item| item.quantity * item.cents).sum();
    let status = world.dice(stream, row.index, row.revision).pick(&["open", "paid", "shipped", "delivered", "returned"]);
    Object::write(out, |it| {
        it.raw("id", super::key(world, stream, row.index));
        it.quoted("number", Number(row.index));
        it.raw("customer_id", super::key(world, Stream::ShopCustomers, buyer));
        it.text("email", &person.email);
        it.text("currency", "EUR");
        it.quoted("subtotal", Price(net));
        it.quoted("tax", Price(net * 19 / 100));
        it.quoted("total", Price(gross(net)));
        it.text("status", status);
        address(it, "shipping_address", &person);
        it.list("line_items", items.iter().enumerate(), |line, (at, item)| {
            line.raw("id", (row.index + 1) * 10 + at as u64);
            line.raw("product_id", super::key(world, Stream::ShopProducts, item.product));
            line.quoted("sku", Sku(item.product));
            line.text("title", &title(world, item.product));
            line.raw("quantity", item.quantity);
            line.quoted("price", Price(item.cents));
        });
        ending(it, row);
    });
}

/// Which customer placed the order.
pub(super) fn buyer(world: &World, order: u64) -> u64 {
    world.dice(Stream::ShopOrders, order, 900).below(world.count(Stream::ShopCustomers))
}

/// What the order costs, in cents.
pub(super) fn total(world: &World, order: u64) -> u64 {
    gross(items(world, order).iter().map(|item| item.quantity * item.cents).sum())
}

/// The order's number as people write it.
pub(super) struct Number(pub u64);

impl std::fmt::Display for Number {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "#{}", 10_001 + self.0)
    }
}

struct Sku(u64);

impl std::fmt::Display for Sku {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "SKU-{:06}", self.0)
    }
}

const fn gross(net: u64) -> u64 {
    net + net * 19 / 100
}

fn items(world: &World, order: u64) -> Vec<Item> {
    let mut dice = world.dice(Stream::ShopOrders, order, 901);
    let count = 1 + dice.below(4);
    let products = world.count(Stream::ShopProducts);
    let item = |_| {
        let product = dice.below(products);
        Item { product, quantity: 1 + dice.below(3), cents: price(world, product) }
    };
    (0..count).map(item).collect()
}

fn price(world: &World, product: u64) -> u64 {
    199 + world.dice(Stream::ShopProducts, product, 902).below(20_000)
}

fn title(world: &World, product: u64) -> String {
    let mut dice = world.dice(Stream::ShopProducts, product, 903);
    format!("{} {}", dice.pick(&THINGS), dice.pick(&COLOURS))
}

fn address(it: &mut Object<'_>, key: &str, person: &Person) {
    it.object(key, |it| {
        it.text("street", &person.street);
        it.text("city", person.city.0);
        it.text("zip", person.city.1);
        it.text("country", person.city.2);
    });
}

fn ending(it: &mut Object<'_>, row: &Row) {
    it.quoted("created_at", format_args!("{:.0}", time(row.created_ms)));
    it.quoted("updated_at", format_args!("{:.0}", time(row.updated_ms)));
    if row.deleted {
        it.quoted("deleted_at", format_args!("{:.0}", time(row.updated_ms)));
    } else {
        it.raw("deleted_at", "null");
    }
}
