//! `syncline key`: makes, lists and revokes API keys, on the store itself.

use syncline_model::{TenantId, nearest};
use syncline_store::{NewKey, PageRequest, Role};

use crate::{
    cli::KeyCommand,
    commands::{require_config, say},
    wiring,
};

/// Does what was asked.
pub async fn run(command: &KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create { config, name, role, tenant } => {
            let role = named(role)?;
            let tenant = tenant.as_deref().map(str::parse::<TenantId>).transpose()?;
            let store = wiring::store(&require_config(config, &[])?).await?;
            let (key, secret) = store.keys().create(NewKey { name: name.clone(), role, tenant }).await?;
            say(&format!("id    {}\nrole  {}\nkey   {}\n\nthe key is shown this once", key.id, key.role.as_str(), secret.expose()));
        }
        KeyCommand::List { config } => {
            let store = wiring::store(&require_config(config, &[])?).await?;
            let mut page = PageRequest::default();
            loop {
                let found = store.keys().list(None, &page).await?;
                for key in &found.items {
                    let tenant = key.tenant.as_ref().map_or("all tenants", TenantId::as_str);
                    let state = if key.revoked.is_some() { "revoked" } else { "valid" };
                    say(&format!("{}  {:8}  {:8}  {tenant}  {}", key.id, key.role.as_str(), state, key.name));
                }
                let Some(next) = found.next else { return Ok(()) };
                page.after = Some(next);
            }
        }
        KeyCommand::Revoke { config, id } => {
            let store = wiring::store(&require_config(config, &[])?).await?;
            let key = store.keys().revoke(id).await?;
            say(&format!("`{}` ({}) is valid no more", key.id, key.name));
        }
    }
    Ok(())
}

fn named(role: &str) -> anyhow::Result<Role> {
    let roles = [Role::Viewer, Role::Operator, Role::Admin, Role::Owner];
    let found = roles.into_iter().find(|known| known.as_str() == role);
    found.ok_or_else(|| anyhow::anyhow!("there is no role `{role}`{}", nearest::hint(role, roles.map(Role::as_str))))
}
