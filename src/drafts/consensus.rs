//! What past replies agree on: from many replies to tickets like this one, the sentences that an answer to it would
//! most likely have.
//!
//! Minimum Bayes risk: each past reply is what might be right, as likely as its ticket is like this one; chosen are the
//! sentences of whose words most is expected to be in the right reply, and that leave least of it out (Kumar and Byrne 2004).
//! Sentences are only ever chosen, never changed: must never write a word that no technician wrote.

use std::collections::HashMap;

use crate::segmentation::words;

/// Sentences that agree so far are one and the same.
const SAME: f32 = 0.999;
/// What it is worth to say nothing where the right reply says nothing either: a question too many costs the customer less than
/// one too few.
const SILENCE: f32 = 0.6;
/// Sentences that share so much of their words say the same.
pub(crate) const SHARED_WORDS: f32 = 0.8;
/// Moves of the search at most.
const MOVES: usize = 64;
/// An improvement smaller than this is none.
const LEAST: f32 = 1e-4;
/// Replies have enough in common where so much of a reply is expected in the best of them.
const FIRM: f32 = 0.5;

/// A past reply: what it says, and how likely it is that the right one says the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PastReply {
    /// Its sentences; none where it said nothing of the matter.
    pub(crate) sentences: Vec<String>,
    /// Which of them may be used.
    pub(crate) usable: Vec<bool>,
    /// Its weight; all weights together are 1 or less.
    pub(crate) weight: f32,
}

/// The sentences chosen: of which reply and which of it, in the order in which they are to stand.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Consensus {
    /// `(reply, sentence)`; none where most replies say nothing.
    pub(crate) chosen: Vec<(usize, usize)>,
    /// How much of the right reply is expected to be in it, and of it in the right reply: the F1 of both, 0 to 1.
    pub(crate) expected: f32,
    /// Whether the replies have so much in common that sentences of several make one text.
    pub(crate) firm: bool,
}

/// Words of a sentence with their counts.
type Bag = HashMap<String, f32>;

/// Chooses among `replies`.
pub(crate) fn consensus(replies: &[PastReply]) -> Consensus {
    let kinds = Kinds::of(replies);
    let judge = Judge::new(replies, &kinds);
    let (mut expected, mut best) = kinds.best_reply(&judge);
    let total: f32 = replies.iter().map(|r| r.weight).sum();
    let firm = expected > 0.0 && expected >= FIRM * total;
    // Where replies have little in common, sentences of several make no text.
    if firm {
        (expected, best) = kinds.improved(expected, best, &judge);
    }
    best.sort_by(|&a, &b| kinds.usual_place(a, replies).total_cmp(&kinds.usual_place(b, replies)));
    let chosen = best.iter().filter_map(|&k| kinds.place[k]).collect();
    Consensus { chosen, expected, firm }
}

/// The sentences of all replies, those that are the same as one kind.
struct Kinds {
    /// The words of each kind.
    bags: Vec<Bag>,
    /// For each reply the kinds of its sentences, in their order.
    said: Vec<Vec<usize>>,
    /// Where each kind stands first among the sentences that may be used: `(reply, sentence)`.
    place: Vec<Option<(usize, usize)>>,
}

impl Kinds {
    fn of(replies: &[PastReply]) -> Self {
        let mut kinds = Self { bags: Vec::new(), said: Vec::new(), place: Vec::new() };
        for (r, reply) in replies.iter().enumerate() {
            let mut said = Vec::new();
            for (s, sentence) in reply.sentences.iter().enumerate() {
                let kind = kinds.kind(bag(sentence));
                if reply.usable[s] && kinds.place[kind].is_none() {
                    kinds.place[kind] = Some((r, s));
                }
                said.push(kind);
            }
            kinds.said.push(said);
        }
        kinds
    }

    /// The kind of a sentence of these words, a new one where there is none like it.
    fn kind(&mut self, bag: Bag) -> usize {
        self.bags.iter().position(|known| overlap(known, &bag) >= SAME).unwrap_or_else(|| {
            self.bags.push(bag);
            self.place.push(None);
            self.bags.len() - 1
        })
    }

    /// Of these kinds those that may be used, each once.
    fn usable(&self, kinds: &[usize]) -> Vec<usize> {
        let mut kept: Vec<usize> = Vec::new();
        for &k in kinds {
            if self.place[k].is_some() && !kept.contains(&k) {
                kept.push(k);
            }
        }
        kept
    }

    /// The one reply, or silence, of which most is expected, and how much.
    fn best_reply(&self, judge: &Judge) -> (f32, Vec<usize>) {
        let singles = self.said.iter().map(|kinds| self.usable(kinds)).chain([Vec::new()]);
        let scored = singles.map(|kinds| (judge.expected(&kinds), kinds));
        // Of equals the shortest, then the first.
        scored.fold((-1.0, Vec::new()), |best: (f32, Vec<usize>), next| {
            let shorter = next.0 == best.0 && next.1.len() < best.1.len();
            if next.0 > best.0 || shorter { next } else { best }
        })
    }

    /// Leaves one sentence out or takes one in, for as long as more is expected of it.
    fn improved(&self, mut score: f32, mut best: Vec<usize>, judge: &Judge) -> (f32, Vec<usize>) {
        for _ in 0..MOVES {
            let without = (0..best.len()).map(|i| {
                let mut kinds = best.clone();
                kinds.remove(i);
                kinds
            });
            let with =
                (0..self.place.len()).filter(|k| self.place[*k].is_some() && !best.contains(k)).map(|k| {
                    let mut kinds = best.clone();
                    kinds.push(k);
                    kinds
                });
            let scored = without.chain(with).map(|kinds| (judge.expected(&kinds), kinds));
            match scored.max_by(|a, b| a.0.total_cmp(&b.0)) {
                Some((higher, kinds)) if higher > score + LEAST => (best, score) = (kinds, higher),
                _ => break,
            }
        }
        (score, best)
    }

    /// Where in a reply a kind usually stands, 0 to 1.
    fn usual_place(&self, kind: usize, replies: &[PastReply]) -> f32 {
        let (mut sum, mut weight) = (0.0, f32::MIN_POSITIVE);
        for (reply, kinds) in replies.iter().zip(&self.said) {
            if let Some(at) = kinds.iter().position(|&other| other == kind) {
                sum += reply.weight * (at as f32 + 0.5) / kinds.len() as f32;
                weight += reply.weight;
            }
        }
        sum / weight
    }
}

/// Words, by number, with their counts.
type Counted = Vec<(usize, f32)>;

/// Judges replies by the words of all of their sentences together, so that to say a thing twice is no better.
struct Judge {
    /// For each kind of sentence its words.
    kinds: Vec<Counted>,
    /// For each past reply its weight, its words, and how many they are.
    replies: Vec<(f32, Counted, f32)>,
    /// Words there are.
    words: usize,
}

impl Judge {
    fn new(replies: &[PastReply], kinds: &Kinds) -> Self {
        let mut numbers: HashMap<&str, usize> = HashMap::new();
        let mut counted: Vec<Counted> = Vec::new();
        for bag in &kinds.bags {
            let mut words: Vec<(&str, f32)> = bag.iter().map(|(word, n)| (word.as_str(), *n)).collect();
            words.sort_unstable_by_key(|(word, _)| *word);
            let mut number = |word| {
                let next = numbers.len();
                *numbers.entry(word).or_insert(next)
            };
            counted.push(words.into_iter().map(|(word, n)| (number(word), n)).collect());
        }
        let mut judge = Self { words: numbers.len(), kinds: counted, replies: Vec::new() };
        for (reply, said) in replies.iter().zip(&kinds.said) {
            let counts = judge.counts(said);
            let words: Counted = counts.into_iter().enumerate().filter(|(_, n)| *n > 0.0).collect();
            let length = words.iter().map(|(_, n)| n).sum();
            judge.replies.push((reply.weight, words, length));
        }
        judge
    }

    /// How often sentences of these kinds have each word.
    fn counts(&self, kinds: &[usize]) -> Vec<f32> {
        let mut counts = vec![0.0; self.words];
        kinds.iter().flat_map(|&k| &self.kinds[k]).for_each(|&(word, n)| counts[word] += n);
        counts
    }

    /// The expected F1 of the words of a reply of these sentences.
    fn expected(&self, kinds: &[usize]) -> f32 {
        let counts = self.counts(kinds);
        let length: f32 = counts.iter().sum();
        let alike = |theirs: &[(usize, f32)], their_length: f32| {
            if kinds.is_empty() && theirs.is_empty() {
                return SILENCE;
            }
            let both: f32 = theirs.iter().map(|&(word, n)| n.min(counts[word])).sum();
            2.0 * both / (length + their_length).max(1.0)
        };
        self.replies.iter().map(|(weight, words, length)| weight * alike(words, *length)).sum()
    }
}

/// Whether two replies say the same: each sentence of either shares four words in five with one of the other's.
pub fn say_the_same(a: &[String], b: &[String]) -> bool {
    let covered =
        |of: &[String], by: &[String]| of.iter().all(|a| by.iter().any(|b| word_f1(a, b) >= SHARED_WORDS));
    covered(a, b) && covered(b, a)
}

/// The share of `replies`, by weight, that say what `sentences` do.
pub(crate) fn agreement(sentences: &[String], replies: &[PastReply]) -> f32 {
    // From 0 on: the sum of nothing is -0 otherwise.
    replies.iter().filter(|r| say_the_same(sentences, &r.sentences)).fold(0.0, |sum, r| sum + r.weight)
}

/// The same without the one reply that weighs most: what a reply that is taken from one of them can expect of the others.
pub(crate) fn agreement_of_others(sentences: &[String], replies: &[PastReply]) -> f32 {
    let same = replies.iter().filter(|r| say_the_same(sentences, &r.sentences)).map(|r| r.weight);
    let (sum, most) = same.fold((0.0, 0.0_f32), |(sum, most), weight| (sum + weight, most.max(weight)));
    sum - most
}

/// How far two sentences agree: the F1 of their words, 0 to 1.
pub(crate) fn word_f1(a: &str, b: &str) -> f32 {
    overlap(&bag(a), &bag(b))
}

fn bag(sentence: &str) -> Bag {
    let mut bag = Bag::new();
    for (_, word) in words(sentence) {
        *bag.entry(word).or_default() += 1.0;
    }
    bag
}

/// F1 of the words of both, 0 to 1.
fn overlap(a: &Bag, b: &Bag) -> f32 {
    let both: f32 = a.iter().filter_map(|(word, n)| b.get(word).map(|m| n.min(*m))).sum();
    let all: f32 = a.values().sum::<f32>() + b.values().sum::<f32>();
    if all > 0.0 { 2.0 * both / all } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(sentences: &[&str], weight: f32) -> PastReply {
        PastReply {
            sentences: sentences.iter().map(|s| (*s).to_owned()).collect(),
            usable: vec![true; sentences.len()],
            weight,
        }
    }

    #[test]
    fn what_most_replies_say_is_said_and_no_more() {
        let replies = [
            reply(&["Thanks for the details.", "Does webmail work?"], 0.3),
            reply(&["Looking at it now.", "Does webmail work?"], 0.3),
            reply(&["Does webmail work?"], 0.2),
            reply(&["Please restart that printer."], 0.2),
        ];
        let got = consensus(&replies);
        let said: Vec<&str> = got.chosen.iter().map(|&(r, s)| replies[r].sentences[s].as_str()).collect();
        assert!(
            said.contains(&"Does webmail work?") && !said.contains(&"Please restart that printer."),
            "{said:?}"
        );
        assert!(said.len() <= 2 && got.expected > 0.55, "{got:?}");
    }

    #[test]
    fn a_sentence_that_may_not_be_used_is_not() {
        let mut replies =
            [reply(&["It is MAR-PC1.", "Please restart it."], 0.6), reply(&["Please restart it."], 0.4)];
        replies[0].usable[0] = false;
        let got = consensus(&replies);
        assert_eq!(got.chosen, [(0, 1)]);
        replies.iter_mut().for_each(|r| r.usable.fill(false));
        assert_eq!(consensus(&replies).chosen, []);
        assert_eq!(consensus(&[]), Consensus::default());
    }

    #[test]
    fn where_most_replies_say_nothing_nothing_is_said() {
        let replies = [reply(&[], 0.4), reply(&[], 0.2), reply(&["Please restart it."], 0.3)];
        let got = consensus(&replies);
        assert!(got.chosen.is_empty(), "{got:?}");
        let got = consensus(&[reply(&[], 0.3), reply(&["Please restart it."], 0.4)]);
        assert_eq!(got.chosen, [(1, 0)]);
    }

    #[test]
    fn what_others_say_leaves_out_the_one_that_weighs_most() {
        let said = |sentence: &str| vec![sentence.to_owned()];
        let replies =
            [reply(&["Please restart it."], 0.5), reply(&["Please restart it."], 0.2), reply(&[], 0.3)];
        assert!((agreement(&said("Please restart it."), &replies) - 0.7).abs() < 1e-6);
        assert!((agreement_of_others(&said("Please restart it."), &replies) - 0.2).abs() < 1e-6);
        assert_eq!(agreement_of_others(&[], &replies), 0.0);
        assert_eq!(agreement_of_others(&said("Is it on?"), &replies), 0.0);
    }

    #[test]
    fn sentences_stand_where_they_usually_do() {
        let replies = [
            reply(&["Alpha beta.", "Gamma delta.", "Epsilon zeta."], 0.5),
            reply(&["Alpha beta.", "Gamma delta.", "Epsilon zeta."], 0.5),
        ];
        let got = consensus(&replies);
        assert_eq!(got.chosen.iter().map(|c| c.1).collect::<Vec<_>>(), [0, 1, 2]);
        assert!((got.expected - 1.0).abs() < 1e-5);
    }
}
