"""What callers, models, documents and rows say is never part of a command (S5, F3-F6)."""

from __future__ import annotations

import pytest

from esl_app.switchsim import SpeakWhenQuiet
from providers.fake import FakeLlm, FakeStt
from tests.fix_calls import AUDIO, Rig

pytestmark = pytest.mark.security

QUESTION = SpeakWhenQuiet(AUDIO / "parking.wav")

HOSTILE = [
    "a\nsession-id: 00000000-0000-0000-0000-000000000000",
    "a\rcall-command: hangup",
    "a\n\napi status",
    "${system touch pwned}",
    "$${x}",
    "\\${x}",
    "$\\{x}",
    "%[a=b]",
    "a\0b",
    "^^;a=b",
    "reload mod_event_socket",
    "transfer me to +8821650 XML inline",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_words_reach_no_command(rig: Rig, text: str) -> None:
    """The caller says it, the model repeats it, the greeting holds it: the call goes on."""
    written = text.replace("\0", "")  # PostgreSQL keeps no NUL, so no row can hold one
    tenant = rig.tenant(secretary={"greeting_message": written, "company_name": written})
    engines = rig.controller.engines.for_tenant(tenant)
    for engine, script in (
        (engines.stt, [text, "Goodbye."]),
        (engines.llm, [f"You said {text}."]),
    ):
        assert isinstance(engine, FakeStt | FakeLlm)
        engine.settings = engine.settings.model_copy(update={"script": script})
    commands: list[str] = []
    call = rig.call(
        QUESTION,
        QUESTION,
        observer=lambda moment: commands.append(f"{moment.kind} {moment.what} {moment.detail}"),
    )
    assert call.result.hangup_cause == "NORMAL_CLEARING"
    assert call.result.ended_by == "controller"
    ours = {"answer", "playback", "record", "set", "socket"}
    assert {moment.what for moment in call.result.of("execute")} <= ours
    needle = text.rsplit("\n", maxsplit=1)[-1].rsplit("\r", maxsplit=1)[-1].strip("\0ab;=")
    for command in commands:
        assert needle not in command or needle == "", command
    conversation, messages = rig.rows(call, tenant)
    assert conversation.total_turns == 2
    assert len(messages) == 3, "what was said is written down all the same"


def test_a_hostile_caller_name_is_only_data(rig: Rig) -> None:
    rig.tenant(hears=["Goodbye."])
    call = rig.call(
        QUESTION,
        variables={
            "caller_id_name": "Bob,execute_on_answer=system x",
            "sip_from_display": "${system x}\nvariable_domain_uuid: x",
        },
    )
    assert call.facts["ending"] == "goodbye"
    assert "system" not in call.result.applications()


@pytest.mark.parametrize(
    "extension", ["2000 inline", "set:x=1,park", "2000;x", "${x}", "../2000", "a b", "2000\nX: y"]
)
def test_an_extension_that_is_none_is_refused_before_a_byte_is_sent(
    rig: Rig, extension: str, flows_dir: object
) -> None:
    rig.tenant()
    (rig.settings.flows_dir / "reception.py").write_text(
        "from esl_app.flow import Call, flow\n\n\n@flow\ndef reception(call: Call) -> None:\n"
        f"    call.answer()\n    call.transfer({extension!r})\n"
    )
    del flows_dir
    call = rig.call()
    assert call.facts["disposition"] == "flow_failed"
    assert call.result.transferred_to == "operator", "the fallback's, not the flow's"


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "file_string://a!b", "shell_stream://id", "http://169.254.169.254/",
     "{loops=-1}parking.wav", "say:x", "-parking.wav", "/etc/passwd", "absent.wav"],
)  # fmt: skip
def test_a_sound_that_is_no_file_of_ours_is_refused(rig: Rig, name: str) -> None:
    rig.tenant()
    (rig.settings.flows_dir / "reception.py").write_text(
        "from esl_app.flow import Call, flow\n\n\n@flow\ndef reception(call: Call) -> None:\n"
        f"    call.answer()\n    call.play({name!r})\n"
    )
    call = rig.call()
    assert call.facts["disposition"] == "flow_failed"
    (moved,) = call.result.of("transfer")
    played = [
        moment.detail
        for moment in call.result.of("execute")
        if moment.what == "playback" and moment.at_s < moved.at_s
    ]
    assert played, "the apology"
    assert all("/prompts/" in path for path in played), "and nothing else"
