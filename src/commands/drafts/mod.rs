//! `firstline drafts`: everything that shapes first responses: the index they are made from, templates, a language model, and
//! people's reviews. `firstline draft` makes them.

pub(super) mod index;
pub(super) mod writer;

mod evaluate;
mod learn_reviews;
mod similar;
mod templates;
mod tune;

use clap::{Args, Subcommand};

use crate::failure::{Exit, Failure};
use crate::ui::Ui;

/// Measure and improve drafts: index, templates, language model, reviews.
#[derive(Debug, Args)]
pub(crate) struct DraftsArgs {
    #[command(subcommand)]
    command: DraftsCommand,
}

#[derive(Debug, Subcommand)]
enum DraftsCommand {
    Index(index::IndexArgs),
    Similar(similar::SimilarArgs),
    Templates(templates::TemplatesArgs),
    Evaluate(evaluate::EvaluateDraftsArgs),
    Tune(tune::TuneWriterArgs),
    LearnReviews(learn_reviews::LearnReviewsArgs),
}

pub(super) fn run(args: &DraftsArgs, ui: &Ui) -> Result<Exit, Failure> {
    match &args.command {
        DraftsCommand::Index(args) => index::run(args, ui),
        DraftsCommand::Similar(args) => similar::run(args),
        DraftsCommand::Templates(args) => templates::run(args),
        DraftsCommand::Evaluate(args) => evaluate::run(args, ui),
        DraftsCommand::Tune(args) => tune::run(args, ui),
        DraftsCommand::LearnReviews(args) => learn_reviews::run(args, ui),
    }
}
