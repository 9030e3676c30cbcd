//! Groups of arguments that several commands share, each defined once and flattened into the commands' own. What only one
//! command takes is defined beside its `run`, never here.

mod choices;
mod settings;

use std::path::PathBuf;

use clap::Args;
use firstline_training::certify::Promise;

pub(crate) use choices::{
    FineTuningChoice, FormatChoice, PrecisionChoice, PresetChoice, PsaChoice, RightChoice, ScopeChoice,
    SplitChoice,
};
pub(crate) use settings::SettingsArgs;

/// The bundle that a command works on.
#[derive(Debug, Args)]
pub(crate) struct BundleArg {
    /// The bundle: a folder that `firstline train` wrote.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,
}

/// The history that a command reads.
#[derive(Debug, Args)]
pub(crate) struct HistoryArg {
    /// The history, as `firstline import` writes it, plain or .gz.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,
}

/// A stream of tickets to work on.
#[derive(Debug, Args)]
pub(crate) struct StreamArg {
    /// Tickets, one JSON object per line, plain or .gz; `-` reads standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,
}

/// The form of the output.
#[derive(Debug, Args)]
pub(crate) struct JsonArg {
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// The seed of a command's random draws; commands with another default have an argument of their own.
#[derive(Debug, Args)]
pub(crate) struct SeedArg {
    /// Seed of the random draws: the same seed gives the same result.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,
}

/// The policy that applies.
#[derive(Debug, Args)]
pub(crate) struct PolicyArg {
    /// Policy file to use instead of the built-in policy, which `firstline policy` prints.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// The voice of drafts.
#[derive(Debug, Args)]
pub(crate) struct VoiceArg {
    /// Voice file to use instead of the built-in voice: greetings, signature, fallback phrases.
    #[arg(long, value_name = "FILE")]
    pub(crate) voice: Option<PathBuf>,
}

/// What a certified threshold guarantees, and what none may fall below.
#[derive(Debug, Args)]
pub(crate) struct PromiseArgs {
    /// Highest share of wrong decisions among the accepted ones.
    #[arg(long, value_name = "SHARE", default_value_t = Self::default().target_error, value_parser = share)]
    target_error: f64,

    /// Probability with which that limit holds.
    #[arg(long, value_name = "SHARE", default_value_t = Self::default().confidence, value_parser = share)]
    confidence: f64,

    /// Confidence below which nothing is done alone, whatever is certified.
    #[arg(long, value_name = "SHARE", default_value_t = Self::default().auto_floor, value_parser = floor)]
    auto_floor: f64,
}

impl Default for PromiseArgs {
    fn default() -> Self {
        Self { target_error: 0.02, confidence: 0.95, auto_floor: 0.90 }
    }
}

impl PromiseArgs {
    /// The promise, as certifying takes it.
    pub(crate) fn promise(&self) -> Promise {
        Promise { error: self.target_error, confidence: self.confidence, floor: self.auto_floor }
    }
}

/// A number from 0 on, below 1.
fn floor(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(floor) if (0.0..=1.0 - 1e-6).contains(&floor) => Ok(floor),
        _ => Err("a number from 0 to 0.999999, such as 0.9".to_owned()),
    }
}

/// A number between 0 and 1, both excluded.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (1e-6..=1.0 - 1e-6).contains(&share) => Ok(share),
        _ => Err("a number from 0.000001 to 0.999999, such as 0.02".to_owned()),
    }
}

/// The encoder that reads the tickets.
#[derive(Debug, Clone, Args)]
pub(crate) struct EncoderArgs {
    /// Encoder: a name from `firstline models list`, or a manifest file.
    #[arg(long, default_value = firstline_nn::Manifest::DEFAULT)]
    pub(crate) model: String,

    /// File that keeps embeddings from one run to the next. It holds no text.
    #[arg(long, value_name = "FILE")]
    pub(crate) embedding_cache: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

/// The language model that writes drafts.
#[derive(Debug, Args)]
pub(crate) struct WriterArg {
    /// Language model that selects among sentences that technicians have sent: `auto` (the one that `firstline drafts
    /// tune` found better than none), `none`, a model's name, or a GGUF file.
    #[arg(long, default_value = "auto", value_name = "MODEL")]
    pub(crate) writer: String,
}

/// Where models are found and kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelOptions {
    /// Folder that keeps downloaded models [default: the user's cache folder].
    #[arg(long, env = "FIRSTLINE_CACHE", value_name = "DIR", global = true, help_heading = "Models")]
    pub(crate) model_cache: Option<PathBuf>,

    /// Folder with copied model files, for sites without a network; tried before any other source.
    #[arg(long, env = "FIRSTLINE_MODELS", value_name = "DIR", global = true, help_heading = "Models")]
    pub(crate) models_from: Option<PathBuf>,
}
