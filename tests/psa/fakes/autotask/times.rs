//! Times as Autotask writes and reads them: UTC, up to three digits of a second.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// A time as it is shown: no zeros at the end of the fraction.
pub(super) fn shown(at: Timestamp) -> String {
    let whole = at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    match at.subsec_millisecond() {
        ms if ms <= 0 => format!("{whole}Z"),
        ms => {
            let digits = format!("{ms:03}");
            format!("{whole}.{}Z", digits.trim_end_matches('0'))
        }
    }
}

/// A time, or null.
pub(super) fn maybe(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, |at| json!(shown(at)))
}

/// Reads a time: with an offset, without one (UTC), or a bare date.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil = text
        .parse::<DateTime>()
        .ok()
        .or_else(|| Some(text.parse::<Date>().ok()?.to_datetime(Default::default())))?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
