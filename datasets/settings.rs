//! The generator's settings: `generator.toml` is the reference and the default. Settings are checked before
//! anything is generated.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::catalog::Catalog;

/// The reference file.
const DEFAULT: &str = include_str!("generator.toml");

macro_rules! shares {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_doc])* pub $field: f64),+ }

        impl $name {
            fn shares(&self) -> Vec<(&'static str, f64)> {
                vec![$((stringify!($field), self.$field)),+]
            }
        }
    };
}

shares! {
    /// What kinds of event make up the history.
    Mix {
        /// Tickets that a machine sent.
        alerts,
        /// The part of the alerts that comes in storms.
        storms,
        /// Requests that a later mail repeats.
        echoes,
        /// Outages that several colleagues report.
        outage_reports,
        /// People who write outside their business hours.
        after_hours,
    }
}

shares! {
    /// How people write.
    Text {
        /// A symptom that fits several kinds.
        shared_symptom,
        /// Nothing but "it doesn't work".
        vague,
        /// A subject that says nothing.
        empty_subject,
        /// A second request in the same ticket.
        second_issue,
        /// Typing mistakes a letter, for the author who makes the most.
        typos,
        /// Writers of another language who use it.
        own_language,
    }
}

/// How far the labels of a history can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Labels {
    /// Board, type and subtype of something else, averaged over technicians.
    pub noise: f64,
    /// Left in the catch-all.
    pub lazy: f64,
    /// Only the subtype is wrong.
    pub subtype_noise: f64,
    /// Priority one step off.
    pub priority_noise: f64,
    /// Priority left at the default.
    pub priority_default: f64,
    /// (Customer, kind) pairs filed in the kind's second place by habit.
    pub habit: f64,
    /// Single tickets that fairly belong to a second place.
    pub judgement: f64,
    /// Day of the history from which some kinds are filed elsewhere by order.
    pub reorganised_on: u32,
}

shares! {
    /// How the desk works.
    DeskSettings {
        /// The customer's primary technician takes what is within the skills.
        primary,
        /// Share of the technicians' hours that is booked at the most.
        utilisation,
        /// Tickets that go to a higher tier.
        escalated,
        /// Tickets that are opened again.
        reopened,
        /// First answers that are the desk's canned reply, where the kind has one.
        canned,
        /// Escalated tickets that are moved to the second tier's board.
        escalated_by_board,
        /// Escalated tickets that first level closes.
        handed_back,
        /// People's tickets given to another technician before somebody begins.
        handed_over,
        /// People's tickets that the desk's machine acknowledges at once; the PSA takes that for the first response.
        acknowledged,
        /// Acknowledgements with the header `Auto-Submitted`.
        acknowledged_with_header,
        /// Follow-ups and further reports that are merged into the first ticket, if that is still open.
        merged,
        /// People's tickets that come in under another customer's name.
        moved,
        /// Resolved tickets whose outcome is reported weeks later.
        reported_late,
        /// People's urgent tickets that took too long and bring a credit.
        sla_credits,
        /// Technicians who log their time to the second.
        exact_time,
    }
}

shares! {
    /// What customers write after a technician's last word.
    Replies {
        /// It works.
        confirmed,
        /// Thanks, and no more.
        thanked,
        /// An automatic note.
        out_of_office,
        /// Of reopened tickets: it does not work.
        contradicted,
        /// Of those that were back after a day: first confirmed as working.
        wrongly_confirmed,
    }
}

/// When the desk is closed and its clocks change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CalendarSettings {
    /// Days on which only the one on call works.
    pub holidays: Vec<Date>,
    /// Whether clocks change in spring and autumn.
    pub clock_changes: bool,
}

/// The product that appears during the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// First day with tickets about it.
    pub day: u32,
    /// Its share of people's tickets once it is known everywhere.
    pub share: f64,
}

/// Customers who come and go, as days of the history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Customers {
    /// One customer joins.
    pub joins_on: u32,
    /// Another leaves.
    pub leaves_on: u32,
}

/// All settings of a generated history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// End of the history, exclusive.
    pub end: Date,
    /// Its length in days.
    pub days: u32,
    /// Whether each ticket carries the key `generated` with its true kind.
    pub include_truth: bool,
    /// Whether each ticket carries what a PSA keeps beside it: events, initial labels, seconds of work.
    pub include_history: bool,
    /// Holidays and clock changes.
    pub calendar: CalendarSettings,
    /// Kinds of event.
    pub mix: Mix,
    /// How people write.
    pub text: Text,
    /// Label noise.
    pub labels: Labels,
    /// How the desk works.
    pub desk: DeskSettings,
    /// What customers write in the end.
    pub replies: Replies,
    /// The new product.
    pub product: Product,
    /// Customers who come and go.
    pub customers: Customers,
    /// How much more often kinds of ticket come than the catalog says, by their names there.
    pub weights: BTreeMap<String, f64>,
}

impl Default for Settings {
    /// The reference file's values.
    fn default() -> Self {
        toml::from_str(DEFAULT).expect("the reference settings are tested")
    }
}

impl Settings {
    /// Reads settings in the form of [`Settings::reference`]; what is left out is as there. `place` is what a fault names.
    ///
    /// # Errors
    /// [`Code::Config`] for text that is not of this form and for values out of range.
    pub fn from_toml(text: &str, place: &str) -> Result<Self> {
        let fault = |e: toml::de::Error| {
            let next = "Start from the commented reference settings and change single values";
            UserError::new(Code::Config, place, e.to_string().trim_end().to_owned(), next)
        };
        let mut all: toml::Table = toml::from_str(DEFAULT).map_err(fault)?;
        overlay(&mut all, toml::from_str(text).map_err(fault)?);
        let settings: Self = all.try_into().map_err(fault)?;
        settings.check(place)?;
        Ok(settings)
    }

    /// The commented reference file, to start one's own from.
    pub fn reference() -> &'static str {
        DEFAULT
    }

    fn check(&self, place: &str) -> Result<()> {
        let labels = &self.labels;
        let mut shares = vec![
            ("noise", labels.noise),
            ("lazy", labels.lazy),
            ("subtype_noise", labels.subtype_noise),
            ("priority_noise", labels.priority_noise),
            ("priority_default", labels.priority_default),
            ("habit", labels.habit),
            ("judgement", labels.judgement),
            ("product.share", self.product.share),
        ];
        shares.extend(self.mix.shares());
        shares.extend(self.text.shares());
        shares.extend(self.desk.shares());
        shares.extend(self.replies.shares());
        for (name, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                let problem = format!("{name} = {value} is no share");
                return Err(config(place, problem, "Set it between 0 and 1"));
            }
        }
        let answered = self.replies.confirmed + self.replies.thanked + self.replies.out_of_office;
        if answered > 1.0 {
            let problem = format!("confirmed, thanked and out_of_office are {answered} together");
            return Err(config(place, problem, "Set them to 1 together at the most"));
        }
        if self.calendar.holidays.len() > MOST_HOLIDAYS {
            let problem = format!("{} holidays", self.calendar.holidays.len());
            return Err(config(place, problem, "Name 500 at the most"));
        }
        if !(7..=3660).contains(&self.days) {
            let problem = format!("a history of {} days", self.days);
            return Err(config(place, problem, "Set days between 7 and 3660"));
        }
        let kinds = Catalog::load().kinds;
        for (name, weight) in &self.weights {
            if !kinds.iter().any(|kind| kind.name == *name) {
                return Err(config(place, format!("no kind is named {name:?}"), "Use the catalog's names"));
            }
            if !(0.01..=100.0).contains(weight) {
                let problem = format!("{name} = {weight} in [weights]");
                return Err(config(place, problem, "Set it between 0.01 and 100"));
            }
        }
        if !(1990..=2200).contains(&self.end.year()) {
            return Err(config(place, format!("end = {}", self.end), "Use a date between 1990 and 2200"));
        }
        if self.product.name.trim().is_empty() || self.product.name.len() > 60 {
            return Err(config(place, "product.name is empty or too long".into(), "Use 1 to 60 bytes"));
        }
        Ok(())
    }
}

/// Holidays at the most.
const MOST_HOLIDAYS: usize = 500;

/// Puts the values of `own` over those of `all`, key by key.
fn overlay(all: &mut toml::Table, own: toml::Table) {
    for (key, value) in own {
        match (all.get_mut(&key), value) {
            (Some(toml::Value::Table(inner)), toml::Value::Table(value)) => overlay(inner, value),
            (_, value) => {
                all.insert(key, value);
            }
        }
    }
}

fn config(place: &str, problem: String, next: &str) -> firstline_fault::Error {
    UserError::new(Code::Config, place, problem, next).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_file_is_the_default_and_passes_its_own_check() {
        let read = Settings::from_toml(Settings::reference(), "reference").unwrap();
        assert_eq!(read, Settings::default());
    }

    #[test]
    fn values_out_of_range_and_unknown_keys_are_user_faults() {
        let code = |from: &str, to: &str| {
            let text = DEFAULT.replacen(from, to, 1);
            assert_ne!(text, DEFAULT, "{from} is not in the reference");
            Settings::from_toml(&text, "mine.toml").unwrap_err().code()
        };
        assert_eq!(code("noise = 0.05", "noise = 1.5"), Some(Code::Config));
        assert_eq!(code("noise = 0.05", "noise = nan"), Some(Code::Config));
        assert_eq!(code("days = 182", "days = 0"), Some(Code::Config));
        assert_eq!(code("days = 182", "dayz = 182"), Some(Code::Config));
        assert_eq!(code("2026-07-01", "9999-01-01"), Some(Code::Config));
        assert_eq!(code("Harborgate Connect", " "), Some(Code::Config));
        assert_eq!(code("confirmed = 0.17", "confirmed = 0.9"), Some(Code::Config));
        assert_eq!(code("\"2026-01-01\"", "\"New Year\""), Some(Code::Config));
        assert_eq!(code("[weights]", "[weights]\nprinter-offline = 0.0"), Some(Code::Config));
        assert_eq!(code("[weights]", "[weights]\nprinter-gone = 1.0"), Some(Code::Config));
    }

    #[test]
    fn what_is_left_out_is_as_in_the_reference() {
        let own = "days = 30\n[desk]\nacknowledged = 0.9\n";
        let mut wanted = Settings { days: 30, ..Settings::default() };
        wanted.desk.acknowledged = 0.9;
        assert_eq!(Settings::from_toml(own, "mine.toml").unwrap(), wanted);
        let wrong = Settings::from_toml("[desk]\nmerged = \"often\"\n", "mine.toml").unwrap_err();
        assert!(wrong.to_string().contains("merged"), "{wrong}");
    }
}
