//! What a reviewer writes in place of a draft, held against the guard that drafts pass.
//!
//! A person may say more than past replies do, so most of what is found is shown and no more. What gives or asks for a credential,
//! names somebody whom neither the ticket nor the draft names, or holds characters that nobody sees, has to be confirmed. Must
//! never change a word of the text.

use std::collections::{BTreeSet, HashMap};

use firstline_drafts::{Grounds, Index, guard};
use firstline_ticket::{CheckResult, Draft, Ticket};

/// The guard's checks whose findings a person has to confirm.
const HARD: [&str; 4] = ["credentials", "contact data", "people", "hidden characters"];

/// What the text stands on, beside the reviewer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) draft: &'a Draft,
    /// The ticket, where its words are still there.
    pub(crate) ticket: Option<&'a Ticket>,
    /// The name of the reviewer's key, which may sign the text.
    pub(crate) reviewer: &'a str,
}

/// Whether the finding of this check has to be confirmed.
pub(crate) fn is_hard(finding: &CheckResult) -> bool {
    HARD.contains(&finding.check.as_str())
}

/// What the guard finds in `text`.
pub(crate) fn findings(index: &Index, text: &str, context: &Context<'_>) -> Vec<CheckResult> {
    let Context { draft, ticket, reviewer } = *context;
    // The reviewer has read the ticket: whom it names, the answer may name.
    let told =
        ticket.map_or([None; 4], |t| [&t.subject, &t.body, &t.contact, &t.customer].map(Option::as_deref));
    let told = told.into_iter().flatten().chain([reviewer]);
    let quoted = draft.sources.iter().flat_map(|source| &source.sentences).map(String::as_str);
    let slots = HashMap::new();
    let masker = index.masker();
    let said = told.clone().collect::<Vec<_>>().join("\n");
    let named =
        ticket.map(|t| [&t.subject, &t.body].map(|text| text.as_deref().unwrap_or_default()).join("\n"));
    let grounds = Grounds {
        sentences: told.chain(quoted).chain([draft.text.as_str()]).collect(),
        approved: false,
        phrases: Vec::new(),
        slots: &slots,
        ticket: &said,
        products: named.iter().flat_map(|text| masker.products(text)).collect::<BTreeSet<_>>(),
        language: &draft.language,
        identity: None,
        signature: "",
    };
    guard(text, &grounds, masker).into_iter().filter(|check| !check.passed).collect()
}
