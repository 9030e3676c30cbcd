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
mod reviews;

pub use certification::{Certification, CertificationStatus, FieldCertification, reserve};
pub use curve::{CurvePoint, learning_curve};
pub use drafts::{DraftReport, Group, Retrieval, RetrievalScores, Scores, beside_sent, evaluate_drafts};
pub use pairs::Pairs;
pub use reviews::{ConfidenceFit, ReviewReport, learn_reviews};
