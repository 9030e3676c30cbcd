//! The words of the application's pages, one table a language. English is the original.
//!
//! A table that lacks a word does not compile. Must never hold markup: words are escaped like any text. `{n}` and the like are
//! [`filled`] in.

mod de;
mod en;
mod fr;

/// A language that pages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
    /// French.
    French,
}

impl Language {
    /// All languages, English first.
    pub const ALL: [Language; 3] = [Language::English, Language::German, Language::French];

    /// Its code in ISO 639-1.
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
            Language::French => "fr",
        }
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Language::English => "English",
            Language::German => "Deutsch",
            Language::French => "Français",
        }
    }

    /// The language of this code.
    pub fn of_code(code: &str) -> Option<Self> {
        let code = code.trim().to_ascii_lowercase();
        Self::ALL.into_iter().find(|language| language.code() == code.split('-').next().unwrap_or_default())
    }

    /// The language that a browser's `Accept-Language` prefers among those that there are, else English.
    pub fn accepted(header: &str) -> Self {
        let mut best = (0.0, Language::English);
        // No honest list is longer.
        for one in header.split(',').take(32) {
            let (tag, q) = one.split_once(';').unwrap_or((one, ""));
            let weight = q.trim().strip_prefix("q=").map_or(Some(1.0), |q| q.trim().parse::<f32>().ok());
            if let (Some(language), Some(weight)) = (Self::of_code(tag), weight)
                && weight > best.0
            {
                best = (weight, language);
            }
        }
        best.1
    }

    /// Its words.
    pub(crate) fn words(self) -> &'static Words {
        of(self)
    }
}

/// `template` with each `{name}` replaced by its value.
pub(crate) fn filled(template: &str, values: &[(&str, &str)]) -> String {
    values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

/// Makes a room's table of words from its keys: the type, `of` for the table of a language, and tests that all tables say the same.
macro_rules! words {
    (as_in_english: $german:expr, $french:expr; $($key:ident)+) => {
        /// The words of one language.
        #[derive(Debug)]
        pub(crate) struct Words { $(pub(crate) $key: &'static str,)+ }

        /// The words of a language.
        pub(crate) fn of(language: $crate::words::Language) -> &'static Words {
            match language {
                $crate::words::Language::English => &en::WORDS,
                $crate::words::Language::German => &de::WORDS,
                $crate::words::Language::French => &fr::WORDS,
            }
        }

        #[cfg(test)]
        #[test]
        fn every_language_has_every_word_with_the_same_places() {
            use $crate::words::Language;
            let all = |language| -> Vec<(&str, &str)> {
                let words = of(language);
                vec![$((stringify!($key), words.$key)),+]
            };
            let english = all(Language::English);
            $crate::words::compared(&english, &all(Language::German), &$german);
            $crate::words::compared(&english, &all(Language::French), &$french);
        }
    };
}
pub(crate) use words;

/// Checks a table against the English one; `same` are the keys whose words are the same on purpose.
#[cfg(test)]
pub(crate) fn compared(english: &[(&str, &str)], other: &[(&str, &str)], same: &[&str]) {
    // The sentence on one error says "one" in words where the language does.
    let places = |key: &str, word: &'_ str| -> Vec<String> {
        let found = word.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0.to_owned()));
        let mut found: Vec<String> =
            found.filter(|place| key != "chance_error" || place != "count").collect();
        found.sort_unstable();
        found
    };
    for ((key, word), (_, original)) in other.iter().zip(english) {
        assert!(!word.trim().is_empty() && !original.trim().is_empty(), "{key}");
        assert_eq!(places(key, word), places(key, original), "{key}");
        assert!(!word.contains(['<', '>']) && !original.contains(['<', '>']), "{key} holds markup");
    }
    let untranslated: Vec<&str> =
        other.iter().zip(english).filter(|(a, b)| a.1 == b.1).map(|(a, _)| a.0).collect();
    assert_eq!(untranslated, same);
}

words! {
    as_in_english: ["rollout", "board", "age_minutes", "age_hours", "field_board"],
    ["incidents", "age_minutes", "age_hours", "source_of"];
    skip review week rollout baseline incidents outbox people me theme light dark auto language apply signed_in sign_out
    queue waiting mine person held undone fields_only oldest newest sort customer board category search search_now
    filter clear more queue_list nothing_waiting nothing_mine nothing_person nothing_held nothing_undone nothing_fields
    nothing_found age_minutes age_hours age_days looking choose_one
    ticket_of opened source_of no_words as_it_came removed show_all cut_here attachments in_psa host
    decision field_board field_type field_subtype field_priority field_technician update_choices changed was
    sure likely unsure of_100 of_100_counted kept_person kept_standing alternatives no_fields how_sure
    flags flag_person flag_verify flag_raised flag_storm flag_storm_head flag_cut flag_language flag_returned
    identity_checked
    draft no_draft origin_template origin_retrieved origin_generated origin_acknowledgement unchanged basis_prior basis_feedback
    sentences_from source_ticket source_shared source_template source_none checks_passed check_failed stands_instead
    your_text saved check_text difference nothing_differs too_long_to_compare distance new_facts findings_none confirm_findings
    not_saved
    send_unknown send_note send_mail send_internal send_shadow undo_note
    approve approve_shadow send_edited send_edited_shadow reject reject_shadow set_fields reason reason_category reason_answer
    reason_tone reason_needless reason_unsafe reason_other reason_more next previous wait_read
    done_approved done_edited done_rejected done_fields undo undo_left undone_now batch_done
    batch_note approve_batch select_line
    conflict conflict_text winner_text own_text look_again
    problem expired blind_text back sign_in
    keys keys_on keys_note key_approve key_edit key_send key_reject key_fields key_undo key_next key_previous key_search
    key_psa key_problem key_help active_time reviewed_state
    state_none state_writing state_pending state_auto state_approved state_edited state_rejected state_superseded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_language_that_it_prefers() {
        for (header, language) in [
            ("de-CH,de;q=0.9,en;q=0.8", Language::German),
            ("es, fr;q=0.5, en;q=0.4", Language::French),
            ("en;q=0.2,de;q=0.7", Language::German),
            ("", Language::English),
            ("*;q=x,,;;", Language::English),
        ] {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
        assert_eq!((Language::of_code("FR-ca"), Language::of_code("xx")), (Some(Language::French), None));
    }

    #[test]
    fn places_are_filled_in() {
        assert_eq!(filled("{n} of {all}", &[("n", "3"), ("all", "9")]), "3 of 9");
    }
}
