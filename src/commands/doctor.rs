//! `syncline doctor`: looks at the configuration and the environment as `serve` would meet them, changes nothing, and says how to
//! mend what is wrong.

use std::{
    fs,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
};

use crate::{
    cli::ConfigArgs,
    commands::{load_config, say},
    config::{Config, LogKind, Problem},
};

/// One thing that was looked at.
struct Finding {
    what: String,
    verdict: Verdict,
}

enum Verdict {
    Good(String),
    Bad { why: String, mend: String },
}

/// Looks, tells, and fails if something is wrong.
pub async fn run(arguments: &ConfigArgs) -> anyhow::Result<bool> {
    let findings = match load_config(arguments, &[])? {
        Ok(config) => look(&config).await,
        Err(problems) => problems.iter().map(misconfigured).collect(),
    };
    let mut wrong = 0;
    for Finding { what, verdict } in &findings {
        match verdict {
            Verdict::Good(found) => say(&format!("  ok     {what}: {found}")),
            Verdict::Bad { why, mend } => {
                wrong += 1;
                say(&format!("  WRONG  {what}: {why}\n         {mend}"));
            }
        }
    }
    say(&match wrong {
        0 => "nothing is wrong".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        many => format!("{many} things are wrong"),
    });
    Ok(wrong == 0)
}

fn misconfigured(problem: &Problem) -> Finding {
    let mend = "`syncline settings` prints every setting with its default".to_owned();
    Finding { what: problem.origin.clone(), verdict: Verdict::Bad { why: problem.why.clone(), mend } }
}

async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![folder(&config.folder), listen(config), key_file(&config.vault_key_file)];
    findings.extend(config.connectors.folders.iter().map(|path| catalog_folder(path)));
    findings.push(connectors(config));
    findings.push(store(config).await);
    findings.push(match config.log.kind {
        LogKind::Embedded => log_file(config),
        LogKind::Kafka => brokers(config).await,
    });
    findings
}

fn finding(what: &str, verdict: Result<String, (String, &str)>) -> Finding {
    let verdict = match verdict {
        Ok(found) => Verdict::Good(found),
        Err((why, mend)) => Verdict::Bad { why, mend: mend.to_owned() },
    };
    Finding { what: what.to_owned(), verdict }
}

/// The nearest folder above that exists; what does not exist yet will be made in it.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|folder| folder.exists()).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

fn folder(path: &Path) -> Finding {
    let home = existing(path);
    let home = if home.as_os_str().is_empty() { PathBuf::from(".") } else { home };
    let trial = home.join(format!(".syncline-doctor-{}", std::process::id()));
    let written = fs::File::create(&trial).and_then(|mut file| file.write_all(b"x").and_then(|()| file.sync_all()));
    // The trial file is ours and of no use to anybody; if it cannot be removed, writing has failed before.
    let _ = fs::remove_file(&trial);
    let state = if path.exists() { "exists and can be written" } else { "will be made at the first start" };
    let verdict = written.map(|()| format!("`{}` {state}", path.display())).map_err(|error| {
        (format!("nothing can be written in `{}`: {error}", home.display()), "give this user write permission, or choose another `folder`")
    });
    finding("folder", verdict)
}

fn listen(config: &Config) -> Finding {
    let address = config.api.listen;
    let verdict = TcpListener::bind(address).map(|_| format!("`{address}` is free")).map_err(|error| {
        (
            format!("`{address}` cannot be listened on: {error}"),
            "stop what listens there (perhaps a running Syncline), or choose another `api.listen`",
        )
    });
    finding("api.listen", verdict)
}

fn key_file(path: &Path) -> Finding {
    let what = "vault.key_file";
    if std::env::var_os("SYNCLINE_VAULT_KEY").is_some() {
        return finding(what, Ok("not needed, SYNCLINE_VAULT_KEY is set".to_owned()));
    }
    let Ok(metadata) = fs::metadata(path) else {
        return finding(what, Ok(format!("`{}` will be made at the first start; keep a copy of it in a safe place", path.display())));
    };
    finding(what, mode(path, &metadata))
}

#[cfg(unix)]
fn mode(path: &Path, metadata: &fs::Metadata) -> Result<String, (String, &'static str)> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(format!("`{}` is readable by its owner only", path.display()));
    }
    Err((format!("`{}` has mode {mode:o}, so others can read it", path.display()), "chmod 600 it"))
}

#[cfg(not(unix))]
fn mode(path: &Path, _: &fs::Metadata) -> Result<String, (String, &'static str)> {
    Ok(format!("`{}` exists", path.display()))
}

fn catalog_folder(path: &Path) -> Finding {
    let verdict = fs::read_dir(path)
        .map(|_| format!("`{}` can be read", path.display()))
        .map_err(|error| (format!("`{}` cannot be read: {error}", path.display()), "correct `connectors.folders`"));
    finding("connectors.folders", verdict)
}

fn connectors(config: &Config) -> Finding {
    let verdict = crate::catalog::Catalog::load(config).map(|catalog| format!("{} connectors", catalog.len())).map_err(|problems| {
        (problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n         "), "`syncline connectors lint` checks one folder")
    });
    finding("connectors", verdict)
}

async fn store(config: &Config) -> Finding {
    let made_later = config.store_url.strip_prefix("sqlite:").is_some_and(|path| !Path::new(path).exists());
    if made_later {
        return finding("store", Ok("will be made at the first start".to_owned()));
    }
    let opened = syncline_store::Store::probe(&config.store_url).await;
    let verdict = opened
        .map(|()| "can be opened".to_owned())
        .map_err(|error| (error.to_string(), "correct `store.url`, and see that the database runs"));
    finding("store", verdict)
}

fn log_file(config: &Config) -> Finding {
    let path = crate::wiring::log_file(config);
    if !path.exists() {
        return finding("event log", Ok("will be made at the first start".to_owned()));
    }
    let verdict = fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(&path)
        .map(|_| format!("`{}` can be read and written", path.display()))
        .map_err(|error| (format!("`{}` cannot be opened: {error}", path.display()), "give this user permission to read and write it"));
    finding("event log", verdict)
}

#[cfg(feature = "kafka")]
async fn brokers(config: &Config) -> Finding {
    let verdict = syncline_log::kafka::probe(config.kafka.log_config(&config.log)).await;
    let verdict = verdict
        .map(|found| format!("{} brokers answer, and {} topics of events can be seen", found.brokers, found.topics))
        .map_err(|fault| (fault.to_string(), "correct `[kafka]`, and see that the brokers run"));
    finding("event log", verdict)
}

#[cfg(not(feature = "kafka"))]
async fn brokers(_: &Config) -> Finding {
    let why = "`log.kind` is `kafka`, and this program was built without it".to_owned();
    std::future::ready(finding("event log", Err((why, "build with `--features kafka`, as `make release` does")))).await
}
