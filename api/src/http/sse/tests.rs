#![allow(clippy::unwrap_used)]
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::{Frame, live};

fn frame(json: &str) -> Frame {
    Frame { name: "progress", id: Some("7".to_owned()), json: json.to_owned() }
}

#[test]
fn every_line_of_a_frame_is_data() {
    assert_eq!(frame("{\n}").encode(), "event: progress\nid: 7\ndata: {\ndata: }\n\n");
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_sends_heartbeats_until_the_server_stops() {
    let stop = CancellationToken::new();
    let mut sent = Box::pin(live(stream::pending(), Duration::from_secs(15), stop.clone()));
    assert_eq!(sent.next().await.unwrap(), "retry: 2000\n\n");
    assert_eq!(sent.next().await.unwrap(), ": still here\n\n");
    assert_eq!(sent.next().await.unwrap(), ": still here\n\n");
    stop.cancel();
    assert_eq!(sent.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_a_while_so_that_the_key_is_looked_at_again() {
    let sent = live(stream::pending(), Duration::from_mins(1), CancellationToken::new());
    assert_eq!(sent.count().await, 1 + 15);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_frames() {
    let sent: Vec<_> = live(stream::iter([frame("1"), frame("2")]), Duration::from_secs(15), CancellationToken::new()).collect().await;
    assert_eq!(sent.len(), 3);
}
