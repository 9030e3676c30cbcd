//! What a draft says beside what was sent in its place: both without greeting, names and signature, so that they can be compared.
//!
//! Must never change a word: it only leaves out what stands around the matter.

use firstline_ticket::Ticket;

use crate::reply::{Endings, sentences};

/// What `draft` says and what `reply` says. A draft begins with a paragraph that greets and ends with `signature`; of the reply, names of
/// `ticket` and the desk's `endings` are left out too.
pub fn said_and_sent(
    draft: &str,
    signature: &str,
    reply: &str,
    ticket: &Ticket,
    endings: &Endings,
) -> [String; 2] {
    [said(draft, signature).join(" "), sentences(reply, ticket, endings).join(" ")]
}

/// The sentences of `draft` without its greeting and `signature`.
pub fn said(draft: &str, signature: &str) -> Vec<String> {
    let body = draft.strip_suffix(signature).unwrap_or(draft);
    let rest = body.split_once("\n\n").map_or(body, |(_, rest)| rest);
    sentences(rest, &Ticket::default(), &Endings::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r27_greeting_names_and_signature_are_left_out_in_any_language() {
        let ticket = Ticket {
            technician: Some("Mira Holm".to_owned()),
            contact: Some("Jonas Weber".to_owned()),
            ..Ticket::default()
        };
        for (draft, reply) in [
            (
                "Hello Jonas,\n\nPlease restart the spooler.\n\nYour service desk",
                "Hi Jonas,\nPlease restart the spooler.\nMira",
            ),
            (
                "Guten Tag Jonas,\n\nBitte starten Sie den Drucker neu.\n\nYour service desk",
                "Hallo Herr Weber,\n\nBitte starten Sie den Drucker neu.\n\nViele Grüße\nMira Holm",
            ),
            (
                "Bonjour Jonas,\n\nMerci de relancer la session.\n\nYour service desk",
                "Bonjour,\n\nMerci de relancer la session.\n\nCordialement\nMira",
            ),
        ] {
            let [said, sent] = said_and_sent(draft, "Your service desk", reply, &ticket, &Endings::default());
            assert_eq!(said, sent, "{reply}");
            assert!(said.ends_with('.') && !said.contains("Jonas"), "{said}");
        }
        let [said, sent] = said_and_sent("Hi,\n\nA.", "", "Hi,\nB.", &ticket, &Endings::default());
        assert_ne!(said, sent);
    }
}
