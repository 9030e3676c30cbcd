//! How close drafts come to what technicians really sent, and how close the single most similar past reply would have come.
//!
//! Greeting, names and signature are left out of the comparison. ROUGE-L is the F-measure of the longest common
//! subsequence of words (Lin 2004). Two texts have "the same content" when every sentence on the matter in either agrees
//! with one of the other's; sentences that the desk uses whatever the matter don't count.
//!
//! Retrieval is measured on the same tickets. A ticket counts where some case of the index was resolved in the same way:
//! the two resolutions share half their words, the ticket's own names left out. The figure is the rank of the first
//! such case. Must never be run on tickets that are in the index.

use std::collections::BTreeSet;

use firstline_drafts::{
    CustomerFilter, Drafter, Index, ResolvedCase, Similar, Voice, fill, first_reply, language_of, said,
    say_the_same, sentences, slots,
};
use firstline_fault::Result;
use firstline_stats::{Interval, wilson95};
use firstline_ticket::{Draft, Origin, Ticket};
use firstline_triage::Bundle;
use rayon::prelude::*;
use serde::Serialize;

use super::reviews::{ConfidenceFit, confidence_fit};
use crate::Progress;
use crate::progress::interrupted;

/// Tickets drafted together.
const BATCH: usize = 64;

/// Figures of drafts.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DraftReport {
    /// Tickets with a reply to compare with.
    pub tickets: usize,
    /// How many of them got a draft.
    pub drafted: usize,
    /// Drafts by origin, with their own figures.
    pub origins: Vec<Group>,
    /// Drafts to tickets of the categories, as a person set them, of whose replies an approved template is two thirds.
    pub templated: Scores,
    /// The most similar case's reply in the draft's place, on the same tickets.
    pub templated_nearest: Scores,
    /// All drafts.
    pub all: Scores,
    /// The most similar case's reply in the draft's place, on the same tickets.
    pub nearest: Scores,
    /// How the confidences fit the share of drafts with the same content.
    pub confidence: ConfidenceFit,
    /// Each draft's origin and prior, and whether it has the same content: what confidences can be learnt from.
    #[serde(skip)]
    pub outcomes: Vec<(Origin, f64, bool)>,
    /// How well cases with the same resolution are found.
    pub retrieval: Retrieval,
}

/// How well cases with the same resolution are found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Retrieval {
    /// Tickets whose resolution some case of the index shares.
    pub tickets: usize,
    /// By the embedding and the words that are shared, as drafts are made.
    pub mixed: RetrievalScores,
    /// By the embedding alone.
    pub embedding: RetrievalScores,
}

/// How high the first case with the same resolution ranks.
#[derive(Debug, Clone, Default, Serialize)]
pub struct RetrievalScores {
    /// Share of tickets with one among the first 1, 5 and 10.
    pub recall: [f64; 3],
    /// Mean reciprocal rank of the first; 0 where it is not among the first 50.
    pub mrr: f64,
}

/// A template is a category's standard answer from this share of the category's replies on.
const STANDARD: f64 = 2.0 / 3.0;
/// Ranks that are looked at.
const DEPTH: usize = 50;
/// Ranks up to which recall is reported.
const PLACES: [usize; 3] = [1, 5, 10];
/// Tickets that retrieval is measured on at most: each is compared with every case.
const COMPARED: usize = 500;
/// Resolutions that share so much of their words are the same.
const SAME_RESOLUTION: f64 = 0.5;

/// The drafts of one origin.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Which.
    pub origin: Origin,
    /// Figures.
    pub scores: Scores,
}

/// Figures of some texts against what was sent.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Scores {
    /// How many.
    pub n: usize,
    /// Mean ROUGE-L.
    pub rouge_l: f64,
    /// Mean cosine of the texts' embeddings.
    pub cosine: f64,
    /// Share with the same content.
    pub same_content: f64,
    /// Wilson's 95 % interval of that share.
    pub same_content_ci95: Option<Interval>,
}

/// One text against what was sent.
#[derive(Debug, Clone, Copy)]
struct Score {
    rouge_l: f64,
    cosine: f64,
    same: bool,
}

/// Measures drafts for those of `tickets` that people answered.
///
/// # Errors
/// A fault of the engine or the index; [`Code::Interrupted`](firstline_fault::Code::Interrupted) when `progress` says so.
pub fn evaluate_drafts(
    drafter: &Drafter<'_>,
    tickets: &[Ticket],
    progress: &mut dyn Progress,
) -> Result<DraftReport> {
    let (engine, index, voice) = (drafter.engine(), drafter.index(), drafter.voice());
    let answered: Vec<&Ticket> = tickets.iter().filter(|t| first_reply(t).is_some()).collect();
    let mut report = DraftReport { tickets: answered.len(), ..DraftReport::default() };
    let (mut ours, mut theirs, mut templated) = (Vec::new(), Vec::new(), Vec::new());
    let resolved = Resolved::read(index)?;
    let (mut places, mut told): (Vec<[Option<usize>; 2]>, Vec<f64>) = (Vec::new(), Vec::new());
    progress.stage("drafting", answered.len() as u64);
    for (done, chunk) in answered.chunks(BATCH).enumerate() {
        let tickets: Vec<Ticket> = chunk.iter().map(|&t| t.clone()).collect();
        let features = engine.features(&tickets)?;
        let d = engine.bundle().info.dimensions;
        let mut texts: Vec<[String; 3]> = Vec::new();
        let mut sentences_of: Vec<(Origin, [Vec<String>; 3])> = Vec::new();
        for ((ticket, (_, draft)), embedding) in
            tickets.iter().zip(drafter.draft(&tickets, 3)?).zip(features.embeddings.chunks_exact(d))
        {
            let text = engine.reader().compose(ticket).text();
            if places.len() < COMPARED
                && let Some(found) = resolved.places(index, ticket, &text, embedding)?
            {
                places.push(found);
            }
            let Some(draft) = draft else { continue };
            let language = language_of(ticket, &text);
            let fitting = drafter.templates().fitting(|f| ticket.label(f), &language);
            templated.push(fitting.iter().any(|t| t.seen as f64 >= STANDARD * t.of as f64));
            told.push(draft.confidence.get());
            report.outcomes.push((draft.origin, draft.prior.get(), false));
            let sent = sentences(first_reply(ticket).unwrap_or_default(), ticket, index.endings());
            let nearest = nearest_reply(index, ticket, &text, embedding)?;
            let written = said(&draft.text, &voice.signature);
            texts.push([&sent, &written, &nearest].map(|s| s.join(" ")));
            sentences_of.push((draft.origin, [sent, written, nearest]));
        }
        let flat: Vec<String> = texts.iter().flatten().cloned().collect();
        let embedded = engine.embed(&flat)?;
        let d = embedded.len() / flat.len().max(1);
        for (i, (origin, [sent, written, nearest])) in sentences_of.iter().enumerate() {
            let vector = |j: usize| &embedded[(3 * i + j) * d..(3 * i + j + 1) * d];
            let score = |j: usize, text: &[String]| Score {
                rouge_l: rouge_l(&texts[i][0], &texts[i][j]),
                cosine: vector(0).iter().zip(vector(j)).map(|(a, b)| f64::from(a * b)).sum(),
                same: same_content(sent, text, index, voice),
            };
            let ours_here = score(1, written);
            report.outcomes[ours.len()].2 = ours_here.same;
            ours.push((*origin, ours_here));
            theirs.push(score(2, nearest));
        }
        if progress.done((done * BATCH + chunk.len()) as u64).is_break() {
            return Err(interrupted("drafting"));
        }
    }
    report.drafted = ours.len();
    let same = report.outcomes.iter().map(|(_, _, same)| *same);
    report.confidence = confidence_fit(&told.into_iter().zip(same).collect::<Vec<_>>());
    report.retrieval = retrieval(&places);
    report.all = scores(ours.iter().map(|(_, s)| *s));
    let of_templated = |all: &mut dyn Iterator<Item = Score>| {
        scores(all.zip(&templated).filter(|(_, templated)| **templated).map(|(s, _)| s))
    };
    report.templated = of_templated(&mut ours.iter().map(|(_, s)| *s));
    report.templated_nearest = of_templated(&mut theirs.iter().copied());
    report.nearest = scores(theirs.into_iter());
    for origin in [Origin::Template, Origin::Retrieved, Origin::Generated, Origin::Acknowledgement] {
        let of = scores(ours.iter().filter(|(o, _)| *o == origin).map(|(_, s)| *s));
        if of.n > 0 {
            report.origins.push(Group { origin, scores: of });
        }
    }
    Ok(report)
}

fn scores(all: impl Iterator<Item = Score>) -> Scores {
    let mut sum = Scores::default();
    let mut same = 0;
    for score in all {
        sum.n += 1;
        sum.rouge_l += score.rouge_l;
        sum.cosine += score.cosine;
        same += usize::from(score.same);
    }
    let n = sum.n.max(1) as f64;
    let share = same as f64 / n;
    let interval = (sum.n > 0).then(|| wilson95(same, sum.n));
    Scores {
        rouge_l: sum.rouge_l / n,
        cosine: sum.cosine / n,
        same_content: share,
        same_content_ci95: interval,
        ..sum
    }
}

fn retrieval(places: &[[Option<usize>; 2]]) -> Retrieval {
    let n = places.len().max(1) as f64;
    let ranking = |which: usize| {
        let of =
            |most: usize| places.iter().filter(|p| p[which].is_some_and(|at| at < most)).count() as f64 / n;
        let mrr = places.iter().filter_map(|p| p[which]).map(|at| 1.0 / (at + 1) as f64).sum::<f64>() / n;
        RetrievalScores { recall: PLACES.map(of), mrr }
    };
    Retrieval { tickets: places.len(), mixed: ranking(0), embedding: ranking(1) }
}

/// How the cases of an index were resolved.
struct Resolved(Vec<BTreeSet<String>>);

impl Resolved {
    fn read(index: &Index) -> Result<Self> {
        let mut all = Vec::with_capacity(index.len());
        index.each(&mut |case| all.push(resolution(&case)))?;
        Ok(Self(all))
    }

    /// The places of the first case with the resolution of `ticket`, by shared words too and by the embedding alone;
    /// `None` where no case has it.
    fn places(
        &self,
        index: &Index,
        ticket: &Ticket,
        text: &str,
        embedding: &[f32],
    ) -> Result<Option<[Option<usize>; 2]>> {
        let case = ResolvedCase::of(ticket, text, index.masker(), index.endings());
        let Some(case) = case else { return Ok(None) };
        let wanted = resolution(&case);
        if wanted.is_empty() || !self.0.par_iter().any(|other| alike(&wanted, other)) {
            return Ok(None);
        }
        let mut found = index.similar(text, embedding, CustomerFilter::All, DEPTH)?;
        found.retain(|s| s.case.hash != Bundle::ticket_hash(ticket));
        let first = |found: &[Similar]| found.iter().position(|s| alike(&wanted, &resolution(&s.case)));
        let mixed = first(&found);
        found.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        Ok(Some([mixed, first(&found)]))
    }
}

/// The words of how a case was resolved; where nobody wrote that down, of what was answered.
fn resolution(case: &ResolvedCase) -> BTreeSet<String> {
    let text = match &case.resolution {
        Some(resolution) => resolution.clone(),
        None => case.reply.iter().map(|said| said.text.as_str()).collect::<Vec<_>>().join(" "),
    };
    tokens(&text).into_iter().filter(|word| !word.chars().any(|c| c.is_ascii_digit())).collect()
}

/// Whether two resolutions are the same: Dice's coefficient of their words.
fn alike(a: &BTreeSet<String>, b: &BTreeSet<String>) -> bool {
    let both = a.intersection(b).count() as f64;
    2.0 * both >= SAME_RESOLUTION * (a.len() + b.len()) as f64 && both > 0.0
}

/// The words of a text, in lower case.
fn tokens(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

/// What a draft says and what was sent, both without greeting and signature; `None` where nobody answered.
pub fn said_and_sent(drafter: &Drafter<'_>, ticket: &Ticket, draft: &Draft) -> Option<[String; 2]> {
    let (signature, endings) = (&drafter.voice().signature, drafter.index().endings());
    Some(firstline_drafts::said_and_sent(&draft.text, signature, first_reply(ticket)?, ticket, endings))
}

/// The reply of the most similar case, its slots filled where they can be, whoever's it is.
fn nearest_reply(index: &Index, ticket: &Ticket, text: &str, embedding: &[f32]) -> Result<Vec<String>> {
    let slots = slots(ticket, text, index.masker());
    let found = index.similar(text, embedding, CustomerFilter::All, 8)?;
    let best = found.iter().find(|s| !s.case.reply.is_empty());
    Ok(best.map_or_else(Vec::new, |s| {
        s.case
            .reply
            .iter()
            .map(|said| fill(&said.text, &slots).unwrap_or_else(|| said.text.clone()))
            .collect()
    }))
}

/// Whether two texts say the same of the matter, whatever they say around it.
fn same_content(a: &[String], b: &[String], index: &Index, voice: &Voice) -> bool {
    let phrase = |s: &String| {
        voice.languages.values().any(|p| {
            [&p.opening, &p.acknowledgement, &p.question, &p.identity]
                .iter()
                .any(|own| own.contains(s.as_str()))
        })
    };
    let of_the_matter = |all: &[String]| -> Vec<String> {
        all.iter().filter(|s| !index.stock_sentences().contains(s) && !phrase(s)).cloned().collect()
    };
    say_the_same(&of_the_matter(a), &of_the_matter(b))
}

/// ROUGE-L of two texts: the F-measure, precision and recall alike.
fn rouge_l(a: &str, b: &str) -> f64 {
    let (a, b) = (tokens(a), tokens(b));
    if a.is_empty() || b.is_empty() {
        return f64::from(u8::from(a.is_empty() && b.is_empty()));
    }
    let mut row = vec![0_usize; b.len() + 1];
    for x in &a {
        let mut before = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { before + 1 } else { above.max(row[j]) };
            before = above;
        }
    }
    2.0 * row[b.len()] as f64 / (a.len() + b.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rouge_l_counts_the_longest_common_subsequence() {
        assert!((rouge_l("the cat sat on the mat", "the cat on a mat") - 2.0 * 4.0 / 11.0).abs() < 1e-12);
        assert_eq!(rouge_l("Hello, you!", "hello you"), 1.0);
        assert_eq!(rouge_l("a", ""), 0.0);
        assert_eq!(rouge_l("", ""), 1.0);
    }
}
