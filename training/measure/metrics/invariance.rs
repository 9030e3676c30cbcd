//! Figures must not depend on the order of the tickets, nor choice figures on the numbering of labels.

use rand::{RngExt, SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;

use super::{Confusion, FieldMetrics, Predictions};

/// Random predictions on a coarse grid, so that ties abound; some truths are unseen.
fn random(rng: &mut ChaCha8Rng) -> Predictions {
    let (n, k) = (rng.random_range(1..60), rng.random_range(1..7usize));
    let mut probs = Vec::with_capacity(n * k);
    for _ in 0..n {
        let weights: Vec<u8> = (0..k).map(|_| rng.random_range(1..5)).collect();
        let sum: f32 = weights.iter().map(|w| f32::from(*w)).sum();
        probs.extend(weights.iter().map(|w| f32::from(*w) / sum));
    }
    let truth = (0..n).map(|_| rng.random_bool(0.9).then(|| rng.random_range(0..k as u32))).collect();
    Predictions::new(k, probs, truth).unwrap()
}

#[test]
fn the_order_of_tickets_changes_nothing_to_the_last_bit() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for _ in 0..200 {
        let p = random(&mut rng);
        let mut order: Vec<usize> = (0..p.n()).collect();
        order.shuffle(&mut rng);
        let q = p.of(&order);
        assert_eq!(FieldMetrics::new(&p), FieldMetrics::new(&q));
        assert_eq!(Confusion::new(&p), Confusion::new(&q));
    }
}

#[test]
fn figures_stay_in_their_ranges_and_agree_with_each_other() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for _ in 0..200 {
        let p = random(&mut rng);
        let m = FieldMetrics::new(&p);
        for share in [m.accuracy, m.macro_f1, m.top3, m.ece, m.aurc, m.coverage_at_90, m.majority] {
            assert!((0.0..=1.0).contains(&share), "{m:?}");
        }
        assert!(m.top3 >= m.accuracy && m.kappa <= 1.0 && (0.0..=2.0).contains(&m.brier), "{m:?}");
        assert!(m.accuracy_ci95.lo <= m.accuracy && m.accuracy <= m.accuracy_ci95.hi, "{m:?}");
        assert!(m.coverage_at_90 >= m.coverage_at_95 && m.coverage_at_95 >= m.coverage_at_98, "{m:?}");
    }
}

#[test]
fn doubling_the_tickets_keeps_every_share() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..100 {
        let p = random(&mut rng);
        let twice: Vec<usize> = (0..p.n()).chain(0..p.n()).collect();
        let (m, d) = (FieldMetrics::new(&p), FieldMetrics::new(&p.of(&twice)));
        let near = |a: f64, b: f64| (a - b).abs() < 1e-12;
        assert!(near(m.accuracy, d.accuracy) && near(m.macro_f1, d.macro_f1) && near(m.kappa, d.kappa));
        assert!(near(m.nll, d.nll) && near(m.brier, d.brier) && near(m.ece, d.ece));
        assert_eq!(m.coverage_at_95, d.coverage_at_95);
    }
}
