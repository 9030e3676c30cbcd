//! Which labels may stand beside each other: what the desk's history allows.

use std::collections::BTreeMap;

use firstline_ticket::Field;
use firstline_triage::{Bundle, HIERARCHY};

/// The labels to choose from, field by field, and what is chosen: where a choice does not go with those before it, the most probable
/// that does.
pub(super) struct Choices {
    pub(super) options: BTreeMap<Field, Vec<String>>,
    pub(super) chosen: BTreeMap<Field, String>,
    /// Fields of which the choice had to be changed.
    pub(super) moved: Vec<Field>,
}

/// The choices, where `chosen` was chosen; `ranked` are a field's labels, most probable first.
pub(super) fn choices(
    bundle: &Bundle,
    mut chosen: BTreeMap<Field, String>,
    ranked: &BTreeMap<Field, Vec<String>>,
) -> Choices {
    let (mut options, mut moved, mut before) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (field, model) in &bundle.fields {
        let space = &model.space;
        let all = || space.labels().to_vec();
        let in_hierarchy = HIERARCHY.contains(field).then_some(bundle.hierarchy.as_ref()).flatten();
        let fitting: Vec<String> = match in_hierarchy {
            Some(hierarchy) if !before.is_empty() => {
                let beside = hierarchy.beside(&before);
                // A label that the history does not know rules nothing out.
                if beside.is_empty() {
                    all()
                } else {
                    beside.into_iter().map(|i| space.label(i).to_owned()).collect()
                }
            }
            _ => all(),
        };
        if let Some(label) = chosen.get_mut(field)
            && space.index(label).is_some()
            && !fitting.contains(label)
        {
            let better = ranked.get(field).into_iter().flatten().find(|label| fitting.contains(label));
            if let Some(better) = better.or_else(|| fitting.first()) {
                better.clone_into(label);
                moved.push(*field);
            }
        }
        if in_hierarchy.is_some() {
            before.push(chosen.get(field).and_then(|label| space.index(label)));
        }
        options.insert(*field, fitting);
    }
    Choices { options, chosen, moved }
}
