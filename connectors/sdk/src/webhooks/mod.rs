//! How a connector's webhooks are verified, answered and read, as data: the section `webhooks` of `connector.yaml`. Pure: nothing in
//! here listens, stores or sends. A connector that gets webhooks says how they are verified; there is no "none".

mod call;
mod delivery;
mod events;
mod handshake;
mod json;
mod load;
mod section;
mod template;
#[cfg(test)]
mod tests;
mod verify;

use std::{collections::BTreeSet, time::Duration};

use sha2::{Digest, Sha256};

pub use call::Call;
pub use delivery::{BadDelivery, Delivery};
pub use events::{Found, Mapping, Notice};
pub use handshake::{Answer, Handshake};
pub use json::Path;
pub use section::Mistake;
pub use template::Text;
pub use verify::{Unverified, Verification};

/// Ids longer than this are known by their digest.
const ID_LONGEST: usize = 200;

/// The section `webhooks` of a `connector.yaml`, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhooks {
    /// How a delivery shows that it is the provider's.
    pub verification: Verification,
    /// What is answered at once and is no delivery, in order.
    pub handshakes: Vec<Handshake>,
    /// By what a delivery is known to be the same again; its content, where this says nothing.
    dedupe: Option<Text>,
    /// For how long it is known.
    pub seen_for: Duration,
    /// What deliveries mean.
    pub mapping: Mapping,
}

impl Webhooks {
    /// Reads the section. `streams` are those of the manifest; `None` where only a source can say which there are.
    pub fn load(section: &serde_json::Value, streams: Option<&[&str]>) -> Result<Self, Vec<Mistake>> {
        load::load(section, streams)
    }

    /// The handshake that this call is, of those that are answered before anything is verified or of those behind that.
    pub fn handshake(&self, call: &Call, is_verified: bool) -> Option<&Handshake> {
        self.handshakes.iter().find(|handshake| handshake.is_signed == is_verified && handshake.is_meant(call))
    }

    /// By what the delivery is known to be the same again.
    pub fn dedupe_id(&self, call: &Call) -> String {
        let told = self.dedupe.as_ref().and_then(|id| id.text(call)).filter(|id| !id.is_empty());
        let digest = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        match told {
            Some(id) if id.len() <= ID_LONGEST && !id.chars().any(char::is_control) => format!("id:{id}"),
            Some(id) => format!("long:{}", digest(id.as_bytes())),
            None => format!("content:{}", digest(&call.body)),
        }
    }

    /// The headers that anything in here looks at, in lower case. The others of a request need not be kept.
    pub fn headers(&self) -> BTreeSet<String> {
        let mut names = self.verification.headers();
        self.handshakes.iter().for_each(|handshake| handshake.headers(&mut names));
        self.dedupe.iter().for_each(|id| id.headers(&mut names));
        self.mapping.headers(&mut names);
        names
    }

    /// What of a verified call is kept until its owner reads it: the body, and the headers and parameters that say what it means. What
    /// proved it is not among them.
    pub fn delivery(&self, call: &Call) -> Delivery {
        let (mut headers, mut parameters) = (BTreeSet::new(), BTreeSet::new());
        self.mapping.headers(&mut headers);
        self.mapping.parameters(&mut parameters);
        let kept = |names: &BTreeSet<String>, all: &[(String, String)]| {
            all.iter().filter(|(name, _)| names.contains(name)).cloned().collect::<Vec<_>>()
        };
        Delivery {
            endpoint: call.endpoint.clone(),
            id: self.dedupe_id(call),
            headers: kept(&headers, &call.headers),
            query: kept(&parameters, &call.query),
            body: call.body.clone(),
        }
    }
}
