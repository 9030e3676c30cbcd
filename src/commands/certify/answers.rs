//! What `firstline certify` says of closing tickets on a customer's confirmation.

use firstline_training::ANSWER_PROMISE;
use firstline_triage::AnswerCertificate;

/// Whether tickets may be closed on what customers reply, and if not, what is missing.
pub(super) fn in_words(certificate: Option<&AnswerCertificate>) -> String {
    let what = "closing on a customer's confirmation";
    let Some(found) = certificate else {
        return format!(
            "{what}: no ticket is closed; the history has too few replies of customers after a technician's to learn from"
        );
    };
    let AnswerCertificate { learnt, tested, accepted, errors, came_back, .. } = found;
    let seen =
        format!("learnt from {learnt} replies, tested with {tested} later ones that read as confirmations");
    let percent = |share: f64| format!("{:.2} %", 100.0 * share);
    match (found.threshold, found.bound, found.missing) {
        (Some(threshold), Some(bound), _) => format!(
            "{what}: from {threshold:.3} on; {seen}: {accepted} accepted, {errors} wrong (at most {}), {came_back} of them came back \
             a day later or more",
            percent(bound)
        ),
        (_, _, Some(missing)) => {
            format!("{what}: no ticket is closed; {seen}: some {missing} more confirmations are needed")
        }
        _ => format!(
            "{what}: no ticket is closed; {seen}: {errors} of {accepted} were wrong, which is more than {}",
            percent(ANSWER_PROMISE.error)
        ),
    }
}
