//! The words of the pages of accounts, one table a language. English is the original.
//!
//! A table that lacks a word does not compile. Must never hold markup: words are escaped like any text.

mod de;
mod en;
mod fr;

use crate::words::Language;

/// The words of a language.
pub(super) fn of(language: Language) -> &'static Words {
    match language {
        Language::English => &en::WORDS,
        Language::German => &de::WORDS,
        Language::French => &fr::WORDS,
    }
}

macro_rules! words {
    ($($key:ident)+) => {
        /// The words of one language.
        #[derive(Debug)]
        pub(crate) struct Words { $(pub(crate) $key: &'static str,)+ }

        #[cfg(test)]
        impl Words {
            /// Every word with its key.
            fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($key), self.$key)),+]
            }
        }
    };
}

words! {
    sign_in name password no_password_yet set_one
    set_title code_about code password_about new_password repeat set_password
    fault_sign_in fault_code fault_current fault_repeat fault_too_many
    me_title me_name rights customers all_customers sessions by_proxy signed_in_where browser since last_used end end_it
    this_one unknown_browser change_title change_about current change none_yet
    people_title link_about nobody_yet add_title people_about state api_key actions new_link disable person_name display
    only_customers add right_review right_manage right_approve right_stop right_admin
    has_password has_link has_nothing is_disabled is_altered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(word: &str) -> Vec<&str> {
        word.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    #[test]
    fn every_language_has_every_word_with_the_same_places() {
        let english = en::WORDS.all();
        for language in Language::ALL {
            for ((key, word), (_, original)) in of(language).all().into_iter().zip(&english) {
                assert!(!word.trim().is_empty(), "{key} in {}", language.code());
                assert_eq!(places(word), places(original), "{key} in {}", language.code());
                assert!(!word.contains(['<', '>']), "{key} in {} holds markup", language.code());
            }
        }
    }

    #[test]
    fn what_is_not_translated_is_so_on_purpose() {
        let same = |language: Language| -> Vec<&str> {
            let pairs = of(language).all().into_iter().zip(en::WORDS.all());
            pairs.filter(|(a, b)| a.1 == b.1).map(|(a, _)| a.0).collect()
        };
        assert_eq!(same(Language::German), ["name", "code", "browser"]);
        assert_eq!(same(Language::French), ["code", "sessions", "actions"]);
    }
}
