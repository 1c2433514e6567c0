//! Runs connectors that are data: manifests in the Airbyte low-code language.
//! Waiting, pace and the way out are the caller's ([`syncline_sdk`]); what the manifest says about errors is obeyed here.

mod address;
mod auth;
mod blocks;
mod brackets;
mod budget;
mod cache;
mod components;
mod config_rules;
mod connector;
mod cursor;
mod cut;
mod dates;
mod decode;
mod dynamic;
mod dynamic_schema;
mod errors;
mod extract;
mod fields;
mod files;
mod flat;
mod item;
mod items;
mod lint;
mod manifest;
mod migrate;
mod node;
mod normalize;
mod nulls;
mod paginate;
mod partitions;
mod parts;
mod piece;
mod places;
mod problem;
mod properties;
mod read;
mod reader;
mod record;
mod remote;
mod request;
mod resize;
mod retrieve;
mod run;
mod schema;
mod select;
mod send;
mod slice;
mod stream;
mod tails;
mod template;
mod transform;
mod wire;
mod yaml;

pub use connector::{Configured, DeclarativeConnector, Discovered};
pub use files::{FileReference, folder as files_folder};
pub use lint::{Findings, lint};
pub use piece::{Pieces, Raw, Seen};
pub use problem::Problem;
pub use reader::ProtocolReader;

#[cfg(test)]
mod tests;
