//! What an export says of a ticket, as facts.
//!
//! Must never guess: what an export does not say is not known, and a key of another form than it should have is refused by name.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use firstline_ticket::{ActorKind, Event, Field, Happening, Kind, Message, Ticket};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::TicketFacts;

/// Sources under which a technician writes down what a caller says.
const PHONE: [&str; 10] = [
    "phone",
    "telephone",
    "phone call",
    "call",
    "telefon",
    "téléphone",
    "teléfono",
    "telefone",
    "telefono",
    "telefoon",
];

impl TicketFacts {
    /// The facts of `ticket`, which `kind` wrote; `None` where nobody knows when it was opened. `place` names it in errors.
    ///
    /// Beside the fields of every ticket these keys are read: `handle_seconds`, `merged_into`, `project`, `deleted`,
    /// `opened_by_technician`, `outcome_reported_at`, `sla_credit_at`, `initial_labels` (by field, before any person touched it) and
    /// `events`, a list of [`Event`]s. Where there are `events`, all that happened is taken to be among them, unless `history_known`
    /// says that it is not. Messages without a time or an author are left out, and one is visible to the customer only where the export says so. A message is automatic where its
    /// key `automatic` or its `Auto-Submitted` header (RFC 3834) says so. A message whose `psa_key` is that of a reported event is that
    /// event.
    ///
    /// # Errors
    /// [`Code::TicketJson`] when one of these keys is of another form.
    pub fn of_ticket(ticket: &Ticket, kind: Kind, place: &str) -> Result<Option<Self>> {
        let Some(opened_at) = ticket.opened_at else { return Ok(None) };
        let extra = Extra { ticket, place };
        let reported: Option<Vec<Event>> = extra.read("events")?;
        let history_known = extra.flag("history_known")? != Some(false) && reported.is_some();
        let messages = ticket.messages.iter().enumerate().filter_map(|(i, message)| event(i, message));
        let events = joined(reported.unwrap_or_default(), messages);
        let labels =
            Field::ALL.into_iter().filter_map(|field| Some((field, ticket.label(field)?.to_owned())));
        let source = ticket.source.as_deref().map(|source| source.trim().to_lowercase());
        let by_phone = source.is_some_and(|source| PHONE.contains(&source.as_str()));
        Ok(Some(Self {
            id: ticket.id.clone(),
            customer: ticket.customer.as_deref().unwrap_or_default().trim().to_owned(),
            contact: ticket.contact.clone(),
            source: ticket.source.clone(),
            kind,
            opened_at,
            opened_by_technician: extra.flag("opened_by_technician")?.unwrap_or(by_phone),
            resolved_at: ticket.resolved_at,
            outcome_reported_at: extra.read("outcome_reported_at")?,
            sla_credit_at: extra.read("sla_credit_at")?,
            response_stamp: ticket.first_response_at,
            initial: extra.read::<BTreeMap<Field, String>>("initial_labels")?,
            labels: labels.collect(),
            escalated: ticket.escalated,
            reopened: ticket.reopened,
            handle_seconds: extra.seconds("handle_seconds")?,
            merged_into: extra.text("merged_into")?,
            project: extra.flag("project")?.unwrap_or(false),
            deleted: extra.flag("deleted")?.unwrap_or(false),
            history_known,
            events,
            ..Self::default()
        }))
    }
}

fn event(i: usize, message: &Message) -> Option<Event> {
    let actor_kind = match message.from.as_str() {
        "technician" => ActorKind::Technician,
        "customer" => ActorKind::Customer,
        "system" => ActorKind::System,
        _ => return None,
    };
    let what = Happening::Message {
        visible: message.visible == Some(true),
        automatic: is_automatic(&message.extra),
        text_key: None,
    };
    let psa_key = match message.extra.get("psa_key") {
        Some(Value::String(key)) if !key.is_empty() => key.clone(),
        Some(Value::Number(key)) => key.to_string(),
        _ => format!("message {i}"),
    };
    Some(Event { psa_key, at: message.at?, actor: None, actor_kind, what })
}

/// `reported` with `messages`; one that is in both counts once, and is automatic or a machine's where either says so.
fn joined(mut reported: Vec<Event>, messages: impl Iterator<Item = Event>) -> Vec<Event> {
    let is_message = |event: &Event| matches!(event.what, Happening::Message { .. });
    let places = reported.iter().enumerate().filter(|(_, event)| is_message(event));
    let places: BTreeMap<String, usize> = places.map(|(i, event)| (event.psa_key.clone(), i)).collect();
    for message in messages {
        let Some(&i) = places.get(&message.psa_key) else {
            reported.push(message);
            continue;
        };
        let told = &mut reported[i];
        if let (Happening::Message { automatic, .. }, Happening::Message { automatic: true, .. }) =
            (&mut told.what, &message.what)
        {
            *automatic = true;
        }
        if message.actor_kind == ActorKind::System {
            told.actor_kind = ActorKind::System;
        }
    }
    reported
}

/// The header that a program sets on mail that nobody wrote (RFC 3834).
const AUTO_SUBMITTED: &str = "auto-submitted";

/// Whether the keys of a message say that nobody wrote it.
fn is_automatic(keys: &Map<String, Value>) -> bool {
    let headers = ["headers", "internetMessageHeaders"].iter().find_map(|key| keys.get(*key));
    let lines =
        |text: &str| text.lines().any(|line| line.split_once(':').is_some_and(|(n, v)| submitted(n, v)));
    let within = headers.is_some_and(|headers| match headers {
        Value::Object(map) => {
            map.iter().any(|(name, value)| value.as_str().is_some_and(|v| submitted(name, v)))
        }
        Value::Array(all) => all.iter().any(|one| match one {
            Value::String(line) => lines(line),
            one => {
                submitted(one["name"].as_str().unwrap_or_default(), one["value"].as_str().unwrap_or_default())
            }
        }),
        Value::String(text) => lines(text),
        _ => false,
    });
    let bare = || keys.iter().any(|(name, value)| value.as_str().is_some_and(|value| submitted(name, value)));
    keys.get("automatic") == Some(&Value::Bool(true)) || within || bare()
}

/// Whether a header says that its message was not written by a person: it is there, and not `no`.
fn submitted(name: &str, value: &str) -> bool {
    let value = value.split(';').next().unwrap_or_default().trim();
    let name = name.trim().replace('_', "-");
    name.eq_ignore_ascii_case(AUTO_SUBMITTED) && !value.is_empty() && !value.eq_ignore_ascii_case("no")
}

/// The keys of a ticket that its type does not know.
struct Extra<'a> {
    ticket: &'a Ticket,
    place: &'a str,
}

impl Extra<'_> {
    fn value(&self, key: &str) -> Option<&Value> {
        self.ticket.extra.get(key).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    fn fault(&self, key: &str, wanted: &str) -> UserError {
        let next = format!("Give {wanted}, or leave the key out");
        UserError::new(Code::TicketJson, self.place, format!("{key:?} has another form than it should"), next)
    }

    fn read<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let wanted = match key {
            "events" => "a list of events, each with psa_key, at, actor_kind and event",
            "outcome_reported_at" | "sla_credit_at" => "a time such as 2026-11-30T08:00:00Z",
            _ => "an object of labels by field",
        };
        match T::deserialize(value) {
            Ok(read) => Ok(Some(read)),
            Err(problem) => {
                Err(UserError { problem: format!("{key:?}: {problem}"), ..self.fault(key, wanted) }.into())
            }
        }
    }

    fn flag(&self, key: &str) -> Result<Option<bool>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(Value::String(word)) if ["true", "yes"].contains(&word.to_lowercase().as_str()) => {
                Ok(Some(true))
            }
            Some(Value::String(word)) if ["false", "no"].contains(&word.to_lowercase().as_str()) => {
                Ok(Some(false))
            }
            Some(_) => Err(self.fault(key, "true or false").into()),
        }
    }

    fn seconds(&self, key: &str) -> Result<Option<f64>> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
        match seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0) {
            Some(seconds) => Ok(Some(seconds)),
            None => Err(self.fault(key, "seconds, 0 or more").into()),
        }
    }

    fn text(&self, key: &str) -> Result<Option<String>> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(id)) => Ok(Some(id.to_string())),
            Some(_) => Err(self.fault(key, "the id of a ticket").into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn read(line: &str) -> Result<Option<TicketFacts>> {
        TicketFacts::of_ticket(&serde_json::from_str(line).unwrap(), Kind::Person, "t.jsonl, line 1")
    }

    #[test]
    fn r1_what_an_export_does_not_say_is_not_known() {
        let bare = read(r#"{"id":"1","subject":"x","opened_at":"2026-11-02T08:00:00Z"}"#).unwrap().unwrap();
        assert_eq!(
            (bare.escalated, bare.reopened, bare.handle_seconds, bare.initial.clone()),
            (None, None, None, None)
        );
        assert!(!bare.history_known && bare.events.is_empty() && !bare.opened_by_technician);
        assert_eq!(bare.initial_label(Field::Board), None);
        assert_eq!(read(r#"{"id":"1","subject":"x","resolved_at":"2026-11-02T08:00:00Z"}"#).unwrap(), None);
    }

    #[test]
    fn r1_what_an_export_says_is_taken_over() {
        let line = r#"{"id":"1","subject":"x","opened_at":"2026-11-02T08:00:00Z","source":"Phone ","board":" Network ","type":"",
            "messages":[{"at":"2026-11-02T09:00:00Z","from":"technician","text":"a","visible":true},
                {"at":"2026-11-02T09:00:00Z","from":"technician","text":"b"},{"from":"customer","text":"c"},
                {"at":"2026-11-02T09:00:00Z","from":"","text":"d","visible":true}],
            "handle_seconds":"900","merged_into":17,"project":"no","deleted":false,"initial_labels":{"board":"Inbox"},
            "events":[{"psa_key":"7","at":"2026-11-02T10:00:00Z","actor_kind":"technician","event":"time_entry","seconds":60}]}"#;
        let facts = read(line).unwrap().unwrap();
        assert_eq!((facts.handle_seconds, facts.merged_into.as_deref()), (Some(900.0), Some("17")));
        assert_eq!((facts.label(Field::Board), facts.label(Field::Type)), (Some("Network"), None));
        assert_eq!(facts.initial_label(Field::Board), Some("Inbox"));
        assert!(facts.history_known && facts.opened_by_technician && !facts.project && !facts.deleted);
        let visible: Vec<bool> = facts
            .events
            .iter()
            .skip(1)
            .map(|e| matches!(e.what, Happening::Message { visible: true, .. }))
            .collect();
        assert_eq!(visible, [true, false]);
        // Events that are not all that happened are taken over all the same.
        for (said, known) in [("false", false), ("\"no\"", false), ("true", true), ("null", true)] {
            let line = line.replacen('{', &format!("{{\"history_known\":{said},"), 1);
            let found = read(&line).unwrap().unwrap();
            assert_eq!((found.history_known, &found.events), (known, &facts.events), "{said}");
        }
        let alone =
            read(r#"{"id":"1","subject":"x","opened_at":"2026-11-02T08:00:00Z","history_known":true}"#);
        assert!(!alone.unwrap().unwrap().history_known, "there are no events");
    }

    #[test]
    fn r5_a_message_is_automatic_where_its_header_says_so_in_whatever_form() {
        let automatic = |keys: &str| {
            let line = format!(
                r#"{{"id":"1","subject":"x","opened_at":"2026-11-02T08:00:00Z",
                    "messages":[{{"at":"2026-11-02T08:00:09Z","from":"technician","text":"a","visible":true,{keys}}}]}}"#
            );
            let facts = read(&line).unwrap().unwrap();
            matches!(facts.events[0].what, Happening::Message { automatic: true, .. })
        };
        for keys in [
            r#""automatic":true"#,
            r#""headers":{"Auto-Submitted":"auto-replied"}"#,
            r#""headers":{"auto_submitted":" Auto-Generated; owner-email=x"}"#,
            r#""headers":"From: a@b.example\nAUTO-SUBMITTED: auto-replied""#,
            r#""headers":["Auto-Submitted: auto-notified"]"#,
            r#""internetMessageHeaders":[{"name":"Auto-Submitted","value":"auto-replied"}]"#,
            r#""Auto-Submitted":"auto-replied""#,
        ] {
            assert!(automatic(keys), "{keys}");
        }
        for keys in [
            r#""automatic":false"#,
            r#""headers":{"Auto-Submitted":"no"}"#,
            r#""headers":{"Auto-Submitted":""}"#,
            r#""headers":{"Subject":"Auto-Submitted: auto-replied"}"#,
            r#""headers":[7,{"name":"Auto-Submitted"}]"#,
            r#""note":"auto-submitted""#,
        ] {
            assert!(!automatic(keys), "{keys}");
        }
    }

    #[test]
    fn r5_a_message_that_is_also_reported_is_one_event() {
        let line = r#"{"id":"1","subject":"x","opened_at":"2026-11-02T08:00:00Z",
            "messages":[{"at":"2026-11-02T08:00:09Z","from":"system","text":"a","visible":true,"psa_key":"m1"},
                {"at":"2026-11-02T09:00:00Z","from":"technician","text":"b","visible":true,"psa_key":2},
                {"at":"2026-11-02T09:30:00Z","from":"customer","text":"c","visible":true,"psa_key":"h1"}],
            "events":[{"psa_key":"m1","at":"2026-11-02T08:00:09Z","actor":"mira","actor_kind":"technician","event":"message","visible":true,
                "text_key":7},
                {"psa_key":"2","at":"2026-11-02T09:00:00Z","actor":"mira","actor_kind":"technician","event":"message","visible":true},
                {"psa_key":"h1","at":"2026-11-02T09:30:00Z","actor_kind":"system","event":"change","of":"status","to":"Open"}]}"#;
        let facts = read(line).unwrap().unwrap();
        assert_eq!(facts.events.len(), 4, "a change under the same key is another event");
        let [first, second, ..] = &facts.events[..] else { panic!("{:?}", facts.events) };
        assert_eq!((first.actor_kind, first.actor.as_deref()), (ActorKind::System, Some("mira")));
        assert_eq!(first.what, Happening::Message { visible: true, automatic: false, text_key: Some(7) });
        assert_eq!(second.actor_kind, ActorKind::Technician);
    }

    #[test]
    fn what_was_reported_and_credited_later_is_dated() {
        let line = r#"{"id":"1","subject":"x","opened_at":"2026-11-02T08:00:00Z","resolved_at":"2026-11-02T10:00:00Z",
            "outcome_reported_at":"2026-11-23T10:00:00Z","sla_credit_at":"2026-12-01T10:00:00Z"}"#;
        let facts = read(line).unwrap().unwrap();
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(facts.outcome_reported_at, at("2026-11-23T10:00:00Z"));
        assert_eq!(facts.sla_credit_at, at("2026-12-01T10:00:00Z"));
        let between = facts.as_of("2026-11-25T00:00:00Z".parse().unwrap());
        assert_eq!((between.resolved_at, between.sla_credit_at), (facts.resolved_at, None));
    }

    #[test]
    fn r1_a_key_of_another_form_is_refused_by_name() {
        for (key, value) in [
            ("events", r#"[{"at":"yesterday"}]"#),
            ("handle_seconds", "-1"),
            ("handle_seconds", r#""an hour""#),
            ("project", "1"),
            ("history_known", "2"),
            ("merged_into", "[]"),
            ("initial_labels", r#"{"colour":"red"}"#),
            ("outcome_reported_at", r#""three weeks later""#),
            ("sla_credit_at", "true"),
        ] {
            let line =
                format!(r#"{{"id":"1","subject":"x","opened_at":"2026-11-02T08:00:00Z","{key}":{value}}}"#);
            let fault = read(&line).unwrap_err();
            assert_eq!(fault.code(), Some(Code::TicketJson));
            assert!(fault.to_string().contains(key) && fault.to_string().contains("line 1"), "{fault}");
        }
    }
}
