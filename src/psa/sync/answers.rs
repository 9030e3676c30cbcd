//! What customers wrote after a reply that Firstline has sent, as the service takes it.
//!
//! Only the newest of them, cut to a bound. Must never send what a person of the desk wrote, nor a message of before the reply.

use firstline_ticket::{Message, own_mark};
use serde_json::{Value, json};

use crate::connector::Record;

/// Messages of a ticket that are sent.
const MOST: usize = 8;
/// Bytes of a message.
const MOST_TEXT: usize = 32 << 10;

/// The customer's messages since Firstline's newest reply.
pub(super) fn answers_of(record: &Record) -> Vec<Value> {
    let messages = &record.ticket.messages;
    let is_ours = |message: &Message| message.from != "customer" && own_mark(&message.text).is_some();
    let Some(last) = messages.iter().rposition(is_ours) else { return Vec::new() };
    let since = messages[last + 1..].iter().filter(|message| message.from == "customer");
    let answers: Vec<Value> = since.filter_map(|message| answer(record, message)).collect();
    answers[answers.len().saturating_sub(MOST)..].to_vec()
}

fn answer(record: &Record, message: &Message) -> Option<Value> {
    let text = |key: &str| message.extra.get(key).and_then(Value::as_str);
    let is = |key: &str| message.extra.get(key).and_then(Value::as_bool).unwrap_or(false);
    let end = message.text.floor_char_boundary(MOST_TEXT);
    Some(json!({
        "ticket_id": record.ticket.id,
        "customer": record.ticket.customer,
        "key": text("psa_key")?,
        "at": message.at?,
        "text": &message.text[..end],
        "sender": text("author"),
        "automatic": is("automatic"),
        // Nobody reads what was cut off: it counts as what is attached does.
        "attached": is("attached") || end < message.text.len(),
    }))
}

#[cfg(test)]
mod tests {
    use firstline_ticket::{Ticket, mark_own_note};
    use serde_json::json;

    use super::*;

    fn message(from: &str, text: &str, minute: i64) -> Message {
        let extra = json!({"psa_key": format!("note-{minute}"), "author": "Ada Byron"});
        Message {
            at: Some(jiff::Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()),
            from: from.to_owned(),
            text: text.to_owned(),
            visible: Some(true),
            extra: extra.as_object().unwrap().clone(),
        }
    }

    #[test]
    fn only_what_the_customer_wrote_after_our_newest_reply_is_sent() {
        let ours = mark_own_note("Please restart it.", 7);
        let ticket = Ticket {
            id: "42".to_owned(),
            customer: Some("Acme".to_owned()),
            messages: vec![
                message("customer", "Hello?", 1),
                message("technician", &ours, 2),
                // Quoted words of ours are not the writer's own.
                message("customer", &format!("It works now, thanks.\n\n> {ours}"), 3),
                message("technician", "Good to hear.", 4),
                message("customer", "And the printer?", 5),
            ],
            ..Ticket::default()
        };
        let mut record = Record { ticket, ..Record::default() };
        let sent = answers_of(&record);
        let keys: Vec<&str> = sent.iter().map(|one| one["key"].as_str().unwrap()).collect();
        assert_eq!(keys, ["note-3", "note-5"]);
        assert_eq!((&sent[0]["ticket_id"], &sent[0]["sender"]), (&json!("42"), &json!("Ada Byron")));
        record.ticket.messages.remove(1);
        assert!(answers_of(&record).is_empty(), "nothing of ours stands in it");
    }

    #[test]
    fn a_thread_of_thousands_and_a_long_message_are_cut() {
        let mut record = Record::default();
        record.ticket.messages = vec![message("technician", &mark_own_note("Done.", 7), 0)];
        record.ticket.messages.extend((1..2_000).map(|n| message("customer", &"é".repeat(40_000), n)));
        let sent = answers_of(&record);
        assert_eq!((sent.len(), sent[7]["key"].as_str()), (MOST, Some("note-1999")));
        assert!(sent[7]["text"].as_str().unwrap().len() <= MOST_TEXT);
        assert_eq!(sent[7]["attached"], true, "its end is not read");
    }
}
