//! From logits to text: choosing tokens, one after the other, and where to stop. The same seed gives the same text.

use std::collections::HashSet;
use std::ops::ControlFlow;

use crate::random::SplitMix;
use crate::{Decoder, Sequence};
use firstline_fault::Result;

/// How the next token is chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Sampling {
    /// 0 takes the most probable token; above, logits are divided by it and a token is drawn.
    pub temperature: f32,
    /// Drawn only from the most probable tokens that together have this probability.
    pub top_p: f32,
    /// What logits of tokens already written are divided by where positive, multiplied with where negative: 1 changes
    /// nothing (Keskar et al., arXiv 1909.05858).
    pub repetition: f32,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: 0.0, top_p: 1.0, repetition: 1.0, seed: 1 }
    }
}

/// See [`Request::constrain`].
pub type Constrain<'a> = Box<dyn FnMut(&[u32], &mut [f32]) + 'a>;

/// See [`Request::go_on`].
pub type GoOn<'a> = Box<dyn FnMut() -> ControlFlow<()> + 'a>;

/// Tokens of a prompt between two looks at [`Request::go_on`]: the most that the kernels read together.
const PIECE: usize = 192;
/// Tokens that a character is made of at most.
const SPREAD: usize = 4;

/// What to write, and where to stop.
#[derive(Default)]
pub struct Request<'a> {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Tokens to write at most.
    pub max_tokens: usize,
    /// Texts before which it ends.
    pub stop: Vec<String>,
    /// Asked before each token, with those written so far: which tokens may come next. It sets the logits of all others
    /// to negative infinity; where none is left, the text ends.
    pub constrain: Option<Constrain<'a>>,
    /// Asked between pieces of the prompt and before each token: `Break` ends the text there.
    pub go_on: Option<GoOn<'a>>,
}

impl Request<'_> {
    fn cancelled(&mut self) -> bool {
        self.go_on.as_mut().is_some_and(|go_on| go_on().is_break())
    }
}

/// Why a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// The model said so, or one of the texts to stop before came.
    Stop,
    /// As many tokens as were asked for.
    Length,
    /// The sequence is full.
    Context,
    /// No token was allowed.
    Constraint,
    /// [`Request::go_on`] said so.
    Cancelled,
}

/// A text as it is written: an iterator over its pieces. Dropping it ends the work.
pub struct Generation<'a> {
    decoder: &'a Decoder,
    sequence: &'a mut Sequence,
    request: Request<'a>,
    random: SplitMix,
    logits: Vec<f32>,
    written: Vec<u32>,
    /// How many of those are text already.
    settled: usize,
    /// Text that was not given out yet.
    held: String,
    finish: Option<Finish>,
}

impl<'a> Generation<'a> {
    /// Reads `prompt` into `sequence`, but for what it shares with what was read before, and begins to write.
    ///
    /// # Errors
    /// `E_INPUT` when the prompt is empty or too long for the sequence: it is never cut, and the sequence stays as it was.
    pub fn new(
        decoder: &'a Decoder,
        sequence: &'a mut Sequence,
        prompt: &[u32],
        request: Request<'a>,
    ) -> Result<Self> {
        decoder.check(sequence, 0, prompt)?;
        let random = SplitMix::new(request.sampling.seed);
        let (written, held) = (Vec::new(), String::new());
        let mut new = Self {
            decoder,
            sequence,
            request,
            random,
            logits: Vec::new(),
            written,
            settled: 0,
            held,
            finish: None,
        };
        let rest = new.sequence.reuse(prompt);
        for piece in rest.chunks(PIECE) {
            if new.request.cancelled() {
                new.finish = Some(Finish::Cancelled);
                break;
            }
            new.logits = decoder.read(&mut [(&mut *new.sequence, piece)])?;
        }
        Ok(new)
    }

    /// The tokens written so far.
    pub fn tokens(&self) -> &[u32] {
        &self.written
    }

    /// Why it ended; `None` while it goes on.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// The next token; `None` at the end.
    fn step(&mut self) -> Result<Option<u32>> {
        if self.written.len() >= self.request.max_tokens {
            self.finish = Some(Finish::Length);
            return Ok(None);
        }
        if self.request.cancelled() {
            self.finish = Some(Finish::Cancelled);
            return Ok(None);
        }
        if let Some(constrain) = &mut self.request.constrain {
            constrain(&self.written, &mut self.logits);
        }
        let Some(token) = choose(&mut self.logits, &self.written, &self.request.sampling, &mut self.random)
        else {
            self.finish = Some(Finish::Constraint);
            return Ok(None);
        };
        if self.decoder.vocabulary().ends().contains(&token) {
            self.finish = Some(Finish::Stop);
            return Ok(None);
        }
        self.written.push(token);
        if self.written.len() < self.request.max_tokens {
            if self.sequence.tokens().len() == self.sequence.limit() {
                self.finish = Some(Finish::Context);
            } else {
                self.logits = self.decoder.read(&mut [(&mut *self.sequence, &[token])])?;
            }
        }
        Ok(Some(token))
    }

    /// What can be given out of the text: not what may yet become a text to stop before, nor half a character.
    fn piece(&mut self) -> Result<String> {
        let tail = self.decoder.vocabulary().decode(&self.written[self.settled..])?;
        let half = tail.ends_with('\u{fffd}') && self.written.len() - self.settled < SPREAD;
        if self.finish.is_some() || !half {
            self.held.push_str(&tail);
            self.settled = self.written.len();
        }
        let stop = self.request.stop.iter().filter(|s| !s.is_empty());
        if let Some(at) = stop.clone().filter_map(|s| self.held.find(s.as_str())).min() {
            self.held.truncate(at);
            self.finish = Some(Finish::Stop);
        }
        let mut end = self.held.len();
        if self.finish.is_none() {
            let begun = |s: &String| {
                (1..=s.len()).rev().find(|&n| s.is_char_boundary(n) && self.held.ends_with(&s[..n]))
            };
            end -= stop.filter_map(begun).max().unwrap_or(0);
        }
        Ok(self.held.drain(..end).collect())
    }
}

impl Iterator for Generation<'_> {
    type Item = Result<String>;

    /// The next piece of text, which may be empty.
    fn next(&mut self) -> Option<Self::Item> {
        if self.finish.is_some() {
            return None;
        }
        let told = self.step().and_then(|token| {
            let piece = self.piece()?;
            Ok(if token.is_none() && piece.is_empty() { None } else { Some(piece) })
        });
        if told.is_err() {
            self.finish = Some(Finish::Stop);
        }
        told.transpose()
    }
}

/// The next token by `sampling`; `None` where no logit is a finite number.
fn choose(logits: &mut [f32], written: &[u32], sampling: &Sampling, random: &mut SplitMix) -> Option<u32> {
    if sampling.repetition != 1.0 {
        for token in written.iter().collect::<HashSet<_>>() {
            let x = &mut logits[*token as usize];
            *x = if *x > 0.0 { *x / sampling.repetition } else { *x * sampling.repetition };
        }
    }
    let finite = || logits.iter().enumerate().filter(|(_, x)| x.is_finite());
    let (best, &most) = finite().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0)))?;
    if sampling.temperature <= 0.0 {
        return Some(best as u32);
    }
    let weight = |x: f32| f64::from((x - most) / sampling.temperature).exp();
    let mut all: Vec<(usize, f64)> = finite().map(|(i, &x)| (i, weight(x))).collect();
    let total: f64 = all.iter().map(|(_, w)| w).sum();
    // The most probable ones first, until they have their share.
    all.sort_unstable_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let (mut sum, mut n) = (0.0, 0);
    while n < all.len() && (n == 0 || sum < total * f64::from(sampling.top_p)) {
        sum += all[n].1;
        n += 1;
    }
    let mut at = random.uniform() * sum;
    let drawn = all[..n].iter().find(|(_, w)| {
        at -= w;
        at < 0.0
    });
    Some(drawn.map_or(best, |(i, _)| *i) as u32)
}
