#![allow(clippy::unwrap_used)]
use std::path::Path;

use super::within;

#[test]
fn a_file_is_put_under_its_stream() {
    for (name, path) in
        [("1/a b.txt/", "items/1/a b.txt"), ("/abs//x/./up.txt/", "items/abs/x/up.txt"), ("..a/b..", "items/..a/b.."), ("é", "items/é")]
    {
        assert_eq!(within("items", name).unwrap(), Path::new(path), "`{name}`");
    }
    assert_eq!(within("/a/b", "c").unwrap(), Path::new("a/b/c"));
}

#[test]
fn no_name_of_a_file_leads_out_of_the_folder() {
    for name in ["..", "../x", "a/../../x", "/../../etc/passwd", "a/..", "./../x"] {
        assert!(within("items", name).unwrap_err().to_string().contains("leads out of the folder"), "`{name}`");
    }
    assert!(within("..", "x").is_err() && within("a/../..", "x").is_err());
    for name in ["", "/", "//", ".", "a\0b"] {
        assert!(within("items", name).unwrap_err().to_string().contains("is no name"), "`{name}`");
    }
}
