//! Why brokers will not have us. librdkafka tries for ever and only writes it down; somebody who has just misspelt a password should
//! hear of it at once.

use std::sync::{Mutex, PoisonError};

/// What brokers said when they refused us, or why we refused them.
#[derive(Default)]
pub struct Refusals(Mutex<Option<String>>);

/// What stands in a line of librdkafka, and where to look then.
const MENDS: [(&str, &str); 5] = [
    ("certificate verify failed", "look at `kafka.tls_ca_file`, and whether the certificate is for the names in `kafka.bootstrap`"),
    ("SSL handshake failed", "look at `kafka.tls` and its certificates"),
    ("incorrect security.protocol", "look at `kafka.tls`: this listener seems to want TLS"),
    ("authentication", "look at `kafka.sasl`, `kafka.username`, `kafka.password` and `kafka.token_file`"),
    ("Authentication", "look at `kafka.sasl`, `kafka.username`, `kafka.password` and `kafka.token_file`"),
];

impl Refusals {
    /// Hears a line of librdkafka's log.
    pub fn hear(&self, facility: &str, message: &str) {
        if matches!(facility, "FAIL" | "SASL" | "OAUTHBEARER")
            && let Some(clause) = clause(message)
        {
            self.say(clause);
        }
    }

    /// Keeps why we are refused.
    pub fn say(&self, clause: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(clause);
    }

    /// The last refusal.
    pub fn last(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// `[thrd:…]: sasl_ssl://host:port/bootstrap: what happened (after 3ms in state AUTH_REQ)` as a clause with advice, if it is a refusal.
fn clause(message: &str) -> Option<String> {
    let (_, mend) = MENDS.iter().find(|(part, _)| message.contains(part))?;
    let message = message.strip_prefix("[thrd:").and_then(|rest| rest.split_once("]: ")).map_or(message, |(_, rest)| rest);
    let said = message.split(" (after ").next().unwrap_or(message).trim_end_matches([':', ' ']);
    Some(format!("{said}; {mend}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_refusal_says_who_refused_why_and_where_to_look() {
        let refusals = Refusals::default();
        refusals.hear(
            "FAIL",
            "[thrd:b:1/bootstrap]: b:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused (after 0ms in state CONNECT)",
        );
        assert_eq!(refusals.last(), None);
        refusals.hear("FAIL", "[thrd:sasl_ssl://b:1/bootstrap]: sasl_ssl://b:1/bootstrap: SASL authentication error: Authentication failed (after 3ms in state AUTH_REQ)");
        assert_eq!(
            refusals.last().unwrap(),
            "sasl_ssl://b:1/bootstrap: SASL authentication error: Authentication failed; \
             look at `kafka.sasl`, `kafka.username`, `kafka.password` and `kafka.token_file`"
        );
    }
}
