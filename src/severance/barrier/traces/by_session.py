"""What a persona can do with its session in a trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from severance.barrier.traces.content import Content
from severance.barrier.traces.observing import plain
from severance.barrier.traces.steps import session_step
from severance.barrier.traces.world import Awake, World
from severance.transfer import detect, read, write_jsonl
from severance.transfer.ingest import Report, ingest


def fields_of(content: Content, args: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a memory that a step gives, without those that it does not."""
    fields = {
        "at": args.get("at"),
        "thread": content.label(args.get("thread")),
        "source": content.label(args.get("source")),
        "kind": content.label(args.get("kind")),
        "metadata": content.metadata(args.get("metadata")),
        "pinned": args.get("pinned"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def filters_of(content: Content, args: Mapping[str, Any]) -> dict[str, Any]:
    """The filters of a question that a step gives, without those that it does not."""
    fields = {name: args.get(name) for name in ("since", "until", "as_of")}
    fields |= {"thread": content.label(args.get("thread")), "where": content.metadata(args.get("metadata"))}
    return {name: value for name, value in fields.items() if value is not None}


@session_step("Session.remember")
def remember(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """One memory, or an error about it."""
    memory = awake.session.remember(awake.content.text(args["words"]), **fields_of(awake.content, args))
    awake.ids.append(memory.id)
    return memory


@session_step("Session.remember_many")
def remember_many(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Several, with an impossible one among them now and then."""
    items = [{"text": awake.content.text(words), **fields_of(awake.content, args)} for words in args["many"]]
    kept = awake.session.remember_many(items)
    awake.ids.extend(memory.id for memory in kept)
    return kept


@session_step("Session.remember_many")
def bulk(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Hundreds of short ones at once: more than a batch, a page, or a quota that somebody thought enough for all."""
    kept = awake.session.remember_many(
        {"text": text, **fields_of(awake.content, args)} for text in awake.content.notes(args["first"], args["count"])
    )
    awake.ids.extend(memory.id for memory in kept[:10])
    return kept


@session_step("Session.recall")
def recall(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Recollections with scores and reasons."""
    return awake.session.recall(
        awake.content.text(args["words"]), limit=args["limit"], **filters_of(awake.content, args)
    )


@session_step("Session.context")
def context(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """A block for a prompt."""
    return awake.session.context(
        awake.content.text(args["words"]), tokens=args["tokens"], **filters_of(awake.content, args)
    )


@session_step("Session.memories")
def memories(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """All of them."""
    return list(awake.session.memories(**filters_of(awake.content, args)))


@session_step("Session.get")
def get(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """One by its id."""
    return awake.session.get(world.id_of(awake.who, args))


@session_step("Session.history")
def history(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """All versions of one."""
    return awake.session.history(world.id_of(awake.who, args))


@session_step("Session.amend")
def amend(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """A new version of one."""
    text = awake.content.text(args["words"]) or None
    memory = awake.session.amend(world.id_of(awake.who, args), text, **fields_of(awake.content, args))
    awake.ids.append(memory.id)
    return memory


@session_step("Session.forget")
def forget(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """One is gone."""
    return awake.session.forget(world.id_of(awake.who, args))


@session_step("Session.stats")
def stats(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Counts, of every kind."""
    return awake.session.stats()


@session_step("Session.events")
def events(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """What the log has of the persona."""
    return awake.session.events(limit=args["limit"])


@session_step("transfer.write_jsonl", "transfer.detect", "transfer.read", "transfer.ingest.ingest")
def carry(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Write all memories to a file, and read it back in: nothing is new."""
    path = world.folder / f"carried-{awake.who[1]}.jsonl"
    try:
        with path.open("w", encoding="utf-8") as out:
            write_jsonl(awake.session.memories(), out)
        written = path.read_bytes()
        with read(path, detect(path)) as reading:
            report = Report(reading.format)
            for _ in ingest(awake.session, reading, report):
                pass
        return written, plain(report)
    finally:
        path.unlink(missing_ok=True)


@session_step("Session.sleep")
def sleep(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """Asleep; the session may stay in hand, and refuses."""
    awake.session.sleep()
    if not args["held"]:
        world.awake[awake.who].remove(awake)
    return repr(awake.session)


@session_step()
def leave(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """The end of a `with` block."""
    with awake.session as session:
        found = session.stats()["records"]
    world.awake[awake.who].remove(awake)
    return found


@session_step()
def abandon(world: World, awake: Awake, args: Mapping[str, Any]) -> Any:
    """The session is dropped without sleeping."""
    world.awake[awake.who].remove(awake)
