//! The kinds of fault a user can meet: one table of codes for every room, the documentation and the service.
//!
//! A code's text is an interface: scripts and PSA glue match on it, so it must never change once released.

use std::fmt;

macro_rules! codes {
    ($($variant:ident $text:literal $doc:literal),+ $(,)?) => {
        /// The kinds of fault a user can meet. The text of a code never changes once released.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code { $(#[doc = $doc] $variant),+ }

        impl Code {
            /// Every code, for the documentation's table.
            pub const ALL: &'static [Code] = &[$(Code::$variant),+];

            /// The code as printed, `E_...`.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text),+ }
            }

            /// What the code means, one sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $doc),+ }
            }
        }
    };
}

codes! {
    TicketId "E_TICKET_ID" "A ticket without an id, or with one that stood before.",
    TicketText "E_TICKET_TEXT" "A ticket with neither subject nor body.",
    TicketJson "E_TICKET_JSON" "A line that is no JSON object of the canonical form.",
    LineLength "E_LINE_LENGTH" "A line or record longer than the limit.",
    Field "E_FIELD" "A field that Firstline does not decide.",
    Csv "E_CSV" "A CSV record that can't be read.",
    CsvColumn "E_CSV_COLUMN" "A column that the file does not have, or a mapping that fits no field.",
    Encoding "E_ENCODING" "Bytes that are not text in the named encoding.",
    Date "E_DATE" "A date that does not fit the format or could be read in two ways.",
    Empty "E_EMPTY" "A file without a single usable row.",
    Labels "E_LABELS" "Too few labelled tickets to learn a field from.",
    Split "E_SPLIT" "A split that can't be made from this data.",
    Model "E_MODEL" "A model that is not known, not usable or not what its manifest says.",
    ModelSource "E_MODEL_SOURCE" "No source had the model's files.",
    ModelHash "E_MODEL_HASH" "A file whose sha256 is not the manifest's.",
    Bundle "E_BUNDLE" "A bundle that is missing, damaged or of another version.",
    Input "E_INPUT" "A text that is empty, or too long for what is to read it.",
    Config "E_CONFIG" "A setting or an argument out of its range.",
    Io "E_IO" "A file or folder that can't be read or written.",
    Store "E_STORE" "A store that can't be opened, reached or written, or is of a newer version.",
    Audit "E_AUDIT" "An audit log that is not what was once written.",
    Auth "E_AUTH" "An API key or a sign-in that is missing, unknown, revoked or expired.",
    Scope "E_SCOPE" "An API key or a person that is not allowed to do this, or not for this customer.",
    Origin "E_ORIGIN" "A request that another site may have sent in a person's name, or a sign-in that others may read.",
    Request "E_REQUEST" "A request that is not of the documented form.",
    Limit "E_LIMIT" "A request with too many items, or too long.",
    NotFound "E_NOT_FOUND" "Something that is not there, or not for this key to see.",
    Conflict "E_CONFLICT" "Something that was changed by somebody else meanwhile, or is no longer open.",
    Blind "E_BLIND" "A decision of the blind sample, which nobody sees before its ticket is closed.",
    Guard "E_GUARD" "A text that is stopped until a person confirms what was found in it.",
    Overload "E_OVERLOAD" "More requests than can be answered in time.",
    Deadline "E_DEADLINE" "A request that was not answered within its deadline.",
    Psa "E_PSA" "A PSA that can't be reached, refuses, or answers what was not expected.",
    PsaRefused "E_PSA_REFUSED" "A PSA that refuses what is to be written, and would refuse it again.",
    Interrupted "E_INTERRUPTED" "Stopped by the user before the end.",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_shaped_alike() {
        let mut texts: Vec<_> = Code::ALL.iter().map(|c| c.as_str()).collect();
        assert!(
            texts
                .iter()
                .all(|t| t.starts_with("E_") && t.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
        );
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), Code::ALL.len());
    }
}
