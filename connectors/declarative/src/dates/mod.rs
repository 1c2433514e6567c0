//! Times in the formats that manifests name (stop-gap).
use jiff::{SignedDuration, Span, Timestamp, fmt::strtime, tz::TimeZone};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Time { micros: i64, offset_s: i32 }
impl Time {
    pub fn new(microseconds: i64, offset_s: i32) -> Self { Self { micros: microseconds, offset_s } }
    pub fn microseconds(&self) -> i64 { self.micros }
    pub fn offset_s(&self) -> i32 { self.offset_s }
    fn stamp(&self) -> Option<Timestamp> { Timestamp::from_microsecond(self.micros).ok() }
    pub fn checked_add(&self, d: &Duration) -> Option<Self> {
        Some(Self { micros: self.stamp()?.to_zoned(TimeZone::UTC).checked_add(d.0).ok()?.timestamp().as_microsecond(), offset_s: self.offset_s })
    }
    pub fn checked_sub(&self, d: &Duration) -> Option<Self> {
        Some(Self { micros: self.stamp()?.to_zoned(TimeZone::UTC).checked_sub(d.0).ok()?.timestamp().as_microsecond(), offset_s: self.offset_s })
    }
}
#[derive(Debug, Clone)]
pub struct Duration(Span);
impl Duration {
    pub fn parse(text: &str) -> Option<Self> { text.parse().ok().map(Self) }
    pub fn seconds(s: i64) -> Self { Self(Span::new().seconds(s)) }
    pub fn fixed_microseconds(&self) -> Option<i64> {
        let d = SignedDuration::try_from(self.0).ok().or_else(|| self.0.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).ok())?;
        i64::try_from(d.as_micros()).ok()
    }
}
pub fn parse(text: &str, format: &str) -> Option<Time> {
    let count = || text.trim().parse::<i64>().ok();
    let at = |t: Timestamp| Time::new(t.as_microsecond(), 0);
    match format {
        "%s" => return Timestamp::from_second(count()?).ok().map(at),
        "%ms" => return Timestamp::from_millisecond(count()?).ok().map(at),
        "%epoch_microseconds" => return Timestamp::from_microsecond(count()?).ok().map(at),
        _ => {}
    }
    let broken = strtime::parse(format, text).ok()?;
    if let Some(offset) = broken.offset() {
        return broken.to_timestamp().ok().map(|t| Time::new(t.as_microsecond(), offset.seconds()));
    }
    let date = broken.to_date().ok()?;
    let time = broken.to_time().unwrap_or(jiff::civil::Time::midnight());
    date.to_datetime(time).to_zoned(TimeZone::UTC).ok().map(|zoned| at(zoned.timestamp()))
}
pub fn format(time: Time, format: &str) -> String {
    let Some(stamp) = time.stamp() else { return String::new() };
    match format {
        "%s" => stamp.as_second().to_string(),
        "%ms" => stamp.as_millisecond().to_string(),
        "%epoch_microseconds" => stamp.as_microsecond().to_string(),
        _ => {
            let format = format.replace("%f", "%6f");
            let tz = jiff::tz::Offset::from_seconds(time.offset_s).map(TimeZone::fixed).unwrap_or(TimeZone::UTC);
            strtime::format(&format, &stamp.to_zoned(tz)).unwrap_or_else(|_| stamp.to_string())
        }
    }
}
