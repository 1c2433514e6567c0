#![allow(clippy::unwrap_used)]
use serde_json::json;
use syncline_model::Settings;

use super::{patched, shown};

#[test]
fn a_kept_secret_is_shown_as_a_mark_in_its_place() {
    let fields = ["/credentials/api_key".parse().unwrap(), "/hosts/1/password".parse().unwrap()];
    let seen = shown(&json!({"region": "eu", "hosts": [{}, {"name": "b"}]}), &fields);
    assert_eq!(
        seen,
        json!({"region": "eu", "hosts": [{}, {"name": "b", "password": {"set": true}}], "credentials": {"api_key": {"set": true}}})
    );
}

#[test]
fn a_patch_keeps_what_it_leaves_out_and_what_it_marks_and_takes_away_what_is_null() {
    let old = Settings::new(json!({"credentials": {"api_key": "k", "user": "u"}, "region": "eu", "page": 10}));
    let new = patched(&old, json!({"credentials": {"api_key": {"set": true}, "user": "v"}, "page": null})).unwrap();
    assert_eq!(new, json!({"credentials": {"api_key": "k", "user": "v"}, "region": "eu"}));
}

#[test]
fn a_mark_inside_a_list_is_refused_because_nobody_could_say_which_secret_it_keeps() {
    let old = Settings::new(json!({"hosts": [{"password": "p"}]}));
    let problem = patched(&old, json!({"hosts": [{"name": "new", "password": {"set": true}}]})).unwrap_err();
    assert_eq!(problem.problems[0].path, "/settings/hosts/0/password");
}

#[test]
fn numbers_stay_as_they_were_written() {
    let old = Settings::new(serde_json::from_str(r#"{"limit": 12345678901234567890.12345678901234567890}"#).unwrap());
    let new = patched(&old, json!({"region": "eu"})).unwrap();
    assert_eq!(new.to_string(), r#"{"limit":12345678901234567890.12345678901234567890,"region":"eu"}"#);
}

struct Kind(serde_json::Value);

#[async_trait::async_trait]
impl syncline_sdk::Connector for Kind {
    fn file(&self) -> &syncline_sdk::catalog::ConnectorFile {
        unreachable!("only the schema is asked for")
    }
    fn settings_schema(&self) -> &serde_json::Value {
        &self.0
    }
    async fn check(&self, _: &syncline_sdk::Context) -> Result<(), syncline_model::Fault> {
        Ok(())
    }
    async fn streams(&self, _: &syncline_sdk::Context) -> Result<Vec<syncline_sdk::StreamSpec>, syncline_model::Fault> {
        Ok(Vec::new())
    }
    async fn open(
        &self,
        _: &syncline_sdk::Context,
        _: &syncline_sdk::StreamSpec,
        _: syncline_model::schedule::SyncMode,
        _: &syncline_model::Cursor,
    ) -> Result<Box<dyn syncline_sdk::Reader>, syncline_model::Fault> {
        Err(syncline_model::Fault::Stopped)
    }
}

#[test]
fn a_secret_that_a_patch_does_not_speak_of_is_left_to_the_store_because_the_engine_may_have_renewed_it() {
    let secret = json!({"type": "string", "airbyte_secret": true});
    let kind = Kind(json!({"type": "object", "required": ["login"], "properties": {
        "region": {"type": "string"},
        "login": {"type": "object", "required": ["refresh"], "properties": {"refresh": secret, "client": secret, "gone": secret}},
    }}));
    let old = Settings::new(json!({"login": {"refresh": "r1", "client": "c1", "gone": "g1"}}));
    let new = super::replacing(&kind, &old, json!({"region": "eu", "login": {"client": "c2", "gone": null}})).unwrap();
    assert_eq!(new.whole.expose(), &json!({"login": {"client": "c2", "gone": null}, "region": "eu"}));
}
