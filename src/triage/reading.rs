//! The part of a ticket that a decision and its draft read.
//!
//! Two tickets that agree in it are decided alike: a change of status, owner, labels or `last_updated` is no news. Must never leave
//! out what a decision reads.

use firstline_ticket::Ticket;

use crate::kind::is_read;
use crate::storm::ASSET_KEYS;

/// `ticket` with nothing but what is read of it: who wrote what, when, for whom, how it came in, and how its mail was sent.
pub fn what_is_read(ticket: &Ticket) -> Ticket {
    let Ticket { id, opened_at, subject, body, customer, contact, source, extra, .. } = ticket;
    let read = |key: &str| key == "language" || ASSET_KEYS.contains(&key) || is_read(key);
    let extra = extra.iter().filter(|(key, _)| read(key)).map(|(key, value)| (key.clone(), value.clone()));
    Ticket {
        id: id.clone(),
        opened_at: *opened_at,
        subject: subject.clone(),
        body: body.clone(),
        customer: customer.clone(),
        contact: contact.clone(),
        source: source.clone(),
        extra: extra.collect(),
        ..Ticket::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ticket(more: &serde_json::Value) -> Ticket {
        let mut ticket = json!({"id": "7", "subject": "VPN down", "customer": "Alder", "source": "email"});
        for (key, value) in more.as_object().unwrap() {
            ticket[key] = value.clone();
        }
        serde_json::from_value(ticket).unwrap()
    }

    #[test]
    fn status_owner_and_dates_of_change_are_no_news() {
        let before = what_is_read(&ticket(&json!({})));
        for small in [
            json!({"status": "In Progress", "last_updated": "2026-03-01T10:00:00Z"}),
            json!({"technician": "Dana Oak", "priority": "P2", "board": "Network", "type": "VPN"}),
            json!({"_info": {"lastUpdated": "2026-03-01"}, "Status_Name": "Neu", "sla": 3, "first_response_at": "2026-03-01T10:00:00Z"}),
            json!({"messages": [{"from": "technician", "text": "Looking at it.", "visible": true}]}),
        ] {
            assert_eq!(what_is_read(&ticket(&small)), before, "{small}");
        }
        for news in [
            json!({"subject": "VPN down again"}),
            json!({"body": "Since noon."}),
            json!({"customer": "Birch"}),
            json!({"contact": "Mia Stone"}),
            json!({"source": "monitoring"}),
            json!({"headers": {"Auto-Submitted": "auto-replied"}}),
            json!({"Auto-Submitted": "auto-replied"}),
            json!({"contact_email": "no-reply@alder.example"}),
            json!({"language": "de"}),
            json!({"hostname": "SRV-1"}),
        ] {
            assert_ne!(what_is_read(&ticket(&news)), before, "{news}");
        }
    }
}
