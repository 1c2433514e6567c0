//! Runs connectors that are data: manifests in the Airbyte low-code language.
//! Waiting, pace and the way out are the caller's ([`syncline_sdk`]); what the manifest says about errors is obeyed here.

mod auth;
mod components;
#[allow(dead_code, reason = "the retrievers take it over one after the other")]
mod config_rules;
mod connector;
mod cut;
mod dates;
#[allow(dead_code, reason = "the retrievers take it over one after the other")]
mod decode;
#[allow(dead_code, reason = "the retrievers take it over one after the other")]
mod dynamic_schema;
mod errors;
#[allow(dead_code, reason = "the retrievers take it over one after the other")]
mod extract;
mod manifest;
#[allow(dead_code, reason = "the retrievers take it over one after the other")]
mod normalize;
mod paginate;
mod partitions;
mod places;
mod problem;
mod reader;
mod record;
mod request;
#[allow(dead_code, reason = "the components take it over one after the other")]
mod template;
#[allow(dead_code, reason = "the retrievers take it over one after the other")]
mod transform;
mod window;

pub use connector::DeclarativeConnector;
pub use problem::Problem;

#[cfg(test)]
mod tests;
