//! The key by which alerts of one storm are known.
//!
//! Must never give one key to alerts about two machines, nor any to what a person wrote.

use std::net::Ipv4Addr;

use firstline_ticket::{FiredRule, Ticket};
use sha2::{Digest, Sha256};

use crate::features::is_machine;

/// Of an alert's body, bytes that tell storms apart.
const TOLD: usize = 600;
/// Keys under which a PSA or a monitoring system may name the machine that an alert is about.
pub(crate) const ASSET_KEYS: [&str; 6] =
    ["asset", "configuration", "configuration_item", "device", "host", "hostname"];

/// What the alerts of one storm share: source, customer, type, machine, what they say but for numbers, and the rules that fire
/// on them. `None` for what a person wrote.
pub(crate) fn key(ticket: &Ticket, is_alert: bool, rules: &[FiredRule]) -> Option<String> {
    if !may_be_of_one(ticket, is_alert) {
        return None;
    }
    let plain = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().to_lowercase();
    let asset =
        ASSET_KEYS.iter().find_map(|key| ticket.extra_str(key)).unwrap_or_default().trim().to_lowercase();
    let body = plain(&ticket.body);
    let said = format!("{} {}", plain(&ticket.subject), &body[..body.floor_char_boundary(TOLD)]);
    let words: Vec<&str> = said
        .split(|c: char| !c.is_alphanumeric() && !"-_.".contains(c))
        .map(|w| w.trim_matches('.'))
        .filter(|w| tells(w))
        .collect();
    let rules: Vec<&str> = rules.iter().map(|rule| rule.name.as_str()).collect();
    let parts = [
        plain(&ticket.source),
        ticket.customer_key(),
        plain(&ticket.kind),
        asset,
        words.join(" "),
        rules.join(" "),
    ];
    let digest = Sha256::digest(parts.join("\0"));
    Some(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

/// Whether the ticket may be of a storm: no person wrote it.
pub(crate) fn may_be_of_one(ticket: &Ticket, is_alert: bool) -> bool {
    is_alert || is_machine(ticket)
}

/// Whether a word of an alert tells what it is about: "SRV-01" and "10.0.0.1" tell one machine from another; "92", a time or the
/// number of an event tell nothing.
fn tells(word: &str) -> bool {
    let has_digit = word.contains(|c: char| c.is_ascii_digit());
    if !has_digit {
        return word.contains(char::is_alphabetic);
    }
    let is_event = word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    word.parse::<Ipv4Addr>().is_ok() || (word.starts_with(char::is_alphabetic) && !is_event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_tell_alerts_apart_and_numbers_do_not() {
        for (word, telling) in [
            ("srv-01", true),
            ("srv01", true),
            ("10.0.0.1", true),
            ("disk", true),
            ("c", true),
            ("92", false),
            ("2026-11-26", false),
            ("44z", false),
            ("a83f99c0", false),
            ("", false),
            ("-", false),
        ] {
            assert_eq!(tells(word), telling, "{word}");
        }
    }
}
