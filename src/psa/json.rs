//! One JSON object as a ticket, more tolerant than the canonical form: numbers as ids, dates without a
//! zone, flags in words.

use std::borrow::Cow;

use firstline_fault::Code;
use firstline_ticket::{Message, Ticket};
use jiff::Timestamp;
use serde_json::{Map, Number, Value};

use crate::convert::{self, Filled};
use crate::dates::Dates;
use crate::fault::Fault;
use crate::options::Mapping;
use crate::slot::Slot;

/// What one line told beside its ticket.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// Flags that were neither yes nor no and passed through.
    pub(crate) not_flags: u64,
    /// Messages without text, left out.
    pub(crate) empty_messages: u64,
    /// NUL characters left out of fields.
    pub(crate) nuls: u64,
}

/// Reader of one file's objects.
pub(crate) struct Objects<'a> {
    map: &'a [Mapping],
    dates: &'a mut Dates,
    told: Told,
}

impl<'a> Objects<'a> {
    pub(crate) fn new(map: &'a [Mapping], dates: &'a mut Dates) -> Self {
        Self { map, dates, told: Told::default() }
    }

    /// Reads one line. A key is a field when it is mapped or has the field's exact name; all others pass
    /// through untouched.
    ///
    /// # Errors
    /// [`Code::TicketJson`] and the faults of single values.
    pub(crate) fn read(mut self, line: &str) -> Result<(Ticket, Told), Fault> {
        let object: Map<String, Value> =
            serde_json::from_str(line).map_err(|e| json_fault(format!("the line is no JSON object: {e}")))?;
        let mut ticket = Ticket::default();
        for (key, value) in object {
            let slots = self.slots_of(&key);
            if slots.is_empty() && key == "messages" {
                ticket.messages = self.messages(value)?;
            } else if slots.is_empty() {
                convert::keep(&mut ticket, &key, value);
            } else {
                for slot in slots {
                    self.fill(&mut ticket, slot, &key, &value).map_err(|f| f.of(&key))?;
                }
            }
        }
        Ok((ticket, self.told))
    }

    fn slots_of(&self, key: &str) -> Vec<Slot> {
        let mapped: Vec<Slot> = self.map.iter().filter(|m| m.column == key).map(|m| m.slot).collect();
        if !mapped.is_empty() {
            return mapped;
        }
        let free = |slot: &&Slot| slot.name() == key && !self.map.iter().any(|m| m.slot == **slot);
        Slot::ALL.iter().find(free).copied().into_iter().collect()
    }

    fn fill(&mut self, ticket: &mut Ticket, slot: Slot, key: &str, value: &Value) -> Result<(), Fault> {
        let Some(text) = scalar(value)? else { return Ok(()) };
        let text = self.without_nuls(&text);
        if slot == Slot::Id && matches!(value, Value::Number(n) if !is_exact(n)) {
            return Err(Fault::new(Code::TicketId, "the id is a fraction", "Write ids as strings"));
        }
        if convert::fill(ticket, slot, &text, self.dates)? == Filled::NotAFlag {
            self.told.not_flags += 1;
            convert::keep(ticket, key, value.clone());
        }
        Ok(())
    }

    fn without_nuls<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !text.contains('\0') {
            return Cow::Borrowed(text);
        }
        let kept = text.replace('\0', "");
        self.told.nuls += (text.len() - kept.len()) as u64;
        Cow::Owned(kept)
    }

    fn messages(&mut self, value: Value) -> Result<Vec<Message>, Fault> {
        let list = match value {
            Value::Null => return Ok(Vec::new()),
            Value::Array(list) => list,
            other => {
                let problem = format!("messages: {} where an array was expected", kind(&other));
                return Err(json_fault(problem));
            }
        };
        let mut messages = Vec::with_capacity(list.len());
        for (i, item) in list.into_iter().enumerate() {
            let message = self.message(item).map_err(|f| f.of(&format!("messages[{i}]")))?;
            if message.text.trim().is_empty() {
                self.told.empty_messages += 1;
            } else {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    fn message(&mut self, item: Value) -> Result<Message, Fault> {
        let object = match item {
            Value::String(text) => {
                let text = self.without_nuls(&text).into_owned();
                return Ok(Message { text, ..Message::default() });
            }
            Value::Object(object) => object,
            other => return Err(json_fault(format!("{} where an object was expected", kind(&other)))),
        };
        let mut message = Message::default();
        for (key, value) in object {
            match key.as_str() {
                "at" => message.at = self.date(&value).map_err(|f| f.of("at"))?,
                "from" => message.from = self.text(&value).map_err(|f| f.of("from"))?.trim().to_owned(),
                "text" => message.text = self.text(&value).map_err(|f| f.of("text"))?,
                "visible" => match convert::flag(&self.text(&value).map_err(|f| f.of("visible"))?) {
                    Some(visible) => message.visible = Some(visible),
                    // Unknown counts as internal, so nothing is lost by leaving it out.
                    None => self.told.not_flags += u64::from(!value.is_null()),
                },
                _ => {
                    message.extra.insert(key, value);
                }
            }
        }
        Ok(message)
    }

    fn date(&mut self, value: &Value) -> Result<Option<Timestamp>, Fault> {
        let text = self.text(value)?;
        self.dates.parse(&text)
    }

    fn text(&mut self, value: &Value) -> Result<String, Fault> {
        let text = scalar(value)?.unwrap_or_default();
        Ok(self.without_nuls(&text).into_owned())
    }
}

/// The text of a single value, `None` for null.
fn scalar(value: &Value) -> Result<Option<Cow<'_, str>>, Fault> {
    Ok(Some(match value {
        Value::Null => return Ok(None),
        Value::String(s) => Cow::Borrowed(s),
        Value::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
        Value::Number(n) => Cow::Owned(number(n)),
        other => return Err(json_fault(format!("{} where a single value was expected", kind(other)))),
    }))
}

/// Whole numbers without a fraction part, so that 17.0 is the ticket 17.
fn number(n: &Number) -> String {
    match n.as_f64() {
        Some(f) if !n.is_i64() && !n.is_u64() && is_exact(n) => format!("{f:.0}"),
        _ => n.to_string(),
    }
}

/// Whether a number has one spelling as an id: an integer, or a float that equals one exactly.
fn is_exact(n: &Number) -> bool {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    n.is_i64() || n.is_u64() || n.as_f64().is_some_and(|f| f.fract() == 0.0 && f.abs() < EXACT)
}

fn json_fault(problem: String) -> Fault {
    Fault::new(Code::TicketJson, problem, "Write one JSON object of the canonical form a line")
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, map: &[&str]) -> Result<(Ticket, Told), Fault> {
        let map: Vec<Mapping> = map.iter().map(|m| m.parse().unwrap()).collect();
        let mut dates = Dates::new(None, None).unwrap();
        Objects::new(&map, &mut dates).read(line)
    }

    #[test]
    fn loose_values_become_canonical() {
        let line = r#"{"id":17.0,"opened_at":"2016-02-29T06:58:00","subject":"a\u0000b","board":" ","type":3,
            "reopened":2,"escalated":"Tier 2","messages":["hi",{"text":"yo","visible":"no","n":1},{"text":""}],
            "zeta":{"k":[1]},"customer":null}"#;
        let (ticket, told) = read(line, &[]).unwrap();
        let expected = r#"{"id":"17","opened_at":"2016-02-29T06:58:00Z","subject":"ab","type":"3","reopened":true,"messages":[{"text":"hi"},{"text":"yo","visible":false,"n":1}],"escalated_2":"Tier 2","zeta":{"k":[1]}}"#;
        assert_eq!(serde_json::to_string(&ticket).unwrap(), expected);
        assert_eq!(told, Told { not_flags: 1, empty_messages: 1, nuls: 1 });
    }

    #[test]
    fn a_mapped_key_wins_and_the_exact_name_passes_through() {
        let (ticket, _) =
            read(r#"{"id":"1","subject":"code 7","summary":"VPN"}"#, &["subject=summary"]).unwrap();
        assert_eq!(ticket.subject.as_deref(), Some("VPN"));
        assert_eq!(ticket.extra_str("subject_2"), Some("code 7"));
    }

    #[test]
    fn what_is_no_ticket_is_named() {
        for (line, code, part) in [
            ("[1]", Code::TicketJson, "no JSON object"),
            ("{\"id\":", Code::TicketJson, "no JSON object"),
            (r#"{"id":"1","subject":["x"]}"#, Code::TicketJson, "subject: an array"),
            (r#"{"id":"1","subject":"x","opened_at":"1/2/2026"}"#, Code::Date, "opened_at: "),
            (r#"{"id":"1","subject":"x","messages":[{"at":"soon"}]}"#, Code::Date, "messages[0]: at: "),
            (r#"{"id":1.5,"subject":"x"}"#, Code::TicketId, "id: the id is a fraction"),
        ] {
            let fault = read(line, &[]).unwrap_err();
            assert_eq!(fault.code, code, "{line}");
            assert!(fault.reason().contains(part), "{}", fault.reason());
        }
        let deep = format!("{{\"id\":\"1\",\"x\":{}", "[".repeat(100_000));
        assert_eq!(read(&deep, &[]).unwrap_err().code, Code::TicketJson);
    }
}
