//! The bundle in service: the engine and all that drafts are made from, opened together and replaced together.

use std::fmt;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use firstline_drafts::{Drafter, Index, Reviews, Templates, Voice, Writer, drafting_id};
use firstline_fault::{Code, InternalError, Result, UserError};
use firstline_ticket::{Decision, Draft, Ticket};
use firstline_triage::bundle::layout;
use firstline_triage::{Engine, Policy, sha256_file, sha256_hex};
use jiff::tz::TimeZone;

/// What a bundle is opened with beside its folder.
pub struct Parts {
    /// Rules above every decision.
    pub policy: Policy,
    /// Greetings and phrases.
    pub voice: Voice,
    /// A language model.
    pub writer: Option<Writer>,
}

/// Reads the parts anew, for a bundle's folder; the caller knows where they are.
pub type ReadParts = Arc<dyn Fn(&Path) -> Result<Parts> + Send + Sync>;

/// A bundle that is, or was, in service. An item in the queue keeps the one that it was prepared with.
pub(crate) struct LiveBundle {
    /// The engine.
    pub(crate) engine: Engine,
    /// Resolved tickets.
    pub(crate) index: Index,
    /// Greetings, signature, phrases.
    pub(crate) voice: Voice,
    templates: Templates,
    reviews: Reviews,
    writer: Option<Writer>,
    /// The name of bundle and policy in records: a hash of `bundle.json`, which names the hashes of all its files, and one of
    /// the policy.
    pub(crate) id: String,
    /// The name in records of everything that shapes a draft: index, writer, templates, reviews, voice.
    pub(crate) drafting: String,
    pub(crate) folder: PathBuf,
    /// Hash of its `bundle.json`.
    pub(crate) info_sha256: String,
    /// The policy in force.
    pub(crate) policy: Policy,
    /// The zone that the desk's weeks begin in: that of the policy's hours.
    pub(crate) zone: TimeZone,
}

impl fmt::Debug for LiveBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveBundle").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The name in records of a bundle, by the sha256 of its `bundle.json`, under a policy; and the policy's sha256.
///
/// # Errors
/// None in practice: every policy can be written as JSON.
pub fn served_id(info_sha256: &str, policy: &Policy) -> Result<(String, String)> {
    let json =
        serde_json::to_vec(policy).map_err(|e| InternalError::new(format!("a policy as JSON: {e}")))?;
    let rules = sha256_hex(&json);
    Ok((format!("{}.{}", &info_sha256[..12], &rules[..4]), rules))
}

impl LiveBundle {
    /// Opens the bundle in `folder`.
    ///
    /// # Errors
    /// As for [`Engine::open`], [`Index::open`] and the files beside a bundle; [`Code::Bundle`] when the bundle is replaced
    /// meanwhile.
    pub(crate) fn open(folder: &Path, parts: &ReadParts) -> Result<Self> {
        let info = folder.join(layout::INFO);
        let before = sha256_file(&info).ok();
        let Parts { policy, voice, writer } = parts(folder)?;
        // The policy was checked when it was read: there is such a zone.
        let zone = policy.hours.as_ref().and_then(|hours| TimeZone::get(&hours.time_zone).ok());
        let engine = Engine::open(folder)?.under(policy.clone());
        let index = Index::open(folder, engine.bundle().info.dimensions)?;
        let info_sha256 = sha256_file(&info)?;
        let (id, _) = served_id(&info_sha256, &policy)?;
        let templates = Templates::read(folder)?;
        let reviews = Reviews::read(folder)?;
        let drafting = drafting_id(&index, &voice, &templates, &reviews, writer.as_ref())?;
        // The engine of one and the index of another would be a bundle that nobody has measured.
        if before.as_ref() != Some(&info_sha256) {
            let problem = "it was replaced while it was opened";
            return Err(
                UserError::new(Code::Bundle, folder.display().to_string(), problem, "Open it again").into()
            );
        }
        Ok(Self {
            templates,
            reviews,
            folder: folder.to_owned(),
            engine,
            index,
            voice,
            writer,
            id,
            drafting,
            info_sha256,
            policy,
            zone: zone.unwrap_or(TimeZone::UTC),
        })
    }

    /// Whether a draft was made from a template of one subtype.
    pub(crate) fn is_by_subtype(&self, draft: &Draft) -> bool {
        let of = |id: &String| self.templates.all.iter().find(|template| template.id == *id);
        let used = draft.sources.iter().filter_map(|source| of(&source.id));
        used.into_iter().any(|template| !template.category[2].is_empty())
    }

    /// Drafts a first response to a ticket that was decided, `None` where there is none to be sent; `go_on` as for
    /// [`Drafter::written_by`].
    pub(crate) fn draft(
        &self,
        ticket: &Ticket,
        decision: &Decision,
        go_on: &dyn Fn() -> ControlFlow<()>,
    ) -> Result<Option<Draft>> {
        let start = Instant::now();
        let clock = || -> Duration { start.elapsed() };
        let drafter = Drafter::new(&self.engine, &self.index, &self.voice, &self.templates);
        let drafter = drafter.trusting(&self.reviews).timed(&clock);
        match &self.writer {
            Some(writer) => drafter.written_by(writer, go_on).draft_decided(ticket, decision),
            None => drafter.draft_decided(ticket, decision),
        }
    }
}
