"""Which lines of a message are decisions, and which are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from severance.integrate.decisions import LONGEST, MOST, decisions

MESSAGE = """\
I looked at both.

## Decision: the vault stays SQLite

- **Decided:** one writer for each space.
1. From now on, dates are written in ISO 8601.
* Agreed : the wheel has no native code.
After some thought we settled on `ruff` alone.

> Decision: somebody else's words.

```python
# Decision: this is code
```

    Decision: this is code, too

~~~
Decision: and this
~~~

What is the decision: keep it or not?
We could decide: later.
The predecision: something
Decision:
"""


def test_lines_that_say_so_are_decisions_and_no_others() -> None:
    assert decisions(MESSAGE) == [
        "Decision: the vault stays SQLite",
        "Decided: one writer for each space.",
        "From now on, dates are written in ISO 8601.",
        "Agreed : the wheel has no native code.",
        "After some thought we settled on ruff alone.",
    ]


def test_what_is_said_twice_is_one_decision() -> None:
    assert decisions("Decision: keep it so.\n- Decision:  keep it so.\n") == ["Decision: keep it so."]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Done.",
        "The decision was hard.",
        "Decision: " + "a" * LONGEST,
        "Decision: x",
        "Shall we say that from now on dates are ISO?",
        "```\nDecision: in a block that does not end\n",
    ],
)
def test_what_is_none(text: str) -> None:
    assert decisions(text) == []


def test_words_can_be_chosen() -> None:
    text = "ADR: use TOML for rules.\nDecision: no.\nBeschlossen wurde heute, dass es so bleibt."
    assert decisions(text, ["ADR"], []) == ["ADR: use TOML for rules."]
    assert decisions(text, [], ["beschlossen wurde"]) == ["Beschlossen wurde heute, dass es so bleibt."]
    assert decisions(text, [], []) == []


def test_a_turn_has_only_so_many() -> None:
    assert len(decisions("\n".join(f"Decision: number {number} of many" for number in range(50)))) == MOST


@given(st.text(st.sampled_from("Decision: ab`~>*#-.\n\t 1"), max_size=300))
def test_any_text_gives_short_single_lines(text: str) -> None:
    found = decisions(text)
    assert len(set(found)) == len(found) <= MOST
    assert all("\n" not in line and len(line) <= LONGEST for line in found)
