//! A decoder's tokens and the form of its conversations, both from its GGUF file: byte-level BPE (Sennrich et al., arXiv
//! 1508.07909), and a chat template in Jinja. What somebody wrote is data: a `<|im_end|>` in it is text and ends nothing.

use std::borrow::Cow;
use std::collections::BTreeSet;

use minijinja::syntax::SyntaxConfig;
use minijinja::{self as jinja, Environment, context};
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence as Steps;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, PreTokenizerWrapper, SplitDelimiterBehavior};

use crate::fault;
use crate::gguf::{Gguf, Value};
use firstline_fault::{Code, Error, Result};

/// Longest text that is made into tokens, in bytes.
const MAX_TEXT: usize = 8 << 20;
/// Steps that a chat template may take.
const TEMPLATE_STEPS: u64 = 1_000_000;
/// Kinds of tokens that stand for no text, as GGUF numbers them.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

/// Who says what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `system`, `user` or `assistant`.
    pub role: &'static str,
    /// The text.
    pub content: String,
}

/// Tokens and chat template of a decoder.
#[derive(Debug)]
pub struct Vocabulary {
    inner: tokenizers::Tokenizer,
    /// Texts of the tokens that mean more than their text.
    special: Vec<String>,
    /// What stands before every text, where something does.
    begin: Option<u32>,
    ends: Vec<u32>,
    /// What a template may name: the first and the last token of a text.
    frame: [String; 2],
    template: Option<Environment<'static>>,
    place: String,
}

impl Vocabulary {
    /// Reads it from `gguf`.
    ///
    /// # Errors
    /// `E_MODEL` when it is missing, damaged, or of a kind that is not supported, which is named.
    pub(crate) fn read(gguf: &Gguf, place: &str) -> Result<Self> {
        let fault = |problem: String| fault::model(place, problem);
        let text = |key: &str| gguf.get(key).and_then(Value::text);
        match text("tokenizer.ggml.model") {
            Some("gpt2") => {}
            other => {
                return Err(fault(format!(
                    "a tokenizer of kind {}; gpt2 is supported",
                    other.unwrap_or("none")
                )));
            }
        }
        let texts =
            |key: &str| gguf.get(key).and_then(Value::texts).ok_or_else(|| fault(format!("no usable {key}")));
        let kind = text("tokenizer.ggml.pre").unwrap_or("gpt-2");
        let tokens = texts("tokenizer.ggml.tokens")?;
        let merges = texts("tokenizer.ggml.merges")?.iter().map(|merge| {
            let (a, b) = merge.split_once(' ').ok_or_else(|| fault(format!("{merge:?} merges nothing")))?;
            Ok((a.to_owned(), b.to_owned()))
        });
        let vocabulary: Vocab = tokens.iter().cloned().zip(0..).collect();
        let bpe = BPE::builder()
            .vocab_and_merges(vocabulary, merges.collect::<Result<Vec<_>>>()?)
            // Of these, words that are tokens are not built from merges.
            .ignore_merges(kind == "llama-bpe")
            .build()
            .map_err(|e| fault(format!("no usable tokenizer: {e}")))?;
        let mut inner = tokenizers::Tokenizer::new(bpe);
        inner.with_pre_tokenizer(Some(split(kind).map_err(fault)?));
        inner.with_decoder(Some(ByteLevel::new(false, false, false)));
        let kinds = match gguf.get("tokenizer.ggml.token_type") {
            Some(Value::Ints(kinds)) if kinds.len() == tokens.len() => kinds.as_slice(),
            None => &[],
            _ => return Err(fault("tokenizer.ggml.token_type does not fit the tokens".to_owned())),
        };
        let of = |wanted: i64| -> Vec<String> {
            let there = kinds.iter().zip(tokens).filter(|(kind, _)| **kind == wanted);
            there.map(|(_, token)| token.clone()).filter(|token| !token.is_empty()).collect()
        };
        let (special, defined) = (of(CONTROL), of(USER_DEFINED));
        let added = |texts: &[String], special: bool| -> Vec<AddedToken> {
            texts.iter().map(|text| AddedToken::from(text.clone(), special)).collect()
        };
        inner
            .add_special_tokens(added(&special, true))
            .and_then(|_| inner.add_tokens(added(&defined, false)))
            .map_err(|e| fault(format!("no usable tokenizer: {e}")))?;
        let id = |key: &str| -> Result<Option<u32>> {
            match gguf.get(key) {
                None => Ok(None),
                Some(value) => match value.size() {
                    Some(id) if id < tokens.len() => Ok(Some(id as u32)),
                    _ => Err(fault(format!("{key} is no token"))),
                },
            }
        };
        let mut ends: Vec<u32> = Vec::new();
        for key in ["eos", "eot", "eom"] {
            ends.extend(id(&format!("tokenizer.ggml.{key}_token_id"))?);
        }
        for name in ["<|im_end|>", "<|endoftext|>", "<|eot_id|>"] {
            ends.extend(special.iter().any(|s| s == name).then(|| inner.token_to_id(name)).flatten());
        }
        ends.sort_unstable();
        ends.dedup();
        let begins = match gguf.get("tokenizer.ggml.add_bos_token") {
            Some(Value::Bool(begins)) => *begins,
            _ => kind == "llama-bpe",
        };
        let [first, last] = [id("tokenizer.ggml.bos_token_id")?, id("tokenizer.ggml.eos_token_id")?];
        let frame = [first, last].map(|id| id.and_then(|id| inner.id_to_token(id)).unwrap_or_default());
        let ending = ends.iter().filter_map(|&id| inner.id_to_token(id));
        let special: BTreeSet<String> = special.into_iter().chain(ending).filter(|s| !s.is_empty()).collect();
        let special = special.into_iter().collect();
        let template = match text("tokenizer.chat_template") {
            None => None,
            Some(source) => {
                let mut known = Environment::new();
                known.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
                let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
                known.set_syntax(syntax.map_err(|e| fault::internal(format_args!("Jinja's syntax: {e}")))?);
                known.set_fuel(Some(TEMPLATE_STEPS));
                known.add_function(
                    "raise_exception",
                    |message: String| -> std::result::Result<String, jinja::Error> {
                        Err(jinja::Error::new(jinja::ErrorKind::InvalidOperation, message))
                    },
                );
                known
                    .add_template_owned("chat", source.to_owned())
                    .map_err(|e| fault(format!("no usable chat template: {e}")))?;
                Some(known)
            }
        };
        let begin = if begins { first } else { None };
        Ok(Self { inner, special, begin, ends, frame, template, place: place.to_owned() })
    }

    /// How many tokens there are.
    pub(crate) fn len(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Tokens after which nothing more comes.
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The tokens of a plain text, nothing put around it; special tokens in it are text.
    ///
    /// # Errors
    /// `E_INPUT` when it is too long.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        if text.len() > MAX_TEXT {
            return Err(too_long(text.len()));
        }
        self.tokens(&self.plain(text))
    }

    /// The tokens of a conversation in the model's own form, up to where its next answer begins.
    ///
    /// # Errors
    /// `E_MODEL` when it has no form for conversations, or not for this one; `E_INPUT` when it is too long.
    pub fn encode_chat(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let fault = |problem: String| fault::model(&self.place, problem);
        let template = self.template.as_ref().ok_or_else(|| fault("it has no chat template".to_owned()))?;
        if let Some(long) = messages.iter().map(|m| m.content.len()).find(|&n| n > MAX_TEXT) {
            return Err(too_long(long));
        }
        let plain =
            |m: &Message| jinja::Value::from_pairs([("role", m.role), ("content", &self.plain(&m.content))]);
        let messages: Vec<jinja::Value> = messages.iter().map(plain).collect();
        let rendered = template
            .get_template("chat")
            .and_then(|t| {
                t.render(context! {
                    messages,
                    add_generation_prompt => true,
                    bos_token => self.frame[0].as_str(),
                    eos_token => self.frame[1].as_str(),
                })
            })
            .map_err(|e| fault(format!("its chat template: {e}")))?;
        let mut ids = self.tokens(&rendered)?;
        if let Some(begin) = self.begin
            && ids.first() != Some(&begin)
        {
            ids.insert(0, begin);
        }
        Ok(ids)
    }

    /// The text of `tokens`, without special ones. Bytes that are no text yet become U+FFFD.
    ///
    /// # Errors
    /// Internal, when a token is not of the vocabulary.
    pub fn decode(&self, tokens: &[u32]) -> Result<String> {
        self.inner.decode(tokens, true).map_err(|e| fault::internal(format_args!("tokens to text: {e}")))
    }

    /// `text` with a blank within everything that would be a special token; what is one all the same is left out.
    fn plain<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let mut text = Cow::Borrowed(text);
        for special in &self.special {
            if text.contains(special.as_str()) {
                let first = special.chars().next().map_or(0, char::len_utf8);
                let broken = format!("{} {}", &special[..first], &special[first..]);
                text = Cow::Owned(text.replace(special.as_str(), &broken));
            }
        }
        while let Some(special) = self.special.iter().find(|s| text.contains(s.as_str())) {
            text = Cow::Owned(text.replace(special.as_str(), ""));
        }
        text
    }

    fn tokens(&self, text: &str) -> Result<Vec<u32>> {
        if text.len() > MAX_TEXT {
            return Err(too_long(text.len()));
        }
        let encoding = self.inner.encode_fast(text, false);
        encoding
            .map(|e| e.get_ids().to_vec())
            .map_err(|e| fault::internal(format_args!("text to tokens: {e}")))
    }
}

fn too_long(bytes: usize) -> Error {
    let problem = format!("{bytes} bytes, {MAX_TEXT} are read at most");
    fault::user(Code::Input, "prompt", problem, "Shorten it")
}

/// How text is split before pairs are merged, by the name that GGUF files have for it.
fn split(kind: &str) -> std::result::Result<Steps, String> {
    let bytes = |regex| PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, true, regex));
    let pattern = |digits: &str| {
        let pattern = format!(
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{digits}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        );
        let split = Split::new(SplitPattern::Regex(pattern), SplitDelimiterBehavior::Isolated, false);
        split.map(PreTokenizerWrapper::Split).map_err(|e| e.to_string())
    };
    Ok(Steps::new(match kind {
        "gpt-2" => vec![bytes(true)],
        "smollm" => vec![PreTokenizerWrapper::Digits(Digits::new(true)), bytes(true)],
        "qwen2" => vec![pattern("")?, bytes(false)],
        "llama-bpe" => vec![pattern("{1,3}")?, bytes(false)],
        _ => return Err(format!("text split by {kind:?}; gpt-2, smollm, qwen2 and llama-bpe are supported")),
    }))
}
