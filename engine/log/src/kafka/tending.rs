//! What the crate does for producers and consumers, and not for clients that administer: hearing what librdkafka has to say, and giving
//! it a token.
#![allow(unsafe_code, reason = "calls of librdkafka, on a client that outlives them")]

use std::ffi::{CStr, CString, c_char};

use rdkafka::{
    ClientContext, bindings,
    client::{Client, OAuthToken},
    config::RDKafkaLogLevel,
    error::KafkaError,
};

use super::context::Ears;

const TEXT_BYTES: usize = 512;

/// Hears what there is to hear, and hands a token over if one is wanted. Called before everything that is asked of such a client.
pub fn tend(client: &Client<Ears>) {
    listen(client);
    give_token(client);
}

/// Hands a token over if one is wanted: for consumers too, which get theirs when they are polled, and are asked for topics before that.
pub fn give_token(client: &Client<Ears>) {
    let ears = client.context();
    if !ears.wants_token() {
        return;
    }
    let handed = ears.generate_oauth_token(None).map_err(|error| error.to_string()).and_then(|token| {
        hand(client, &token)?;
        Ok(token.lifetime_ms)
    });
    match handed {
        Ok(until_ms) => ears.has_token(until_ms),
        Err(why) => ears.refusals().say(why),
    }
}

fn listen(client: &Client<Ears>) {
    // SAFETY: the queue and each event are released once, and nothing of an event is kept.
    unsafe {
        let queue = bindings::rd_kafka_queue_get_main(client.native_ptr());
        loop {
            let event = bindings::rd_kafka_queue_poll(queue, 0);
            if event.is_null() {
                break;
            }
            hear(client.context(), event);
            bindings::rd_kafka_event_destroy(event);
        }
        bindings::rd_kafka_queue_destroy(queue);
    }
}

/// # Safety
/// The event must be alive.
unsafe fn hear(ears: &Ears, event: *mut bindings::rd_kafka_event_t) {
    // SAFETY: texts of an event live as long as it does.
    unsafe {
        match bindings::rd_kafka_event_type(event) {
            bindings::RD_KAFKA_EVENT_LOG => {
                let (mut facility, mut text, mut level): (*const c_char, *const c_char, i32) = (std::ptr::null(), std::ptr::null(), 0);
                if bindings::rd_kafka_event_log(event, &raw mut facility, &raw mut text, &raw mut level) == 0 {
                    let (facility, text) = (CStr::from_ptr(facility).to_string_lossy(), CStr::from_ptr(text).to_string_lossy());
                    ears.log(level_of(level), facility.trim(), text.trim());
                }
            }
            bindings::RD_KAFKA_EVENT_ERROR => {
                let error = KafkaError::Global(bindings::rd_kafka_event_error(event).into());
                ears.error(error, CStr::from_ptr(bindings::rd_kafka_event_error_string(event)).to_string_lossy().trim());
            }
            _ => {}
        }
    }
}

fn level_of(syslog: i32) -> RDKafkaLogLevel {
    match syslog {
        ..=3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 | 6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    }
}

fn hand(client: &Client<Ears>, token: &OAuthToken) -> Result<(), String> {
    let text = |text: &str| CString::new(text).map_err(|_| "the token holds a zero byte".to_owned());
    let (value, name) = (text(&token.token)?, text(&token.principal_name)?);
    let mut why = [0; TEXT_BYTES];
    // SAFETY: librdkafka copies the texts, and writes no more than it is told into `why`, with a zero at the end.
    let code = unsafe {
        bindings::rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            value.as_ptr(),
            token.lifetime_ms,
            name.as_ptr(),
            std::ptr::null_mut(),
            0,
            why.as_mut_ptr(),
            why.len(),
        )
    };
    if code == bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    // SAFETY: see above.
    Err(format!("the token is not taken: {}", unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy()))
}
