//! Times as Halo writes them: naive UTC when read, with `Z` and seven digits in what a POST replies, the year 1900 for none.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// How keys and times are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// In what a GET gives.
    Read,
    /// In what a POST replies.
    Written,
}

/// No date.
pub(super) const NONE: &str = "1900-01-01T00:00:00";

impl Spelling {
    /// A time.
    pub(super) fn time(self, at: Option<Timestamp>) -> String {
        match (self, at) {
            (_, None) => NONE.to_owned(),
            (Self::Read, Some(at)) => naive(at),
            (Self::Written, Some(at)) => at.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string(),
        }
    }
}

/// To the millisecond, without zeros at the end.
pub(super) fn naive(at: Timestamp) -> String {
    let text = whole(at).strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string();
    match text.split_once('.') {
        Some((whole, fraction)) => match fraction.trim_end_matches('0') {
            "" => whole.to_owned(),
            fraction => format!("{whole}.{fraction}"),
        },
        None => text,
    }
}

/// The millisecond that the table holds.
pub(super) fn whole(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

/// A time that a client wrote, with or without a zone: UTC where it says none.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let naive: DateTime = text.trim_end_matches(['Z', 'z']).parse().ok()?;
    Some(naive.to_zoned(TimeZone::UTC).ok()?.timestamp())
}
