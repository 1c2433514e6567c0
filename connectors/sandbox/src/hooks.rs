//! Tells somebody of changes by webhooks, signed as the Standard Webhooks specification has it, until they are taken.

use std::{
    io::{Read, Write},
    net::TcpStream,
    sync::mpsc::{Receiver, Sender, channel},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{records, timeline::Row, words::Stream, world::World};

const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);
/// So often one is sent; after that it is given up, as providers do.
const TRIES: usize = 300;

/// A webhook to be sent.
#[derive(Debug)]
pub(crate) struct Message {
    id: String,
    body: Vec<u8>,
}

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Happened {
    Created,
    Updated,
    Deleted,
}

impl Message {
    /// What the provider of this stream says of a change, if it says anything.
    pub(crate) fn of(number: u64, world: &World, stream: Stream, row: &Row, happened: Happened) -> Option<Self> {
        let kind = match stream {
            Stream::PaymentsCustomers => "customer",
            Stream::PaymentsCharges => "charge",
            Stream::PaymentsInvoices => "invoice",
            _ => return None,
        };
        let word = match happened {
            Happened::Created => "created",
            Happened::Updated => "updated",
            Happened::Deleted => "deleted",
        };
        let mut body = format!("{{\"type\":\"{kind}.{word}\",\"created\":{},\"data\":", row.updated_ms / 1000).into_bytes();
        if stream == Stream::PaymentsInvoices {
            body.extend(format!("{{\"id\":\"{}\"}}", records::key(world, stream, row.index)).bytes());
        } else {
            records::write(&mut body, world, stream, row);
        }
        body.push(b'}');
        Some(Self { id: format!("msg_{}_{number}", world.seed()), body })
    }
}

/// Sends what it is given to this address, one after the other. `None` if the address or the secret cannot be used.
pub(crate) fn start(url: &str, secret: &str) -> Option<Sender<Message>> {
    let (host, path) = url.strip_prefix("http://")?.split_once('/')?;
    let (host, path) = (host.to_owned(), format!("/{path}"));
    let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
    let (sender, messages) = channel();
    let run = move || send_all(&host, &path, &key, &messages);
    std::thread::Builder::new().name("sandbox-hooks".to_owned()).spawn(run).ok()?;
    Some(sender)
}

fn send_all(host: &str, path: &str, key: &[u8], messages: &Receiver<Message>) {
    for message in messages {
        for _ in 0..TRIES {
            if send(host, path, key, &message).is_ok_and(|status| (200..300).contains(&status)) {
                break;
            }
            std::thread::sleep(PAUSE);
        }
    }
}

fn send(host: &str, path: &str, key: &[u8], message: &Message) -> std::io::Result<u16> {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Ok(0) };
    mac.update(format!("{}.{at}.", message.id).as_bytes());
    mac.update(&message.body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         webhook-id: {}\r\nwebhook-timestamp: {at}\r\nwebhook-signature: v1,{signature}\r\n\r\n",
        message.body.len(),
        message.id
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&message.body)?;
    let mut answer = Vec::new();
    stream.take(16 * 1024).read_to_end(&mut answer)?;
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    Ok(status.unwrap_or(0))
}
