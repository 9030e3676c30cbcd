//! Whether a category's drafts are sent often enough as they are for its replies to go out alone (R44).
//!
//! Must never count a draft that nobody has reviewed.

use firstline_stats::{Count, share};

use crate::{Check, Direction};

/// Reviewed drafts that it takes at least.
const FEWEST: usize = 20;
/// The share of them that has to be sent unchanged, at the lower bound.
const NEEDED: f64 = 0.50;

/// Whether drafts of a category, `hits` of the `n` that people reviewed were sent unchanged, are accepted often enough: at least 20 reviewed,
/// and the exact 95 % lower bound at 50 % or more, which the check holds as its bound.
pub(crate) fn acceptance_check(reviewed: Count) -> Check {
    let name = "drafts of the category sent unchanged";
    let mut check = Check::share(name, Direction::AtLeast, NEEDED, reviewed);
    if reviewed.n < FEWEST {
        check.passed = false;
        check.missing = Some(format!("{FEWEST} reviewed drafts are needed, {} are there", reviewed.n));
        check.found = (reviewed.n > 0).then(|| share(reviewed.hits, reviewed.n));
    }
    check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hits: usize, n: usize) -> Check {
        acceptance_check(Count { hits, n })
    }

    #[test]
    fn r44_twenty_reviewed_drafts_and_a_lower_bound_of_one_half() {
        // 15 of 20: the bound is .544; 14 of 20: .492.
        assert!(check(15, 20).passed && !check(14, 20).passed);
        assert!((check(15, 20).bounds.unwrap().lo - 0.544_4).abs() < 1e-3);
        assert!(check(14, 20).short_by.is_some_and(|short| short > 0.0 && short < 0.02));
        // A share that looks good enough is not, as long as chance may have made it.
        let half = check(260, 500);
        assert!(!half.passed && half.missing.unwrap().contains("tickets are needed"));
        assert!(check(280, 500).passed);
    }

    #[test]
    fn r44_few_reviewed_drafts_show_nothing() {
        let few = check(19, 19);
        assert!(!few.passed && few.found == Some(1.0));
        assert_eq!(few.missing.as_deref(), Some("20 reviewed drafts are needed, 19 are there"));
        let none = check(0, 0);
        assert!(!none.passed && none.found.is_none() && none.missing.unwrap().contains("0 are there"));
    }
}
