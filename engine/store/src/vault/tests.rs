#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::{Value, json};
use syncline_model::Secret;

use super::{Field, Key, SecretPath, Vault, VaultFault, join, key::Place, secret_paths, split};

fn paths(texts: &[&str]) -> Vec<SecretPath> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn shown(found: &[SecretPath]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn what_was_sealed_opens_at_its_place_and_tampering_with_any_bit_is_refused() {
    let (key, tenant, integration) = (Key::random().unwrap(), "acme".parse().unwrap(), "shop".parse().unwrap());
    let place = Place::Field(&tenant, &integration, "/api_key");
    let blob = key.seal(place, b"hunter2").unwrap();
    assert_eq!(key.open(place, &blob).unwrap().as_slice(), b"hunter2");
    for bit in 0..blob.len() * 8 {
        let mut damaged = blob.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(key.open(place, &damaged).unwrap_err(), VaultFault::Refused, "bit {bit}");
    }
    for length in 0..blob.len() {
        assert_eq!(key.open(place, &blob[..length]).unwrap_err(), VaultFault::Refused, "length {length}");
    }
}

#[test]
fn a_blob_opens_at_no_other_place_and_with_no_other_key() {
    let key = Key::random().unwrap();
    let (acme, globex) = ("acme".parse().unwrap(), "globex".parse().unwrap());
    let (shop, crm) = ("shop".parse().unwrap(), "crm".parse().unwrap());
    let blob = key.seal(Place::Field(&acme, &shop, "/a"), b"hunter2").unwrap();
    for place in
        [Place::Field(&globex, &shop, "/a"), Place::Field(&acme, &crm, "/a"), Place::Field(&acme, &shop, "/b"), Place::DataKey(&acme)]
    {
        assert_eq!(key.open(place, &blob).unwrap_err(), VaultFault::Refused, "{place:?}");
    }
    assert_eq!(Key::random().unwrap().open(Place::Field(&acme, &shop, "/a"), &blob).unwrap_err(), VaultFault::Refused);
    assert_ne!(key.seal(Place::Field(&acme, &shop, "/a"), b"hunter2").unwrap(), blob);
}

#[test]
fn a_data_key_is_unwrapped_by_current_and_former_keys_and_by_no_others() {
    let (old, new, data, tenant) = (Key::random().unwrap(), Key::random().unwrap(), Key::random().unwrap(), "acme".parse().unwrap());
    let wrapped = Vault::new(old.clone()).wrap(&tenant, &data).unwrap();
    assert_eq!(Vault::new(new.clone()).with_former(old.clone()).unwrap(&tenant, &wrapped).unwrap().id(), data.id());
    assert_eq!(Vault::new(new).unwrap(&tenant, &wrapped).unwrap_err(), VaultFault::UnknownKey(old.id().to_string()));
}

#[test]
fn keys_and_vaults_print_ids_only() {
    let key = Key::random().unwrap();
    assert_eq!(format!("{key:?}"), format!("Key({})", key.id()));
    assert_eq!(format!("{:?}", Vault::new(key.clone())), format!("Vault {{ current: Key({}), former: [] }}", key.id()));
}

#[cfg(unix)]
#[test]
fn a_key_file_is_made_once_for_its_owner_alone_and_read_again() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    let made = Key::from_file(&path).unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(Key::from_file(&path).unwrap().id(), made.id());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_may_read_is_refused_with_its_mode() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    Key::from_file(&path).unwrap();
    for mode in [0o640, 0o604, 0o660] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let fault = Key::from_file(&path).unwrap_err().to_string();
        assert!(fault.contains(&format!("vault.key` has mode {mode:04o}, so others may read it")), "{fault}");
    }
}

#[cfg(unix)]
#[test]
fn a_malformed_key_file_is_refused_by_what_is_wrong_without_quoting_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.key");
    for (content, why) in [("", "it has 0 bytes"), ("c2hvcnQ=", "it has 5 bytes"), ("not base64!", "it is not base64")] {
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let fault = Key::from_file(&path).unwrap_err().to_string();
        assert!(fault.contains(why) && (content.is_empty() || !fault.contains(content)), "{fault}");
    }
}

#[test]
fn a_key_from_the_environment_is_refused_by_the_name_of_its_variable() {
    let fault = Key::from_text(&Secret::new("YQ=="), "SYNCLINE_VAULT_KEY").unwrap_err();
    assert_eq!(fault.to_string(), "`SYNCLINE_VAULT_KEY` is no key-encryption key: 32 bytes in base64 are wanted, and it has 1 bytes");
}

#[test]
fn a_schema_says_which_places_are_secret_however_deep() {
    let schema = json!({
        "properties": {
            "host": {"type": "string"},
            "password": {"type": "string", "format": "password"},
            "credentials": {"oneOf": [
                {"properties": {"auth": {"const": "oauth"}, "client_secret": {"airbyte_secret": true}}},
                {"properties": {"auth": {"const": "token"}, "a/b": {"writeOnly": true}, "client_secret": {"airbyte_secret": true}}},
            ]},
            "hosts": {"type": "array", "items": {"$ref": "#/$defs/host"}},
            "pair": {"prefixItems": [{"type": "string"}, {"airbyte_secret": true}]},
            "headers": {"additionalProperties": {"writeOnly": true}},
            "open": {"airbyte_secret": false},
        },
        "$defs": {"host": {"properties": {"key": {"airbyte_secret": true}, "next": {"$ref": "#/$defs/missing"}}}},
    });
    let wanted = ["/password", "/credentials/client_secret", "/credentials/a~1b", "/hosts/*/key", "/pair/1", "/headers/*"];
    assert_eq!(shown(&secret_paths(&schema)), wanted);
}

#[test]
fn a_schema_that_refers_to_itself_comes_to_an_end() {
    let schema = json!({"properties": {"token": {"writeOnly": true}, "child": {"$ref": "#"}}});
    assert!(shown(&secret_paths(&schema)).starts_with(&["/token".to_owned(), "/child/token".to_owned()]));
}

#[test]
fn settings_are_parted_and_put_together_again() {
    let whole = json!({"host": "h", "n": 1, "deep": {"token": {"id": 1}, "open": true}, "hosts": [{"name": "a", "key": "k"}, {"name": "b"}], "list": ["x", "y"]});
    let parted = split(whole.clone(), &paths(&["n", "deep.token", "/hosts/*/key", "/list/*", "missing", "host.nothing"])).unwrap();
    assert_eq!(parted.public, json!({"host": "h", "deep": {"open": true}, "hosts": [{"name": "a"}, {"name": "b"}], "list": [null, null]}));
    let fields: Vec<_> = parted.secrets.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(fields, ["/n", "/deep/token", "/hosts/0/key", "/list/0", "/list/1"]);
    assert_eq!(join(parted.public, parted.secrets).unwrap().expose(), &whole);
}

#[test]
fn a_secret_that_is_null_is_cleared_and_settings_are_an_object() {
    let parted = split(json!({"token": null}), &paths(&["token"])).unwrap();
    assert_eq!((parted.public, parted.secrets.len(), parted.cleared), (json!({}), 0, vec!["/token".parse::<Field>().unwrap()]));
    assert_eq!(split(json!([]), &[]).unwrap_err().to_string(), "settings must be a JSON object");
}

#[test]
fn a_sealed_field_without_a_place_is_refused_by_name() {
    let secrets = |field: &str| vec![(field.parse::<Field>().unwrap(), Secret::new("\"x\""))];
    assert_eq!(
        join(json!({"list": []}), secrets("/list/0")).unwrap_err().to_string(),
        "the sealed field `/list/0` has no place in the settings"
    );
    assert!(join(json!({"text": "t"}), secrets("/text/x")).is_err());
    assert_eq!(join(json!({}), secrets("/a/b")).unwrap().expose(), &json!({"a": {"b": "x"}}));
}

#[test]
fn a_path_is_a_pointer_or_has_dots_and_never_an_empty_step() {
    assert_eq!(paths(&["a.b"]), paths(&["/a/b"]));
    for bad in ["", "/", "a..b", "/a/"] {
        assert!(bad.parse::<SecretPath>().is_err(), "{bad}");
    }
    assert!("/hosts/*/key".parse::<Field>().is_err());
}

fn any_settings() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<bool>().prop_map(Value::from), any::<i64>().prop_map(Value::from), "[a-c*/~.]{1,3}".prop_map(Value::from)];
    let value = leaf.prop_recursive(3, 16, 3, |inner| {
        let members = proptest::collection::hash_map("[a-c/~.]{1,2}", inner.clone(), 0..3);
        prop_oneof![proptest::collection::vec(inner, 0..3).prop_map(Value::from), members.prop_map(|members| members.into_iter().collect())]
    });
    proptest::collection::hash_map("[a-c/~.]{1,2}", value, 0..4).prop_map(|members| members.into_iter().collect())
}

proptest! {
    #[test]
    fn whatever_is_secret_the_parts_make_the_whole(whole in any_settings(), texts in proptest::collection::vec("(/[a-c*0-2]){1,3}", 0..4)) {
        let secret: Vec<SecretPath> = texts.iter().map(|text| text.parse().unwrap()).collect();
        let parted = split(whole.clone(), &secret).unwrap();
        let joined = join(parted.public, parted.secrets).unwrap();
        prop_assert_eq!(joined.expose(), &whole);
    }
}
