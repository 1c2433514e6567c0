//! Reads the section: every mistake at once.

use std::{cell::RefCell, time::Duration};

use serde_json::Value;
use syncline_model::nearest;

use super::{
    Mistake, Webhooks,
    events::{Mapping, Meaning, Pattern, Records, Rule, Unit},
    handshake::{Condition, Handshake, Reply},
    json::Path,
    section::Section,
    template::Text,
    verify::{Algorithm, Encoding, Signature, Stamp, StampPlace, Verification, Written},
};

const TOLERANCE_S: u64 = 300;
const SEEN_HOURS: u64 = 7 * 24;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Standard,
    Hmac(Algorithm),
    Token,
}

pub(super) fn load(value: &Value, streams: Option<&[&str]>) -> Result<Webhooks, Vec<Mistake>> {
    let mistakes = RefCell::new(Vec::new());
    let made = read(&Section::new(value, "webhooks", &mistakes), &mistakes, streams);
    let mistakes = mistakes.into_inner();
    match made {
        Some(webhooks) if mistakes.is_empty() => Ok(webhooks),
        _ => Err(mistakes),
    }
}

fn read(section: &Section<'_>, mistakes: &RefCell<Vec<Mistake>>, streams: Option<&[&str]>) -> Option<Webhooks> {
    section.only(&["verify", "handshakes", "dedupe", "type", "split", "ignore", "events"]);
    let empty = Value::Object(serde_json::Map::new());
    let verify = section.get("verify").unwrap_or(&empty);
    let verification = verification(&Section::new(verify, section.at("verify"), mistakes));
    let one = |(value, path): (&Value, String)| handshake(&Section::new(value, path, mistakes), mistakes);
    let handshakes = section.list("handshakes").into_iter().filter_map(one).collect();
    let dedupe = section.section("dedupe");
    let (id, hours) = match &dedupe {
        Some(dedupe) => {
            dedupe.only(&["id", "keep_hours"]);
            (dedupe.template("id"), dedupe.whole("keep_hours", SEEN_HOURS, 1, 24 * 90))
        }
        None => (None, SEEN_HOURS),
    };
    let standard = matches!(&verification, Some(Verification::Signature(signature)) if signature.content.has_id());
    let id = id.or_else(|| standard.then(|| Text::parse("{id}").ok()).flatten());
    let mapping = mapping(section, mistakes, streams);
    Some(Webhooks { verification: verification?, handshakes, dedupe: id, seen_for: Duration::from_secs(hours * 3600), mapping: mapping? })
}

fn verification(section: &Section<'_>) -> Option<Verification> {
    let schemes = [
        ("standard_webhooks", Scheme::Standard),
        ("hmac_sha256", Scheme::Hmac(Algorithm::Sha256)),
        ("hmac_sha1", Scheme::Hmac(Algorithm::Sha1)),
        ("hmac_sha512", Scheme::Hmac(Algorithm::Sha512)),
        ("token", Scheme::Token),
    ];
    match section.word("scheme", &schemes, Scheme::Standard) {
        Scheme::Standard => {
            section.only(&["scheme", "tolerance_s"]);
            standard(section)
        }
        Scheme::Token => {
            section.only(&["scheme", "token"]);
            if !section.has("token") {
                section.missing("token");
            }
            section.template("token").map(Verification::Token)
        }
        Scheme::Hmac(algorithm) => signature(section, algorithm).map(|signature| Verification::Signature(Box::new(signature))),
    }
}

/// As the Standard Webhooks specification has it.
fn standard(section: &Section<'_>) -> Option<Verification> {
    let tolerance = Duration::from_secs(section.whole("tolerance_s", TOLERANCE_S, 1, 86_400));
    Some(Verification::Signature(Box::new(Signature {
        algorithm: Algorithm::Sha256,
        header: "webhook-signature".to_owned(),
        separator: Some(" ".to_owned()),
        prefix: "v1,".to_owned(),
        encoding: Encoding::Base64,
        content: Text::parse("{id}.{timestamp}.{body}").ok()?,
        secret: Written { prefix: "whsec_".to_owned(), encoding: Encoding::Base64 },
        timestamp: Some(Stamp { place: StampPlace::Header("webhook-timestamp".to_owned()), in_ms: false, tolerance }),
        id: Some("webhook-id".to_owned()),
    })))
}

fn signature(section: &Section<'_>, algorithm: Algorithm) -> Option<Signature> {
    section.only(&["scheme", "header", "separator", "prefix", "encoding", "content", "secret", "timestamp", "id_header"]);
    if !section.has("header") {
        section.missing("header");
    }
    let header = section.header("header");
    let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    let content = if section.has("content") { section.template("content") } else { Text::parse("{body}").ok() };
    let timestamp = section.section("timestamp").and_then(|section| stamp(&section));
    let id = section.header("id_header");
    if let Some(content) = &content {
        // A signature that covers neither the body nor a digest of it would prove nothing about what is in it.
        if !content.has_body() {
            section.say("content", "`{body}` must be in what is signed");
        }
        if content.has_timestamp() && timestamp.is_none() {
            section.say("content", "`{timestamp}` is signed, and `timestamp` does not say where it stands");
        }
        if content.has_id() && id.is_none() {
            section.say("content", "`{id}` is signed, and `id_header` does not say where it stands");
        }
        if timestamp.is_some() && !content.has_timestamp() {
            section.say("timestamp", "it proves nothing, because `{timestamp}` is not in what is signed");
        }
        if content.signs() {
            section.say("content", "`{hmac_hex:…}` stands only in answers");
        }
    }
    let secret = section.section("secret").map_or_else(|| Some(plain()), |section| Some(written(&section)));
    Some(Signature {
        algorithm,
        header: header?,
        separator: section.text("separator").filter(|text| !text.is_empty()).map(str::to_owned),
        prefix: section.text("prefix").unwrap_or_default().to_owned(),
        encoding: section.word("encoding", &encodings, Encoding::Hex),
        content: content?,
        secret: secret?,
        timestamp,
        id,
    })
}

fn plain() -> Written {
    Written { prefix: String::new(), encoding: Encoding::Text }
}

fn written(section: &Section<'_>) -> Written {
    section.only(&["prefix", "encoding"]);
    let encodings = [("text", Encoding::Text), ("hex", Encoding::Hex), ("base64", Encoding::Base64)];
    Written {
        prefix: section.text("prefix").unwrap_or_default().to_owned(),
        encoding: section.word("encoding", &encodings, Encoding::Text),
    }
}

fn stamp(section: &Section<'_>) -> Option<Stamp> {
    section.only(&["header", "item", "unit", "tolerance_s"]);
    let place = match (section.header("header"), section.text("item")) {
        (Some(header), None) => StampPlace::Header(header),
        (None, Some(item)) => StampPlace::Item(item.to_owned()),
        (None, None) | (Some(_), Some(_)) => {
            section.say("", "either `header` or `item` must say where it stands");
            return None;
        }
    };
    let in_ms = section.word("unit", &[("s", false), ("ms", true)], false);
    Some(Stamp { place, in_ms, tolerance: Duration::from_secs(section.whole("tolerance_s", TOLERANCE_S, 1, 86_400)) })
}

fn handshake(section: &Section<'_>, mistakes: &RefCell<Vec<Mistake>>) -> Option<Handshake> {
    section.only(&["method", "signed", "when", "verify_token", "answer"]);
    let method = section.word("method", &[("GET", "GET"), ("POST", "POST")], "POST");
    let is_signed = section.flag("signed", method == "POST");
    let when = conditions(section, "when", mistakes);
    if when.is_empty() {
        section.missing("when");
        return None;
    }
    let verify_token = if section.has("verify_token") { Some(section.template("verify_token")?) } else { None };
    let answer = match section.get("answer") {
        None => Reply::Nothing,
        Some(Value::Object(_)) => {
            let inner = section.section("answer")?;
            let one = |(name, value): (&str, &Value)| Some((name.to_owned(), inner.parsed(name, value.as_str().unwrap_or_default())?));
            Reply::Json(inner.fields().into_iter().filter_map(one).collect())
        }
        Some(_) => Reply::Text(section.template("answer")?),
    };
    let signs = match &answer {
        Reply::Nothing => false,
        Reply::Text(text) => text.signs(),
        Reply::Json(fields) => fields.iter().any(|(_, text)| text.signs()),
    };
    // Whoever asks could have anything signed, and send it back to us as a delivery.
    if signs && !is_signed {
        section.say("answer", "only a handshake that is `signed` itself may be answered with a signature");
    }
    Some(Handshake { method: method.to_owned(), is_signed, when, verify_token, answer })
}

fn conditions(section: &Section<'_>, name: &str, mistakes: &RefCell<Vec<Mistake>>) -> Vec<Condition> {
    let Some(value) = section.get(name) else { return Vec::new() };
    let inner = Section::new(value, section.at(name), mistakes);
    let one = |(text, is): (&str, &Value)| {
        let is = match is {
            Value::Null => None,
            Value::String(is) => Some(is.clone()),
            Value::Bool(_) | Value::Number(_) => Some(is.to_string()),
            Value::Array(_) | Value::Object(_) => {
                inner.say(text, "must be a text, or nothing where it only has to be there");
                return None;
            }
        };
        Some(Condition { text: inner.parsed("", text)?, is })
    };
    inner.fields().into_iter().filter_map(one).collect()
}

fn mapping(section: &Section<'_>, mistakes: &RefCell<Vec<Mistake>>, streams: Option<&[&str]>) -> Option<Mapping> {
    if !section.has("type") {
        section.missing("type");
    }
    let kind = section.template("type");
    let split = place(section, "split");
    let ignore = section.texts("ignore").into_iter().map(|text| Pattern(text.to_owned())).collect();
    let rules: Vec<Rule> = section
        .list("events")
        .into_iter()
        .filter_map(|(value, path)| rule(&Section::new(value, path, mistakes), mistakes, streams))
        .collect();
    if section.list("events").is_empty() {
        section.missing("events");
    }
    Some(Mapping { kind: kind?, split, ignore, rules })
}

fn place(section: &Section<'_>, name: &str) -> Option<Path> {
    let text = section.text(name)?;
    let path = Path::parse(text);
    if path.is_none() {
        section.say(name, format!("`{text}` is no place in JSON: `data.object` is wanted"));
    }
    path
}

fn rule(section: &Section<'_>, mistakes: &RefCell<Vec<Mistake>>, streams: Option<&[&str]>) -> Option<Rule> {
    section.only(&["type", "stream", "thin", "record", "op", "delete_when", "key", "version"]);
    for needed in ["type", "stream"] {
        if !section.has(needed) {
            section.missing(needed);
        }
    }
    let kind = section.text("type");
    let stream = section.text("stream").and_then(|name| stream(section, name, streams));
    if section.flag("thin", false) {
        for other in ["record", "op", "delete_when", "key", "version"] {
            if section.has(other) {
                section.say(other, "a `thin` event has no record that this could speak of");
            }
        }
        return Some(Rule { kind: Pattern(kind?.to_owned()), stream: stream?, means: Meaning::Thin });
    }
    let always = section.word("op", &[("upsert", false), ("delete", true)], false);
    let sometimes = section.has("delete_when").then(|| conditions(section, "delete_when", mistakes));
    if sometimes.as_ref().is_some_and(Vec::is_empty) {
        section.say("delete_when", "says nothing");
    }
    let deleted = if always { Some(Vec::new()) } else { sometimes };
    let key = section.texts("key").into_iter().filter_map(|text| section.parsed("key", text)).collect();
    let version = section.section("version").and_then(|section| version(&section));
    let records = Records { place: place(section, "record").unwrap_or_default(), deleted, key, version };
    Some(Rule { kind: Pattern(kind?.to_owned()), stream: stream?, means: Meaning::Records(Box::new(records)) })
}

fn stream(section: &Section<'_>, name: &str, streams: Option<&[&str]>) -> Option<syncline_model::StreamName> {
    if let Some(known) = streams
        && !known.contains(&name)
    {
        section.say("stream", format!("the manifest has no stream `{name}`{}", nearest::hint(name, known.iter().copied())));
        return None;
    }
    name.parse().map_err(|error: syncline_model::id::BadId| section.say("stream", error.to_string())).ok()
}

fn version(section: &Section<'_>) -> Option<(Text, Unit)> {
    section.only(&["from", "unit"]);
    if !section.has("from") {
        section.missing("from");
    }
    let units = [("s", Unit::Seconds), ("ms", Unit::Milliseconds), ("time", Unit::Time), ("count", Unit::Count)];
    let unit = section.word("unit", &units, Unit::Time);
    Some((section.template("from")?, unit))
}
