//! `syncline demo`: the main job, watched. Three fake providers over real HTTP, and the real engine, log, organizer and API on a folder of
//! the demo's own; a tenant is made and its apps are connected through the API, as a platform would.

mod api;
mod picture;

use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use syncline_api::RunningApi;
use syncline_sandbox::{Provider, RunningSandbox, Sandbox, SandboxConfig};

use crate::{
    cli::DemoArgs,
    commands::{require_config, say, serve::stop_signal},
    telemetry,
    wiring::{self, Running},
};
use api::Api;

const TENANT: &str = "acme";
const LOOK_EVERY: Duration = Duration::from_millis(150);
/// How many changes a second the fake providers make by themselves while the demo stays up.
const CHANGES_PER_S: u32 = 5;

/// Shows the main job. Ends with the picture if `--once`, else stays up.
pub async fn run(arguments: &DemoArgs) -> anyhow::Result<()> {
    let own_folder = tempfile::Builder::new().prefix("syncline-demo-").tempdir().context("no folder for the demo can be made")?;
    let mut more = vec![
        ("api.listen", arguments.listen.clone()),
        ("egress.private_allowed", "true".to_owned()),
        ("connectors.test_mode", "true".to_owned()),
        ("telemetry.log_filter", "warn".to_owned()),
    ];
    if arguments.config.folder.is_none() {
        more.push(("folder", own_folder.path().display().to_string()));
    }
    let config = require_config(&arguments.config, &more)?;
    telemetry::start(&config.telemetry)?;
    let sandbox = Sandbox::start(SandboxConfig { seed: arguments.seed, records: arguments.records, ..SandboxConfig::default() })?;
    say(&format!("three fake providers answer on http://{}", sandbox.address()));
    let running = wiring::start(&config, &wiring::ALL_ROLES).await?;
    let Some(listens) = running.api.as_ref().map(RunningApi::addr) else { bail!("the API does not run") };
    let Some(key) = running.first_key.as_ref().map(|key| key.expose().to_owned()) else {
        bail!("the demo wants a folder of its own; `{}` is in use", config.folder.display());
    };
    say(&format!("Syncline listens on http://{listens}\n"));
    let api = Api::new(listens, &key)?;
    let started = Instant::now();
    connect(&api, &sandbox).await?;
    watch(&api).await?;
    let read = started.elapsed();
    tables_caught_up(&running).await?;
    let took = started.elapsed();
    say(&picture::draw(&api, &running, &wiring::tables_folder(&config), read, took).await?);
    if !arguments.once {
        api.post_to(&format!("{}/changes", sandbox.control_url()), &json!({"per_s": CHANGES_PER_S})).await?;
        say(&format!(
            "The providers now change {CHANGES_PER_S} records a second, and each app is read every five seconds.\n\n  console    http://{listens}/\n  reference  http://{listens}/docs\n  key        {key}\n\n  curl -H 'Authorization: Bearer {key}' http://{listens}/api/v1/tenants/{TENANT}/integrations\n\nCtrl-C ends it."
        ));
        stop_signal().await?;
    }
    running.stop().await
}

/// Makes the tenant and its three integrations.
async fn connect(api: &Api, sandbox: &RunningSandbox) -> anyhow::Result<()> {
    api.post("/tenants", &json!({"id": TENANT, "name": "Acme Ltd"})).await?;
    for provider in Provider::ALL {
        let id = provider.name();
        let integration =
            json!({"id": id, "connector": format!("sandbox-{id}"), "settings": sandbox.settings(provider), "schedule": {"every_s": 5}});
        api.post(&format!("/tenants/{TENANT}/integrations"), &integration).await?;
        let path = format!("/tenants/{TENANT}/integrations/{id}");
        let tried = api.post(&format!("{path}/test"), &json!({})).await?;
        if tried["works"] != Value::Bool(true) {
            bail!("`{id}` cannot be connected: {}", tried["message"].as_str().unwrap_or("no reason was given"));
        }
        api.post(&format!("{path}/resume"), &json!({})).await?;
    }
    Ok(())
}

/// Shows a bar for each app until every one is live.
async fn watch(api: &Api) -> anyhow::Result<()> {
    let bars = MultiProgress::new();
    let style = ProgressStyle::with_template("{prefix:10} {bar:30} {human_pos:>9} records  {msg}")?;
    let bar = |provider: &Provider| bars.add(ProgressBar::new(1).with_style(style.clone()).with_prefix(provider.name()));
    let mut waiting: Vec<(Provider, ProgressBar)> = Provider::ALL.iter().map(|provider| (*provider, bar(provider))).collect();
    let mut look = tokio::time::interval(LOOK_EVERY);
    while !waiting.is_empty() {
        look.tick().await;
        let mut still = Vec::new();
        for (provider, bar) in waiting {
            let path = format!("/tenants/{TENANT}/integrations/{}", provider.name());
            show(&bar, &api.get(&format!("{path}/jobs?limit=1")).await?["items"][0]);
            let integration = api.get(&path).await?;
            match integration["state"].as_str() {
                Some("live") => bar.finish_with_message("live"),
                Some("degraded" | "reauth_required") => bail!("`{}` does not work: {}", provider.name(), integration["cause"]),
                other => {
                    bar.set_message(other.unwrap_or_default().to_owned());
                    still.push((provider, bar));
                }
            }
        }
        waiting = still;
    }
    Ok(())
}

fn show(bar: &ProgressBar, job: &Value) {
    let streams = job["progress"].as_array().map(Vec::as_slice).unwrap_or_default();
    let sum = |field: &str| streams.iter().filter_map(|stream| stream[field].as_u64()).sum::<u64>();
    let done = streams.iter().filter(|stream| stream["done"] == Value::Bool(true)).count();
    bar.set_length((sum("records") * streams.len().max(1) as u64 / (done.max(1) as u64)).max(1));
    bar.set_position(sum("records"));
}

/// Waits until the tables hold what the log holds.
async fn tables_caught_up(running: &Running) -> anyhow::Result<()> {
    let Some(organizer) = &running.organizer else { return Ok(()) };
    if !organizer.caught_up().await {
        bail!("the organizer has ended");
    }
    Ok(())
}
