"""Commands of the command line, run as a user runs them: what each leaves in the store, at home and where it ran."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Timer

from severance.barrier.residue import stores
from severance.barrier.residue.places import LONGEST, begun
from severance.barrier.residue.planted import drafts
from severance.crypto.rootkey import encode_key
from severance.embed import bundled
from severance.errors import SeveranceError

_PROGRAM = ("-m", "severance.cli.main")
_KEPT_BY_USERS = ("CACHE", "CONFIG", "DATA", "STATE")


@dataclass(frozen=True, slots=True)
class Command:
    """One command, and what a user gives it.

    Attributes:
        arguments: what is typed. `ID` stands for a memory's id, `FILE` for a file to import, `NOTES` for a folder
            of notes, `EXAMPLES` and `PLAN` for what routing is told and what it proposes.
        at_place: whether it crosses to a place.
        given: which sentence is given on standard input, or None.
        labelled: whether labels are given.
        shows: whether what it prints is content, which is then no residue.
        tells: whether what it prints is a secret, which may be nowhere else.
        names: whether it prints and writes names for its owner, which are then no residue; all beside them is.
        after: the name of the command that is run before it.
    """

    arguments: tuple[str, ...]
    at_place: bool = True
    given: int | None = None
    labelled: bool = False
    shows: bool = False
    tells: bool = False
    names: bool = False
    after: str = ""


COMMANDS: dict[str, Command] = {
    "remember": Command(("remember", "-"), given=0, labelled=True),
    "recall": Command(("recall", "-", "--full"), given=1, shows=True),
    "import": Command(("import", "FILE")),
    "route": Command(
        ("route", "FILE", "--subject", stores.SUBJECT, "--examples", "EXAMPLES", "--plan", "PLAN", "--force"),
        at_place=False,
        names=True,
    ),
    "apply": Command(("route", "--apply", "PLAN", "--yes"), at_place=False, names=True, after="route"),
    "amend": Command(("amend", "ID", "-"), given=2, labelled=True),
    "context": Command(("context", "-"), given=3, shows=True),
    "forget": Command(("forget", "ID", "--yes")),
    "history": Command(("history", "ID"), shows=True),
    "export": Command(("export",), shows=True),
    "check": Command(("check",), at_place=False),
    "backup": Command(("backup", "backup.tar"), at_place=False),
    "reembed": Command(("reembed",), at_place=False),
    "permit": Command(
        ("permit", "make", stores.SUBJECT, "--at", stores.STAIRWELL, "--rights", "recall", "--for", "8h"),
        at_place=False,
        tells=True,
    ),
    "credential": Command(
        ("credential", "make", stores.STAIRWELL, "--for", stores.SUBJECT, "--name", "a program"),
        at_place=False,
        tells=True,
    ),
    "owner": Command(("owner", "token", "--for", "8h", "--label", "a console"), at_place=False, tells=True),
}
"""Every command that takes or shows content, by name."""
if find_spec("detect_secrets") is not None:  # without it nothing is captured
    COMMANDS["watch"] = Command(("watch", "NOTES", "--once"))


def prepare(folder: Path, said: Sequence[str]) -> str:
    """A store in the folder in which one persona has the sentences, and the id of one memory."""
    stores.prepare(folder / "store", said, embedder=bundled())
    house = stores.enter(folder / "store", bundled())
    with house, house.cross(stores.SUBJECT, stores.STAIRWELL) as session:
        return session.recall(said[4])[0].memory.id


def run(name: str, folder: Path, said: Sequence[str], memory: str, source: Path) -> str:
    """Run it in the folder, on the store there. Its output stays in the folder, unless content is what it shows, or a
    secret, which is returned.

    Args:
        name: one of `COMMANDS`.
        folder: where it runs, with a `store` that `prepare` has made. Home and temporary folders are in it.
        said: the sentences.
        memory: what stands for `ID`.
        source: where the file to import is put: outside of the folder.

    Raises:
        SeveranceError: it failed, hangs, or showed nothing of what it should show.
    """
    command = COMMANDS[name]
    _write(source, said)
    files = {"EXAMPLES": "examples.toml", "PLAN": "plan.jsonl", "NOTES": "notes"}
    beside = {word: source.with_name(file) for word, file in files.items()}
    beside["NOTES"].mkdir(exist_ok=True)
    (beside["NOTES"] / "note.md").write_text("\n\n".join(f"{each} Noted." for each in said), encoding="utf-8")
    beside["EXAMPLES"].write_text(f'rule = [{{persona = "{stores.INNER}", words = "imported"}}]', encoding="utf-8")
    if command.after:
        run(command.after, folder, said, memory, source)
    stand_ins = {"ID": memory, "FILE": str(source), **{word: str(path) for word, path in beside.items()}}
    arguments = [*_PROGRAM, *(stand_ins.get(word, word) for word in command.arguments)]
    arguments += ["--at", stores.STAIRWELL] if command.at_place else []
    arguments += _labels(said) if command.labelled else []
    surroundings = {f"XDG_{one}_HOME": str(folder / "home" / one.lower()) for one in _KEPT_BY_USERS}
    surroundings |= {"SEVERANCE_STORE": "store", "SEVERANCE_KEY": encode_key(stores.KEY)}
    with begun(folder, arguments, more=surroundings, kept=False) as child:
        assert child.stdin is not None  # noqa: S101 - for the type checker
        assert child.stdout is not None  # noqa: S101
        late = Timer(LONGEST, child.kill)
        late.start()
        try:
            child.stdin.write("" if command.given is None else said[command.given])
            child.stdin.close()
            printed = child.stdout.read()
            status = child.wait()
        finally:
            late.cancel()
    if status:
        raise SeveranceError(f"the command {name} ended with status {status}")
    if command.shows and not any(sentence in printed for sentence in said):
        raise SeveranceError(f"the command {name} showed nothing of what it was asked for")
    if command.tells:
        return printed
    if command.names:
        printed = _without_names(printed)
        (folder / "plan").write_text(_without_names(beside["PLAN"].read_text("utf-8")), encoding="utf-8")
    if not command.shows:
        (folder / "stdout").write_text(printed, encoding="utf-8")
    return ""


def _without_names(text: str) -> str:
    for name in stores.NAMES:
        text = text.replace(name, "*")
    return text


def _write(source: Path, said: Sequence[str]) -> None:
    given = [{"text": f"{sentence} Imported."} for sentence in said]
    source.write_text(
        "".join(f"{json.dumps(one, ensure_ascii=False)}\n" for one in [*given, *drafts(said)]), encoding="utf-8"
    )


def _labels(said: Sequence[str]) -> list[str]:
    draft = drafts(said)[0]
    ((name, value),) = draft["metadata"].items()
    options = [word for label in ("thread", "source", "kind") for word in (f"--{label}", draft[label])]
    return [*options, "--meta", f"{name}={value}"]
