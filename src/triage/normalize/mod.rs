//! Placeholder.
/// x
#[derive(Debug)]
pub struct Normalized {
    /// x
    pub text: String,
    /// x
    pub is_alert: bool,
}
/// x
pub fn normalize(s: &str) -> Normalized {
    Normalized { text: s.trim().to_owned(), is_alert: false }
}
