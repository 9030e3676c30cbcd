//! What is estimated in the report, and what nobody knows.

use firstline_ticket::Phase;

use super::{Day90, Day90Facts};

pub(super) fn estimated(report: &Day90) -> Vec<String> {
    let mut notes = Vec::new();
    if report.hours_redirected.estimate {
        notes.push(
            "Hours redirected and capacity are an ESTIMATE: minutes by category that the leadership signed, since no time is logged. They \
             meet no threshold."
                .to_owned(),
        );
    }
    if let Some(of) = report.hours_redirected.saving.as_ref().filter(|of| of.interval.is_some()) {
        notes.push(
            "The 95 % intervals come from 1,000 samples drawn anew of the tickets of after, and of the means of before by their deviation."
                .to_owned(),
        );
        if of.reviews > 0.0 {
            notes.push("Time at reviews counts beside what was logged: where reviewers log that time too, it counts twice.".to_owned());
        }
        if let (Some(share), Some([shorter, longer])) =
            (of.quarter_hours.filter(|share| *share >= 0.5), of.rounding)
        {
            notes.push(format!(
                "{} of the times are whole quarters of an hour: rounded by 7.5 minutes either way, the change of the handle time would lie \
                 between {} and {}.",
                crate::percent(share),
                super::signed_percent(shorter),
                super::signed_percent(longer)
            ));
        }
    }
    let provisional = report.l1_autonomous.provisional;
    if provisional > 0 {
        notes.push(format!(
            "{} resolved alone may still be opened again within 30 days: provisional.",
            crate::counted(provisional, "ticket", "tickets")
        ));
    }
    notes
}

pub(super) fn not_known(facts: &Day90Facts<'_>, report: &Day90) -> Vec<String> {
    let mut notes = Vec::new();
    let mut say = |what: &str, why: Option<&String>| notes.extend(why.map(|why| format!("{what}: {why}.")));
    say("Hours redirected", report.hours_redirected.why_unknown.as_ref());
    say("First response before and after", report.first_response.why_unknown.as_ref());
    say("Net new capacity", report.capacity.why_unknown.as_ref());
    let l1 = &report.l1_autonomous;
    if l1.of_desk.of == 0 {
        let alone = facts.tickets.iter().any(|one| one.phase == Some(Phase::Autonomous));
        let why = match alone {
            false => "no ticket was decided where Firstline may act alone",
            true => {
                "no resolved ticket is known to have stayed with first level: tiers are not confirmed, or no history is known"
            }
        };
        notes.push(format!("Resolved alone: {why}."));
    } else if l1.unknown > 0 {
        notes.push(format!(
            "Who resolved {}: their history is not known, and none of them counts as resolved alone.",
            crate::counted(l1.unknown, "ticket", "tickets")
        ));
    }
    if l1.unplaced > 0 {
        notes.push(format!(
            "Which level resolved {}: no tier is confirmed for their technician or board. They are counted as first level's, so the true \
             share that was resolved alone is no smaller than the one given.",
            crate::counted(l1.unplaced, "ticket", "tickets")
        ));
    }
    if report.seniors.freed.is_none() {
        notes.push(
            "Time of senior technicians: takes time entries with names, and tiers of boards and technicians, on both sides.".to_owned(),
        );
    }
    if facts.criteria.is_none() {
        notes.push("Thresholds: no criteria are signed.".to_owned());
    }
    if report.capacity.weeks_without_entries > 0 && report.capacity.technicians.is_some() {
        notes.push(format!(
            "Technicians at work: in {} nobody logged time.",
            crate::counted(report.capacity.weeks_without_entries, "week", "weeks")
        ));
    }
    notes
}
