//! How long each part of a ticket may be. What is stored, shown and decided is bounded in every field, known or not.

use firstline_fault::Code;
use firstline_ticket::{Field, Message, Ticket};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Longest id, name and label, in bytes.
const MOST_NAME: usize = 256;
/// Longest text: subject and body, or resolution and messages. Attachments are no text.
const MOST_TEXT: usize = 1 << 20;
/// Messages of a ticket.
const MOST_MESSAGES: usize = 200;
/// Bytes under keys that Firstline does not know, of the ticket and its messages together, keys and structure included.
const MOST_EXTRA: usize = 64 << 10;

/// Whether each part of a ticket is in its bounds; `place` is where it stands.
///
/// # Errors
/// A problem that names the first part that is too long.
pub(crate) fn check(place: &str, ticket: &Ticket) -> Result<(), Problem> {
    let name = |what: &str, value: Option<&str>| match value {
        Some(value) if value.len() > MOST_NAME => {
            let code = if matches!(what, "id" | "customer") { Code::TicketId } else { Code::Limit };
            let problem = format!("its {what} is longer than {MOST_NAME} bytes");
            Err(Problem::new(code, place, problem, "Send it as the PSA has it"))
        }
        _ => Ok(()),
    };
    name("id", Some(&ticket.id))?;
    name("customer", ticket.customer.as_deref())?;
    name("contact", ticket.contact.as_deref())?;
    name("source", ticket.source.as_deref())?;
    for field in Field::ALL {
        name(field.name(), ticket.label(field))?;
    }
    let too_much = |problem: String, next: &str| Err(Problem::new(Code::Limit, place, problem, next));
    let text = length(&ticket.subject) + length(&ticket.body);
    if text > MOST_TEXT {
        let problem = format!("its text is longer than {MOST_TEXT} bytes");
        return too_much(problem, "Send it without attachments");
    }
    if ticket.messages.len() > MOST_MESSAGES {
        let problem = format!("it has more than {MOST_MESSAGES} messages");
        return too_much(problem, "Send the newest ones");
    }
    ticket.messages.iter().try_for_each(|message| name("message's from", Some(&message.from)))?;
    let said: usize = ticket.messages.iter().map(|message| message.text.len()).sum();
    if said + length(&ticket.resolution) > MOST_TEXT {
        let problem = format!("its messages and resolution are longer than {MOST_TEXT} bytes");
        return too_much(problem, "Send the newest messages, without what they quote");
    }
    let extra = |message: &Message| size_of(&message.extra);
    if size_of(&ticket.extra) + ticket.messages.iter().map(extra).sum::<usize>() > MOST_EXTRA {
        let problem = format!("its other keys have more than {MOST_EXTRA} bytes");
        return too_much(problem, "Leave out the keys that Firstline does not know");
    }
    Ok(())
}

fn length(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
}

/// About as many bytes as it has in JSON.
fn size_of(map: &Map<String, Value>) -> usize {
    map.iter().map(|(key, value)| key.len() + 4 + size(value)).sum()
}

/// It goes no deeper than a body may.
fn size(value: &Value) -> usize {
    match value {
        Value::Object(map) => 2 + size_of(map),
        Value::Array(list) => 2 + list.iter().map(|value| 1 + size(value)).sum::<usize>(),
        Value::String(text) => 2 + text.len(),
        Value::Number(_) => 20,
        Value::Bool(_) | Value::Null => 5,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problem(change: &Value) -> &'static str {
        let mut ticket = json!({"id": "1", "subject": "Printer"});
        for (key, value) in change.as_object().unwrap() {
            ticket[key] = value.clone();
        }
        let ticket: Ticket = serde_json::from_value(ticket).unwrap();
        check("tickets[0]", &ticket).map_or_else(|problem| problem.code, |()| "")
    }

    #[test]
    fn every_field_has_a_bound() {
        let (long, text) = ("x".repeat(MOST_NAME + 1), "x".repeat(MOST_TEXT));
        for key in ["contact", "source", "board", "type", "subtype", "priority", "technician"] {
            assert_eq!(problem(&json!({key: long})), "E_LIMIT", "{key}");
        }
        for key in ["id", "customer"] {
            assert_eq!(problem(&json!({key: long})), "E_TICKET_ID", "{key}");
        }
        for change in [
            json!({"body": text}),
            json!({"resolution": format!("{text}x")}),
            json!({"messages": [{"text": text}, {"text": "x"}]}),
            json!({"messages": vec![json!({"text": "x"}); MOST_MESSAGES + 1]}),
            json!({"messages": [{"text": "x", "from": long}]}),
            json!({"messages": [{"text": "x", "blob": "x".repeat(MOST_EXTRA)}]}),
            json!({"unknown": "x".repeat(MOST_EXTRA)}),
            json!({"unknown": vec![1; MOST_EXTRA / 20]}),
            json!({"a": {"b": {"c": "x".repeat(MOST_EXTRA)}}}),
        ] {
            assert_eq!(problem(&change), "E_LIMIT", "{}", &change.to_string()[..40]);
        }
    }

    #[test]
    fn what_service_desks_send_is_in_bounds() {
        let message = json!({"text": "We restarted it. ".repeat(40), "from": "technician", "at": "2026-11-26T08:15:00Z", "visible": true});
        let custom: Map<String, Value> =
            (0..100).map(|n| (format!("custom_{n}"), json!("some value of the desk's"))).collect();
        for change in [
            json!({"body": "x".repeat(MOST_TEXT - 100)}),
            json!({"messages": vec![message; 100], "resolution": "Restarted.", "contact": "Ann Example"}),
            json!({"custom": custom, "split": "train"}),
            json!({"customer": "é".repeat(128), "opened_at": "2026-11-26T08:15:00Z"}),
        ] {
            assert_eq!(problem(&change), "");
        }
    }
}
