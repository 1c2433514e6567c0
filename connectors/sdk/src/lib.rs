//! What a connector is: the [`Connector`] trait, [`Http`] (the only way out), settings and their checks, and the catalog's
//! `connector.yaml`. A connector owns no loop over streams, no clock, no client and no retry of its own making.

pub mod catalog;
pub mod connector;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod settings;
pub mod shared;
pub mod state;
pub mod webhooks;

pub use connector::{Connector, Context, DeleteStrategy, Page, Patience, Reader, Recorder, Refused, StreamSpec, Unavailable, WaitReason};
pub use http::{Http, HttpAnswer, HttpRequest};
pub use shared::Shared;
