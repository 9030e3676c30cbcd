//! Decoders: how fast they read and write, and what. `peer write ENGINE GGUF THREADS` takes one question on its standard
//! input and gives one answer. Must ask the same of every engine: token ids in, logits out, the greatest one taken.

use std::io::Read;
use std::path::Path;
use std::time::Instant;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Result, peak_rss};

/// Tokens written after each prompt that is judged.
const WRITTEN: usize = 64;

/// A decoder with one sequence.
trait Writer {
    /// Forgets the sequence.
    fn clear(&mut self, limit: usize);

    /// Reads `tokens` on, and returns the logits after the last of them.
    fn read(&mut self, tokens: &[u32]) -> Result<Vec<f32>>;

    /// The tokens of a text, where it knows.
    fn tokens(&self, text: &str) -> Result<Vec<u32>>;
}

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Question {
    /// Seconds of all that is timed.
    Time { tokens: Vec<u32>, answer: usize, short: [usize; 2] },
    /// A text's first tokens.
    Tokens { text: String, limit: usize },
    /// The mean log loss of each token after those before it.
    Loss { tokens: Vec<u32> },
    /// What is written greedily after each prompt, and the logits after each prompt.
    Write { prompts: Vec<Vec<u32>> },
    /// Of what others wrote after prompts: how many tokens are the first choice here, and how far behind the first the
    /// farthest is, in logits.
    Judge { prompts: Vec<Vec<u32>>, written: Vec<Vec<u32>> },
}

/// Answers.
pub fn work(engine: &str, gguf: &Path, threads: usize) -> Result<()> {
    let mut question = String::new();
    std::io::stdin().lock().read_to_string(&mut question)?;
    let start = Instant::now();
    let mut writer = load(engine, gguf, threads)?;
    let load = start.elapsed().as_secs_f64();
    let writer = writer.as_mut();
    let answer = match serde_json::from_str(&question)? {
        Question::Time { tokens, answer, short } => time(writer, &tokens, answer, short, load)?,
        Question::Tokens { text, limit } => {
            let mut tokens = writer.tokens(&text)?;
            tokens.truncate(limit);
            json!({ "tokens": tokens })
        }
        Question::Loss { tokens } => {
            writer.clear(tokens.len());
            let mut sum = 0.0;
            for pair in tokens.windows(2) {
                sum += loss(&writer.read(&pair[..1])?, pair[1]);
            }
            json!({ "log_loss": sum / (tokens.len() - 1) as f64 })
        }
        Question::Write { prompts } => {
            let (mut logits, mut written) = (Vec::new(), Vec::new());
            for prompt in &prompts {
                writer.clear(prompt.len() + WRITTEN);
                let after = writer.read(prompt)?;
                written.push(go_on(writer, best(&after), WRITTEN - 1)?);
                logits.push(after);
            }
            json!({ "logits": logits, "written": written })
        }
        Question::Judge { prompts, written } => {
            let (mut first, mut behind) = (0, 0.0_f32);
            for (prompt, written) in prompts.iter().zip(&written) {
                writer.clear(prompt.len() + written.len());
                let mut logits = writer.read(prompt)?;
                for &token in written {
                    let of = best(&logits);
                    first += usize::from(of == token);
                    behind = behind.max(logits[of as usize] - logits[token as usize]);
                    logits = writer.read(&[token])?;
                }
            }
            json!({ "first": first, "of": written.iter().map(Vec::len).sum::<usize>(), "behind": behind })
        }
    };
    println!("{answer}");
    Ok(())
}

fn load(engine: &str, gguf: &Path, threads: usize) -> Result<Box<dyn Writer>> {
    let _ = (gguf, threads);
    match engine {
        #[cfg(feature = "firstline")]
        "firstline" => Ok(Box::new(ours::Ours::load(gguf, threads)?)),
        #[cfg(feature = "candle")]
        "candle_gguf" => Ok(Box::new(theirs::Candle::load(gguf)?)),
        other => Err(format!("this build knows no decoder {other}").into()),
    }
}

fn time(writer: &mut dyn Writer, tokens: &[u32], answer: usize, short: [usize; 2], load: f64) -> Result<Value> {
    let mut run = |tokens: &[u32], n: usize| -> Result<[f64; 2]> {
        writer.clear(tokens.len() + n);
        let start = Instant::now();
        let first = best(&writer.read(tokens)?);
        let read = start.elapsed().as_secs_f64();
        let start = Instant::now();
        go_on(writer, first, n)?;
        Ok([read, start.elapsed().as_secs_f64()])
    };
    run(&tokens[..32], 4)?;
    let [read, wrote] = run(tokens, answer)?;
    let both = run(&tokens[..short[0]], short[1])?;
    Ok(json!({
        "prefill_tokens_per_s": tokens.len() as f64 / read,
        "decode_tokens_per_s": answer as f64 / wrote,
        "decoder_rss_mb": peak_rss()? * 1.048_576,
        "load_s": load,
        "short_s": both[0] + both[1],
    }))
}

/// `first` and the `n` greedy tokens after it.
fn go_on(writer: &mut dyn Writer, first: u32, n: usize) -> Result<Vec<u32>> {
    let mut written = vec![first];
    for i in 0..n {
        written.push(best(&writer.read(&[written[i]])?));
    }
    Ok(written)
}

fn best(logits: &[f32]) -> u32 {
    logits.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1).then(b.0.cmp(&a.0))).map_or(0, |(i, _)| i as u32)
}

fn loss(logits: &[f32], after: u32) -> f64 {
    let most = logits.iter().copied().fold(f32::MIN, f32::max);
    let total: f64 = logits.iter().map(|x| f64::from(x - most).exp()).sum();
    total.ln() - f64::from(logits[after as usize] - most)
}

#[cfg(feature = "firstline")]
pub mod ours {
    //! Our decoder.

    use std::ops::ControlFlow;
    use std::path::Path;

    use firstline_nn::{Decoder, Manifest, ModelStore, Sequence};

    use super::Writer;
    use crate::Result;

    pub struct Ours(Decoder, Sequence);

    impl Ours {
        pub fn load(gguf: &Path, threads: usize) -> Result<Self> {
            let decoder = Decoder::open(gguf, threads)?;
            let none = decoder.sequence(1);
            Ok(Self(decoder, none))
        }
    }

    impl Writer for Ours {
        fn clear(&mut self, limit: usize) {
            self.1 = self.0.sequence(limit);
        }

        fn read(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
            Ok(self.0.read(&mut [(&mut self.1, tokens)])?)
        }

        fn tokens(&self, text: &str) -> Result<Vec<u32>> {
            Ok(self.0.vocabulary().encode(text)?)
        }
    }

    /// Prints where the model's GGUF file is, pulled first where it is not there, and laid out for the kernels.
    pub fn pull(model: &str) -> Result<()> {
        let manifest = Manifest::find(model)?;
        let dir = ModelStore::open_default().ensure(&manifest, &mut |_| ControlFlow::Continue(()))?;
        let gguf = manifest.gguf(&dir)?;
        Decoder::open(&gguf, 1)?;
        println!("{}", serde_json::json!({ "gguf": gguf }));
        Ok(())
    }
}

#[cfg(feature = "candle")]
mod theirs {
    //! candle's quantised models, as candle-transformers has them; with `CANDLE_DEQUANTIZE_ALL=1` in float32.

    use std::path::Path;

    use candle_core::quantized::gguf_file::Content;
    use candle_core::{Device, Tensor};
    use candle_transformers::models::{quantized_llama, quantized_qwen2};

    use super::Writer;
    use crate::Result;

    enum Model {
        Llama(quantized_llama::ModelWeights),
        Qwen2(quantized_qwen2::ModelWeights),
    }

    pub struct Candle(Model, usize);

    impl Candle {
        pub fn load(gguf: &Path) -> Result<Self> {
            let mut file = std::io::BufReader::new(std::fs::File::open(gguf)?);
            let content = Content::read(&mut file)?;
            let name = content.metadata.get("general.architecture").ok_or("no architecture")?.to_string()?.clone();
            let cpu = Device::Cpu;
            let model = match name.as_str() {
                "llama" => Model::Llama(quantized_llama::ModelWeights::from_gguf(content, &mut file, &cpu)?),
                "qwen2" => Model::Qwen2(quantized_qwen2::ModelWeights::from_gguf(content, &mut file, &cpu)?),
                other => return Err(format!("no architecture {other} here").into()),
            };
            Ok(Self(model, 0))
        }
    }

    impl Writer for Candle {
        fn clear(&mut self, _: usize) {
            self.1 = 0;
            match &mut self.0 {
                Model::Llama(model) => model.clear_kv_cache(),
                Model::Qwen2(model) => model.clear_kv_cache(),
            }
        }

        fn read(&mut self, tokens: &[u32]) -> Result<Vec<f32>> {
            let x = Tensor::new(tokens, &Device::Cpu)?.unsqueeze(0)?;
            let logits = match &mut self.0 {
                Model::Llama(model) => model.forward(&x, self.1)?,
                Model::Qwen2(model) => model.forward(&x, self.1)?,
            };
            self.1 += tokens.len();
            Ok(logits.flatten_all()?.to_vec1()?)
        }

        fn tokens(&self, _: &str) -> Result<Vec<u32>> {
            Err("candle has no tokenizer for GGUF files".into())
        }
    }
}
