//! When to turn back: the roadmap's four triggers to the letter, and beside two of them a sequential test.
//!
//! Every trigger is judged by what is known now, also of weeks long closed. Which of them have fired before is the caller's to
//! know, by trigger and week. A trigger that nobody can judge is not met: a person decides.

use std::collections::BTreeMap;

use firstline_stats::{Count, MixtureCusum, ShareBetting, share};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{OpenHours, Rollback, percent};

/// What fired.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// Too many customer-visible errors in a week.
    Errors,
    /// Their rate has risen, by the mixture of CUSUMs.
    ErrorsRisen,
    /// Too little agreement in a week, or in all weeks that count.
    Agreement,
    /// The agreement is too low, by bets against it.
    AgreementRefuted,
    /// Too little time saved, or nobody knows how much.
    Savings,
    /// An incident that needs an SLA credit.
    SlaCredit,
    /// A certificate that is refuted by what came of it.
    Certificate,
}

/// The limits of each week: those of the criteria that were in force at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    first: Rollback,
    /// From these weeks on.
    changed: BTreeMap<u32, Rollback>,
}

impl From<Rollback> for Limits {
    fn from(first: Rollback) -> Self {
        Self { first, changed: BTreeMap::new() }
    }
}

impl Limits {
    /// Others hold from `week` on.
    pub fn change(&mut self, week: u32, rollback: Rollback) {
        self.changed.insert(week, rollback);
    }

    /// Those of a week.
    pub fn of(&self, week: u32) -> &Rollback {
        self.changed.range(..=week).next_back().map_or(&self.first, |(_, rollback)| rollback)
    }
}

impl Trigger {
    /// Its name on record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::ErrorsRisen => "errors_risen",
            Self::Agreement => "agreement",
            Self::AgreementRefuted => "agreement_refuted",
            Self::Savings => "savings",
            Self::SlaCredit => "sla_credit",
            Self::Certificate => "certificate",
        }
    }

    /// The row of the roadmap that it is.
    pub fn row(self) -> &'static str {
        match self {
            Self::Errors | Self::ErrorsRisen => "R70",
            Self::Agreement | Self::AgreementRefuted => "R71",
            Self::Savings => "R72",
            Self::SlaCredit => "R73",
            Self::Certificate => "R44",
        }
    }
}

/// What follows, the mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reaction {
    /// No new grants.
    PauseExpansion,
    /// From autonomous to assist, in scope.
    Pause,
    /// To shadow, in scope.
    BackOut,
    /// To shadow, everywhere.
    Stop,
}

/// A trigger that fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fired {
    /// The trigger.
    pub trigger: Trigger,
    /// The reaction that follows.
    pub reaction: Reaction,
    /// Whether that holds for the whole installation, and not for the scope alone.
    pub everywhere: bool,
    /// The week that it is about.
    pub week: u32,
    /// What was found; `None` where nobody knows.
    pub found: Option<f64>,
    /// What it is held against.
    pub limit: f64,
    /// Over how many.
    pub n: u64,
    /// What to mind.
    pub note: Option<&'static str>,
}

impl Fired {
    /// What fired and why, in a sentence that people judge by.
    pub fn in_words(&self) -> String {
        let Self { found, limit, n, week, .. } = self;
        let (row, limit_in) = (self.trigger.row(), percent(*limit));
        let share = found.map_or_else(|| "an unknown share".to_owned(), percent);
        let said = match self.trigger {
            Trigger::Errors => {
                format!(
                    "{share} of {n} actions of week {week} that customers could see were errors, more than {limit_in}"
                )
            }
            Trigger::ErrorsRisen => format!(
                "the rate of errors has risen: by week {week} the evidence is {:.0}, and {limit:.0} is the alarm",
                found.unwrap_or_default()
            ),
            Trigger::Agreement => {
                format!(
                    "{share} agreement on board and type over {n} tickets by week {week}, less than {limit_in}"
                )
            }
            Trigger::AgreementRefuted => format!(
                "the agreement is too low: by week {week} the evidence over {n} tickets is {:.0}, and {limit:.0} is the alarm",
                found.unwrap_or_default()
            ),
            Trigger::Savings if found.is_none() => {
                format!("by week {week} nobody knows what was saved, and {limit_in} of the time is needed")
            }
            Trigger::Savings => {
                format!("{share} of the time of {n} tickets was saved by week {week}, less than {limit_in}")
            }
            Trigger::SlaCredit => format!("an incident that needs an SLA credit, on record in week {week}"),
            Trigger::Certificate => format!(
                "a certificate no longer holds: by week {week} the evidence over {n} decisions that it errs more often than it promises \
                 is {:.0}, and {limit:.0} is the alarm",
                found.unwrap_or_default()
            ),
        };
        let note = self.note.map(|note| format!(" ({note})")).unwrap_or_default();
        format!("{row}: {said}{note}")
    }
}

/// The strongest of reactions that fire at once.
pub fn strongest(fired: &[Fired]) -> Option<Reaction> {
    fired.iter().map(|fired| fired.reaction).max()
}

/// How an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Noticed by rules; nobody has decided yet.
    Suspected,
    /// A person has confirmed the error.
    Confirmed,
    /// A person has found no error.
    Dismissed,
}

/// Something that the customer could see and that may have been wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incident {
    /// When it happened.
    pub at: Timestamp,
    /// How it stands.
    pub state: IncidentState,
    /// Since when it stands so.
    pub since: Timestamp,
    /// Whether it needs an SLA credit.
    pub sla_credit: bool,
}

impl Incident {
    /// Whether it counts as an error at `now`: it is confirmed, or nobody has decided for three business days, so that neglect hides none.
    pub fn counts(&self, hours: &OpenHours, now: Timestamp) -> bool {
        match self.state {
            IncidentState::Confirmed => true,
            IncidentState::Dismissed => false,
            IncidentState::Suspected => {
                let third = (0..3).try_fold(self.at, |at, _| hours.a_day_after(at));
                third.unwrap_or(self.at + SignedDuration::from_hours(72)) <= now
            }
        }
    }
}

/// Customer-visible actions of a week, and errors among them ([`Incident::counts`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorWeek {
    /// The week's number in the programme.
    pub number: u32,
    /// Actions done in it.
    pub actions: u64,
    /// Of those, errors.
    pub errors: u64,
    /// Whether it is over.
    pub closed: bool,
}

/// The alarm of the mixture of CUSUMs: false ones are at least so many weeks apart.
const CUSUM_ALARM: f64 = 50.0;

/// Below so many actions a single error is always more than 2 %.
pub const FEW_ACTIONS: u64 = 50;

/// Errors (R70). To the letter: more than the limit in a closed week; or before its end, once they are more than the limit of as many
/// actions as there are so far, or were in the week before. Beside it the mixture of CUSUMs, over all weeks; it begins again where the
/// limit changes.
///
/// Weeks with fewer than `fewest` actions are not judged to the letter: a part of the scope, such as one category, is not paused by a
/// single error that its whole bears. A week with errors and without an action says that what was done before was wrong: it is over any
/// limit.
pub fn error_triggers(weeks: &[ErrorWeek], limits: &Limits, fewest: u64) -> Vec<Fired> {
    let mut weeks = weeks.to_vec();
    weeks.sort_by_key(|week| week.number);
    let (mut fired, mut before, mut running) = (Vec::new(), None::<ErrorWeek>, None::<(f64, MixtureCusum)>);
    for week in weeks {
        let limit = limits.of(week.number).errors;
        let last = before.filter(|before| before.number + 1 == week.number && !week.closed);
        let of = week.actions.max(last.map_or(0, |last| last.actions));
        if week.errors as f64 > limit * of as f64 && week.errors > 0 && of >= fewest {
            let note = match week.actions {
                0 => Some("nothing was done in that week: what was done before shows in it"),
                n if n < FEW_ACTIONS => Some("fewer than 50 actions: a single error is always more than 2 %"),
                _ => None,
            };
            let found = (of > 0).then(|| share(week.errors as usize, of as usize));
            let found = (found, limit, of);
            fired.push(fire(Trigger::Errors, Reaction::Pause, week.number, found, note));
        }
        let anew = || (limit, MixtureCusum::new(limit.clamp(1e-6, 0.039)));
        let (_, mut cusum) = running.take().filter(|(of, _)| *of == limit).unwrap_or_else(anew);
        cusum.begin_week();
        cusum.add(week.errors, week.actions);
        if cusum.value() >= CUSUM_ALARM {
            let found = (Some(cusum.value()), CUSUM_ALARM, week.actions);
            fired.push(fire(Trigger::ErrorsRisen, Reaction::BackOut, week.number, found, None));
            (_, cusum) = anew();
        }
        (running, before) = (Some((limit, cusum)), Some(week));
    }
    fired
}

/// Tickets that a share of agreement takes at least.
const FEWEST: usize = 20;

/// The wealth at which bets have refuted that the agreement is high enough.
const REFUTED: f64 = 20.0;

/// Agreement (R71), by week of the programme, of tickets whose decision nobody saw. It counts from the week after
/// `agreement_after_week` on: each closed week by itself, all of them together, and bets against all of them. Where the limit changes,
/// what is counted together begins again.
pub fn agreement_triggers(weeks: &[(u32, Count)], limits: &Limits) -> Vec<Fired> {
    let counts = |number: u32| number > limits.of(number).agreement_after_week;
    let mut weeks: Vec<&(u32, Count)> = weeks.iter().filter(|(number, _)| counts(*number)).collect();
    weeks.sort_by_key(|(number, _)| *number);
    let (mut hits, mut n, mut held_to, mut fired) = (0, 0, None, Vec::new());
    for (number, count) in weeks {
        let needed = limits.of(*number).agreement;
        if held_to.replace(needed) != Some(needed) {
            (hits, n) = (0, 0);
        }
        hits += count.hits.min(count.n);
        n += count.n;
        let together = Count { hits, n };
        for (of, note) in [(*count, None), (together, Some("all weeks that count"))] {
            let found = share(of.hits, of.n);
            let same = note.is_some() && n == count.n;
            if of.n >= FEWEST && found < needed && !same {
                let found = (Some(found), needed, of.n as u64);
                fired.push(fire(Trigger::Agreement, Reaction::Pause, *number, found, note));
            }
        }
        let bets = ShareBetting { needed, hits: hits as u64, n: n as u64 };
        if bets.value() >= REFUTED {
            let found = (Some(bets.value()), REFUTED, n as u64);
            fired.push(fire(Trigger::AgreementRefuted, Reaction::BackOut, *number, found, None));
        }
    }
    fired
}

/// Share of technicians' time saved, with the upper end of its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Saved {
    /// Share of the time that the tickets would have taken before.
    pub share: f64,
    /// The upper end of its 95 % interval.
    pub high: f64,
    /// Tickets that it is over.
    pub n: u64,
}

/// Time saved (R72), judged once the week `savings_by_week` is over; `week` is the last closed one. Where nobody knows, nothing
/// is met and a person decides; until then nothing is expanded.
pub fn savings_trigger(week: u32, saved: Option<Saved>, rollback: &Rollback) -> Option<Fired> {
    if week < rollback.savings_by_week {
        return None;
    }
    let limit = rollback.savings;
    let (reaction, note) = match saved {
        None => (Reaction::PauseExpansion, Some("what was saved is not known: a person decides")),
        Some(saved) if saved.share >= limit => return None,
        Some(saved) if saved.high < limit => (Reaction::BackOut, None),
        Some(_) => (Reaction::Pause, None),
    };
    let found = (saved.map(|saved| saved.share), limit, saved.map_or(0, |saved| saved.n));
    Some(fire(Trigger::Savings, reaction, rollback.savings_by_week, found, note))
}

/// SLA credits (R73): one that was confirmed after `looked_at` fires, whatever week it is about. `week` is the running one.
pub fn sla_credit_trigger(incidents: &[Incident], looked_at: Timestamp, week: u32) -> Option<Fired> {
    let new = |i: &&Incident| i.sla_credit && i.state == IncidentState::Confirmed && i.since > looked_at;
    let n = incidents.iter().filter(new).count() as u64;
    let found = (Some(n as f64), 0.0, n);
    (n > 0)
        .then(|| Fired { everywhere: true, ..fire(Trigger::SlaCredit, Reaction::Pause, week, found, None) })
}

fn fire(
    trigger: Trigger,
    reaction: Reaction,
    week: u32,
    (found, limit, n): (Option<f64>, f64, u64),
    note: Option<&'static str>,
) -> Fired {
    Fired { trigger, reaction, everywhere: false, week, found, limit, n, note }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::at;
    use crate::hours::tests::desk as open_hours;

    fn rules() -> Rollback {
        Rollback::default()
    }

    fn errors(weeks: &[ErrorWeek]) -> Vec<Fired> {
        error_triggers(weeks, &rules().into(), 0)
    }

    fn agreement(weeks: &[(u32, Count)]) -> Vec<Fired> {
        agreement_triggers(weeks, &rules().into())
    }

    fn week(number: u32, errors: u64, actions: u64) -> ErrorWeek {
        ErrorWeek { number, actions, errors, closed: true }
    }

    fn which(fired: &[Fired]) -> Vec<(Trigger, u32)> {
        fired.iter().map(|fired| (fired.trigger, fired.week)).collect()
    }

    #[test]
    fn r70_more_than_2_percent_in_a_week_pauses_and_says_when_that_is_a_single_error() {
        assert_eq!(errors(&[week(1, 1, 50), week(2, 0, 0), week(3, 2, 100)]), []);
        let fired = errors(&[week(8, 2, 50), week(9, 1, 49)]);
        assert_eq!(which(&fired), [(Trigger::Errors, 8), (Trigger::Errors, 9)]);
        assert_eq!((fired[0].reaction, fired[0].found, fired[0].note), (Reaction::Pause, Some(0.04), None));
        assert!(fired[1].note.is_some_and(|note| note.contains("single error")));
    }

    #[test]
    fn r70_before_a_week_ends_it_is_held_against_the_week_before() {
        let running = |errors, actions| ErrorWeek { closed: false, ..week(9, errors, actions) };
        assert_eq!(errors(&[week(8, 0, 100), running(2, 10)]), []);
        assert_eq!(which(&errors(&[week(8, 0, 100), running(3, 10)])), [(Trigger::Errors, 9)]);
        // A week that lies further back says nothing of this one.
        assert_eq!(which(&errors(&[week(7, 0, 100), running(1, 10)])), [(Trigger::Errors, 9)]);
    }

    #[test]
    fn r70_a_part_of_the_scope_is_not_paused_by_a_single_error() {
        let of_part = |errors, actions| {
            which(&error_triggers(&[week(8, errors, actions)], &rules().into(), FEW_ACTIONS))
        };
        assert_eq!((of_part(1, 12), of_part(1, 49), of_part(1, 50)), (vec![], vec![], vec![]));
        assert_eq!(of_part(2, 50), [(Trigger::Errors, 8)]);
        // The evidence of four in twelve needs no fifty.
        assert_eq!(of_part(4, 12), [(Trigger::ErrorsRisen, 8)]);
    }

    #[test]
    fn r70_an_error_in_a_week_without_an_action_is_over_any_limit() {
        let fired = errors(&[week(7, 0, 40), week(8, 1, 0), week(9, 0, 0)]);
        assert_eq!(which(&fired), [(Trigger::Errors, 8)]);
        assert_eq!((fired[0].found, fired[0].n), (None, 0));
        assert!(fired[0].note.is_some_and(|note| note.contains("nothing was done")));
    }

    #[test]
    fn r11_a_week_is_judged_by_the_limits_at_its_end() {
        let mut limits = Limits::from(rules());
        limits.change(9, Rollback { errors: 0.01, agreement: 0.80, ..rules() });
        let weeks: Vec<ErrorWeek> = (7..=10).map(|number| week(number, 2, 100)).collect();
        let fired = error_triggers(&weeks, &limits, 0);
        let literal: Vec<u32> =
            fired.iter().filter(|f| f.trigger == Trigger::Errors).map(|f| f.week).collect();
        assert_eq!(literal, [9, 10]);
        let weeks: Vec<(u32, Count)> = (7..=10).map(|number| (number, Count { hits: 78, n: 100 })).collect();
        let fired = agreement_triggers(&weeks, &limits);
        assert!(fired.iter().all(|fired| fired.week >= 9) && fired[0].limit == 0.80, "{fired:?}");
        // Together counts from week 9 on.
        let together = fired.iter().find(|fired| fired.note.is_some()).unwrap();
        assert_eq!((together.week, together.n), (10, 200));
    }

    #[test]
    fn r74_what_fired_is_said_in_words() {
        let said = |fired: &[Fired]| fired[0].in_words();
        assert_eq!(
            said(&errors(&[week(8, 3, 60)])),
            "R70: 5.0 % of 60 actions of week 8 that customers could see were errors, more than 2.0 %"
        );
        assert!(said(&errors(&[week(8, 1, 9)])).ends_with("a single error is always more than 2 %)"));
        let low = agreement(&[(7, Count { hits: 37, n: 50 })]);
        assert!(said(&low).contains("74.0 % agreement") && said(&low).contains("less than 75.0 %"));
        let unknown = savings_trigger(11, None, &rules()).unwrap();
        assert!(unknown.in_words().contains("nobody knows"), "{}", unknown.in_words());
    }

    #[test]
    fn r70_a_rate_that_has_risen_backs_out_and_the_detector_begins_again() {
        let weeks: Vec<ErrorWeek> =
            (1..=13).map(|number| week(number, if number < 5 { 0 } else { 4 }, 50)).collect();
        let fired = errors(&weeks);
        let risen: Vec<u32> =
            fired.iter().filter(|f| f.trigger == Trigger::ErrorsRisen).map(|f| f.week).collect();
        assert!(risen[0] >= 6 && risen[0] <= 7 && risen.len() >= 2 && risen[1] > risen[0] + 1, "{risen:?}");
        assert_eq!(strongest(&fired), Some(Reaction::BackOut));
        let mut turned = weeks;
        turned.reverse();
        assert_eq!(errors(&turned), fired);
    }

    #[test]
    fn r43_what_nobody_decides_on_for_three_business_days_counts() {
        let hours = open_hours();
        let suspected = Incident {
            at: at("2026-12-24T09:00:00Z"),
            state: IncidentState::Suspected,
            since: at("2026-12-24T09:00:00Z"),
            sla_credit: false,
        };
        // Saturday, Monday, Tuesday: Christmas and Sunday are closed.
        assert!(!suspected.counts(&hours, at("2026-12-29T08:59:59Z")));
        assert!(suspected.counts(&hours, at("2026-12-29T09:00:00Z")));
        let decided = |state| Incident { state, ..suspected }.counts(&hours, at("2026-12-24T10:00:00Z"));
        assert!(decided(IncidentState::Confirmed) && !decided(IncidentState::Dismissed));
    }

    #[test]
    fn r71_agreement_counts_after_week_6_and_not_of_a_handful() {
        let of = |number, hits, n| (number, Count { hits, n });
        assert_eq!(agreement(&[of(5, 10, 50), of(6, 10, 50), of(7, 13, 19), of(8, 40, 50)]), []);
        let fired = agreement(&[of(7, 37, 50), of(8, 45, 50)]);
        assert_eq!(which(&fired), [(Trigger::Agreement, 7)]);
        assert_eq!((fired[0].reaction, fired[0].found, fired[0].n), (Reaction::Pause, Some(0.74), 50));
        // 76 % alone, but 74 % with the week before.
        let fired = agreement(&[of(7, 36, 50), of(8, 38, 50)]);
        assert_eq!(which(&fired), [(Trigger::Agreement, 7), (Trigger::Agreement, 8)]);
        assert_eq!(fired[1].note, Some("all weeks that count"));
        let fired = agreement(&[of(8, 30, 50), of(7, 30, 50)]);
        assert!(which(&fired).contains(&(Trigger::AgreementRefuted, 8)), "{fired:?}");
        assert_eq!(strongest(&fired), Some(Reaction::BackOut));
    }

    #[test]
    fn r72_savings_are_judged_when_week_11_is_over() {
        let saved = |share, high| Some(Saved { share, high, n: 200 });
        assert_eq!(savings_trigger(10, saved(0.0, 0.0), &rules()), None);
        assert_eq!(savings_trigger(11, saved(0.10, 0.30), &rules()), None);
        let reaction = |saved| savings_trigger(12, saved, &rules()).map(|fired| (fired.week, fired.reaction));
        assert_eq!(reaction(saved(0.09, 0.20)), Some((11, Reaction::Pause)));
        assert_eq!(reaction(saved(0.02, 0.09)), Some((11, Reaction::BackOut)));
        assert_eq!(reaction(saved(f64::NAN, f64::NAN)), Some((11, Reaction::Pause)));
        assert_eq!(reaction(None), Some((11, Reaction::PauseExpansion)));
    }

    #[test]
    fn r73_a_credit_for_week_3_that_is_entered_in_week_9_fires_now_and_once() {
        let credit = Incident {
            at: at("2026-11-18T09:00:00Z"),
            state: IncidentState::Confirmed,
            since: at("2026-12-30T09:00:00Z"),
            sla_credit: true,
        };
        let fired = sla_credit_trigger(&[credit], at("2026-12-30T08:00:00Z"), 9).unwrap();
        assert_eq!((fired.week, fired.reaction, fired.everywhere, fired.n), (9, Reaction::Pause, true, 1));
        assert_eq!(sla_credit_trigger(&[credit], at("2026-12-30T09:00:00Z"), 9), None);
        let suspected = Incident { state: IncidentState::Suspected, ..credit };
        assert_eq!(sla_credit_trigger(&[suspected], at("2026-12-30T08:00:00Z"), 9), None);
    }

    #[test]
    fn r74_of_triggers_at_once_the_strongest_reaction_holds() {
        let mut fired = agreement(&[(7, Count { hits: 37, n: 50 })]);
        fired.extend(savings_trigger(11, Some(Saved { share: 0.0, high: 0.01, n: 90 }), &rules()));
        assert_eq!((fired.len(), strongest(&fired), strongest(&[])), (2, Some(Reaction::BackOut), None));
        assert!(Reaction::PauseExpansion < Reaction::Pause && Reaction::BackOut < Reaction::Stop);
        // Another pilot's weeks are another call: nothing of the first is in it.
        assert_eq!(agreement(&[(7, Count { hits: 45, n: 50 })]), []);
    }
}
