"""Encoders that other packages run in this process. Each package is imported when it is chosen, and not before."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from severance.embed.encoder import Encoder, identity_of
from severance.errors import EmbedderError, SeveranceError

T = TypeVar("T")

_BATCH = 256
_PIECE = 2**20


class Model2Vec(Encoder):
    """A static model by `model2vec`."""

    def __init__(self, model: str, *, query: str = "", document: str = "") -> None:
        """`model` is a folder, or a name that the package knows how to download.

        Raises:
            EmbedderError: the package is not installed, or cannot load the model.
        """
        package = imported("model2vec", EmbedderError)
        how = {} if Path(model).is_dir() else {"force_download": False}
        self._model = attempted(lambda: package.StaticModel.from_pretrained(model, **how), model, EmbedderError)
        held = self._model
        arrays = (getattr(held, name, None) for name in ("embedding", "weights", "token_mapping"))
        parts = [np.ascontiguousarray(array).data for array in arrays if array is not None]
        digest = _digest([*parts, held.tokenizer.to_str().encode()])
        options = {"query": query, "document": document}
        identity = identity_of("model2vec", _name(model), options, digest)
        super().__init__(identity, query=query, document=document, batch=_BATCH)

    def _vectors(self, texts: Sequence[str], *, asking: bool) -> object:
        # Whole texts; and no processes of the package's own, in which they would be outside of this one.
        return computed(lambda: self._model.encode(list(texts), max_length=None, use_multiprocessing=False))


class FastEmbed(Encoder):
    """An ONNX model by `fastembed`."""

    def __init__(self, model: str, *, path: str | None = None, query: str = "", document: str = "") -> None:
        """`model` is a name on the package's list; with `path`, its files are read from that folder.

        Raises:
            EmbedderError: the package is not installed, or cannot load the model.
        """
        package = imported("fastembed", EmbedderError)
        how = {} if path is None else {"specific_model_path": path}
        self._model = attempted(lambda: package.TextEmbedding(model, **how), model, EmbedderError)
        options = {"query": query, "document": document}
        identity = identity_of("fastembed", model, options, self._weights())
        super().__init__(identity, query=query, document=document, batch=_BATCH)

    def _vectors(self, texts: Sequence[str], *, asking: bool) -> object:
        call = self._model.query_embed if asking else self._model.passage_embed
        return computed(lambda: np.array(list(call(list(texts)))))

    def _weights(self) -> str:
        """A digest of the model's files, or nothing where the package does not say which those are."""
        inner = getattr(self._model, "model", None)
        folder, told = getattr(inner, "_model_dir", None), getattr(inner, "model_description", None)
        if folder is None or told is None:
            return ""
        names = [told.model_file, *told.additional_files, "tokenizer.json"]
        files = [Path(str(folder)) / name for name in names]
        return _digest(chain.from_iterable(_pieces(file) for file in files if file.is_file()))


class SentenceTransformers(Encoder):
    """A model by `sentence-transformers`; prompts that the model itself has for queries and documents are used."""

    def __init__(self, model: str, *, query: str = "", document: str = "") -> None:
        """`model` is a folder, or a name that the package knows how to download.

        Raises:
            EmbedderError: the package is not installed, or cannot load the model.
        """
        package = imported("sentence_transformers", EmbedderError)
        self._model = attempted(lambda: package.SentenceTransformer(model), model, EmbedderError)
        torch = import_module("torch")
        state = self._model.state_dict()
        weights = (state[name].detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().data for name in state)
        prompts = repr(sorted(self._model.prompts.items())).encode()
        options = {"query": query, "document": document}
        identity = identity_of("sentence-transformers", _name(model), options, _digest(chain(weights, [prompts])))
        super().__init__(identity, query=query, document=document, batch=_BATCH)

    def _vectors(self, texts: Sequence[str], *, asking: bool) -> object:
        call = self._model.encode_query if asking else self._model.encode_document
        return computed(lambda: call(list(texts), show_progress_bar=False, convert_to_numpy=True))


def imported(module: str, error: type[SeveranceError]) -> Any:
    """The package of this module, or what to do where it is not installed."""
    extra = module.partition(".")[0].replace("_", "-")
    try:
        return import_module(module)
    except ImportError:
        raise error(f"{extra} is not installed; install it with `pip install severance[{extra}]`") from None
    except Exception as problem:  # noqa: BLE001 - what a package needs of the system may be missing or of another kind
        why = type(problem).__name__
        raise error(f"{extra} is installed and cannot be imported ({why}); install it anew") from None


def attempted(load: Callable[[], T], model: str, error: type[SeveranceError]) -> T:
    """The loaded model, or that it cannot be."""
    try:
        return load()
    except Exception as problem:  # noqa: BLE001 - packages raise what they like, down to the network's errors
        why = type(problem).__name__
        raise error(f"the model {model} cannot be loaded ({why}); name a model that is there, or its folder") from None


def computed(work: Callable[[], object]) -> object:
    """What a package's model returned; its own errors may hold the text, and are not repeated."""
    try:
        return work()
    except Exception as problem:  # noqa: BLE001 - as above
        raise EmbedderError(f"the model failed ({type(problem).__name__})") from None


def _name(model: str) -> str:
    """A folder's name without its place, since a model that was moved is the same model."""
    return Path(model).resolve().name if Path(model).is_dir() else model


def _pieces(file: Path) -> Iterable[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece


def _digest(parts: Iterable[Any]) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part)
    return found.hexdigest()[:16]
