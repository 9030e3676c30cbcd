//! What is known about a ticket beside its text, as categorical features.

use firstline_ticket::Ticket;
use jiff::tz::TimeZone;

/// The context of a ticket as `key=value` strings: customer, contact, source, hour of the week, and whether
/// it is a monitoring alert. Values are lower-cased and cut at 80 characters; absent ones give no feature.
///
/// The hour is taken in UTC: what matters to a head is that the same hour is the same feature.
pub fn context_features(ticket: &Ticket, is_alert: bool) -> Vec<String> {
    let mut features = Vec::new();
    for (key, value) in
        [("customer", &ticket.customer), ("contact", &ticket.contact), ("source", &ticket.source)]
    {
        if let Some(value) = value.as_deref().map(str::trim).filter(|v| !v.is_empty()) {
            let value: String = value.chars().take(80).flat_map(char::to_lowercase).collect();
            features.push(format!("{key}={value}"));
        }
    }
    if let Some(at) = ticket.opened_at {
        let at = at.to_zoned(TimeZone::UTC);
        let weekday = at.weekday().to_monday_zero_offset();
        features.push(format!("weekday={weekday}"));
        features.push(format!("hour={}", at.hour() / 3 * 3));
        let weekend = weekday >= 5;
        features.push(format!("weekend={weekend}"));
    }
    if is_alert {
        features.push("alert=true".into());
    }
    features
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_names_what_is_known_and_nothing_else() {
        assert!(context_features(&Ticket::default(), false).is_empty());
        let ticket = Ticket {
            customer: Some(" Acme ".into()),
            opened_at: Some("2026-03-03T08:14:00Z".parse().unwrap()),
            ..Ticket::default()
        };
        let got = context_features(&ticket, true);
        assert_eq!(got, ["customer=acme", "weekday=1", "hour=6", "weekend=false", "alert=true"]);
    }
}
