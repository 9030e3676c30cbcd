//! `firstline certify`: the confidence thresholds that keep a bundle's errors under a limit, with the proof.

mod answers;

use std::collections::BTreeMap;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_ticket::Field;
use firstline_training::certify::{Promise, tickets_needed};
use firstline_training::{Certification, FieldCertification};
use firstline_triage::{AnswerCertificate, Bundle};
use serde::Serialize;

use crate::arguments::{BundleArg, JsonArg, PromiseArgs};
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::{Ui, print};

/// Report the confidence thresholds that keep errors under a limit, per label.
///
/// The bound is exact: with the probability given by --confidence, at most --target-error of the accepted decisions are wrong.
/// It rests on tickets that training set aside.
#[derive(Debug, Args)]
pub(crate) struct CertifyArgs {
    #[command(flatten)]
    bundle: BundleArg,

    #[command(flatten)]
    promise: PromiseArgs,

    #[command(flatten)]
    output: JsonArg,
}

/// Refused categories that are listed; `--json` has all of them.
const REFUSED_SHOWN: usize = 12;

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Output {
    target_error: f64,
    confidence: f64,
    fields: BTreeMap<Field, FieldCertification>,
    /// Of the classifier of customers' replies, on whose word tickets are closed.
    answers: Option<AnswerCertificate>,
}

pub(super) fn run(args: &CertifyArgs, ui: &Ui) -> Result<Exit, Failure> {
    let promise = args.promise.promise();
    let bundle = Bundle::load(&args.bundle.bundle)?;
    let fields: BTreeMap<Field, FieldCertification> = bundle
        .fields
        .iter()
        .filter_map(|(&field, model)| Some((field, FieldCertification::new(model, promise)?)))
        .collect();
    if fields.is_empty() {
        let problem = "training set no tickets aside for certifying";
        let next = "Train again on more tickets";
        return Err(
            UserError::new(Code::Empty, args.bundle.bundle.display().to_string(), problem, next).into()
        );
    }
    let answers = bundle.answers.as_ref().map(|answers| answers.certificate.clone());
    let output = Output { target_error: promise.error, confidence: promise.confidence, fields, answers };
    match args.output.json {
        true => print(serde_json::to_string(&output)?),
        false => show(&output, promise, ui),
    }
    Ok(Exit::Success)
}

fn cells(verdict: &Certification, name: &str) -> Vec<String> {
    let percent = |share: f64| format!("{:.1} %", 100.0 * share);
    let accepted = match verdict.threshold {
        Some(_) => [
            format!("{} ({})", verdict.accepted, percent(verdict.coverage)),
            verdict.accepted_errors.to_string(),
            verdict.error_bound.map_or_else(String::new, percent),
        ],
        None => ["-", "-", "-"].map(str::to_owned),
    };
    let mut cells =
        vec![name.to_owned(), verdict.tickets.to_string(), verdict.errors.to_string(), verdict.in_words()];
    cells.extend(accepted);
    cells.push(percent(verdict.least_left_to_people));
    cells
}

fn show(output: &Output, promise: Promise, ui: &Ui) {
    let header = [
        "",
        "tickets",
        "errors",
        "may act alone",
        "accepted",
        "errors",
        "error at most",
        "least left to people",
    ];
    for (field, out) in &output.fields {
        let mut rows = vec![cells(&out.all, "all labels, one threshold")];
        let (granted, refused): (Vec<_>, Vec<_>) =
            out.categories.iter().partition(|(_, r)| r.threshold.is_some());
        let mut refused = refused;
        refused.sort_by_key(|(_, row)| std::cmp::Reverse(row.tickets));
        rows.extend(
            granted.iter().chain(refused.iter().take(REFUSED_SHOWN)).map(|(name, row)| cells(row, name)),
        );
        print(format_args!("{field}\n{}", table(&header, rows)));
        if refused.len() > REFUSED_SHOWN {
            print(format_args!("and {} smaller labels without a threshold", refused.len() - REFUSED_SHOWN));
        }
        print("");
    }
    print(answers::in_words(output.answers.as_ref()));
    let (error, sure) = (100.0 * promise.error, 100.0 * promise.confidence);
    ui.say(format!(
        "With {sure} % probability no more than {error} % of what is accepted is wrong, on tickets like those tested: \
         for the one threshold by itself, and for all labels of a field together. A label needs at least {} tested \
         tickets, and more for each error or label beside it.",
        tickets_needed(0, promise)
    ));
}
