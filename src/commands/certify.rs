//! `firstline certify`: the confidence thresholds that keep a bundle's errors under a limit, with the proof, and what each would buy.

mod answers;

use clap::Args;
use firstline_fault::{Code, UserError};
use firstline_ticket::Assertion;
use firstline_training::certify::{Promise, tickets_needed};
use firstline_training::{AssertionCertification, Certification, CertificationStatus};
use firstline_triage::{AnswerCertificate, Bundle};
use serde::Serialize;

use crate::arguments::{BundleArg, JsonArg, PromiseArgs};
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::{Ui, print};

/// Report the thresholds that keep errors under a limit, and what each would buy.
///
/// A category is a board and a type that are decided together. A reply asserts both; a label that is set asserts itself; a priority only that
/// it is not less urgent than it should be. The bound is exact: with the probability given by --confidence, at most --target-error of the
/// accepted decisions are wrong, in every category of one assertion at once. It rests on tickets that training set aside.
#[derive(Debug, Args)]
pub(crate) struct CertifyArgs {
    #[command(flatten)]
    bundle: BundleArg,

    #[command(flatten)]
    promise: PromiseArgs,

    #[command(flatten)]
    output: JsonArg,
}

/// Categories without a threshold that are listed of each assertion; `--json` has all of them.
const REFUSED_SHOWN: usize = 5;

/// The result, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Output {
    target_error: f64,
    confidence: f64,
    auto_floor: f64,
    /// What each assertion would buy, by its name.
    buys: Vec<Buys>,
    /// What was certified, and what could not be.
    certificates: Vec<AssertionCertification>,
    /// Assertions that nothing can be said of.
    untested: Vec<Assertion>,
    /// Of the classifier of customers' replies, on whose word tickets are closed.
    answers: Option<AnswerCertificate>,
}

/// What an assertion would buy: decisions that need no person.
#[derive(Debug, Serialize)]
struct Buys {
    assertion: Assertion,
    /// Decisions that were tested: of a reply, on tickets to which somebody waits for an answer.
    tested: usize,
    /// Of those, decisions above the threshold of their category.
    alone: usize,
    /// Their share.
    share: f64,
    /// Categories that were decided.
    categories: usize,
    /// Of those, certified ones.
    certified: usize,
}

impl Buys {
    fn of(found: &AssertionCertification) -> Self {
        let (tested, alone) = (found.all.tickets, found.alone());
        Self {
            assertion: found.assertion,
            tested,
            alone,
            share: alone as f64 / tested.max(1) as f64,
            categories: found.categories.len(),
            certified: found.certified().count(),
        }
    }
}

pub(super) fn run(args: &CertifyArgs, ui: &Ui) -> Result<Exit, Failure> {
    let promise = args.promise.promise();
    let bundle = Bundle::load(&args.bundle.bundle)?;
    let found = |assertion| AssertionCertification::new(&bundle, assertion, promise);
    let certificates: Vec<AssertionCertification> = Assertion::ALL.into_iter().filter_map(found).collect();
    if certificates.is_empty() {
        let problem = "training set no tickets aside for certifying";
        let next = "Train again on more tickets";
        return Err(
            UserError::new(Code::Empty, args.bundle.bundle.display().to_string(), problem, next).into()
        );
    }
    let is_untested = |assertion: &Assertion| certificates.iter().all(|found| found.assertion != *assertion);
    let output = Output {
        target_error: promise.error,
        confidence: promise.confidence,
        auto_floor: promise.floor,
        buys: certificates.iter().map(Buys::of).collect(),
        untested: Assertion::ALL.into_iter().filter(is_untested).collect(),
        certificates,
        answers: bundle.answers.as_ref().map(|answers| answers.certificate.clone()),
    };
    match args.output.json {
        true => print(serde_json::to_string(&output)?),
        false => show(&output, promise, ui),
    }
    Ok(Exit::Success)
}

fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// What could be done alone, in words.
fn told(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Reply => "tickets that may get a reply alone",
        Assertion::SubtypeReply => "the same, where the reply depends on the subtype",
        Assertion::Board => "boards that may be set alone",
        Assertion::Type => "types that may be set alone",
        Assertion::Subtype => "subtypes that may be set alone",
        Assertion::Priority => "priorities that may be set alone",
        Assertion::Technician => "technicians that may be set alone",
    }
}

fn cells(verdict: &Certification, name: &str) -> Vec<String> {
    let accepted = match verdict.threshold {
        Some(_) => [
            format!("{} ({})", verdict.accepted, percent(verdict.coverage)),
            verdict.accepted_errors.to_string(),
            verdict.error_bound.map_or_else(String::new, percent),
        ],
        None => ["-", "-", "-"].map(str::to_owned),
    };
    let stands = match (verdict.standing, verdict.more_accepted) {
        (CertificationStatus::NeedsTickets, Some(more)) => {
            format!("{}, {more} of them sure and right", verdict.in_words())
        }
        (CertificationStatus::Unclear, Some(more)) => format!("not yet: {more} more sure and right ones"),
        _ => verdict.in_words(),
    };
    let mut cells = vec![name.to_owned(), verdict.tickets.to_string(), verdict.errors.to_string(), stands];
    cells.extend(accepted);
    cells.push(percent(verdict.least_left_to_people));
    cells
}

fn show(output: &Output, promise: Promise, ui: &Ui) {
    let row = |buys: &Buys| {
        vec![
            told(buys.assertion).to_owned(),
            format!("{} of {} ({})", buys.alone, buys.tested, percent(buys.share)),
            format!("{} of {}", buys.certified, buys.categories),
        ]
    };
    let rows = output.buys.iter().map(row);
    print(format_args!(
        "{}\n",
        table(&["certified, category by category", "tested tickets", "categories"], rows)
    ));
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
    for found in &output.certificates {
        let mut rows = vec![cells(&found.all, "all categories, one threshold")];
        let refused = found.categories.iter().filter(|one| one.certification.threshold.is_none());
        let listed = found.certified().chain(refused.clone().take(REFUSED_SHOWN));
        rows.extend(listed.map(|one| cells(&one.certification, &one.category.to_string())));
        print(format_args!("{}\n{}", found.assertion.name(), table(&header, rows)));
        if let Some(more @ 1..) = refused.count().checked_sub(REFUSED_SHOWN) {
            print(format_args!("and {more} smaller categories without a threshold"));
        }
        print("");
    }
    for assertion in &output.untested {
        ui.say(format!("{}: nothing to test it on. {}", assertion.name(), why_untested(*assertion)));
    }
    print(answers::in_words(output.answers.as_ref()));
    let (error, sure) = (100.0 * promise.error, 100.0 * promise.confidence);
    ui.say(format!(
        "With {sure} % probability no more than {error} % of what is accepted is wrong, on tickets like those tested: \
         for one threshold by itself, and for all categories of an assertion together. A category needs at least {} tested \
         tickets of a confidence of {} or more, and more for each error or category beside it. A priority errs where it is less urgent than \
         the closing one. Rules that keep tickets with a person are not counted here: they leave less to act on alone.",
        tickets_needed(0, promise),
        promise.floor
    ));
}

fn why_untested(assertion: Assertion) -> &'static str {
    match assertion {
        Assertion::Reply | Assertion::SubtypeReply => {
            "The bundle decides no board or type, no kept ticket waits for an answer, or an earlier version trained it: train again."
        }
        _ => "The bundle does not decide it, or an earlier version trained it: train again.",
    }
}
