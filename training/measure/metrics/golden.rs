//! Figures against scikit-learn's; `tests/tools/reference_metrics.py` made `golden.json`.

use serde::Deserialize;

use super::{FieldMetrics, Interval, Predictions, wilson95};

/// The reference computes in float64 like us; what differs is the order of additions.
const TOLERANCE: f64 = 1e-9;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
    wilson: Vec<Wilson>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    k: usize,
    /// Probabilities in units of 1/1024, exact in `f32`.
    probs_1024: Vec<u16>,
    /// -1 is a label the model does not know.
    truth: Vec<i64>,
    accuracy: f64,
    macro_f1: f64,
    top3: f64,
    kappa: f64,
    nll: f64,
    brier: f64,
    ece: f64,
    aurc: f64,
}

#[derive(Deserialize)]
struct Wilson {
    hits: usize,
    n: usize,
    interval: Interval,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden.json")).unwrap()
}

#[test]
fn figures_are_those_of_scikit_learn() {
    for case in golden().cases {
        let probs = case.probs_1024.iter().map(|p| f32::from(*p) / 1024.0).collect();
        let truth = case.truth.iter().map(|t| u32::try_from(*t).ok()).collect();
        let m = FieldMetrics::new(&Predictions::new(case.k, probs, truth).unwrap());
        let figures = [
            ("accuracy", m.accuracy, case.accuracy),
            ("macro_f1", m.macro_f1, case.macro_f1),
            ("top3", m.top3, case.top3),
            ("kappa", m.kappa, case.kappa),
            ("nll", m.nll, case.nll),
            ("brier", m.brier, case.brier),
            ("ece", m.ece, case.ece),
            ("aurc", m.aurc, case.aurc),
        ];
        for (figure, ours, theirs) in figures {
            assert!((ours - theirs).abs() < TOLERANCE, "{}: {figure} {ours} for {theirs}", case.name);
        }
    }
}

#[test]
fn wilson_intervals_are_those_of_the_formula() {
    for w in golden().wilson {
        let ours = wilson95(w.hits, w.n);
        let near = |a: f64, b: f64| (a - b).abs() < TOLERANCE;
        assert!(near(ours.lo, w.interval.lo) && near(ours.hi, w.interval.hi), "{}/{}: {ours:?}", w.hits, w.n);
    }
}
