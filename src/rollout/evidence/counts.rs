//! Whether the figures of an evidence file follow from the counts beside them.
//!
//! Must never correct a figure: a file whose figures and counts differ was changed after it was measured.

use firstline_stats::{upper_bound, wilson95};

use super::{Agreed, Calibration, Certificate, Evidence, GateRow, RulesFigures};
use crate::{ShadowThresholds, Share, shadow_gate};

/// Figures that differ by more are different: JSON keeps every digit.
const TOLERANCE: f64 = 1e-6;

impl Evidence {
    /// The parts with a figure that their counts do not give, by name. `thresholds` are those of the signed criteria, which the
    /// gate's rows are computed with; a file without rows claims nothing by them.
    pub(super) fn contradictions(&self, thresholds: &ShadowThresholds) -> Vec<String> {
        let fields = self.accuracy.iter().map(|(field, agreed)| (format!("accuracy.{field}"), agreed));
        let joint = self.joint.iter().map(|(name, agreed)| (format!("joint.{name}"), agreed));
        let ceiling = self.ceiling.iter().map(|agreed| ("ceiling".to_owned(), agreed));
        let agreed = fields.chain(joint).chain(ceiling).filter(|(_, agreed)| !agreed_follows(agreed));
        let mut found: Vec<String> = agreed.map(|(name, _)| name).collect();
        let odd = self.calibration.iter().filter(|(_, calibration)| !calibration_follows(calibration));
        found.extend(odd.map(|(field, _)| format!("calibration.{field}")));
        let odd = self.certificates.iter().filter(|certificate| !certificate_follows(certificate));
        found.extend(odd.map(|certificate| {
            let of = certificate.category();
            format!(
                "certificates of {}{}",
                certificate.assertion.name(),
                if of.is_empty() { of } else { format!(", {of:?}") }
            )
        }));
        found.extend(self.rules.filter(|rules| !rules_follow(rules)).map(|_| "rules".to_owned()));
        found.extend(self.odd_row(thresholds).map(|name| format!("gates, {name:?}")));
        found
    }

    /// The first row of the gate that is not what the rest of the file gives.
    fn odd_row(&self, thresholds: &ShadowThresholds) -> Option<String> {
        let gate = shadow_gate(&self.shadow(None), thresholds);
        let due: Vec<GateRow> = gate.checks.iter().map(GateRow::from).collect();
        let differs = self.gates.iter().zip(&due).find(|(row, due)| !same_row(row, due));
        let name = differs.map(|(row, _)| row.name.clone());
        let counted = self.gates.is_empty() || self.gates.len() == due.len();
        name.or_else(|| (!counted).then(|| "rows".to_owned()))
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= TOLERANCE
}

fn near_or_absent(a: Option<f64>, b: Option<f64>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => near(a, b),
        (None, None) => true,
        _ => false,
    }
}

fn agreed_follows(agreed: &Agreed) -> bool {
    let due = Share::new(agreed.right, agreed.n);
    near_or_absent(due.share, Some(agreed.share))
        && near_or_absent(due.low, Some(agreed.low))
        && near_or_absent(due.high, Some(agreed.high))
}

/// The bins hold all tickets, and the calibration error is the mean distance of what they claim to what came true.
fn calibration_follows(found: &Calibration) -> bool {
    let n: u64 = found.bins.iter().map(|bin| bin.n).sum();
    let share = |right: u64, n: u64| right as f64 / n as f64;
    let gaps = found.bins.iter().filter(|bin| bin.n > 0);
    let gaps = gaps.map(|bin| bin.n as f64 * (share(bin.right, bin.n) - bin.confidence).abs());
    let bounds = found.bins.iter().all(|bin| {
        let due = wilson95(bin.right as usize, bin.n as usize);
        bin.n > 0 && near(due.lo, bin.low) && near(due.hi, bin.high)
    });
    n == found.n && bounds && near(gaps.sum::<f64>() / n as f64, found.ece)
}

/// The coverage is that of the counts, and the bound no lower than one that stands alone: those of several categories together are
/// higher.
fn certificate_follows(found: &Certificate) -> bool {
    let coverage = found.tested == 0 || near(found.accepted as f64 / found.tested as f64, found.coverage);
    let least = upper_bound(found.errors as usize, found.accepted as usize, found.confidence);
    coverage && found.bound.is_none_or(|bound| bound >= least - TOLERANCE)
}

fn rules_follow(found: &RulesFigures) -> bool {
    let share = |right: u64| right as f64 / found.n as f64;
    found.n > 0
        && near(share(found.rules_right), found.agreement)
        && near(share(found.rules_right) - share(found.model_right), found.difference)
}

fn same_row(row: &GateRow, due: &GateRow) -> bool {
    (&row.name, row.direction, row.n, row.passed) == (&due.name, due.direction, due.n, due.passed)
        && near(row.needed, due.needed)
        && near_or_absent(row.found, due.found)
        && near_or_absent(row.low, due.low)
        && near_or_absent(row.high, due.high)
        && near_or_absent(row.short_by, due.short_by)
}
