//! Which criteria are in force: the newest that enough persons have signed.
//!
//! Until a new version is signed the old one holds, and nothing is loosened in the days after a trigger has fired.

use firstline_ticket::is_same_person;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{Criteria, Criterion, Direction, TwoFalls};

/// That somebody has signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The person, as they are known to the service: not the name that they typed.
    pub person: String,
    /// The moment of signing.
    pub at: Timestamp,
}

/// A version of the criteria.
#[derive(Debug, Clone, PartialEq)]
pub struct SignedCriteria {
    /// The version, counted from 1.
    pub version: u32,
    /// The criteria.
    pub criteria: Criteria,
    /// Who has signed it.
    pub signatures: Vec<Signature>,
}

/// Days after a trigger in which nothing is loosened.
const FROZEN: i64 = 7;

impl SignedCriteria {
    /// When the last signature that it needs was given, of different persons; `None` while one is missing.
    pub fn signed_at(&self) -> Option<Timestamp> {
        self.signed_by(usize::from(self.criteria.signatures))
    }

    /// When `needed` different persons had signed it.
    fn signed_by(&self, needed: usize) -> Option<Timestamp> {
        let mut signatures: Vec<&Signature> = self.signatures.iter().collect();
        signatures.sort_by_key(|signature| signature.at);
        let mut persons: Vec<&str> = Vec::new();
        signatures.into_iter().find_map(|signature| {
            if !persons.iter().any(|person| is_same_person(person, &signature.person)) {
                persons.push(&signature.person);
            }
            (persons.len() >= needed).then_some(signature.at)
        })
    }
}

/// The criteria in force at `at`, of all versions in any order; a week is judged by those at its end. `fired` are the moments at
/// which triggers fired: a version that loosens anything takes force no sooner than seven days after the last of them before it was
/// signed. A version needs as many persons as it asks for, and no fewer than the one that it replaces. `None` where nothing is signed.
pub fn in_force<'a>(
    versions: &'a [SignedCriteria],
    at: Timestamp,
    fired: &[Timestamp],
) -> Option<&'a SignedCriteria> {
    let mut versions: Vec<&SignedCriteria> = versions.iter().collect();
    versions.sort_by_key(|version| version.version);
    let mut holds: Option<&SignedCriteria> = None;
    for version in versions {
        let asked = version.criteria.signatures.max(holds.map_or(0, |before| before.criteria.signatures));
        let Some(signed) = version.signed_by(usize::from(asked)) else { continue };
        let loosens = holds.is_some_and(|before| version.criteria.loosens(&before.criteria));
        let last = fired.iter().filter(|moment| **moment <= signed).max().filter(|_| loosens);
        let from = last.map_or(signed, |last| signed.max(*last + SignedDuration::from_hours(24 * FROZEN)));
        if from <= at {
            holds = Some(version);
        }
    }
    holds
}

impl Criteria {
    /// Whether anything in it is easier to meet, or later to fire, than in `before`.
    pub fn loosens(&self, before: &Self) -> bool {
        let easier = |old: &Criterion| match self.kpi.iter().find(|new| new.name == old.name) {
            None => true,
            Some(new) if new.direction != old.direction => true,
            Some(new) => match new.direction {
                Direction::AtLeast => new.day90 < old.day90,
                Direction::AtMost => new.day90 > old.day90,
            },
        };
        let (new, old) = (&self.rollback, &before.rollback);
        self.signatures < before.signatures
            || self.evidence > before.evidence
            || before.kpi.iter().any(easier)
            || (self.two_falls != before.two_falls && self.two_falls != TwoFalls::Both)
            || new.errors > old.errors
            || new.agreement < old.agreement
            || new.agreement_after_week > old.agreement_after_week
            || new.savings < old.savings
            || new.savings_by_week > old.savings_by_week
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::tests::at;

    fn version(number: u32, signed: &[(&str, &str)], change: impl Fn(&mut Criteria)) -> SignedCriteria {
        let mut criteria = Criteria::parse(Criteria::EXAMPLE, "c").unwrap();
        change(&mut criteria);
        let sign = |(person, day): &(&str, &str)| Signature {
            person: (*person).to_owned(),
            at: at(&format!("2026-{day}T09:00:00Z")),
        };
        SignedCriteria { version: number, criteria, signatures: signed.iter().map(sign).collect() }
    }

    fn holds(versions: &[SignedCriteria], day: &str, fired: &[&str]) -> Option<u32> {
        let moment = |day: &str| at(&format!("2026-{day}T12:00:00Z"));
        let fired: Vec<Timestamp> = fired.iter().map(|day| moment(day)).collect();
        in_force(versions, moment(day), &fired).map(|version| version.version)
    }

    #[test]
    fn r11_two_different_persons_sign_and_until_then_the_old_version_holds() {
        let versions = [
            version(2, &[("ada", "12-02"), ("ben", "12-04")], |criteria| criteria.rollback.errors = 0.01),
            version(1, &[("ada", "11-02"), ("ada", "11-03"), ("ben", "11-05")], |_| ()),
            version(3, &[("ada", "12-10")], |_| ()),
        ];
        // One person who signs twice is one person. A week is judged by what holds at its end.
        let days = ["11-04", "11-05", "12-03", "12-04", "12-20"];
        assert_eq!(days.map(|day| holds(&versions, day, &[])), [None, Some(1), Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn r11_one_person_under_names_that_look_the_same_signs_once() {
        for other in ["Ada", "ADA", "ada ", "\u{430}da", "a\u{200b}da", "ａｄａ", "ada\u{202c}"] {
            let alone = [version(1, &[("ada", "11-02"), (other, "11-03")], |_| ())];
            assert_eq!(holds(&alone, "11-30", &[]), None, "{other:?}");
            let three = [version(1, &[("ada", "11-02"), (other, "11-03"), ("ida", "11-04")], |_| ())];
            assert_eq!(holds(&three, "11-03", &[]), None, "{other:?}");
            assert_eq!(holds(&three, "11-04", &[]), Some(1), "{other:?}");
        }
    }

    #[test]
    fn r11_nothing_is_loosened_in_the_week_after_a_trigger() {
        let both = |day| [("ada", day), ("ben", day)];
        let first = version(1, &both("11-02"), |_| ());
        let stricter = version(2, &both("12-02"), |criteria| criteria.rollback.agreement = 0.80);
        let looser = version(2, &both("12-02"), |criteria| criteria.kpi[1].day90 = -0.2);
        let of = |second: &SignedCriteria, day, fired: &[&str]| {
            holds(&[first.clone(), second.clone()], day, fired)
        };
        assert_eq!(of(&stricter, "12-02", &["12-01"]), Some(2));
        assert_eq!(of(&looser, "12-02", &["11-20"]), Some(2));
        assert_eq!((of(&looser, "12-07", &["12-01"]), of(&looser, "12-08", &["12-01"])), (Some(1), Some(2)));
        // What two falls do is looser too, unless both count.
        let falls = |to| version(2, &both("12-02"), |criteria| criteria.two_falls = to);
        let at_once = |to| of(&falls(to), "12-02", &["12-01"]);
        assert_eq!((at_once(TwoFalls::Both), at_once(TwoFalls::Tested)), (Some(2), Some(1)));
        // A trigger later on takes nothing back.
        assert_eq!(of(&looser, "12-04", &["12-03"]), Some(2));
    }

    #[test]
    fn r11_one_person_alone_replaces_nothing_that_two_signed() {
        let first = version(1, &[("ada", "11-02"), ("ben", "11-03")], |_| ());
        let of = |signed: &[(&str, &str)], day| {
            holds(&[first.clone(), version(2, signed, |criteria| criteria.signatures = 1)], day, &[])
        };
        assert_eq!(of(&[("ada", "12-02")], "12-30"), Some(1));
        assert_eq!(of(&[("ada", "12-02"), ("ada", "12-03")], "12-30"), Some(1));
        let both = [("ada", "12-02"), ("ben", "12-04")];
        assert_eq!((of(&both, "12-03"), of(&both, "12-04")), (Some(1), Some(2)));
        // Where one was enough before, one is enough; a version that asks for more needs more.
        let alone = |number, signatures, signed: &[(&str, &str)]| {
            version(number, signed, |criteria| criteria.signatures = signatures)
        };
        let ones = [alone(1, 1, &[("ada", "11-02")]), alone(2, 1, &[("ben", "12-02")])];
        assert_eq!(holds(&ones, "12-30", &[]), Some(2));
        let more = [alone(1, 1, &[("ada", "11-02")]), alone(2, 3, &both)];
        assert_eq!(holds(&more, "12-30", &[]), Some(1));
    }

    #[test]
    fn r11_whatever_is_easier_to_meet_loosens() {
        let before = version(1, &[], |_| ()).criteria;
        let changed = |change: &dyn Fn(&mut Criteria)| version(1, &[], change).criteria.loosens(&before);
        assert!(!before.loosens(&before));
        assert!(!changed(&|c| c.kpi[0].day90 = 0.9) && !changed(&|c| c.rollback.savings_by_week = 9));
        let looser: [&dyn Fn(&mut Criteria); 6] = [
            &|c| c.kpi[0].day90 = 0.8,
            &|c| c.kpi[0].direction = Direction::AtMost,
            &|c| c.kpi.truncate(1),
            &|c| c.signatures = 1,
            &|c| c.evidence = crate::GateEvidence::Ceiling,
            &|c| c.rollback.agreement_after_week = 8,
        ];
        assert!(looser.into_iter().all(changed));
    }
}
