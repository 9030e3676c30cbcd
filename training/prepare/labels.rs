//! Which labels of a field can be learnt, which are rare, and which nobody gives any more.
//!
//! Must never read a ticket's text: only what people set counts here.

use std::collections::BTreeMap;

use firstline_fault::{Code, Error, Result, UserError};
use firstline_ticket::{Field, LabelSpace};

use super::history::HistoryTicket;
use super::material::labelled;
use super::rows::LearningRows;
use super::split::LEAST_CALIBRATE;

/// A label needs this many tickets to be learnt at all.
const LEAST_TICKETS: usize = 2;
/// Labels with fewer tickets than this are named as rare.
const RARE: usize = 10;
/// A technician without a ticket for so long is taken to be gone.
const ACTIVE_DAYS: i64 = 60;

/// A field that could not be learnt.
#[derive(Debug)]
pub struct LeftOutField {
    /// The field.
    pub field: Field,
    /// Whether the history has no label of it at all.
    pub is_absent: bool,
    /// Why it could not be learnt.
    pub why: Error,
}

/// Fields that could not be learnt.
pub type LeftOut = Vec<LeftOutField>;

/// The labels of each of `fields` that can be learnt, and the fields that can't be.
///
/// # Errors
/// [`Code::Labels`] when no field can be learnt, or one can't be and `all_required` says that each must.
pub(crate) fn label_spaces(
    tickets: &[HistoryTicket],
    learn: &LearningRows,
    fields: &[Field],
    all_required: bool,
) -> Result<(Vec<(Field, LabelSpace)>, LeftOut)> {
    let mut spaces = Vec::new();
    let mut left_out = Vec::new();
    for &field in fields {
        match label_space(tickets, learn, field) {
            Ok(space) => spaces.push((field, space)),
            Err(why) if why.code() == Some(Code::Labels) && !all_required => {
                let is_absent = tickets.iter().all(|ticket| !ticket.labels.contains_key(&field));
                left_out.push(LeftOutField { field, is_absent, why });
            }
            Err(e) => return Err(e),
        }
    }
    if spaces.is_empty() {
        let problem = "no field has enough labelled tickets to learn from";
        let next = "Import board, type or priority columns";
        return Err(UserError::new(Code::Labels, "--tickets", problem, next).into());
    }
    Ok((spaces, left_out))
}

/// The labels of `field` that have tickets enough among `rows` to be learnt.
pub(crate) fn labels_of<'a>(
    tickets: &[HistoryTicket],
    rows: impl Iterator<Item = &'a usize>,
    field: Field,
) -> LabelSpace {
    let enough = counts(tickets, rows, field).into_iter().filter(|(_, n)| *n >= LEAST_TICKETS);
    LabelSpace::new(enough.map(|(label, _)| label.to_owned()))
}

/// The labels of `field` that can be learnt.
fn label_space(tickets: &[HistoryTicket], learn: &LearningRows, field: Field) -> Result<LabelSpace> {
    let space = labels_of(tickets, learn.train.iter().chain(&learn.calibrate), field);
    let [train, calibrate] =
        [&learn.train, &learn.calibrate].map(|rows| labelled(tickets, rows, field, &space).rows.len());
    if space.len() < 2 || train < LEAST_CALIBRATE || calibrate < LEAST_CALIBRATE {
        let problem = format!(
            "{} labels on {train} train and {calibrate} calibrate tickets; needed are 2 and {LEAST_CALIBRATE} of each",
            space.len()
        );
        let next = "Leave the field out of --fields, or import its column";
        return Err(UserError::new(Code::Labels, field.name(), problem, next).into());
    }
    Ok(space)
}

/// The labels that no ticket of the last [`ACTIVE_DAYS`] carries: technicians who have left, or do other things by
/// now. None where the tickets have no dates, or where all would be.
pub(crate) fn retired(
    tickets: &[HistoryTicket],
    rows: &[usize],
    field: Field,
    space: &LabelSpace,
) -> Vec<u32> {
    let mut last = vec![None; space.len()];
    for &row in rows {
        if let Some(label) = tickets[row].labels.get(&field).and_then(|l| space.index(l)) {
            last[label] = last[label].max(tickets[row].opened_at);
        }
    }
    let Some(end) = last.iter().flatten().max().map(|t| t.as_second()) else { return Vec::new() };
    let gone = |last: &Option<jiff::Timestamp>| {
        last.is_none_or(|last| end - last.as_second() > ACTIVE_DAYS * 24 * 3600)
    };
    (0..space.len() as u32).filter(|&label| gone(&last[label as usize])).collect()
}

/// The labels that are rare among `rows`, and how many tickets each has.
pub(crate) fn rare(tickets: &[HistoryTicket], rows: &[usize], field: Field) -> BTreeMap<String, usize> {
    let counts = counts(tickets, rows.iter(), field).into_iter();
    counts.filter(|(_, n)| *n < RARE).map(|(label, n)| (label.to_owned(), n)).collect()
}

fn counts<'a, 'b>(
    tickets: &'a [HistoryTicket],
    rows: impl Iterator<Item = &'b usize>,
    field: Field,
) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for label in rows.filter_map(|&r| tickets[r].labels.get(&field)) {
        *counts.entry(label.as_str()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use firstline_triage::Reader;

    use super::*;
    use firstline_ticket::Ticket;
    use firstline_triage::retire;

    #[test]
    fn who_had_no_ticket_for_long_is_retired() {
        let ticket = |day: i64, who: &str| {
            HistoryTicket::new(
                &Ticket {
                    technician: Some(who.to_owned()),
                    opened_at: Some(jiff::Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()),
                    ..Ticket::default()
                },
                &Reader::default(),
            )
        };
        let tickets =
            [ticket(0, "ann"), ticket(1, "bob"), ticket(50, "bob"), ticket(100, "cy"), ticket(99, "new")];
        let space = LabelSpace::new(["ann", "bob", "cy"].map(String::from));
        let retired = |rows: &[usize]| retired(&tickets, rows, Field::Technician, &space);
        assert_eq!(retired(&[0, 1, 2, 3, 4]), [0]);
        assert_eq!(retired(&[0, 1]), [2], "cy has no ticket here at all");
        let undated = [HistoryTicket::new(
            &Ticket { technician: Some("ann".into()), ..Ticket::default() },
            &Reader::default(),
        )];
        assert!(super::retired(&undated, &[0], Field::Technician, &space).is_empty());
        let mut p = [0.5, 0.3, 0.2];
        retire(&mut p, &[0]);
        assert!(p[0] == 0.0 && (p[1] - 0.6).abs() < 1e-6 && (p[2] - 0.4).abs() < 1e-6);
    }
}
