"""The server: what a client asks for, done on one session."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from mcp.server import Server, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequestParams,
    GetPromptResult,
    ListPromptsResult,
    ListResourcesResult,
    ListResourceTemplatesResult,
    ListToolsResult,
    PaginatedRequestParams,
    PromptMessage,
    ReadResourceRequestParams,
    ReadResourceResult,
    TextContent,
    TextResourceContents,
)
from pydantic import ValidationError

from severance import __version__
from severance.errors import AsleepError, InputError, NotFoundError, SeveranceError
from severance.mcp.awake import Awake
from severance.mcp.reading import RESOURCES, START, TEMPLATES, day, read
from severance.mcp.tools import TOOLS, Does
from severance.mcp.words import ENDED, INSTRUCTIONS, UNFORESEEN
from severance.ports import Clock

Context = ServerRequestContext[Any]
_NO_RESOURCE = -32002
"""What a resource that is not there is answered with before 2026 (Model Context Protocol 2025-11-25, Resources)."""


def serving(awake: Awake, clock: Clock) -> Server[Any]:
    """The server for one session. It holds nothing but the session, and neither wakes it nor puts it to sleep."""
    asked = _Asked(awake, clock)
    server: Server[Any] = Server(
        "severance",
        version=__version__,
        title="Severance",
        description="Memory of one persona.",
        instructions=INSTRUCTIONS,
        on_list_tools=asked.tools,
        on_call_tool=asked.tool,
        on_list_resources=asked.resources,
        on_list_resource_templates=asked.templates,
        on_read_resource=asked.resource,
        on_list_prompts=asked.prompts,
        on_get_prompt=asked.prompt,
    )
    server.middleware[:] = [_contained]  # and not the library's tracing, which writes down names that clients make up
    return server


def quiet() -> None:
    """Have the library's log say nothing in this process: it quotes what clients send and what handlers answer."""
    for name in ("mcp", "sse_starlette"):
        logging.getLogger(name).addHandler(logging.NullHandler())
        logging.getLogger(name).propagate = False


async def _contained(ctx: Context, call_next: CallNext) -> HandlerResult:
    """Let nothing past but what was meant for the client: the library would answer with whatever an exception says."""
    try:
        return await call_next(ctx)
    except (MCPError, ValidationError):
        raise
    except SeveranceError as problem:
        raise _refused(ctx, problem) from None
    except Exception:  # noqa: BLE001 - the edge: nothing may get past it
        raise MCPError(code=INTERNAL_ERROR, message=UNFORESEEN) from None


def _refused(ctx: Context, problem: SeveranceError) -> MCPError:
    if isinstance(problem, AsleepError):
        return MCPError(code=INTERNAL_ERROR, message=ENDED)
    if isinstance(problem, NotFoundError) and ctx.protocol_version < "2026":
        return MCPError(code=_NO_RESOURCE, message=str(problem))
    code = INVALID_PARAMS if isinstance(problem, InputError | NotFoundError) else INTERNAL_ERROR
    return MCPError(code=code, message=str(problem))


class _Asked:
    """What is answered to each method."""

    def __init__(self, awake: Awake, clock: Clock) -> None:
        self._awake = awake
        self._clock = clock

    async def tools(self, ctx: Context, params: PaginatedRequestParams | None) -> ListToolsResult:
        _check_page(params)
        return ListToolsResult(tools=[does.tool for does in TOOLS.values()])

    async def tool(self, ctx: Context, params: CallToolRequestParams) -> CallToolResult:
        does = TOOLS.get(params.name)
        if does is None:
            raise InputError(f"there is no such tool; there are {', '.join(TOOLS)}")
        done: list[Any] = []
        try:
            await self._do(ctx, does, params.arguments or {}, done)
            answer = does.answer(done)
        except AsleepError:
            return _error(ENDED)
        except SeveranceError as problem:
            return _error(does.failed(problem, done))
        except Exception:  # noqa: BLE001 - as above, in the form in which the model sees it
            return _error(UNFORESEEN)
        # Clients that know no structured content get the same as text.
        text = json.dumps(answer, ensure_ascii=False)
        return CallToolResult(content=[TextContent(text=text)], structured_content=answer)

    async def _do(self, ctx: Context, does: Does, given: Mapping[str, Any], done: list[Any]) -> None:
        steps = does.planned(given)
        for step in steps:
            done.append(await self._awake.do(step))
            if len(steps) > 1:
                await ctx.session.report_progress(len(done), len(steps))

    async def resources(self, ctx: Context, params: PaginatedRequestParams | None) -> ListResourcesResult:
        _check_page(params)
        return ListResourcesResult(resources=[*RESOURCES])

    async def templates(self, ctx: Context, params: PaginatedRequestParams | None) -> ListResourceTemplatesResult:
        _check_page(params)
        return ListResourceTemplatesResult(resource_templates=[*TEMPLATES])

    async def resource(self, ctx: Context, params: ReadResourceRequestParams) -> ReadResourceResult:
        text, kind = await self._awake.do(lambda session: read(params.uri, session, self._clock))
        return ReadResourceResult(contents=[TextResourceContents(uri=params.uri, mime_type=kind, text=text)])

    async def prompts(self, ctx: Context, params: PaginatedRequestParams | None) -> ListPromptsResult:
        _check_page(params)
        return ListPromptsResult(prompts=[START])

    async def prompt(self, ctx: Context, params: GetPromptRequestParams) -> GetPromptResult:
        if params.name != START.name:
            raise InputError(f"there is no such prompt; there is {START.name}")
        text = await self._awake.do(lambda session: day(params.arguments or {}, session, self._clock))
        message = PromptMessage(role="user", content=TextContent(text=text))
        return GetPromptResult(description=START.description, messages=[message])


def _check_page(params: PaginatedRequestParams | None) -> None:
    if params is not None and params.cursor is not None:
        raise InputError("there is one page only; ask without a cursor")


def _error(sentence: str) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=sentence)], is_error=True)
