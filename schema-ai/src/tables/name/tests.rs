#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use std::collections::HashSet;

use proptest::prelude::*;

use super::{free_name, readable};

#[test]
fn names_read_well() {
    for (parts, name) in [
        (vec!["UserID"], "user_id"),
        (vec!["HTTPServer"], "http_server"),
        (vec!["address", "postalCode"], "address_postal_code"),
        (vec!["order"], "order_"),
        (vec!["2024"], "f_2024"),
        (vec!["_syncline_key"], "syncline_key"),
        (vec!["sqlite", "master"], "t_sqlite_master"),
        (vec!["日本"], "field"),
        (vec![""], "field"),
        (vec!["public.orders"], "public_orders"),
    ] {
        assert_eq!(readable(parts.clone()), name, "{parts:?}");
    }
}

proptest! {
    #[test]
    fn every_source_has_its_own_safe_name(sources in proptest::collection::hash_set(".{0,90}", 0..40)) {
        let mut names = HashSet::new();
        for source in &sources {
            let name = free_name(&readable([source.as_str()]), source, |name| names.contains(name));
            prop_assert!(name.len() <= 63 && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_'), "{}", name);
            prop_assert!(names.insert(name));
        }
    }
}
