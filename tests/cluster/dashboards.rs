//! What the dashboard and the alerts of Kafka name is exported, and the alerts do what their tests say.

use std::{path::Path, process::Command};

use crate::support::Home;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_the_dashboard_of_kafka_names_is_exported() {
    let home = Home::new();
    let server = home.serve();
    let exported = server.get("/metrics").await;
    let exported: Vec<&str> =
        exported.as_str().unwrap().lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards");
    for file in ["grafana/kafka.json", "prometheus/kafka_alerts.yml"] {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        let words = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'));
        let named: Vec<&str> = words.filter(|word| word.starts_with("syncline_")).collect();
        assert!(named.len() > 4);
        for word in named {
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
            assert!(exported.contains(&family) || exported.contains(&word), "{file} names `{word}`, which is not exported");
        }
    }
}

#[test]
fn the_alerts_of_kafka_do_what_their_tests_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dashboards/prometheus");
    for arguments in [["check", "rules", "kafka_alerts.yml"], ["test", "rules", "kafka_alerts_test.yml"]] {
        let output =
            Command::new("promtool").args(arguments).current_dir(&folder).output().expect("promtool is installed (Debian: prometheus)");
        assert!(output.status.success(), "{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
}
