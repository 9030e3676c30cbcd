//! What every part of the model does with scores and probabilities. It must never see a ticket or a label's name.

/// `log softmax`, stable for any finite logits.
pub fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let log_sum = logits.iter().map(|z| f64::from(z - max).exp()).sum::<f64>().ln() as f32;
    logits.iter().map(|z| z - max - log_sum).collect()
}

/// `softmax` in place, stable for any finite logits.
pub fn softmax(logits: &mut [f32]) {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sum = 0.0;
    for z in logits.iter_mut() {
        *z = (*z - max).exp();
        sum += *z;
    }
    logits.iter_mut().for_each(|z| *z /= sum);
}

/// The index of the largest value, the lowest among equals.
pub fn argmax(p: &[f32]) -> usize {
    (0..p.len()).rev().max_by(|&a, &b| p[a].total_cmp(&p[b])).unwrap_or(0)
}

/// Takes the probability of the `retired` labels away and shares it out among the others.
pub fn retire(probabilities: &mut [f32], retired: &[u32]) {
    if retired.is_empty() {
        return;
    }
    retired.iter().for_each(|&label| probabilities[label as usize] = 0.0);
    let left: f32 = probabilities.iter().sum();
    probabilities.iter_mut().for_each(|p| *p /= left.max(f32::MIN_POSITIVE));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_stay_finite() {
        let mut extreme = [1e30, -1e30];
        softmax(&mut extreme);
        assert_eq!(extreme, [1.0, 0.0]);
    }

    #[test]
    fn the_first_among_equals_is_the_largest() {
        assert_eq!([argmax(&[0.2, 0.4, 0.4]), argmax(&[0.5, 0.5]), argmax(&[])], [1, 0, 0]);
    }

    #[test]
    fn what_a_retired_label_had_goes_to_the_others() {
        let mut p = [0.5, 0.25, 0.25];
        retire(&mut p, &[0]);
        assert_eq!(p, [0.0, 0.5, 0.5]);
    }
}
