//! `firstline drafts templates`: recurring answers of technicians, for people to review and approve.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use firstline_drafts::{Template, Templates, has_only_known_slots, sentences};
use firstline_fault::{Code, UserError};

use crate::arguments::JsonArg;
use crate::failure::{Exit, Failure};
use crate::table::table;
use crate::ui::print;

/// List, show, approve and edit the reply templates learnt from the history.
#[derive(Debug, Args)]
pub(crate) struct TemplatesArgs {
    /// The bundle. Its templates are in BUNDLE.templates.toml beside it, and survive a new training.
    #[arg(long, value_name = "DIR", global = true, default_value = "bundle")]
    bundle: PathBuf,

    #[command(subcommand)]
    command: TemplatesCommand,
}

#[derive(Debug, Subcommand)]
enum TemplatesCommand {
    /// List all templates, the most frequent first.
    List {
        #[command(flatten)]
        output: JsonArg,
    },
    /// Show a template in full, with tickets it was learnt from.
    Show {
        /// The template's id.
        id: String,
    },
    /// Approve templates: drafts use them from now on.
    Approve {
        /// The templates' ids.
        #[arg(required = true)]
        ids: Vec<String>,
        /// Withdraw the approval instead.
        #[arg(long)]
        withdraw: bool,
    },
    /// Change the text of a template and approve it.
    Edit {
        /// The template's id.
        id: String,
        /// The new text, with the slots {contact}, {customer}, {host}, {product} filled from each ticket.
        #[arg(long)]
        text: String,
    },
}

/// Characters of a template's text in the table.
const SHOWN: usize = 70;

pub(super) fn run(args: &TemplatesArgs) -> Result<Exit, Failure> {
    let mut templates = Templates::read(&args.bundle)?;
    match &args.command {
        TemplatesCommand::List { output } if output.json => {
            for template in &templates.all {
                print(serde_json::to_string(template)?);
            }
        }
        TemplatesCommand::List { .. } => print(list(&templates)),
        TemplatesCommand::Show { id } => print(show(find(&mut templates, id, args)?)),
        TemplatesCommand::Approve { ids, withdraw } => {
            for id in ids {
                find(&mut templates, id, args)?.approved = !withdraw;
            }
            templates.write(&args.bundle)?;
        }
        TemplatesCommand::Edit { id, text } => {
            let said =
                sentences(text, &firstline_ticket::Ticket::default(), &firstline_drafts::Endings::default());
            if said.is_empty() || !said.iter().all(|s| has_only_known_slots(s)) {
                let problem = "the text is empty or has an unknown slot";
                let next = "Slots are {contact}, {customer}, {host}, {product}";
                return Err(UserError::new(Code::Config, "--text", problem, next).into());
            }
            let template = find(&mut templates, id, args)?;
            (template.sentences, template.approved) = (said, true);
            templates.write(&args.bundle)?;
        }
    }
    Ok(Exit::Success)
}

fn find<'a>(
    templates: &'a mut Templates,
    id: &str,
    args: &TemplatesArgs,
) -> Result<&'a mut Template, Failure> {
    let place = Templates::path(&args.bundle).display().to_string();
    templates.all.iter_mut().find(|t| t.id == id).ok_or_else(|| {
        let next = "See `firstline drafts templates list`; `firstline train` and `firstline drafts index` learn templates";
        UserError::new(Code::Config, place, format!("no template {id:?}"), next).into()
    })
}

fn category(template: &Template) -> String {
    template.category.iter().filter(|c| !c.is_empty()).map(String::as_str).collect::<Vec<_>>().join(" > ")
}

fn list(templates: &Templates) -> String {
    let rows = templates.all.iter().map(|t| {
        let text: String = t.sentences.join(" ").chars().take(SHOWN).collect();
        let share = format!("{} of {}", t.seen, t.of);
        let approved = if t.approved { "yes" } else { "-" }.to_owned();
        vec![t.id.clone(), category(t), t.language.clone(), share, approved, text]
    });
    table(&["id", "category", "language", "replies", "approved", "says"], rows)
}

fn show(template: &mut Template) -> String {
    format!(
        "{}: {} ({}), {}\nSaid in {} of {} replies, to {} customers; such as {}\n\n{}",
        template.id,
        category(template),
        if template.language.is_empty() { "?" } else { &template.language },
        if template.approved { "approved" } else { "not approved: not used" },
        template.seen,
        template.of,
        template.customers,
        template.examples.join(", "),
        template.sentences.join(" ")
    )
}
