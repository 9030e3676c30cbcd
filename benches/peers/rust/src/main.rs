//! The Rust engines of the peers bench, and the texts. `peer texts` writes what is measured, `peer worker ENGINE`
//! answers the driver's questions: one JSON object a line in, one out. Must not time anything but the encoder:
//! token ids in, vectors of unit length out. `peer pull` and `peer write` are the same for decoders.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[cfg(feature = "candle")]
mod candle;
#[cfg(feature = "firstline")]
mod firstline;
#[cfg(any(feature = "candle", feature = "rten"))]
mod lanes;
#[cfg(feature = "rten")]
mod rten;
mod write;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How all texts are embedded: `batch` at a time, in `lanes` calls at a time.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Way {
    batch: usize,
    lanes: usize,
}

/// A peer, loaded.
trait Engine {
    /// Embeds one text with all threads.
    fn alone(&self, text: &[u32]) -> Result<Vec<f32>>;

    /// Embeds all texts; the vectors come in the order of the texts.
    fn bulk(&self, texts: &[Vec<u32>], way: Way) -> Result<Vec<f32>>;

    /// The fastest way of embedding all texts.
    fn tune(&self, texts: &[Vec<u32>]) -> Result<Way>;
}

/// A question of the driver.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
enum Question {
    /// The first text alone: milliseconds since the start of the process.
    First,
    /// The fastest way to embed all texts.
    Tune,
    /// Each text alone: milliseconds each.
    Single { count: usize },
    /// One text of so many tokens, again and again: milliseconds each.
    Tokens { tokens: usize, count: usize },
    /// All texts: milliseconds.
    Bulk(Way),
    /// All texts: vectors to a file of little-endian float32.
    Embed {
        out: String,
        #[serde(flatten)]
        way: Way,
    },
    /// Peak memory so far, in MiB.
    Rss,
}

fn main() -> Result<()> {
    let started = Instant::now();
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        #[cfg(feature = "firstline")]
        ["texts", count] => firstline::texts(count.parse()?),
        ["worker", engine, model, ids] => {
            let engine = load(engine, Path::new(model))?;
            let texts: Vec<Vec<u32>> = serde_json::from_slice(&std::fs::read(ids)?)?;
            work(engine.as_ref(), &texts, started)
        }
        #[cfg(feature = "firstline")]
        ["pull", model] => write::ours::pull(model),
        ["write", engine, gguf, threads] => write::work(engine, Path::new(gguf), threads.parse()?),
        _ => Err("peer texts COUNT | worker ENGINE MODEL IDS | pull MODEL | write ENGINE GGUF THREADS".into()),
    }
}

fn load(engine: &str, model: &Path) -> Result<Box<dyn Engine>> {
    match engine {
        #[cfg(feature = "firstline")]
        "firstline" => Ok(Box::new(firstline::Ours::load(model)?)),
        #[cfg(feature = "candle")]
        "candle_f32" => Ok(Box::new(lanes::Lanes::new(candle::Candle::load(model)?)?)),
        #[cfg(feature = "rten")]
        "rten_int8" => Ok(Box::new(lanes::Lanes::new(rten::Rten::load(model)?)?)),
        other => Err(format!("this build knows no engine {other}").into()),
    }
}

fn work(engine: &dyn Engine, texts: &[Vec<u32>], started: Instant) -> Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer: Value = match serde_json::from_str(&line?)? {
            Question::First => {
                engine.alone(&texts[0])?;
                json!({ "ms": milliseconds(started) })
            }
            Question::Tune => serde_json::to_value(engine.tune(texts)?)?,
            Question::Single { count } => {
                let one = |text: &Vec<u32>| time(|| engine.alone(text));
                let ms: Vec<f64> = texts.iter().take(count).map(one).collect::<Result<_>>()?;
                json!({ "ms": ms })
            }
            Question::Tokens { tokens, count } => {
                let text: Vec<u32> = texts.iter().flatten().copied().take(tokens).collect();
                let ms: Vec<f64> = (0..count).map(|_| time(|| engine.alone(&text))).collect::<Result<_>>()?;
                json!({ "ms": ms })
            }
            Question::Bulk(way) => json!({ "ms": time(|| engine.bulk(texts, way))? }),
            Question::Embed { out, way } => {
                let vectors = engine.bulk(texts, way)?;
                let bytes: Vec<u8> = vectors.iter().flat_map(|v| v.to_le_bytes()).collect();
                std::fs::write(out, bytes)?;
                json!({})
            }
            Question::Rss => json!({ "mib": peak_rss()? }),
        };
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

fn time<T>(work: impl FnOnce() -> Result<T>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(milliseconds(start))
}

fn peak_rss() -> Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}
