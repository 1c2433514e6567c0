use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::json;
use syncline_model::{Ledger, Secret};
use syncline_store::{Store, StoreFault, Vault, VaultFault};

use crate::bed::{Bed, draft, holds, integration, new_settings, tenant};

const CANARY: &str = "canary-5up3r-s3cr3t-t0k3n";

fn is_refused<T>(opened: &Result<T, StoreFault>) -> bool {
    matches!(opened, Err(StoreFault::Vault(VaultFault::Refused)))
}

async fn sealed(bed: &Bed, owner: &str, id: &str) -> Vec<u8> {
    let raw = bed.raw().await;
    let sql = format!("select sealed from secrets where tenant = '{owner}' and integration = '{id}' order by field");
    let row = raw.query_one_raw(Statement::from_string(raw.get_database_backend(), sql)).await.unwrap().unwrap();
    row.try_get("", "sealed").unwrap()
}

async fn replace(bed: &Bed, owner: &str, id: &str, blob: &[u8]) {
    let raw = bed.raw().await;
    let bytes = match raw.get_database_backend() {
        DbBackend::Postgres => format!("'\\x{}'::bytea", hex::encode(blob)),
        _ => format!("x'{}'", hex::encode(blob)),
    };
    let sql = format!("update secrets set sealed = {bytes} where tenant = '{owner}' and integration = '{id}'");
    assert_eq!(raw.execute_unprepared(&sql).await.unwrap().rows_affected(), 1);
}

crate::on_both! {
    async fn the_database_holds_no_secret_in_the_clear(bed) {
        let settings = new_settings(json!({"open": "not-a-secret", "key": CANARY, "deep": [{"token": {"inner": CANARY}}]}), &["key", "/deep/*/token"]);
        let made = bed.acme().integrations().create(draft("shop", settings)).await.unwrap();
        let refreshed = [("/tokens/access".parse().unwrap(), Secret::new(CANARY))];
        bed.acme().secrets().put(&integration("shop"), &refreshed).await.unwrap();
        bed.store.tenants().rotate_data_key(&tenant("acme")).await.unwrap();
        let whole = bed.store.settings(&tenant("acme"), &integration("shop")).await.unwrap();
        assert_eq!(whole.expose()["tokens"]["access"], CANARY);
        assert_eq!(whole.expose()["deep"][0]["token"]["inner"], CANARY);
        assert!(!format!("{made:?} {whole:?} {refreshed:?} {:?}", bed.store).contains(CANARY));
        let bytes = bed.bytes().await;
        assert!(holds(&bytes, "not-a-secret"), "the canary was looked for in the wrong place");
        assert!(!holds(&bytes, CANARY));
        assert!(!holds(&bytes, &hex::encode(CANARY)));
    }

    async fn a_sealed_secret_with_any_damaged_byte_is_refused(bed) {
        bed.shop("shop").await;
        let blob = sealed(&bed, "acme", "shop").await;
        for at in [0, 1, 8, 9, 20, 21, blob.len() - 17, blob.len() - 1] {
            let mut damaged = blob.clone();
            damaged[at] ^= 1;
            replace(&bed, "acme", "shop", &damaged).await;
            assert!(is_refused(&bed.acme().integrations().settings(&integration("shop")).await), "byte {at}");
        }
        replace(&bed, "acme", "shop", &blob).await;
        assert!(bed.acme().integrations().settings(&integration("shop")).await.is_ok());
    }

    async fn a_sealed_secret_opens_in_no_other_integration_field_or_tenant(bed) {
        bed.shop("one").await;
        bed.shop("two").await;
        let (one, two) = (sealed(&bed, "acme", "one").await, sealed(&bed, "acme", "two").await);
        replace(&bed, "acme", "one", &two).await;
        assert!(is_refused(&bed.acme().integrations().settings(&integration("one")).await));
        replace(&bed, "acme", "one", &one).await;
        bed.run("update secrets set field = '/credentials/other' where integration = 'one'").await;
        assert!(is_refused(&bed.acme().integrations().settings(&integration("one")).await));

        bed.store.tenants().create(&tenant("globex"), "Globex").await.unwrap();
        let theirs = bed.store.of(&tenant("globex"));
        theirs.integrations().create(draft("two", new_settings(json!({"credentials": {"api_key": "x"}}), &["/credentials/api_key"]))).await.unwrap();
        replace(&bed, "globex", "two", &two).await;
        assert!(is_refused(&theirs.integrations().settings(&integration("two")).await));
    }

    async fn a_wrapped_data_key_opens_for_no_other_tenant(bed) {
        bed.shop("shop").await;
        bed.store.tenants().create(&tenant("globex"), "Globex").await.unwrap();
        bed.run("update data_keys set wrapped = (select wrapped from data_keys where tenant = 'globex') where tenant = 'acme'").await;
        assert!(is_refused(&bed.acme().integrations().settings(&integration("shop")).await));
    }

    async fn without_its_key_encryption_key_the_store_opens_nothing_and_says_which_is_missing(bed) {
        bed.shop("shop").await;
        let stranger = Store::open(&bed.url, Vault::new(syncline_store::Key::random().unwrap())).await.unwrap();
        let fault = stranger.of(&tenant("acme")).integrations().settings(&integration("shop")).await.unwrap_err();
        assert_eq!(fault.to_string(), format!("the key-encryption key `{}` is not among the given ones", bed.kek.id()));
    }

    async fn secrets_are_put_all_or_none_and_only_into_what_exists(bed) {
        bed.shop("shop").await;
        let pair = [("/tokens/access".parse().unwrap(), Secret::new("a")), ("/tokens/refresh".parse().unwrap(), Secret::new("r"))];
        assert!(matches!(bed.acme().secrets().put(&integration("none"), &pair).await, Err(StoreFault::NotFound { .. })));
        bed.acme().secrets().put(&integration("shop"), &pair).await.unwrap();
        let fields = bed.acme().secrets().fields(&integration("shop")).await.unwrap();
        assert_eq!(fields.iter().map(ToString::to_string).collect::<Vec<_>>(), ["/credentials/api_key", "/tokens/access", "/tokens/refresh"]);
        bed.acme().secrets().forget(&integration("shop"), &fields[1..]).await.unwrap();
        assert_eq!(bed.acme().secrets().fields(&integration("shop")).await.unwrap(), fields[..1]);
    }
}
