//! The tickets that were kept for certifying, as they lie among a bundle's tensors.

use std::collections::BTreeMap;

use firstline_ticket::Field;

use super::tensors::Tensors;
use crate::model::{Closing, FieldModel, Reserve, Reserved};

const WANTS_ANSWER: &str = "reserve.wants_answer";
/// A ticket that was closed without a label.
const EMPTY: u32 = u32::MAX;
/// A ticket that was closed with a label that the model does not know.
const UNLEARNT: u32 = u32::MAX - 1;

fn name(field: Field, column: &str) -> String {
    format!("{field}.reserve.{column}")
}

pub(super) fn put(out: &mut Tensors<'_>, reserve: &Reserve) {
    let wants_answer: Vec<u32> = reserve.wants_answer.iter().map(|&wants| u32::from(wants)).collect();
    out.put_u32(WANTS_ANSWER, &wants_answer);
    for (&field, column) in &reserve.fields {
        let label: Vec<u32> = column.iter().map(|one| one.label).collect();
        let confidence: Vec<f32> = column.iter().map(|one| one.confidence).collect();
        let closing = |one: &Reserved| match one.closing {
            Closing::Label(label) => label,
            Closing::Unlearnt => UNLEARNT,
            Closing::Empty => EMPTY,
        };
        let closing: Vec<u32> = column.iter().map(closing).collect();
        out.put_u32(&name(field, "label"), &label);
        out.put_f32(&name(field, "confidence"), &confidence);
        out.put_u32(&name(field, "closing"), &closing);
    }
}

pub(super) fn read(tensors: &Tensors<'_>, models: &BTreeMap<Field, FieldModel>) -> Result<Reserve, String> {
    let mut reserve = Reserve::default();
    if tensors.has(WANTS_ANSWER) {
        reserve.wants_answer = tensors.u32(WANTS_ANSWER)?.into_iter().map(|wants| wants == 1).collect();
    }
    for &field in models.keys() {
        reserve.fields.insert(field, column(tensors, field)?);
    }
    // Bundles of before kept of each field only the tickets that have a label: a shorter column can't be laid beside the others.
    let kept = reserve.len();
    if reserve.wants_answer.is_empty() {
        reserve.fields.retain(|_, column| column.len() == kept);
    }
    match reserve.is_sound(models) {
        true => Ok(reserve),
        false => Err("the tickets that were kept for certifying do not fit".to_owned()),
    }
}

fn column(tensors: &Tensors<'_>, field: Field) -> Result<Vec<Reserved>, String> {
    let labels = tensors.u32(&name(field, "label"))?;
    let confidences = tensors.f32(&name(field, "confidence"))?;
    let closing: Vec<Closing> = if tensors.has(&name(field, "closing")) {
        let read = |label| match label {
            EMPTY => Closing::Empty,
            UNLEARNT => Closing::Unlearnt,
            label => Closing::Label(label),
        };
        tensors.u32(&name(field, "closing"))?.into_iter().map(read).collect()
    } else {
        // Bundles of before say only whether it was the same label.
        let correct = tensors.u32(&name(field, "correct"))?;
        let read = |(&label, correct)| if correct == 1 { Closing::Label(label) } else { Closing::Unlearnt };
        labels.iter().zip(correct).map(read).collect()
    };
    if labels.len() != confidences.len() || labels.len() != closing.len() {
        return Err(format!("{field}: the tickets that were kept for certifying do not fit"));
    }
    let one = |((&label, &confidence), &closing)| Reserved { label, confidence, closing };
    Ok(labels.iter().zip(&confidences).zip(&closing).map(one).collect())
}
