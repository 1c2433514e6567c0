//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Syncs the SaaS apps and databases of many tenants into one event log and typed tables.
#[derive(Debug, Parser)]
#[command(name = "syncline", version, about, max_term_width = 110)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the engine, the organizer, the API and the console
    Serve(ServeArgs),
    /// Watch three apps become one tenant's tables, over real HTTP, with the fake providers of the sandbox
    Demo(DemoArgs),
    /// Read one integration from a file once, into JSON lines, SQLite or PostgreSQL
    Sync(SyncArgs),
    /// Airbyte protocol: print the settings' specification of a connector
    Spec(AirbyteArgs),
    /// Airbyte protocol: try the connection
    Check(AirbyteArgs),
    /// Airbyte protocol: list the streams
    Discover(AirbyteArgs),
    /// Airbyte protocol: read the configured streams
    Read(AirbyteArgs),
    /// Look at the connectors of the catalog, check one, begin a new one
    #[command(subcommand)]
    Connectors(ConnectorsCommand),
    /// What consumers of the event log need to know
    #[command(subcommand)]
    Events(EventsCommand),
    /// Infer keys, relations and unified entities of folders of JSON lines or CSV
    #[command(disable_help_flag = true)]
    Organize {
        /// Passed on; `syncline organize --help` explains.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Say what is wrong with the configuration and the environment, and how to mend it
    Doctor(ConfigArgs),
    /// Take the state of an integration out of a running installation, or put in one that Airbyte wrote
    #[command(subcommand)]
    State(StateCommand),
    /// Make, list and revoke API keys
    #[command(subcommand)]
    Key(KeyCommand),
    /// Print every setting with its default and what it means
    Settings,
}

/// Where the configuration comes from.
#[derive(Debug, Clone, Default, Args)]
pub struct ConfigArgs {
    /// The configuration file
    #[arg(long, env = "SYNCLINE_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Where everything is kept; the setting `folder`
    #[arg(long, value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// A setting by name, as `engine.threads=4`; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
}

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Where the API listens; the setting `api.listen`
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,
    /// What this node does; with the event log on Kafka any mix on any number of nodes
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_enum, default_value = "api,engine,organizer")]
    pub roles: Vec<ServeRole>,
}

/// What a node can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ServeRole {
    /// REST and the console
    Api,
    /// Reads integrations
    Engine,
    /// Writes tenants' tables
    Organizer,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The configuration.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// End after the first sync instead of staying up until Ctrl-C
    #[arg(long)]
    pub once: bool,
    /// How many records the three apps have together
    #[arg(long, default_value_t = 30_000, value_name = "COUNT")]
    pub records: u64,
    /// The seed of their data
    #[arg(long, default_value_t = 1, value_name = "NUMBER")]
    pub seed: u64,
    /// Where the API listens
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    pub listen: String,
}

/// Arguments of `sync`.
#[derive(Debug, Args)]
pub struct SyncArgs {
    /// A TOML file with `connector`, `[settings]` and, if not all are wanted, `streams`; `${NAME}` in settings is the environment's
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// `jsonl:-`, `jsonl:FILE`, `sqlite:FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(long, default_value = "jsonl:-", value_name = "WHERE")]
    pub to: String,
    /// Where the cursors are kept for the next time; default: FILE with `.state` behind it
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// The source may be on a loopback or private address
    #[arg(long)]
    pub private_allowed: bool,
}

/// Arguments of the Airbyte protocol's verbs.
#[derive(Debug, Clone, Args)]
pub struct AirbyteArgs {
    /// A connector of the catalog
    #[arg(value_name = "CONNECTOR", required_unless_present = "manifest_path")]
    pub connector: Option<String>,
    /// The settings, a JSON file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The configured catalog, a JSON file
    #[arg(long, value_name = "FILE")]
    pub catalog: Option<PathBuf>,
    /// The state to go on from, a JSON file
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// A manifest instead of a connector of the catalog
    #[arg(long, value_name = "FILE")]
    pub manifest_path: Option<PathBuf>,
    /// The instant at which the run believes to be (RFC 3339); the clock stands still, and waits return at once
    #[arg(long, value_name = "INSTANT")]
    pub now: Option<jiff::Timestamp>,
}

/// What to do with connectors.
#[derive(Debug, Subcommand)]
pub enum ConnectorsCommand {
    /// List them
    List {
        /// Only those whose name, title, category or description contains this
        #[arg(value_name = "TEXT")]
        search: Option<String>,
    },
    /// Show one: what it is, how to set it up, its settings and streams
    Show {
        /// Which
        #[arg(value_name = "CONNECTOR")]
        connector: String,
    },
    /// Say everything that is wrong in a connector's folder or manifest, with file and line
    Lint {
        /// Folders or manifests
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
    },
    /// Read a connector from the answers recorded in its folder, and say what differs from the records noted there
    Test {
        /// Its folder, with `recorded/*.json`
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
        /// Make a recording from the real source instead, with these settings (JSON); secrets are taken out
        #[arg(long, value_name = "SETTINGS")]
        record: Option<PathBuf>,
        /// What the recording is called
        #[arg(long, default_value = "first", value_name = "NAME")]
        name: String,
        /// How many pages of each stream are recorded
        #[arg(long, default_value_t = 2, value_name = "COUNT")]
        pages: usize,
    },
    /// Write a working starting point into a new folder
    New {
        /// Its name: a-z, 0-9, `-`
        #[arg(value_name = "NAME")]
        name: String,
        /// The folder to make it in
        #[arg(long, default_value = ".", value_name = "DIR")]
        folder: PathBuf,
    },
}

/// What there is to say about events.
#[derive(Debug, Subcommand)]
pub enum EventsCommand {
    /// Print the contract with consumers of the events in Kafka, as AsyncAPI 3
    Contract {
        /// The configuration: the brokers, the prefix and the template of the topics.
        #[command(flatten)]
        config: ConfigArgs,
        /// Only the streams of this connector, with the schemas of their records; may be repeated
        #[arg(long = "connector", value_name = "CONNECTOR")]
        connectors: Vec<String>,
        /// The topics of this tenant
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
}

/// What to do with the state of an integration.
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Print it as messages of the Airbyte protocol
    Export {
        /// Of which.
        #[command(flatten)]
        of: StateOf,
    },
    /// Let the integration, which must be paused or new, go on from a state
    Import {
        /// Of which.
        #[command(flatten)]
        of: StateOf,
        /// A JSON file: messages of the protocol, what Airbyte's API answers, or one state for each stream by its name
        #[arg(value_name = "FILE")]
        state: PathBuf,
    },
}

/// An integration of a running installation.
#[derive(Debug, Args)]
pub struct StateOf {
    /// Whose it is
    #[arg(value_name = "TENANT")]
    pub tenant: syncline_model::TenantId,
    /// Its id
    #[arg(value_name = "INTEGRATION")]
    pub integration: syncline_model::IntegrationId,
    /// Where the API is
    #[arg(long, default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub api: String,
    /// An API key: an operator's to export, an admin's to import
    #[arg(long, env = "SYNCLINE_API_KEY", hide_env_values = true, value_name = "KEY")]
    pub key: String,
}

/// What to do with API keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it, this once
    Create {
        /// The configuration.
        #[command(flatten)]
        config: ConfigArgs,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        name: String,
        /// owner, admin, operator or viewer
        #[arg(long, default_value = "viewer", value_name = "ROLE")]
        role: String,
        /// Only for this tenant; for all, if absent
        #[arg(long, value_name = "TENANT")]
        tenant: Option<String>,
    },
    /// List them, without the keys themselves
    List {
        /// The configuration.
        #[command(flatten)]
        config: ConfigArgs,
    },
    /// Revoke one
    Revoke {
        /// The configuration.
        #[command(flatten)]
        config: ConfigArgs,
        /// Its id, as `key list` shows it
        #[arg(value_name = "ID")]
        id: String,
    },
}
