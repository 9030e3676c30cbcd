//! What a desk would have decided at some moment: a bundle that was trained on what was known by then, in memory, with thresholds
//! certified for board and type together.
//!
//! Must never be given a ticket or a label that was not known at the moment: it learns from all that it is given.

use std::collections::BTreeMap;
use std::path::Path;

use firstline_fault::Result;
use firstline_stats::Scored;
use firstline_ticket::{Decision, Field, Ticket};
use firstline_triage::{Encoders, Engine, Policy};

use crate::choose::{Decays, FineTuning};
use crate::measure::certify::{Promise, certify_together};
use crate::prepare::{EmbeddingCache, open_encoder};
use crate::progress::{Progress, interrupted};
use crate::train::{TrainInput, TrainOptions, train};

/// Tickets that are decided together.
const BATCH: usize = 256;

/// A board with a type of it.
type Category = (String, String);

/// An engine that knows what was known at some moment.
#[derive(Debug)]
pub struct EngineThen {
    engine: Engine,
    thresholds: BTreeMap<Category, f64>,
    decays: BTreeMap<Field, Decays>,
}

/// What an engine learns from.
#[derive(Clone, Copy)]
pub struct KnownThen<'a> {
    /// The tickets whose outcome was known, with the labels that they had then. The options' fine-tuning is ignored: there is none.
    pub input: TrainInput<'a>,
    /// The same tickets as they came in, in the same order.
    pub tickets: &'a [&'a Ticket],
    /// The policy.
    pub policy: &'a Policy,
    /// What a certified threshold promises.
    pub promise: Promise,
}

impl EngineThen {
    /// Learns from `known`.
    ///
    /// # Errors
    /// As [`train()`].
    pub fn learn(
        known: KnownThen<'_>,
        cache: &mut EmbeddingCache,
        progress: &mut dyn Progress,
    ) -> Result<Self> {
        let KnownThen { input, tickets, policy, promise } = known;
        let source = input.source;
        let options = TrainOptions { fine_tuning: FineTuning::Never, ..input.options.clone() };
        // Nothing is fine-tuned, so nothing is kept in a work folder; nothing is published, so nobody asks what it was made from.
        let trained = train(TrainInput { options: &options, ..input }, "", Path::new(""), cache, progress)?;
        let encoders = Encoders::new(open_encoder(&source.dir, &source.manifest)?, None);
        let engine = Engine::of(trained.bundle, encoders)?.under(policy.clone());
        let mut then = Self { engine, thresholds: BTreeMap::new(), decays: trained.decays };
        progress.stage("certifying", 0);
        let kept: Vec<usize> = trained.certify;
        let decided = then.decide(kept.iter().map(|&row| tickets[row]), progress)?;
        let labels = |&row: &usize| &input.history.tickets[row].labels;
        let scored = decided.iter().zip(kept.iter().map(labels)).filter_map(|(decision, labels)| {
            let (category, confidence) = joint(decision)?;
            let [board, kind] = [Field::Board, Field::Type].map(|field| labels.get(&field));
            let correct = (board?, kind?) == (&category.0, &category.1);
            Some((category, Scored { confidence, correct }))
        });
        then.thresholds = thresholds(scored, promise);
        Ok(then)
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Categories with a certified threshold.
    pub fn certified(&self) -> usize {
        self.thresholds.len()
    }

    /// The decays of its heads, for engines that learn later.
    pub fn decays(&self) -> &BTreeMap<Field, Decays> {
        &self.decays
    }

    /// Decides `tickets`, of which it is given what they came in with and nothing else.
    ///
    /// # Errors
    /// A fault of the engine, or [`Code::Interrupted`](firstline_fault::Code::Interrupted) when `progress` asks to stop.
    pub fn decide<'a>(
        &self,
        tickets: impl IntoIterator<Item = &'a Ticket>,
        progress: &mut dyn Progress,
    ) -> Result<Vec<Decision>> {
        let tickets: Vec<Ticket> = tickets.into_iter().cloned().collect();
        let mut decided = Vec::with_capacity(tickets.len());
        for batch in tickets.chunks(BATCH) {
            decided.extend(self.engine.decide(batch, 1)?);
            if progress.done(decided.len() as u64).is_break() {
                return Err(interrupted("deciding tickets"));
            }
        }
        Ok(decided)
    }

    /// Whether board and type of `decision` are decided surely enough to stand alone: at or above `floor`, and the threshold that is
    /// certified for them together.
    pub fn stands_alone(&self, decision: &Decision, floor: f64) -> bool {
        let Some((category, confidence)) = joint(decision) else { return false };
        self.thresholds.get(&category).is_some_and(|threshold| confidence >= threshold.max(floor))
    }
}

/// The category of a decision, and how sure the less sure of its two labels is.
fn joint(decision: &Decision) -> Option<(Category, f64)> {
    let [board, kind] = [Field::Board, Field::Type].map(|field| decision.fields.get(&field));
    let (board, kind) = (board?, kind?);
    let confidence = board.confidence.get().min(kind.confidence.get());
    Some(((board.label.clone(), kind.label.clone()), confidence))
}

/// The thresholds of the categories that can be certified, all of them promised together.
fn thresholds(scored: impl Iterator<Item = (Category, Scored)>, promise: Promise) -> BTreeMap<Category, f64> {
    let mut categories: BTreeMap<Category, Vec<Scored>> = BTreeMap::new();
    for (category, scored) in scored {
        categories.entry(category).or_default().push(scored);
    }
    let (names, groups): (Vec<Category>, Vec<Vec<Scored>>) = categories.into_iter().unzip();
    let granted = certify_together(&groups, promise);
    names
        .into_iter()
        .zip(granted)
        .filter_map(|(name, granted)| Some((name, granted.ok()?.threshold)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use firstline_triage::{EncoderFiles, Reader};

    use super::*;
    use crate::prepare::{History, HistoryTicket, SplitMode, SplitOptions, shuffled};

    const PROMISE: Promise = Promise { error: 0.02, confidence: 0.95 };

    #[test]
    fn r44_a_category_is_certified_by_both_labels_and_all_categories_share_the_chance() {
        let of = |name: &str, right: usize, wrong: usize| {
            let category = (name.to_owned(), "VPN".to_owned());
            let one = |correct| (category.clone(), Scored { confidence: 0.999, correct });
            [vec![one(true); right], vec![one(false); wrong]].concat()
        };
        let granted = |all: Vec<Vec<(Category, Scored)>>| -> Vec<String> {
            thresholds(all.concat().into_iter(), PROMISE).into_keys().map(|(board, _)| board).collect()
        };
        assert_eq!(granted(vec![of("Net", 149, 0), of("Desk", 148, 0)]), ["Net"]);
        // Two that are large enough need more each.
        assert_eq!(granted(vec![of("Net", 149, 0), of("Desk", 200, 0)]), ["Desk"]);
        assert_eq!(granted(vec![of("Net", 300, 20)]), Vec::<String>::new());
        assert_eq!(granted(vec![]), Vec::<String>::new());
    }

    struct Quiet;

    impl Progress for Quiet {
        fn stage(&mut self, _: &str, _: u64) {}
        fn done(&mut self, _: u64) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }
    }

    fn tickets(n: usize) -> Vec<Ticket> {
        let topics = [
            ("Net", "VPN", "tunnel drops"),
            ("Net", "WLAN", "signal is weak"),
            ("Desk", "Mail", "mailbox is full"),
        ];
        let filler = [
            "please", "today", "again", "since", "morning", "office", "urgent", "help", "user", "room",
            "floor", "slow", "screen", "nobody", "works", "before", "lunch", "client", "waits", "window",
            "hall", "loud", "green", "north",
        ];
        let draw = shuffled(n, 4);
        let one = |i: usize| {
            // A sixth is filed wrongly, so that nothing is quite sure.
            let text = topics[i % 3].2;
            let (board, kind, _) = topics[(i + usize::from(draw[i].is_multiple_of(6))) % 3];
            let word = |j: usize| filler[(draw[i] * 7 + draw[(i + j) % n] * (j + 3)) % filler.len()];
            let words: Vec<&str> = (0..9).map(word).collect();
            Ticket {
                id: i.to_string(),
                opened_at: Some(jiff::Timestamp::from_second(1_700_000_000 + 3_600 * i as i64).unwrap()),
                subject: Some(format!("{text} {}", words[..3].join(" "))),
                body: Some(words[3..].join(" ")),
                board: Some(board.to_owned()),
                kind: Some(kind.to_owned()),
                ..Ticket::default()
            }
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn decays_that_were_chosen_before_are_not_chosen_again_and_give_the_same_heads() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = firstline_nn::write_tiny(dir.path(), 1).unwrap();
        let source = EncoderFiles { dir: dir.path().to_owned(), manifest };
        let (tickets, policy) = (tickets(400), Policy::built_in().unwrap());
        let came: Vec<&Ticket> = tickets.iter().collect();
        let reader = Reader::default();
        let history = History {
            tickets: tickets.iter().map(|ticket| HistoryTicket::new(ticket, &reader)).collect(),
            held_out: tickets.len(),
        };
        let mut options = TrainOptions {
            fields: Field::ALL.to_vec(),
            all_fields_required: false,
            split: SplitOptions { mode: SplitMode::Time, calibrate: 0.2, certify: 0.1, test: 0.0, seed: 1 },
            fine_tuning: FineTuning::Always,
            priorities: policy.priority.clone(),
            words: policy.words.clone(),
            decays: BTreeMap::new(),
            at_most: None,
            seed: 1,
        };
        let promise = Promise { error: 0.9, confidence: 0.5 };
        let learn = |options: &TrainOptions| {
            let input = TrainInput { history: &history, source: &source, options };
            let known = KnownThen { input, tickets: &came, policy: &policy, promise };
            EngineThen::learn(known, &mut EmbeddingCache::default(), &mut Quiet).unwrap()
        };
        let first = learn(&options);
        assert!(first.decays().values().all(|decays| decays.len() == 3) && first.decays().len() == 2);
        assert!(first.certified() > 0 && !first.engine().bundle().info.tuned);
        options.decays = first.decays().clone();
        let again = learn(&options);
        let decided = |engine: &EngineThen| engine.decide(came.iter().copied().take(60), &mut Quiet).unwrap();
        assert_eq!(decided(&again), decided(&first));
        assert_eq!(again.decays(), first.decays());
        // Another choice gives other heads.
        options
            .decays
            .values_mut()
            .for_each(|decays| decays.iter_mut().for_each(|decay| *decay = (*decay + 1) % 3));
        assert_ne!(decided(&learn(&options)), decided(&first));
        // Nothing stands alone below the floor, nor in a category without a threshold.
        let all = decided(&first);
        assert!(all.iter().any(|decision| first.stands_alone(decision, 0.0)));
        assert!(!all.iter().any(|decision| first.stands_alone(decision, 1.1)));
        assert!(!first.stands_alone(&Decision::default(), 0.0));
    }

    #[test]
    fn a_decision_is_as_sure_as_the_less_sure_of_its_two_labels() {
        let sure = |label: &str, confidence: f64| firstline_ticket::FieldDecision {
            label: label.to_owned(),
            confidence: confidence.into(),
            alternatives: Vec::new(),
        };
        let mut decision = Decision::default();
        decision.fields.insert(Field::Board, sure("Net", 0.99));
        assert_eq!(joint(&decision), None);
        decision.fields.insert(Field::Type, sure("VPN", 0.93));
        assert_eq!(joint(&decision), Some((("Net".to_owned(), "VPN".to_owned()), 0.93)));
    }
}
