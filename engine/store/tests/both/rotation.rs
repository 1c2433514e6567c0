use syncline_model::Secret;
use syncline_store::{Key, Store, Vault};

use crate::bed::{integration, tenant};

crate::on_both! {
    async fn a_new_data_key_seals_everything_anew_and_the_old_one_goes(bed) {
        for number in 0..3 {
            bed.shop(&format!("shop-{number}")).await;
        }
        assert_eq!(bed.store.tenants().rotate_data_key(&tenant("acme")).await.unwrap(), 3);
        assert_eq!(bed.run("delete from data_keys where id not in (select key_id from secrets)").await, 0);
        for number in 0..3 {
            let whole = bed.acme().integrations().settings(&integration(&format!("shop-{number}"))).await.unwrap();
            assert_eq!(whole.expose()["credentials"]["api_key"], format!("hunter2-shop-{number}"));
        }
    }

    async fn work_goes_on_while_data_keys_are_rotated(bed) {
        bed.shop("shop").await;
        let (store, field) = (bed.store.clone(), "/token".parse().unwrap());
        let rotating = tokio::spawn(async move {
            for _ in 0..10 {
                store.tenants().rotate_data_key(&tenant("acme")).await.unwrap();
            }
        });
        for number in 0..20 {
            let token = [(Clone::clone(&field), Secret::new(number.to_string()))];
            bed.acme().secrets().put(&integration("shop"), &token).await.unwrap();
            let whole = bed.acme().integrations().settings(&integration("shop")).await.unwrap();
            assert_eq!(whole.expose()["token"], number.to_string());
        }
        rotating.await.unwrap();
        let whole = bed.acme().integrations().settings(&integration("shop")).await.unwrap();
        assert_eq!((&whole.expose()["token"], &whole.expose()["credentials"]["api_key"]), (&"19".into(), &"hunter2-shop".into()));
    }

    async fn rotations_at_once_come_to_an_end_and_lose_nothing(bed) {
        for number in 0..5 {
            bed.shop(&format!("shop-{number}")).await;
        }
        let rotations = (0..4).map(|_| {
            let store = bed.store.clone();
            tokio::spawn(async move { store.tenants().rotate_data_key(&tenant("acme")).await })
        });
        for rotation in rotations.collect::<Vec<_>>() {
            rotation.await.unwrap().unwrap();
        }
        for number in 0..5 {
            let whole = bed.acme().integrations().settings(&integration(&format!("shop-{number}"))).await.unwrap();
            assert_eq!(whole.expose()["credentials"]["api_key"], format!("hunter2-shop-{number}"));
        }
    }

    async fn after_rewrapping_the_former_key_encryption_key_is_not_needed(bed) {
        bed.shop("shop").await;
        bed.store.tenants().create(&tenant("globex"), "Globex").await.unwrap();
        let new = Key::random().unwrap();
        let both = Store::open(&bed.url, Vault::new(new.clone()).with_former(bed.kek.clone())).await.unwrap();
        assert!(both.of(&tenant("acme")).integrations().settings(&integration("shop")).await.is_ok());
        assert_eq!(both.tenants().not_rewrapped().await.unwrap(), 2);
        assert_eq!(both.tenants().rewrap().await.unwrap(), 2);
        assert_eq!((both.tenants().rewrap().await.unwrap(), both.tenants().not_rewrapped().await.unwrap()), (0, 0));
        let alone = Store::open(&bed.url, Vault::new(new)).await.unwrap();
        let whole = alone.of(&tenant("acme")).integrations().settings(&integration("shop")).await.unwrap();
        assert_eq!(whole.expose()["credentials"]["api_key"], "hunter2-shop");
        assert!(bed.acme().integrations().settings(&integration("shop")).await.is_err());
    }
}
