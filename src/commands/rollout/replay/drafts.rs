//! Drafts for a sample of a week's tickets, from an index that knows what had been resolved when the week began.

use std::io::Write;

use firstline_drafts::{Drafter, Index, Templates, Voice, first_reply};
use firstline_fault::UserError;
use firstline_rollout::{DraftSample, TicketFacts};
use firstline_serve::distance;
use firstline_ticket::Ticket;
use firstline_training::{Progress, interrupted, said_and_sent};
use firstline_triage::{Engine, sha256_hex};
use jiff::Timestamp;

use crate::commands::drafts::index::{Source, fill};
use crate::failure::Failure;
use crate::ui::Ui;

/// Tickets that are drafted together.
const BATCH: usize = 16;

/// A ticket that asks for an answer: as it came in, and with what was answered.
pub(super) struct Asked {
    pub(super) came: Ticket,
    pub(super) whole: Ticket,
}

/// The ticket as it was known at `moment`; `None` while it was not resolved.
pub(super) fn known(facts: &TicketFacts, ticket: &Ticket, moment: Timestamp) -> Option<Ticket> {
    let labels = facts.learnt_labels(moment)?;
    let mut ticket = ticket.clone();
    (ticket.board, ticket.kind, ticket.subtype, ticket.priority, ticket.technician) = Default::default();
    labels.into_iter().for_each(|(field, label)| ticket.set_label(field, label));
    ticket.messages.retain(|message| message.at.is_none_or(|at| at <= moment));
    ticket.customer = Some(facts.customer.clone()).filter(|name| !name.is_empty());
    Some(ticket)
}

/// How tickets are drawn.
pub(super) struct Sample {
    pub(super) most: usize,
    pub(super) seed: u64,
}

impl Sample {
    /// Drafts for some of `asked` that were answered, from the tickets that are `known`.
    pub(super) fn drafts(
        &self,
        engine: &Engine,
        known: &[Ticket],
        asked: Vec<Asked>,
        ui: &Ui,
    ) -> Result<Vec<DraftSample>, Failure> {
        let folder = tempfile::tempdir().map_err(|e| UserError::io(std::env::temp_dir().display(), &e))?;
        let path = folder.path().join("known.jsonl");
        let io = |e: std::io::Error| UserError::io(path.display(), &e);
        let mut file = std::io::BufWriter::new(std::fs::File::create(&path).map_err(io)?);
        for ticket in known {
            serde_json::to_writer(&mut file, ticket)?;
            file.write_all(b"\n").map_err(io)?;
        }
        file.into_inner().map_err(|e| io(e.into_error()))?;
        let source = Source { path: &path, wanted: &|_| true, real_replies: true };
        fill(engine, folder.path(), &source, ui)?;
        let index = Index::open(folder.path(), engine.bundle().info.dimensions)?;
        // Nobody has approved a template.
        let (voice, templates) = (Voice::built_in()?, Templates::default());
        let drafter = Drafter::new(engine, &index, &voice, &templates);
        let asked = self.draw(asked, &index);
        let mut bars = ui.bars();
        bars.stage("drafting", asked.len() as u64);
        let mut found = Vec::with_capacity(asked.len());
        for batch in asked.chunks(BATCH) {
            let tickets: Vec<Ticket> = batch.iter().map(|asked| asked.came.clone()).collect();
            for (asked, (_, draft)) in batch.iter().zip(drafter.draft(&tickets, 1)?) {
                let texts = draft.and_then(|draft| said_and_sent(&drafter, &asked.whole, &draft));
                let distance = texts.map_or(1.0, |[said, sent]| distance(&said, &sent));
                found.push(DraftSample { id: asked.whole.id.clone(), distance });
            }
            if bars.done(found.len() as u64).is_break() {
                return Err(interrupted("drafting").into());
            }
        }
        Ok(found)
    }

    /// The answered tickets that the seed draws, by id. An acknowledgement is no answer.
    fn draw(&self, mut asked: Vec<Asked>, index: &Index) -> Vec<Asked> {
        asked.iter_mut().for_each(|asked| index.acknowledgements().set_aside(&mut asked.whole));
        asked.retain(|asked| first_reply(&asked.whole).is_some());
        asked.sort_by_cached_key(|asked| sha256_hex(format!("{}\0{}", self.seed, asked.whole.id).as_bytes()));
        asked.truncate(self.most);
        asked
    }
}
