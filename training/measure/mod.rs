//! How good decisions and drafts are, how far they can be trusted, and how good the labels are that they learn from.
//!
//! Nothing here changes a bundle or a label; what is measured here must never be learnt from afterwards.

pub mod audit;
mod certification;
pub mod certify;
mod curve;
mod drafts;
pub mod metrics;
mod pairs;
mod resample;
mod reviews;

pub(crate) use certification::is_right;
pub use certification::{
    AssertionCertification, CategoryCertification, Certification, CertificationStatus, DecidedCategory,
    Tested, tested,
};
pub use curve::{CurvePoint, learning_curve};
pub use drafts::{DraftReport, Group, Retrieval, RetrievalScores, Scores, evaluate_drafts, said_and_sent};
pub use pairs::Pairs;
pub use resample::{Kept, Resampled, Resampling, resample};
pub use reviews::{ConfidenceFit, ReviewReport, learn_reviews};
