//! What the path of a request names, found only as far as the caller may see it. Another tenant's things look as if they were not
//! there, whatever the role of the key.

use std::future::Future;

use actix_web::dev;
use syncline_model::{IntegrationId, JobId, TenantId};
use syncline_store::{ApiKey, Integration, Job, Scope, Store, Tenant};

use crate::problem::{Code, Problem};

type Path = dev::Path<dev::Url>;

/// What a path names.
pub(crate) trait Reach: Sized + 'static {
    /// The key may know that such a thing exists. Asked before the role is looked at.
    fn admits(key: &ApiKey, path: &Path) -> Result<(), Problem>;
    /// Finds it.
    fn find(store: &Store, key: &ApiKey, path: &Path) -> impl Future<Output = Result<Self, Problem>>;
}

/// Whatever the key is good for: one tenant, or all.
pub(crate) struct Wherever {
    pub(crate) store: Store,
    /// The only tenant that the caller may see; `None` means all.
    pub(crate) tenant: Option<TenantId>,
}

/// The installation as a whole.
pub(crate) struct Installation {
    pub(crate) store: Store,
}

/// One tenant, and its part of the store.
pub(crate) struct OneTenant {
    pub(crate) tenant: Tenant,
    pub(crate) scope: Scope,
    store: Store,
}

impl OneTenant {
    /// Calls it by another name.
    pub(crate) async fn rename(&self, name: &str) -> Result<Tenant, Problem> {
        Ok(self.store.tenants().rename(&self.tenant.id, name).await?)
    }
}

/// One integration of one tenant.
pub(crate) struct OneIntegration {
    pub(crate) integration: Integration,
    pub(crate) scope: Scope,
}

/// One job of one integration.
pub(crate) struct OneJob {
    pub(crate) job: Job,
    pub(crate) scope: Scope,
}

impl Reach for Wherever {
    fn admits(_: &ApiKey, _: &Path) -> Result<(), Problem> {
        Ok(())
    }

    async fn find(store: &Store, key: &ApiKey, _: &Path) -> Result<Self, Problem> {
        Ok(Self { store: store.clone(), tenant: key.tenant.clone() })
    }
}

impl Reach for Installation {
    fn admits(key: &ApiKey, _: &Path) -> Result<(), Problem> {
        if key.tenant.is_some() {
            return Err(Problem::because(Code::ScopeTooNarrow, "this needs a key that is good for all tenants"));
        }
        Ok(())
    }

    async fn find(store: &Store, _: &ApiKey, _: &Path) -> Result<Self, Problem> {
        Ok(Self { store: store.clone() })
    }
}

impl Reach for OneTenant {
    fn admits(key: &ApiKey, path: &Path) -> Result<(), Problem> {
        let tenant = path.query("tenant");
        let is_visible = key.tenant.as_ref().is_none_or(|own| own.as_str() == tenant);
        if is_visible { Ok(()) } else { Err(Problem::not_found("tenant", tenant)) }
    }

    async fn find(store: &Store, _: &ApiKey, path: &Path) -> Result<Self, Problem> {
        let id: TenantId = part(path, "tenant")?;
        let tenant = store.tenants().by_id(&id).await?.ok_or_else(|| Problem::not_found("tenant", &id))?;
        Ok(Self { scope: store.of(&id), tenant, store: store.clone() })
    }
}

impl Reach for OneIntegration {
    fn admits(key: &ApiKey, path: &Path) -> Result<(), Problem> {
        OneTenant::admits(key, path)
    }

    async fn find(store: &Store, key: &ApiKey, path: &Path) -> Result<Self, Problem> {
        let OneTenant { scope, .. } = OneTenant::find(store, key, path).await?;
        let id: IntegrationId = part(path, "integration")?;
        let integration = scope.integrations().by_id(&id).await?.ok_or_else(|| Problem::not_found("integration", &id))?;
        Ok(Self { integration, scope })
    }
}

impl Reach for OneJob {
    fn admits(key: &ApiKey, path: &Path) -> Result<(), Problem> {
        OneTenant::admits(key, path)
    }

    async fn find(store: &Store, key: &ApiKey, path: &Path) -> Result<Self, Problem> {
        let OneIntegration { integration, scope } = OneIntegration::find(store, key, path).await?;
        let id: JobId = part(path, "job")?;
        let job = scope.jobs().by_id(id).await?.filter(|job| job.integration == integration.id);
        Ok(Self { job: job.ok_or_else(|| Problem::not_found("job", id))?, scope })
    }
}

fn part<T: std::str::FromStr>(path: &Path, name: &'static str) -> Result<T, Problem> {
    let text = path.query(name);
    text.parse().map_err(|_| Problem::not_found(name, text))
}
