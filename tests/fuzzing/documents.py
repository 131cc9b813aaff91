"""JSON that stays JSON and says odd things, mail that stays mail, and archives that stay archives."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

from fuzzing.target import Choices, text_of

DEEP = "@deep@"
_ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**63,
        -(2**63) - 1,
        10**40,
        1e308,
        -1e15,
        1.7e9,
        1.7e12,
        float("nan"),
        float("inf"),
    ),
    *("", " ", "\0", "\ud800", "a\ud800b", "x" * 70_000, "é" * 300, "a:b", "user", "assistant", "all", "text", DEEP),
    *(
        "2024-05-31",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00+23:59",
        "12:05 am on 31 December, 9999",
        "13:00 pm on 1 may 2023",
    ),
    *(
        [],
        {},
        [[]],
        [None],
        [{}],
        {"text": "x"},
        {"": ""},
        {"\0": 1},
        {"\ud800": 1},
        {"origin": "severance:a"},
        {"x" * 600: 1},
    ),
    *(
        {"role": ["user"]},
        ["user"],
        {"content_type": "text", "parts": [{"text": "y"}]},
        {"parent": "q"},
        {"parent": []},
    ),
)
_ODD_JSON = tuple(json.dumps(value) for value in _ODD)
_NAMES = (
    "text",
    "at",
    "id",
    "uuid",
    "parent",
    "content",
    "parts",
    "metadata",
    "origin",
    "session_1",
    "session_٣",
    "created_at",
    "memory",
)


def document(choices: Choices, seed: bytes) -> bytes:
    """A JSON document with up to a dozen edits."""
    root: list[Any] = [json.loads(seed)]
    edits = 0
    while choices and edits < 12:
        _edit(choices, root)
        edits += 1
    written = json.dumps(root[0], ensure_ascii=False).encode(
        "utf-8", "surrogatepass" if edits % 5 == 0 else "backslashreplace"
    )
    depth = (100, 900, 3_000, 100_000)[edits % 4]
    return written.replace(b'"' + DEEP.encode() + b'"', b"[" * depth + b"]" * depth)


def _edit(choices: Choices, root: list[Any]) -> None:
    parent, key = _somewhere(choices, root)
    kind = choices.below(6)
    if kind < 2:
        parent[key] = json.loads(choices.pick(_ODD_JSON))
    elif kind == 2 and parent is not root:
        del parent[key]
    elif kind == 3:
        other, there = _somewhere(choices, root)
        parent[key] = json.loads(json.dumps(other[there]))
    elif kind == 4 and isinstance(parent, dict):
        parent[choices.pick(_NAMES)] = json.loads(json.dumps(parent[key]))
    elif kind == 5:
        parent[key] = text_of(choices.take(choices.below(24)))
    elif isinstance(parent, list) and parent is not root:
        parent.append(json.loads(json.dumps(parent[key])))


def _somewhere(choices: Choices, root: list[Any]) -> tuple[Any, Any]:
    parent: Any = root
    key: Any = 0
    for _ in range(choices.below(8)):
        inner = parent[key]
        if not isinstance(inner, (dict, list)) or not inner:
            break
        parent = inner
        names = list(inner) if isinstance(inner, dict) else range(len(inner))
        key = names[choices.below(len(names))]
    return parent, key


_CHARSETS = (
    "utf-8",
    "us-ascii",
    "iso-2022-jp",
    "utf-7",
    "idna",
    "(idna",
    "!punycode",
    "unicode.escape",
    "utf-16",
    "zlib",
    "x",
    '"',
    "hz",
)
_ENCODINGS = ("7bit", "8bit", "base64", "quoted-printable", "x-uuencode", "uuencode", "binary", "x")
_KINDS = (
    "text/plain",
    "text/html",
    "multipart/mixed",
    "multipart/alternative",
    "message/rfc822",
    "image/png",
    "text",
    "/",
    "multipart/digest",
)
_HEADERS = (
    "From",
    "Subject",
    "Date",
    "Message-ID",
    "References",
    "In-Reply-To",
    "Content-Type",
    "Content-Disposition",
    "To",
    "MIME-Version",
)
_VALUES = (
    *(
        "Mon, 03 Jun 2024 10:00:00 +0200",
        "Mon, 99 Jun 2024 10:00:00 +9999",
        "31 Feb 10000 -0000",
        "1",
        "0 0 0 0 0",
        "<a@b>",
        "<>" * 9,
    ),
    *(
        "=?utf-8?q?Ad=C3=A9le?= <ada@example.org>",
        "=?x?b?!?=",
        "=?punycode?q?a-b?=",
        "(" * 500,
        '"',
        "a,b;c:d<e",
        "attachment; filename*0*=x''%ff",
    ),
    *(
        "Re: Re[2]: x",
        "=?utf-16?b?//4=?=",
        "=?idna?q?a?=",
        "Thu, 01 Jan 1970 00:00:00 " + "9" * 30,
        "\xff\xfe",
        "=?utf-8?b?" + "A" * 401 + "?=",
    ),
)
_BODIES = (
    *(
        b"Hello there.\n\n> quoted\n\n--\nsig\n",
        b"<p>Hi</p><blockquote>no</blockquote><script>x",
        b"PGI+aGk8L2I+\n",
        b"=E9=\n=",
        b"\xff\xfe\0",
        b"",
    ),
    *(
        b"begin 644 x\n#0V%T\n`\nend\n",
        b"On Mon, 3 Jun 2024, Bob\nwrote:\n\n> x\n",
        b"From here\n",
        b"+AGE-~{<:Ky2;S{#}~}",
        b"xn--a-ecp.ru",
        b"\x1b$B",
    ),
)


def mail(choices: Choices) -> bytes:
    """A mailbox of a few mails with odd headers, nested parts and charsets that are none."""
    out = []
    for _ in range(1 + choices.below(3)):
        out.append(b"From x Mon Jun  3 10:00:00 2024\n" + _entity(choices, 0) + b"\n\n")
    return b"".join(out)


def _entity(choices: Choices, depth: int) -> bytes:
    head = []
    for _ in range(choices.below(5)):
        value = choices.pick(_VALUES) if choices.byte() % 4 else text_of(choices.take(choices.below(20)))
        head.append(f"{choices.pick(_HEADERS)}: {value}".encode("utf-8", "surrogateescape"))
    kind, charset, encoding = choices.pick(_KINDS), choices.pick(_CHARSETS), choices.pick(_ENCODINGS)
    head.append(f"Content-Type: {kind}; charset={charset}; boundary=b{depth}".encode())
    head.append(f"Content-Transfer-Encoding: {encoding}".encode())
    body = choices.pick(_BODIES) if choices.byte() % 3 else choices.take(choices.below(40))
    if kind.startswith(("multipart", "message")) and depth < 4:
        mark = f"--b{depth}\n".encode()
        body = (
            b"".join(mark + _entity(choices, depth + 1) + b"\n" for _ in range(choices.below(3))) + mark[:-1] + b"--\n"
        )
    return b"\n".join(head) + b"\n\n" + body


def archive(choices: Choices, content: Callable[[Choices], bytes]) -> bytes:
    """A .zip with members of odd names, methods and flags, and then some of its bytes changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archived:
        for _ in range(choices.below(4)):
            name = choices.pick(
                (
                    "conversations.json",
                    "conversations-1.json",
                    "a/conversations.json",
                    "../conversations.json",
                    "x.txt",
                    "__MACOSX/conversations.json",
                )
            )
            info = zipfile.ZipInfo(f"{name}")
            info.compress_type = choices.pick((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
            if name not in archived.namelist():
                archived.writestr(
                    info, content(choices) if choices.byte() % 4 else bytes(choices.pick((0, 10, 2_000_000)))
                )
    raw = bytearray(buffer.getvalue())
    while choices:
        at = choices.below(min(len(raw), 65_536))
        at = len(raw) - 1 - at if choices.byte() % 2 else at
        raw[at] = choices.byte()
    return bytes(raw)
