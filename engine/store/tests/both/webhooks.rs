use jiff::{Timestamp, ToSpan};
use serde_json::json;
use syncline_model::{Secret, State};
use syncline_store::StoreFault;

use crate::bed::{holds, integration, tenant};

const CANARY: &str = "whsec_canary-of-an-endpoint";

fn told(secrets: &[Secret]) -> Vec<&str> {
    secrets.iter().map(Secret::expose).collect()
}

crate::on_both! {
    async fn an_endpoint_leads_to_its_tenant_and_its_secrets(bed) {
        bed.shop("shop").await;
        let made = bed.acme().webhooks().create(&integration("shop"), &Secret::new(CANARY)).await.unwrap();
        assert!(made.id.starts_with("we_") && made.id.len() == 43, "{}", made.id);
        assert_eq!(bed.acme().webhooks().list(&integration("shop")).await.unwrap(), std::slice::from_ref(&made));
        let found = bed.store.endpoints().by_id(&made.id, Timestamp::now()).await.unwrap().unwrap();
        assert_eq!((found.tenant, found.integration, found.state), (tenant("acme"), integration("shop"), State::Draft));
        assert_eq!(told(&found.secrets), [CANARY]);
        assert!(bed.store.endpoints().by_id("we_other", Timestamp::now()).await.unwrap().is_none());
        assert!(!holds(&bed.bytes().await, CANARY));
    }

    async fn secrets_of_endpoints_are_none_of_the_settings(bed) {
        bed.shop("shop").await;
        bed.acme().webhooks().create(&integration("shop"), &Secret::new(CANARY)).await.unwrap();
        let settings = bed.acme().integrations().settings(&integration("shop")).await.unwrap();
        assert_eq!(*settings.expose(), json!({"region": "eu", "credentials": {"api_key": "hunter2-shop"}}));
        assert_eq!(bed.acme().secrets().fields(&integration("shop")).await.unwrap().len(), 1);
    }

    async fn an_exchanged_secret_is_good_for_as_long_as_was_said(bed) {
        bed.shop("shop").await;
        let (shop, hooks, now) = (integration("shop"), bed.acme().webhooks(), Timestamp::now());
        let made = hooks.create(&shop, &Secret::new("first-secret")).await.unwrap();
        let until = now + 1.hour();
        hooks.rotate(&shop, &made.id, &Secret::new("second-secret"), Some(until)).await.unwrap();
        let at = async |at| bed.store.endpoints().by_id(&made.id, at).await.unwrap().unwrap().secrets;
        assert_eq!(told(&at(now).await), ["second-secret", "first-secret"]);
        assert_eq!(told(&at(until).await), ["second-secret"]);
        bed.store.tenants().rotate_data_key(&tenant("acme")).await.unwrap();
        assert_eq!(told(&at(now).await), ["second-secret", "first-secret"], "also after all secrets were sealed anew");
        hooks.rotate(&shop, &made.id, &Secret::new("third-secret"), None).await.unwrap();
        assert_eq!(told(&at(now).await), ["third-secret"], "at once, where somebody else has learned of them");
    }

    async fn what_is_deleted_leads_nowhere(bed) {
        bed.shop("shop").await;
        bed.store.tenants().create(&tenant("other"), "Other").await.unwrap();
        let (shop, hooks) = (integration("shop"), bed.acme().webhooks());
        let first = hooks.create(&shop, &Secret::new(CANARY)).await.unwrap();
        let second = hooks.create(&shop, &Secret::new(CANARY)).await.unwrap();
        let foreign = bed.store.of(&tenant("other")).webhooks();
        assert!(matches!(foreign.delete(&shop, &first.id).await, Err(StoreFault::NotFound { .. })));
        assert!(matches!(foreign.rotate(&shop, &first.id, &Secret::new("stolen-secret"), None).await, Err(StoreFault::NotFound { .. })));
        hooks.delete(&shop, &first.id).await.unwrap();
        assert!(bed.store.endpoints().by_id(&first.id, Timestamp::now()).await.unwrap().is_none());
        bed.acme().integrations().delete(&shop, None).await.unwrap();
        assert!(bed.store.endpoints().by_id(&second.id, Timestamp::now()).await.unwrap().is_none());
        assert!(hooks.list(&shop).await.unwrap().is_empty());
        assert!(matches!(hooks.create(&shop, &Secret::new(CANARY)).await, Err(StoreFault::NotFound { .. })));
    }
}
