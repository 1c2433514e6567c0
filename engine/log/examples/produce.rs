//! A bare idempotent producer, as somebody writes it who needs no cursors and bears duplicates: how far a bench can come.
//!     produce BROKERS TOPIC FIELD < PAGES      a page in each line; each item of its FIELD becomes a message

#![allow(clippy::print_stdout, reason = "what a bench reads")]

use std::{
    collections::HashMap,
    io::BufRead,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rdkafka::{
    ClientConfig, ClientContext,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};
use serde_json::value::RawValue;

/// Counts what did not arrive.
#[derive(Default)]
struct Refused(AtomicU64);

impl ClientContext for Refused {}

impl ProducerContext for Refused {
    type DeliveryOpaque = ();

    fn delivery(&self, report: &DeliveryResult<'_>, (): ()) {
        self.0.fetch_add(u64::from(report.is_err()), Ordering::Relaxed);
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(brokers), Some(topic), Some(field)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("produce BROKERS TOPIC FIELD < PAGES".into());
    };
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("enable.idempotence", "true").set("linger.ms", "5").set("compression.type", "lz4");
    let admin: AdminClient<DefaultClientContext> = config.create()?;
    // Another one may have made it.
    let new = [NewTopic::new(&topic, 1, TopicReplication::Fixed(1))];
    futures::executor::block_on(admin.create_topics(&new, &AdminOptions::new()))?;
    let producer: ThreadedProducer<Refused> = config.create_with_context(Refused::default())?;
    let mut sent = 0_u64;
    for page in std::io::stdin().lock().lines() {
        let page = page?;
        let page: HashMap<&str, &RawValue> = serde_json::from_str(&page)?;
        let items: Vec<&RawValue> = serde_json::from_str(page.get(field.as_str()).ok_or("the field is missing")?.get())?;
        for item in items {
            let key = sent.to_string();
            let mut record = BaseRecord::to(&topic).key(&key).payload(item.get());
            while let Err((_, back)) = producer.send(record) {
                record = back;
                std::thread::sleep(Duration::from_millis(1));
            }
            sent += 1;
        }
    }
    producer.flush(Duration::from_secs(60))?;
    println!("{}", sent - producer.context().0.load(Ordering::Relaxed));
    Ok(())
}
