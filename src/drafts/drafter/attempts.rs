//! The ways to say something of a ticket's matter, each an attempt that the guard has yet to pass.
//!
//! Must never choose a sentence that the pool does not offer.

use firstline_fault::Result;
use firstline_ticket::{CheckResult, Decision};

use super::Drafter;
use super::matter::{Attempt, FilledTemplate, LEAD, Matter, WORTH};
use crate::consensus::{agreement, word_f1};
use crate::slots::fill;
use crate::template::Template;

/// Replies that are compared as a whole.
const WHOLE: usize = 12;

impl<'a> Drafter<'a> {
    /// Of the templates that fit and can be filled, the one that past replies speak for most.
    pub(super) fn template(&self, decision: &Decision, matter: &Matter<'_>) -> Option<FilledTemplate<'a>> {
        let decided = |field| decision.fields.get(&field).map(|d| d.label.as_str());
        let fitting = self.templates.fitting(decided, &matter.language).into_iter();
        // What a person has worded is theirs; what was learnt has to be as widely known as any past sentence.
        let may = |template: &&Template| {
            !template.is_as_learnt()
                || !self.index.has_customers()
                || template.sentences.iter().all(|s| self.index.is_shared(s))
        };
        let filled = fitting.filter(may).filter_map(|template| {
            let sentences: Option<Vec<String>> =
                template.sentences.iter().map(|s| fill(s, &matter.slots)).collect();
            let sentences = sentences?;
            let same = agreement(&sentences, &matter.pool.replies);
            Some(FilledTemplate { template, sentences, same })
        });
        filled.max_by(|a, b| a.same.total_cmp(&b.same))
    }

    /// What past replies say, as it stands in them.
    pub(super) fn past(&self, matter: &Matter<'_>) -> Result<Option<Attempt>> {
        matter.retrieved().map_or_else(|| self.whole(matter), |attempt| Ok(Some(attempt)))
    }

    /// What the model makes of the sentences that were found, those of `past` first; or why nothing, where it was to.
    pub(super) fn generated(
        &self,
        matter: &Matter<'_>,
        past: &Attempt,
    ) -> Result<std::result::Result<Option<Attempt>, CheckResult>> {
        let Some((writer, go_on)) = self.writer else { return Ok(Ok(None)) };
        let steps = matter.pool.steps(&past.chosen);
        let (texts, told) = (matter.pool.texts(&steps), self.voice.told(&matter.customer));
        let chosen = match writer.choose(&matter.text, &matter.language, told, &texts, &mut || go_on())? {
            Ok(chosen) => chosen,
            Err(why) => {
                return Ok(Err(CheckResult {
                    check: "language model".into(),
                    passed: false,
                    found: why.into(),
                }));
            }
        };
        let attempt = matter.past_attempt(chosen.into_iter().map(|step| steps[step]).collect());
        // As for a template: not if past replies speak for something else.
        Ok(Ok(Some(attempt).filter(|attempt| attempt.same + LEAD >= past.same)))
    }

    /// Where replies are worded differently each time, so that no sentences are agreed on: the one reply that is most like all of
    /// them, in words and meaning, less what may not be shown of it.
    fn whole(&self, matter: &Matter<'_>) -> Result<Option<Attempt>> {
        if matter.is_silent() {
            return Ok(None);
        }
        let pool = &matter.pool;
        let said = (0..pool.replies.len()).filter(|&r| !pool.replies[r].sentences.is_empty());
        // Each with its sentences that may be used.
        let replies: Vec<(usize, Vec<(usize, usize)>)> =
            said.take(WHOLE).map(|r| (r, pool.usable(r).collect())).collect();
        let texts: Vec<[String; 2]> = replies
            .iter()
            .map(|(r, usable)| [pool.texts(usable).join(" "), pool.replies[*r].sentences.join(" ")])
            .collect();
        let embeddings = self.engine.embed(texts.as_flattened())?;
        let d = embeddings.len() / (2 * texts.len()).max(1);
        let vector = |i: usize| &embeddings[i * d..(i + 1) * d];
        let cosine = |a: usize, b: usize| vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum::<f32>();
        // Flatter than elsewhere: no single one of them is likely to be said again.
        let weights: Vec<f32> = replies.iter().map(|(r, _)| pool.replies[*r].weight.sqrt()).collect();
        let total = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        // That one of them is right at all.
        let any: f32 = pool.replies.iter().map(|r| r.weight).sum();
        let expected = |c: usize| -> f32 {
            let like = |o: usize| (cosine(2 * c, 2 * o + 1) + word_f1(&texts[c][0], &texts[o][1])) / 2.0;
            any * weights.iter().enumerate().map(|(o, weight)| weight * like(o)).sum::<f32>() / total
        };
        let sound = |c: &usize| 2 * replies[*c].1.len() > pool.replies[replies[*c].0].sentences.len();
        let best =
            (0..replies.len()).filter(sound).map(|c| (expected(c), c)).max_by(|a, b| a.0.total_cmp(&b.0));
        let best = best.filter(|(expected, _)| *expected >= WORTH);
        Ok(best.map(|(_, c)| matter.past_attempt(replies[c].1.clone())))
    }
}
