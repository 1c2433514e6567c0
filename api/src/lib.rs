//! The admin API over HTTP, its reference, and the console. [`serve`] runs it on threads of its own.

mod app;
mod faults;
mod gate;
mod http;
pub mod metrics;
mod openapi;
mod pages;
mod parts;
pub mod problem;
mod routes;
mod serve;
mod settings;
mod webhooks;

pub use parts::{ApiConfig, ApiParts, WebhookLimits};
pub use serve::{RunningApi, ServeFault, serve};

/// The OpenAPI document as JSON, as it is served at `/api/v1/openapi.json`.
pub fn openapi_json() -> Result<String, serde_json::Error> {
    Ok(app::Document::new()?.0.to_string())
}

#[cfg(test)]
mod tests;
