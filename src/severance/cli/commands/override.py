"""`severance override`: waking a persona outside its place, with two approvals, a reason, an end and a notice."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from severance import approving
from severance.asking import check_query, check_whole
from severance.cli import options, overrides, screen, shapes, streams, words
from severance.cli.commands.recall import show as show_hits
from severance.cli.edge import Edge
from severance.drafts import is_blank
from severance.errors import InputError
from severance.model import Right
from severance.overridden import MOST_LENGTH
from severance.session import MOST_RECALLED, Session

HELP = "Waking a persona outside its place: two approvals, a reason, an end, and a notice."

_MOST = "a request has at most 262,144"
_As = Annotated[Path, typer.Option("--as", metavar="FILE", help="The file of your override key.", show_default=False)]
_Id = Annotated[str, typer.Argument(metavar="ID", help="The id, as `override list` shows it.", show_default=False)]
_Request = Annotated[
    str,
    typer.Argument(
        metavar="ID|-", help="The id of a request in the store; - reads its text on standard input.", show_default=False
    ),
]
_Offline = Annotated[
    bool, typer.Option("--offline", help="Without a store and a root key: print the answer, for `override submit`.")
]


def keygen(
    ctx: typer.Context,
    file: options.NewFile,
    as_json: options.AsJson = False,
) -> None:
    """Make an override key in a new file, and print its public half, to be registered. Needs no store and no root key.

    Whoever has the file can ask and approve in your name: it is for you alone, and belongs on no machine of the store.
    """
    edge = Edge(ctx, None, None, as_json)
    public = approving.new_override_key(file)
    if edge.as_json:
        screen.document({"file": str(file), "public": public})
    else:
        screen.line(public)


def register(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.", show_default=False)],
    public: Annotated[
        str, typer.Argument(metavar="PUBLIC", help="What `override keygen` printed.", show_default=False)
    ],
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Register an override key, at most 8. Open requests end, since what approves them is made anew."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        info = house.register_override_key(name, public)
    if edge.as_json:
        screen.document(shapes.of_override_key(info))
    else:
        screen.line(f"Registered: {info.name}, key {info.id}.")


def unregister(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.", show_default=False)],
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Take an override key out. What it asked for or approved ends, and all open requests do."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        house.unregister_override_key(name)
    if edge.as_json:
        screen.document({"unregistered": name})
    else:
        screen.line(f"Taken out: {name}.")


def keys(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """List the override keys that are registered."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.override_keys()
    if edge.as_json:
        screen.document({"keys": [shapes.of_override_key(info) for info in found]})
        return
    if not found:
        screen.line("No override key is registered.")
        return
    table = screen.table("name", "id", "registered")
    for info in found:
        table.add_row(info.name, info.id, shapes.short(info.made))
    screen.console().print(table)


def request(
    ctx: typer.Context,
    subject: Annotated[str, typer.Argument(metavar="SUBJECT", help="Whose persona.", show_default=False)],
    persona: Annotated[str, typer.Argument(metavar="PERSONA", help="Who is to be woken.", show_default=False)],
    own: _As,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT|-", help="Why; - reads standard input.", show_default=False)
    ],
    length: Annotated[
        str, typer.Option("--for", metavar="LENGTH", help="How long it opens, such as 30m.", show_default=False)
    ],
    rights: options.FewerRights = None,
    thread: options.OnlyThreads = None,
    approve_within: Annotated[
        str, typer.Option("--approve-within", metavar="LENGTH", help="How long it can be approved.")
    ] = "1h",
    use_within: Annotated[
        str, typer.Option("--use-within", metavar="LENGTH", help="How long after that it can be used.")
    ] = "1h",
    offline: Annotated[
        bool,
        typer.Option("--offline", help="Without a store and a root key: print a wish, for `override submit`."),
    ] = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask for a persona to be woken outside its place, and print the request, for the approvers. Its times begin now.

    It names the persona and the reason in the clear: hand it to those who are to approve it, and to nobody else.
    """
    edge = Edge(ctx, store, key, as_json)
    asked = partial(
        approving.wish_override,
        subject,
        persona,
        key=own,
        reason=streams.text_from_input(reason, "the reason", "say it in fewer words"),
        rights=[Right.RECALL] if rights is None else words.listed(rights),
        threads=thread,
        length=words.length(length, "--for", MOST_LENGTH),
        approve_within=words.length(approve_within, "--approve-within", MOST_LENGTH),
        use_within=words.length(use_within, "--use-within", MOST_LENGTH),
    )
    if offline:
        text = asked()
        _print("wish", text, edge)
        overrides.say_times(text, edge)
        return
    with edge.house() as house:
        text = house.request_override(*asked.args, **asked.keywords)
    _print_request(text, edge)


def sign(ctx: typer.Context, own: _As, as_json: options.AsJson = False) -> None:
    """Make a request of the draft on standard input, which answered a wish of yours. Needs no store and no root key.

    It is signed only where it says what was wished with your key, with the same times; they are on standard error.
    """
    edge = Edge(ctx, None, None, as_json)
    text = approving.sign_draft(streams.text_from_input("-", "the draft", _MOST), own)
    _print_request(text, edge)
    overrides.say_times(text, edge)


def show(ctx: typer.Context, as_json: options.AsJson = False) -> None:
    """Show what the request on standard input asks for, or the wish or draft of one. Needs no store and no root key.

    That it was altered since it was signed is noticed here; whether its house knows it, the house can tell.
    """
    edge = Edge(ctx, None, None, as_json)
    kind, found = approving.read_over(streams.text_from_input("-", "the request", _MOST).strip())
    if edge.as_json:
        screen.document({"kind": kind, **shapes.of_override_request(found)})
    else:
        overrides.tell(kind, found)


def approve(
    ctx: typer.Context,
    given: _Request,
    own: _As,
    offline: _Offline = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Approve exactly this request. Read it first: `severance override show`.

    Your share of the persona's key goes to whoever asked. Two approvals are needed, neither by whoever asked.
    """
    _answer(Edge(ctx, store, key, as_json), given, own, approves=True, offline=offline)


def deny(
    ctx: typer.Context,
    given: _Request,
    own: _As,
    offline: _Offline = False,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Refuse a request. That ends the override for good, also while it is used. Whoever asked can withdraw it so."""
    _answer(Edge(ctx, store, key, as_json), given, own, approves=False, offline=offline)


def submit(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """Hand in what is on standard input and was made where a key is: an answer, a request, or a wish.

    A wish is answered with the draft of a request, for `override sign`.
    """
    edge = Edge(ctx, store, key, as_json)
    text = streams.text_from_input("-", "what is handed in", _MOST).strip()
    with edge.house() as house:
        if approving.is_wish(text):
            _print("draft", house.draft_override(text), edge)
            return
        found = (house.submit_override if approving.is_request(text) else house.answer_override)(text)
    overrides.state(found, edge)


def use(
    ctx: typer.Context,
    id: _Id,  # noqa: A002
    own: _As,
    ask: Annotated[
        list[str] | None,
        typer.Option("--ask", metavar="QUERY", help="What to look for; can be repeated.", show_default=False),
    ] = None,
    thread: Annotated[
        str | None,
        typer.Option(
            "--thread", help="Only this conversation; needed where the override reaches several.", show_default=False
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", help="At most so many for each, 1 to 1,000.")] = 10,
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """Wake the persona, once, and recall what is asked: with --ask, or each line on standard input until that ends.

    When this command ends, however it does, so does the override. Other rights than to recall are for the library.
    """
    edge = Edge(ctx, store, key, as_json)
    check_whole(limit, "--limit", 1, MOST_RECALLED)  # before the one use is used up
    for query in ask or ():
        check_query(query)
    with edge.house() as house:
        threads = next((info.threads for info in house.overrides() if info.id == id), None)
        thread = _reached(threads, thread)
        _recall(edge, house.use_override(id, key=own), ask, thread, limit)


def _recall(edge: Edge, session: Session, ask: list[str] | None, thread: str | None, limit: int) -> None:
    """Answer what is asked, and put the session to sleep."""
    with session:
        if ask is None and streams.can_ask():
            screen.console(errors=True).print(f"{session.persona} is awake. A question on each line; Ctrl-D ends it.")
        for query in ask if ask is not None else _lines():
            hits = session.recall(query, limit=limit, thread=thread)
            if edge.as_json:
                screen.document({"recollections": [shapes.of_recollection(hit) for hit in hits]})
            else:
                show_hits(hits, full=True)


def _reached(threads: tuple[str, ...] | None, thread: str | None) -> str | None:
    """The conversation that is asked, before the one use is used up.

    Raises:
        InputError: the override does not reach it, or reaches several, and none is named.
    """
    if threads is None or thread in threads:
        return thread
    if thread is None and len(threads) == 1:
        return threads[0]
    named = "name one of them" if thread is None else "this is none of them"
    raise InputError(f"--thread: the override reaches {', '.join(threads)}; {named}")


def end(
    ctx: typer.Context,
    id: _Id,  # noqa: A002
    store: options.Store = None,
    key: options.Key = None,
    as_json: options.AsJson = False,
) -> None:
    """End an override for good, a request or one in use, in whichever process. Its session ends within a second."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.end_override(id)
    overrides.state(found, edge)


def listed(
    ctx: typer.Context, store: options.Store = None, key: options.Key = None, as_json: options.AsJson = False
) -> None:
    """List the overrides; those that are over stay for 30 days."""
    edge = Edge(ctx, store, key, as_json)
    with edge.house() as house:
        found = house.overrides()
    if edge.as_json:
        screen.document({"overrides": [shapes.of_override(info) for info in found]})
    elif found:
        overrides.show_overrides(found)
    else:
        screen.line("There are no overrides.")


def _answer(edge: Edge, given: str, own: Path, *, approves: bool, offline: bool) -> None:
    if offline:
        if given != "-":
            raise InputError("without a store there are no ids; give the text of the request on standard input, with -")
        answer = approving.approve if approves else approving.deny
        _print("answer", answer(streams.text_from_input("-", "the request", _MOST), own), edge)
        return
    asked = streams.text_from_input("-", "the request", _MOST) if given == "-" else None
    with edge.house() as house:
        text = house.override_request(given) if asked is None else asked
        found = house.answer_override(text, key=own, approves=approves)
    overrides.state(found, edge)


def _print_request(text: str, edge: Edge) -> None:
    if edge.as_json:
        screen.document({"id": approving.show_request(text).id, "request": text})
    else:
        screen.line(text)


def _print(what: str, text: str, edge: Edge) -> None:
    if edge.as_json:
        screen.document({what: text})
    else:
        screen.line(text)


def _lines() -> Iterator[str]:
    """The lines on standard input that are not empty, each when it is there."""
    if sys.stdin is None:
        raise InputError("questions were to come from standard input, which is closed; give them with --ask")
    for line in sys.stdin:
        if not is_blank(line):
            yield line.strip()
