"""What must notice a seeded fault: parts of the barrier where there is one, and else the promise as a plain function.

Each takes an empty folder, is small and fast, and raises `AssertionError` if the promise is broken. `test_teeth.py`
runs them against the faults. The long versions are the tests beside it, and `severance barrier`.
"""

from __future__ import annotations

import sys

from kit.checks.adapters import (
    a_model_writes_no_name,
    a_session_that_ended_is_no_answer,
    tools_keep_to_their_session,
    tools_keep_to_their_thread,
    what_was_said_is_kept_whole,
)
from kit.checks.alarms import (
    alarms_wait_sealed,
    canaries_ring_however_they_are_read,
    names_that_wait_go_only_where_they_may,
    no_alarm_is_lost,
    sinks_hear_no_more_than_they_may,
)
from kit.checks.answered import (
    a_key_is_of_its_session,
    a_line_of_the_log_has_no_id,
    a_route_answers_its_own_bearer,
)
from kit.checks.apart import (
    DOORS,
    PLANTED,
    a_call_cut_short_leaves_nothing,
    asleep_means_asleep,
    commands_show_one_persona,
    names_do_not_run_together,
    separate,
    separate_where_it_is_rare,
    threads_do_not_mix,
    what_ends_one_ends_no_other,
)
from kit.checks.base import Check
from kit.checks.captured import (
    notes_go_to_the_persona_they_were_meant_for,
    secrets_in_notes_are_not_remembered,
    what_is_left_out_is_not_remembered,
)
from kit.checks.chip import (
    a_trigger_in_an_open_chip_is_noticed,
    an_older_row_wakes_nobody,
    the_chip_is_whole_or_refused,
)
from kit.checks.clear import (
    forgetting_does_not_read_what_others_hold,
    forgotten_is_erased,
    layers_do_not_outlive_a_forgetting,
    nothing_in_the_clear,
    only_the_current_version,
)
from kit.checks.cut import a_mind_that_was_cut_short_is_thrown_away, a_repeat_after_a_cut_is_a_repeat
from kit.checks.door import admitted_sessions_keep_to_their_permit, permits_open_what_they_say
from kit.checks.encoders import a_store_chooses_no_embedder, endpoints_are_asked_apart
from kit.checks.frames import (
    a_chunk_opens_at_its_index_only,
    a_frame_is_as_the_format_says,
    a_frame_opens_in_its_place_only,
    a_segment_ends,
    every_persona_has_its_own_key,
    every_row_has_its_own_salt,
    no_nonce_twice,
)
from kit.checks.log import (
    acknowledged_is_on_disk,
    another_embedder_is_refused,
    limits_hold,
    the_same_bytes,
    writers_take_turns,
)
from kit.checks.logged import (
    a_log_that_was_cut_is_noticed_by_the_chip,
    a_log_that_was_taken_back_is_noticed,
    a_persona_is_shown_its_own_entries_only,
    a_restore_is_told,
    an_export_is_what_the_log_wrote,
    an_export_shows_what_is_in_the_log,
    strangers_are_told_or_counted,
    the_log_tells_and_hides,
)
from kit.checks.override import (
    a_request_says_what_was_wished,
    an_override_ends,
    an_override_is_told_before_it_opens,
    an_override_opens_with_its_approvals_alone,
    an_override_takes_two_others,
)
from kit.checks.owner import (
    a_lock_ends_what_a_token_opened,
    a_token_is_revoked_in_the_log_too,
    an_owner_does_not_keep_a_house_open,
    an_owner_token_that_opens_nothing_is_told,
    nobody_else_is_answered_as_the_owner,
    owner_tokens_open_what_they_say,
    the_chip_has_no_secret_of_a_token,
    what_a_token_opened_ends_with_it,
)
from kit.checks.resident import (
    a_house_answers_its_own_user_only,
    a_house_lets_in_only_who_shows_something,
    a_locked_house_has_nobody_awake,
    a_permit_writes_nothing_into_the_log,
    a_scratch_in_use_is_not_swept,
    a_session_ends_with_its_connection,
    who_is_refused_does_not_keep_a_house_open,
    who_may_not_stay_awake_is_shown_out,
    whose_permit_was_revoked_is_given_nothing_more,
)
from kit.checks.routing import a_plan_is_kept_to
from kit.checks.spoken import a_model_names_nobody, a_session_over_http_is_its_bearers_alone
from kit.checks.thresholds import (
    a_session_ends_although_a_look_failed,
    a_session_ends_although_its_threshold_came_and_went_meanwhile,
    a_session_ends_with_its_hours_and_its_budget,
    an_exclusive_subject_has_one_awake,
    the_first_rule_that_holds_decides,
)
from kit.checks.vault import (
    a_backup_may_not_be_older,
    a_fork_does_not_join,
    a_fork_does_not_join_at_an_erased_record,
    a_snapshot_is_whole_or_refused,
    a_trigger_in_an_open_vault_is_noticed,
    an_older_vault_is_noticed,
    damage_is_noticed,
    layers_do_not_mix,
    layers_say_what_the_log_says,
    snapshots_do_not_mix,
    what_layers_leave_out_was_forgotten,
)
from kit.checks.worker import (
    a_worker_changes_nothing_that_is_not_opened,
    a_worker_ends_with_its_parent,
    a_worker_gets_one_key,
    a_worker_is_shut_off,
    a_worker_shows_nothing,
    a_worker_that_will_not_sleep_is_ended,
)
from severance.worker import confined

CHECKS: tuple[Check, ...] = (
    separate,
    separate_where_it_is_rare,
    DOORS,
    PLANTED,
    what_ends_one_ends_no_other,
    names_do_not_run_together,
    commands_show_one_persona,
    threads_do_not_mix,
    a_call_cut_short_leaves_nothing,
    a_mind_that_was_cut_short_is_thrown_away,
    a_repeat_after_a_cut_is_a_repeat,
    asleep_means_asleep,
    endpoints_are_asked_apart,
    a_store_chooses_no_embedder,
    permits_open_what_they_say,
    admitted_sessions_keep_to_their_permit,
    a_request_says_what_was_wished,
    an_override_takes_two_others,
    an_override_opens_with_its_approvals_alone,
    an_override_is_told_before_it_opens,
    an_override_ends,
    the_first_rule_that_holds_decides,
    a_session_ends_although_a_look_failed,
    a_session_ends_although_its_threshold_came_and_went_meanwhile,
    a_session_ends_with_its_hours_and_its_budget,
    an_exclusive_subject_has_one_awake,
    a_plan_is_kept_to,
    nothing_in_the_clear,
    forgotten_is_erased,
    layers_do_not_outlive_a_forgetting,
    forgetting_does_not_read_what_others_hold,
    only_the_current_version,
    acknowledged_is_on_disk,
    writers_take_turns,
    damage_is_noticed,
    an_older_vault_is_noticed,
    a_backup_may_not_be_older,
    a_fork_does_not_join,
    a_fork_does_not_join_at_an_erased_record,
    a_snapshot_is_whole_or_refused,
    snapshots_do_not_mix,
    what_layers_leave_out_was_forgotten,
    layers_do_not_mix,
    layers_say_what_the_log_says,
    the_chip_is_whole_or_refused,
    an_older_row_wakes_nobody,
    a_trigger_in_an_open_chip_is_noticed,
    a_trigger_in_an_open_vault_is_noticed,
    every_persona_has_its_own_key,
    no_nonce_twice,
    every_row_has_its_own_salt,
    a_frame_opens_in_its_place_only,
    a_frame_is_as_the_format_says,
    a_chunk_opens_at_its_index_only,
    a_segment_ends,
    another_embedder_is_refused,
    the_same_bytes,
    limits_hold,
    *(
        ()
        if sys.platform == "win32"
        else (a_worker_is_shut_off, a_worker_gets_one_key, a_worker_shows_nothing, a_worker_ends_with_its_parent)
    ),
    *(() if sys.platform == "win32" else (a_worker_that_will_not_sleep_is_ended,)),
    *((a_worker_changes_nothing_that_is_not_opened,) if confined().calls else ()),
    *(
        ()
        if sys.platform == "win32"
        else (
            a_house_lets_in_only_who_shows_something,
            a_house_answers_its_own_user_only,
            a_session_ends_with_its_connection,
            a_locked_house_has_nobody_awake,
            a_scratch_in_use_is_not_swept,
            a_permit_writes_nothing_into_the_log,
            whose_permit_was_revoked_is_given_nothing_more,
            who_is_refused_does_not_keep_a_house_open,
            who_may_not_stay_awake_is_shown_out,
            nobody_else_is_answered_as_the_owner,
            what_a_token_opened_ends_with_it,
            a_lock_ends_what_a_token_opened,
            an_owner_does_not_keep_a_house_open,
        )
    ),
    owner_tokens_open_what_they_say,
    an_owner_token_that_opens_nothing_is_told,
    a_token_is_revoked_in_the_log_too,
    the_chip_has_no_secret_of_a_token,
    a_session_over_http_is_its_bearers_alone,
    a_model_names_nobody,
    a_route_answers_its_own_bearer,
    a_key_is_of_its_session,
    a_line_of_the_log_has_no_id,
    secrets_in_notes_are_not_remembered,
    what_is_left_out_is_not_remembered,
    notes_go_to_the_persona_they_were_meant_for,
    tools_keep_to_their_session,
    tools_keep_to_their_thread,
    a_model_writes_no_name,
    a_session_that_ended_is_no_answer,
    what_was_said_is_kept_whole,
    the_log_tells_and_hides,
    strangers_are_told_or_counted,
    sinks_hear_no_more_than_they_may,
    names_that_wait_go_only_where_they_may,
    no_alarm_is_lost,
    canaries_ring_however_they_are_read,
    alarms_wait_sealed,
    a_log_that_was_cut_is_noticed_by_the_chip,
    a_persona_is_shown_its_own_entries_only,
    a_restore_is_told,
    an_export_is_what_the_log_wrote,
    an_export_shows_what_is_in_the_log,
    a_log_that_was_taken_back_is_noticed,
)
