//! `syncline connectors`: what there is, what one needs, what is wrong with one, and how a new one begins.

mod recorded;
mod secrets;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde_json::Value;
use syncline_sdk::{Connector, DeleteStrategy, catalog::ConnectorFile};

use crate::{
    catalog::Catalog,
    cli::ConnectorsCommand,
    commands::{airbyte, listed, say},
    config::{self, Sources},
};

/// Does what was asked. False if something is wrong with a connector that was to be checked.
pub async fn run(command: &ConnectorsCommand) -> anyhow::Result<bool> {
    match command {
        ConnectorsCommand::List { search } => list(&everything()?, search.as_deref()),
        ConnectorsCommand::Show { connector } => show(everything()?.get(connector)?.as_ref()).await?,
        ConnectorsCommand::Lint { paths } => return lint(paths),
        ConnectorsCommand::Test { folder, record: None, .. } => return recorded::test(folder).await,
        ConnectorsCommand::Test { folder, record: Some(settings), name, pages } => {
            return recorded::record(folder, settings, name, *pages).await;
        }
        ConnectorsCommand::New { name, folder } => begin(name, folder)?,
    }
    Ok(true)
}

/// The whole catalog, those for tests included.
pub fn everything() -> anyhow::Result<Catalog> {
    let sources =
        Sources { environment: std::env::vars().collect(), flags: vec!["connectors.test_mode=true".to_owned()], ..Sources::default() };
    let config = config::load(&sources).map_err(|problems| anyhow::anyhow!(listed("the configuration is wrong", &problems)))?;
    crate::wiring::catalog(&config)
}

fn list(catalog: &Catalog, search: Option<&str>) {
    let wanted = search.unwrap_or_default().to_lowercase();
    let has = |file: &ConnectorFile| {
        [file.name.as_str(), &file.title, &file.category, &file.description].iter().any(|text| text.to_lowercase().contains(&wanted))
    };
    for connector in catalog.iter().filter(|connector| has(connector.file())) {
        let file = connector.file();
        let note = if file.test_mode { " (for tests and demos)" } else { "" };
        say(&format!("{:20} {:14} {}{note}", file.name, file.category, file.description));
    }
}

async fn show(connector: &dyn Connector) -> anyhow::Result<()> {
    let file = connector.file();
    say(&format!("{} ({})\n{}\n", file.title, file.name, file.description));
    if !file.setup.is_empty() {
        say("How to connect it");
        file.setup.iter().enumerate().for_each(|(index, step)| say(&format!("  {}. {step}", index + 1)));
        say("");
    }
    say("Settings");
    settings(connector.settings_schema());
    say("\nStreams");
    let context = airbyte::offline_context(file.name.clone())?;
    for stream in connector.streams(&context).await? {
        let key: Vec<String> = stream.primary_key.iter().map(|path| path.join(".")).collect();
        let mode = if stream.cursor_field.is_empty() { "in full".to_owned() } else { format!("by `{}`", stream.cursor_field.join(".")) };
        let deletions = match &stream.delete {
            DeleteStrategy::None => "deletions are not found".to_owned(),
            DeleteStrategy::Flag { field } => format!("deleted when `{field}` is set"),
            DeleteStrategy::Missing => "deletions are found by reading in full".to_owned(),
        };
        let state = stream.unavailable.map(|unavailable| format!(", UNAVAILABLE: {}", unavailable.why)).unwrap_or_default();
        say(&format!("  {:20} key {:12} read {mode:20} {deletions}{state}", stream.name, key.join(", ")));
    }
    Ok(())
}

fn settings(schema: &Value) {
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let text = |key: &str| field[key].as_str().unwrap_or_default();
        let mut notes = vec![text("type")];
        notes.extend(required.contains(&name.as_str()).then_some("required"));
        notes.extend((field["airbyte_secret"] == Value::Bool(true)).then_some("secret"));
        say(&format!("  {name:20} {:28} {}", notes.join(", "), text("description")));
    }
}

fn lint(paths: &[PathBuf]) -> anyhow::Result<bool> {
    let mut wrong = 0;
    for path in paths {
        let (folder, manifest) =
            if path.is_dir() { (Some(path.as_path()), path.join("manifest.yaml")) } else { (path.parent(), path.clone()) };
        let manifest = fs::read_to_string(&manifest).with_context(|| format!("`{}` cannot be read", manifest.display()))?;
        let connector = folder.map(|folder| folder.join("connector.yaml")).and_then(|file| fs::read_to_string(file).ok());
        let connector = connector.unwrap_or_else(|| airbyte::BARE.to_owned());
        let found = syncline_declarative::lint(&connector, &manifest);
        wrong += found.errors.len();
        found.errors.iter().for_each(|problem| say(&format!("{}: {problem}", path.display())));
        found.warnings.iter().for_each(|problem| say(&format!("{}: note: {problem}", path.display())));
        if found.errors.is_empty() {
            say(&format!("{}: nothing is wrong", path.display()));
        }
    }
    Ok(wrong == 0)
}

fn begin(name: &str, folder: &Path) -> anyhow::Result<()> {
    let name: syncline_model::ConnectorName = name.parse()?;
    let target = folder.join(name.as_str());
    if target.exists() {
        bail!("`{}` exists already", target.display());
    }
    fs::create_dir_all(target.join("recorded")).with_context(|| format!("`{}` cannot be made", target.display()))?;
    for (file, text) in [
        ("connector.yaml", include_str!("new/connector.yaml")),
        ("manifest.yaml", include_str!("new/manifest.yaml")),
        ("icon.svg", include_str!("new/icon.svg")),
        ("recorded/first.json", include_str!("new/recorded/first.json")),
    ] {
        fs::write(target.join(file), text.replace("NAME", name.as_str())).with_context(|| format!("`{file}` cannot be written"))?;
    }
    say(&format!(
        "made `{0}`; next:\n  edit {0}/manifest.yaml\n  syncline connectors lint {0}\n  syncline connectors test {0}\n  syncline read --manifest-path {0}/manifest.yaml --config settings.json --catalog catalog.json",
        target.display()
    ));
    Ok(())
}
