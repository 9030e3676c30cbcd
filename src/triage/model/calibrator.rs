//! The last correction of a mixture's probabilities, beyond its temperature and floor: one of three, chosen by training.

use serde::{Deserialize, Serialize};

use super::probability::{argmax, softmax};

/// How probabilities are corrected.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "lowercase")]
pub enum Calibrator {
    /// Not at all: the temperature has done it (Guo et al., arXiv 1706.04599).
    #[default]
    Temperature,
    /// Vector scaling (Guo et al.): `softmax(scale_c ln p_c + shift_c)`.
    Vector {
        /// One a label.
        scale: Vec<f32>,
        /// One a label.
        shift: Vec<f32>,
    },
    /// Isotonic regression of the largest probability (Zadrozny and Elkan 2002), by straight lines between points; the
    /// other labels share what it leaves, in proportion.
    Isotonic {
        /// Probabilities as they were, ascending.
        from: Vec<f32>,
        /// What they become, not descending.
        to: Vec<f32>,
    },
}

impl Calibrator {
    /// The method's name, as reports show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Vector { .. } => "vector",
            Self::Isotonic { .. } => "isotonic",
        }
    }

    /// Corrects `p`, which stays a distribution.
    pub fn apply(&self, p: &mut [f32]) {
        match self {
            Self::Temperature => {}
            Self::Vector { scale, shift } => {
                for (p, (scale, shift)) in p.iter_mut().zip(scale.iter().zip(shift)) {
                    *p = scale * p.max(1e-9).ln() + shift;
                }
                softmax(p);
            }
            Self::Isotonic { from, to } => {
                let top = argmax(p);
                let before = p[top];
                let after = interpolate(from, to, before);
                let rest = (1.0 - after) / (1.0 - before).max(1e-9);
                p.iter_mut().for_each(|p| *p *= rest);
                p[top] = after;
                let sum: f32 = p.iter().sum();
                p.iter_mut().for_each(|p| *p /= sum);
            }
        }
    }

    /// Whether it fits `k` labels.
    pub(crate) fn is_sound(&self, k: usize) -> bool {
        match self {
            Self::Temperature => true,
            Self::Vector { scale, shift } => {
                scale.len() == k && shift.len() == k && scale.iter().chain(shift).all(|v| v.is_finite())
            }
            Self::Isotonic { from, to } => {
                let within = |v: &[f32]| v.is_sorted() && v.iter().all(|p| (0.0..=1.0).contains(p));
                !from.is_empty() && from.len() == to.len() && within(from) && within(to)
            }
        }
    }
}

/// `at` on the line through the points `(from, to)`, level beyond both ends.
fn interpolate(from: &[f32], to: &[f32], at: f32) -> f32 {
    let above = from.partition_point(|&x| x < at);
    match (above.checked_sub(1), from.get(above)) {
        (None, _) => to[0],
        (Some(below), None) => to[below],
        (Some(below), Some(&high)) => {
            let share = (at - from[below]) / (high - from[below]).max(f32::MIN_POSITIVE);
            to[below] + share * (to[above] - to[below])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(calibrator: &Calibrator, p: &[f32]) -> Vec<f32> {
        let mut p = p.to_vec();
        calibrator.apply(&mut p);
        assert!(
            (p.iter().sum::<f32>() - 1.0).abs() < 1e-5 && p.iter().all(|p| (0.0..=1.0).contains(p)),
            "{p:?}"
        );
        p
    }

    #[test]
    fn isotonic_moves_the_top_and_scales_the_rest() {
        let c = Calibrator::Isotonic { from: vec![0.4, 0.8], to: vec![0.3, 0.9] };
        assert!(c.is_sound(3));
        let p = applied(&c, &[0.6, 0.3, 0.1]);
        assert!((p[0] - 0.6).abs() < 1e-6, "half way between: {p:?}");
        let p = applied(&c, &[0.08, 0.9, 0.02]);
        assert!((p[1] - 0.9).abs() < 1e-6 && (p[0] / p[2] - 4.0).abs() < 1e-3);
        assert!(applied(&c, &[0.34, 0.33, 0.33])[0] < 0.31);
        applied(&c, &[1.0, 0.0, 0.0]);
    }

    #[test]
    fn vector_scaling_shifts_labels() {
        let c = Calibrator::Vector { scale: vec![1.0, 1.0], shift: vec![0.0, 1.0] };
        let p = applied(&c, &[0.5, 0.5]);
        assert!((p[1] / p[0] - 1f32.exp()).abs() < 1e-3);
        applied(&c, &[1.0, 0.0]);
        assert!(!c.is_sound(3));
    }

    #[test]
    fn it_survives_being_stored() {
        for c in [Calibrator::Temperature, Calibrator::Isotonic { from: vec![0.5], to: vec![0.25] }] {
            let json = serde_json::to_string(&c).unwrap();
            assert_eq!(serde_json::from_str::<Calibrator>(&json).unwrap(), c);
        }
    }
}
