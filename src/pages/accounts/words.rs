//! The words of the pages of accounts, one table a language. English is the original.
//!
//! A table that lacks a word does not compile. Must never hold markup: words are escaped like any text.

mod de;
mod en;
mod fr;

use crate::words::words;

words! {
    as_in_english: ["name", "code", "browser"],
    ["code", "sessions", "actions"];
    sign_in name password no_password_yet set_one
    set_title code_about code password_about new_password repeat set_password
    fault_sign_in fault_code fault_current fault_repeat fault_too_many
    me_title me_name rights customers all_customers sessions by_proxy signed_in_where browser since last_used end end_it
    this_one unknown_browser change_title change_about current change none_yet
    people_title link_about nobody_yet add_title people_about state api_key actions new_link disable person_name display
    only_customers add right_review right_manage right_approve right_stop right_admin
    has_password has_link has_nothing is_disabled is_altered
}
