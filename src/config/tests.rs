#![allow(clippy::unwrap_used)]
use super::{Sources, load};

fn problems(sources: &Sources) -> Vec<String> {
    load(sources).unwrap_err().iter().map(ToString::to_string).collect()
}

fn file(text: &str) -> Sources {
    Sources { file: Some(("syncline.toml".into(), text.to_owned())), ..Sources::default() }
}

#[test]
fn nothing_at_all_is_a_complete_configuration() {
    let config = load(&Sources::default()).unwrap();
    assert_eq!(config.store_url, "sqlite:syncline-data/store.db");
    assert_eq!(config.vault_key_file, std::path::Path::new("syncline-data/vault.key"));
}

#[test]
fn every_mistake_of_a_file_is_told_at_once_with_its_line_and_the_nearest_name() {
    let found = problems(&file("[api]\nlistn = \"127.0.0.1:1\"\n[engine]\nthreads = \"two\"\n[egres]\nprivate_allowed = true\n"));
    assert_eq!(
        found,
        [
            "syncline.toml:2: unknown setting `api.listn` (did you mean `api.listen`?)",
            "syncline.toml:4: `engine.threads` must be an integer, and is a string",
            "syncline.toml:6: unknown setting `egres.private_allowed` (did you mean `egress.private_allowed`?)",
        ]
    );
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let mut sources = file("folder = \"a\"\n[engine]\nthreads = 3\njobs_max = 3\n");
    sources.environment =
        vec![("SYNCLINE_ENGINE_THREADS".into(), "4".into()), ("SYNCLINE_ENGINE_JOBS_MAX".into(), "4".into()), ("HOME".into(), "/".into())];
    sources.flags = vec!["engine.threads=5".into()];
    let config = load(&sources).unwrap();
    assert_eq!((config.folder.to_str(), config.engine.threads, config.engine.jobs_max), (Some("a"), 5, 4));
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest_name() {
    let sources = Sources { environment: vec![("SYNCLINE_API_LISTN".into(), "x".into())], ..Sources::default() };
    assert_eq!(problems(&sources), ["environment: unknown setting `SYNCLINE_API_LISTN` (did you mean `SYNCLINE_API_LISTEN`?)"]);
}

#[test]
fn a_word_that_a_setting_does_not_know_is_refused_by_name_with_the_nearest_one() {
    let expected = "`log.kind`: unknown variant `kafak`, expected `embedded` or `kafka` (did you mean `kafka`?)";
    assert_eq!(problems(&file("folder = \"a\"\n[log]\nkind = \"kafak\"\n")), [format!("syncline.toml:3: {expected}")]);
    let flags = Sources { flags: vec!["log.kind=kafak".to_owned(), "api.lisen=1".to_owned()], ..Sources::default() };
    let unknown = "--set: unknown setting `api.lisen` (did you mean `api.listen`?)";
    assert_eq!(problems(&flags), [format!("--set: {expected}"), unknown.to_owned()]);
}

#[test]
fn a_value_out_of_range_is_refused_by_name() {
    assert_eq!(problems(&file("[engine]\nthreads = 0\n")), ["configuration: `engine.threads` must be at least 1, and is 0"]);
    assert_eq!(
        problems(&file("[store]\nurl = \"mysql://x\"\n")),
        ["configuration: `store.url` must begin with `sqlite:` or `postgres://`"]
    );
    let flags = ["kafka.lanes=0", "log.shards=70000", "engine.jobs_max=-3"].map(str::to_owned);
    let expected = [
        "--set: `kafka.lanes`: it must be 1 or more, and is 0",
        "--set: `log.shards`: it must be 1 to 65535, and is 70000",
        "--set: `engine.jobs_max`: it must be 0 or more, and is -3",
    ];
    assert_eq!(problems(&Sources { flags: flags.to_vec(), ..Sources::default() }), expected);
}

#[test]
fn a_file_that_is_no_toml_says_where() {
    assert!(problems(&file("folder = \"a\"\nx = = 3\n"))[0].starts_with("syncline.toml:2: "));
}

#[test]
fn a_log_on_kafka_wants_brokers_and_a_store_that_nodes_can_share() {
    let found = problems(&file("[log]\nkind = \"kafka\"\n[kafka]\nsasl = \"plain\"\n"));
    assert_eq!(
        found,
        [
            "configuration: `kafka.bootstrap` must name some brokers when `log.kind` is `kafka`",
            "configuration: `store.url` must begin with `postgres://` when `log.kind` is `kafka`, because several nodes share it",
            "configuration: `kafka.sasl` wants `kafka.username` and `kafka.password`",
            "configuration: `kafka.sasl = \"plain\"` sends the password as it is: `kafka.tls` must be on",
        ]
    );
}

#[test]
fn a_password_is_not_shown() {
    let config = load(&file("[kafka]\npassword = \"hush\"\n")).unwrap();
    assert!(!format!("{config:?}").contains("hush"));
}
