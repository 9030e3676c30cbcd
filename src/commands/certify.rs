//! `firstline certify`: the thresholds above which a bundle's decisions may be trusted, and the proof.

use std::collections::BTreeMap;

use firstline_ticket::{Code, Field, UserError};
use firstline_training::certify::{
    Certificate, Promise, Refusal, certify, certify_together, least_left_to_people, tickets_needed,
};
use firstline_training::metrics::Judged;
use firstline_triage::{Bundle, FieldModel};
use serde::Serialize;

use super::table::table;
use crate::cli::CertifyArgs;
use crate::failure::{Exit, Failure};
use crate::ui::{Ui, print};

/// Refused categories that are shown one by one; `--json` has them all.
const REFUSED_SHOWN: usize = 12;

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Output {
    target_error: f64,
    confidence: f64,
    fields: BTreeMap<Field, FieldOutput>,
}

#[derive(Debug, Serialize)]
struct FieldOutput {
    /// One threshold for all decisions of the field.
    all: Row,
    /// One threshold for each label that was decided, all of them promised together.
    categories: BTreeMap<String, Row>,
}

/// The verdict on one group of decisions.
#[derive(Debug, Serialize)]
struct Row {
    /// Decisions that were tested.
    tickets: usize,
    /// Of those, wrong ones.
    errors: usize,
    /// The lowest confidence that may be trusted; `null` where none may.
    threshold: Option<f64>,
    accepted: usize,
    accepted_errors: usize,
    /// Share of the tested tickets that is accepted.
    coverage: f64,
    /// Exact upper bound of the share of errors among the accepted.
    error_bound: Option<f64>,
    /// Where nothing is certified: how many more tickets of the kind would probably do; `null` where none would.
    more_tickets: Option<usize>,
    /// Share that has to stay with people whatever the confidence.
    least_left_to_people: f64,
}

pub(super) fn run(args: &CertifyArgs, ui: &Ui) -> Result<Exit, Failure> {
    let promise = Promise { error: args.target_error, confidence: args.confidence };
    let bundle = Bundle::load(&args.bundle)?;
    let fields: BTreeMap<Field, FieldOutput> = bundle
        .fields
        .iter()
        .filter(|(_, model)| !model.reserve.label.is_empty())
        .map(|(&field, model)| (field, of_field(model, promise)))
        .collect();
    if fields.is_empty() {
        let problem = "no ticket was kept for certifying when it was trained";
        let next = "Train it anew on more tickets";
        return Err(UserError::new(Code::Empty, args.bundle.display().to_string(), problem, next).into());
    }
    let output = Output { target_error: promise.error, confidence: promise.confidence, fields };
    match args.json {
        true => print(serde_json::to_string(&output)?),
        false => show(&output, promise, ui),
    }
    Ok(Exit::Success)
}

fn of_field(model: &FieldModel, promise: Promise) -> FieldOutput {
    let mut categories: BTreeMap<u32, Vec<Judged>> = BTreeMap::new();
    let reserve = &model.reserve;
    for ((&confidence, &label), &correct) in
        reserve.confidence.iter().zip(&reserve.label).zip(&reserve.correct)
    {
        categories.entry(label).or_default().push(Judged { confidence: f64::from(confidence), correct });
    }
    let (labels, groups): (Vec<u32>, Vec<Vec<Judged>>) = categories.into_iter().unzip();
    let all = groups.concat();
    let verdicts = certify_together(&groups, promise);
    let name = |label: &u32| model.space.labels()[*label as usize].clone();
    let rows = groups.iter().zip(verdicts).map(|(group, verdict)| Row::new(group, verdict, promise));
    FieldOutput {
        all: Row::new(&all, certify(&all, promise), promise),
        categories: labels.iter().map(name).zip(rows).collect(),
    }
}

impl Row {
    fn new(tickets: &[Judged], verdict: Result<Certificate, Refusal>, promise: Promise) -> Self {
        let n = tickets.len();
        let errors = tickets.iter().filter(|t| !t.correct).count();
        let row = Self {
            tickets: n,
            errors,
            threshold: None,
            accepted: 0,
            accepted_errors: 0,
            coverage: 0.0,
            error_bound: None,
            more_tickets: None,
            least_left_to_people: least_left_to_people(errors as f64 / n.max(1) as f64, promise.error),
        };
        match verdict {
            Ok(c) => Self {
                threshold: Some(c.threshold),
                accepted: c.accepted,
                accepted_errors: c.errors,
                coverage: c.coverage,
                error_bound: Some(c.bound),
                ..row
            },
            // As many of the tickets as now would pass the threshold where testing began.
            Err(Refusal { accepted, errors, needed }) => {
                let share = accepted as f64 / n.max(1) as f64;
                let more = |needed: usize| (needed as f64 / share).ceil() as usize - n;
                let more = needed.filter(|_| accepted > 0).map(more);
                Self { accepted_errors: errors, more_tickets: more, ..row }
            }
        }
    }

    fn cells(&self, name: &str) -> Vec<String> {
        let percent = |share: f64| format!("{:.1} %", 100.0 * share);
        let verdict = match (self.threshold, self.more_tickets) {
            (Some(threshold), _) => format!("from {threshold:.3} on"),
            (None, Some(more)) => format!("not yet: some {more} more tickets"),
            (None, None) => "stays with people".to_owned(),
        };
        let accepted = match self.threshold {
            Some(_) => [
                format!("{} ({})", self.accepted, percent(self.coverage)),
                self.accepted_errors.to_string(),
                self.error_bound.map_or_else(String::new, percent),
            ],
            None => ["-", "-", "-"].map(str::to_owned),
        };
        let mut cells = vec![name.to_owned(), self.tickets.to_string(), self.errors.to_string(), verdict];
        cells.extend(accepted);
        cells.push(percent(self.least_left_to_people));
        cells
    }
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
        let mut rows = vec![out.all.cells("all labels, one threshold")];
        let (granted, refused): (Vec<_>, Vec<_>) =
            out.categories.iter().partition(|(_, r)| r.threshold.is_some());
        let mut refused = refused;
        refused.sort_by_key(|(_, row)| std::cmp::Reverse(row.tickets));
        rows.extend(
            granted.iter().chain(refused.iter().take(REFUSED_SHOWN)).map(|(name, row)| row.cells(name)),
        );
        print(format_args!("{field}\n{}", table(&header, rows)));
        if refused.len() > REFUSED_SHOWN {
            print(format_args!(
                "and {} smaller labels that can't be certified",
                refused.len() - REFUSED_SHOWN
            ));
        }
        print("");
    }
    let (error, sure) = (100.0 * promise.error, 100.0 * promise.confidence);
    ui.say(format!(
        "With {sure} % probability no more than {error} % of what is accepted is wrong, on tickets like those tested: \
         for the one threshold by itself, and for all labels of a field together. A label needs at least {} tested \
         tickets, and more for each error or label beside it.",
        tickets_needed(0, promise)
    ));
}
