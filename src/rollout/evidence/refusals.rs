//! Why evidence does not count for what is in service now.

use std::fmt;

use firstline_stats::Count;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::{EVIDENCE_FORMAT, Evidence, TrainedOn};
use crate::ShadowThresholds;

/// Days for which evidence counts.
const FRESH: i64 = 14;
/// Clocks of two machines may differ by so many minutes.
const SKEW: i64 = 5;

/// What is in service when evidence is read. Hashes are sha256 in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InService<'a> {
    /// Name of bundle and policy in records.
    pub bundle_id: &'a str,
    /// Hash of the bundle's `bundle.json`.
    pub bundle_sha256: &'a str,
    /// What the bundle itself says it was trained on.
    pub trained_on: &'a TrainedOn,
    /// Hash of the policy.
    pub policy_sha: &'a str,
    /// Attacks and canaries that this program tries at least.
    pub suites: Suites,
    /// Thresholds of the criteria in force.
    pub thresholds: ShadowThresholds,
    /// Hash of the criteria that enough persons have signed; `None` where none are in force.
    pub criteria_sha: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
}

/// How many attacks and canaries have to be tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suites {
    /// Attacks: the whole suite.
    pub attacks: u64,
    /// Canaries: fewer prove nothing by their silence.
    pub canaries: u64,
}

/// What a store knows of the days of shadow; it goes before what held-out tickets say.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LiveFigures {
    /// Days of shadow.
    pub days: Option<u32>,
    /// Agreement on board and type, of tickets that nobody saw decided.
    pub agreement: Option<Count>,
    /// Tickets of the PSA's list that have a decision.
    pub coverage: Option<Count>,
    /// Why that list does not stand for the weeks that are judged.
    pub coverage_lacks: Option<String>,
    /// People's tickets with a draft within 60 seconds.
    pub drafted: Option<Count>,
    /// Seconds to a draft that 95 % keep to, and of how many.
    pub draft_p95: Option<(f64, u64)>,
}

/// Why evidence does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum EvidenceRefusal {
    /// Its format is another.
    OtherFormat {
        /// Its format.
        format: String,
    },
    /// It is about another bundle than the one in service.
    OtherBundle {
        /// The bundle that it is about.
        measured: String,
        /// The one in service.
        in_service: String,
    },
    /// It says that the bundle was trained on other tickets than the bundle itself does.
    OtherTraining {
        /// What differs: `from`, `to`, `n`, `split`, `sha256`.
        differs: Vec<&'static str>,
    },
    /// It was made under another policy.
    OtherPolicy,
    /// A suite was tried in part only.
    SuiteCut {
        /// `attacks` or `canaries`.
        suite: &'static str,
        /// How many were tried.
        tried: u64,
        /// How many have to be.
        needed: u64,
    },
    /// Figures of these parts do not follow from the counts beside them.
    Contradicts {
        /// The parts.
        parts: Vec<String>,
    },
    /// It is too old.
    TooOld {
        /// Its age in days.
        days: i64,
    },
    /// It was made in the future: a clock goes wrong.
    FromTheFuture,
    /// Its tickets are of the time that training learnt from.
    TrainingOverlap {
        /// Day of the first of its tickets.
        from: Date,
        /// Day of the last ticket that was learnt from, where the history was split by time.
        learnt_to: Option<Date>,
    },
    /// It names no criteria.
    NoCriteria,
    /// Its criteria are not those that enough persons have signed.
    CriteriaNotSigned,
}

impl fmt::Display for EvidenceRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherFormat { format } => write!(f, "its format is {format:?}, not {EVIDENCE_FORMAT}"),
            Self::OtherBundle { measured, in_service } => {
                write!(f, "it is about bundle {measured}, and {in_service} is in service")
            }
            Self::OtherTraining { differs } => write!(
                f,
                "trained_on ({}) is not what the bundle in service says of its own training",
                differs.join(", ")
            ),
            Self::SuiteCut { suite, tried, needed } => {
                write!(f, "only {tried} of {needed} {suite} were tried: measure again with firstline bench")
            }
            Self::Contradicts { parts } => write!(
                f,
                "figures do not follow from the counts beside them ({}): measure again with firstline bench",
                parts.join("; ")
            ),
            Self::OtherPolicy => write!(f, "it was made under another policy than the one in force"),
            Self::TooOld { days } => write!(f, "it is {days} days old: evidence counts for {FRESH} days"),
            Self::FromTheFuture => write!(f, "it was made in the future: check the clocks"),
            Self::TrainingOverlap { from, learnt_to: Some(to) } => {
                write!(f, "its tickets begin on {from}, and training learnt from tickets until {to}")
            }
            Self::TrainingOverlap { learnt_to: None, .. } => {
                write!(
                    f,
                    "the bundle's history was split at random: its tickets are of the time that training learnt from"
                )
            }
            Self::NoCriteria => {
                write!(f, "it names no criteria: give `firstline bench` the file with --criteria")
            }
            Self::CriteriaNotSigned => write!(f, "its criteria are not the ones that were signed"),
        }
    }
}

impl Evidence {
    /// Why it does not count for what is `in_service`; nothing where it does.
    pub fn refusals(&self, in_service: &InService<'_>) -> Vec<EvidenceRefusal> {
        let mut found = Vec::new();
        if self.format != EVIDENCE_FORMAT {
            found.push(EvidenceRefusal::OtherFormat { format: self.format.clone() });
        }
        let differs = self.bundle.trained_on.differs(in_service.trained_on);
        if self.bundle.sha256 != in_service.bundle_sha256 {
            let measured = self.bundle.id.clone();
            found
                .push(EvidenceRefusal::OtherBundle { measured, in_service: in_service.bundle_id.to_owned() });
        } else if !differs.is_empty() {
            found.push(EvidenceRefusal::OtherTraining { differs });
        }
        if self.policy_sha != in_service.policy_sha {
            found.push(EvidenceRefusal::OtherPolicy);
        }
        let age = in_service.now.duration_since(self.made_at);
        if age > SignedDuration::from_hours(24 * FRESH) {
            found.push(EvidenceRefusal::TooOld { days: age.as_hours() / 24 });
        } else if age < SignedDuration::from_mins(-SKEW) {
            found.push(EvidenceRefusal::FromTheFuture);
        }
        found.extend(self.overlap());
        found.extend(self.cut_suites(in_service.suites));
        let parts = self.contradictions(&in_service.thresholds);
        found.extend((!parts.is_empty()).then_some(EvidenceRefusal::Contradicts { parts }));
        found.extend(match (self.criteria_sha.as_deref(), in_service.criteria_sha) {
            (None, _) => Some(EvidenceRefusal::NoCriteria),
            (Some(ours), Some(signed)) if ours == signed => None,
            (Some(_), _) => Some(EvidenceRefusal::CriteriaNotSigned),
        });
        found
    }

    /// The suites that were tried in part. One that was not tried at all fails its check of the gate.
    fn cut_suites(&self, due: Suites) -> Vec<EvidenceRefusal> {
        let tried = [
            ("attacks", self.safety.attacks.as_ref().map(|found| found.n), due.attacks),
            ("canaries", self.safety.canaries.as_ref().map(|found| found.n), due.canaries),
        ];
        let cut = tried.into_iter().filter_map(|(suite, n, needed)| {
            let tried = n.filter(|n| *n < needed)?;
            Some(EvidenceRefusal::SuiteCut { suite, tried, needed })
        });
        cut.collect()
    }

    /// Whether its tickets are of the time that training learnt from. Tickets of the last day may stand on either side.
    pub fn overlap(&self) -> Option<EvidenceRefusal> {
        let trained = &self.bundle.trained_on;
        let random = trained.split == "random";
        let before = trained.to.is_some_and(|to| self.data.from < to);
        (random || before).then(|| EvidenceRefusal::TrainingOverlap {
            from: self.data.from,
            learnt_to: trained.to.filter(|_| !random),
        })
    }
}

impl TrainedOn {
    /// The names of what differs from `other`.
    fn differs(&self, other: &Self) -> Vec<&'static str> {
        let same = [
            ("from", self.from == other.from),
            ("to", self.to == other.to),
            ("n", self.n == other.n),
            ("split", self.split == other.split),
            ("sha256", self.sha256 == other.sha256),
        ];
        same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
    }
}
