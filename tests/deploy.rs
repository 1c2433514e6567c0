//! What lies in `deploy/`, `compose.yaml` and the `Dockerfile`, read by the programs that will read it: Helm, Kubernetes' schemas, the
//! reference reader of compose files, promtool, a linter of Dockerfiles. Where one cannot be had, the test says so and why.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn ran(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.current_dir(root()).output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout).into_owned(), String::from_utf8_lossy(&stderr).into_owned());
    assert!(status.success(), "{command:?}\n{stdout}\n{stderr}");
    stdout
}

/// A program of `tests/support/deploy.sh`, or nothing where it cannot be had.
fn program(name: &str) -> Option<PathBuf> {
    let Output { status, stdout, stderr } = Command::new(root().join("tests/support/deploy.sh")).arg(name).output().unwrap();
    if status.code() == Some(3) {
        println!("skipped: {}", String::from_utf8_lossy(&stderr).trim());
        return None;
    }
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    Some(String::from_utf8(stdout).unwrap().trim().into())
}

const CHART: &str = "deploy/helm/syncline";
/// Everything that can be switched on.
const ALL: &str = r#"{
  "kafka": {"bootstrap": "kafka:9093", "sasl": "scram_sha512", "username": "syncline", "password": {"name": "kafka"}, "tls": true, "caSecret": "ca"},
  "nodes": {"api": {"replicas": 2, "roles": [], "resources": {"requests": {"cpu": "1"}, "limits": {"memory": "1Gi"}}},
            "all": {"replicas": 3, "roles": ["engine", "organizer"], "autoscaling": {"min": 3, "max": 8}}},
  "ingress": {"enabled": true, "className": "nginx", "host": "line.example.com", "tlsSecret": "line", "paths": ["/api", "/console"]},
  "settings": {"log.retention_days": 30, "log.event_bytes_max": 8388608, "connectors.test_mode": true},
  "monitoring": {"enabled": true, "labels": {"release": "prometheus"}},
  "networkPolicy": {"enabled": true, "from": [{"namespaceSelector": {}}]},
  "bundled": {"kafka": {"enabled": false}, "postgres": {"enabled": true}}
}"#;

/// What the chart makes of these values, checked; objects, settings and grace as `check_chart.py` prints them.
fn made(helm: &Path, values: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let (values_file, made) = (folder.path().join("values.json"), folder.path().join("made.yaml"));
    std::fs::write(&values_file, values).unwrap();
    ran(Command::new(helm).args(["lint", "--strict", CHART, "--values"]).arg(&values_file));
    let text = ran(Command::new(helm).args(["template", "line", CHART, "--kube-version", "1.33.0", "--values"]).arg(&values_file));
    std::fs::write(&made, text).unwrap();
    let python = ran(&mut Command::new(root().join("tests/support/python.sh")));
    let checked = ran(Command::new(python.trim()).arg("tests/support/check_chart.py").arg(made));
    serde_json::from_str(&checked).unwrap()
}

#[test]
fn the_chart_makes_what_kubernetes_takes_and_every_setting_in_it_exists() {
    let Some(helm) = program("helm") else { return };
    let bundled = r#"{"bundled": {"kafka": {"enabled": true}, "postgres": {"enabled": true}}}"#;
    for (values, kinds) in [(r#"{"kafka": {"bootstrap": "kafka:9092"}}"#, 5), (bundled, 6), (ALL, 11)] {
        let found = made(&helm, values);
        assert_eq!(found["objects"].as_object().unwrap().len(), kinds, "{found:#}");
        assert!(found["grace"].as_array().unwrap().iter().all(|seconds| seconds.as_u64() >= Some(40)), "{found:#}");
        // The binary reads them as its own environment would give them.
        let settings: BTreeMap<String, String> = serde_json::from_value(found["settings"].clone()).unwrap();
        let secrets =
            [("SYNCLINE_STORE_URL", "postgres://a@b/c"), ("SYNCLINE_TABLES_URL", "postgres://a@b/d"), ("SYNCLINE_KAFKA_PASSWORD", "p")];
        let mut contract = Command::new(env!("CARGO_BIN_EXE_syncline"));
        let printed = ran(contract.args(["events", "contract"]).envs(settings).envs(secrets));
        assert!(printed.contains("asyncapi"));
    }
}

#[test]
fn the_chart_refuses_values_that_cannot_work() {
    let Some(helm) = program("helm") else { return };
    for (value, why) in [
        ("kafka.prefix=line", "kafka.bootstrap must name some brokers"),
        ("nodes.all.roles={engin}", "/nodes/all/roles/0"),
        ("terminationGracePeriodSeconds=5", "/terminationGracePeriodSeconds"),
        ("kafka.bootstrap=k:9092,ingress.enabled=true", "ingress.host must be the name"),
        ("kafka.bootstrap=k:9092,nodes.all.autoscaling.max=8", "/nodes/all/autoscaling"),
    ] {
        let mut template = Command::new(&helm);
        let output = template.args(["template", "line", CHART, "--set", value]).current_dir(root()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).replace('.', "/");
        assert!(!output.status.success(), "{value}");
        assert!(said.contains(&why.replace('.', "/")), "{value}: {said}");
    }
}

/// The variable at the beginning of what follows a dollar.
fn name(rest: &str) -> String {
    rest.trim_start_matches('{').chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn the_compose_file_is_what_compose_reads_and_names_only_files_that_are_here() {
    let Some(compose) = program("compose") else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(root().join("compose.yaml"), folder.path().join("compose.yaml")).unwrap();
    let read =
        Command::new(compose).args(["-format", "json", "-no-interpolation", "compose.yaml"]).current_dir(folder.path()).output().unwrap();
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let project: Value = serde_json::from_slice(&read.stdout).unwrap();
    let services = project["services"].as_object().unwrap();
    assert_eq!(services.keys().collect::<Vec<_>>(), ["grafana", "kafka", "node-1", "node-2", "postgres", "prometheus"]);
    let mut files = 0;
    for mount in services.values().flat_map(|service| service["volumes"].as_array().unwrap()).filter(|mount| mount["type"] == "bind") {
        let source = Path::new(mount["source"].as_str().unwrap());
        let here = root().join(source.strip_prefix(folder.path().canonicalize().unwrap()).unwrap_or(source));
        assert!(here.exists(), "{}", here.display());
        files += 1;
    }
    assert!(files > 4);
    let wanted: BTreeSet<String> =
        read.stdout.split(|byte| *byte == b'$').skip(1).map(|rest| name(&String::from_utf8_lossy(rest))).collect();
    let example = std::fs::read_to_string(root().join("deploy/compose/env.example")).unwrap();
    let named: BTreeSet<String> = example.lines().filter_map(|line| line.strip_suffix('=')).map(str::to_owned).collect();
    assert_eq!(wanted, named, "what compose.yaml wants, and what env.example has");
    for node in ["node-1", "node-2"] {
        assert_eq!(services[node]["read_only"], true);
        assert_eq!(services[node]["stop_grace_period"], "45s");
    }
}

#[test]
fn prometheus_reads_its_configuration_with_all_our_rules() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(root().join("deploy/compose/prometheus.yml"), folder.path().join("prometheus.yml")).unwrap();
    std::os::unix::fs::symlink(root().join("dashboards/prometheus"), folder.path().join("syncline")).unwrap();
    let said = ran(Command::new("promtool").args(["check", "config"]).arg(folder.path().join("prometheus.yml")));
    assert!(said.contains("3 rule files found"), "{said}");
}

#[test]
fn the_dockerfile_passes_its_linter() {
    let Some(hadolint) = program("hadolint") else { return };
    ran(Command::new(hadolint).arg("Dockerfile"));
}
