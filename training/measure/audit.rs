//! Which labels of a history are likely wrong, and how well these labels could be agreed with at all.
//!
//! Every ticket is judged by heads that have not seen it or anything nearly like it (cross-validation by families of
//! near-duplicates), and its label is doubted where confident learning says so (Northcutt, Jiang and Chuang, arXiv
//! 1911.00068). What people chose for tickets that say nearly the same tells how far they agree among themselves.
//! Nothing here changes a label: it lists, people decide.

use std::collections::BTreeMap;

use firstline_fault::{Code, Result, UserError};
use firstline_nn::Encoder;
use firstline_stats::{Interval, wilson95};
use firstline_ticket::{Field, LabelSpace};
use firstline_triage::{Input, Neighbours, log_softmax};
use jiff::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use crate::Progress;
use crate::choose::cross_head;
use crate::fit::{PoolData, fit_mixture};
use crate::prepare::{
    EmbeddingCache, History, Labelled, Material, embed, features, folds, gather, labelled, labels_of,
    nearest_of, prior,
};

/// Parts that a history is cut into; each is judged by what the others teach.
const FOLDS: usize = 5;
/// Fewest tickets of a field that can be judged.
const LEAST_JUDGED: usize = 50;
/// Days without a ticket after which a label counts as dead, where the history goes on.
const DEAD_DAYS: i64 = 90;
/// How much more probable another label is than the one given for that to be enough of a doubt.
const SURE: f32 = 0.5;
/// Most characters of a subject and of a text that are shown.
const SUBJECT_CHARS: usize = 120;
const TEXT_CHARS: usize = 500;
/// Pairs of confused labels listed.
const PAIRS: usize = 20;
/// Fewest pairs of near-identical tickets from which people's agreement is told.
const LEAST_PAIRS: usize = 30;
/// Tickets of one family that are compared: a storm of alerts is no vote.
const MOST_OF_A_FAMILY: usize = 20;

/// What was found in one field.
#[derive(Debug, Clone, Serialize)]
pub struct FieldAudit {
    /// The field.
    pub field: Field,
    /// Tickets that carry a label which can be judged.
    pub tickets: usize,
    /// Labels that are likely wrong, the most doubtful first: no more than the ceiling leaves room for.
    pub suspects: Vec<Suspect>,
    /// How many of these are expected to be wrong.
    pub expected_wrong: f64,
    /// Pairs of labels of which one is likely given for the other, the most frequent first.
    pub confused: Vec<Confused>,
    /// Labels that hardly anybody gives any more.
    pub dead: Vec<DeadLabel>,
    /// How far people agree on near-identical tickets; `None` where there are too few.
    pub people: Option<PeopleAgreement>,
    /// Technicians whose label is not the one that others chose for near-identical tickets, the least agreeing first.
    pub technicians: Vec<Technician>,
    /// The best agreement with these labels that can be reached.
    pub ceiling: Ceiling,
}

/// A label that is likely wrong.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Suspect {
    /// The ticket's index in the history.
    #[serde(skip)]
    pub row: usize,
    /// Its id.
    pub id: String,
    /// Its subject; where that is empty or repeats the body, the body's first line.
    pub subject: String,
    /// The beginning of its body, without what is quoted or signed.
    pub text: String,
    /// The label it carries.
    pub label: String,
    /// The label it likely should.
    pub suggested: String,
    /// Probability of the label it carries, as told by the tickets that are not like it.
    pub probability: f64,
    /// Probability of the suggested label.
    pub suggested_probability: f64,
    /// Probability that the label is wrong, given how far people agree: the share of such rows that are worth a change.
    pub expected_precision: f64,
}

/// A pair of labels of which one is given for the other.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confused {
    /// The label that is given.
    pub given: String,
    /// The label that is likely meant.
    pub meant: String,
    /// On how many tickets.
    pub tickets: usize,
}

/// A label that hardly anybody gives any more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DeadLabel {
    /// The label.
    pub label: String,
    /// Tickets that carry it.
    pub tickets: usize,
    /// When the last of them was opened, where that is known.
    pub last: Option<Timestamp>,
}

/// How far people agree on near-identical tickets.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PeopleAgreement {
    /// Families of near-identical tickets with more than one label given.
    pub families: usize,
    /// Pairs within them.
    pub pairs: usize,
    /// Share of pairs with the same label, each family counting once.
    pub agree: f64,
}

/// How often one technician's label is what others chose for near-identical tickets.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Technician {
    /// The technician.
    pub name: String,
    /// Tickets that have a near-identical one of somebody else's.
    pub tickets: usize,
    /// Of those, tickets whose label is not the commonest among the others'.
    pub differ: usize,
}

/// The best agreement with a field's labels that can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Ceiling {
    /// The estimate.
    pub estimate: f64,
    /// Its 95 % interval.
    pub interval: Interval,
    /// Whether it stands on people's agreement with each other, or on the labels that are likely wrong.
    pub from_people: bool,
}

/// What is audited, and by which encoder.
#[derive(Debug, Clone, Copy)]
pub struct AuditInput<'a> {
    /// The tickets.
    pub history: &'a History,
    /// The fields whose labels are judged.
    pub fields: &'a [Field],
    /// The encoder.
    pub encoder: &'a Encoder,
    /// Seed of the folds and of the heads.
    pub seed: u64,
}

/// Audits the fields of `input`; a field that can't be judged is left out.
///
/// # Errors
/// [`Code::Labels`] when no field can be judged, [`Code::Interrupted`] when `progress` asks to stop.
pub fn audit(
    input: AuditInput<'_>,
    cache: &mut EmbeddingCache,
    progress: &mut dyn Progress,
) -> Result<Vec<FieldAudit>> {
    let AuditInput { history, fields, encoder, seed } = input;
    progress.stage("finding near-duplicates", 0);
    let families = history.families();
    let all: Vec<usize> = (0..history.tickets.len()).collect();
    let embedded = embed(history, &all, encoder, cache, progress)?;
    let (vocabulary, sparse) = features(history, &all, &all, progress)?;
    let material = Material {
        tickets: &history.tickets,
        sparse: &sparse,
        dense: &embedded.data,
        dimensions: encoder.dimensions(),
        original: encoder.dimensions(),
        ngrams: vocabulary.ngrams(),
        features: vocabulary.len(),
        train: &all,
        calibrate: &[],
        nearest: &[],
        seed,
    };
    let folds = folds(&all, &families, FOLDS, seed);
    let mut audits = Vec::new();
    for &field in fields {
        let space = labels_of(&history.tickets, all.iter(), field);
        let of = judgeable(labelled(&history.tickets, &all, field, &space), &folds, space.len());
        if space.len() < 2 || of.rows.len() < LEAST_JUDGED {
            continue;
        }
        progress.stage(&format!("judging {field}"), FOLDS as u64);
        let probabilities = judge(material, &of, &folds, space.len(), progress)?;
        let judged = JudgedField { field, space, of, probabilities };
        audits.push(FieldAudit::new(history, &judged, &families));
    }
    if audits.is_empty() {
        let problem = "no field has enough labelled tickets to judge";
        let next = "Import board, type or priority columns";
        return Err(UserError::new(Code::Labels, "--tickets", problem, next).into());
    }
    Ok(audits)
}

/// The tickets of `of` whose label some other fold has, too: heads that never saw a label can't speak for it.
fn judgeable(of: Labelled, folds: &[usize], classes: usize) -> Labelled {
    let mut found = vec![[false; FOLDS]; classes];
    of.rows.iter().zip(&of.labels).for_each(|(&row, &label)| found[label as usize][folds[row]] = true);
    let is_taught = |&(row, label): &(usize, u32)| {
        (0..FOLDS).any(|fold| fold != folds[row] && found[label as usize][fold])
    };
    let (rows, labels) = of.rows.into_iter().zip(of.labels).filter(is_taught).unzip();
    Labelled { rows, labels }
}

/// The probabilities of each labelled ticket's `k` labels, told by the folds that it is not in.
fn judge(
    m: Material<'_>,
    of: &Labelled,
    folds: &[usize],
    k: usize,
    progress: &mut dyn Progress,
) -> Result<Vec<Vec<f32>>> {
    let (mut heads, mut votes) = (vec![Vec::new(); of.rows.len()], vec![Vec::new(); of.rows.len()]);
    for fold in 0..FOLDS {
        let part = |inside: bool| -> Vec<usize> {
            (0..of.rows.len()).filter(|&i| (folds[of.rows[i]] == fold) == inside).collect()
        };
        let (judged, teach) = (part(true), part(false));
        let teach = Labelled {
            rows: teach.iter().map(|&i| of.rows[i]).collect(),
            labels: teach.iter().map(|&i| of.labels[i]).collect(),
        };
        let rows: Vec<usize> = judged.iter().map(|&i| of.rows[i]).collect();
        let head = cross_head(m, &teach, k, &mut || progress.done(fold as u64))?;
        let prior = prior(&teach.labels, k);
        let nearest = nearest_of(&gather(m.dense, m.dimensions, &teach.rows), m.dense, m.dimensions, &rows)?;
        let told: Vec<(Vec<f32>, Vec<f32>)> = rows
            .par_iter()
            .zip(&nearest)
            .map(|(&row, nearest)| {
                let logits = head.logits(m.sparse.row(row), m.embedding(row));
                (log_softmax(&logits), Neighbours::vote(nearest, &teach.labels, &prior))
            })
            .collect();
        for (&i, (head, vote)) in judged.iter().zip(told) {
            (heads[i], votes[i]) = (head, vote);
        }
    }
    // Three numbers are fitted to labels that are themselves on trial, which moves no single judgement.
    let prior = prior(&of.labels, k);
    let data = PoolData { members: &[&heads, &votes], labels: &of.labels, prior: &prior };
    let mixture = fit_mixture(data);
    Ok(heads.into_par_iter().zip(votes).map(|(head, vote)| mixture.pool(&[head, vote], &prior)).collect())
}

/// A field's labelled tickets and what the cross-validated heads say of them.
struct JudgedField {
    field: Field,
    space: LabelSpace,
    of: Labelled,
    probabilities: Vec<Vec<f32>>,
}

impl FieldAudit {
    fn new(history: &History, judged: &JudgedField, families: &[u32]) -> Self {
        let JudgedField { field, space, of, probabilities } = judged;
        let name = |label: u32| space.labels()[label as usize].clone();
        let mut doubts = doubts(probabilities, &of.labels, space.len());
        let kin = Kin::new(of, families);
        let people = kin.agreement();
        let n = of.rows.len();
        let ceiling = people.map_or_else(
            || Ceiling {
                estimate: 1.0 - doubts.len() as f64 / n as f64,
                interval: wilson95(n - doubts.len(), n),
                from_people: false,
            },
            |people| ceiling(people, space.len()),
        );
        let wrong = wrongness(probabilities, &of.labels, ceiling.estimate);
        doubts.sort_by(|a, b| wrong[b.0].total_cmp(&wrong[a.0]));
        doubts.truncate(((1.0 - ceiling.estimate) * n as f64).round() as usize);
        let mut pairs: BTreeMap<(u32, u32), usize> = BTreeMap::new();
        doubts.iter().for_each(|&(i, meant)| *pairs.entry((of.labels[i], meant)).or_default() += 1);
        let mut confused: Vec<Confused> = pairs
            .into_iter()
            .map(|((given, meant), tickets)| Confused { given: name(given), meant: name(meant), tickets })
            .collect();
        confused.sort_by_key(|pair| std::cmp::Reverse(pair.tickets));
        confused.truncate(PAIRS);
        let suspect = |&(i, meant): &(usize, u32)| {
            let ticket = &history.tickets[of.rows[i]];
            Suspect {
                row: of.rows[i],
                id: ticket.id.clone(),
                subject: subject(&ticket.input),
                text: one_line(&ticket.input.body, TEXT_CHARS),
                label: name(of.labels[i]),
                suggested: name(meant),
                probability: f64::from(probabilities[i][of.labels[i] as usize]),
                suggested_probability: f64::from(probabilities[i][meant as usize]),
                expected_precision: wrong[i],
            }
        };
        Self {
            field: *field,
            tickets: n,
            suspects: doubts.iter().map(suspect).collect(),
            expected_wrong: doubts.iter().map(|&(i, _)| wrong[i]).sum(),
            confused,
            dead: dead(history, *field),
            people,
            technicians: kin.technicians(history),
            ceiling,
        }
    }
}

/// The positions of the labels that confident learning doubts and what is likely meant, the most doubtful first. A
/// ticket speaks confidently for a label that is at least as probable as it is, on average, where it is given; such
/// tickets tell which share of each label is likely another. So many of its tickets are doubted, those with the largest
/// margin, as long as the other label is the more probable one; and all whose margin is beyond [`SURE`].
fn doubts(probabilities: &[Vec<f32>], labels: &[u32], k: usize) -> Vec<(usize, u32)> {
    let (mut sum, mut n) = (vec![0.0f64; k], vec![0usize; k]);
    for (p, &label) in probabilities.iter().zip(labels) {
        sum[label as usize] += f64::from(p[label as usize]);
        n[label as usize] += 1;
    }
    let bar: Vec<f64> = sum.iter().zip(&n).map(|(sum, &n)| sum / n.max(1) as f64).collect();
    let mut spoken: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    let mut confident = vec![0usize; k];
    let mut candidates: BTreeMap<(usize, usize), Vec<(usize, f32)>> = BTreeMap::new();
    for (i, (p, &label)) in probabilities.iter().zip(labels).enumerate() {
        let given = label as usize;
        let likeliest = |among: &mut dyn Iterator<Item = usize>| {
            among.max_by(|&a, &b| p[a].total_cmp(&p[b]).then(b.cmp(&a)))
        };
        if let Some(meant) = likeliest(&mut (0..k).filter(|&c| f64::from(p[c]) >= bar[c])) {
            *spoken.entry((given, meant)).or_default() += 1;
            confident[given] += 1;
        }
        if let Some(other) = likeliest(&mut (0..k).filter(|&c| c != given)).filter(|&c| p[c] > p[given]) {
            candidates.entry((given, other)).or_default().push((i, p[other] - p[given]));
        }
    }
    let mut doubts: Vec<(usize, u32, f32)> = Vec::new();
    for ((given, other), mut tickets) in candidates {
        let share = *spoken.get(&(given, other)).unwrap_or(&0) as f64 / confident[given].max(1) as f64;
        tickets.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let likely = (share * n[given] as f64).round() as usize;
        let beyond = tickets.partition_point(|&(_, margin)| margin > SURE);
        let doubted = tickets.into_iter().take(likely.max(beyond));
        doubts.extend(doubted.map(|(i, margin)| (i, other as u32, margin)));
    }
    doubts.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    doubts.into_iter().map(|(i, meant, _)| (i, meant)).collect()
}

/// What is shown as the subject: the composed text has none where it repeats the body.
fn subject(input: &Input) -> String {
    let first = || input.body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line = if input.subject.trim().is_empty() { first() } else { input.subject.as_str() };
    one_line(line, SUBJECT_CHARS)
}

/// The beginning of a text, its line ends as blanks: a cell of a sheet.
fn one_line(text: &str, most: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if line.len() > most {
            break;
        }
        line.push_str(if line.is_empty() { "" } else { " " });
        line.push_str(word);
    }
    line.chars().take(most).collect()
}

/// The probability that each label is wrong. People give the right label with probability `quality` and any other alike; what the
/// heads say of the labels that are given is then a mixture of right ones and such errors, from which the right ones are told.
/// Heads that are too sure are held to the whole: no more labels are wrong than `quality` says.
fn wrongness(probabilities: &[Vec<f32>], labels: &[u32], quality: f64) -> Vec<f64> {
    let wrong = |(p, &label): (&Vec<f32>, &u32)| {
        let noise = (1.0 - quality) / (p.len() as f64 - 1.0).max(1.0);
        let given = f64::from(p[label as usize]).max(f64::MIN_POSITIVE);
        let right = ((given - noise) / (quality - noise).max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
        1.0 - (quality * right / given).clamp(0.0, 1.0)
    };
    let mut all: Vec<f64> = probabilities.iter().zip(labels).map(wrong).collect();
    let sum: f64 = all.iter().sum();
    let allowed = (1.0 - quality) * all.len() as f64;
    if sum > allowed {
        all.iter_mut().for_each(|wrong| *wrong *= allowed / sum);
    }
    all
}

/// The labels of `field` that no ticket of the last [`DEAD_DAYS`] carries, or a single ticket in all.
fn dead(history: &History, field: Field) -> Vec<DeadLabel> {
    let mut found: BTreeMap<&str, (usize, Option<Timestamp>)> = BTreeMap::new();
    for ticket in &history.tickets {
        if let Some(label) = ticket.labels.get(&field) {
            let (n, last) = found.entry(label).or_default();
            *n += 1;
            *last = (*last).max(ticket.opened_at);
        }
    }
    let end = history.tickets.iter().filter_map(|t| t.opened_at).max();
    let silent = |last: Option<Timestamp>| {
        end.zip(last).is_some_and(|(end, last)| end.as_second() - last.as_second() > DEAD_DAYS * 24 * 3600)
    };
    found
        .into_iter()
        .filter(|&(_, (n, last))| n < 2 || silent(last))
        .map(|(label, (tickets, last))| DeadLabel { label: label.to_owned(), tickets, last })
        .collect()
}

/// Families of near-identical tickets: each one's rows and labels.
struct Kin {
    families: Vec<Vec<(usize, u32)>>,
}

impl Kin {
    fn new(of: &Labelled, families: &[u32]) -> Self {
        let mut by_name: BTreeMap<u32, Vec<(usize, u32)>> = BTreeMap::new();
        for (&row, &label) in of.rows.iter().zip(&of.labels) {
            let kin = by_name.entry(families[row]).or_default();
            if kin.len() < MOST_OF_A_FAMILY {
                kin.push((row, label));
            }
        }
        Self { families: by_name.into_values().filter(|kin| kin.len() > 1).collect() }
    }

    fn agreement(&self) -> Option<PeopleAgreement> {
        let (mut pairs, mut agree) = (0, 0.0);
        for kin in &self.families {
            let of = kin.len() * (kin.len() - 1) / 2;
            let same = (0..kin.len())
                .flat_map(|b| (0..b).map(move |a| (a, b)))
                .filter(|&(a, b)| kin[a].1 == kin[b].1);
            agree += same.count() as f64 / of as f64;
            pairs += of;
        }
        let families = self.families.len();
        (families >= LEAST_PAIRS).then(|| PeopleAgreement { families, pairs, agree: agree / families as f64 })
    }

    fn technicians(&self, history: &History) -> Vec<Technician> {
        let who = |row: usize| history.tickets[row].labels.get(&Field::Technician);
        let mut found: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for kin in &self.families {
            for &(row, label) in kin {
                let Some(name) = who(row) else { continue };
                let mut others: BTreeMap<u32, usize> = BTreeMap::new();
                for &(other, label) in kin {
                    if who(other).is_some_and(|other| other != name) {
                        *others.entry(label).or_default() += 1;
                    }
                }
                let Some(most) = others.values().copied().max() else { continue };
                let (tickets, differ) = found.entry(name).or_default();
                *tickets += 1;
                *differ += usize::from(others.get(&label) != Some(&most));
            }
        }
        let mut all: Vec<Technician> = found
            .into_iter()
            .filter(|(_, (_, differ))| *differ > 0)
            .map(|(name, (tickets, differ))| Technician { name: name.to_owned(), tickets, differ })
            .collect();
        let share = |t: &Technician| t.differ as f64 / t.tickets as f64;
        all.sort_by(|a, b| share(b).total_cmp(&share(a)).then(a.name.cmp(&b.name)));
        all
    }
}

/// If each person gives the right label with probability `q` and any of the others alike, two agree with `a = q^2 +
/// (1 - q)^2 / (k - 1)`; the right label then agrees with a person's with `q`, and nothing can do better.
fn ceiling(people: PeopleAgreement, k: usize) -> Ceiling {
    let q = |a: f64| {
        let others = (k - 1) as f64;
        // (1 + 1/others) q^2 - (2/others) q + 1/others - a = 0, the larger root.
        let (x, y, z) = (1.0 + 1.0 / others, -2.0 / others, 1.0 / others - a);
        ((-y + (y * y - 4.0 * x * z).max(0.0).sqrt()) / (2.0 * x)).clamp(0.0, 1.0)
    };
    // A family is one witness, however many pairs it holds.
    let agree = wilson95((people.agree * people.families as f64).round() as usize, people.families);
    Ceiling {
        estimate: q(people.agree),
        interval: Interval { lo: q(agree.lo), hi: q(agree.hi) },
        from_people: true,
    }
}

#[cfg(test)]
mod tests {
    use firstline_triage::Reader;

    use super::*;
    use crate::prepare::{HistoryTicket, shuffled};
    use firstline_ticket::Ticket;

    fn ticket(i: usize, subject: &str, board: &str, technician: &str) -> HistoryTicket {
        HistoryTicket::new(
            &Ticket {
                id: format!("T{i}"),
                subject: Some(subject.to_owned()),
                board: Some(board.to_owned()),
                technician: Some(technician.to_owned()),
                opened_at: Some(Timestamp::from_second(1_700_000_000 + 86_400 * i as i64).unwrap()),
                ..Ticket::default()
            },
            &Reader::default(),
        )
    }

    #[test]
    fn a_label_is_doubted_where_another_is_confidently_more_likely() {
        let p = [vec![0.9, 0.1], vec![0.8, 0.2], vec![0.1, 0.9], vec![0.95, 0.05], vec![0.55, 0.45]]
            .map(Vec::from);
        // The last but one carries 1 though all speaks for 0; the last is undecided.
        assert_eq!(doubts(&p, &[0, 0, 1, 1, 0], 2), [(3, 0)]);
    }

    #[test]
    fn no_more_labels_are_wrong_than_people_disagree_about() {
        // A tenth of the labels is given at random among four; heads know the right one, as far as that can be known.
        let (quality, k) = (0.9, 4);
        let noise = (1.0 - quality) / 3.0;
        let likely = |label: u32| -> Vec<f32> {
            (0..k).map(|c| if c == label { quality as f32 } else { noise as f32 }).collect()
        };
        let labels: Vec<u32> = (0..1_000).map(|i| if i % 10 == 0 { 1 + i / 10 % 3 } else { 0 }).collect();
        let p: Vec<Vec<f32>> = labels.iter().map(|_| likely(0)).collect();
        let wrong = wrongness(&p, &labels, quality);
        assert!((wrong.iter().sum::<f64>() - 100.0).abs() < 1e-3);
        assert!(wrong[10] > 0.99 && wrong[1] < 0.01, "{} {}", wrong[10], wrong[1]);
        // Heads that are sure of something else for everything are not believed.
        let sure: Vec<Vec<f32>> = labels.iter().map(|_| vec![0.001, 0.001, 0.001, 0.997]).collect();
        assert!(wrongness(&sure, &labels, quality).iter().sum::<f64>() <= 100.0 + 1e-6);
        assert!(wrongness(&p, &labels, 1.0).iter().all(|w| *w == 0.0));
    }

    #[test]
    fn a_suspect_shows_what_it_can_be_judged_by() {
        let input = |subject: &str, body: &str| {
            subject_and_text(&Ticket {
                subject: Some(subject.into()),
                body: Some(body.into()),
                ..Ticket::default()
            })
        };
        assert_eq!(input("Scanner dead", "Scanner dead"), ("Scanner dead".into(), "Scanner dead".into()));
        assert_eq!(input("Scanner", "\nIt is dead.\nHelp"), ("Scanner".into(), "It is dead. Help".into()));
        assert_eq!(input("", "\nIt is dead.\nHelp").0, "It is dead.");
    }

    fn subject_and_text(ticket: &Ticket) -> (String, String) {
        let input = firstline_triage::Reader::default().compose(ticket);
        (subject(&input), one_line(&input.body, TEXT_CHARS))
    }

    #[test]
    fn agreement_gives_the_ceiling_it_was_made_with() {
        for (q, k) in [(0.9, 5), (0.7, 2), (1.0, 3)] {
            let a = q * q + (1.0 - q) * (1.0 - q) / (k - 1) as f64;
            let found = ceiling(PeopleAgreement { families: 4_000, pairs: 4_000, agree: a }, k);
            assert!((found.estimate - q).abs() < 1e-9, "{found:?}");
            assert!(
                found.interval.lo <= q
                    && q <= found.interval.hi
                    && found.interval.hi - found.interval.lo < 0.1
            );
        }
    }

    #[test]
    fn technicians_and_dead_labels_are_found() {
        let mut tickets = Vec::new();
        for i in 0..60 {
            let text = format!(
                "the {} of site {} does not answer any more since today",
                ["printer", "scanner"][i % 2],
                i / 6
            );
            let (board, who) = if i % 12 == 5 { ("Odd", "zoe") } else { ("Desk", ["ann", "bob"][i / 2 % 2]) };
            tickets.push(ticket(i, &text, board, who));
        }
        tickets.insert(0, ticket(0, "an old thing", "Gone", "ann"));
        tickets.push(ticket(400, "a new thing", "Desk", "ann"));
        let history = History { held_out: tickets.len(), tickets };
        assert_eq!(
            dead(&history, Field::Board).iter().map(|d| d.label.as_str()).collect::<Vec<_>>(),
            ["Gone", "Odd"]
        );
        let all: Vec<usize> = (0..history.tickets.len()).collect();
        let space = LabelSpace::new(["Desk", "Gone", "Odd"].map(String::from));
        let kin = Kin::new(&labelled(&history.tickets, &all, Field::Board, &space), &history.families());
        let found = kin.technicians(&history);
        assert_eq!((found[0].name.as_str(), found[0].tickets, found[0].differ), ("zoe", 3, 3));
        assert!(found.iter().all(|t| t.name == "zoe"), "{found:?}");
        assert!(kin.agreement().is_none(), "two families are no witness");
    }

    #[test]
    fn planted_errors_are_found() {
        let dir = tempfile::tempdir().unwrap();
        let manifest = firstline_nn::write_tiny(dir.path(), 1).unwrap();
        let encoder = Encoder::load(dir.path(), &manifest).unwrap();
        let words =
            [["printer", "toner", "paper"], ["vpn", "wifi", "network"], ["mailbox", "calendar", "outlook"]];
        let filler =
            ["please", "today", "again", "since", "morning", "office", "urgent", "help", "user", "room"];
        let draw = shuffled(600, 4);
        let mut planted = Vec::new();
        let tickets = (0..600).map(|i| {
            let r = draw[i];
            let word = |j: usize| filler[(r * 7 + j * (3 + i % 5)) % filler.len()];
            let topic = words[i % 3];
            let text =
                format!("{} {} {} {} {} {i}", word(0), topic[r % 3], word(1), topic[(r / 3) % 3], word(2));
            let wrong = r.is_multiple_of(12);
            planted.push(wrong);
            ticket(i, &text, ["A", "B", "C"][(i + usize::from(wrong)) % 3], "ann")
        });
        let tickets: Vec<HistoryTicket> = tickets.collect();
        let history = History { held_out: tickets.len(), tickets };
        struct Quiet;
        impl Progress for Quiet {
            fn stage(&mut self, _: &str, _: u64) {}
            fn done(&mut self, _: u64) -> std::ops::ControlFlow<()> {
                std::ops::ControlFlow::Continue(())
            }
        }
        let input = AuditInput { history: &history, fields: &[Field::Board], encoder: &encoder, seed: 1 };
        let found = audit(input, &mut EmbeddingCache::default(), &mut Quiet).unwrap().remove(0);
        let right = found.suspects.iter().filter(|s| planted[s.row]).count();
        let all = planted.iter().filter(|p| **p).count();
        let (recall, precision) = (right as f64 / all as f64, right as f64 / found.suspects.len() as f64);
        assert!(
            all >= 40 && recall >= 0.7 && precision >= 0.7,
            "{all} planted: recall {recall}, precision {precision}"
        );
        let suggested =
            found.suspects.iter().filter(|s| planted[s.row] && s.suggested == ["A", "B", "C"][s.row % 3]);
        assert!(suggested.count() as f64 >= 0.9 * right as f64);
    }
}
