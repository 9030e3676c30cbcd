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

#[cfg(test)]
mod tests {
    use firstline_ticket::LabelSpace;

    use super::*;
    use crate::model::{Calibrator, Member, Mixture};

    fn models() -> BTreeMap<Field, FieldModel> {
        let model = FieldModel {
            space: LabelSpace::new(["a", "b"].map(str::to_owned)),
            prior: vec![0.5; 2],
            members: vec![Member::Neighbours],
            mixture: Mixture { weights: vec![1.0], temperature: 1.0, floor: 0.0 },
            calibrator: Calibrator::Temperature,
            history_labels: Vec::new(),
            ordinal: None,
            retired: Vec::new(),
            correctness: None,
            rare: BTreeMap::new(),
        };
        [(Field::Board, model.clone()), (Field::Type, model)].into()
    }

    fn read_back(tensors: &Tensors<'_>) -> Result<Reserve, String> {
        read(&Tensors::parse(&tensors.serialize().unwrap()).unwrap(), &models())
    }

    fn reserved(label: u32, closing: Closing) -> Reserved {
        Reserved { label, confidence: 0.75, closing }
    }

    fn reserve() -> Reserve {
        use Closing::{Empty, Label, Unlearnt};
        let column = |closing: [Closing; 3]| closing.map(|closing| reserved(1, closing)).to_vec();
        Reserve {
            wants_answer: vec![true, false, true],
            fields: [
                (Field::Board, column([Label(1), Empty, Unlearnt])),
                (Field::Type, column([Label(0), Label(1), Empty])),
            ]
            .into(),
        }
    }

    #[test]
    fn what_was_kept_comes_back_field_beside_field() {
        let mut out = Tensors::default();
        put(&mut out, &reserve());
        assert_eq!(read_back(&out).unwrap(), reserve());
        let mut none = Tensors::default();
        let empty = Reserve {
            fields: [(Field::Board, Vec::new()), (Field::Type, Vec::new())].into(),
            ..Reserve::default()
        };
        put(&mut none, &empty);
        assert!(read_back(&none).unwrap().is_empty());
    }

    #[test]
    fn a_bundle_of_before_opens_with_the_columns_that_fit_together() {
        let of_before = |kinds: usize| {
            let mut out = Tensors::default();
            for (field, n) in [("board", 3), ("type", kinds)] {
                out.put_f32(&format!("{field}.reserve.confidence"), &vec![0.75; n]);
                out.put_u32(&format!("{field}.reserve.label"), &vec![1; n]);
                out.put_u32(&format!("{field}.reserve.correct"), &[1, 0, 1][..n]);
            }
            read_back(&out).unwrap()
        };
        let all = of_before(3);
        let column = [Closing::Label(1), Closing::Unlearnt, Closing::Label(1)].map(|c| reserved(1, c));
        assert_eq!((all.fields.len(), &all.fields[&Field::Type][..]), (2, &column[..]));
        assert!(all.wants_answer.is_empty());
        assert_eq!(of_before(2).fields.keys().collect::<Vec<_>>(), [&Field::Board]);
    }

    #[test]
    fn columns_that_do_not_fit_are_refused() {
        let board = Field::Board;
        let spoilt: [fn(&mut Reserve); 4] = [
            |reserve| reserve.fields.get_mut(&Field::Type).unwrap().truncate(2),
            |reserve| reserve.wants_answer.truncate(2),
            |reserve| reserve.fields.get_mut(&Field::Board).unwrap()[0].label = 2,
            |reserve| reserve.fields.get_mut(&Field::Board).unwrap()[0].closing = Closing::Label(2),
        ];
        for spoil in spoilt {
            let (mut out, mut reserve) = (Tensors::default(), reserve());
            spoil(&mut reserve);
            put(&mut out, &reserve);
            assert!(read_back(&out).is_err(), "{reserve:?}");
        }
        let (mut out, mut sure) = (Tensors::default(), reserve());
        sure.fields.get_mut(&board).unwrap()[2].confidence = 1.5;
        put(&mut out, &sure);
        assert!(read_back(&out).unwrap_err().contains("do not fit"));
    }
}
