//! Whether the person whom a ticket names as its contact is the one who wrote it: an answer that nobody approves goes to that one only.
//!
//! Must never take somebody for the contact whom the mail's sender says to be another.

use firstline_ticket::Ticket;

use super::words::fold;

/// Keys under which tickets carry who sent the mail.
const WRITERS: [&str; 6] = ["from", "from_email", "from_address", "from_name", "sender", "sender_email"];
/// Keys under which they carry the contact's own addresses.
const CONTACTS: [&str; 4] = ["contact_email", "contact_mail", "requester_email", "email"];
/// Bytes of a name that are looked at.
const MOST: usize = 256;

/// Whether the ticket's contact wrote it, as far as it says: there is a contact, and no sender who is somebody else.
pub fn is_written_by_contact(ticket: &Ticket) -> bool {
    let contact = fold(head(ticket.contact.as_deref().unwrap_or_default()));
    // The part of a name that addresses have as well: most often the family name.
    let longest = contact.split_whitespace().max_by_key(|word| word.chars().count());
    let Some(longest) = longest.filter(|word| word.chars().count() > 1) else { return false };
    let own: Vec<String> =
        CONTACTS.iter().filter_map(|key| ticket.extra_str(key)).flat_map(addresses).collect();
    let is_contact = |writer: &str| {
        addresses(writer).iter().any(|address| own.contains(address)) || fold(head(writer)).contains(longest)
    };
    WRITERS
        .iter()
        .filter_map(|key| ticket.extra_str(key))
        .filter(|writer| !writer.trim().is_empty())
        .all(is_contact)
}

/// The beginning of a text, cut between characters.
fn head(text: &str) -> &str {
    let end = (0..=MOST.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// The mail addresses in a text, in lower case.
fn addresses(text: &str) -> Vec<String> {
    let text = head(text).to_lowercase();
    let words = text.split(|c: char| c.is_whitespace() || "<>()[],;\"".contains(c));
    words
        .filter(|word| word.contains('@'))
        .map(|word| word.trim_start_matches("mailto:").to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn written(contact: &str, more: &serde_json::Value) -> bool {
        let mut ticket = json!({"id": "1", "subject": "x", "contact": contact});
        if let (Some(ticket), Some(more)) = (ticket.as_object_mut(), more.as_object()) {
            ticket.extend(more.clone());
        }
        is_written_by_contact(&serde_json::from_value(ticket).unwrap())
    }

    #[test]
    fn the_contact_is_known_by_name_or_address() {
        assert!(written("Anna Lindqvist", &json!({})));
        assert!(written("Anna Lindqvist", &json!({"from": "Anna Lindqvist <anna@acme.example>"})));
        assert!(written("Lindqvist, Anna", &json!({"from_email": "a.lindqvist@acme.example"})));
        assert!(written(
            "Zoë Müller",
            &json!({"from": "zoe.mueller@acme.example", "contact_email": "ZOE.MUELLER@acme.example"})
        ));
        assert!(written("José García", &json!({"sender": "JOSE GARCIA <ventas@acme.example>"})));
    }

    #[test]
    fn somebody_else_is_not_the_contact() {
        assert!(!written("Anna Lindqvist", &json!({"from": "Anna Berg <anna.berg@acme.example>"})));
        assert!(!written(
            "Anna Lindqvist",
            &json!({"from": "Anna Lindqvist <a@b.example>", "sender": "assistant@acme.example"})
        ));
        assert!(!written("", &json!({"from": "anna@acme.example"})));
        assert!(!written("?", &json!({})));
    }
}
