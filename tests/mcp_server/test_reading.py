"""Resources and prompts."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from mcp import MCPError

from kit import UNKNOWN_ID
from severance import Session
from severance.mcp.reading import MOST_RECENT
from severance.mcp.words import CROSSING, NOTE
from severance.model import moment

from .conftest import Talk


def _read(talk: Talk, address: str) -> Any:
    (found,) = talk(lambda client: client.read_resource(address)).contents
    assert found.uri == address
    return found


def _refused(talk: Talk, address: str) -> Any:
    with pytest.raises(MCPError) as refused:
        talk(lambda client: client.read_resource(address))
    return refused.value.error


def test_what_there_is_to_read_names_nobody(talk: Talk) -> None:
    resources = talk(lambda client: client.list_resources()).resources
    templates = talk(lambda client: client.list_resource_templates()).resource_templates
    assert [each.uri for each in resources] == ["severance://context", "severance://recent"]
    assert [each.uri_template for each in templates] == ["severance://context/{query}", "severance://memory/{id}"]
    for each in [*resources, *templates]:
        assert NOTE in each.description
        assert "mark" not in each.description


def test_the_context_is_the_newest_that_fits_oldest_first(talk: Talk, innie: Session) -> None:
    assert _read(talk, "severance://context").text == "Nothing is remembered yet."
    for day in range(1, 4):
        innie.remember(f"file {day}\n- [2024-05-09] a line that looks like another", at=f"2024-05-0{day}")
    said = _read(talk, "severance://context")
    assert said.mime_type == "text/plain"
    lines = said.text.splitlines()
    assert [line for line in lines if line.startswith("- ")] == [f"- [2024-05-0{day}] file {day}" for day in (1, 2, 3)]
    assert lines[-1] == NOTE


def test_in_a_full_context_the_pinned_come_first(talk: Talk, innie: Session) -> None:
    innie.remember("pinned " + "word " * 100, pinned=True, at="2024-05-01")
    for day in range(2, MOST_RECENT + 1):
        innie.remember(f"day {day} " + "word " * 110, at=f"2024-05-{day:02}")
    said = _read(talk, "severance://context").text
    assert "pinned" in said
    assert f"day {MOST_RECENT} " in said
    assert "day 2 " not in said


def test_one_long_memory_is_cut_rather_than_left_out(talk: Talk, innie: Session) -> None:
    innie.remember("語" * 20_000)
    assert "語" * 500 in _read(talk, "severance://context").text


@pytest.mark.parametrize("number", [3, MOST_RECENT + 5])
def test_the_newest_are_the_newest_however_far_apart(talk: Talk, innie: Session, clock: Any, number: int) -> None:
    now = moment(clock.now())
    for days in range(number):
        innie.remember(f"{days} weeks ago", at=now - timedelta(weeks=days))
    said = json.loads(_read(talk, "severance://recent").text)
    assert [each["text"] for each in said["memories"]] == [
        f"{days} weeks ago" for days in range(min(number, MOST_RECENT))
    ]
    assert said["note"] == NOTE


def test_the_context_of_something(talk: Talk, innie: Session) -> None:
    assert _read(talk, "severance://context/blue%20folder").text == "Nothing is remembered of it."
    innie.remember("the list is in the blue folder: 50 % of it")
    said = _read(talk, f"severance://context/{quote('blue folder & 50 %?', safe='')}").text
    assert "blue folder" in said
    assert said.endswith(NOTE)


def test_one_memory_is_read_whole(talk: Talk, innie: Session) -> None:
    kept = innie.remember("list " * 2_000)
    assert json.loads(_read(talk, f"severance://memory/{kept.id}").text)["text"] == kept.text


def test_a_memory_of_another_persona_is_not_there(talk: Talk, innie: Session, outie: Session) -> None:
    theirs = outie.remember("at home")
    real, made_up = (_refused(talk, f"severance://memory/{number}") for number in (theirs.id, UNKNOWN_ID))
    assert real == made_up


@pytest.mark.parametrize(
    "address",
    [
        "severance://context/outie/list",
        "severance://outie/context",
        "severance://memory/",
        "file:///etc/passwd",
        "",
        "x",
    ],
)
def test_other_addresses_lead_nowhere(talk: Talk, outie: Session, address: str) -> None:
    outie.remember("the list at home")
    if address.startswith("severance://context/"):
        assert _read(talk, address).text == "Nothing is remembered of it."
    else:
        assert _refused(talk, address).code in (-32002, -32602)


@pytest.mark.parametrize("query", ["%20", "%00", "%ff%fe", "a" * 7_000, ""])
def test_a_query_that_cannot_be_meant_is_refused_in_a_sentence(talk: Talk, query: str) -> None:
    if query == "%ff%fe":
        assert _read(talk, f"severance://context/{query}").text == "Nothing is remembered of it."
    else:
        said = _refused(talk, f"severance://context/{query}").message
        assert len(said) < 200


def test_the_day_begins_with_what_is_remembered(talk: Talk, innie: Session) -> None:
    innie.remember("the list is in the blue folder")
    innie.remember("the dog is called Seabiscuit")
    (prompt,) = talk(lambda client: client.list_prompts()).prompts
    assert (prompt.name, [each.name for each in prompt.arguments]) == ("start-of-day", ["about"])
    (whole,) = talk(lambda client: client.get_prompt("start-of-day")).messages
    for words in ("blue folder", "Seabiscuit", NOTE, CROSSING):
        assert words in whole.content.text
    (about,) = talk(lambda client: client.get_prompt("start-of-day", {"about": "where is the list?"})).messages
    assert "Today is about: where is the list?" in about.content.text
    assert "blue folder" in about.content.text


@pytest.mark.parametrize("given", [{"persona": "outie"}, {"about": "a", "place": "home"}, {"subject": "helly"}])
def test_the_prompt_takes_nobodys_name(talk: Talk, given: dict[str, str]) -> None:
    with pytest.raises(MCPError, match="takes `about`, and nothing else"):
        talk(lambda client: client.get_prompt("start-of-day", given))


def test_a_prompt_that_is_not_there(talk: Talk) -> None:
    with pytest.raises(MCPError, match="there is start-of-day"):
        talk(lambda client: client.get_prompt("end-of-day"))


def test_there_is_one_page_of_everything(talk: Talk) -> None:
    for listing in ("list_tools", "list_resources", "list_resource_templates", "list_prompts"):
        with pytest.raises(MCPError, match="one page only"):
            talk(lambda client, listing=listing: getattr(client, listing)(cursor="2"))
