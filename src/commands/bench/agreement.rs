//! How often the bundle decides as the desk did, beside the desk's rules and its technicians, and whether its confidence comes true.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use firstline_rollout::evidence::{
    Agreed, BOARD_TYPE, BestFigures, Calibration, CalibrationBin, Certificate, RulesFigures, RulesReplay,
    WeekAgreement,
};
use firstline_rollout::{
    Aliases, FEWEST_PAIRS, FieldAgreement, Judged, Routed, Week, priority_calls, rules_beside,
    shadow_agreement,
};
use firstline_ticket::{Assertion, Decision, Field, Ticket};
use firstline_training::report::FieldReport;
use firstline_training::{
    AssertionCertification, Certification, DecidedCategory, NearDuplicates, PROMISE, Pairs, Progress, Scorer,
    interrupted, tested,
};
use firstline_triage::{Bundle, Closing, Engine, Reserve, Reserved};

use super::LaidDown;
use super::assemble::Measured;
use super::material::{as_it_came, usable};
use crate::commands::best::Best;
use crate::commands::rollout::history::each_line;
use crate::failure::Failure;

/// Tickets that are scored together.
const BATCH: usize = 256;

impl Measured<'_> {
    /// Decides all tickets as a service would, and compares with how they were closed.
    pub(super) fn agreement(
        &mut self,
        engine: &Engine,
        laid_down: &LaidDown,
        bars: &mut impl Progress,
    ) -> Result<(), Failure> {
        let mut scorer = Scorer::new(engine);
        let tickets = &self.material.tickets;
        bars.stage("scoring tickets", tickets.len() as u64);
        for batch in tickets.chunks(BATCH) {
            let fresh: Vec<Ticket> = batch.iter().map(as_it_came).collect();
            let features = engine.features(&fresh)?;
            scorer.add(&fresh, &features)?;
            self.decisions.extend(engine.decide_features(&fresh, &features, &[], 1)?);
            if bars.done(self.decisions.len() as u64).is_break() {
                return Err(interrupted("scoring tickets").into());
            }
        }
        let reports = scorer.finish()?;
        for report in reports.iter().filter(|report| report.unseen > 0) {
            self.notes.push(format!(
                "{} tickets have a {} that is not in the history: they count as wrong.",
                report.unseen, report.field
            ));
        }
        self.calibration = reports.iter().map(|report| (report.field, calibration(report))).collect();
        self.certificates = certificates(engine, &self.material.tickets, &self.decisions);
        if self.certificates.is_empty() {
            self.missing(
                "certificates",
                "training set no tickets aside for certifying: train again on more tickets",
            );
        }
        let judged = self.judged();
        self.agreed(&judged, &laid_down.best);
        self.priorities(&judged, engine);
        self.rules(&judged, laid_down);
        self.weeks(&judged, laid_down);
        Ok(())
    }

    fn judged(&self) -> Vec<Judged> {
        let tickets = self.material.facts.iter().zip(&self.material.tickets).zip(&self.decisions);
        tickets
            .map(|((facts, ticket), decision)| Judged {
                ticket_id: facts.id.clone(),
                decided_at: facts.opened_at,
                bundle: String::new(),
                decided: decision.fields.iter().map(|(field, found)| (*field, found.label.clone())).collect(),
                closing: Field::ALL
                    .into_iter()
                    .filter_map(|field| Some((field, ticket.label(field)?.to_owned())))
                    .collect(),
                technician: ticket.label(Field::Technician).map(str::to_owned),
                seen: false,
            })
            .collect()
    }

    fn agreed(&mut self, judged: &[Judged], best: &Best) {
        let found = shadow_agreement(judged, &best.names, &Aliases::new());
        let (technicians, named) = (best.names.len() as u64, best.named);
        self.best = Agreed::of(&found.best, None).map(|agreed| BestFigures { technicians, named, agreed });
        if self.best.is_none() {
            self.missing("best technicians", best.why_none.unwrap_or("they closed none of the tickets"));
        }
        let fields =
            found.fields.iter().filter_map(|(field, agreed)| Some((*field, Agreed::of_field(agreed)?)));
        self.accuracy = fields.collect();
        let both = |labels: &BTreeMap<Field, String>| {
            Some(format!("{}\0{}", labels.get(&Field::Board)?, labels.get(&Field::Type)?))
        };
        let pairs: Vec<(String, String)> = judged
            .iter()
            .filter_map(|ticket| Some((both(&ticket.decided)?, both(&ticket.closing)?)))
            .collect();
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
        match Agreed::of_field(&FieldAgreement::of(&pairs)) {
            Some(joint) => drop(self.joint.insert(BOARD_TYPE.to_owned(), joint)),
            None => self.missing(
                "joint agreement",
                "no ticket has a board and a type at closing that the bundle decides",
            ),
        }
    }

    fn priorities(&mut self, judged: &[Judged], engine: &Engine) {
        let model = engine.bundle().fields.get(&Field::Priority);
        let ordinal = model.and_then(|model| Some((model, model.ordinal.as_ref()?)));
        let Some((model, ordinal)) = ordinal else {
            return self.missing("priority calls", "the bundle decides no priorities that have an order");
        };
        let rank = |label: &str| ordinal.ranks.get(model.space.index(label)?).copied().flatten();
        self.priority = Some(priority_calls(judged, rank)).filter(|calls| !calls.ranks.is_empty());
    }

    fn rules(&mut self, judged: &[Judged], laid_down: &LaidDown) {
        let rules = laid_down.rules.as_ref();
        let replayed = rules.map(|(rules, _)| rules.replay(&self.material.seen)).unwrap_or_default();
        let board = |i: usize| replayed.get(i)?.get(&Field::Board).copied();
        let tickets = self.material.facts.iter().zip(judged).enumerate();
        let routed = tickets.map(|(i, (facts, ticket))| Routed {
            // Kept at intake without a board: no rule had given it one.
            initial: facts.initial_label(Field::Board).or_else(|| facts.initial.as_ref().map(|_| "")),
            replayed: board(i),
            model: ticket.decided.get(&Field::Board).map(String::as_str),
            closing: ticket.closing.get(&Field::Board).map_or("", String::as_str),
        });
        let all: Vec<Routed<'_>> = routed.collect();
        let known = all.iter().filter(|ticket| ticket.initial.is_some() || rules.is_some()).copied();
        let found = RulesFigures::of(&rules_beside(known));
        let alone = all.iter().map(|ticket| Routed { initial: None, ..*ticket });
        let replay = rules.zip(RulesFigures::of(&rules_beside(alone))).map(|((rules, sha256), beside)| {
            let (rules, unread) = (rules.rules.len() as u64, rules.unread() as u64);
            RulesReplay { sha256: sha256.clone(), rules, unread, beside }
        });
        match &found {
            None => self.missing(
                "rules",
                "no ticket says which board it had before any person touched it: import `initial_labels` or `events`, or give the rules with \
                 --rules",
            ),
            Some(found) if found.by_initial_label == 0 => self.notes.push(
                "No ticket says which board it had before any person touched it: the rules file was replayed, and nothing else is known of \
                 the desk's rules."
                    .to_owned(),
            ),
            Some(_) => {}
        }
        if let Some(unread) = replay.as_ref().map(|replay| replay.unread).filter(|unread| *unread > 0) {
            self.notes
                .push(format!("{unread} rules have a condition that can't be read: they never fire here."));
        }
        (self.rules, self.rules_replay) = (found, replay);
    }

    fn weeks(&mut self, judged: &[Judged], laid_down: &LaidDown) {
        let mut weeks: BTreeMap<(i16, i8), WeekAgreement> = BTreeMap::new();
        for (facts, ticket) in self.material.facts.iter().zip(judged) {
            let Ok(week) = Week::of(facts.opened_at, &self.material.zone) else { continue };
            let found = weeks.entry((week.year, week.number)).or_insert_with(|| WeekAgreement {
                week: format!("{}-W{:02}", week.year, week.number),
                n: 0,
                right: 0,
                level_one: None,
            });
            let same = [Field::Board, Field::Type]
                .map(|field| Some(ticket.decided.get(&field)? == ticket.closing.get(&field)?));
            if let [Some(board), Some(kind)] = same {
                found.n += 1;
                found.right += u64::from(board && kind);
            }
            let tier = facts.resolved_at.and_then(|_| laid_down.tiers.handled_by(facts));
            if let Some(tier) = tier {
                let [first, all] = found.level_one.get_or_insert([0, 0]);
                *first += u64::from(tier == 1);
                *all += 1;
            }
        }
        self.weeks = weeks.into_values().collect();
    }

    /// How often two technicians gave tickets that are nearly the same the same board and type.
    pub(super) fn ceiling(
        &mut self,
        engine: &Engine,
        history: Option<&Path>,
        bars: &mut impl Progress,
    ) -> Result<(), Failure> {
        let mut pairs = Pairs::default();
        let mut labels: Vec<Option<String>> = Vec::new();
        let mut add = |ticket: &Ticket| {
            let both = ticket.label(Field::Board).zip(ticket.label(Field::Type));
            let technician = ticket.label(Field::Technician).filter(|_| both.is_some());
            pairs.add(&engine.reader().compose(ticket).text(), technician);
            labels.push(both.map(|(board, kind)| format!("{board}\0{kind}")));
        };
        let held_out: HashSet<u64> = self.material.tickets.iter().map(Bundle::ticket_hash).collect();
        if let Some(path) = history {
            each_line(path, "pairing near-identical tickets of the history", bars, |line| {
                if let Some(ticket) = usable(line)?.filter(|t| !held_out.contains(&Bundle::ticket_hash(t))) {
                    add(&ticket);
                }
                Ok(())
            })?;
        }
        bars.stage("pairing near-identical tickets", self.material.tickets.len() as u64);
        for (done, ticket) in self.material.tickets.iter().enumerate() {
            add(ticket);
            if done % 64 == 0 && bars.done(done as u64).is_break() {
                return Err(interrupted("pairing near-identical tickets").into());
            }
        }
        let pairs = pairs.finish();
        let of = |i: usize| labels[i].as_deref().unwrap_or_default();
        let alike: Vec<(&str, &str)> = pairs.iter().map(|&(a, b)| (of(a), of(b))).collect();
        self.ceiling =
            (alike.len() >= FEWEST_PAIRS).then(|| Agreed::of_field(&FieldAgreement::of(&alike))).flatten();
        if self.ceiling.is_none() {
            let more = if history.is_none() { ": name the training history with --history" } else { "" };
            self.missing(
                "ceiling",
                format!(
                    "{} pairs of near-identical tickets were closed by different technicians, fewer than {FEWEST_PAIRS}{more}",
                    alike.len()
                ),
            );
        }
        Ok(())
    }
}

fn calibration(report: &FieldReport) -> Calibration {
    let bin = |bin: &firstline_training::metrics::ReliabilityBin| CalibrationBin {
        n: bin.n as u64,
        right: bin.correct as u64,
        confidence: bin.mean_confidence,
        low: bin.interval.lo,
        high: bin.interval.hi,
    };
    Calibration {
        n: report.metrics.n as u64,
        ece: report.metrics.ece,
        brier: report.metrics.brier,
        nll: report.metrics.nll,
        bins: report.reliability.iter().map(bin).collect(),
    }
}

/// The tickets that training kept for certifying, and beside them those that it has not seen at all, one of each family of near-duplicates:
/// nothing was chosen on either.
fn reserve(engine: &Engine, tickets: &[Ticket], decisions: &[Decision]) -> Reserve {
    let bundle = engine.bundle();
    let mut reserve = bundle.reserve.clone();
    let mut near = NearDuplicates::default();
    tickets.iter().for_each(|ticket| near.add(&engine.reader().compose(ticket).text()));
    let (mut witnesses, families) = (HashSet::new(), near.families());
    let first_of_family = families.into_iter().map(|family| witnesses.insert(family));
    let knows_kind = reserve.wants_answer.len() == reserve.len();
    let one = |field: Field, ticket: &Ticket, decision: &Decision| {
        let (space, found) = (&bundle.fields.get(&field)?.space, decision.fields.get(&field)?);
        let index = |label: &str| space.index(label).and_then(|index| u32::try_from(index).ok());
        let closing = match ticket.label(field) {
            None => Closing::Empty,
            Some(label) => index(label).map_or(Closing::Unlearnt, Closing::Label),
        };
        Some(Reserved { label: index(&found.label)?, confidence: found.confidence.get() as f32, closing })
    };
    let all = tickets.iter().zip(decisions).zip(first_of_family);
    for ((ticket, decision), _) in all.filter(|(_, is_first)| *is_first) {
        let row: Option<Vec<(Field, Reserved)>> =
            reserve.fields.keys().map(|field| Some((*field, one(*field, ticket, decision)?))).collect();
        let Some(row) = row else { continue };
        for (field, found) in row {
            reserve.fields.entry(field).or_default().push(found);
        }
        if knows_kind {
            reserve.wants_answer.push(decision.kind.wants_answer());
        }
    }
    reserve
}

/// The thresholds from which what is asserted of decisions may be trusted.
fn certificates(engine: &Engine, tickets: &[Ticket], decisions: &[Decision]) -> Vec<Certificate> {
    let (bundle, reserve) = (engine.bundle(), reserve(engine, tickets, decisions));
    let figures = |assertion, category: &DecidedCategory, found: &Certification| Certificate {
        board: category.board.clone(),
        r#type: category.kind.clone(),
        assertion,
        threshold: found.threshold,
        tested: found.tickets as u64,
        accepted: found.accepted as u64,
        errors: found.accepted_errors as u64,
        bound: found.error_bound,
        confidence: PROMISE.confidence,
        coverage: found.coverage,
    };
    let of = |assertion| {
        let tested = tested(&bundle.fields, &reserve, assertion).filter(|tested| !tested.is_empty())?;
        let found = AssertionCertification::of(assertion, &tested, PROMISE);
        let all = [figures(assertion, &DecidedCategory::default(), &found.all)];
        let categories =
            found.categories.iter().map(|one| figures(assertion, &one.category, &one.certification));
        Some(all.into_iter().chain(categories).collect::<Vec<_>>())
    };
    // A category that has no name of its own is all there is.
    let mut certificates: Vec<Certificate> = Assertion::ALL.into_iter().filter_map(of).flatten().collect();
    certificates.dedup_by(|later, first| {
        later.is_of_all() && first.is_of_all() && later.assertion == first.assertion
    });
    certificates
}
