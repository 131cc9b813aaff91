"""Faults in what a model that speaks MCP reaches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kit import checks
from kit.faults.table import Patch, fault
from severance import AsleepError
from severance.mcp import crossing, http, tools
from severance.mcp.awake import Awake


@fault(checks.a_session_over_http_is_its_bearers_alone)
def a_session_is_everybodys_who_knows_its_id(patch: Patch) -> None:
    patch.setattr(http, "_hashed", lambda bearer: b"the same")


@fault(checks.a_session_over_http_is_its_bearers_alone)
def a_bearer_that_opens_nothing_is_told_that_it_may_try_again(patch: Patch) -> None:
    patch.setattr(crossing, "unknown", lambda: http.Told(503, "try again"))


@fault(checks.a_model_names_nobody)
def an_argument_that_no_tool_has_is_passed_on(patch: Patch) -> None:
    patch.setattr(tools, "check", lambda tool, schema, given, hints: None)


@fault(checks.a_model_names_nobody)
def an_argument_that_no_tool_has_is_passed_over(patch: Patch) -> None:
    true = tools.Does.planned

    def planned(self: tools.Does, given: Any) -> Any:
        known = self.tool.input_schema["properties"]
        return true(self, {name: value for name, value in given.items() if name in known})

    patch.setattr(tools.Does, "planned", planned)


@fault(checks.a_model_names_nobody)
def a_session_that_is_over_answers_as_if_nothing_were_there(patch: Patch) -> None:
    true = Awake.do

    async def do(self: Awake, call: Callable[..., Any]) -> Any:
        try:
            return await true(self, call)
        except AsleepError:
            return []

    patch.setattr(Awake, "do", do)
