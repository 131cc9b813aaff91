"""The sweep finds what is there, in any encoding, whole or cut short, and nothing that is not."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import re
import socket
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from severance import InputError
from severance.barrier.residue import ENCODINGS, Hit, Report, Sweep, encodings, sweep, write_control
from severance.barrier.residue.needles import digests, token_ids
from severance.barrier.residue.planted import planted
from severance.embed import Hashing, bundled, quantize

SENTENCES = planted(40)
SECRET = SENTENCES[7]
RAW = SECRET.encode()
EMBEDDER = Hashing(64)
SWEEP = Sweep(SENTENCES, EMBEDDER)
VECTOR = EMBEDDER.embed([SECRET])
NOISE = np.random.default_rng(5).bytes(20_011)


def found(data: bytes) -> set[tuple[str, int, bool]]:
    return {(hit.encoding, hit.sentence, hit.whole) for hit in SWEEP.content("here", data).hits}


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("some/name.txt", SECRET)
    return out.getvalue()


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("utf-8", RAW),
        ("utf-16", SECRET.encode("utf-16-le")),
        ("utf-16", SECRET.encode("utf-16-be")),
        ("hex", RAW.hex().encode()),
        ("hex", RAW.hex().upper().encode()),
        *(("base64", base64.b64encode(b"y" * shift + RAW + b"zz")) for shift in range(3)),
        ("base64", base64.urlsafe_b64encode(b"y" + RAW)),
        ("zlib", zlib.compress(RAW)),
        ("zlib", zlib.compress(b"prefix" * 99 + RAW, 1)),
        ("zlib", gzip.compress(RAW)),
        ("zlib", gzip.compress(zlib.compress(json.dumps(SECRET).encode()))),
        ("zlib", archive()),
        ("json", json.dumps({"text": SECRET}).encode()),
        ("json", re.sub(r"\\u....", lambda unit: "\\u" + unit[0][2:].upper(), json.dumps(SECRET)).encode()),
        ("vector", VECTOR.astype("<f4").tobytes()),
        ("vector", quantize(VECTOR)[0].tobytes()),
        ("vector", VECTOR.astype("<f2").tobytes()),
        ("vector", VECTOR.astype("<f8").tobytes()),
        ("vector", json.dumps({"vector": VECTOR[0].tolist()}).encode()),
        ("vector", json.dumps([float(str(one)) for one in VECTOR[0]], separators=(",", ":")).encode()),
        ("vector", json.dumps([round(one, 6) for one in VECTOR[0].tolist()]).encode()),
        ("vector", " ,".join(f"{one:.6f}" for one in VECTOR[0]).replace(" ,", ", ").encode()),
        *(("digest", digest) for digest in digests(RAW)),
        *(("digest", digest.hex().encode()) for digest in digests(RAW)),
        *(("digest", digest.hex().upper().encode()) for digest in digests(RAW)),
        ("tokens", np.array(token_ids(SECRET), "<u2").tobytes()),
        ("tokens", np.array(token_ids(SECRET), "<u4").tobytes()),
    ],
)
@pytest.mark.parametrize("before", [0, 1, 4095, 20_001])
def test_each_encoding_is_found_wherever_it_stands(encoding: str, data: bytes, before: int) -> None:
    assert (encoding, 7, True) in found(NOISE[:before] + data + NOISE[:333])


def test_a_raw_deflate_stream_is_found_at_the_beginning() -> None:
    packer = zlib.compressobj(wbits=-15)
    assert ("zlib", 7, True) in found(packer.compress(RAW) + packer.flush())


@pytest.mark.parametrize("cut", range(0, len(SECRET) - 24, 5))
def test_any_24_characters_of_it_are_found(cut: int) -> None:
    piece = SECRET[cut : cut + 24]
    for data in (
        piece.encode(),
        piece.encode("utf-16-le"),
        piece.encode().hex().encode(),
        zlib.compress(piece.encode()),
    ):
        assert 7 in {sentence for _, sentence, _ in found(NOISE + data + NOISE)}


def test_a_stream_that_was_cut_off_or_damaged_is_read_as_far_as_it_goes() -> None:
    stream = zlib.compress(b"".join(sentence.encode() for sentence in SENTENCES))
    cut = {sentence for encoding, sentence, whole in found(stream[: len(stream) // 2]) if whole}
    damaged = {sentence for _, sentence, whole in found(stream[:1500] + b"\xff" * 64 + stream[1564:]) if whole}
    assert set(range(10)) <= cut < set(range(40))
    assert set(range(10)) <= damaged < set(range(40))


def test_nothing_is_found_in_noise_zeros_or_other_sentences() -> None:
    others = "\n".join(sentence[:30] for sentence in planted(200, seed=9)).encode()
    common = SENTENCES[7][:14].encode() + SENTENCES[8][30:42].encode()
    assert found(NOISE + bytes(100_000) + others + common) == set()
    assert found(b"") == found(b"short") == set()


def test_other_sentences_are_not_taken_for_leftovers_however_they_are_written() -> None:
    others = "\n".join(planted(3_000, seed=9))
    for data in (others.encode(), json.dumps(others).encode(), others.encode("utf-16-le")):
        assert found(data) == set()


def test_the_control_holds_every_sentence_in_every_encoding(tmp_path: Path) -> None:
    write_control(tmp_path / "control", SENTENCES, EMBEDDER)
    report = SWEEP.paths([tmp_path])
    assert report.found(whole=True) == {name: set(range(40)) for name in ENCODINGS}
    assert report.files == 11
    assert not report.clean


def test_hidden_files_journals_and_names_of_files_are_swept_and_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.db-wal").write_bytes(NOISE + RAW)
    (tmp_path / f"{SENTENCES[3][:60]}.txt".replace("/", "_")).touch()
    elsewhere = tmp_path.with_name("elsewhere")
    elsewhere.write_bytes(SENTENCES[4].encode())
    (tmp_path / "link").symlink_to(elsewhere)
    report = sweep([tmp_path], SENTENCES, EMBEDDER)
    assert report.found()["utf-8"] == {3, 7}
    assert Hit(str(tmp_path / ".hidden" / "x.db-wal"), len(NOISE), "utf-8", 7, True) in report.hits


def test_a_report_repeats_nothing_of_what_was_found() -> None:
    report = SWEEP.content("here", RAW)
    assert SECRET[:12] not in repr(report)
    assert (report + Report(files=2, bytes=3)).files == 2


def test_what_comes_in_pieces_is_found_across_their_borders() -> None:
    data = NOISE + b"".join(f"{sentence}\n".encode() for sentence in SENTENCES) + NOISE
    for size in (64, 300, 1_000, 4_096):
        pieces = [(7 + at, data[at : at + size]) for at in range(0, len(data), size)]
        report = SWEEP.pieces("here", pieces)
        assert report.found(whole=True)["utf-8"] == set(range(40)), size
        assert report.bytes == len(data)
        assert min(hit.offset for hit in report.hits if hit.whole) == 7 + len(NOISE)
        assert len(report.hits) == len(set(report.hits))


def test_pieces_that_are_not_neighbours_are_not_joined() -> None:
    half = len(RAW) // 2
    report = SWEEP.pieces("here", [(0, RAW[:half]), (half + 1, RAW[half:])])
    assert report.sentences == {7}
    assert not report.found(whole=True)["utf-8"]


def test_a_large_file_is_swept_in_pieces(tmp_path: Path) -> None:
    file = tmp_path / "core"
    with file.open("wb") as out:
        out.truncate(2**26)
        out.seek(2**22 - 40)
        out.write(RAW)
    report = SWEEP.paths([file])
    assert Hit(str(file), 2**22 - 40, "utf-8", 7, True) in report.hits
    assert report.bytes - len("core") == 2**23, "what is nothing but zeros is passed over"


def test_each_of_many_near_copies_is_found_whole() -> None:
    copies = [f"Order {a}{b}{c} of pens arrived" for a in "abcde" for b in "vwxyz" for c in "1234"]
    among = Sweep(copies, bundled())
    for number, copy in enumerate(copies):
        for data in (copy.encode(), copy.encode("utf-16-le"), copy.encode().hex().encode()):
            assert number in {hit.sentence for hit in among.content("memory", data).hits if hit.whole}


@pytest.mark.skipif(sys.platform == "win32", reason="needs sockets and links in folders")
def test_the_names_of_folders_sockets_pipes_and_links_are_swept_and_where_links_lead(tmp_path: Path) -> None:
    names = [f"vermilion-stairwell-{kind}" for kind in ("folder", "socket", "pipe", "link", "leads")]
    folder, socketed, pipe, link = (tmp_path / name for name in names[:4])
    folder.mkdir()
    os.mkfifo(pipe)
    link.symlink_to(f"nowhere/{names[4]}")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tmp_path)  # the path of a socket is short
        try:
            listening.bind(socketed.name)
        finally:
            os.chdir(here)
        report = Sweep(names, EMBEDDER).paths([tmp_path])
    assert report.found(whole=True)["utf-8"] == set(range(5))
    assert report.files == 0, "there is nothing to read"


def test_names_are_found_whole_and_what_is_too_short_is_refused() -> None:
    name = "vermilion-stairwell"
    report = Sweep([name], EMBEDDER).content("here", b"at " + name.encode() + b".")
    assert report.found(whole=True)["utf-8"] == {0}
    with pytest.raises(InputError):
        Sweep(["too few"], EMBEDDER)


def test_a_digest_cut_to_eight_digits_is_found_when_that_is_asked_for() -> None:
    line = b"DEBUG seen " + hashlib.sha256(RAW).hexdigest()[:8].encode() + b" again"
    assert Sweep(SENTENCES, EMBEDDER, digits=8).content("log", line).found(whole=True)["digest"] == {7}
    assert SWEEP.content("log", line).clean, "in many bytes it could be anybody's"


def test_a_list_of_the_words_in_use_gives_a_sentence_away() -> None:
    words = sorted({word for sentence in SENTENCES[5:9] for word in re.findall(r"\w+", sentence.lower())})
    assert SWEEP.content("vocabulary", "\n".join(words).encode()).sentences == {5, 6, 7, 8}


def test_encodings_are_eight_and_digests_and_a_text_without_a_vector_has_none() -> None:
    forms = encodings(SECRET, bundled())
    assert tuple(forms) == ENCODINGS
    assert [len(forms[name]) for name in ("utf-16", "hex", "tokens", "digest")] == [2, 2, 2, 12]
    assert 4 + 6 <= len(forms["vector"]) <= 4 + 8
    assert 3 <= len(forms["base64"]) <= 6
    assert encodings("        ", EMBEDDER)["vector"] == ()
