//! JSON objects as tickets, more tolerant than the canonical form: numbers as ids, dates without a zone, flags in words, names as
//! objects (`"board": {"id": 1, "name": "Service"}`), keys by the names that headings go by, lists of tickets in envelopes.

mod messages;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use firstline_fault::Code;
use firstline_ticket::Ticket;
use serde_json::{Map, Number, Value};

use crate::aliases::{self, Meaning};
use crate::convert::{self, Convert, Given};
use crate::fault::Fault;
use crate::objects::LISTS;
use crate::options::{Mapping, Preset};
use crate::slot::Slot;
use crate::summary::ColumnUse;
use messages::People;

/// Keys beyond these are not listed in the summary.
const MAX_KEYS: usize = 1024;
/// The part of an object that names it, best first.
const NAMES: [&str; 9] =
    ["name", "display_value", "displayName", "display_name", "label", "title", "value", "channel", "email"];
/// The part of an object that is its text, best first.
const TEXTS: [&str; 9] =
    ["text", "plain_body", "body_text", "plain", "body", "html_body", "content", "html", "value"];
/// Ranks of the field's own name come after those of a preset's names, and before all others'.
const EXACT: usize = 900;
/// Envelopes within envelopes.
const ENVELOPES: usize = 4;
/// The deepest formatted text that is read.
const FORMATTED: usize = 40;

/// Reader of one file's objects.
pub(crate) struct JsonTickets<'a> {
    map: &'a [Mapping],
    preset: Option<Preset>,
    /// Whether the desk was looked for, by the first object's keys.
    looked: bool,
    convert: Convert,
    keys: BTreeMap<String, ColumnUse>,
    /// What keys that were met stand for.
    names: HashMap<String, Option<(Slot, usize)>>,
}

impl<'a> JsonTickets<'a> {
    pub(crate) fn new(map: &'a [Mapping], preset: Option<Preset>, convert: Convert) -> Self {
        Self { map, preset, looked: preset.is_some(), convert, keys: BTreeMap::new(), names: HashMap::new() }
    }

    /// What was converted, and what became of each key.
    pub(crate) fn finish(self) -> (Convert, Vec<ColumnUse>) {
        (self.convert, self.keys.into_values().collect())
    }

    /// Whether a date was read whose form has one reading.
    pub(crate) fn any_clear_date(&self) -> bool {
        self.convert.dates.any_clear()
    }

    /// Reads the tickets of one object that stands at `row`: itself, or those that it lists.
    pub(crate) fn read(&mut self, text: &str, row: u64) -> Vec<Result<Ticket, Fault>> {
        match serde_json::from_str::<Map<String, Value>>(text) {
            Ok(object) => expand(object, 0).into_iter().map(|object| self.ticket(object, row)).collect(),
            Err(e) => vec![Err(json_fault(format!("the line is no JSON object: {e}")))],
        }
    }

    /// A key is a field when it is mapped or has a name that the field goes by; all others pass through untouched.
    fn ticket(&mut self, object: Map<String, Value>, row: u64) -> Result<Ticket, Fault> {
        let object = flatten(object);
        if !self.looked {
            self.preset = aliases::detect(object.keys().map(String::as_str));
            self.looked = true;
        }
        let mut ticket = Ticket::default();
        for (slot, part) in self.parts(&object) {
            self.fill(&mut ticket, slot, &part, path(&object, &part))?;
        }
        let fields = self.fields(&object);
        let people = People::of(&object);
        for (key, value) in object {
            let slots: Vec<Slot> =
                fields.iter().filter(|(_, of)| *of == key).map(|(slot, _)| *slot).collect();
            let is_messages = slots.is_empty()
                && matches!(key.as_str(), "messages" | "comments" | "conversations" | "comment");
            let messages = if is_messages { self.messages(&key, &value)? } else { None };
            self.tell(&key, &slots, &value, messages.is_some());
            match messages {
                Some(messages) => ticket.messages.extend(messages),
                None if slots.is_empty() => convert::keep(&mut ticket, &key, value),
                None => {
                    for slot in slots {
                        self.fill(&mut ticket, slot, &key, Some(&value))?;
                    }
                }
            }
        }
        people.attribute(&mut ticket);
        self.convert.finish(&mut ticket, row);
        Ok(ticket)
    }

    /// The fields that are mapped to a part of an object, `board.name`.
    fn parts(&self, object: &Map<String, Value>) -> Vec<(Slot, String)> {
        let is_part = |m: &&Mapping| m.column.contains('.') && !object.contains_key(&m.column);
        self.map.iter().filter(is_part).map(|m| (m.slot, m.column.clone())).collect()
    }

    /// The key of each field: as mapped, else the best of those that go by its name and say something.
    fn fields(&mut self, object: &Map<String, Value>) -> Vec<(Slot, String)> {
        let mut fields: Vec<(Slot, String)> = self.map.iter().map(|m| (m.slot, m.column.clone())).collect();
        let mut offers: Vec<(Slot, usize, &String)> = Vec::new();
        for (key, value) in object {
            let is_mapped = self.map.iter().any(|m| m.column == *key);
            let Some((slot, rank)) = self.meaning(key).filter(|_| !is_mapped) else { continue };
            let says = !value.is_null() && value.as_str().is_none_or(|text| !text.trim().is_empty());
            if (says || slot.name() == key) && !self.map.iter().any(|m| m.slot == slot) {
                offers.push((slot, rank + if says { 0 } else { 10_000 }, key));
            }
        }
        offers.sort_unstable();
        offers.dedup_by_key(|(slot, ..)| *slot);
        fields.extend(offers.into_iter().map(|(slot, _, key)| (slot, key.clone())));
        fields
    }

    /// The field that a key stands for, and how good the name is.
    fn meaning(&mut self, key: &str) -> Option<(Slot, usize)> {
        if let Some(known) = self.names.get(key) {
            return *known;
        }
        let exact = Slot::ALL.iter().find(|slot| slot.name() == key).map(|slot| (*slot, EXACT));
        let named = match aliases::look_up(key, self.preset) {
            Some((Meaning::Field(slot), rank)) => Some((slot, rank)),
            _ => None,
        };
        let best = [exact, named].into_iter().flatten().min_by_key(|(_, rank)| *rank);
        if self.names.len() < MAX_KEYS {
            self.names.insert(key.to_owned(), best);
        }
        best
    }

    /// Notes what became of a key.
    fn tell(&mut self, key: &str, slots: &[Slot], value: &Value, messages: bool) {
        if self.keys.len() >= MAX_KEYS && !self.keys.contains_key(key) {
            return;
        }
        let told = self.keys.entry(key.to_owned()).or_insert_with(|| ColumnUse {
            column: key.to_owned(),
            extra: Some(key.to_owned()),
            ..ColumnUse::default()
        });
        let empty = match value {
            Value::Null => true,
            Value::String(text) => text.trim().is_empty(),
            Value::Array(list) => list.is_empty(),
            _ => false,
        };
        told.filled += u64::from(!empty);
        told.messages |= messages;
        for slot in slots {
            if !told.fields.contains(slot) {
                told.fields.push(*slot);
            }
        }
        if !told.fields.is_empty() || told.messages {
            told.extra = None;
        }
    }

    fn fill(
        &mut self,
        ticket: &mut Ticket,
        slot: Slot,
        key: &str,
        value: Option<&Value>,
    ) -> Result<(), Fault> {
        let Some(value) = value else { return Ok(()) };
        let is_text = matches!(slot, Slot::Subject | Slot::Body | Slot::Resolution);
        let Some(text) = single(value, if is_text { &TEXTS } else { &NAMES }) else {
            if matches!(slot, Slot::Id | Slot::Subject | Slot::Body) {
                return Err(json_fault(format!("{} where a text was expected", kind(value))).of(key));
            }
            self.convert.told.not_single += 1;
            convert::keep(ticket, key, value.clone());
            return Ok(());
        };
        let text = self.without_nuls(&text).into_owned();
        if slot == Slot::Id && matches!(value, Value::Number(n) if !is_exact(n)) {
            return Err(Fault::new(Code::TicketId, "the id is a fraction", "Write ids as strings").of(key));
        }
        let given = Given { column: key, text: &text, native: false };
        self.convert.fill(ticket, slot, given).map_err(|f| f.of(key))
    }

    fn without_nuls<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        if !text.contains('\0') {
            return Cow::Borrowed(text);
        }
        let kept = text.replace('\0', "");
        self.convert.told.nuls += (text.len() - kept.len()) as u64;
        Cow::Owned(kept)
    }
}

/// The object itself if it says what a ticket says; else the objects that it lists, or holds, under one of its keys.
fn expand(mut object: Map<String, Value>, level: usize) -> Vec<Map<String, Value>> {
    if level == ENVELOPES || object.contains_key("fields") || has_text(&object) {
        return vec![object];
    }
    let is_id = |(key, value): (&String, &Value)| !value.is_object() && is_named(key, &[Slot::Id]);
    let has_id = object.iter().any(is_id);
    let is_list = |(key, value): &(&String, &Value)| match value {
        Value::Array(list) if list.is_empty() => LISTS.contains(&key.as_str()),
        Value::Array(list) => list.iter().all(Value::is_object) && (!has_id || LISTS.contains(&key.as_str())),
        Value::Object(inner) => !has_id && holds_ticket(inner),
        _ => false,
    };
    let mut lists = object.iter().filter(is_list).map(|(key, _)| key.clone());
    let (Some(key), None) = (lists.next(), lists.next()) else { return vec![object] };
    let inner = match object.remove(&key) {
        Some(Value::Array(list)) => list,
        Some(value) => vec![value],
        None => Vec::new(),
    };
    let objects = inner.into_iter().filter_map(|value| match value {
        Value::Object(object) => Some(object),
        _ => None,
    });
    objects.flat_map(|object| expand(object, level + 1)).collect()
}

fn is_named(key: &str, slots: &[Slot]) -> bool {
    let meaning = aliases::look_up(key, None).map(|(meaning, _)| meaning);
    slots.iter().any(|slot| meaning == Some(Meaning::Field(*slot)))
}

/// Whether an object has a text of a ticket's.
fn has_text(object: &Map<String, Value>) -> bool {
    let plain = object.contains_key("subject") || object.contains_key("body");
    plain || object.keys().any(|key| is_named(key, &[Slot::Subject, Slot::Body]))
}

/// Whether an object may be a ticket or an envelope of tickets.
fn holds_ticket(object: &Map<String, Value>) -> bool {
    let is_list =
        |value: &Value| value.as_array().is_some_and(|list| list.first().is_some_and(Value::is_object));
    has_text(object) || object.values().any(is_list)
}

/// Puts the keys of `fields`, as Jira has them, beside the others.
fn flatten(mut object: Map<String, Value>) -> Map<String, Value> {
    let has_fields = object.get("fields").is_some_and(Value::is_object);
    if let Some(Value::Object(fields)) = has_fields.then(|| object.remove("fields")).flatten() {
        for (key, value) in fields {
            object.entry(key).or_insert(value);
        }
    }
    object
}

/// The part of `object` at `path`, `board.name`.
fn path<'o>(object: &'o Map<String, Value>, path: &str) -> Option<&'o Value> {
    let mut keys = path.split('.');
    let first = object.get(keys.next()?)?;
    keys.try_fold(first, |value, key| value.get(key))
}

/// The text of a value: itself, or the first of `parts` that an object has, empty for null. `None` where there is none.
fn single<'v>(value: &'v Value, parts: &[&str]) -> Option<Cow<'v, str>> {
    Some(match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(s) => Cow::Borrowed(s),
        Value::Bool(b) => Cow::Borrowed(if *b { "true" } else { "false" }),
        Value::Number(n) => Cow::Owned(number(n)),
        Value::Object(object) if object.get("type").is_some_and(|kind| kind == "doc") => {
            let mut text = String::new();
            formatted(value, &mut text, FORMATTED);
            Cow::Owned(text)
        }
        Value::Object(object) => {
            let scalar = |key: &&str| object.get(*key).filter(|v| v.is_string() || v.is_number());
            return single(parts.iter().find_map(scalar)?, &[]);
        }
        Value::Array(_) => return None,
    })
}

/// The text of formatted text, as Jira's API gives it, a paragraph a line.
fn formatted(value: &Value, text: &mut String, depth: usize) {
    if let Some(said) = value.get("text").and_then(Value::as_str) {
        text.push_str(said);
    }
    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
    if depth > 0
        && let Some(Value::Array(list)) = value.get("content")
    {
        list.iter().for_each(|part| formatted(part, text, depth - 1));
    }
    if matches!(kind, "paragraph" | "heading" | "hardBreak" | "codeBlock" | "listItem")
        && !text.ends_with('\n')
    {
        text.push('\n');
    }
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
    use crate::dates::Dates;
    use crate::told::Told;

    fn read_all(text: &str, map: &[&str]) -> (Vec<Result<Ticket, Fault>>, Told) {
        let map: Vec<Mapping> = map.iter().map(|m| m.parse().unwrap()).collect();
        let convert = Convert::new(Dates::new(None, None).unwrap(), false);
        let mut tickets = JsonTickets::new(&map, None, convert);
        let read = tickets.read(text, 1);
        (read, tickets.finish().0.told)
    }

    fn read(line: &str, map: &[&str]) -> Result<(Ticket, Told), Fault> {
        let (mut read, told) = read_all(line, map);
        assert_eq!(read.len(), 1, "{line}");
        read.remove(0).map(|ticket| (ticket, told))
    }

    #[test]
    fn loose_values_become_canonical() {
        let line = r#"{"id":17.0,"opened_at":"2016-02-29T06:58:00","subject":"a\u0000b","board":" ","type":3,
            "reopened":2,"escalated":"Tier 2","messages":["hi",{"text":"yo","visible":"no","n":1},{"text":""}],
            "zeta":{"k":[1]},"customer":null}"#;
        let (ticket, told) = read(line, &[]).unwrap();
        let expected = r#"{"id":"17","opened_at":"2016-02-29T06:58:00Z","subject":"ab","type":"3","reopened":true,"messages":[{"text":"hi"},{"text":"yo","visible":false,"n":1}],"escalated_2":"Tier 2","zeta":{"k":[1]}}"#;
        assert_eq!(serde_json::to_string(&ticket).unwrap(), expected);
        assert_eq!((told.not_flags, told.empty_messages, told.nuls), (1, 1, 1));
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
            (
                r#"{"id":"1","subject":"x","description":{"format":1}}"#,
                Code::TicketJson,
                "description: an object",
            ),
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
