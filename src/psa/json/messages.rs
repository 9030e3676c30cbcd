//! The conversation of a ticket as JSON has it: Firstline's own `messages`, and the comments of APIs.

use firstline_ticket::{Message, Ticket};
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{JsonTickets, TEXTS, json_fault, kind, single};
use crate::convert;
use crate::fault::Fault;

/// The keys under which a message has its text, best first.
const SAID: [&str; 7] = ["text", "plain_body", "body_text", "body", "html_body", "note", "content"];
/// The keys of a ticket's reporter, its owner and a message's author, in APIs that give them as numeric ids.
const REPORTERS: [&str; 2] = ["requester_id", "reporter"];
const OWNERS: [&str; 3] = ["assignee_id", "responder_id", "assignee"];
const AUTHORS: [&str; 3] = ["author_id", "user_id", "author"];

/// The people of a ticket, by their numbers.
#[derive(Debug, Default)]
pub(super) struct People {
    reporter: Option<String>,
    owner: Option<String>,
}

impl People {
    pub(super) fn of(object: &Map<String, Value>) -> Self {
        Self { reporter: person(object, &REPORTERS), owner: person(object, &OWNERS) }
    }

    /// Says who wrote the messages that do not say so themselves, as far as the numbers tell.
    pub(super) fn attribute(&self, ticket: &mut Ticket) {
        for message in ticket.messages.iter_mut().filter(|message| message.from.is_empty()) {
            let author = person(&message.extra, &AUTHORS);
            if author.is_some() && author == self.owner {
                "technician".clone_into(&mut message.from);
            } else if author.is_some() && author == self.reporter {
                "customer".clone_into(&mut message.from);
                message.visible = message.visible.or(Some(true));
            }
        }
    }
}

/// The number of the person under the first of `keys` that there is.
fn person(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    let value = keys.iter().find_map(|key| object.get(*key).filter(|value| !value.is_null()))?;
    single(value, &["accountId", "id", "name"])
        .map(std::borrow::Cow::into_owned)
        .filter(|text| !text.is_empty())
}

impl JsonTickets<'_> {
    /// The messages of a key that may hold some; `None` where it holds something else.
    pub(super) fn messages(&mut self, key: &str, value: &Value) -> Result<Option<Vec<Message>>, Fault> {
        let list = match value {
            Value::Null if key == "messages" => return Ok(Some(Vec::new())),
            Value::Array(list) => list,
            Value::Object(object) if key == "comment" => match object.get("comments") {
                Some(Value::Array(list)) => list,
                _ => return Ok(None),
            },
            other if key == "messages" => {
                return Err(json_fault(format!("messages: {} where an array was expected", kind(other))));
            }
            _ => return Ok(None),
        };
        let says = |item: &Value| {
            item.as_object().is_some_and(|item| SAID.iter().any(|key| item.contains_key(*key)))
        };
        if key != "messages" && !list.iter().all(says) {
            return Ok(None);
        }
        let mut messages = Vec::with_capacity(list.len());
        for (i, item) in list.iter().enumerate() {
            let message = self.message(item).map_err(|f| f.of(&format!("{key}[{i}]")))?;
            if message.text.trim().is_empty() {
                self.convert.told.empty_messages += 1;
            } else {
                messages.push(message);
            }
        }
        Ok(Some(messages))
    }

    fn message(&mut self, item: &Value) -> Result<Message, Fault> {
        let object = match item {
            Value::String(text) => {
                let text = self.without_nuls(text).into_owned();
                return Ok(Message { text, ..Message::default() });
            }
            Value::Object(object) => object,
            other => return Err(json_fault(format!("{} where an object was expected", kind(other)))),
        };
        let mut message = Message::default();
        let text = SAID.iter().find(|key| object.get(**key).is_some_and(|value| !value.is_null()));
        let at = ["at", "created_at", "created", "createDateTime", "dateCreated", "date"];
        let at = at.iter().find(|key| object.get(**key).is_some_and(Value::is_string));
        for (key, value) in object {
            let place = |f: Fault| f.of(key);
            match key.as_str() {
                _ if text.is_some_and(|text| text == key) => {
                    message.text = self.text(value).map_err(place)?;
                }
                "at" => message.at = self.date(value).map_err(place)?,
                _ if at.is_some_and(|at| at == key) => match self.date(value) {
                    Ok(at) => message.at = at,
                    Err(_) => drop(message.extra.insert(key.clone(), value.clone())),
                },
                "from" => message.from = self.text(value).map_err(place)?.trim().to_owned(),
                "visible" | "public" => message.visible = self.visible(value)?,
                "private" | "internal" => message.visible = self.visible(value)?.map(|hidden| !hidden),
                "incoming" if value == &Value::Bool(true) => "customer".clone_into(&mut message.from),
                "incoming" if value == &Value::Bool(false) => "technician".clone_into(&mut message.from),
                _ => drop(message.extra.insert(key.clone(), value.clone())),
            }
        }
        Ok(message)
    }

    /// Unknown counts as internal, so nothing is lost by leaving it out.
    fn visible(&mut self, value: &Value) -> Result<Option<bool>, Fault> {
        let flag = convert::flag(&self.text(value).map_err(|f| f.of("visible"))?);
        self.convert.told.not_flags += u64::from(flag.is_none() && !value.is_null());
        Ok(flag)
    }

    fn date(&mut self, value: &Value) -> Result<Option<Timestamp>, Fault> {
        let text = self.text(value)?;
        self.convert.dates.parse(&text)
    }

    fn text(&mut self, value: &Value) -> Result<String, Fault> {
        if value.is_null() {
            return Ok(String::new());
        }
        let text = single(value, &TEXTS)
            .ok_or_else(|| json_fault(format!("{} where a single value was expected", kind(value))))?;
        Ok(self.without_nuls(&text).into_owned())
    }
}
