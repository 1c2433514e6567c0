//! Names that stand for one another, and words that companies put behind theirs; both come from a data file.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

#[derive(Deserialize, Default)]
struct Shipped {
    names: Vec<Vec<String>>,
    company_suffixes: HashSet<String>,
    public_mail_hosts: HashSet<String>,
}

static SHIPPED: LazyLock<Shipped> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../../concepts/nicknames.json")).unwrap_or_default());

static GROUPS: LazyLock<HashMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let mut groups: HashMap<&str, Vec<usize>> = HashMap::new();
    for (group, names) in SHIPPED.names.iter().enumerate() {
        for name in names {
            groups.entry(name).or_default().push(group);
        }
    }
    groups
});

/// Whether two given names may be one person's.
pub fn alike(a: &str, b: &str) -> bool {
    let (Some(a), Some(b)) = (GROUPS.get(a), GROUPS.get(b)) else { return false };
    a.iter().any(|group| b.contains(group))
}

/// Whether a word says nothing about which company it is.
pub fn is_company_suffix(word: &str) -> bool {
    SHIPPED.company_suffixes.contains(word)
}

/// Whether anybody can have a mail address at this host.
pub fn is_public_host(host: &str) -> bool {
    SHIPPED.public_mail_hosts.contains(host)
}
