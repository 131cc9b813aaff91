"""Whatever way something is written to output and errors, it is heard, and afterwards all is as it was."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

import pytest

from severance.barrier.traces.overhearing import overhearing, pointed

LIBC = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)


def test_nothing_is_heard_where_nothing_is_said() -> None:
    with overhearing() as heard:
        pass
    assert heard.said == ""


def test_print_system_calls_c_code_and_children_are_heard() -> None:
    with overhearing() as heard:
        print("one")
        print("two", file=sys.stderr)
        print("three", file=sys.__stdout__)
        os.write(1, b"four\n")
        os.write(2, b"five \xff\n")
        LIBC.puts(b"six")  # stays in a buffer of the C library
        subprocess.run([sys.executable, "-c", "print('seven')"], check=True)
    lines = {line.strip() for line in heard.said.splitlines()}
    assert lines == {"one", "two", "three", "four", "five \\xff", "six", "seven"}


def test_afterwards_the_descriptors_are_what_they_were(capfd: pytest.CaptureFixture[str]) -> None:
    os.write(1, b"before\n")
    with pytest.raises(KeyboardInterrupt), overhearing() as heard:  # noqa: PT012 - what was said until then counts
        os.write(1, b"within\n")
        raise KeyboardInterrupt
    os.write(1, b"after\n")
    os.write(2, b"errors\n")
    assert heard.said == "within\n"
    assert capfd.readouterr() == ("before\nafter\n", "errors\n")


def test_what_waited_in_a_buffer_before_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    LIBC.printf(b"before")
    with overhearing() as heard:
        os.write(1, b"within")
    assert heard.said == "within"
    assert capfd.readouterr().out == "before"


def test_a_closed_descriptor_is_closed_again() -> None:
    code = (
        "import os; from severance.barrier.traces.overhearing import overhearing\n"
        "os.close(2)\n"
        "with overhearing() as heard: os.write(2, b'said')\n"
        "assert heard.said == 'said'\n"
        "try: os.fstat(2)\n"
        "except OSError: print('closed')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "closed\n"


def test_one_descriptor_alone_is_pointed_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    with open(os.devnull, "wb") as nothing, pointed((2,), nothing):  # noqa: PTH123 - as a stream of bytes
        os.write(1, b"out")
        os.write(2, b"errors")
    assert capfd.readouterr() == ("out", "")
