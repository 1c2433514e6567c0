//! Where requests may go. Settings come from tenants, so a URL in them must not reach the operator's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Which addresses a request may go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Egress {
    /// The operator allowed loopback, private and link-local addresses (for sources on the own network, tests and the demo).
    pub private_allowed: bool,
}

/// An address that no request may go to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{host}` is a private, loopback or link-local address; the operator can allow those with `egress.private_allowed = true`")]
pub struct Forbidden {
    host: String,
}

impl Egress {
    /// Refuses a URL whose host is written as a forbidden address. Names are checked when they are resolved.
    pub fn check(self, url: &url::Url) -> Result<(), Forbidden> {
        let address = match url.host() {
            Some(url::Host::Ipv4(address)) => IpAddr::V4(address),
            Some(url::Host::Ipv6(address)) => IpAddr::V6(address),
            Some(url::Host::Domain(_)) | None => return Ok(()),
        };
        if self.allows(address) { Ok(()) } else { Err(Forbidden { host: address.to_string() }) }
    }

    fn allows(self, address: IpAddr) -> bool {
        self.private_allowed || is_public(address)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = a == 192 && b == 0 && c == 0;
    let benchmark = a == 198 && (b == 18 || b == 19);
    let reserved = a == 0 || a >= 240;
    !(address.is_private() || address.is_loopback() || address.is_link_local() || address.is_multicast() || address.is_documentation())
        && !(shared || protocol || benchmark || reserved)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let head = address.segments()[0];
    let embeds_v4 = head == 0x2002 || (head == 0x0064 && address.segments()[1] == 0xff9b);
    let unique_local = head & 0xfe00 == 0xfc00;
    let link_local = head & 0xffc0 == 0xfe80;
    !(address.is_loopback() || address.is_unspecified() || address.is_multicast() || unique_local || link_local || embeds_v4)
}

impl Resolve for Egress {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = *self;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            let (allowed, refused): (Vec<SocketAddr>, Vec<SocketAddr>) = found.partition(|address| egress.allows(address.ip()));
            if allowed.is_empty() && !refused.is_empty() {
                return Err(Box::new(Forbidden { host }) as Box<dyn std::error::Error + Send + Sync>);
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
