//! What a bundle says about itself: `bundle.json`, as the program has it and as it lies in the file.
//!
//! It must never hold a ticket's text; label names, which it holds, are the desk's own.

use std::collections::BTreeMap;

use firstline_ticket::{Field, LabelSpace};
use serde::{Deserialize, Serialize};

use crate::model::{Calibrator, Correctness, Hierarchy, Mixture, Ordinal};
use crate::site_words::SiteWords;

/// Version of the format this program writes, and the only one it reads.
pub const BUNDLE_FORMAT: u32 = 2;

/// What a bundle says about itself: `bundle.json`, but for the file hashes and the fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BundleInfo {
    /// [`BUNDLE_FORMAT`].
    pub format: u32,
    /// Version of the program that trained it.
    pub trained_by: String,
    /// Name of the encoder's manifest.
    pub model: String,
    /// Whether what fine-tuning made of the encoder stands beside it.
    pub tuned: bool,
    /// Dimensions of an embedding, `d`: of both encoders together where there are two.
    pub dimensions: usize,
    /// Seed of the training.
    pub seed: u64,
    /// sha256 of the training file.
    pub data_sha256: String,
    /// sha256 of the training settings.
    pub config_sha256: String,
    /// How the data was split.
    pub split: SplitFacts,
    /// The words that the site had added to the built-in lists.
    #[serde(default, skip_serializing_if = "SiteWords::is_empty")]
    pub words: SiteWords,
}

/// How the data was split, for the report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitFacts {
    /// `time`, `random` or `given`.
    pub kind: String,
    /// Tickets the heads were first fitted on.
    pub train: usize,
    /// Tickets that chose regularisation, mixture and confidence, and were then learnt from too.
    pub calibrate: usize,
    /// Tickets kept for certifying thresholds; nothing was learnt from them.
    pub certify: usize,
    /// Tickets held out, never looked at in training.
    pub test: usize,
    /// Tickets set aside because a near-duplicate stands in another window.
    pub repeats: usize,
    /// Tickets of no window: their `split` names none, or they have no date.
    pub unused: usize,
    /// First and last opening date of the tickets that were learnt from, where they have dates.
    pub learnt_from: Option<(String, String)>,
    /// What to know about the split before believing the figures, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// `bundle.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct InfoFile {
    #[serde(flatten)]
    pub(super) info: BundleInfo,
    pub(super) fields: BTreeMap<Field, FieldFile>,
    pub(super) hierarchy: Option<Hierarchy>,
    pub(super) files: BTreeMap<String, String>,
    /// Whether the hash of this file lies beside it, so that its loss is noticed. Bundles of before have none.
    #[serde(default)]
    pub(super) sealed: bool,
}

/// What it says of a field.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FieldFile {
    pub(super) space: LabelSpace,
    pub(super) members: Vec<String>,
    pub(super) mixture: Mixture,
    pub(super) calibrator: Calibrator,
    pub(super) correctness: Option<Correctness>,
    pub(super) ordinal: Option<Ordinal>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) retired: Vec<u32>,
    pub(super) rare: BTreeMap<String, usize>,
}
