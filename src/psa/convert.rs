//! One value into one field of a ticket.

use firstline_fault::Code;
use firstline_ticket::{Message, Ticket};
use serde_json::Value;

use crate::blanks::{Blank, blank};
use crate::dates::Dates;
use crate::fault::{Fault, clip};
use crate::layout::free_key;
use crate::slot::Slot;
use crate::told::{Spellings, Told};

/// What turns the values of one file into tickets.
#[derive(Debug)]
pub(crate) struct Convert {
    pub(crate) dates: Dates,
    pub(crate) told: Told,
    pub(crate) spellings: Spellings,
    /// Whether a ticket without an id gets its row's number.
    pub(crate) number_rows: bool,
}

/// A value, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given<'v> {
    /// The column or key.
    pub(crate) column: &'v str,
    pub(crate) text: &'v str,
    /// Whether a workbook keeps its dates as dates.
    pub(crate) native: bool,
}

impl Convert {
    pub(crate) fn new(dates: Dates, number_rows: bool) -> Self {
        Self { dates, told: Told::default(), spellings: Spellings::default(), number_rows }
    }

    /// Fills `slot`. Names are trimmed; running text is kept to the letter; what is blank or [stands for nothing](blank) is
    /// absent. What the field can't take passes through under the column's name.
    ///
    /// # Errors
    /// An opening date that can't be read, any date that could be read in two ways, an id that a spreadsheet has damaged.
    pub(crate) fn fill(&mut self, ticket: &mut Ticket, slot: Slot, given: Given<'_>) -> Result<(), Fault> {
        let text = given.text;
        if text.trim().is_empty() {
            return Ok(());
        }
        let is_text = matches!(slot, Slot::Id | Slot::Subject | Slot::Body | Slot::Resolution);
        if !is_text && blank(text) == Some(Blank::Nothing) {
            self.told.blank(given.column, text);
            return Ok(());
        }
        let name = || Some(text.trim().to_owned());
        match slot {
            Slot::Id => ticket.id = id(text)?,
            Slot::OpenedAt | Slot::FirstResponseAt | Slot::ResolvedAt => {
                return self.date(ticket, slot, given);
            }
            Slot::Subject => ticket.subject = Some(text.to_owned()),
            Slot::Body => ticket.body = Some(text.to_owned()),
            Slot::Resolution => ticket.resolution = Some(text.to_owned()),
            Slot::Customer => ticket.customer = name(),
            Slot::Contact => ticket.contact = name(),
            Slot::Source => ticket.source = name(),
            Slot::Board => ticket.board = name(),
            Slot::Type => ticket.kind = name(),
            Slot::Subtype => ticket.subtype = name(),
            Slot::Priority => ticket.priority = name(),
            Slot::Technician => ticket.technician = name(),
            Slot::Reopened | Slot::Escalated => self.flag(ticket, slot, given),
        }
        Ok(())
    }

    fn flag(&mut self, ticket: &mut Ticket, slot: Slot, given: Given<'_>) {
        let flag = flag(given.text);
        *if slot == Slot::Reopened { &mut ticket.reopened } else { &mut ticket.escalated } = flag;
        if flag.is_none() {
            self.told.not_flags += 1;
            keep(ticket, given.column, Value::from(given.text));
        }
    }

    fn date(&mut self, ticket: &mut Ticket, slot: Slot, given: Given<'_>) -> Result<(), Fault> {
        let read = match given.native {
            true => self.dates.parse_native(given.text),
            false => self.dates.parse(given.text),
        };
        let instant = match read {
            Ok(instant) => instant,
            // A date that a ticket can do without does not cost the ticket.
            Err(fault) if slot != Slot::OpenedAt && (!fault.whole_file || self.dates.any_clear()) => {
                self.told.lost_dates += 1;
                keep(ticket, given.column, Value::from(given.text));
                None
            }
            Err(fault) => return Err(fault),
        };
        *match slot {
            Slot::OpenedAt => &mut ticket.opened_at,
            Slot::FirstResponseAt => &mut ticket.first_response_at,
            _ => &mut ticket.resolved_at,
        } = instant;
        Ok(())
    }

    /// Settles what only the whole ticket tells. `row` is where it stands.
    pub(crate) fn finish(&mut self, ticket: &mut Ticket, row: u64) {
        if self.number_rows && ticket.id.trim().is_empty() {
            ticket.id = format!("row-{row}");
        }
        match ticket.resolution.as_deref().map(|text| (text, blank(text))) {
            Some((text, Some(Blank::State))) => {
                let text = Value::from(text);
                self.told.states += 1;
                ticket.resolution = None;
                keep(ticket, "resolution", text);
            }
            Some((text, Some(_))) => {
                self.told.blank("resolution", text);
                ticket.resolution = None;
            }
            _ => {}
        }
        // A placeholder is better than no text at all.
        let has_subject = ticket.subject.as_deref().is_some_and(|subject| !subject.trim().is_empty());
        if let Some(body) = &ticket.body
            && has_subject
            && matches!(blank(body), Some(Blank::Nothing | Blank::NoText))
        {
            self.told.blank("body", body);
            ticket.body = None;
        }
        self.spellings.unify(ticket);
    }

    /// Adds a comment in the form `date;author;text`, as Jira writes it; a text of another form is a message as it stands.
    pub(crate) fn comment(&mut self, ticket: &mut Ticket, text: &str) {
        let mut parts = text.splitn(3, ';');
        let message = match (parts.next(), parts.next(), parts.next()) {
            (Some(at), Some(author), Some(said)) => self.dates.parse(at).ok().map(|at| Message {
                at,
                from: author.trim().to_owned(),
                text: said.to_owned(),
                ..Message::default()
            }),
            _ => None,
        };
        let message = message.unwrap_or_else(|| Message { text: text.to_owned(), ..Message::default() });
        match message.text.trim().is_empty() {
            true => self.told.empty_messages += 1,
            false => ticket.messages.push(message),
        }
    }
}

/// Sorts comments by time and marks each as the customer's or the technician's, where its author is the ticket's reporter or
/// owner. On entry `from` holds the author, who is kept under the extra key `author`.
pub(crate) fn attribute(
    ticket: &mut Ticket,
    is_reporter: impl Fn(&str) -> bool,
    is_owner: impl Fn(&str) -> bool,
) {
    for message in &mut ticket.messages {
        let author = std::mem::take(&mut message.from);
        if author.is_empty() {
            continue;
        }
        if is_owner(&author) {
            "technician".clone_into(&mut message.from);
        } else if is_reporter(&author) {
            "customer".clone_into(&mut message.from);
            message.visible = Some(true);
        }
        message.extra.insert("author".to_owned(), Value::from(author));
    }
    if ticket.messages.iter().all(|message| message.at.is_some()) {
        ticket.messages.sort_by_key(|message| message.at);
    }
}

/// Yes or no as exports write it; a number is a count, and any but zero means yes.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    if let Ok(count) = text.parse::<f64>() {
        return count.is_finite().then_some(count != 0.0);
    }
    match text.to_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "x" | "ja" | "oui" | "sí" | "si" | "sim" | "tak" => Some(true),
        "false" | "no" | "n" | "f" | "nein" | "non" | "não" | "nee" | "nie" => Some(false),
        _ => None,
    }
}

fn id(text: &str) -> Result<String, Fault> {
    let text = text.trim();
    if is_scientific(text) {
        let problem = format!("the id {:?} was cut by a spreadsheet", clip(text, 60));
        return Err(Fault::new(Code::TicketId, problem, "Format that column as text and export again"));
    }
    Ok(text.to_owned())
}

/// `1.23457E+12`: the digits that told two tickets apart are gone.
fn is_scientific(text: &str) -> bool {
    let Some((digits, exponent)) = text.split_once("E+") else { return false };
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    whole.len() == 1 && all_digits(whole) && all_digits(fraction) && all_digits(exponent)
}

/// Keeps a value under a key of its own, numbered if that key is taken.
pub(crate) fn keep(ticket: &mut Ticket, key: &str, value: Value) {
    let key = free_key(key, |k| Slot::is_reserved(k) || ticket.extra.contains_key(k));
    ticket.extra.insert(key, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_read_as_desks_write_them() {
        for (text, expected) in [
            ("Yes", Some(true)),
            ("0", Some(false)),
            ("2", Some(true)),
            ("FALSE", Some(false)),
            ("Tier 2", None),
            ("NaN", None),
        ] {
            assert_eq!(flag(text), expected, "{text}");
        }
    }

    #[test]
    fn ids_damaged_by_a_spreadsheet_are_known() {
        assert!(is_scientific("1.23457E+12") && is_scientific("1E+12"));
        for fine in ["T20260101.0001", "E+12", "12E+1", "1.2E+x", "00123"] {
            assert!(!is_scientific(fine), "{fine}");
        }
    }

    #[test]
    fn kept_values_never_shadow_a_field() {
        let mut ticket = Ticket::default();
        keep(&mut ticket, "reopened", Value::from("maybe"));
        keep(&mut ticket, "reopened", Value::from("again"));
        let keys: Vec<_> = ticket.extra.keys().cloned().collect();
        assert_eq!(keys, ["reopened_2", "reopened_3"]);
    }
}
