//! Which tickets are decided where nobody sees it, so that agreement can still be measured once decisions are shown.

use sha2::{Digest, Sha256};

/// Whether the ticket belongs to the blind sample of `share`: by a hash of its id, so that the same ticket is always in or out of
/// it and nobody picks. `salt` belongs to the installation. Tickets that a rule gives to a person are the caller's to keep out.
pub fn is_blind(ticket_id: &str, share: f64, salt: &str) -> bool {
    let mut hash = Sha256::new();
    hash.update((salt.len() as u64).to_le_bytes());
    hash.update(salt);
    hash.update(ticket_id);
    let place = hash.finalize().iter().take(8).fold(0u64, |place, byte| place << 8 | u64::from(*byte));
    (place as f64 / 2f64.powi(64)) < share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r31_the_blind_sample_is_as_large_as_it_says_and_always_the_same() {
        let ids: Vec<String> = (0..20_000).map(|i| i.to_string()).collect();
        let of = |share, salt| ids.iter().filter(|id| is_blind(id, share, salt)).count();
        assert!((900..=1_100).contains(&of(0.05, "a")), "{}", of(0.05, "a"));
        assert_eq!((of(0.0, "a"), of(1.0, "a")), (0, 20_000));
        // Another installation has another sample; a larger one holds the smaller.
        let both = ids.iter().filter(|id| is_blind(id, 0.05, "a") && is_blind(id, 0.05, "b")).count();
        assert!(both < 100, "{both}");
        assert!(ids.iter().all(|id| !is_blind(id, 0.05, "a") || is_blind(id, 0.10, "a")));
    }
}
