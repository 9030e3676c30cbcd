//! `firstline templates`: what technicians answer again and again, to look at and approve.

use firstline_drafts::{Template, Templates, has_only_known_slots, sentences};
use firstline_fault::{Code, UserError};

use super::table::table;
use crate::cli::{TemplatesArgs, TemplatesCommand};
use crate::failure::{Exit, Failure};
use crate::ui::print;

/// Characters of a template's text in the table.
const SHOWN: usize = 70;

pub(super) fn run(args: &TemplatesArgs) -> Result<Exit, Failure> {
    let mut templates = Templates::read(&args.bundle)?;
    match &args.command {
        TemplatesCommand::List { json: true } => {
            for template in &templates.all {
                print(serde_json::to_string(template)?);
            }
        }
        TemplatesCommand::List { json: false } => print(list(&templates)),
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
                let problem = "no text, or a slot that nothing fills";
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
        let next = "See `firstline templates list`; train or `firstline index` learns them";
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
