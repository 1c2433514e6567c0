//! Writes the cursors of integrations that were read once, for benches of what owning them costs.
//!     fill BROKERS PREFIX TENANTS INTEGRATIONS STREAMS      so many streams of so many integrations of each of so many tenants

#![allow(clippy::print_stdout, reason = "what a bench reads")]

use syncline_log::{KafkaConfig, KafkaLog};
use syncline_model::{Advance, Cursor, CursorKey, EventLog, Revision, ShardId, Step, TenantId, log::ShardChange};

fn step(tenant: &TenantId, integrations: usize, streams: usize) -> Result<Step, Box<dyn std::error::Error>> {
    let mut step = Step::default();
    for integration in 0..integrations {
        for stream in 0..streams {
            for (part, cursor) in [("", r#"{"updated_at":"2026-01-01T00:00:00Z"}"#), ("history", "1")] {
                let key = CursorKey {
                    tenant: tenant.clone(),
                    integration: format!("i{integration}").parse()?,
                    stream: format!("stream_{stream}").parse()?,
                    part: part.to_owned(),
                };
                step.advances.push(Advance { key, from: Revision::NONE, to: Some(Cursor(cursor.into())) });
            }
        }
    }
    Ok(step)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [brokers, prefix, tenants, integrations, streams] = arguments.as_slice() else {
        return Err("fill BROKERS PREFIX TENANTS INTEGRATIONS STREAMS".into());
    };
    let (tenants, integrations, streams): (usize, usize, usize) = (tenants.parse()?, integrations.parse()?, streams.parse()?);
    let log = KafkaLog::open(KafkaConfig::new(brokers, prefix)).await?;
    let mut membership = log.join("fill").await?;
    let mut shards = std::collections::HashMap::new();
    while shards.len() < usize::from(log.shard_count().get()) {
        match membership.next().await?.ok_or("the group has ended")? {
            ShardChange::Assigned(shard) => drop(shards.insert(shard.id(), shard)),
            ShardChange::Revoked(shard) => drop(shards.remove(&shard)),
        }
    }
    for tenant in 0..tenants {
        let tenant: TenantId = format!("t{tenant}").parse()?;
        let shard = shards.get(&ShardId::of(&tenant, log.shard_count())).ok_or("a shard is not ours")?;
        shard.commit(step(&tenant, integrations, streams)?).await?;
    }
    println!("{}", tenants * integrations * streams * 2);
    drop((shards, membership));
    log.close().await;
    Ok(())
}
