//! Texts that people give: bounded, and never empty. And names on record that several modules know.

use firstline_fault::{Code, Result, UserError};

/// Who a trigger, and what runs by itself, acts as.
pub(super) const FIRSTLINE: &str = "firstline";
/// The name of the gate from shadow to assist.
pub(super) const SHADOW_TO_ASSIST: &str = "shadow_to_assist";
/// The name of the gate from assist to autonomous.
pub(super) const ASSIST_TO_AUTONOMOUS: &str = "assist_to_autonomous";

/// Longest reason, in bytes.
const MOST_REASON: usize = 2_000;
/// Longest name, in bytes.
const MOST_NAME: usize = 256;

/// Why something is done, in words.
pub(super) fn reason(text: &str) -> Result<String> {
    bounded("reason", text, MOST_REASON, "Say why, in a sentence that others can judge by")
}

/// A name.
pub(super) fn name(place: &str, text: &str) -> Result<String> {
    bounded(place, text, MOST_NAME, "Give a name")
}

fn bounded(place: &str, text: &str, most: usize, next: &str) -> Result<String> {
    let text = text.trim();
    if text.is_empty() || text.len() > most {
        let problem = format!("it is empty, or longer than {most} bytes");
        return Err(UserError::new(Code::Request, place, problem, next).into());
    }
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(UserError::new(Code::Request, place, "it has control characters", next).into());
    }
    Ok(text.to_owned())
}
