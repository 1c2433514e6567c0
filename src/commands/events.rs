//! `syncline events`: what consumers of the event log need to know.

use syncline_model::TenantId;
use syncline_sdk::Connector;

use crate::{
    cli::EventsCommand,
    commands::{airbyte, connectors, require_config, say},
    contract,
};

/// Does what was asked.
pub async fn run(command: &EventsCommand) -> anyhow::Result<()> {
    let EventsCommand::Contract { config, connectors: wanted, tenant } = command;
    let config = require_config(config, &[])?;
    let tenant = tenant.as_deref().map(str::parse::<TenantId>).transpose()?;
    let catalog = connectors::everything()?;
    let mut described = Vec::new();
    for name in wanted {
        let connector = catalog.get(name)?;
        let name = connector.file().name.clone();
        let streams = connector.streams(&airbyte::offline_context(name.clone())?).await?;
        described.push((name, streams));
    }
    say(&serde_json::to_string_pretty(&contract::document(&config, tenant.as_ref().map(TenantId::as_str), &described))?);
    Ok(())
}
