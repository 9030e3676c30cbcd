//! The command line, as typed.

mod service;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use service::{
    AuditLogArgs, AuditLogCommand, BackupArgs, ForgetArgs, KeysArgs, KeysCommand, OutcomesArgs, ServeArgs,
    SettingsArgs,
};

/// On-prem ticket triage for managed service providers, with a confidence that means what it says.
///
/// Firstline learns from a ticket history, then decides board, type, subtype, priority and technician of each
/// new ticket. Nothing leaves this machine but the download of a model, which a copied folder can replace.
///
/// Try `firstline demo` first. With tickets of your own: import, train, evaluate, classify; then keys create, serve.
///
/// Exit status: 0 done; 1 something you can mend, named with a code; 2 a command line that can't be read;
/// 3 done, but some lines or rows could not be used; 70 a fault of Firstline's; 130 stopped by Ctrl-C.
#[derive(Debug, Parser)]
#[command(name = "firstline", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// Print results only: no progress, no advice.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See all of it once: a generated history is learnt from, evaluated, and unseen tickets are decided.
    Demo(DemoArgs),
    /// Turn a PSA's export (CSV or JSONL, plain or .gz) into canonical tickets.
    Import(ImportArgs),
    /// Learn from a ticket history and write a bundle.
    Train(TrainArgs),
    /// Measure a bundle on tickets it has not seen.
    Evaluate(EvaluateArgs),
    /// List the labels of a history that are likely wrong, and take corrections back.
    AuditLabels(AuditArgs),
    /// Show what more history would buy: accuracy and certified share at growing sizes.
    LearningCurve(CurveArgs),
    /// Say from which confidence on decisions may be trusted, with a proof.
    Certify(CertifyArgs),
    /// Decide tickets: JSONL in, JSONL out, in order.
    Classify(ClassifyArgs),
    /// Add resolved tickets to a bundle's index, which drafts and `similar` are made from.
    Index(IndexArgs),
    /// Find the resolved tickets most like a ticket.
    Similar(SimilarArgs),
    /// Decide tickets and draft a first response to each: JSONL in, JSONL out, in order.
    Draft(DraftArgs),
    /// List, show, approve and edit reply templates learnt from the history.
    Templates(TemplatesArgs),
    /// Measure drafts against what technicians sent, on tickets that the index does not have.
    EvaluateDrafts(EvaluateDraftsArgs),
    /// Teach a local language model how this desk answers, and find out whether its drafts are better.
    TuneWriter(TuneWriterArgs),
    /// Learn from what people did with drafts how likely the next ones are sent unchanged.
    LearnReviews(LearnReviewsArgs),
    /// Serve the HTTP API: decisions, drafts, review queue, feedback, all of it on record.
    Serve(ServeArgs),
    /// Make, list and revoke API keys.
    Keys(KeysArgs),
    /// Join how tickets ended, from an export, to what was decided about them.
    Outcomes(OutcomesArgs),
    /// Verify or export the audit log.
    Audit(AuditLogArgs),
    /// Copy the store while it is in use.
    Backup(BackupArgs),
    /// Delete all that is kept of a customer.
    Forget(ForgetArgs),
    /// Print the built-in policy: how priorities rank, what a wrong one costs, and rules above every decision.
    Policy,
    /// Write a made-up but realistic MSP history.
    Generate(GenerateArgs),
    /// Talk to a local language model, to see what it can do and how fast it is here.
    Chat(ChatArgs),
    /// List, pull and verify the models.
    Models(ModelsArgs),
    /// Show what this machine offers and what is missing.
    Doctor(DoctorArgs),
}

#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// The bundle.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// Resolved tickets. Those that the index has are passed over, those that nobody answered too.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,

    /// Begin anew: what names and words the desk knows is learnt from this file alone.
    #[arg(long)]
    pub(crate) rebuild: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SimilarArgs {
    /// The bundle.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// Tickets, canonical JSONL; `-` reads standard input.
    #[arg(value_name = "FILE", default_value = "-", conflicts_with = "text")]
    pub(crate) input: PathBuf,

    /// Search for this text instead, and print a table.
    #[arg(long)]
    pub(crate) text: Option<String>,

    /// Only this customer's [default: everybody's].
    #[arg(long, value_name = "NAME")]
    pub(crate) customer: Option<String>,

    /// How many.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) top: u16,
}

#[derive(Debug, Args)]
pub(crate) struct TemplatesArgs {
    /// The bundle. Its templates are in BUNDLE.templates.toml beside it, and outlive it.
    #[arg(long, value_name = "DIR", global = true, default_value = "bundle")]
    pub(crate) bundle: PathBuf,

    #[command(subcommand)]
    pub(crate) command: TemplatesCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TemplatesCommand {
    /// All templates, the most often seen first.
    List {
        /// Print one JSON object a line.
        #[arg(long)]
        json: bool,
    },
    /// A template whole, with tickets that it was learnt from.
    Show {
        /// Its id.
        id: String,
    },
    /// Use templates from now on.
    Approve {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Use them no longer.
        #[arg(long)]
        withdraw: bool,
    },
    /// Change what a template says, and approve it.
    Edit {
        /// Its id.
        id: String,
        /// The text, with {contact}, {customer}, {host}, {product} where the ticket fills in.
        #[arg(long)]
        text: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateDraftsArgs {
    /// The bundle.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// Tickets with what was answered to them. Those that training has seen, and those whose `split` is not `test`, are
    /// left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,

    /// Only tickets in this language, ISO 639-1.
    #[arg(long, value_name = "CODE")]
    pub(crate) language: Option<String>,

    /// No more than so many tickets: the first ones.
    #[arg(long, value_name = "N")]
    pub(crate) at_most: Option<usize>,

    /// Greetings, signature and sentences of last resort, in place of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) voice: Option<PathBuf>,

    /// Write each draft as a review that `learn-reviews` reads: accepted where the technician sent the same.
    #[arg(long, value_name = "FILE")]
    pub(crate) reviews: Option<PathBuf>,

    /// Print one JSON object in place of the table.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) writer: WriterArgs,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

/// Which language model writes drafts.
#[derive(Debug, Args)]
pub(crate) struct WriterArgs {
    /// A language model that chooses among the sentences that technicians have sent: `auto` takes the one that `tune-writer`
    /// found better than none, `none` takes none; else a decoder's name, or a GGUF file.
    #[arg(long, default_value = "auto", value_name = "MODEL")]
    pub(crate) writer: String,
}

/// Seconds, from 0 to an hour.
fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|e| format!("{e}"))?;
    if (0.0..=3600.0).contains(&seconds) { Ok(seconds) } else { Err("0 to 3600 seconds".to_owned()) }
}

#[derive(Debug, Args)]
pub(crate) struct TuneWriterArgs {
    /// The bundle; what is learnt goes into it.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// Tickets with what was answered to them: those in the index are learnt from, the others are for comparison.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,

    /// The decoder: its name, or a GGUF file.
    #[arg(long, default_value = firstline_nn::Manifest::DEFAULT_DECODER, value_name = "MODEL")]
    pub(crate) model: String,

    /// Tickets to learn from.
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u32).range(8..=20_000))]
    pub(crate) lessons: u32,

    /// How often each is read.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) epochs: u32,

    /// Tickets to compare on: the first ones that the index does not have.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(8..=20_000))]
    pub(crate) compare: u32,

    /// Seed of what is drawn.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// Print one JSON object in place of the table.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

#[derive(Debug, Args)]
pub(crate) struct LearnReviewsArgs {
    /// The bundle. What is learnt lies in BUNDLE.reviews.json beside it, and outlives it.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// Read what people did from the service's store instead of a file.
    #[arg(long, value_name = "STORE", conflicts_with = "input")]
    pub(crate) store: Option<String>,

    /// What people did with drafts, JSONL: `{"origin", "prior", "review"}`, where review is `"accepted"`,
    /// `{"edited": "what was sent"}` or `{"rejected": "why"}`; origin and prior stand in each draft. `-` reads standard
    /// input. All there are: each call begins anew.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,

    /// Print one JSON object in place of the table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DraftArgs {
    /// The bundle.
    #[arg(long, value_name = "DIR", required_unless_present = "print_voice")]
    pub(crate) bundle: Option<PathBuf>,

    /// Tickets, canonical JSONL; `-` reads standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,

    /// Greetings, signature and sentences of last resort, in place of the built-in ones.
    #[arg(long, value_name = "FILE")]
    pub(crate) voice: Option<PathBuf>,

    /// Print the built-in voice, and do nothing else.
    #[arg(long)]
    pub(crate) print_voice: bool,

    /// Rules above every decision, in place of the built-in policy.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Print drafts to read, not JSON.
    #[arg(long)]
    pub(crate) pretty: bool,

    /// Seconds of each minute in which the model may write. What it does not get done is made without.
    #[arg(long, default_value_t = 20.0, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) writing_seconds: f64,

    #[command(flatten)]
    pub(crate) writer: WriterArgs,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

/// Where models are found and kept.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelOptions {
    /// Folder that keeps the pulled models [default: the user's cache folder].
    #[arg(long, env = "FIRSTLINE_CACHE", value_name = "DIR", global = true)]
    pub(crate) model_cache: Option<PathBuf>,

    /// Folder that holds copied model files, for sites without a network; asked before any other source.
    #[arg(long, env = "FIRSTLINE_MODELS", value_name = "DIR", global = true)]
    pub(crate) models_from: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Folder for the history, the bundle and the report.
    #[arg(long, default_value = "firstline-demo", value_name = "DIR")]
    pub(crate) dir: PathBuf,

    /// Tickets to generate.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(500..=200_000))]
    pub(crate) tickets: u32,

    /// Seed of the history and of the training.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,

    #[command(flatten)]
    pub(crate) model: ModelOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ImportArgs {
    /// The export; `-` reads standard input.
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,

    /// Where the canonical JSONL goes.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: PathBuf,

    /// Where rows that can't be used go, with row number and reason [default: OUT with .rejects.jsonl].
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,

    /// What the input is.
    #[arg(long, value_enum, default_value_t = Format::Auto)]
    pub(crate) format: Format,

    /// Whose export it is: settles columns that mean different things in different PSAs.
    #[arg(long, value_enum)]
    pub(crate) preset: Option<Preset>,

    /// Which column a field is in, such as --map subject="Ticket Summary". May be given many times.
    #[arg(long, value_name = "FIELD=COLUMN")]
    pub(crate) map: Vec<String>,

    /// Column separator of a CSV, one character or `tab` [default: found out].
    #[arg(long, value_name = "CHAR")]
    pub(crate) delimiter: Option<String>,

    /// Encoding of the text, such as windows-1252 or utf-16le [default: found out].
    #[arg(long, value_name = "NAME")]
    pub(crate) encoding: Option<String>,

    /// How dates are written, such as "%d/%m/%Y %H:%M". Needed where a date could be read in two ways.
    #[arg(long, value_name = "STRPTIME")]
    pub(crate) date_format: Option<String>,

    /// Time zone of dates that name none, such as Europe/London [default: UTC, and the summary says so].
    #[arg(long, value_name = "IANA")]
    pub(crate) time_zone: Option<String>,

    /// Stop at the first row that can't be used, and write nothing.
    #[arg(long)]
    pub(crate) strict: bool,

    /// Print the summary as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    /// By the first bytes.
    Auto,
    Csv,
    Jsonl,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Preset {
    Connectwise,
    Autotask,
    Halopsa,
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// The history, canonical JSONL, plain or .gz.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,

    /// Test tickets in a file of their own; without it the newest tickets are held out.
    #[arg(long, value_name = "FILE")]
    pub(crate) test: Option<PathBuf>,

    /// Fields to learn [default: those the history has labels for].
    #[arg(long, value_delimiter = ',', value_name = "FIELD,...")]
    pub(crate) fields: Vec<String>,

    /// Where the bundle goes.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// How to split the history into train, calibrate and test windows.
    #[arg(long, value_enum, default_value_t = SplitKind::Auto)]
    pub(crate) split: SplitKind,

    /// How priorities rank and what a wrong one costs, in place of the built-in policy.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Whether the encoder itself learns from the history too: minutes to an hour on a CPU. A run that is stopped
    /// goes on where it was when it is run again; until it is done, it keeps BUNDLE.training beside the bundle.
    #[arg(long, value_enum, default_value_t = FineTuneKind::Auto)]
    pub(crate) fine_tune: FineTuneKind,

    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,

    /// The encoder: a name from `firstline models list`, or a manifest file.
    #[arg(long, default_value = firstline_nn::Manifest::DEFAULT)]
    pub(crate) model: String,

    /// Numbers the encoder is computed in, by this bundle from here on [default: the model's, as a rule int8].
    #[arg(long, value_enum)]
    pub(crate) precision: Option<PrecisionKind>,

    /// Keep embeddings in this file from one training to the next. It holds no text.
    #[arg(long, value_name = "FILE")]
    pub(crate) embedding_cache: Option<PathBuf>,

    /// Print what was learnt as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PrecisionKind {
    /// Quantised, on the CPU: the fastest there, within 0.3 points of f32's accuracy.
    Int8,
    /// float32: the reference.
    F32,
    /// float16, for a GPU.
    F16,
    /// bfloat16, for a GPU.
    Bf16,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FineTuneKind {
    /// It learns, and what it learnt is kept where it does better on the calibrate window.
    Auto,
    /// It learns, and what it learnt is kept.
    Always,
    /// It stays as it is.
    Never,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SplitKind {
    /// The data's own `split` where it has one, else by time.
    Auto,
    /// By opening date: oldest train, newest test.
    Time,
    /// At random, near-duplicates kept together. Flatters: use it only where there are no dates.
    Random,
}

#[derive(Debug, Args)]
pub(crate) struct EvaluateArgs {
    /// The bundle.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// Tickets with their final labels. Those that training has seen, and those whose `split` is not
    /// `test`, are left out.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,

    /// Print one JSON object in place of the table.
    #[arg(long)]
    pub(crate) json: bool,

    /// Write report.html into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,

    /// The history that the bundle was trained on: the report then says, too, which of its labels are doubtful and
    /// what more history would buy. Takes some minutes on a large one.
    #[arg(long, value_name = "FILE", requires = "report")]
    pub(crate) history: Option<PathBuf>,

    /// Keep embeddings of the history in this file from one run to the next. It holds no text.
    #[arg(long, value_name = "FILE", requires = "history")]
    pub(crate) embedding_cache: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    /// The history, as `firstline import` writes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,

    /// Where the CSV of doubtful labels goes; with --apply, where the corrected history goes.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: PathBuf,

    /// Correct the history: take each label that stands in the last column of this CSV.
    #[arg(long, value_name = "CSV")]
    pub(crate) apply: Option<PathBuf>,

    /// Fields to look at [default: all but technician].
    #[arg(long, value_delimiter = ',')]
    pub(crate) fields: Vec<String>,

    /// Seed of how the history is cut into parts.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,

    /// The encoder: a name from `firstline models list`, or a manifest file.
    #[arg(long, default_value = firstline_nn::Manifest::DEFAULT)]
    pub(crate) model: String,

    /// Keep embeddings in this file from one run to the next. It holds no text.
    #[arg(long, value_name = "FILE")]
    pub(crate) embedding_cache: Option<PathBuf>,

    /// Print one JSON object in place of the tables.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

#[derive(Debug, Args)]
pub(crate) struct CurveArgs {
    /// The history, as `firstline import` writes it.
    #[arg(long, value_name = "FILE")]
    pub(crate) tickets: PathBuf,

    /// Largest share of wrong decisions among the accepted.
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    pub(crate) target_error: f64,

    /// Probability with which that is promised.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    pub(crate) confidence: f64,

    /// Seed of everything that is drawn.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,

    /// The encoder: a name from `firstline models list`, or a manifest file.
    #[arg(long, default_value = firstline_nn::Manifest::DEFAULT)]
    pub(crate) model: String,

    /// Keep embeddings in this file from one run to the next. It holds no text.
    #[arg(long, value_name = "FILE")]
    pub(crate) embedding_cache: Option<PathBuf>,

    /// Print one JSON object in place of the tables.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

#[derive(Debug, Args)]
pub(crate) struct CertifyArgs {
    /// The bundle.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// Largest share of wrong decisions among the accepted.
    #[arg(long, value_name = "SHARE", default_value_t = 0.02, value_parser = share)]
    pub(crate) target_error: f64,

    /// Probability with which that is promised.
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    pub(crate) confidence: f64,

    /// Print one JSON object in place of the tables.
    #[arg(long)]
    pub(crate) json: bool,
}

/// A number between 0 and 1, both excluded.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (1e-6..=1.0 - 1e-6).contains(&share) => Ok(share),
        _ => Err("a number from 0.000001 to 0.999999, such as 0.02".to_owned()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct ClassifyArgs {
    /// The bundle.
    #[arg(long, value_name = "DIR")]
    pub(crate) bundle: PathBuf,

    /// Tickets, one JSON object a line, plain or .gz; `-` reads standard input.
    #[arg(value_name = "FILE", default_value = "-")]
    pub(crate) input: PathBuf,

    /// Rules that stand above every decision, in place of the built-in policy's.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,

    /// Labels shown a field: the decision and its alternatives.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub(crate) top: u8,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArgs {
    /// Tickets to write.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=2_000_000))]
    pub(crate) tickets: u32,

    /// Seed: the same seed gives the same history.
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,

    /// Settings in place of the built-in ones (datasets/generator.toml).
    #[arg(long, value_name = "FILE")]
    pub(crate) settings: Option<PathBuf>,

    /// Where the JSONL goes; its card is written beside it as .card.md.
    #[arg(long, short, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ModelsArgs {
    #[command(subcommand)]
    pub(crate) action: ModelsAction,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsAction {
    /// The known models, and which are here.
    List {
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Fetch a model and check it.
    Pull {
        /// Its name, or a manifest file.
        #[arg(default_value = firstline_nn::Manifest::DEFAULT)]
        name: String,
    },
    /// Check every file of a model against its sha256.
    Verify {
        /// Its name, or a manifest file.
        #[arg(default_value = firstline_nn::Manifest::DEFAULT)]
        name: String,
    },
    /// Make the tiny random-weight encoder that tests use.
    Tiny {
        /// Where it goes.
        #[arg(long, value_name = "DIR")]
        dir: PathBuf,
        /// Seed of its weights.
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
}

#[derive(Debug, Args)]
pub(crate) struct ChatArgs {
    /// Decoder: its name, a manifest file, or a GGUF file.
    #[arg(long, default_value = firstline_nn::Manifest::DEFAULT_DECODER, value_name = "NAME")]
    pub(crate) model: String,

    /// What is asked. Without it, each line of the standard input is a turn of one conversation.
    #[arg(long, short, value_name = "TEXT")]
    pub(crate) prompt: Option<String>,

    /// What the model is told first, in place of what its own template says.
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,

    /// Tokens of an answer at most.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) max_tokens: u32,

    /// Tokens of the whole conversation at most; the model's own limit may be lower.
    #[arg(long, default_value_t = 4_096, value_parser = clap::value_parser!(u32).range(16..=1_048_576))]
    pub(crate) context: u32,

    /// 0 takes the most probable token each time; higher is more varied.
    #[arg(long, default_value_t = 0.0, value_parser = within::<0, 10>)]
    pub(crate) temperature: f32,

    /// Draw only from the most probable tokens that together have this probability.
    #[arg(long, default_value_t = 1.0, value_parser = within::<0, 1>)]
    pub(crate) top_p: f32,

    /// Above 1, tokens already written become less probable.
    #[arg(long, default_value_t = 1.0, value_parser = within::<1, 10>)]
    pub(crate) repetition: f32,

    /// Seed of the draws.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,

    /// End the answer before this text; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub(crate) stop: Vec<String>,

    /// Threads [default: one for each core].
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub(crate) threads: Option<u16>,

    /// Print a JSON object for each answer.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}

/// A number from `LEAST` to `MOST`.
fn within<const LEAST: u8, const MOST: u8>(text: &str) -> Result<f32, String> {
    let range = f32::from(LEAST)..=f32::from(MOST);
    text.parse()
        .ok()
        .filter(|x| range.contains(x))
        .ok_or_else(|| format!("not a number from {LEAST} to {MOST}"))
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) models: ModelOptions,
}
