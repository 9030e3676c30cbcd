//! What a desk signs before it begins: the figures to reach by day 90, and when to turn back.
//!
//! A threshold that is met already, that so few tickets can't show, or whose facts nobody has, is refused before anybody signs it.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use firstline_stats::{detectable_difference, detectable_fall, lower_bound, power_of_bound};
use serde::{Deserialize, Serialize};

use crate::{Direction, SignedMinutes};

/// A figure that can be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kpi {
    /// Share of tickets on whose board and type desk and Firstline agree.
    Agreement,
    /// Change of the mean handle time beside the baseline: -0.4 for 40 % less.
    HandleTime,
    /// Share of first-level tickets that Firstline resolves alone.
    L1Autonomous,
    /// Share of tickets that first level resolves.
    L1Share,
    /// Change of the mean first-response time beside the baseline.
    FirstResponse,
    /// Change of the mean time to resolution beside the baseline.
    Resolution,
    /// Share of tickets opened again.
    Reopened,
    /// Share of drafts that are sent unchanged.
    Verbatim,
    /// Share of people's tickets with a draft within 60 seconds.
    DraftedInTime,
    /// Share of customer-visible actions that were errors.
    Errors,
}

/// What a KPI is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    /// A share that a desk has before it begins.
    Share,
    /// A share that only Firstline has: there is none before.
    New,
    /// A relative change of a mean.
    Change,
}

impl Kpi {
    fn scale(self) -> Scale {
        match self {
            Self::HandleTime | Self::FirstResponse | Self::Resolution => Scale::Change,
            Self::L1Share | Self::Reopened => Scale::Share,
            Self::Agreement | Self::L1Autonomous | Self::Verbatim | Self::DraftedInTime | Self::Errors => {
                Scale::New
            }
        }
    }

    /// Whether it is a change of a mean, not a share.
    pub fn is_change(self) -> bool {
        self.scale() == Scale::Change
    }

    /// Whether only Firstline has it: a desk without has none.
    pub fn is_new(self) -> bool {
        self.scale() == Scale::New
    }

    /// Its name in criteria files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Agreement => "agreement",
            Self::HandleTime => "handle_time",
            Self::L1Autonomous => "l1_autonomous",
            Self::L1Share => "l1_share",
            Self::FirstResponse => "first_response",
            Self::Resolution => "resolution",
            Self::Reopened => "reopened",
            Self::Verbatim => "verbatim",
            Self::DraftedInTime => "drafted_in_time",
            Self::Errors => "errors",
        }
    }
}

/// A figure with its threshold.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// The KPI.
    pub name: Kpi,
    /// On which side of `day90` it has to be.
    pub direction: Direction,
    /// The threshold on day 90: a share, or a relative change.
    pub day90: f64,
    /// Where the desk stands: a share, for a change the mean in seconds. That of the baseline where there is none.
    #[serde(default)]
    pub base: Option<f64>,
    /// Whether it is one of the three that the verdict names.
    #[serde(default)]
    pub headline: bool,
}

/// When to turn back. Every trigger can be made stricter; none can be switched off.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rollback {
    /// Share of customer-visible errors in a week that is too much.
    pub errors: f64,
    /// Share of agreement that is too little,
    pub agreement: f64,
    /// after this week.
    pub agreement_after_week: u32,
    /// Share of technicians' time saved that is too little,
    pub savings: f64,
    /// at the end of this week.
    pub savings_by_week: u32,
}

impl Default for Rollback {
    fn default() -> Self {
        Self { errors: 0.02, agreement: 0.75, agreement_after_week: 6, savings: 0.10, savings_by_week: 11 }
    }
}

/// The evidence that a gate requires, the stricter first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateEvidence {
    /// The lower bound of the agreement.
    #[default]
    Bound,
    /// Where that fails, the desk's own agreement, if it is below 88 %.
    Ceiling,
}

/// What two falls of a figure in a row do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TwoFalls {
    /// They pause every expansion until a person says why it may go on.
    #[default]
    Literal,
    /// Only where a test says that they are real.
    Tested,
    /// Both of them: either alone is enough.
    Both,
}

/// The criteria file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Criteria {
    /// Persons who have to sign.
    #[serde(default = "two")]
    pub signatures: u8,
    /// The evidence that the gate to assist requires.
    #[serde(default)]
    pub evidence: GateEvidence,
    /// What two falls in a row do.
    #[serde(default)]
    pub two_falls: TwoFalls,
    /// The KPIs to reach, three of them headline figures.
    pub kpi: Vec<Criterion>,
    /// When to turn back.
    #[serde(default)]
    pub rollback: Rollback,
    /// Minutes that tickets take, where nobody logs time. They are reported as an estimate, and meet no threshold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub estimate: Vec<SignedMinutes>,
}

/// The most minutes that a ticket may be signed to take: a day.
const MOST_MINUTES: f64 = 1_440.0;

fn two() -> u8 {
    2
}

impl Criteria {
    /// The file that is offered where a desk has none of its own.
    pub const EXAMPLE: &'static str = include_str!("criteria.toml");

    /// Reads a criteria file; `place` names it in errors.
    ///
    /// # Errors
    /// [`Code::Config`] when it is not of that form, has other than three headline figures, names one twice, or has a threshold out of
    /// its range or a trigger looser than the roadmap's.
    pub fn parse(text: &str, place: &str) -> Result<Self> {
        let fault = |problem: String| {
            let next = "`firstline rollout criteria --example` prints a file that is all right";
            UserError::new(Code::Config, place, problem, next)
        };
        let criteria: Self = toml::from_str(text)
            .map_err(|e| fault(e.to_string().split_whitespace().collect::<Vec<_>>().join(" ")))?;
        match criteria.problem() {
            Some(problem) => Err(fault(problem).into()),
            None => Ok(criteria),
        }
    }

    fn problem(&self) -> Option<String> {
        let headlines = self.kpi.iter().filter(|kpi| kpi.headline).count();
        if headlines != 3 {
            return Some(format!("{headlines} KPIs are marked `headline = true`: there must be three"));
        }
        if self.signatures == 0 {
            return Some("`signatures` must be 1 or more".to_owned());
        }
        for (i, criterion) in self.kpi.iter().enumerate() {
            let name = criterion.name.name();
            if self.kpi[..i].iter().any(|other| other.name == criterion.name) {
                return Some(format!("the KPI {name} stands twice"));
            }
            let range = match criterion.name.scale() {
                Scale::Change => -1.0..=10.0,
                _ => 0.0..=1.0,
            };
            if !range.contains(&criterion.day90) {
                return Some(format!("{name}: day90 = {} is not in {:?}", criterion.day90, range));
            }
        }
        self.rollback.problem().or_else(|| self.odd_estimate())
    }

    fn odd_estimate(&self) -> Option<String> {
        self.estimate.iter().enumerate().find_map(|(i, of)| {
            let name = format!("[[estimate]] {} > {}", of.board, of.r#type);
            let category = |of: &SignedMinutes| (of.board.trim().to_owned(), of.r#type.trim().to_owned());
            let (board, ticket_type) = category(of);
            if board.is_empty() || ticket_type.is_empty() {
                return Some("[[estimate]]: name a board and a type".to_owned());
            }
            if self.estimate[..i].iter().any(|other| category(other) == category(of)) {
                return Some(format!("{name} stands twice"));
            }
            let minutes = of.minutes > 0.0 && of.minutes <= MOST_MINUTES;
            let assisted = of.assisted_minutes.is_none_or(|assisted| (0.0..=of.minutes).contains(&assisted));
            (!minutes || !assisted).then(|| {
                format!(
                    "{name}: `minutes` is above 0 and at most a day, `assisted_minutes` no more than that"
                )
            })
        })
    }

    /// What speaks against signing, given what is known of each figure; nothing where all can be signed.
    pub fn refusals(&self, known: &BTreeMap<Kpi, Known>) -> Vec<Refusal> {
        self.kpi.iter().filter_map(|criterion| criterion.refusal(known.get(&criterion.name))).collect()
    }
}

impl Rollback {
    fn problem(&self) -> Option<String> {
        let limits = Self::default();
        let share = |value: f64| (0.0..1.0).contains(&value);
        let looser = [
            ("errors", !share(self.errors) || self.errors > limits.errors),
            ("agreement", !share(self.agreement) || self.agreement < limits.agreement),
            ("agreement_after_week", self.agreement_after_week > limits.agreement_after_week),
            ("savings", !share(self.savings) || self.savings < limits.savings),
            ("savings_by_week", self.savings_by_week > limits.savings_by_week),
        ];
        let (name, _) = looser.into_iter().find(|(_, looser)| *looser)?;
        Some(format!(
            "[rollback] {name}: a trigger can be made stricter than the default, never looser or off"
        ))
    }
}

/// What is known of a figure before signing.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Known {
    /// Where the desk stands: a share, or a mean in seconds.
    pub base: Option<f64>,
    /// Tickets that this was computed from.
    pub n_base: usize,
    /// Standard deviation of single values, for means.
    pub deviation: Option<f64>,
    /// Tickets that are expected by day 90.
    pub n_day90: usize,
}

/// Why a threshold can't be signed.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Refusal {
    /// The baseline meets it already.
    AlreadyMet {
        /// The KPI that is refused.
        name: Kpi,
        /// Where the desk stands.
        base: f64,
    },
    /// So few tickets can't show it.
    TooFewTickets {
        /// The KPI that is refused.
        name: Kpi,
        /// Tickets that are expected.
        n: usize,
        /// What they can show with a probability of 80 %: the smallest change beside the base, or for a figure that is new the true
        /// share it would take. `None` where they can show nothing at all.
        smallest: Option<f64>,
    },
    /// Nobody has the facts for it.
    FactsMissing {
        /// The KPI that is refused.
        name: Kpi,
    },
}

impl Criterion {
    fn refusal(&self, known: Option<&Known>) -> Option<Refusal> {
        let name = self.name;
        let missing = Some(Refusal::FactsMissing { name });
        let Some(known) = known else { return missing };
        let few = |smallest| Some(Refusal::TooFewTickets { name, n: known.n_day90, smallest });
        match name.scale() {
            Scale::New => {
                let (true_share, shows) = self.true_share_needed(known.n_day90);
                if shows { None } else { few(true_share) }
            }
            Scale::Share => {
                let Some(base) = self.base.or(known.base) else { return missing };
                if self.holds(base) {
                    return Some(Refusal::AlreadyMet { name, base });
                }
                let smallest = self.smallest_change(base, known);
                let wanted = (self.day90 - base).abs();
                if smallest.is_some_and(|smallest| smallest <= wanted) { None } else { few(smallest) }
            }
            Scale::Change => {
                let (Some(base), Some(deviation)) = (self.base.or(known.base), known.deviation) else {
                    return missing;
                };
                if base <= 0.0 {
                    return missing;
                }
                if self.holds(0.0) {
                    return Some(Refusal::AlreadyMet { name, base });
                }
                let smallest = detectable_difference(deviation, known.n_base, known.n_day90) / base;
                if smallest <= self.day90.abs() {
                    None
                } else {
                    few(Some(smallest).filter(|s| s.is_finite()))
                }
            }
        }
    }

    fn holds(&self, found: f64) -> bool {
        match self.direction {
            Direction::AtLeast => found >= self.day90,
            Direction::AtMost => found <= self.day90,
        }
    }

    fn smallest_change(&self, base: f64, known: &Known) -> Option<f64> {
        // A rise of a share is a fall of what is missing.
        let base = if self.direction == Direction::AtMost { base } else { 1.0 - base };
        detectable_fall(base, known.n_base, known.n_day90).map(|now| base - now)
    }

    /// The true share at which `n` tickets show the threshold with a probability of 80 %, and whether a spotless run would show it
    /// at all.
    fn true_share_needed(&self, n: usize) -> (Option<f64>, bool) {
        let mirrored = |share: f64| if self.direction == Direction::AtLeast { share } else { 1.0 - share };
        let needed = mirrored(self.day90);
        if lower_bound(n, n, 0.95) < needed {
            return (None, false);
        }
        let (mut low, mut high) = (needed, 1.0);
        for _ in 0..30 {
            let middle = f64::midpoint(low, high);
            if power_of_bound(middle, n, needed, 0.95) >= 0.8 { high = middle } else { low = middle }
        }
        (Some(mirrored(high)), true)
    }
}

impl Refusal {
    /// The KPI that is refused.
    pub fn name(&self) -> Kpi {
        match self {
            Self::AlreadyMet { name, .. }
            | Self::TooFewTickets { name, .. }
            | Self::FactsMissing { name } => *name,
        }
    }
}

impl Criterion {
    /// The smallest change beside the base that the expected tickets show with a probability of 80 %: of a share in points, of a mean
    /// relative to it. `None` for a figure that is new, where the base is not known, or where they show none.
    pub fn smallest_shown(&self, known: &Known) -> Option<f64> {
        let base = self.base.or(known.base)?;
        match self.name.scale() {
            Scale::New => None,
            Scale::Share => self.smallest_change(base, known),
            Scale::Change => {
                let smallest = detectable_difference(known.deviation?, known.n_base, known.n_day90) / base;
                Some(smallest).filter(|smallest| smallest.is_finite() && base > 0.0)
            }
        }
    }

    /// The true share that `n` tickets need to show this threshold with a probability of 80 %, to be printed beside it; `None` for a
    /// figure that is compared with a base, or where no share would do.
    pub fn share_to_show_it(&self, n: usize) -> Option<f64> {
        (self.name.scale() == Scale::New).then(|| self.true_share_needed(n).0).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusals(kpi: &str, known: Known) -> Vec<Refusal> {
        let others = "signatures = 2\n[[kpi]]\nname = \"verbatim\"\ndirection = \"at_least\"\nday90 = 0\nheadline = true\n\
            [[kpi]]\nname = \"errors\"\ndirection = \"at_most\"\nday90 = 1\nheadline = true\n[[kpi]]\nheadline = true\n";
        let criteria = Criteria::parse(&format!("{others}{kpi}"), "criteria.toml").unwrap();
        let name = criteria.kpi[2].name;
        let plenty = Known { n_day90: 1_000, ..Known::default() };
        criteria.refusals(&[(Kpi::Verbatim, plenty), (Kpi::Errors, plenty), (name, known)].into())
    }

    #[test]
    fn r10_the_example_is_all_right_and_has_the_roadmaps_figures() {
        let criteria = Criteria::parse(Criteria::EXAMPLE, "criteria.toml").unwrap();
        let found: Vec<(Kpi, f64)> = criteria.kpi.iter().map(|kpi| (kpi.name, kpi.day90)).collect();
        assert_eq!(found, [(Kpi::Agreement, 0.85), (Kpi::HandleTime, -0.40), (Kpi::L1Autonomous, 0.30)]);
        assert_eq!((criteria.signatures, criteria.rollback), (2, Rollback::default()));
        assert_eq!((criteria.evidence, criteria.two_falls), (GateEvidence::Bound, TwoFalls::Literal));
    }

    #[test]
    fn r40_signed_minutes_are_read_and_what_can_not_be_is_refused() {
        let with = |estimate: &str| Criteria::parse(&format!("{}\n{estimate}", Criteria::EXAMPLE), "c");
        let one = "[[estimate]]\nboard = \"Bureau\"\ntype = \"Réseau\"\nminutes = 12\nassisted_minutes = 5\n";
        let found = with(one).unwrap().estimate;
        assert_eq!((found[0].r#type.as_str(), found[0].assisted_minutes), ("Réseau", Some(5.0)));
        let wrong = |text: String| with(&text).unwrap_err().to_string();
        assert!(wrong(one.repeat(2)).contains("stands twice"));
        for (from, to) in
            [("= 12", "= 0"), ("= 12", "= 2000"), ("= 12", "= nan"), ("= 5", "= 13"), ("= 5", "= -1")]
        {
            assert!(wrong(one.replace(from, to)).contains("Bureau > Réseau"), "{to}");
        }
        assert!(wrong(one.replace("Bureau", " ")).contains("name a board"));
    }

    #[test]
    fn r10_a_threshold_that_is_met_already_is_refused() {
        let known = Known { base: Some(0.72), n_base: 3_000, n_day90: 1_000, deviation: None };
        let met = refusals("name = \"l1_share\"\ndirection = \"at_least\"\nday90 = 0.70", known);
        assert_eq!(met, [Refusal::AlreadyMet { name: Kpi::L1Share, base: 0.72 }]);
        assert_eq!(refusals("name = \"l1_share\"\ndirection = \"at_least\"\nday90 = 0.80", known), []);
        let slower = Known { base: Some(3_600.0), deviation: Some(1_800.0), ..known };
        let met = refusals("name = \"resolution\"\ndirection = \"at_most\"\nday90 = 0.1", slower);
        assert_eq!(met, [Refusal::AlreadyMet { name: Kpi::Resolution, base: 3_600.0 }]);
    }

    #[test]
    fn r10_what_so_few_tickets_cannot_show_is_refused_with_what_they_can() {
        let smallest = |kpi: &str, known| match refusals(kpi, known).as_slice() {
            [Refusal::TooFewTickets { smallest, .. }] => *smallest,
            other => panic!("{other:?}"),
        };
        let few = Known { base: Some(0.72), n_base: 3_000, n_day90: 60, deviation: None };
        let change = smallest("name = \"l1_share\"\ndirection = \"at_least\"\nday90 = 0.80", few).unwrap();
        assert!(change > 0.10 && change < 0.18, "{change}");
        let spread = Known { base: Some(1_800.0), n_base: 500, n_day90: 20, deviation: Some(2_400.0) };
        let change =
            smallest("name = \"handle_time\"\ndirection = \"at_most\"\nday90 = -0.4", spread).unwrap();
        assert!((change - 2.486_475 * (4.0 / 3.0) * (1.0f64 / 500.0 + 0.05).sqrt()).abs() < 1e-6, "{change}");
        // Ten right ones of ten show no more than 74 %.
        let ten = Known { n_day90: 10, ..Known::default() };
        assert_eq!(smallest("name = \"agreement\"\ndirection = \"at_least\"\nday90 = 0.85", ten), None);
        let criteria = Criteria::parse(Criteria::EXAMPLE, "c").unwrap();
        let needed = criteria.kpi[0].share_to_show_it(290).unwrap();
        assert!((needed - 0.90).abs() < 5e-3, "{needed}");
        assert_eq!(criteria.kpi[1].share_to_show_it(290), None);
    }

    #[test]
    fn r10_what_nobody_has_facts_for_is_refused() {
        let known = Known { base: Some(1_800.0), n_base: 500, n_day90: 500, deviation: None };
        let handle = "name = \"handle_time\"\ndirection = \"at_most\"\nday90 = -0.4";
        assert_eq!(refusals(handle, known), [Refusal::FactsMissing { name: Kpi::HandleTime }]);
        let criteria = Criteria::parse(Criteria::EXAMPLE, "c").unwrap();
        assert_eq!(criteria.refusals(&BTreeMap::new()).len(), 3);
    }

    #[test]
    fn r10_a_file_that_is_wrong_is_refused_by_what_is_wrong() {
        let wrong = |from: &str, to: &str| {
            let text = Criteria::EXAMPLE.replacen(from, to, 1);
            assert_ne!(text, Criteria::EXAMPLE);
            Criteria::parse(&text, "criteria.toml").unwrap_err().to_string()
        };
        assert!(wrong("headline = true", "headline = false").contains("2 KPIs are marked"));
        assert!(wrong("day90 = 0.85", "day90 = 85").contains("agreement: day90 = 85"));
        assert!(wrong("\"l1_autonomous\"", "\"agreement\"").contains("agreement stands twice"));
        assert!(wrong("\"l1_autonomous\"", "\"happiness\"").contains("happiness"));
        assert!(wrong("signatures = 2", "signatures = 0").contains("signatures"));
    }

    #[test]
    fn r77_no_trigger_can_be_loosened_or_switched_off() {
        let with = |line: &str| {
            let text = Criteria::EXAMPLE.split("[rollback]").next().unwrap().to_owned();
            Criteria::parse(&format!("{text}[rollback]\n{line}\n"), "c").map(|criteria| criteria.rollback)
        };
        assert_eq!(with("errors = 0.01").unwrap().errors, 0.01);
        for looser in [
            "errors = 0.03",
            "errors = nan",
            "agreement = 0.70",
            "agreement_after_week = 7",
            "savings = 0",
            "savings_by_week = 12",
        ] {
            let problem = with(looser).unwrap_err().to_string();
            assert!(
                problem.contains("never looser") && problem.contains(looser.split(' ').next().unwrap()),
                "{problem}"
            );
        }
    }
}
