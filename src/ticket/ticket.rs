//! A service-desk ticket in Firstline's canonical form, one JSON object a line.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Field;
use firstline_fault::{Code, Result, UserError};

/// One ticket. Everything is optional but `id` and one of `subject` and `body`; keys this type does not
/// know are kept in [`Ticket::extra`] and written back as they came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ticket {
    /// The ticket's identity in the PSA; unique within one history.
    pub id: String,
    /// When the ticket was opened (UTC instant, RFC 3339 on the wire).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// Subject line, as received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// First message, as received: plain text or HTML mail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// Client company of the MSP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
    /// Person at the customer who wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// How the ticket came in: email, phone, portal, monitoring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Board (ConnectWise), queue (Autotask), team (HaloPSA).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub board: Option<String>,
    /// Type, issue type, ticket type.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Subtype, sub-issue type, category.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtype: Option<String>,
    /// Priority label as the PSA spells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    /// Who finally owned the ticket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technician: Option<String>,
    /// First response to the customer (UTC instant).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_response_at: Option<Timestamp>,
    /// When the ticket was resolved (UTC instant).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// Whether it was opened again after it had been resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reopened: Option<bool>,
    /// Whether it went to a higher tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated: Option<bool>,
    /// How it was resolved, in the technician's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// The conversation after the first message, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Keys this version does not know, passed through untouched.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One message of a ticket's conversation.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// When it was written (UTC instant).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// `customer`, `technician` or `system`; empty where the source does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The text, plain or HTML.
    pub text: String,
    /// Whether the customer could see it; absent means unknown, which is treated as internal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible: Option<bool>,
    /// Keys this version does not know, passed through untouched.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// The name of a customer as all its spellings share it: in lower case, blanks as one.
pub fn customer_key(name: &str) -> String {
    name.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

impl Ticket {
    /// [`customer_key`] of the ticket's customer; empty where nobody knows whose it is.
    pub fn customer_key(&self) -> String {
        customer_key(self.customer.as_deref().unwrap_or_default())
    }

    /// The value of one label field, trimmed; `None` when absent or blank.
    pub fn label(&self, field: Field) -> Option<&str> {
        let value = match field {
            Field::Board => &self.board,
            Field::Type => &self.kind,
            Field::Subtype => &self.subtype,
            Field::Priority => &self.priority,
            Field::Technician => &self.technician,
        };
        value.as_deref().map(str::trim).filter(|v| !v.is_empty())
    }

    /// Sets the label of `field`.
    pub fn set_label(&mut self, field: Field, label: String) {
        *match field {
            Field::Board => &mut self.board,
            Field::Type => &mut self.kind,
            Field::Subtype => &mut self.subtype,
            Field::Priority => &mut self.priority,
            Field::Technician => &mut self.technician,
        } = Some(label);
    }

    /// A string under a key this type does not know, such as `split` or `language`.
    pub fn extra_str(&self, key: &str) -> Option<&str> {
        self.extra.get(key).and_then(Value::as_str)
    }

    /// Checks what every room relies on: an `id`, and a subject or a body that is not blank.
    ///
    /// # Errors
    /// [`Code::TicketId`] or [`Code::TicketText`]; the place is left to the caller, who knows the row.
    pub fn check(&self, place: &str) -> Result<()> {
        if self.id.trim().is_empty() {
            return Err(UserError::new(
                Code::TicketId,
                place,
                "the ticket has no id",
                "Give each ticket a unique \"id\"",
            )
            .into());
        }
        let blank = |s: &Option<String>| s.as_deref().is_none_or(|s| s.trim().is_empty());
        if blank(&self.subject) && blank(&self.body) {
            let problem = "the ticket has neither subject nor body";
            return Err(UserError::new(
                Code::TicketText,
                place,
                problem,
                "Give it a \"subject\" or a \"body\"",
            )
            .into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_keys_pass_through_in_order() {
        let line = r#"{"id":"7","subject":"VPN down","type":"Network","zeta":1,"alpha":{"k":[true]}}"#;
        let ticket: Ticket = serde_json::from_str(line).unwrap();
        assert_eq!(ticket.label(Field::Type), Some("Network"));
        assert_eq!(serde_json::to_string(&ticket).unwrap(), line);
    }

    #[test]
    fn a_ticket_needs_an_id_and_some_text() {
        let bad = |t: Ticket| match t.check("line 1") {
            Err(firstline_fault::Error::User(e)) => e.code,
            other => panic!("expected a user error, got {other:?}"),
        };
        assert_eq!(bad(Ticket { subject: Some("x".into()), ..Ticket::default() }), Code::TicketId);
        assert_eq!(
            bad(Ticket { id: "1".into(), body: Some(" \n".into()), ..Ticket::default() }),
            Code::TicketText
        );
    }
}
