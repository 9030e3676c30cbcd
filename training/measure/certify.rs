//! Certified thresholds: from which confidence on, with a stated probability, no more than a target share of the
//! accepted tickets is wrong.
//!
//! Exact binomial tests in a fixed sequence of thresholds (Learn-then-Test, Angelopoulos et al., arXiv 2110.01052;
//! Geifman and El-Yaniv, arXiv 1705.08500). The thresholds are a ladder fixed beforehand; where on it the sequence
//! begins is read off the confidences alone, never off what turned out right, so no test has to be paid for twice.
//! Categories that are promoted together share the chance of a broken promise; one that passes down to the floor hands its share on to the
//! others (graphical procedures, Bretz et al. 2009, DOI 10.1002/sim.3495).
//! The tickets must be such as neither the model nor its calibration was fitted to, and the promise is for tickets
//! like them: drawn from the same stream. Must never look at more than one assertion's decisions at a time.

use firstline_stats::{Scored, at_most, trials_needed, upper_bound};

/// What is to be promised.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Promise {
    /// Largest share of wrong decisions among the accepted, between 0 and 1, both excluded.
    pub error: f64,
    /// Probability with which the promise holds, between 0 and 1, both excluded.
    pub confidence: f64,
    /// No threshold lies below this confidence, whatever would pass there; 0 for none.
    pub floor: f64,
}

impl Promise {
    fn check(self) {
        let Self { error, confidence, floor } = self;
        assert!(error > 0.0 && error < 1.0, "an error of {error}");
        assert!(confidence > 0.0 && confidence < 1.0, "a confidence of {confidence}");
        assert!((0.0..1.0).contains(&floor), "a floor of {floor}");
    }

    /// The probability that it may be broken with.
    fn chance(self) -> f64 {
        1.0 - self.confidence
    }
}

/// A category is never given up for fewer errors than this, however few its tickets.
const TELLING: usize = 5;

/// A threshold and what it was granted on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Certificate {
    /// Tickets of at least this confidence may be accepted.
    pub threshold: f64,
    /// Accepted tickets among those that were tested.
    pub accepted: usize,
    /// Wrong ones among the accepted.
    pub errors: usize,
    /// Share of the tested tickets that are accepted.
    pub coverage: f64,
    /// Upper end of the exact one-sided interval of the error at this threshold; at most the promised error.
    pub bound: f64,
}

/// Why there is no certificate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Refusal {
    /// Accepted tickets at the threshold where the sequence began: the surest bet.
    pub accepted: usize,
    /// Wrong ones among them.
    pub errors: usize,
    /// What more tickets of the kind would change.
    pub outlook: Outlook,
}

/// What more tickets would do for decisions that can't be certified yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outlook {
    /// So many accepted tickets, with no more errors than now, would be enough.
    Needs(usize),
    /// The share of errors is over the target, but on so few tickets that it may be chance.
    Unclear,
    /// The share of errors is over the target, as surely as is promised: more tickets would not help.
    Hopeless,
}

/// The thresholds, highest first: sixteen to each power of ten of `1 - threshold`, and the floor at the end.
fn ladder(floor: f64) -> impl Iterator<Item = f64> {
    let rungs = (1..=64).rev().map(|rung| 1.0 - 10_f64.powf(-f64::from(rung) / 16.0));
    rungs.filter(move |&threshold| threshold > floor).chain([floor])
}

/// Tests `tickets` for the lowest threshold that keeps `promise`.
///
/// # Errors
/// The reason, when no threshold does.
///
/// # Panics
/// When error or confidence of the promise is not between 0 and 1, or the floor is not below 1.
pub fn certify(tickets: &[Scored], promise: Promise) -> Result<Certificate, Refusal> {
    promise.check();
    let mut sequence = Sequence::new(tickets, promise);
    sequence.test(promise.chance());
    sequence.outcome(promise.chance())
}

/// [`certify`] for categories that are promoted together: with the promised probability not one of the certificates
/// is broken.
///
/// The chance of that is divided evenly among the largest categories, as many as have tickets enough, at or above the floor, to be certified
/// with the share that each then gets. Counts of tickets only, so nothing is peeked at. A category that passes all the way down to the
/// floor needs its share no longer and hands it on, evenly, to those that are still tested; when all of these have passed, the largest of
/// the rest is tested with the whole chance, and after it the next.
///
/// # Panics
/// As [`certify`].
pub fn certify_together(categories: &[Vec<Scored>], promise: Promise) -> Vec<Result<Certificate, Refusal>> {
    promise.check();
    let mut sequences: Vec<Sequence> =
        categories.iter().map(|tickets| Sequence::new(tickets, promise)).collect();
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(sequences[i].most()));
    let share = |sharing: usize| promise.chance() / sharing as f64;
    let is_enough = |&(sharing, i): &(usize, &usize)| {
        let needed = tickets_needed(0, Promise { confidence: 1.0 - share(sharing), ..promise });
        sequences[*i].most() >= needed
    };
    let sharing = (1..).zip(&order).take_while(is_enough).count();
    let mut waiting = order.split_off(sharing).into_iter();
    let mut open = order;
    let mut chances = vec![share(sharing + 1); sequences.len()];
    loop {
        if open.is_empty() {
            open.extend(waiting.next());
        }
        let tested = open.len();
        for &i in &open {
            chances[i] = share(tested);
            sequences[i].test(chances[i]);
        }
        open.retain(|&i| !sequences[i].is_done());
        if open.len() == tested {
            break;
        }
    }
    sequences.iter().zip(chances).map(|(sequence, chance)| sequence.outcome(chance)).collect()
}

/// A category's thresholds on their way down.
struct Sequence {
    rungs: Vec<Rung>,
    /// Where testing begins, once it has.
    first: Option<usize>,
    /// Rungs that have passed, from there on.
    passed: usize,
    /// Tickets of the category, whatever their confidence.
    tickets: usize,
    promise: Promise,
}

impl Sequence {
    fn new(tickets: &[Scored], promise: Promise) -> Self {
        let rungs = ladder(promise.floor).map(|threshold| Rung::new(tickets, threshold)).collect();
        Self { rungs, first: None, passed: 0, tickets: tickets.len(), promise }
    }

    /// Tickets that could be accepted at most.
    fn most(&self) -> usize {
        self.rungs.last().map_or(0, |floor| floor.accepted)
    }

    /// Where testing begins that may err with this `chance`: where the model itself foresees an easy pass, as high as possible; else
    /// where it foresees the easiest.
    fn beginning(&self, chance: f64) -> usize {
        let foreseen =
            |rung: &Rung| at_most(rung.foreseen.round() as usize, rung.accepted, self.promise.error);
        self.rungs.iter().position(|rung| foreseen(rung) <= chance / 10.0).unwrap_or_else(|| {
            let accepting = (0..self.rungs.len()).filter(|&rung| self.rungs[rung].accepted > 0);
            let easiest = accepting
                .map(|rung| (rung, foreseen(&self.rungs[rung])))
                .min_by(|(_, a), (_, b)| a.total_cmp(b));
            easiest.map_or(0, |(rung, _)| rung)
        })
    }

    /// Goes on as far as the tests pass that may err with this `chance`, which never falls from call to call.
    fn test(&mut self, chance: f64) {
        let first = self.first.unwrap_or_else(|| self.beginning(chance));
        self.first = Some(first);
        let left = self.rungs[first + self.passed..].iter();
        let passes = |rung: &&Rung| at_most(rung.errors, rung.accepted, self.promise.error) <= chance;
        self.passed += left.take_while(passes).count();
    }

    /// Whether all passes down to the floor.
    fn is_done(&self) -> bool {
        self.first.is_some_and(|first| first + self.passed == self.rungs.len())
    }

    /// What came of it where the tests could err with this `chance`.
    fn outcome(&self, chance: f64) -> Result<Certificate, Refusal> {
        let first = self.first.unwrap_or_else(|| self.beginning(chance));
        if self.passed == 0 {
            let Rung { accepted, errors, .. } = self.rungs[first];
            return Err(Refusal { accepted, errors, outlook: self.outlook(accepted, errors, chance) });
        }
        let rung = &self.rungs[first + self.passed - 1];
        Ok(Certificate {
            threshold: rung.threshold,
            accepted: rung.accepted,
            errors: rung.errors,
            coverage: rung.accepted as f64 / self.tickets as f64,
            bound: upper_bound(rung.errors, rung.accepted, 1.0 - chance),
        })
    }

    fn outlook(&self, accepted: usize, errors: usize, chance: f64) -> Outlook {
        let Promise { error, confidence, .. } = self.promise;
        if errors == 0 || (errors as f64) < error * accepted as f64 {
            Outlook::Needs(tickets_needed(errors, Promise { confidence: 1.0 - chance, ..self.promise }))
        } else if errors >= TELLING && 1.0 - at_most(errors - 1, accepted, error) <= 1.0 - confidence {
            Outlook::Hopeless
        } else {
            Outlook::Unclear
        }
    }
}

/// The tickets at or above a threshold.
struct Rung {
    threshold: f64,
    accepted: usize,
    errors: usize,
    /// Errors that the confidences themselves lead one to expect.
    foreseen: f64,
}

impl Rung {
    fn new(tickets: &[Scored], threshold: f64) -> Self {
        let mut rung = Self { threshold, accepted: 0, errors: 0, foreseen: 0.0 };
        for ticket in tickets.iter().filter(|ticket| ticket.confidence >= threshold) {
            rung.accepted += 1;
            rung.errors += usize::from(!ticket.correct);
            rung.foreseen += 1.0 - ticket.confidence;
        }
        rung
    }
}

/// Tickets that must be accepted with no more than `errors` wrong among them for `promise` to be kept: 149, 236 and
/// 313 for 0, 1 and 2 errors at 2 % and 95 %.
///
/// # Panics
/// As [`certify`].
pub fn tickets_needed(errors: usize, promise: Promise) -> usize {
    trials_needed(errors, promise.error, promise.confidence)
}

/// The least share of tickets that must stay with people for the accepted to be wrong at most at `target`, when
/// `base` of all decisions are wrong: even a confidence that knew every error must set aside `(base - target) /
/// (1 - target)`.
pub fn least_left_to_people(base: f64, target: f64) -> f64 {
    ((base - target) / (1.0 - target)).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use firstline_stats::wilson95;
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    const PROMISE: Promise = Promise { error: 0.02, confidence: 0.95, floor: 0.0 };

    /// `n` tickets of confidence `1 - u^3 / 2`, `u` uniform, each right with the probability that `truth` says.
    fn draw(random: &mut ChaCha8Rng, n: usize, truth: impl Fn(f64) -> f64) -> Vec<Scored> {
        let one = |_| {
            let confidence = 1.0 - random.random::<f64>().powi(3) / 2.0;
            Scored { confidence, correct: random.random::<f64>() < truth(confidence) }
        };
        (0..n).map(one).collect()
    }

    /// The true share of errors at or above `threshold`, by integration over what [`draw`] draws.
    fn true_error(threshold: f64, truth: impl Fn(f64) -> f64) -> f64 {
        let all = (0..20_000).map(|i| 1.0 - ((f64::from(i) + 0.5) / 20_000.0).powi(3) / 2.0);
        let accepted: Vec<f64> = all.filter(|&c| c >= threshold).map(|c| 1.0 - truth(c)).collect();
        accepted.iter().sum::<f64>() / accepted.len().max(1) as f64
    }

    #[test]
    fn the_price_of_certainty_is_the_known_one() {
        assert_eq!([0, 1, 2].map(|errors| tickets_needed(errors, PROMISE)), [149, 236, 313]);
        assert!((least_left_to_people(0.15, 0.02) - 0.13 / 0.98).abs() < 1e-12);
        assert_eq!(least_left_to_people(0.01, 0.02), 0.0);
    }

    /// Of 1,000 certifications, the certificates that the true error breaks.
    fn broken(n: usize, seed: u64, truth: impl Fn(f64) -> f64 + Copy) -> usize {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let breaks = |_: &usize| {
            let granted = certify(&draw(&mut random, n, truth), PROMISE);
            granted.is_ok_and(|c| true_error(c.threshold, truth) > PROMISE.error)
        };
        (0..1_000).filter(breaks).count()
    }

    #[test]
    fn the_promise_is_broken_in_at_most_one_of_twenty_resamples() {
        // Honest confidences; ones that are far too sure; and the hardest: an error just above the promised one at
        // every threshold, where each certificate is a broken promise.
        let honest = |c: f64| c;
        let too_sure = |c: f64| 1.0 - 3.0 * (1.0 - c).min(0.3);
        let just_above = |_: f64| 0.979_9;
        for (n, seed) in [(300, 1), (2_000, 2)] {
            for count in [broken(n, seed, honest), broken(n, seed, too_sure), broken(n, seed, just_above)] {
                let interval = wilson95(count, 1_000);
                println!("{n} tickets: {count} of 1000 certificates broken, 95 % interval {interval:?}");
                assert!(interval.lo <= 0.05 && count <= 60, "{count} of 1000 broken, {interval:?}");
            }
        }
    }

    #[test]
    fn categories_promoted_together_share_the_chance() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        // Of these sizes some can be certified by themselves and not with a share of the chance.
        for (count, size) in [(8, 500), (3, 170), (10, 170), (30, 160)] {
            let any = |_: &usize| {
                let categories: Vec<_> = (0..count).map(|_| draw(&mut random, size, |_| 0.979_9)).collect();
                certify_together(&categories, PROMISE).iter().any(Result::is_ok)
            };
            let broken = (0..1_000).filter(any).count();
            println!("{count} categories of {size} tickets: {broken} of 1000 times one was broken");
            assert!(
                wilson95(broken, 1_000).lo <= 0.05,
                "{broken} of 1000 broke one of {count} promises on {size} tickets each"
            );
        }
        // Ones too small to be certified cost the large ones nothing.
        let large = draw(&mut random, 5_000, |c| c);
        let categories = [vec![large.clone()], vec![draw(&mut random, 20, |c| c); 30]].concat();
        assert_eq!(certify_together(&categories, PROMISE)[0], certify(&large, PROMISE));
    }

    /// A desk: categories that fall in size, the sizes of its certify window, each wrong as often as `errors` says in turn, confidences
    /// honest on average.
    fn desk(random: &mut ChaCha8Rng, errors: &[f64]) -> Vec<Vec<Scored>> {
        let mut size = 900.0;
        let mut category = |&error: &f64| {
            size *= 0.8;
            let one = |_| Scored {
                confidence: 1.0 - error * 2.0 * random.random::<f64>(),
                correct: random.random::<f64>() >= error,
            };
            (0..size as usize).map(one).collect()
        };
        errors.iter().map(&mut category).collect()
    }

    /// The largest first, each with the whole chance, up to the first that fails: the other way to share it.
    fn in_fixed_order(categories: &[Vec<Scored>]) -> usize {
        let floored = Promise { floor: 0.9, ..PROMISE };
        let passes =
            |tickets: &&Vec<Scored>| certify(tickets, floored).is_ok_and(|c| c.threshold == floored.floor);
        categories.iter().take_while(passes).count()
    }

    #[test]
    fn sharing_evenly_and_handing_on_certifies_more_than_a_fixed_order() {
        let floored = Promise { floor: 0.9, ..PROMISE };
        // All good; one in three not; the largest not.
        let desks: [(&str, Vec<f64>); 3] = [
            ("all good", vec![0.004; 8]),
            ("every third bad", [0.004, 0.004, 0.08].repeat(3)),
            ("the largest bad", [vec![0.08], vec![0.004; 7]].concat()),
        ];
        let mut random = ChaCha8Rng::seed_from_u64(5);
        for (name, errors) in desks {
            let mut found = [0; 3];
            for _ in 0..200 {
                let categories = desk(&mut random, &errors);
                let even = Promise { confidence: 1.0 - floored.chance() / 8.0, ..floored };
                found[0] += certify_together(&categories, floored).iter().filter(|c| c.is_ok()).count();
                found[1] += categories.iter().filter(|tickets| certify(tickets, even).is_ok()).count();
                found[2] += in_fixed_order(&categories);
            }
            let [handed_on, even, fixed] = found.map(|n| n as f64 / 200.0);
            println!(
                "{name}: {handed_on:.2} categories, {even:.2} by an even split, {fixed:.2} in a fixed order"
            );
            assert!(handed_on >= even && (handed_on > fixed || name == "all good"), "{name}: {found:?}");
        }
    }

    #[test]
    fn not_one_certificate_is_broken_whatever_is_handed_on() {
        // Good categories hand their share on to ones that are just not good enough.
        let floored = Promise { floor: 0.9, ..PROMISE };
        let mut random = ChaCha8Rng::seed_from_u64(6);
        let errors = [0.002, 0.002, 0.020_1, 0.002, 0.020_1, 0.020_1];
        let broken = |_: &usize| {
            let granted = certify_together(&desk(&mut random, &errors), floored);
            // Of the bad ones every threshold above the floor is a promise kept or not; the floor itself is not.
            granted.iter().zip(errors).any(|(one, error)| {
                error > 0.02 && one.as_ref().is_ok_and(|one| one.threshold == floored.floor)
            })
        };
        let broken = (0..1_000).filter(broken).count();
        println!("one was broken {broken} of 1000 times");
        assert!(wilson95(broken, 1_000).lo <= 0.05, "{broken} of 1000");
    }

    #[test]
    fn no_threshold_lies_below_the_floor() {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let tickets = draw(&mut random, 20_000, |c| f64::midpoint(c, 1.0));
        let lowest = |floor| certify(&tickets, Promise { floor, ..PROMISE }).unwrap();
        let free = lowest(0.0);
        assert!(free.threshold < 0.9 && free.coverage > lowest(0.9).coverage);
        for floor in [0.9, 0.95, 0.987_654] {
            assert_eq!(lowest(floor).threshold, floor);
        }
    }

    #[test]
    fn what_can_be_granted_is_granted_and_what_can_not_says_why() {
        let mut random = ChaCha8Rng::seed_from_u64(4);
        let granted = certify(&draw(&mut random, 5_000, |c| c), PROMISE).unwrap();
        // The mean of `u^3 / 2` up to `t` is `t^3 / 8`: at 2 % that is `t = 0.54`, the most that could be granted.
        assert!(granted.coverage > 0.45 && granted.bound <= PROMISE.error, "{granted:?}");
        let sure = |correct: usize, wrong: usize| -> Vec<Scored> {
            let one = |correct| Scored { confidence: 0.999, correct };
            [vec![one(true); correct], vec![one(false); wrong]].concat()
        };
        assert!(certify(&sure(149, 0), PROMISE).is_ok());
        let refused = |correct, wrong, outlook| {
            let refusal = Refusal { accepted: correct + wrong, errors: wrong, outlook };
            assert_eq!(certify(&sure(correct, wrong), PROMISE), Err(refusal));
        };
        refused(148, 0, Outlook::Needs(149));
        refused(199, 1, Outlook::Needs(236));
        refused(190, 10, Outlook::Hopeless);
        // One in ten is far from 2 %, and has a chance of 18 % where the truth is 2 %; one of one tells nothing.
        refused(9, 1, Outlook::Unclear);
        refused(0, 1, Outlook::Unclear);
        let hopeless = vec![Scored { confidence: 0.0, correct: false }; 55];
        let refusal = Refusal { accepted: 55, errors: 55, outlook: Outlook::Hopeless };
        assert_eq!(certify(&hopeless, PROMISE), Err(refusal));
        assert!(certify(&[], PROMISE).is_err());
    }
}
