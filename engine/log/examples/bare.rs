//! A bare idempotent producer, as somebody writes it who needs no cursors and bears duplicates: how far a bench can come.
//!     bare BROKERS TOPIC FIELD < PAGES      a page in each line; each item of its FIELD becomes a message

#![allow(clippy::print_stdout, reason = "what a bench reads")]

use std::{collections::HashMap, io::BufRead, time::Duration};

use rdkafka::{
    ClientConfig,
    producer::{BaseRecord, DefaultProducerContext, Producer, ThreadedProducer},
};
use serde_json::value::RawValue;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(brokers), Some(topic), Some(field)) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("bare BROKERS TOPIC FIELD < PAGES".into());
    };
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("enable.idempotence", "true").set("linger.ms", "5").set("compression.type", "lz4");
    let producer: ThreadedProducer<DefaultProducerContext> = config.create()?;
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
    println!("{sent}");
    Ok(())
}
