//! A door between a node and the brokers, which can be shut: a network of one node's own that fails.

use std::{net::Ipv4Addr, thread::JoinHandle};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What becomes of what goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// It passes.
    Open,
    /// Every connection breaks, and none comes about.
    Shut,
    /// Connections stay, and nothing passes; what was on its way comes when the door opens, as a network does it.
    Silent,
    /// The test is over.
    Gone,
}

/// One door: brokers behind it are known by its own address only.
pub struct Door {
    pub port: u16,
    /// Where the broker listens for what comes through.
    pub behind: u16,
    way: watch::Sender<Way>,
    thread: Option<JoinHandle<()>>,
}

impl Door {
    pub fn new(port: u16, behind: u16) -> Self {
        let (way, seen) = watch::channel(Way::Open);
        // A thread of its own, because tests block while they wait for programs.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(keep(port, behind, seen));
        });
        Self { port, behind, way, thread: Some(thread) }
    }

    pub fn turn(&self, way: Way) {
        self.way.send_replace(way);
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.turn(Way::Gone);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn keep(port: u16, behind: u16, mut way: watch::Receiver<Way>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let seen = way.clone();
    let accept = async {
        loop {
            let Ok((caller, _)) = listener.accept().await else { continue };
            tokio::spawn(carry(caller, behind, seen.clone()));
        }
    };
    tokio::select! {
        () = accept => {}
        _ = way.wait_for(|way| *way == Way::Gone) => {}
    }
}

async fn carry(caller: TcpStream, behind: u16, way: watch::Receiver<Way>) {
    let mut ends = way.clone();
    let through = async {
        // Nobody answers while the broker is down, and the caller hears it by the end of its connection.
        let Ok(broker) = TcpStream::connect((Ipv4Addr::LOCALHOST, behind)).await else { return };
        let ((from_caller, to_caller), (from_broker, to_broker)) = (caller.into_split(), broker.into_split());
        tokio::select! {
            () = pass(from_caller, to_broker, way.clone()) => {}
            () = pass(from_broker, to_caller, way.clone()) => {}
        }
    };
    tokio::select! {
        () = through => {}
        _ = ends.wait_for(|way| matches!(way, Way::Shut | Way::Gone)) => {}
    }
}

async fn pass(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut way: watch::Receiver<Way>) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        let Ok(count @ 1..) = from.read(&mut bytes).await else { return };
        if way.wait_for(|way| *way != Way::Silent).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
