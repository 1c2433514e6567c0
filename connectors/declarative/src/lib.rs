//! Runs connectors that are data: manifests in the Airbyte low-code language.
