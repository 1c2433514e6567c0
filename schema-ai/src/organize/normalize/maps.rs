//! Tells maps, whose keys are data, from structs, whose keys are names.

use crate::organize::profile::format::{Format, classify};
use crate::organize::profile::{Node, NodeId, Profile};

/// Keys an object must have before names alone can make it a map.
const FEW: usize = 3;
/// Keys an object must have before their number can.
const MANY: usize = 20;

/// Folds every map of a profile into one value for all keys. Inner ones first.
pub fn fold(profile: &mut Profile) {
    let mut at = profile.paths();
    while at > 1 {
        at -= 1;
        let id = at as NodeId;
        if is_map(profile, id) {
            profile.fold_keys(id);
        }
    }
}

/// Whether the keys of an object are data.
pub fn is_map(profile: &Profile, at: NodeId) -> bool {
    let node = profile.node(at);
    let keys = node.children.len();
    if keys < FEW || node.stats.objects == 0 || !alike(profile, node) {
        return false;
    }
    let names: Vec<&str> = node.children.iter().filter_map(|child| profile.node(*child).key()).collect();
    let data_like = names.iter().filter(|key| is_data(key)).count() * 10 >= names.len() * 8;
    let each = node.fields as f64 / node.stats.objects as f64;
    let rare = each < 0.2 * keys as f64;
    (data_like && (rare || keys >= MANY)) || (keys >= MANY && rare && numbered(&names)) || (keys >= 4 * MANY && each < 0.1 * keys as f64)
}

/// All values of one kind, and objects with the same keys.
fn alike(profile: &Profile, node: &Node) -> bool {
    let mut children = node.children.iter().map(|child| profile.node(*child));
    let Some(first) = children.next() else { return false };
    let shape = |child: &Node| (child.stats.objects > 0, child.stats.lists > 0);
    children.all(|child| child.stats.filled() == 0 || shape(child) == shape(first))
}

fn is_data(key: &str) -> bool {
    matches!(
        classify(key),
        Format::Integer | Format::Digits | Format::Uuid | Format::Date | Format::Instant | Format::Email | Format::PrefixedId | Format::Url
    )
}

/// The same word with different numbers, or codes made of digits and letters.
fn numbered(names: &[&str]) -> bool {
    names.iter().filter(|key| key.bytes().any(|byte| byte.is_ascii_digit())).count() * 10 >= names.len() * 8
}
