//! Tries to sign in: five at once of one person and of one address, then one a second.
//!
//! Somebody who guesses at a person's password never keeps the person out for good: addresses that the person has signed in from before are
//! counted by themselves. Must never say whether there is such a person.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::problem::Problem;

/// Tries at once.
const BURST: NonZeroU32 = NonZeroU32::new(5).unwrap();
/// Then one of these a second.
const A_SECOND: NonZeroU32 = NonZeroU32::MIN;
/// Pairs of a person and an address that are kept in mind.
const MOST_KNOWN: usize = 10_000;

/// The tries of all.
pub(crate) struct Attempts {
    by_person: DefaultKeyedRateLimiter<(String, Option<IpAddr>)>,
    by_address: DefaultKeyedRateLimiter<Option<IpAddr>>,
    /// Where people have signed in from since the service started.
    known: Mutex<HashSet<(String, IpAddr)>>,
}

impl Attempts {
    pub(crate) fn new() -> Self {
        let quota = Quota::per_second(A_SECOND).allow_burst(BURST);
        Self {
            by_person: RateLimiter::keyed(quota),
            by_address: RateLimiter::keyed(quota),
            known: Mutex::default(),
        }
    }

    /// Counts a try. `person` is the name that was typed, known or not; nothing where a code stands for it.
    ///
    /// # Errors
    /// Too many tries: they may try again in a second.
    pub(crate) fn count(&self, person: Option<&str>, address: Option<IpAddr>) -> Result<(), Problem> {
        let address = address.map(network);
        let refused = |_| Problem::overload("signing in", 1);
        let person = person.map(folded);
        let known = person.clone().zip(address).filter(|pair| self.lock().contains(pair));
        // A person who has signed in from this address before has a quota of their own there, which nobody else's tries use up.
        if let Some((person, address)) = known {
            return self.by_person.check_key(&(person, Some(address))).map_err(refused);
        }
        self.by_address.check_key(&address).map_err(refused)?;
        person.map_or(Ok(()), |person| self.by_person.check_key(&(person, None)).map_err(refused))
    }

    /// Keeps in mind that this person has signed in from here.
    pub(crate) fn succeeded(&self, person: &str, address: Option<IpAddr>) {
        let Some(address) = address else { return };
        let mut known = self.lock();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert((folded(person), network(address)));
    }

    /// Forgets those whose tries are long over.
    pub(crate) fn tidy(&self) {
        self.by_person.retain_recent();
        self.by_address.retain_recent();
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<(String, IpAddr)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name, bounded, as tries of it are counted.
fn folded(person: &str) -> String {
    person.trim().to_lowercase().chars().take(64).collect()
}

/// An address as tries are counted: of IPv6 the network, for one customer of a provider has all of it.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => {
            let [a, b, c, d, ..] = six.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        four => four,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, n]))
    }

    fn tries(attempts: &Attempts, person: Option<&str>, address: Option<IpAddr>) -> usize {
        (0..20).take_while(|_| attempts.count(person, address).is_ok()).count()
    }

    #[test]
    fn five_tries_are_quick_and_then_one_a_second() {
        let attempts = Attempts::new();
        assert_eq!(tries(&attempts, Some("ada"), at(1)), 5);
        let refused = attempts.count(Some("ben"), at(1)).unwrap_err();
        assert_eq!(
            (refused.code, refused.retry_after),
            ("E_OVERLOAD", Some(1)),
            "the address has used up its quota, whatever name it gives"
        );
        assert_eq!(tries(&attempts, Some(" ADA "), at(2)), 0, "a person, wherever from");
        assert_eq!(tries(&attempts, Some("ben"), at(3)), 5);
        assert_eq!(tries(&attempts, None, at(4)), 5, "codes count by address");
        std::thread::sleep(std::time::Duration::from_millis(1_100));
        assert_eq!(tries(&attempts, Some("ada"), at(5)), 1);
    }

    #[test]
    fn who_guesses_keeps_the_owner_out_of_nothing() {
        let attempts = Attempts::new();
        attempts.succeeded("Ada", at(1));
        for n in 2..200 {
            let _refused = attempts.count(Some("ada"), at(n));
        }
        assert!(attempts.count(Some("ada"), at(250)).is_err());
        assert_eq!(tries(&attempts, Some("nobody"), at(1)), 5, "somebody else at her address");
        assert_eq!(tries(&attempts, Some("ada"), at(1)), 5);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let (one, other): (IpAddr, IpAddr) =
            ("2001:db8:1:2::3".parse().unwrap(), "2001:db8:1:2:ffff::4".parse().unwrap());
        assert_eq!(network(one), network(other));
        assert_eq!(network("::ffff:192.0.2.1".parse().unwrap()), IpAddr::from([192, 0, 2, 1]));
    }
}
