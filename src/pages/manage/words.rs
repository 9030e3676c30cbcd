//! The words of the manager's pages, one table a language. English is the original.
//!
//! A table that lacks a word does not compile. Must never hold markup: words are escaped like any text.

mod de;
mod en;
mod fr;

use crate::words::words;

words! {
    as_in_english: ["tickets", "ticket", "segment", "board", "phase", "version"],
    [
        "tickets", "incidents_title", "ticket", "action", "action_of", "segment", "part_volume", "cause", "type_word", "phase", "version",
        "signatures"
    ];
    done problem not_known everything interval no_interval count_of n_of phase_baseline phase_shadow phase_assist
    phase_autonomous level_expansion level_cleanup level_pause level_back_out level_stop basis_entries basis_reported
    basis_reviews basis_estimate m_agreement m_handle_time m_l1_autonomous m_l1_share m_first_response m_resolution
    m_reopened m_verbatim m_drafted m_errors m_response_median m_response_p95 m_edited m_rejected q_agreement q_handle_time
    q_l1_autonomous q_l1_share q_first_response q_resolution q_reopened q_verbatim q_drafted q_errors q_response_median
    q_response_p95 q_edited q_rejected no_weeks no_weekly target_line trigger_line bars_key as_table week value n
    interval_head standing notes week_number settled closed week_title no_programme to_rollout signed_kpis signed_about
    weekly_kpis weekly_about of_drafts drafts_about no_cards behind span customer_one customers all_categories category_one
    categories no_triggers trigger_one triggers before_week at_least at_most met missed chance_interval chance_unknown
    chance_error chance_errors chance_many chance_few certified floor category tickets threshold coverage precision
    h_categories categories_about none_decided field confidence were_right h_bands bands_about none_reported decided ended
    h_confusions confusions_about none_confused h_rules rules_about rules_unknown of_rules of_model who handle_about before
    newest_week h_handle no_handle of_unseen of_kept h_blind blind_about incidents_title incidents_about all no_incidents
    more ticket customer what severity age h_suspected suspected_about none_suspected to_decide day days overdue happened by
    credit decide decide_again reason confirm dismiss credit_due credit_amount h_report report_about ticket_number
    happened_in what_happened is_certain report state_suspected state_confirmed state_dismissed severity_low severity_medium
    severity_high kind_correction kind_contradiction kind_reopened kind_twice kind_recipient kind_closing kind_late
    kind_other waiting_about held_about claimed_about failed_about outbox_title outbox_about action on_word_of attempts why
    to_do no_actions action_of nobody a_person until retry cancel action_waiting action_held action_claimed action_failed
    do_reply do_fields do_close do_reopen do_run baseline_title no_baseline h_snapshot snapshot_about h_audit audit_about
    people_tickets alerts segment resolution_mean handed_off h_segments baseline_span left_out handle_mean potential h_top
    top_about no_top is_pilot score per_week part_volume part_complexity part_cooperation part_hygiene part_potential
    h_pilots pilots_about no_pilots rollout_title h_next stop stop_about started phase_is capped pilots h_phases phase_past
    phase_now phase_ahead may_baseline may_shadow may_assist may_autonomous h_holds no_holds what_it_holds hold_number scope
    since was_ended resume resume_about cause put_on_hold hold_about level board type_word empty_is_all phase certificate
    bundle by_and_why h_grants grants_about no_grants quiet in_force trigger limit fired h_triggers triggers_about t_errors
    t_errors_risen t_agreement t_agreement_refuted t_savings t_sla_credit t_certificate log_granted log_held log_resumed
    log_passed log_not_passed log_signed when h_log no_log hold_ended stopped is_on_hold held_now held_more to_outbox
    none_in_flight in_flight none_to_check to_check how_to_resume resume_evidence held_a_day typed_name h_gates gate_to
    never_asked passed not_passed evidence refused h_checks holds check needed found short_by ask_gate ask_about
    evidence_text see_evidence nothing_yet measured why_go_on promote back h_granted second_person kept_by_hold h_plan
    h_criteria no_criteria role person version version_in_force version_waits version_past signed_of signatures
    read_criteria you_signed sign you_sign
}
