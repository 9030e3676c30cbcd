//! Text to token ids, within the encoder's limit. What does not fit is left out of the middle, counted and
//! reported, never silently. Text is data: a `[SEP]` typed into a ticket is three words, not a separator.

use std::fs;
use std::path::Path;

use crate::fault;
use firstline_fault::{Code, Result};

/// Bytes tokenised for each token of the limit; English has four or five bytes a token, so that beyond this
/// only text that hardly is any gets here.
const BYTES_PER_TOKEN_READ: usize = 64;
/// Bytes a token is taken to have where text was never tokenised.
const BYTES_PER_TOKEN: usize = 4;
/// Longest `tokenizer.json` read.
const MAX_TOKENIZER_BYTES: u64 = 64 << 20;

/// A text as the encoder reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    /// Ids, the two special ones included.
    pub ids: Vec<u32>,
    /// Tokens that did not fit and were left out of the middle. Exact up to 64 bytes of text for each token
    /// of the limit; beyond that the rest counts with four bytes a token.
    pub cut: usize,
}

/// A tokenizer read from `tokenizer.json`.
#[derive(Debug)]
pub struct Tokenizer {
    inner: tokenizers::Tokenizer,
    first: u32,
    last: u32,
    max_tokens: usize,
    prompt: String,
}

impl Tokenizer {
    /// Reads `tokenizer.json` at `path`, for inputs of at most `max_tokens`, each with `prompt` before it.
    ///
    /// # Errors
    /// `E_IO` when it can't be read, `E_MODEL` when it is no tokenizer that frames a text with two tokens.
    pub fn from_file(path: &Path, max_tokens: usize, prompt: &str) -> Result<Self> {
        let place = path.display();
        let bytes = fs::metadata(path).map_err(|e| fault::io(&place, &e))?.len();
        if bytes > MAX_TOKENIZER_BYTES {
            return Err(fault::model(&place, format_args!("{bytes} bytes, too long for a tokenizer")));
        }
        let json = fs::read(path).map_err(|e| fault::io(&place, &e))?;
        let fault =
            |e: &dyn std::fmt::Display| fault::model(&place, format_args!("not a usable tokenizer: {e}"));
        let json = std::str::from_utf8(&json).map_err(|e| fault(&e))?;
        // Not by `from_bytes`, which is generic: all of its parser would be compiled here once more.
        let mut inner: tokenizers::Tokenizer = json.parse().map_err(|e| fault(&e))?;
        inner.with_padding(None).with_truncation(None).map_err(|e| fault(&e))?;
        inner.set_encode_special_tokens(true);
        let frame = inner.encode_fast("", true).map_err(|e| fault(&e))?;
        let &[first, last] = frame.get_ids() else {
            return Err(fault(&"it does not put one token before a text and one after it"));
        };
        if max_tokens < 3 {
            return Err(fault::user(
                Code::Config,
                "max_tokens",
                "there is no room for text",
                "Allow at least 3",
            ));
        }
        Ok(Self { inner, first, last, max_tokens, prompt: prompt.to_owned() })
    }

    /// The tokens put before a text and after it.
    pub(crate) fn frame(&self) -> [u32; 2] {
        [self.first, self.last]
    }

    /// The largest id it can give.
    pub(crate) fn largest_id(&self) -> u32 {
        self.inner.get_vocab(true).into_values().max().unwrap_or(0).max(self.first).max(self.last)
    }

    /// Longest input in tokens, the two special ones included.
    pub fn max_tokens(&self) -> usize {
        self.max_tokens
    }

    /// Tokenizes `text`. Time is bounded whatever the text's length.
    ///
    /// # Errors
    /// `E_MODEL` when the tokenizer fails on it.
    pub fn tokenize(&self, text: &str) -> Result<Tokens> {
        let prompted;
        let text = if self.prompt.is_empty() {
            text
        } else {
            prompted = format!("{}{text}", self.prompt);
            &prompted
        };
        let (head, tail) = ends(text, self.max_tokens.saturating_mul(BYTES_PER_TOKEN_READ));
        let unread = text.len() - head.len() - tail.len();
        let mut content = self.encode(head)?;
        if !tail.is_empty() {
            content.extend(self.encode(tail)?);
        }
        let room = self.max_tokens - 2;
        let over = content.len().saturating_sub(room);
        if over > 0 {
            let kept_head = room - room / 4;
            content.drain(kept_head..kept_head + over);
        }
        content.insert(0, self.first);
        content.push(self.last);
        Ok(Tokens { ids: content, cut: over + unread.div_ceil(BYTES_PER_TOKEN) })
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, false);
        Ok(encoding.map_err(|e| fault::model("tokenizer.json", e))?.get_ids().to_vec())
    }
}

/// The first three quarters and the last quarter of `most` bytes of `text`; all of it and nothing when it is
/// no longer than that.
fn ends(text: &str, most: usize) -> (&str, &str) {
    if text.len() <= most {
        return (text, "");
    }
    let tail = most / 4;
    let head = text.floor_char_boundary(most - tail);
    (&text[..head], &text[text.ceil_char_boundary(text.len() - tail)..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::write_tiny;

    fn tiny(max_tokens: usize, prompt: &str) -> Tokenizer {
        let dir = tempfile::tempdir().unwrap();
        write_tiny(dir.path(), 1).unwrap();
        Tokenizer::from_file(&dir.path().join("tokenizer.json"), max_tokens, prompt).unwrap()
    }

    fn ids(tokenizer: &Tokenizer, text: &str) -> Vec<u32> {
        tokenizer.tokenize(text).unwrap().ids
    }

    #[test]
    fn head_and_tail_are_kept_and_the_cut_is_counted() {
        let t = tiny(10, "");
        let short = t.tokenize("a b c d e f g h").unwrap();
        assert_eq!((short.ids.len(), short.cut), (10, 0));
        let long = t.tokenize("a b c d e f 1 2 3 4 5 g h").unwrap();
        assert_eq!((long.ids, long.cut), (short.ids, 5));
    }

    #[test]
    fn special_tokens_in_a_text_are_plain_text() {
        let t = tiny(16, "");
        let frame = ids(&t, "");
        assert_eq!(frame.len(), 2);
        let inside = ids(&t, "[SEP] [CLS]");
        assert!(inside[1..inside.len() - 1].iter().all(|id| !frame.contains(id)));
    }

    #[test]
    fn a_prompt_stands_before_the_text() {
        assert_eq!(ids(&tiny(16, "query: "), "a"), ids(&tiny(16, ""), "query: a"));
    }

    #[test]
    fn a_megabyte_of_anything_is_bounded_and_reported() {
        let t = tiny(128, "");
        let size = 1 << 20;
        for unit in ["x", "\u{301}", "\u{4e2d}", "a ", "<div>", "\0", "\u{1f468}\u{200d}"] {
            let text = unit.repeat(size / unit.len());
            let tokens = t.tokenize(&text).unwrap();
            assert!(tokens.ids.len() <= 128, "{unit:?}");
            assert!(tokens.cut > size / 8, "{unit:?}: {}", tokens.cut);
        }
    }

    #[test]
    fn ends_fall_on_characters() {
        let text = "\u{4e2d}".repeat(10);
        let (head, tail) = ends(&text, 10);
        assert_eq!((head.len(), tail.len()), (6, 0));
        assert_eq!(ends("abc", 3), ("abc", ""));
    }

    #[test]
    fn what_is_no_tokenizer_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokenizer.json");
        for text in ["", "{}", "[[[[", "{\"version\": \"1.0\", \"model\": {\"type\": \"BPE\"}}"] {
            fs::write(&path, text).unwrap();
            assert_eq!(
                Tokenizer::from_file(&path, 16, "").unwrap_err().code(),
                Some(Code::Model),
                "{text:?}"
            );
        }
    }
}
