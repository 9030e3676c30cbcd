//! One value into one field of a ticket.

use firstline_fault::Code;
use firstline_ticket::Ticket;
use serde_json::Value;

use crate::dates::Dates;
use crate::fault::{Fault, clip};
use crate::layout::free_key;
use crate::slot::Slot;

/// What became of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Filled {
    /// The field has it, or it was blank.
    Done,
    /// The field wants yes or no and this is neither: the value has to pass through.
    NotAFlag,
}

/// Fills `slot` with `text`. Names are trimmed; running text is kept to the letter; blank means absent.
///
/// # Errors
/// A date that can't be read, an id that a spreadsheet has damaged.
pub(crate) fn fill(ticket: &mut Ticket, slot: Slot, text: &str, dates: &mut Dates) -> Result<Filled, Fault> {
    if text.trim().is_empty() {
        return Ok(Filled::Done);
    }
    let name = || Some(text.trim().to_owned());
    match slot {
        Slot::Id => ticket.id = id(text)?,
        Slot::OpenedAt => ticket.opened_at = dates.parse(text)?,
        Slot::FirstResponseAt => ticket.first_response_at = dates.parse(text)?,
        Slot::ResolvedAt => ticket.resolved_at = dates.parse(text)?,
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
        Slot::Reopened => return Ok(fill_flag(&mut ticket.reopened, text)),
        Slot::Escalated => return Ok(fill_flag(&mut ticket.escalated, text)),
    }
    Ok(Filled::Done)
}

fn fill_flag(field: &mut Option<bool>, text: &str) -> Filled {
    *field = flag(text);
    if field.is_some() { Filled::Done } else { Filled::NotAFlag }
}

/// Yes or no as exports write it; a number is a count, and any but zero means yes.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let text = text.trim();
    if let Ok(count) = text.parse::<f64>() {
        return count.is_finite().then_some(count != 0.0);
    }
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "x" => Some(true),
        "false" | "no" | "n" | "f" | "-" => Some(false),
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
