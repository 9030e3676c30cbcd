//! Whether what a model wrote follows from what it was shown: each of its sentences has to stand on one sentence of the sources
//! by its words and by its meaning, and must deny what that denies.
//!
//! Must never let a sentence pass because several sources together have its words.

use firstline_ticket::Result;

use crate::Engine;
use crate::mask::words;

/// Of a sentence's words, the share that the sentence it stands on must have.
pub(crate) const SUPPORT: f32 = 0.7;
/// And the cosine of the two embeddings.
const MEANING: f32 = 0.7;

/// Which of `sources` each of `sentences` stands on; and the first that stands on none.
///
/// # Errors
/// A fault of the encoder.
pub(crate) fn entailed(
    sentences: &[String],
    sources: &[&str],
    engine: &Engine,
) -> Result<(Vec<usize>, Option<String>)> {
    let texts: Vec<String> =
        sentences.iter().cloned().chain(sources.iter().map(|s| (*s).to_owned())).collect();
    let embeddings = engine.embed(&texts)?;
    let d = embeddings.len() / texts.len().max(1);
    let vector = |i: usize| &embeddings[i * d..(i + 1) * d];
    let cosine = |a: usize, b: usize| vector(a).iter().zip(vector(b)).map(|(a, b)| a * b).sum::<f32>();
    let mut support = Vec::new();
    for (i, sentence) in sentences.iter().enumerate() {
        let stands = |j: usize| cosine(i, sentences.len() + j);
        let fits = |&j: &usize| says(sentence, sources[j]) && stands(j) >= MEANING;
        match (0..sources.len()).filter(fits).max_by(|&a, &b| stands(a).total_cmp(&stands(b))) {
            Some(j) => support.push(j),
            None => return Ok((support, Some(sentence.clone()))),
        }
    }
    Ok((support, None))
}

/// Whether `source` has the words of `sentence`, and denies as much.
fn says(sentence: &str, source: &str) -> bool {
    let (said, known): (Vec<String>, Vec<String>) = (folded(sentence), folded(source));
    let denied = |all: &[String]| all.iter().filter(|w| NEGATIONS.contains(&w.as_str())).count();
    !said.is_empty() && supported(&said, &known) >= SUPPORT && denied(&said) == denied(&known)
}

/// The share of `said` that is `known`.
pub(crate) fn supported(said: &[String], known: &[String]) -> f32 {
    said.iter().filter(|w| known.contains(w)).count() as f32 / said.len().max(1) as f32
}

fn folded(text: &str) -> Vec<String> {
    words(text).map(|(_, word)| word).collect()
}

/// Words that deny, in the languages of the built-in voice; of "don't" the "t" stands alone.
const NEGATIONS: &[&str] = &[
    "not", "no", "never", "none", "nothing", "without", "cannot", "t", "nicht", "kein", "keine", "keinen",
    "keinem", "keiner", "nie", "niemals", "nichts", "ohne", "ne", "pas", "jamais", "aucun", "aucune", "sans",
    "rien", "nunca", "ningún", "ninguna", "sin", "nada", "não", "nenhum", "nenhuma", "sem",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_alone_do_not_make_a_sentence_follow() {
        assert!(says("Restart it, please.", "Please restart it."));
        assert!(!says("Please restart it.", "Please do not restart it."));
        assert!(!says("Please don't open it.", "Please open it."));
        assert!(!says("Your licence is free.", "Please restart it."));
        assert!(!says("", "Please restart it."));
    }
}
