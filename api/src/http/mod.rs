//! What every request and answer has, whatever it is about: ids, headers, bodies, queries, streams.

pub mod answer;
pub mod input;
pub mod request_id;
pub mod sse;
