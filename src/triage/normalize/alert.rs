//! Monitoring alerts: told by shape and phrases, and rid of lines that say neither what nor where.
//!
//! Must never take a person's short list of "key: value" lines for an alert on its shape alone.

use super::lines::{Line, Page, key_value};
use super::removed::Kind;
use super::words::WORDS;

/// Lines at the start of a text that are looked at.
const MAX_LINES: usize = 60;

/// Whether a machine wrote the lines that are left: a subject as machines write it, or keys and values of an
/// alert beside a phrase of one.
pub(super) fn is_alert(page: &Page<'_>) -> bool {
    let lines: Vec<&Line> = page.live().take(MAX_LINES).map(|i| &page.lines[i]).collect();
    let Some(first) = lines.first() else { return false };
    let keys = lines.iter().filter(|l| has_alert_key(&l.folded)).count();
    let opens = WORDS.alert_openers.start(first.folded.trim_start_matches(['-', ' ', '=', '#']));
    let mostly_keys = keys * 2 >= lines.len();
    let phrase = || lines.iter().any(|l| WORDS.alert_phrases.within(&l.folded));
    (opens && (lines.len() <= 2 || keys >= 1)) || (mostly_keys && (keys >= 5 || (keys >= 3 && phrase())))
}

/// Marks the noise of an alert for cutting.
pub(super) fn mark_noise(page: &mut Page<'_>) {
    for line in 0..page.lines.len() {
        if page.lines[line].is_live() && is_noise(&page.lines[line].folded) {
            page.cut(line..line + 1, Kind::AlertNoise);
        }
    }
}

fn has_alert_key(folded: &str) -> bool {
    key_value(folded).is_some_and(|(key, value)| !value.is_empty() && WORDS.alert_keys.is(key))
}

fn is_noise(folded: &str) -> bool {
    let line = folded.trim_matches(|c: char| !c.is_alphanumeric() && c != '{');
    let value = match key_value(line) {
        Some((key, value)) if WORDS.alert_noise_keys.is(key) => {
            return value.is_empty() || is_link(value) || is_identifier(value) || is_time(value);
        }
        _ => line,
    };
    let leads_away = value.len() <= 120 && WORDS.alert_link_lines.start(value);
    leads_away || is_link(value) || is_guid(value) || is_time(value)
}

fn is_link(value: &str) -> bool {
    value.starts_with("http") && value.contains("://") && !value.contains(' ')
}

/// Hexadecimal digits and hyphens, as GUIDs and serial keys are.
fn is_identifier(value: &str) -> bool {
    let value = value.trim_matches(['{', '}', '#']);
    !value.is_empty() && value.bytes().all(|b| b.is_ascii_hexdigit() || b"-_".contains(&b))
}

fn is_guid(value: &str) -> bool {
    value.trim_matches(['{', '}']).len() >= 32 && is_identifier(value)
}

/// A point in time and nothing else: no words beyond those of calendars, and a clock time or a full date.
fn is_time(value: &str) -> bool {
    const WORDS: &[&str] = &[
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul",
        "aug", "sep", "oct", "nov", "dec", "utc", "gmt", "cet", "cest", "est", "edt", "pst", "pdt", "bst",
        "am", "pm", "at", "on", "t", "z", "uhr",
    ];
    let words = value.split(|c: char| !c.is_alphabetic()).filter(|w| !w.is_empty());
    let calendar = words
        .into_iter()
        .all(|w| WORDS.contains(&w) || WORDS[..19].iter().any(|m| w.len() > 3 && w.starts_with(m)));
    let numbers = value.split(|c: char| !c.is_ascii_digit()).filter(|n| !n.is_empty()).count();
    calendar && numbers >= 3 && value.contains([':', '/', '-']) && value.len() <= 60
}

#[cfg(test)]
mod tests {
    use super::super::text::Text;
    use super::*;

    fn alert(text: &str) -> bool {
        is_alert(&Page::new(&Text::new(text)))
    }

    #[test]
    fn machines_are_told_from_people() {
        for text in [
            "***** Nagios *****\nNotification Type: PROBLEM\nService: Disk C\nHost: SRV-01\nState: CRITICAL",
            "Problem: High CPU load on web01\nHost: web01\nSeverity: High",
            "[PRTG Network Monitor] Ping (SRV-01) Down",
            "Alert: device SRV-02 offline",
            "Device: PC-1\nSite: Acme\nAlert Type: disk\nMessage: C: 95 %",
        ] {
            assert!(alert(text), "{text}");
        }
        for text in [
            "Hi, I get an alert from Veeam every morning, can you look?",
            "Computer: PC-12\nProblem: Outlook does not start",
            "Device: laptop\nLocation: Leeds\nError: blue screen\nCan you help, it is my only one?",
            "The alert: line in the log worries me\nCan you look\nThanks",
        ] {
            assert!(!alert(text), "{text}");
        }
    }

    #[test]
    fn noise_is_told_from_what_and_where() {
        for line in [
            "view in portal",
            "https://rmm.example.com/alert/1",
            "link: https://x.example/a",
            "date/time: tue mar 12 04:00:01 utc 2024",
            "2024-03-12t04:00:01z",
            "uid: 3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        ] {
            assert!(is_noise(line), "{line}");
        }
        for line in [
            "host: srv-01",
            "address: 10.0.0.5",
            "10.0.0.5",
            "state: critical",
            "error: timeout after 10:00 minutes",
            "disk c: 95 % full",
        ] {
            assert!(!is_noise(line), "{line}");
        }
    }
}
