//! What Syncline knows about itself: tenants, integrations, jobs, keys, audit; and the vault of sealed secrets.
