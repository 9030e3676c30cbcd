//! The bundle and the policy in service, as a gate compares evidence with them.
//!
//! What a bundle was trained on is read from the bundle itself, for the service, the command and the evidence alike. Must never take
//! it from an evidence file.

use firstline_drafts::suites::{AttackSuite, FEWEST_CANARIES};
use firstline_fault::Result;
use firstline_rollout::evidence::{Suites, TrainedOn};
use firstline_triage::{BundleInfo, Policy};
use jiff::civil::Date;

use crate::live_bundle::served_id;

/// The bundle and the policy in service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InServiceNow {
    /// Their name in records.
    pub bundle_id: String,
    /// Hash of the bundle's `bundle.json`.
    pub bundle_sha256: String,
    /// Hash of the policy.
    pub policy_sha: String,
    /// What the bundle says it was trained on.
    pub trained_on: TrainedOn,
}

impl InServiceNow {
    /// Of a bundle, with the sha256 of its `bundle.json`, under a policy.
    ///
    /// # Errors
    /// As for [`served_id`].
    pub fn of(info: &BundleInfo, bundle_sha256: &str, policy: &Policy) -> Result<Self> {
        let (bundle_id, policy_sha) = served_id(bundle_sha256, policy)?;
        let bundle_sha256 = bundle_sha256.to_owned();
        Ok(Self { bundle_id, bundle_sha256, policy_sha, trained_on: trained_on(info) })
    }
}

/// What a bundle says it was trained on.
pub fn trained_on(info: &BundleInfo) -> TrainedOn {
    let day = |text: &String| text.get(..10)?.parse::<Date>().ok();
    let learnt = info.split.learnt_from.as_ref();
    TrainedOn {
        from: learnt.and_then(|(from, _)| day(from)),
        to: learnt.and_then(|(_, to)| day(to)),
        n: (info.split.train + info.split.calibrate) as u64,
        split: info.split.kind.clone(),
        sha256: info.data_sha256.clone(),
    }
}

/// How many attacks and canaries evidence has to have tried: the suite of this program, and so many canaries that their silence says
/// something.
pub(super) fn suites() -> Result<Suites> {
    let attacks = AttackSuite::built_in()?.attacks("").len() as u64;
    Ok(Suites { attacks, canaries: FEWEST_CANARIES as u64 })
}
