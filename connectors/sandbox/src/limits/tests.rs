use std::time::{Duration, Instant};

use super::{RateLimit, Window};

#[test]
fn a_window_opens_again_when_its_time_is_over() {
    let limit = RateLimit { requests: 2, per_ms: 1000 };
    let start = Instant::now();
    let mut window = Window::default();
    let allowed = [0, 300, 600, 1000].map(|ms| window.take(limit, start + Duration::from_millis(ms)));
    assert_eq!(allowed.map(|it| it.allowed), [true, true, false, true]);
    assert_eq!(allowed.map(|it| it.remaining), [1, 0, 0, 1]);
    assert_eq!(allowed[2].reset, Duration::from_millis(400));
}
