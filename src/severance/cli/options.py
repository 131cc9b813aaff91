"""Options that several commands share, each written once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[
    str | None,
    typer.Option("--store", metavar="PATH", help="The store's directory.", show_default=False),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="SPEC",
        help="Where the root key comes from: file:PATH, passphrase, keychain, env, env:NAME or command:... "
        "(never the key itself).",
        show_default=False,
    ),
]
Embedder = Annotated[
    str | None,
    typer.Option(
        "--embedder",
        metavar="SPEC",
        help="What turns texts into vectors: bundled, openai:MODEL@URL, fastembed:MODEL, model2vec:MODEL or "
        "sentence-transformers:MODEL. By default SEVERANCE_EMBEDDER if it is set, then bundled.",
        show_default=False,
    ),
]
Reranker = Annotated[
    str | None,
    typer.Option(
        "--reranker",
        metavar="SPEC",
        help="What puts recollections in a better order: endpoint:MODEL@URL, sentence-transformers:MODEL or "
        "fastembed:MODEL. By default SEVERANCE_RERANKER if it is set, then nothing.",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

At = Annotated[
    str | None,
    typer.Option("--at", metavar="PLACE", envvar="SEVERANCE_PLACE", help="The place to cross to.", show_default=False),
]
Who = Annotated[
    str | None,
    typer.Option(
        "--subject",
        metavar="SUBJECT",
        envvar="SEVERANCE_SUBJECT",
        help="Whose persona wakes there; needed where the place holds more than one subject.",
        show_default=False,
    ),
]

Thread = Annotated[str | None, typer.Option("--thread", help="The conversation it belongs to.", show_default=False)]
Source = Annotated[str | None, typer.Option("--source", help="Who said it, or where it was read.", show_default=False)]
Happened = Annotated[
    str | None,
    typer.Option("--when", metavar="TIME", help="When it happened, such as 2024-05-31 or 2024-05-31T18:00+02:00."),
]
Meta = Annotated[
    list[str] | None,
    typer.Option(
        "--meta",
        metavar="NAME=VALUE",
        help="Metadata; can be repeated. A VALUE that is a JSON number, true, false, null or quoted text is read so.",
        show_default=False,
    ),
]

Since = Annotated[str | None, typer.Option("--since", metavar="TIME", help="Not what happened before.")]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Not what happened after; a date alone is its first moment."),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Only what was known then; a date alone is its first moment."),
]
InThread = Annotated[str | None, typer.Option("--thread", help="Only this conversation.", show_default=False)]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="NAME=VALUE",
        help="Only with this metadata; can be repeated. A VALUE is read as in `remember --meta`.",
        show_default=False,
    ),
]

Id = Annotated[str, typer.Argument(metavar="ID", help="The memory's id, as `recall` shows it.", show_default=False)]
NewFile = Annotated[Path, typer.Argument(metavar="FILE", help="A new file.", show_default=False)]
OnlyThreads = Annotated[
    list[str] | None,
    typer.Option("--thread", help="Only this conversation; can be repeated.", show_default=False),
]
EndsAfter = Annotated[
    str | None, typer.Option("--for", metavar="LENGTH", help="How long it opens, such as 30s, 5m, 1h30m or 7d.")
]
EndsAt = Annotated[str | None, typer.Option("--until", metavar="TIME", help="When it ends, in the place of --for.")]
DoorId = Annotated[str, typer.Argument(metavar="ID", help="The id, as `list` shows it.", show_default=False)]
_RIGHTS = (
    "some of recall (all reading), remember, amend, forget, send and refine, with commas between; can be repeated."
)
Rights = Annotated[
    list[str], typer.Option("--rights", metavar="RIGHTS", help=f"What it allows: {_RIGHTS}", show_default=False)
]
FewerRights = Annotated[
    list[str] | None, typer.Option("--rights", metavar="RIGHTS", help=f"Only these: {_RIGHTS}", show_default=False)
]
Certificate = Annotated[
    Path | None,
    typer.Option("--certificate", metavar="FILE", help="For HTTP with TLS: a certificate (PEM).", show_default=False),
]
PrivateKey = Annotated[
    Path | None, typer.Option("--private-key", metavar="FILE", help="Its private key (PEM).", show_default=False)
]
Insecure = Annotated[
    bool, typer.Option("--insecure", help="Listen for other machines without TLS: something in front has it.")
]
Idle = Annotated[
    str, typer.Option("--idle", metavar="LENGTH", help="Put a session to sleep on which nothing is called so long.")
]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write it to a new file that you alone can read, and not to standard output.",
        show_default=False,
    ),
]
ReplaceFile = Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")]
