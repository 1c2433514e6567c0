//! HTTP without encryption and without anything else that a model nearby does not need. An address that wants encryption is
//! refused: whoever has a client for it implements [`super::Post`] with that.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use super::Post;

/// Bytes of an answer that are read.
const MOST: usize = 4 << 20;

/// The client.
#[derive(Debug, Clone)]
pub struct Plain {
    /// How long a model may think.
    pub patience: Duration,
}

impl Default for Plain {
    fn default() -> Self {
        Self { patience: Duration::from_secs(60) }
    }
}

impl Post for Plain {
    fn post(&self, url: &str, key: Option<&str>, body: &str) -> Result<String, String> {
        let rest = url.strip_prefix("http://").ok_or_else(|| format!("`{url}` does not begin with `http://`"))?;
        let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
        let name =
            if host.rsplit(':').next().is_some_and(|port| port.parse::<u16>().is_ok()) { host.to_owned() } else { format!("{host}:80") };
        let says = |cause: std::io::Error| format!("`{host}` cannot be asked: {cause}");
        let address = name.to_socket_addrs().map_err(says)?.next().ok_or_else(|| format!("`{host}` has no address"))?;
        let mut wire = TcpStream::connect_timeout(&address, self.patience).map_err(says)?;
        wire.set_write_timeout(Some(self.patience)).map_err(says)?;
        let key = key.filter(|key| !key.contains(['\r', '\n'])).map(|key| format!("authorization: Bearer {key}\r\n")).unwrap_or_default();
        let length = body.len();
        // HTTP/1.0: the answer ends where the connection ends, so no chunks must be put together.
        let head = format!(
            "POST /{path} HTTP/1.0\r\nhost: {host}\r\ncontent-type: application/json\r\n{key}content-length: {length}\r\nconnection: close\r\n\r\n"
        );
        wire.write_all(head.as_bytes()).and_then(|()| wire.write_all(body.as_bytes())).map_err(says)?;
        let answer = self.whole(&mut wire).map_err(says)?;
        read(&answer).map_err(|why| format!("`{host}` {why}"))
    }
}

impl Plain {
    /// The answer up to its end. One that comes letter by letter is not waited for longer than one that does not come at all.
    fn whole(&self, wire: &mut TcpStream) -> std::io::Result<Vec<u8>> {
        let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "it did not answer in time");
        let until = Instant::now() + self.patience;
        let mut answer = Vec::new();
        let mut part = [0_u8; 16 << 10];
        while answer.len() < MOST {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(late());
            }
            wire.set_read_timeout(Some(left))?;
            match wire.read(&mut part) {
                Ok(0) => break,
                Ok(read) => answer.extend_from_slice(&part[..read]),
                Err(cause) if cause.kind() == std::io::ErrorKind::WouldBlock => return Err(late()),
                Err(cause) => return Err(cause),
            }
        }
        Ok(answer)
    }
}

fn read(answer: &[u8]) -> Result<String, String> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("did not answer in HTTP")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    if status != "200" {
        return Err(format!("answered {status}"));
    }
    Ok(body.to_owned())
}
