//! `firstline dev acknowledgements`: what telling automatic acknowledgements from replies is worth, on a generated history.

use std::path::PathBuf;

use clap::Args;
use firstline_datasets::Settings;
use firstline_drafts::{Drafter, Index, Reviews, Templates, Voice};
use firstline_fault::{Code, UserError};
use firstline_ticket::{Draft, Origin, Ticket};
use firstline_training::{FineTuning, SplitMode, evaluate_drafts};
use firstline_triage::{Acknowledgements, AcknowledgementsBuilder, Engine, Policy};
use serde::Serialize;

use super::generate;
use crate::arguments::{JsonArg, ModelOptions, SeedArg};
use crate::commands::drafts::index::{self, Source};
use crate::commands::train;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::table::table;
use crate::ui::{Ui, print};

/// Tickets that drafts are made for at most.
const DRAFTED: usize = 300;
/// What acknowledgements of a generated history promise.
const PROMISES: [&str; 3] = ["will be in touch", "in Kürze bei Ihnen melden", "vous contactera dans"];

/// Measure what telling acknowledgements from replies is worth, on a made-up history.
///
/// The same history is indexed twice: with every message as a technician's, and with acknowledgements set aside.
#[derive(Debug, Args)]
pub(crate) struct AcknowledgementsArgs {
    /// Folder to write the history and the bundle into.
    #[arg(long, default_value = "firstline-acknowledgements", value_name = "DIR")]
    dir: PathBuf,

    /// Number of tickets to generate.
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(u32).range(500..=200_000))]
    tickets: u32,

    /// Share of people's tickets that begin with an automatic acknowledgement, 0 to 1.
    #[arg(long, default_value_t = 0.6)]
    share: f64,

    #[command(flatten)]
    seed: SeedArg,

    #[command(flatten)]
    models: ModelOptions,

    #[command(flatten)]
    output: JsonArg,
}

/// The figures of one way to read the history.
#[derive(Debug, Serialize)]
struct Measured {
    way: &'static str,
    /// Drafts to tickets that training has not seen.
    drafts: usize,
    /// Share of drafts that promise what the acknowledgement promises.
    promising: f64,
    /// Share of drafts that say something of the matter: more than that the ticket was received.
    telling: f64,
    /// Share of drafts with the same content as the technician's own first reply.
    same_content: f64,
    rouge_l: f64,
    /// Reply templates, and how many of them are the acknowledgement.
    templates: usize,
    templates_promising: usize,
    /// Median seconds from opening to the first response.
    first_response_median: Option<f64>,
}

pub(super) fn run(args: &AcknowledgementsArgs, ui: &Ui) -> Result<Exit, Failure> {
    if !(0.0..=1.0).contains(&args.share) {
        let problem = format!("{} is no share", args.share);
        return Err(UserError::new(Code::Config, "--share", problem, "Give 0 to 1").into());
    }
    let (history, bundle) = (args.dir.join("history.jsonl"), args.dir.join("bundle"));
    let mut settings = Settings::default();
    settings.desk.acknowledged = args.share;
    generate::write(&settings, args.tickets as usize, args.seed.seed, &history, ui)?;
    let job = train::Job {
        tickets: history.clone(),
        test: None,
        bundle: bundle.clone(),
        fields: Vec::new(),
        split: SplitMode::Time,
        seed: args.seed.seed,
        fine_tuning: FineTuning::Never,
        policy: Policy::built_in()?,
        precision: None,
        embedding_cache: None,
        index: false,
    };
    train::learn(&job, firstline_nn::Manifest::DEFAULT, &args.models, ui)?;
    let experiment = Experiment { engine: Engine::open(&bundle)?, history, ui };
    let known = experiment.acknowledgements()?;
    let ways = [
        experiment.measure("every message a reply", false, &known)?,
        experiment.measure("acknowledgements set aside", true, &known)?,
    ];
    if args.output.json {
        print(serde_json::to_string(&ways)?);
        return Ok(Exit::Success);
    }
    let rows = ways.iter().map(|way| {
        vec![
            way.way.to_owned(),
            way.drafts.to_string(),
            format!("{:.3}", way.promising),
            format!("{:.3}", way.telling),
            format!("{:.3}", way.same_content),
            format!("{:.3}", way.rouge_l),
            way.templates.to_string(),
            way.templates_promising.to_string(),
            way.first_response_median.map_or_else(|| "-".into(), |seconds| format!("{seconds:.0}")),
        ]
    });
    let header = [
        "replies",
        "drafts",
        "promise to be in touch",
        "say something",
        "same content",
        "ROUGE-L",
        "templates",
        "of them acknowledgements",
        "first response, median s",
    ];
    print(table(&header, rows));
    Ok(Exit::Success)
}

struct Experiment<'a> {
    engine: Engine,
    history: PathBuf,
    ui: &'a Ui,
}

impl Experiment<'_> {
    /// The acknowledgements of the history, as they are found.
    fn acknowledgements(&self) -> Result<Acknowledgements, Failure> {
        let mut builder = AcknowledgementsBuilder::default();
        files::tickets(&self.history)?
            .filter_map(|line| line.ticket.ok())
            .for_each(|ticket| builder.add(&ticket));
        Ok(builder.finish())
    }

    /// Indexes what training has seen, and drafts for what it has not. Both ways are held against technicians' own replies.
    fn measure(
        &self,
        way: &'static str,
        real_replies: bool,
        known: &Acknowledgements,
    ) -> Result<Measured, Failure> {
        let folder = tempfile::tempdir().map_err(|e| UserError::io("a temporary folder", &e))?;
        let dir = folder.path().join("bundle");
        let seen = |ticket: &Ticket| self.engine.bundle().has_seen(ticket);
        index::fill(
            &self.engine,
            &dir,
            &Source { path: &self.history, wanted: &seen, real_replies },
            self.ui,
        )?;
        let index = Index::open(&dir, self.engine.bundle().info.dimensions)?;
        let templates = Templates::learn(&index)?;
        let (stored, real) = self.unseen(known)?;
        let (voice, reviews) = (Voice::built_in()?, Reviews::read(&dir)?);
        let none = Templates::default();
        let drafter = Drafter::new(&self.engine, &index, &voice, &none).trusting(&reviews);
        let mut bars = self.ui.bars();
        let report = evaluate_drafts(&drafter, &real, &mut bars)?;
        bars.finish();
        let drafts: Vec<Draft> =
            drafter.draft(&real, 1)?.into_iter().filter_map(|(_, draft)| draft).collect();
        let share = |is: &dyn Fn(&Draft) -> bool| {
            drafts.iter().filter(|draft| is(draft)).count() as f64 / drafts.len().max(1) as f64
        };
        Ok(Measured {
            way,
            drafts: drafts.len(),
            promising: share(&|draft| promises(&draft.text)),
            telling: share(&|draft| draft.origin != Origin::Acknowledgement),
            same_content: report.all.same_content,
            rouge_l: report.all.rouge_l,
            templates: templates.all.len(),
            templates_promising: templates.all.iter().filter(|t| promises(&t.sentences.join(" "))).count(),
            first_response_median: median(if real_replies { &real } else { &stored }),
        })
    }

    /// Tickets that training has not seen: as they are stored, and with acknowledgements set aside.
    fn unseen(&self, known: &Acknowledgements) -> Result<(Vec<Ticket>, Vec<Ticket>), Failure> {
        let unseen = files::tickets(&self.history)?.filter_map(|line| line.ticket.ok());
        let answered = |ticket: &Ticket| ticket.contact.is_some() && !ticket.messages.is_empty();
        let unseen = unseen.filter(|ticket| answered(ticket) && !self.engine.bundle().has_seen(ticket));
        let stored: Vec<Ticket> = unseen.take(DRAFTED).collect();
        let mut real = stored.clone();
        real.iter_mut().for_each(|ticket| known.set_aside(ticket));
        Ok((stored, real))
    }
}

fn promises(text: &str) -> bool {
    PROMISES.iter().any(|promise| text.contains(promise))
}

fn median(tickets: &[Ticket]) -> Option<f64> {
    let waited =
        |ticket: &Ticket| Some(ticket.first_response_at?.duration_since(ticket.opened_at?).as_secs_f64());
    let mut all: Vec<f64> = tickets.iter().filter_map(waited).collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}
