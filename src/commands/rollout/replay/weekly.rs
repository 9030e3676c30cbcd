//! Decides the weeks of a programme one after the other, each by an engine that knows what was known when it began.
//!
//! The only place where a ticket's later life and its decision are in the same hands: what an engine is given passes through
//! [`TicketFacts::learnt_labels`](firstline_rollout::TicketFacts::learnt_labels), and what it decides is the ticket as it came in.

use std::collections::BTreeMap;
use std::time::Instant;

use firstline_fault::{Code, UserError};
use firstline_rollout::{Counterfactual, DraftSample, TicketFacts, Week, WeekDecisions};
use firstline_ticket::{Decision, Field, Ticket};
use firstline_training::{
    Decays, EmbeddingCache, EngineThen, FineTuning, HistoryTicket, KnownThen, Progress, SplitMode,
    SplitOptions, TrainInput, TrainOptions,
};
use firstline_triage::{EncoderFiles, Policy, Reader, sha256_hex, what_is_read};
use jiff::Timestamp;

use super::drafts::{self, Asked, Sample};
use super::kept::{Done, Kept, Key};
use super::{History, ReplayArgs, Retrain, policy_text};
use crate::commands::{models, train};
use crate::failure::Failure;
use crate::ui::{Bars, Ui};

/// Decides the weeks of the programme that starts at `start`.
pub(super) fn decide(
    args: &ReplayArgs,
    history: &History,
    policy: &Policy,
    (start, programme): (Timestamp, &[Week]),
    ui: &Ui,
) -> Result<Vec<WeekDecisions>, Failure> {
    let (manifest, dir) = models::ensure(&args.encoder.model, &args.encoder.models, ui)?;
    let source = EncoderFiles { dir, manifest };
    let options = options(args, policy)?;
    let kept = Kept::open(args.out.as_deref(), &key(args, history, &source, &options, start)?)?;
    // Every week embeds the same tickets, so there is always a cache.
    let scratch = tempfile::tempdir().map_err(|e| UserError::io(std::env::temp_dir().display(), &e))?;
    let cache = args.encoder.embedding_cache.clone().unwrap_or_else(|| scratch.path().join("embeddings"));
    let mut desk = Decider {
        args,
        history,
        policy,
        source: &source,
        options,
        start,
        cache: EmbeddingCache::open(Some(&cache), source.manifest.dimensions)?,
        came: Vec::new(),
        read: Vec::new(),
        engine: None,
    };
    let mut weeks = Vec::with_capacity(programme.len());
    let mut clock = Clock { began: Instant::now(), done: 0 };
    for (number, week) in (1..).zip(programme) {
        let done = match kept.week(number, week)? {
            Some(done) => done,
            None => {
                let done = desk.week(week, ui)?;
                kept.keep(number, &done)?;
                ui.say(clock.told((number, programme.len()), &done.decisions));
                done
            }
        };
        desk.options.decays = done.decays;
        weeks.push(done.decisions);
    }
    Ok(weeks)
}

/// What the decisions depend on.
fn key(
    args: &ReplayArgs,
    history: &History,
    source: &EncoderFiles,
    options: &TrainOptions,
    start: Timestamp,
) -> Result<Key, Failure> {
    let history_sha256 = match (&history.sha256, &args.out) {
        (Some(sha256), _) => sha256.as_str(),
        (None, None) => "",
        (None, Some(_)) => {
            let problem = "weeks are kept for a file, and standard input is none";
            return Err(UserError::new(Code::Config, "--out", problem, "Name a file in --tickets").into());
        }
    };
    let promise = args.promise.promise();
    let settings = format!(
        "{}\n{:?}\n{}\n{:?} {start} {} {} {} {}\n{}",
        env!("CARGO_PKG_VERSION"),
        source.manifest,
        serde_json::to_string(options)?,
        args.retrain,
        promise.floor,
        promise.error,
        promise.confidence,
        args.drafts,
        policy_text(args.policy.policy.as_deref())?
    );
    Ok(Key::new(history_sha256, sha256_hex(settings.as_bytes()), args.seed.seed))
}

fn options(args: &ReplayArgs, policy: &Policy) -> Result<TrainOptions, Failure> {
    let seed = args.seed.seed;
    let fields = args.fields.iter().map(|f| f.parse()).collect::<Result<Vec<Field>, UserError>>()?;
    Ok(TrainOptions {
        all_fields_required: !fields.is_empty(),
        fields: if fields.is_empty() { Field::ALL.to_vec() } else { fields },
        split: SplitOptions { test: 0.0, ..train::split_options(SplitMode::Time, seed) },
        fine_tuning: FineTuning::Never,
        priorities: policy.priority.clone(),
        words: policy.words.clone(),
        decays: BTreeMap::new(),
        at_most: None,
        seed,
    })
}

/// Time that is left, by the weeks that are done.
struct Clock {
    began: Instant,
    done: u32,
}

impl Clock {
    fn told(&mut self, (number, weeks): (u32, usize), week: &WeekDecisions) -> String {
        self.done += 1;
        let each = self.began.elapsed().as_secs_f64() / f64::from(self.done);
        let left = weeks.saturating_sub(number as usize);
        let left = match left {
            0 => "done".to_owned(),
            left => format!("about {} left", firstline_rollout::spoken(each * left as f64)),
        };
        format!(
            "week {number} of {weeks}: {} tickets decided, learnt from {}; {left}",
            week.decided.len(),
            week.learnt_from
        )
    }
}

struct Decider<'a> {
    args: &'a ReplayArgs,
    history: &'a History,
    policy: &'a Policy,
    source: &'a EncoderFiles,
    options: TrainOptions,
    start: Timestamp,
    cache: EmbeddingCache,
    /// The tickets as they came in; empty until they are needed.
    came: Vec<Ticket>,
    /// The same as training reads them, without labels.
    read: Vec<HistoryTicket>,
    /// The engine where one decides all weeks, and the tickets that it has learnt from.
    engine: Option<(EngineThen, usize)>,
}

impl Decider<'_> {
    fn week(&mut self, week: &Week, ui: &Ui) -> Result<Done, Failure> {
        let bars = &mut ui.bars();
        let (engine, learnt_from) = match (self.args.retrain, self.engine.take()) {
            (Retrain::Off, Some(engine)) => engine,
            (Retrain::Off, None) => self.learn(self.start, bars)?,
            (Retrain::Weekly, _) => self.learn(week.start, bars)?,
        };
        let opened = self.history.facts.iter().zip(&self.came);
        let tickets: Vec<&Ticket> =
            opened.filter(|(facts, _)| week.has(facts.opened_at)).map(|(_, came)| came).collect();
        bars.stage(&format!("deciding {week}"), tickets.len() as u64);
        let decided = engine.decide(tickets, bars)?;
        let drafts = match self.args.drafts {
            0 => None,
            _ => Some(self.drafts(&engine, week, ui)?),
        };
        let done = Done {
            week: week.to_string(),
            decays: self.first_decays(&engine),
            decisions: WeekDecisions {
                learnt_from: learnt_from as u64,
                certified: engine.certified() as u64,
                decided: decided.iter().map(|decision| counterfactual(&engine, decision)).collect(),
                drafts,
            },
        };
        self.engine = Some((engine, learnt_from));
        Ok(done)
    }

    /// Drafts for a sample of the week, from what had been resolved and answered when its bundle was trained.
    fn drafts(&self, engine: &EngineThen, week: &Week, ui: &Ui) -> Result<Vec<DraftSample>, Failure> {
        let moment = if self.args.retrain == Retrain::Off { self.start } else { week.start };
        let whole = || self.history.facts.iter().zip(&self.history.tickets);
        let known: Vec<Ticket> =
            whole().filter_map(|(facts, ticket)| drafts::known(facts, ticket, moment)).collect();
        let opened = whole().zip(&self.came).filter(|((facts, _), _)| week.has(facts.opened_at));
        let asking = opened.filter(|((facts, _), _)| facts.kind.wants_answer());
        let asked = asking.map(|((_, whole), came)| Asked { came: came.clone(), whole: whole.clone() });
        let sample = Sample { most: self.args.drafts, seed: self.args.seed.seed };
        sample.drafts(engine.engine(), &known, asked.collect(), ui)
    }

    /// The weight decays that the first engine chose, which later engines reuse; only fields that it could not learn choose anew.
    fn first_decays(&self, engine: &EngineThen) -> BTreeMap<Field, Decays> {
        let mut decays = engine.decays().clone();
        decays.extend(self.options.decays.clone());
        decays
    }

    /// An engine that knows what was known at `moment`, and how many tickets that was.
    fn learn(&mut self, moment: Timestamp, bars: &mut Bars) -> Result<(EngineThen, usize), Failure> {
        if self.read.is_empty() {
            let reader = Reader::default().under(&self.policy.words);
            let whole = self.history.facts.iter().zip(&self.history.tickets);
            self.came = whole.map(|(facts, ticket)| as_it_came(facts, ticket)).collect();
            self.read = self.came.iter().map(|ticket| HistoryTicket::new(ticket, &reader)).collect();
        }
        let mut known = Vec::new();
        for (facts, read) in self.history.facts.iter().zip(&self.read) {
            if let Some(labels) = facts.learnt_labels(moment) {
                let mut read = read.clone();
                read.labels = labels;
                known.push(read);
            }
        }
        let learnt_from = known.len();
        if known.is_empty() {
            let problem = format!("no ticket was resolved before {moment}");
            let next = "Give a later day, or a longer history";
            return Err(UserError::new(Code::Empty, "--train-until", problem, next).into());
        }
        let history = firstline_training::History { held_out: learnt_from, tickets: known };
        let known = KnownThen {
            input: TrainInput { history: &history, source: self.source, options: &self.options },
            policy: self.policy,
            promise: self.args.promise.promise(),
        };
        Ok((EngineThen::learn(known, &mut self.cache, bars)?, learnt_from))
    }
}

/// The ticket as it came in: without labels, replies and all that came of it, for the customer whose it was then.
fn as_it_came(facts: &TicketFacts, ticket: &Ticket) -> Ticket {
    Ticket { customer: facts.customer_when_opened().map(str::to_owned), ..what_is_read(ticket) }
}

fn counterfactual(engine: &EngineThen, decision: &Decision) -> Counterfactual {
    let fields = decision.fields.iter();
    Counterfactual {
        id: decision.id.clone(),
        fields: fields.map(|(field, d)| (*field, (d.label.clone(), d.confidence.get()))).collect(),
        alone: engine.stands_alone(decision),
    }
}
