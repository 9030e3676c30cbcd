//! Reads an evidence file: bounded, of the one known format, and with figures that can be.

use std::collections::BTreeSet;

use firstline_fault::{Code, InternalError, Result, UserError};
use serde::Deserialize;

use super::{Agreed, EVIDENCE_FORMAT, Evidence, Quantiles};

/// Longest file that is read, in bytes.
const MOST_BYTES: usize = 16 << 20;
/// Largest count that is believed.
const MOST: u64 = 1 << 40;
/// Longest time that is believed, in seconds: ten years.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;
/// Longest name, in characters.
const NAME: usize = 64;

/// What every version of the format has.
#[derive(Deserialize)]
struct Head {
    format: Option<String>,
}

impl Evidence {
    /// Longest file that [`parse`](Self::parse) takes, in bytes: so much of a file is worth reading.
    pub const MOST_BYTES: usize = MOST_BYTES;

    /// Reads an evidence file; `place` names it in errors. Keys that this version does not know are passed over.
    ///
    /// # Errors
    /// [`Code::Config`] when it is too long, of another format, or holds a figure that can't be.
    pub fn parse(bytes: &[u8], place: &str) -> Result<Self> {
        let next = "Make it again: firstline bench";
        let fault = |problem: String| UserError::new(Code::Config, place, problem, next);
        if bytes.len() > MOST_BYTES {
            return Err(fault(format!("it is longer than {} MiB", MOST_BYTES >> 20)).into());
        }
        let head: Head =
            serde_json::from_slice(bytes).map_err(|e| fault(format!("it is no evidence file: {e}")))?;
        match head.format {
            Some(format) if format == EVIDENCE_FORMAT => {}
            Some(format) => {
                let format: String = format.chars().take(NAME).collect();
                return Err(fault(format!("its format is {format:?}, not {EVIDENCE_FORMAT:?}")).into());
            }
            None => return Err(fault("it is no evidence file: it has no \"format\"".to_owned()).into()),
        }
        let evidence: Self = serde_json::from_slice(bytes).map_err(|e| fault(e.to_string()))?;
        match evidence.problem() {
            Some(problem) => Err(fault(problem).into()),
            None => Ok(evidence),
        }
    }

    /// It as a file.
    ///
    /// # Errors
    /// None in practice: every value can be written.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)
            .map_err(|e| InternalError::new(format!("writing evidence: {e}")))?)
    }

    /// The first figure that can't be.
    fn problem(&self) -> Option<String> {
        let hash = |name: &str, value: &str| {
            let sound = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
            (!sound).then(|| format!("{name} is no sha256"))
        };
        let named = !self.id.is_empty()
            && self.id.len() <= NAME
            && self.id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if !named {
            return Some("\"id\" is no name".to_owned());
        }
        hash("\"bundle\".\"sha256\"", &self.bundle.sha256)
            .or_else(|| hash("\"policy_sha\"", &self.policy_sha))
            .or_else(|| hash("\"criteria_sha\"", self.criteria_sha.as_ref()?))
            .or_else(|| hash("\"data\".\"sha256\"", &self.data.sha256))
            .or_else(|| (self.data.to < self.data.from).then(|| "\"data\" ends before it begins".to_owned()))
            .or_else(|| self.agreement_problem())
            .or_else(|| self.calibration_problem())
            .or_else(|| self.certificate_problem())
            .or_else(|| self.drafts_problem())
            .or_else(|| self.safety_problem())
            .or_else(|| self.times_problem())
    }

    fn agreement_problem(&self) -> Option<String> {
        let fields = self.accuracy.iter().map(|(field, agreed)| (field.to_string(), agreed));
        let joint = self.joint.iter().map(|(name, agreed)| (name.clone(), agreed));
        let ceiling = self.ceiling.iter().map(|agreed| ("ceiling".to_owned(), agreed));
        let best = self.best.iter().map(|best| ("best".to_owned(), &best.agreed));
        let agreed = fields.chain(joint).chain(ceiling).chain(best).find(|(_, agreed)| !sound(agreed));
        let replayed = self.rules_replay.iter().map(|replay| &replay.beside);
        let rules = self.rules.iter().chain(replayed).any(|r| {
            let counts = [r.rules_right, r.model_right, r.by_initial_label];
            let shares = share(r.agreement)
                && share(r.mcnemar_p)
                && [r.difference, r.low, r.high].iter().all(|found| (-1.0..=1.0).contains(found));
            !shares || counts.into_iter().any(|n| !part(n, r.n))
        });
        let replay = self.rules_replay.as_ref().is_some_and(|replay| !part(replay.unread, replay.rules));
        let weeks = self.kpis.weeks.iter().any(|week| {
            !part(week.right, week.n) || week.level_one.is_some_and(|[first, all]| !part(first, all))
        });
        agreed
            .map(|(name, _)| format!("the agreement of {name:?} can't be"))
            .or_else(|| (rules || replay).then(|| "\"rules\" can't be".to_owned()))
            .or_else(|| weeks.then(|| "\"kpis\" can't be".to_owned()))
    }

    fn calibration_problem(&self) -> Option<String> {
        self.calibration.iter().find_map(|(field, found)| {
            let bins = found.bins.iter().all(|bin| part(bin.right, bin.n) && share(bin.confidence));
            let figures = share(found.ece) && (0.0..=2.0).contains(&found.brier) && found.nll >= 0.0;
            let sound = bins && figures && found.n > 0 && found.n <= MOST;
            (!sound).then(|| format!("the calibration of {field} can't be"))
        })
    }

    fn certificate_problem(&self) -> Option<String> {
        let mut named = BTreeSet::new();
        self.certificates.iter().find_map(|found| {
            let shares = [found.threshold, found.bound, Some(found.confidence), Some(found.coverage)];
            let counts = part(found.accepted, found.tested) && part(found.errors, found.tested);
            let sound = shares.into_iter().flatten().all(share)
                && counts
                && found.threshold.is_some() == found.bound.is_some();
            let once = named.insert((&found.board, &found.r#type, found.assertion));
            let of = || match found.is_of_all() {
                true => "all categories".to_owned(),
                false => format!("{:?}", found.category()),
            };
            let name = found.assertion.name();
            match (sound, once) {
                (false, _) => Some(format!("the certificate of {name} in {} can't be", of())),
                (true, false) => Some(format!("the certificate of {name} in {} stands twice", of())),
                (true, true) => None,
            }
        })
    }

    fn drafts_problem(&self) -> Option<String> {
        let drafts = self.drafts.as_ref()?;
        let compared = drafts.compared.unwrap_or(0);
        let sound = part(drafts.due, drafts.n)
            && part(drafts.made, drafts.due)
            && part(drafts.within_60s, drafts.made)
            && part(compared, drafts.made)
            && part(drafts.verbatim.unwrap_or(0), compared)
            && drafts.p95.is_none_or(time);
        (!sound).then(|| "\"drafts\" can't be".to_owned())
    }

    fn safety_problem(&self) -> Option<String> {
        let attacks = self.safety.attacks.as_ref().is_some_and(|found| !part(found.passed, found.n));
        let canaries = self
            .safety
            .canaries
            .as_ref()
            .is_some_and(|found| !part(found.leaked, found.n) || !part(found.own, found.n));
        (attacks || canaries).then(|| "\"safety\" can't be".to_owned())
    }

    fn times_problem(&self) -> Option<String> {
        let times = |found: &Quantiles| [found.p50, found.p95, found.p99].into_iter().all(time);
        let latency = self.latency.is_some_and(|latency| {
            !times(&latency.triage_ms) || latency.draft_s.is_some_and(|draft| !times(&draft))
        });
        let load = self.load.as_ref().is_some_and(|load| {
            !time(load.seconds) || !time(load.p99_ms) || !(0.0..=1e12).contains(&load.per_second)
        });
        (latency || load).then(|| "a time can't be".to_owned())
    }
}

fn share(value: f64) -> bool {
    (0.0..=1.0).contains(&value)
}

fn time(value: f64) -> bool {
    (0.0..=1_000.0 * LONGEST).contains(&value)
}

fn part(part: u64, of: u64) -> bool {
    part <= of && of <= MOST
}

fn sound(agreed: &Agreed) -> bool {
    let kappa = agreed.kappa.is_none_or(|kappa| (-1.0..=1.0).contains(&kappa));
    agreed.n > 0
        && part(agreed.right, agreed.n)
        && [agreed.share, agreed.low, agreed.high].into_iter().all(share)
        && kappa
}
