//! A ticket as the model reads it: subject and body, what was cut of each, and why.
//!
//! Subject and body are read as a whole. The subject says whether its mail answers or passes on another; where one of the two says
//! what the ticket is about, the other may be left with nothing. Must never leave a ticket with nothing.

use std::cmp::Reverse;
use std::ops::Range;

use firstline_ticket::Ticket;
use serde::Serialize;

use super::facts::address;
use super::lines::{fold, substance};
use super::recurrence::Earlier;
use super::removed::Kind;
use super::subject::Hint;
use super::words::WORDS;
use super::{Normalized, Setting, normalize_in};

/// Letters that a subject has at least where it says what the ticket is about.
const TELLING: usize = 4;

/// A ticket, read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading {
    /// The subject.
    pub subject: Normalized,
    /// The first message.
    pub body: Normalized,
    /// Whether nothing of the body has to be left: the subject says what the ticket is about.
    pub body_may_be_empty: bool,
}

/// What was cut of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldCut {
    /// Why.
    pub reason: Kind,
    /// `subject` or `body`.
    pub field: &'static str,
    /// First byte in the field as it was sent.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Reading {
    /// Whether a monitoring system wrote it.
    pub fn is_alert(&self) -> bool {
        self.subject.is_alert || self.body.is_alert
    }

    /// The same without where anything came from, which takes less memory.
    #[must_use]
    pub fn without_sources(mut self) -> Self {
        self.subject.forget_source();
        self.body.forget_source();
        self
    }

    /// Leaves these bytes of the body, whose others are a habit of the ticket's `contact`, and cuts what these had hidden: a signature
    /// is one at the end of a mail.
    pub(crate) fn keep_of_body(&mut self, kept: Range<usize>, contact: &str) {
        self.body.keep(kept, Kind::Habit);
        let hint = Hint::of_ticket(&self.subject.text);
        let may_be_empty = self.body_may_be_empty;
        self.body.cut_again(&Setting { hint, contact: name(contact), may_be_empty, ..Setting::default() });
    }

    /// What was cut of subject and body, in order. A mark inside of something that was cut as a whole is not named again.
    pub fn cuts(&self) -> Vec<FieldCut> {
        let fields = [("subject", &self.subject), ("body", &self.body)];
        let of = |(field, read): (&'static str, &Normalized)| {
            let mut cuts: Vec<&super::Cut> = read.removed.cuts().iter().collect();
            cuts.sort_by_key(|cut| (cut.source.start, Reverse(cut.source.end)));
            let mut end = 0;
            cuts.retain(|cut| {
                let inside = cut.source.end <= end;
                end = end.max(cut.source.end);
                !inside
            });
            let cut = move |cut: &super::Cut| FieldCut {
                reason: cut.reason,
                field,
                start: cut.source.start,
                end: cut.source.end,
            };
            cuts.into_iter().map(cut).collect::<Vec<_>>()
        };
        fields.into_iter().flat_map(of).collect()
    }
}

/// Reads a ticket.
pub fn read(ticket: &Ticket) -> Reading {
    let sent = ticket.subject.as_deref().unwrap_or_default();
    let subject = normalize_in(sent, &Setting::default());
    let hint = Hint::of_ticket(&subject.text);
    // Of technicians' messages some are earlier than what stands in the body, where a ticket is read again after an answer.
    let technicians = ticket.messages.iter().filter(|m| m.from == "technician").map(|m| m.text.as_str());
    let setting = Setting {
        hint,
        contact: ticket.contact.as_deref().and_then(name),
        earlier: Earlier::of(technicians),
        may_be_empty: tells(&subject.text) && hint != Hint::Answer,
    };
    let body_may_be_empty = setting.may_be_empty;
    let body = normalize_in(ticket.body.as_deref().unwrap_or_default(), &setting);
    if tells(&body.text) && !tells(&subject.text) {
        let alone = normalize_in(sent, &Setting { may_be_empty: true, ..Setting::default() });
        return Reading { subject: alone, body, body_may_be_empty };
    }
    Reading { subject, body, body_may_be_empty }
}

/// The contact, if that is a name.
fn name(contact: &str) -> Option<&str> {
    Some(contact).filter(|contact| !contact.is_empty() && address(contact).is_none())
}

/// Whether a text says what a ticket is about.
fn tells(text: &str) -> bool {
    let folded = fold(&text[..text.floor_char_boundary(400)]);
    let words = folded.trim_matches(|c: char| !c.is_alphanumeric());
    substance(words) >= TELLING && !WORDS.empty_subjects.is(words) && !WORDS.banner_lines.is(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(subject: &str, body: &str) -> Ticket {
        Ticket { id: "1".into(), subject: Some(subject.into()), body: Some(body.into()), ..Ticket::default() }
    }

    fn texts(subject: &str, body: &str) -> (String, String) {
        let read = read(&ticket(subject, body));
        (read.subject.text, read.body.text)
    }

    #[test]
    fn a_footer_alone_is_no_body_where_the_subject_says_all() {
        for footer in [
            "Virus-free. www.example.com",
            "Kind regards\nAnn Example\nAcme Ltd",
            "Sent from my iPhone",
            "[cid:a.png@01]",
        ] {
            assert_eq!(texts("Projector is broken", footer).1, "", "{footer}");
        }
        assert_eq!(texts("RE: projector", "Thanks").1, "Thanks");
        assert_eq!(texts("(no subject)", "Sent from my iPhone").1, "Sent from my iPhone");
    }

    #[test]
    fn each_cut_names_its_reason_and_its_place() {
        let body = "The projector is dark.\n\nKind regards\nAnn Example\n\nVirus-free. www.example.com";
        let read = read(&ticket("Projector", body));
        assert_eq!(read.body.text, "The projector is dark.");
        let cuts: Vec<_> =
            read.cuts().into_iter().map(|c| (c.reason, c.field, &body[c.start..c.end])).collect();
        assert_eq!(cuts[0], (Kind::Signature, "body", "Kind regards\nAnn Example"));
        assert_eq!(cuts[1].0, Kind::Disclaimer);
    }

    #[test]
    fn contact_data_of_somebody_else_is_content() {
        let body = "Please set this up.\n\nPat Sample\nTel: +44 20 7946 0001\npat@acme.example";
        let with = |contact: &str| {
            read(&Ticket { contact: Some(contact.into()), ..ticket("Set up", body) }).body.text
        };
        assert!(with("Ann Example").contains("7946") && !with("Pat Sample").contains("7946"));
    }
}
