use syncline_model::Secret;
use syncline_store::{NewKey, PageRequest, Role, StoreFault};

use crate::bed::{holds, tenant};

fn key(name: &str, role: Role, of: Option<&str>) -> NewKey {
    NewKey { name: name.to_owned(), role, tenant: of.map(tenant) }
}

crate::on_both! {
    async fn a_key_is_shown_once_and_known_again_by_its_hash(bed) {
        let (made, text) = bed.store.keys().create(key("ci", Role::Operator, Some("acme"))).await.unwrap();
        assert!(text.expose().starts_with(&format!("sk_{}_", made.id)));
        assert_eq!(text.expose().len(), 3 + 12 + 1 + 43);
        let known = bed.store.keys().verify(&text).await.unwrap().unwrap();
        assert_eq!((&known.id, known.role, known.tenant), (&made.id, Role::Operator, Some(tenant("acme"))));
        assert!(bed.store.keys().by_id(&made.id).await.unwrap().unwrap().last_used.is_some());
        assert!(!holds(&bed.bytes().await, &text.expose()[16..]));
    }

    async fn a_wrong_key_is_nobodys(bed) {
        let (_, text) = bed.store.keys().create(key("ci", Role::Owner, None)).await.unwrap();
        let mut other = text.expose().to_owned();
        other.pop();
        for wrong in [other.as_str(), "", "sk_", "sk__", "sk_000000000000_x", &format!("{}x", text.expose()), &text.expose()[1..]] {
            assert_eq!(bed.store.keys().verify(&Secret::new(wrong)).await.unwrap(), None, "{wrong}");
        }
    }

    async fn of_nodes_that_start_together_one_makes_the_first_key(bed) {
        let keys = bed.store.keys();
        let made = tokio::join!(keys.create_first("a"), keys.create_first("b"), keys.create_first("c"));
        let made: Vec<_> = [made.0, made.1, made.2].into_iter().filter_map(Result::unwrap).collect();
        assert_eq!(made.len(), 1);
        assert_eq!(keys.verify(&made[0].1).await.unwrap().map(|key| key.role), Some(Role::Owner));
        keys.revoke(&made[0].0.id).await.unwrap();
        assert!(keys.create_first("later").await.unwrap().is_none(), "an installation that revoked it gets no second one");
    }

    async fn a_revoked_key_is_nobodys_and_stays_listed(bed) {
        let (made, text) = bed.store.keys().create(key("ci", Role::Viewer, None)).await.unwrap();
        let revoked = bed.store.keys().revoke(&made.id).await.unwrap().revoked;
        assert!(revoked.is_some());
        assert_eq!(bed.store.keys().revoke(&made.id).await.unwrap().revoked, revoked);
        assert_eq!(bed.store.keys().verify(&text).await.unwrap(), None);
        assert_eq!(bed.store.keys().list(None, &PageRequest::default()).await.unwrap().items.len(), 1);
        assert!(matches!(bed.store.keys().revoke("none").await, Err(StoreFault::NotFound { .. })));
    }

    async fn keys_of_one_tenant_are_listed_alone_and_an_unknown_tenant_gets_none(bed) {
        for (name, of) in [("all", None), ("acme", Some("acme"))] {
            bed.store.keys().create(key(name, Role::Admin, of)).await.unwrap();
        }
        let listed = bed.store.keys().list(Some(&tenant("acme")), &PageRequest::default()).await.unwrap();
        assert_eq!(listed.items.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["acme"]);
        let fault = bed.store.keys().create(key("x", Role::Admin, Some("nobody"))).await.unwrap_err();
        assert_eq!(fault.to_string(), "there is no tenant `nobody`");
    }
}

#[test]
fn each_role_may_what_the_ones_below_it_may() {
    assert!(Role::Owner.may(Role::Admin) && Role::Admin.may(Role::Operator) && Role::Operator.may(Role::Viewer));
    assert!(!Role::Viewer.may(Role::Operator) && !Role::Operator.may(Role::Admin) && !Role::Admin.may(Role::Owner));
}
