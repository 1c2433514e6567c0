//! The roles as types, so that a handler's signature says which one it needs.

use syncline_store::Role;

/// A type that stands for a role.
pub(crate) trait Needed: 'static {
    /// The role it stands for.
    const ROLE: Role;
}

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident;)*) => {
        $($(#[$doc])* pub(crate) struct $role; impl Needed for $role { const ROLE: Role = Role::$role; })*
    };
}

roles! {
    /// May look.
    Viewer;
    /// May start, pause and retry.
    Operator;
    /// May make, change and delete integrations.
    Admin;
    /// May do everything, keys and tenants included.
    Owner;
}
