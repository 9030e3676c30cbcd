//! The values that an argument can take, with the words that `--help` describes them with. The rooms that own the types know
//! nothing of clap: each type is mirrored here once.

use clap::ValueEnum;
use firstline_fakes::Which;
use firstline_nn::Precision;
use firstline_psa::{Format, Preset};
use firstline_serve::Scope;
use firstline_training::{FineTuning, SplitMode};

/// How an export is read.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FormatChoice {
    /// Detect it from the first bytes: also workbooks and tables of HTML.
    Auto,
    /// Delimited columns under one header row.
    Csv,
    /// JSON: one object per line, or lists of objects.
    Jsonl,
}

impl From<FormatChoice> for Format {
    fn from(choice: FormatChoice) -> Self {
        match choice {
            FormatChoice::Auto => Format::Auto,
            FormatChoice::Csv => Format::Csv,
            FormatChoice::Jsonl => Format::Jsonl,
        }
    }
}

/// The PSA that wrote an export.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PresetChoice {
    /// ConnectWise PSA: board, type, subtype.
    Connectwise,
    /// Autotask: queue, issue type, sub-issue type.
    Autotask,
    /// HaloPSA: team, ticket type, category.
    Halopsa,
    /// Freshdesk: group, type.
    Freshdesk,
    /// GLPI in English, French or German: group of technicians, category.
    Glpi,
    /// Jira Service Management: project, request or issue type, comments.
    Jira,
    /// osTicket: department, help topic.
    Osticket,
    /// ServiceNow: assignment group, category, subcategory.
    Servicenow,
    /// Spiceworks: category.
    Spiceworks,
    /// Zendesk: group, type.
    Zendesk,
}

impl From<PresetChoice> for Preset {
    fn from(choice: PresetChoice) -> Self {
        match choice {
            PresetChoice::Connectwise => Preset::ConnectWise,
            PresetChoice::Autotask => Preset::Autotask,
            PresetChoice::Halopsa => Preset::HaloPsa,
            PresetChoice::Freshdesk => Preset::Freshdesk,
            PresetChoice::Glpi => Preset::Glpi,
            PresetChoice::Jira => Preset::Jira,
            PresetChoice::Osticket => Preset::OsTicket,
            PresetChoice::Servicenow => Preset::ServiceNow,
            PresetChoice::Spiceworks => Preset::Spiceworks,
            PresetChoice::Zendesk => Preset::Zendesk,
        }
    }
}

/// The numbers that an encoder computes with.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PrecisionChoice {
    /// 8-bit integers: fastest on a CPU, within 0.3 points of f32's accuracy.
    Int8,
    /// float32: the reference.
    F32,
    /// float16, for a GPU.
    F16,
    /// bfloat16, for a GPU.
    Bf16,
}

impl From<PrecisionChoice> for Precision {
    fn from(choice: PrecisionChoice) -> Self {
        match choice {
            PrecisionChoice::Int8 => Precision::Int8,
            PrecisionChoice::F32 => Precision::F32,
            PrecisionChoice::F16 => Precision::F16,
            PrecisionChoice::Bf16 => Precision::Bf16,
        }
    }
}

/// Whether the encoder is fine-tuned.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FineTuningChoice {
    /// Fine-tune it, and keep the result only where it does better on the calibrate window.
    Auto,
    /// Fine-tune it, and keep the result.
    Always,
    /// Leave it as it is.
    Never,
}

impl From<FineTuningChoice> for FineTuning {
    fn from(choice: FineTuningChoice) -> Self {
        match choice {
            FineTuningChoice::Auto => FineTuning::Auto,
            FineTuningChoice::Always => FineTuning::Always,
            FineTuningChoice::Never => FineTuning::Never,
        }
    }
}

/// How a history is split.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SplitChoice {
    /// By the tickets' own `split` where they have one, else by time.
    Auto,
    /// By opening date: train on the oldest tickets, test on the newest.
    Time,
    /// At random, near-duplicates kept together. Flatters the figures: only for tickets without dates.
    Random,
}

impl From<SplitChoice> for SplitMode {
    fn from(choice: SplitChoice) -> Self {
        match choice {
            SplitChoice::Auto => SplitMode::Auto,
            SplitChoice::Time => SplitMode::Time,
            SplitChoice::Random => SplitMode::Random,
        }
    }
}

/// What an API key may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum ScopeChoice {
    /// Send tickets, get decisions, embeddings and similar tickets.
    Triage,
    /// Report how tickets ended.
    Feedback,
    /// Read and review drafts, read the KPIs.
    Review,
    /// Take approved actions from the outbox and carry them out.
    Act,
    /// Everything above, and replace the bundle.
    Admin,
}

impl From<ScopeChoice> for Scope {
    fn from(choice: ScopeChoice) -> Self {
        match choice {
            ScopeChoice::Triage => Scope::Triage,
            ScopeChoice::Feedback => Scope::Feedback,
            ScopeChoice::Review => Scope::Review,
            ScopeChoice::Act => Scope::Act,
            ScopeChoice::Admin => Scope::Admin,
        }
    }
}

/// What a person may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum RightChoice {
    /// Read and review drafts, read the KPIs.
    Review,
    /// Put criteria on record; pause the rollout.
    Manage,
    /// Start the rollout, pass its gates, end holds.
    ApproveRollout,
    /// Stop everything but recording.
    Stop,
    /// Everything, and replace the bundle.
    Admin,
}

impl From<RightChoice> for Scope {
    fn from(choice: RightChoice) -> Self {
        match choice {
            RightChoice::Review => Scope::Review,
            RightChoice::Manage => Scope::Manage,
            RightChoice::ApproveRollout => Scope::ApproveRollout,
            RightChoice::Stop => Scope::Stop,
            RightChoice::Admin => Scope::Admin,
        }
    }
}

/// The PSA that a stand-in plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PsaChoice {
    /// ConnectWise PSA.
    Connectwise,
    /// Autotask.
    Autotask,
    /// HaloPSA.
    Halo,
}

impl From<PsaChoice> for Which {
    fn from(choice: PsaChoice) -> Self {
        match choice {
            PsaChoice::Connectwise => Which::Connectwise,
            PsaChoice::Autotask => Which::Autotask,
            PsaChoice::Halo => Which::Halo,
        }
    }
}

impl PsaChoice {
    /// Its name, as its vendor writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Connectwise => "ConnectWise PSA",
            Self::Autotask => "Autotask",
            Self::Halo => "HaloPSA",
        }
    }

    /// Its name, as the argument has it.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Connectwise => "connectwise",
            Self::Autotask => "autotask",
            Self::Halo => "halo",
        }
    }
}
