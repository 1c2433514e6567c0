#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use serde_json::json;
use syncline_model::{Secret, Settings, TenantId, schedule::Schedule};

use crate::{
    Key, NewIntegration, NewSettings, Store, Vault,
    entity::{Tenanted, secret},
};

#[tokio::test]
async fn a_rotation_that_read_an_older_token_does_not_bring_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path().join("store.db").to_str().unwrap(), Vault::new(Key::random().unwrap())).await.unwrap();
    let (acme, shop): (TenantId, syncline_model::IntegrationId) = ("acme".parse().unwrap(), "shop".parse().unwrap());
    store.tenants().create(&acme, "Acme").await.unwrap();
    let settings = NewSettings { whole: Settings::new(json!({"token": "old"})), secret: vec!["token".parse().unwrap()] };
    let connector = "sandbox-shop".parse().unwrap();
    let new = NewIntegration { id: shop.clone(), connector, title: String::new(), settings, schedule: Schedule::Manual, streams: None };
    store.of(&acme).integrations().create(new).await.unwrap();

    let read_before = secret::Entity::of(&acme).one(store.db()).await.unwrap().unwrap();
    store.of(&acme).secrets().put(&shop, &[("token".parse().unwrap(), Secret::new("new"))]).await.unwrap();
    let sealed = store.tenants().seal_one_anew(&acme, &Key::random().unwrap(), read_before).await.unwrap();

    assert_eq!(sealed, 0);
    assert_eq!(store.of(&acme).integrations().settings(&shop).await.unwrap().expose(), &json!({"token": "new"}));
}
