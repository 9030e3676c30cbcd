//! How likely a draft is sent unchanged, by what people did with drafts before it. What is learnt (in training) lies beside the
//! bundle and outlives it.
//!
//! Must never speak of feedback where there is too little of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_ticket::{Basis, Confidence, Origin};
use firstline_triage::bundle::layout;
use serde::{Deserialize, Serialize};


/// With fewer reviews the prior holds.
pub const MIN_REVIEWS: usize = 30;
/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 1 << 20;
/// A probability is looked at no nearer to 0 or 1 than this.
const EDGE: f64 = 0.01;

/// A logistic model: `logit p = bias + origin's bias + slope x logit prior`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reviews {
    /// Reviews that it was learnt from.
    pub reviews: usize,
    /// Drafts of all origins, against what their priors say.
    pub bias: f64,
    /// How much the priors tell.
    pub slope: f64,
    /// What the origin adds.
    pub origins: BTreeMap<Origin, f64>,
}

impl Default for Reviews {
    /// What holds before anybody has reviewed anything: the prior.
    fn default() -> Self {
        Self { reviews: 0, bias: 0.0, slope: 1.0, origins: BTreeMap::new() }
    }
}

impl Reviews {
    /// Where the reviews of the bundle in `dir` lie.
    pub fn path(dir: &Path) -> PathBuf {
        layout::beside(dir, layout::REVIEWS)
    }

    /// Reads what was learnt from the reviews of the bundle in `dir`; nothing where there is no file.
    ///
    /// # Errors
    /// [`Code::Config`] when the file has another form.
    pub fn read(dir: &Path) -> Result<Self> {
        let path = Self::path(dir);
        let fault = |problem: String| {
            let next = "Learn it anew: firstline drafts learn-reviews";
            UserError::new(Code::Config, path.display().to_string(), problem, next)
        };
        match std::fs::metadata(&path) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Ok(meta) if meta.len() > MAX_FILE => return Err(fault(format!("{} bytes", meta.len())).into()),
            _ => {}
        }
        let bytes = std::fs::read(&path).map_err(|e| UserError::io(path.display(), &e))?;
        let read: Self = serde_json::from_slice(&bytes).map_err(|e| fault(e.to_string()))?;
        let all = [read.bias, read.slope];
        if all.iter().chain(read.origins.values()).any(|x| !x.is_finite()) {
            return Err(fault("not a number".to_owned()).into());
        }
        Ok(read)
    }

    /// Writes what was learnt for the bundle in `dir`, readable for the owner alone.
    ///
    /// # Errors
    /// [`Code::Io`] when the file can't be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        let path = Self::path(dir);
        let json =
            serde_json::to_vec_pretty(self).map_err(|e| InternalError::new(format!("reviews: {e}")))?;
        Ok(firstline_nn::write_private_file(&[json], &path).map_err(|e| UserError::io(path.display(), &e))?)
    }

    /// The probability that a draft of this origin and prior is sent unchanged, and what that was learnt from.
    pub fn confidence(&self, origin: Origin, prior: Confidence) -> (Confidence, Basis) {
        if self.reviews < MIN_REVIEWS {
            return (prior, Basis::Prior);
        }
        let z = self.bias + self.origins.get(&origin).copied().unwrap_or(0.0) + self.slope * logit(prior);
        (Confidence::new(1.0 / (1.0 + (-z).exp())), Basis::Feedback)
    }
}

/// The logit of a prior, away from certainty.
pub fn logit(prior: Confidence) -> f64 {
    let p = prior.get().clamp(EDGE, 1.0 - EDGE);
    (p / (1.0 - p)).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prior_holds_until_there_are_enough_reviews() {
        let prior = Confidence::new(0.6);
        assert_eq!(Reviews::default().confidence(Origin::Retrieved, prior), (prior, Basis::Prior));
        let origins = [(Origin::Template, 1.0)].into();
        let learnt = Reviews { reviews: MIN_REVIEWS, bias: -1.0, slope: 1.0, origins };
        let (template, basis) = learnt.confidence(Origin::Template, prior);
        assert!((template.get() - 0.6).abs() < 1e-9 && basis == Basis::Feedback);
        assert!(learnt.confidence(Origin::Retrieved, prior).0 < prior);
    }

    #[test]
    fn they_are_read_as_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = dir.path().join("bundle");
        assert_eq!(Reviews::read(&bundle).unwrap(), Reviews::default());
        let learnt =
            Reviews { reviews: 40, origins: [(Origin::Generated, -0.5)].into(), ..Reviews::default() };
        learnt.write(&bundle).unwrap();
        assert_eq!(Reviews::read(&bundle).unwrap(), learnt);
        #[cfg(unix)]
        assert_eq!(crate::files::mode(&Reviews::path(&bundle)), 0o600);
        std::fs::write(Reviews::path(&bundle), "{}").unwrap();
        assert!(Reviews::read(&bundle).unwrap_err().to_string().contains("learn-reviews"));
    }
}
