"""Faults of workers. They are patched into the process that is started, or into what it is sent."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance.worker import child, confined, syscalls, workers
from severance.worker.away import WorkerSession
from severance.worker.messages import Wake

_SOUND = """\
from severance.worker import confine
{before}
confine.alone()
from severance.worker import serve
{after}
serve.main()
"""


def _started_with(patch: Patch, *, before: str = "", after: str = "") -> None:
    """Workers run this before they close themselves off, and that before they serve."""
    script = _SOUND.format(before=before, after=after)
    patch.setattr(child, "command", lambda: [sys.executable, "-I", "-B", "-c", script])


# What must notice them asks the kernel, and where that shuts nothing off, there is nothing to be noticed.
if sys.platform == "linux" and not confined().open:

    @fault(checks.a_worker_is_shut_off)
    def a_worker_inherits_a_descriptor(patch: Patch) -> None:
        true = subprocess.Popen

        def popen(*args: Any, **how: Any) -> Any:
            return true(*args, **{**how, "close_fds": False})

        patch.setattr(child.subprocess, "Popen", popen)
        _started_with(patch, before="confine.let_go = lambda keep: None")

    @fault(checks.a_worker_is_shut_off)
    def a_worker_is_dumpable(patch: Patch) -> None:
        _started_with(patch, before="confine.no_core_dumps = lambda: None")

    @fault(checks.a_worker_is_shut_off)
    def a_worker_may_make_any_system_call(patch: Patch) -> None:
        _started_with(patch, before="confine._filter = lambda: False")

    @fault(checks.a_worker_is_shut_off)
    def a_worker_may_open_any_file(patch: Patch) -> None:
        _started_with(patch, before="confine._wall_in = lambda *_: False")

    @fault(checks.a_worker_gets_one_key)
    def a_worker_gets_a_second_key(patch: Patch) -> None:
        seen: list[bytes] = []

        def wake(**fields: Any) -> Wake:
            seen.append(fields["secret"])
            return Wake(**{**fields, "place": "".join(secret.hex() for secret in seen[:-1])})

        patch.setattr(workers, "Wake", wake)

    @fault(checks.a_worker_ends_with_its_parent)
    def a_worker_goes_on_without_its_parent(patch: Patch) -> None:
        waits = (
            "import time\nserve.Parent.follow = lambda self: None\ntrue = serve.Pipe.receive\n"
            "serve.Pipe.receive = lambda self: true(self) or time.sleep(3600)"
        )
        _started_with(patch, after=waits)

    @fault(checks.a_worker_that_will_not_sleep_is_ended)
    def a_worker_is_waited_for_without_end(patch: Patch) -> None:
        patch.setattr(child.Child, "_await", lambda self, job: job.done.acquire())

    @fault(checks.a_worker_that_will_not_sleep_is_ended)
    def what_a_worker_says_last_decides_what_is_told(patch: Patch) -> None:
        true = WorkerSession.sleep

        def sleep(self: WorkerSession) -> None:
            told, self._slept = self._slept, lambda: None
            true(self)
            told()

        patch.setattr(WorkerSession, "sleep", sleep)

    @fault(checks.a_worker_changes_nothing_that_is_not_opened)
    def a_worker_may_change_the_mode_of_any_file(patch: Patch) -> None:
        for name in ("chmod", "fchmodat", "fchmodat2"):
            patch.delitem(syscalls.REFUSED, name)

    @fault(checks.a_worker_changes_nothing_that_is_not_opened)
    def a_worker_may_have_others_signalled(patch: Patch) -> None:
        patch.setattr(syscalls, "_FCNTL_ALLOWED", (*syscalls._FCNTL_ALLOWED, 8))

    @fault(checks.a_worker_changes_nothing_that_is_not_opened)
    def a_worker_may_move_others_from_a_processor(patch: Patch) -> None:
        patch.delitem(syscalls.REFUSED, "sched_setaffinity")
