//! `firstline drafts learn-reviews`: learns from people's reviews how likely drafts are sent unchanged.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_ticket::ReviewedDraft;
use firstline_training::{ConfidenceFit, learn_reviews};

use crate::arguments::{BundleArg, JsonArg, SettingsArgs};
use crate::config;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print};

/// Learn from people's reviews how likely drafts are sent unchanged.
///
/// The result goes to BUNDLE.reviews.json beside the bundle, and survives a new training.
#[derive(Debug, Args)]
pub(crate) struct LearnReviewsArgs {
    #[command(flatten)]
    bundle: BundleArg,

    /// Read the reviews from the service's store instead of a file.
    #[arg(long, value_name = "STORE", conflicts_with = "input")]
    store: Option<String>,

    /// All reviews so far, JSONL; `-` reads standard input.
    ///
    /// One object per line: {"origin": ..., "prior": ..., "review": ...}. Origin and prior are those of the draft; review is
    /// "accepted", {"edited": "the text that was sent"} or {"rejected": "the reason"}. Each run learns from scratch.
    #[arg(value_name = "FILE", default_value = "-")]
    input: PathBuf,

    #[command(flatten)]
    output: JsonArg,
}

/// Limits of a file of reviews: bytes, and reviews.
const MAX_BYTES: u64 = 256 << 20;
const MAX_REVIEWS: usize = 200_000;

pub(super) fn run(args: &LearnReviewsArgs, ui: &Ui) -> Result<Exit, Failure> {
    let place = files::name_of(&args.input);
    let bundle = &args.bundle.bundle;
    if !bundle.is_dir() {
        let bundle = bundle.display().to_string();
        return Err(UserError::new(Code::Bundle, bundle, "no such folder", "Name a bundle").into());
    }
    let (reviewed, bad) = match &args.store {
        Some(store) => {
            let from = SettingsArgs { config: None, store: Some(store.clone()), set: Vec::new() };
            (config::existing_store(&from)?.reviewed()?, 0)
        }
        None => read(&args.input, ui)?,
    };
    if reviewed.is_empty() {
        let next =
            "Give one review per line: {\"origin\": \"retrieved\", \"prior\": 0.4, \"review\": \"accepted\"}";
        return Err(UserError::new(Code::Empty, place, "no review", next).into());
    }
    let (learnt, report) = learn_reviews(&reviewed);
    learnt.write(bundle)?;
    if args.output.json {
        print(serde_json::to_string(&report)?);
    } else {
        let row = |name: &str, fit: &ConfidenceFit| {
            let figures = [fit.mean, fit.log_loss, fit.brier, fit.ece].map(|x| format!("{x:.3}"));
            [vec![name.to_owned()], figures.to_vec()].concat()
        };
        let rows = [row("prior", &report.prior)].into_iter();
        let rows = rows.chain(report.learnt.iter().map(|fit| row("learnt, cross-validated", fit)));
        print(table(&["confidence", "mean", "log loss", "Brier", "ECE"], rows));
        let share = report.accepted as f64 / report.reviews as f64;
        print(format_args!(
            "{} reviews: {} sent unchanged ({share:.3}), {} edited, {} rejected",
            report.reviews, report.accepted, report.edited, report.rejected
        ));
        if !report.enough {
            print(format_args!(
                "Too few: until there are {} reviews, drafts keep their prior.",
                firstline_drafts::MIN_REVIEWS
            ));
        }
    }
    Ok(if bad > 0 { Exit::SomeFailed } else { Exit::Success })
}

/// The reviews in a file, and the number of its lines that hold none.
fn read(input: &Path, ui: &Ui) -> Result<(Vec<ReviewedDraft>, usize), Failure> {
    let place = files::name_of(input);
    let mut reviewed: Vec<ReviewedDraft> = Vec::new();
    let mut bad = 0;
    let lines = BufReader::new(files::open(input)?.take(MAX_BYTES)).split(b'\n');
    for (number, line) in (1..).zip(lines) {
        let line = line.map_err(|e| UserError::io(&place, &e))?;
        if line.trim_ascii().is_empty() {
            continue;
        }
        if reviewed.len() == MAX_REVIEWS {
            let problem = format!("more than {MAX_REVIEWS} reviews");
            return Err(UserError::new(Code::Input, place, problem, "Keep the newest ones").into());
        }
        match serde_json::from_slice(&line) {
            Ok(one) => reviewed.push(one),
            Err(error) => {
                bad += 1;
                ui.say(format_args!("{place}: line {number}: left out: {error}"));
            }
        }
    }
    Ok((reviewed, bad))
}
