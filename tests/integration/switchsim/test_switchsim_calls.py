"""Whole calls through the stand-in, driven by a controller that shares no code with it."""

from __future__ import annotations

import wave
from pathlib import Path

import gevent
import numpy as np
import pytest

from esl_app.switchsim import (
    Action,
    Caller,
    CallResult,
    Cancel,
    HangUp,
    Moment,
    Press,
    Speak,
    SpeakWhenQuiet,
    Step,
    Switch,
    Wait,
    WhenQuiet,
)
from tests.integration.switchsim.controller import Line, controlling

pytestmark = pytest.mark.integration

_SPEED = 40.0
_TONE = "tone_stream://%(600,0,440)"


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """1.2 s as loud as speech, at 16 kHz."""
    path = tmp_path / "speech.wav"
    samples = np.random.default_rng(3).normal(0, 3000, 19200).astype("<i2")
    with wave.open(str(path), "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16000)
        writer.writeframes(samples.tobytes())
    return path


def level(audio: bytes, begin_s: float, end_s: float) -> float:
    samples = np.frombuffer(audio, "<i2")[int(begin_s * 8000) : int(end_s * 8000)]
    return float(np.abs(samples.astype(np.int32)).mean()) if len(samples) else 0.0


def call(port: int, *steps: Step, **more: object) -> CallResult:
    patience_s = float(str(more.pop("patience_s", 30)))
    return Switch(speed=_SPEED).call(
        Caller(steps, patience_s=patience_s),
        port=port,
        timeout_s=20,
        **more,  # type: ignore[arg-type]
    )


def test_a_turn_in_file_mode(tmp_path: Path, speech: Path) -> None:
    recorded = tmp_path / "turn.wav"

    def turn(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("playback", _TONE)
        done = line.execute("record", f"{recorded} 20 200 1")
        assert done["variable_silence_hits_exhausted"] == "true"
        assert int(done["variable_record_ms"]) == pytest.approx(2800, abs=100)
        line.start("hangup", "NORMAL_CLEARING")
        line.drain()

    with controlling(turn) as controller:
        result = call(controller.port, SpeakWhenQuiet(speech))
    assert (result.hangup_cause, result.ended_by) == ("NORMAL_CLEARING", "controller")
    assert result.answered
    assert result.sip_status == 200
    assert result.script_finished
    assert not result.fell_back
    assert result.applications() == [
        *("set", "set", "socket", "answer", "playback", "record", "hangup"),
    ]
    assert len(result.caller_audio) == len(result.agent_audio)
    # 0.6 s of quiet, 1.2 s of speech, 1 s of silence: that is what the file holds
    with wave.open(str(recorded), "rb") as reader:
        assert reader.getframerate() == 8000
        heard = reader.readframes(reader.getnframes())
    assert level(heard, 0, 0.5) == 0
    assert level(heard, 0.65, 1.75) > 1000
    assert level(heard, 1.85, 2.8) == 0
    [tone] = [moment for moment in result.of("complete") if moment.what == "playback"]
    assert level(result.agent_audio, tone.at_s - 0.55, tone.at_s - 0.05) > 1000
    assert level(result.agent_audio, tone.at_s + 0.05, result.duration_s) == 0


def test_stereo_file_has_both_sides(tmp_path: Path, speech: Path) -> None:
    def answer(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("playback", _TONE)
        line.start("hangup")
        line.drain()

    with controlling(answer) as controller:
        result = call(controller.port, Speak(speech))
    result.write_wav(tmp_path / "call.wav")
    with wave.open(str(tmp_path / "call.wav"), "rb") as reader:
        assert reader.getnchannels() == 2
        assert reader.getnframes() == len(result.agent_audio) // 2
        left = np.frombuffer(reader.readframes(reader.getnframes()), "<i2")[::2]
    assert left.tobytes() == result.caller_audio


def test_audio_is_fast_and_parking_is_true() -> None:
    def think(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("playback", "silence_stream://8000")
        gevent.sleep(0.3)  # the controller thinks: its own time keeps its length
        line.start("hangup")
        line.drain()

    with controlling(think) as controller:
        result = call(controller.port)
    [played] = [moment for moment in result.of("complete") if moment.what == "playback"]
    assert result.duration_s - played.at_s == pytest.approx(0.3, abs=0.15)
    assert result.duration_s > 8
    assert result.real_s < 4


def test_talking_over_a_prompt_and_a_break() -> None:
    """Barge-in of file mode: a digit event, then an unlocked break."""

    def barge(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.start("playback", "silence_stream://60000", Event_UUID="prompt")
        line.until("DTMF")
        line.start("break")
        done = line.until("CHANNEL_EXECUTE_COMPLETE", "playback")
        assert done["Application-UUID"] == "prompt"
        assert done["Application-Response"] == "FILE PLAYED"
        line.start("hangup")
        line.drain()

    with controlling(barge) as controller:
        result = call(controller.port, Wait(1.0), Press("5"))
    assert result.duration_s < 30
    assert [moment.what for moment in result.of("digit")] == ["5"]


def test_type_ahead_is_lost_while_parked_and_gathered_while_asked() -> None:
    def ask(line: Line) -> None:
        line.connect()
        line.execute("answer")
        assert [line.until("DTMF")["DTMF-Digit"] for _ in "12"] == ["1", "2"]
        done = line.execute(
            "play_and_get_digits", f"2 2 1 3000 # {_TONE} silence_stream://50 pin \\d+"
        )
        assert done["variable_pin"] == "34"
        assert done["variable_read_result"] == "success"
        line.start("hangup")
        line.drain()

    with controlling(ask) as controller:
        result = call(controller.port, Press("12"), WhenQuiet(0.4), Press("34"))
    assert result.ended_by == "controller"


def test_an_impatient_caller_leaves() -> None:
    def silence(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("sleep", "60000")
        line.drain()

    with controlling(silence) as controller:
        result = call(controller.port, patience_s=5.0)
    assert result.caller_gave_up
    assert (result.ended_by, result.hangup_cause) == ("caller", "NORMAL_CLEARING")
    assert result.duration_s == pytest.approx(5, abs=1)


def test_a_caller_gives_up_ringing() -> None:
    order: list[str] = []

    def never_answers(line: Line) -> None:
        line.connect()
        rest = [packet for packet in line.drain() if "Hangup-Cause" in packet]
        assert {packet["Hangup-Cause"] for packet in rest} == {"ORIGINATOR_CANCEL"}
        order.extend(packet["Event-Name"] for packet in rest)

    with controlling(never_answers) as controller:
        result = call(controller.port, Cancel(after_s=0.2), HangUp())
    assert not result.answered
    assert (result.hangup_cause, result.sip_status) == ("ORIGINATOR_CANCEL", 487)
    assert order == [
        "CHANNEL_HANGUP",
        "CHANNEL_UNPARK",
        "CHANNEL_EXECUTE_COMPLETE",
        "CHANNEL_STATE",
        "CHANNEL_STATE",
        "CHANNEL_HANGUP_COMPLETE",
    ]


def test_transfer_reaches_the_operator_and_no_fallback() -> None:
    def transfer(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("set", "socket_resume=false")
        line.execute("transfer", "operator XML public")
        line.sock.close()

    with controlling(transfer) as controller:
        result = call(controller.port)
    assert result.transferred_to == "operator"
    assert not result.fell_back
    assert result.attempts == 1
    tones = next(moment.at_s for moment in result.of("complete") if moment.what == "transfer")
    for begin_s in (tones, tones + 0.7):  # the operator's two tones, whole
        assert level(result.agent_audio, begin_s, begin_s + 0.48) > 1000
    assert result.duration_s > tones + 3


def test_a_transfer_with_resume_on_strands_the_caller_when_the_socket_closes() -> None:
    """As a real FreeSWITCH does: no sound, no other controller, no hang-up."""

    def transfer(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("transfer", "operator XML public")
        line.sock.close()

    with controlling(transfer) as controller:
        result = call(controller.port, patience_s=3)
    assert result.of("stranded")
    assert (result.caller_gave_up, result.fell_back) == (True, False)


def test_transfer_into_another_socket() -> None:
    """Two sockets for one channel: the first goes on hearing what happens to it."""

    def first(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("set", "socket_resume=false")
        line.execute("transfer", "again XML public")
        line.until("CHANNEL_EXECUTE", "set")

    def second(line: Line) -> None:
        assert line.connect()["Channel-Destination-Number"] == "again"
        line.execute("set", "who=second")
        line.execute("playback", _TONE)
        line.start("hangup")
        line.drain()

    with controlling(first, second) as controller:
        again = [Action("socket", f"127.0.0.1:{controller.port} async")]
        switch = Switch(speed=_SPEED, extensions={"again": again})
        result = switch.call(Caller(), port=controller.port, timeout_s=10)
        assert len({line.seen[0]["Unique-ID"] for line in controller.lines}) == 1
        assert not controller.errors
    assert (result.ended_by, result.attempts) == ("controller", 2)
    assert result.applications()[-2:] == ["playback", "hangup"]


def test_transfer_to_nobody_ends_the_call() -> None:
    def transfer(line: Line) -> None:
        line.connect()
        line.execute("transfer", "4711")
        line.drain()

    with controlling(transfer) as controller:
        result = Switch(speed=_SPEED, default_extension=None).call(
            Caller(), port=controller.port, timeout_s=10
        )
    assert result.hangup_cause == "NO_ROUTE_DESTINATION"
    assert not result.answered
    assert result.sip_status == 404


def test_many_calls_at_once() -> None:
    def serve(line: Line) -> None:
        line.connect()
        line.execute("answer")
        line.execute("playback", _TONE)
        line.start("hangup")
        line.drain()

    switch = Switch(speed=_SPEED)
    with controlling(serve) as controller:
        placed = [switch.place(Caller(), port=controller.port) for _ in range(30)]
        results = [each.result(timeout_s=20) for each in placed]
        assert not controller.errors
    assert {result.ended_by for result in results} == {"controller"}
    assert len({result.uuid for result in results}) == 30
    assert not switch.sessions()


def test_an_observer_sees_the_call_as_it_happens() -> None:
    seen: list[Moment] = []

    def serve(line: Line) -> None:
        line.connect()
        line.execute("answer")
        assert any(moment.kind == "answered" for moment in seen)
        line.start("hangup")
        line.drain()

    with controlling(serve) as controller:
        result = call(controller.port, observer=seen.append)
    assert tuple(seen) == result.moments


def test_a_dialplan_of_ones_own() -> None:
    def look(line: Line) -> None:
        assert line.connect()["variable_greeting"] == "hello world"
        line.start("hangup")
        line.drain()

    with controlling(look) as controller:
        plan = [
            Action("set", "who=world"),
            Action("set", "greeting=hello ${who}"),
            Action("socket", f"127.0.0.1:{controller.port} async full"),
        ]
        result = call(controller.port, dialplan=plan)
        assert not controller.errors
    assert result.variables["greeting"] == "hello world"
