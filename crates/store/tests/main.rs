//! What the store promises, on SQLite and on a real Postgres: one list of claims, each a test on both.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod claims;
mod histories;
mod hour;
mod master_keys;
mod morning;
mod postgres;
mod restores;
mod server;
mod sqlite;
mod world;
mod year;

/// Every claim that both databases keep, as a test each; `$world` opens an empty store.
macro_rules! on_this_database {
    ($world:path: $($module:ident { $($claim:ident),* $(,)? })*) => {
        $(mod $module { $(
            #[tokio::test]
            async fn $claim() {
                let world = $world().await;
                crate::claims::$module::$claim(&world).await;
                world.store.close().await;
            }
        )* })*
    };
}

/// The list itself.
macro_rules! every_claim {
    ($world:path) => {
        crate::on_this_database! { $world:
            tenancy {
                another_tenants_things_are_not_there,
                a_sync_over_another_tenants_connection_is_refused,
                a_name_is_given_once_within_a_tenant,
                what_was_changed_is_in_the_audit_log,
                a_limit_of_nothing_is_refused,
                streams_are_noted_and_read_back,
            }
            queue {
                a_sync_has_one_open_run,
                a_run_asked_for_while_another_ends_is_that_one_or_a_new_one,
                a_claimed_run_is_nobody_elses,
                each_claim_has_a_higher_epoch,
                what_a_worker_that_lost_its_lease_says_does_not_count,
                what_a_worker_says_late_about_its_own_earlier_attempt_does_not_count,
                a_silent_workers_runs_are_rescued_after_the_grace,
                a_run_that_loses_every_worker_fails_in_the_end,
                an_outage_is_tried_again_later_and_a_mistake_is_not,
                what_is_given_back_starts_at_once_and_costs_no_attempt,
                what_is_postponed_waits_with_its_reason_and_costs_no_attempt,
                a_file_that_another_worker_has_open_is_waited_for,
                runs_are_found_page_by_page,
                the_depth_of_the_queue_is_told,
                a_waiting_run_is_cancelled_at_once_and_a_going_one_by_its_worker,
                a_run_asked_for_later_waits_for_its_time,
                rejects_and_reports_are_kept,
                what_attempts_took_is_added_up_once,
                a_paused_sync_starts_nothing,
                closing_a_connection_cancels_and_destroys,
            }
            fairness {
                limits_of_tenants_and_connections_hold,
                tenants_take_turns_however_much_one_asks_for,
                a_broken_connection_is_left_alone_and_then_tried_by_one,
                a_full_connection_holds_up_nobody_else,
                many_claim_at_once_and_nothing_is_claimed_twice,
            }
            schedules {
                a_fire_becomes_one_run_however_many_look,
                missed_fires_become_one_run,
                a_fire_during_a_run_is_passed_over_and_that_is_said,
                a_fire_that_waits_starts_when_the_run_has_ended,
                what_fired_during_a_pause_is_not_caught_up,
                a_clock_set_back_starts_nothing_twice,
                a_schedule_that_never_fires_is_not_stored,
            }
            applies {
                what_is_applied_is_stored_and_applied_again_differs_in_nothing,
                a_difference_is_told_field_by_field_and_secrets_are_not_shown,
                what_is_pruned_stops_and_comes_back_with_its_epoch,
                the_wrong_folder_removes_nothing,
                a_mistake_in_one_file_stores_nothing_of_any,
                two_at_once_follow_each_other,
            }
            answers {
                a_request_that_is_sent_again_gets_its_answer_for_a_day,
            }
            tokens {
                a_token_is_shown_once_and_kept_as_a_hash,
                a_token_is_good_for_its_role_and_tenant,
                expired_and_revoked_tokens_are_refused_alike,
            }
            sealed {
                a_secret_comes_back_and_is_nowhere_in_the_clear,
                a_sealed_secret_moved_elsewhere_is_refused,
                a_wrong_master_key_is_said_at_once,
                a_rotation_wraps_data_keys_anew_and_leaves_secrets_alone,
                a_closed_connection_has_no_secrets_and_takes_none,
                a_key_takes_the_place_of_another_once_however_many_ask,
                a_first_secret_is_the_same_to_all_who_bring_one_at_once,
            }
            handovers {
                a_link_takes_one_secret_once_and_is_kept_as_a_hash,
                a_link_that_is_too_old_replaced_or_unknown_takes_nothing,
                of_two_that_use_a_link_at_once_one_is_refused,
                a_link_that_was_made_for_other_files_takes_nothing,
                what_is_no_token_of_a_link_costs_no_question,
            }
            standings {
                a_sync_stands_as_its_last_run_ended,
                syncs_are_counted_by_how_they_stand,
                what_was_told_is_kept_for_each_channel,
                a_tenant_that_was_not_suspended_owes_what_it_owed,
                a_duty_has_one_holder_until_it_is_left_or_over,
            }
            schema {
                opening_again_finds_everything,
                a_newer_database_is_refused,
            }
        }
    };
}

pub(crate) use {every_claim, on_this_database};
