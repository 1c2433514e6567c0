#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use serde_json::json;
use syncline_sdk::DeleteStrategy;

use super::*;
use crate::config::{Sources, load};

fn config(flags: &[&str]) -> Config {
    load(&Sources { flags: flags.iter().map(|&flag| flag.to_owned()).collect(), ..Sources::default() }).unwrap()
}

fn stream(name: &str) -> StreamSpec {
    StreamSpec {
        name: name.parse().unwrap(),
        primary_key: Vec::new(),
        cursor_field: Vec::new(),
        modes: Vec::new(),
        json_schema: json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {"id": {"type": "integer"}}}),
        delete: DeleteStrategy::None,
        unavailable: None,
    }
}

#[test]
fn the_channel_of_all_events_has_the_template_as_its_address_and_a_parameter_for_each_name() {
    let document = document(&config(&["kafka.prefix=line"]), None, &[]);
    let channel = &document["channels"]["events"];
    assert_eq!(channel["address"], "line.{tenant}.{connector}.{stream}");
    assert_eq!(channel["parameters"].as_object().unwrap().keys().collect::<Vec<_>>(), ["tenant", "connector", "stream"]);
}

#[test]
fn streams_that_share_a_topic_share_a_channel_and_others_have_their_own() {
    let described = [("shop".parse().unwrap(), vec![stream("orders"), stream("customers")])];
    let own = document(&config(&[]), Some("acme"), &described);
    assert_eq!(own["channels"]["shop.orders"]["address"], "syncline.acme.shop.orders");
    assert_eq!(own["components"]["schemas"]["shop.orders"]["properties"]["id"]["type"], "integer");
    let shared = document(&config(&["kafka.topic={prefix}.{tenant}"]), Some("acme"), &described);
    assert_eq!(shared["channels"].as_object().unwrap().len(), 1);
    assert_eq!(shared["channels"]["events"]["messages"].as_object().unwrap().len(), 4);
}

#[test]
fn every_reference_of_the_contract_leads_somewhere() {
    let described = [("shop".parse().unwrap(), vec![stream("orders"), stream("public.Größe")])];
    let brokers = config(&["kafka.bootstrap=a:9092, b:9092", "kafka.tls=true"]);
    for document in [document(&brokers, None, &described), document(&brokers, Some("acme"), &[])] {
        let mut seen = 0;
        let text = document.to_string();
        for rest in text.split("\"$ref\":\"#").skip(1) {
            let pointer = rest.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "`{pointer}` leads nowhere");
            seen += 1;
        }
        assert!(seen > 4);
        assert_eq!(document["servers"]["broker-2"], json!({"host": "b:9092", "protocol": "kafka-secure", "protocolVersion": "3.0"}));
    }
}
