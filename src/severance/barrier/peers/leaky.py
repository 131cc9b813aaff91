"""Toy memories, the controls of the classes: a strict one, and for each kind of probe one that leaks in this way."""

from __future__ import annotations

import fnmatch
import json
import random
import re
import time
import zlib
from collections.abc import Mapping
from pathlib import Path

from severance.barrier.peers.port import Found

Texts = dict[str, str]


class Strict:
    """Keeps a dictionary for each tenant, and writes all of them to one file at each change. Leaks nothing."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "memories.json"
        self._all: dict[str, Texts] = json.loads(self._file.read_text("utf-8")) if self._file.exists() else {}

    def add(self, tenant: str, text: str) -> str:
        id_ = self._new_id(tenant, text)
        self._own(tenant)[id_] = text
        self._save()
        return id_

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return _ranked(self._readable(tenant), query)[:limit]

    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        return self._own(tenant).get(id)

    def update(self, tenant: str, id: str, text: str) -> None:  # noqa: A002
        if id in self._own(tenant):
            self._own(tenant)[id] = text
        self._save()

    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        self._own(tenant).pop(id, None)
        self._save()

    def list(self, tenant: str) -> list[Found]:
        return [Found(id_, text) for id_, text in self._readable(tenant).items()]

    def close(self) -> None:
        self._save()

    def _new_id(self, tenant: str, text: str) -> str:
        return f"{random.getrandbits(96):024x}"

    def _own(self, tenant: str) -> Texts:
        return self._all.setdefault(tenant, {})

    def _readable(self, tenant: str) -> Texts:
        return self._own(tenant)

    def _everything(self) -> Texts:
        return {id_: text for texts in self._all.values() for id_, text in texts.items()}

    def _save(self) -> None:
        self._file.write_text(json.dumps(self._all), "utf-8")


def _ranked(texts: Texts, query: str, scale: float = 1.0) -> list[Found]:
    wanted = set(re.findall(r"\w+", query.lower()))
    found = [
        Found(id_, text, len(wanted & set(re.findall(r"\w+", text.lower()))) / scale) for id_, text in texts.items()
    ]
    return sorted(found, key=lambda each: -(each.score or 0))


class NoFilterInSearch(Strict):
    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return _ranked(self._everything(), query)[:limit]


class NoFilterInList(Strict):
    def list(self, tenant: str) -> list[Found]:
        return [Found(id_, text) for id_, text in self._everything().items()]


class WiderWhenEmpty(Strict):
    def _readable(self, tenant: str) -> Texts:
        return self._own(tenant) or self._everything()


class DeletesAll(Strict):
    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        self._all.clear()


class ForgetsFilterAfterRestart(Strict):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._loaded = self._everything()

    def _readable(self, tenant: str) -> Texts:
        return self._loaded | self._own(tenant)


class GetByAnyone(Strict):
    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        return self._everything().get(id)


class UpdateByAnyone(Strict):
    def update(self, tenant: str, id: str, text: str) -> None:  # noqa: A002
        for texts in self._all.values():
            if id in texts:
                texts[id] = text


class DeleteByAnyone(Strict):
    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        for texts in self._all.values():
            texts.pop(id, None)


class NoLimitMeansAll(Strict):
    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return super().search(tenant, query, limit) if limit > 0 else _ranked(self._everything(), query)


class HighLimitMeansAll(Strict):
    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return super().search(tenant, query, limit) if limit <= 1_000 else _ranked(self._everything(), query)


class OpensWhenFull(Strict):
    """Keeps tenants apart until it has more than 400 memories."""

    def _readable(self, tenant: str) -> Texts:
        everything = self._everything()
        return everything if len(everything) > 400 else self._own(tenant)


class _Matching(Strict):
    """Reads as every tenant that matches."""

    def _readable(self, tenant: str) -> Texts:
        own = self._own(tenant)
        fitting = (texts for name, texts in self._all.items() if self._matches(name, tenant))
        return own | {id_: text for texts in fitting for id_, text in texts.items()}

    def _matches(self, name: str, asked: str) -> bool:
        raise NotImplementedError


class PrefixMatch(_Matching):
    def _matches(self, name: str, asked: str) -> bool:
        return name.startswith(asked)


class SubstringMatch(_Matching):
    def _matches(self, name: str, asked: str) -> bool:
        return asked in name


class LikeTenant(_Matching):
    def _matches(self, name: str, asked: str) -> bool:
        pattern = re.escape(asked).replace("%", ".*").replace("_", ".")
        return re.fullmatch(pattern, name) is not None


class GlobTenant(_Matching):
    def _matches(self, name: str, asked: str) -> bool:
        return fnmatch.fnmatchcase(name, asked)


class RegexTenant(_Matching):
    def _matches(self, name: str, asked: str) -> bool:
        return re.fullmatch(asked, name) is not None


class StarQuery(Strict):
    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return _ranked(self._everything() if query == "*" else self._own(tenant), query)[:limit]


class StarId(Strict):
    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        if id == "%":
            self._all.clear()
        super().delete(tenant, id)


class TenantInText(Strict):
    def add(self, tenant: str, text: str) -> str:
        return super().add(_claimed(text) or tenant, text)


class TenantInQuery(Strict):
    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return super().search(_claimed(query) or tenant, query, limit)


class OperatorInQuery(Strict):
    """As a search box does: `from:` before a name."""

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        named = re.search(r"\bfrom:(\S+)", query)
        return super().search(named[1] if named else tenant, query, limit)


class TenantInMetadata(Strict):
    def add_with(self, tenant: str, text: str, metadata: Mapping[str, str]) -> str:
        return self.add(next(iter(metadata.values()), tenant), text)


def _claimed(text: str) -> str | None:
    found = re.search(r'user_id"?\s*[:=]\s*"?([\w-]+)', text)
    return found[1] if found else None


class JoinedKey(Strict):
    """One flat table, its keys put together from tenant and id."""

    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        flat = {f"{name}:{id_}": text for name, texts in self._all.items() for id_, text in texts.items()}
        return flat.get(f"{tenant}:{id}")


class CachesJoinedQuery(Strict):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._cache: dict[str, list[Found]] = {}

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return self._cache.setdefault(self._joined(tenant, query), super().search(tenant, query, limit))

    def add(self, tenant: str, text: str) -> str:
        self._cache.clear()
        return super().add(tenant, text)

    def _joined(self, tenant: str, query: str) -> str:
        return f"{tenant}/{query}"


class FoldsCase(Strict):
    def _own(self, tenant: str) -> Texts:
        return super()._own(tenant.casefold())


class TrimsNames(Strict):
    def _own(self, tenant: str) -> Texts:
        return super()._own(tenant.strip())


class CutsNames(Strict):
    def _own(self, tenant: str) -> Texts:
        return super()._own(tenant[:64])


class FoldsSigns(Strict):
    def _own(self, tenant: str) -> Texts:
        return super()._own(tenant.replace("-", "_"))


class HashesNames(Strict):
    """Knows a tenant by a checksum of its name."""

    def _own(self, tenant: str) -> Texts:
        return super()._own(f"{zlib.crc32(tenant.encode()):08x}")


class DomainOnly(Strict):
    def _own(self, tenant: str) -> Texts:
        return super()._own(tenant.rpartition("@")[2])


class CurrentTenant(Strict):
    """Sets who it is serving, and looks a moment later."""

    _current = ""

    def list(self, tenant: str) -> list[Found]:
        self._current = tenant
        time.sleep(1e-4)
        return super().list(self._current)


class SharedResults(Strict):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._found: list[Found] = []

    def list(self, tenant: str) -> list[Found]:
        self._found[:] = super().list(tenant)
        return self._found


class CacheWithoutTenant(CachesJoinedQuery):
    def _joined(self, tenant: str, query: str) -> str:
        return query


class SharedDuplicates(Strict):
    """Keeps the same text once, for all who have added it."""

    def _new_id(self, tenant: str, text: str) -> str:
        return f"{random.Random(text).getrandbits(96):024x}"

    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        for texts in self._all.values():
            texts.pop(id, None)


class CountsForAll(Strict):
    def _new_id(self, tenant: str, text: str) -> str:
        return str(len(self._everything()) + 1)


class FiltersAfterwards(Strict):
    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return [found for found in _ranked(self._everything(), query)[:limit] if found.id in self._own(tenant)]


class ScoresAgainstAll(Strict):
    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return _ranked(self._own(tenant), query, scale=len(self._everything()) or 1)[:limit]


class KeepsInIndex(Strict):
    """Deletes from the table, and not from what is searched."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._index = {tenant: dict(texts) for tenant, texts in self._all.items()}

    def add(self, tenant: str, text: str) -> str:
        id_ = super().add(tenant, text)
        self._index.setdefault(tenant, {})[id_] = text
        return id_

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        return _ranked(self._index.get(tenant, {}) | self._own(tenant), query)[:limit]


class KeepsById(Strict):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._trash: dict[tuple[str, str], str] = {}

    def get(self, tenant: str, id: str) -> str | None:  # noqa: A002
        return super().get(tenant, id) or self._trash.get((tenant, id))

    def delete(self, tenant: str, id: str) -> None:  # noqa: A002
        self._trash[tenant, id] = self._own(tenant).get(id, "")
        super().delete(tenant, id)


class KeepsOnDisk(Strict):
    def add(self, tenant: str, text: str) -> str:
        with self._file.with_suffix(".log").open("a", encoding="utf-8") as log:
            log.write(f"{tenant}\t{text}\n")
        return super().add(tenant, text)


class HistoryForAll(Strict):
    """Keeps what was before an update, and answers everybody who asks for it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._before: Texts = {}

    def update(self, tenant: str, id: str, text: str) -> None:  # noqa: A002
        self._before[id] = self._own(tenant).get(id, "")
        super().update(tenant, id, text)

    def search(self, tenant: str, query: str, limit: int) -> list[Found]:
        told = self._before if "history" in query else {}
        return [*super().search(tenant, query, limit), *_ranked(told, query)]


class EmptyMeansAll(Strict):
    def _readable(self, tenant: str) -> Texts:
        return self._own(tenant) if tenant.strip() else self._everything()


class EmptyMeansDefault(Strict):
    def _own(self, tenant: str) -> Texts:
        return super()._own(tenant.strip() or "default")
