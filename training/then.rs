//! What a desk would have decided at some moment: a bundle that was trained on what was known by then, in memory, with the thresholds
//! of replies that its certify window gives.
//!
//! Must never be given a ticket or a label that was not known at the moment: it learns from all that it is given.

use std::collections::BTreeMap;
use std::path::Path;

use firstline_fault::Result;
use firstline_ticket::{Assertion, Decision, Field, Ticket};
use firstline_triage::{Encoders, Engine, Policy};

use crate::choose::{Decays, FineTuning};
use crate::measure::certify::Promise;
use crate::measure::{AssertionCertification, CategoryCertification, DecidedCategory};
use crate::prepare::{EmbeddingCache, open_encoder};
use crate::progress::{Progress, interrupted};
use crate::train::{TrainInput, TrainOptions, train};

/// Tickets that are decided together.
const BATCH: usize = 256;

/// An engine that knows what was known at some moment.
#[derive(Debug)]
pub struct EngineThen {
    engine: Engine,
    thresholds: BTreeMap<DecidedCategory, f64>,
    decays: BTreeMap<Field, Decays>,
}

/// What an engine learns from, whose outcome was known at the moment, with the labels that it had then.
#[derive(Clone, Copy)]
pub struct KnownThen<'a> {
    /// The tickets, as they came in. The options' fine-tuning is ignored: there is none.
    pub input: TrainInput<'a>,
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
        let KnownThen { input, policy, promise } = known;
        let source = input.source;
        let options = TrainOptions { fine_tuning: FineTuning::Never, ..input.options.clone() };
        // Nothing is fine-tuned, so nothing is kept in a work folder; nothing is published, so nobody asks what it was made from.
        let trained = train(TrainInput { options: &options, ..input }, "", Path::new(""), cache, progress)?;
        progress.stage("certifying", 0);
        let certified = AssertionCertification::new(&trained.bundle, Assertion::Reply, promise);
        let threshold =
            |one: &CategoryCertification| Some((one.category.clone(), one.certification.threshold?));
        let thresholds =
            certified.iter().flat_map(|certified| &certified.categories).filter_map(threshold).collect();
        let encoders = Encoders::new(open_encoder(&source.dir, &source.manifest)?, None);
        let engine = Engine::of(trained.bundle, encoders)?.under(policy.clone());
        Ok(Self { engine, thresholds, decays: trained.decays })
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

    /// Whether a reply could go out alone: somebody waits for one, and board and type of `decision` are decided as surely as is certified
    /// for them together.
    pub fn stands_alone(&self, decision: &Decision) -> bool {
        let label = |field| decision.fields.get(&field).map(|decided| decided.label.clone());
        let category = DecidedCategory { board: label(Field::Board), kind: label(Field::Type) };
        let (threshold, score) = (self.thresholds.get(&category), Assertion::Reply.score(decision));
        decision.kind.wants_answer()
            && threshold.zip(score).is_some_and(|(threshold, score)| score.get() >= *threshold)
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use firstline_ticket::Kind;
    use firstline_triage::{EncoderFiles, Reader};

    use super::*;
    use crate::prepare::{History, HistoryTicket, SplitMode, SplitOptions, shuffled};

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
        let promise = Promise { error: 0.9, confidence: 0.5, floor: 0.0 };
        let learn = |options: &TrainOptions| {
            let input = TrainInput { history: &history, source: &source, options };
            let known = KnownThen { input, policy: &policy, promise };
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
        // Nothing stands alone in a category without a threshold, or where nobody waits for an answer.
        let all = decided(&first);
        let mut sure = all.iter().find(|decision| first.stands_alone(decision)).unwrap().clone();
        sure.kind = Kind::Alert;
        assert!(!first.stands_alone(&sure));
        sure.kind = Kind::Person;
        sure.fields.get_mut(&Field::Board).unwrap().label = "Elsewhere".into();
        assert!(!first.stands_alone(&sure) && !first.stands_alone(&Decision::default()));
    }
}
