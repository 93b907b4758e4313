"""One freeswitch.xml out of the files we ship, with only addresses, limits and paths replaced.

What is tested is what an operator copies: a line missing in `dialplan/` or `conf/` is missing here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
DIALPLAN = _ROOT / "dialplan" / "freeswitch"
CONF = _ROOT / "conf" / "freeswitch"

# As the shipped example routes it.
NUMBER = "15550100"
OPERATOR = "200"
DOMAIN_UUID = "11111111-1111-4111-8111-111111111111"

_SHIPPED_PRIMARY = "127.0.0.1:8084"
_SHIPPED_STANDBY = "127.0.0.1:8085"
_SHIPPED_SORRY = "/var/lib/voice-ai/sounds/sorry.wav"
_SHIPPED_LIMIT = "+3600 "

OPERATOR_HZ = 1000  # the tone by which a caller knows that the operator has answered


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What differs between one FreeSWITCH of the tests and the next."""

    sip_port: int
    esl_port: int
    rtp_first: int
    rtp_last: int
    primary: str  # "host:port" of the controller
    standby: str
    sorry: Path
    domain_uuid: str = DOMAIN_UUID
    limit_s: int = 3600
    extra_modules: Sequence[str] = ()
    extra_dialplan: str = ""  # whole <context> elements
    operator: bool = True  # False: the route names none
    codecs: str = "PCMU"  # as FreeSWITCH's list of preferences writes them
    shipped_core: bool = True  # False: no allowlist, for tests of what it protects from


def _shipped(path: Path, *replacements: tuple[str, str]) -> str:
    """A shipped file without its frame; each text to be replaced has to be there."""
    text = path.read_text()
    for old, new in replacements:
        if old not in text:
            raise ValueError(f"{path.name} has no {old!r} any more")
        text = text.replace(old, new)
    return re.sub(r"<\?xml[^>]*\?>|</?include>", "", text)


def _param(name: str, value: object) -> str:
    return f'<param name="{name}" value="{value}"/>'


def _number_route(settings: Settings) -> str:
    text = _shipped(
        DIALPLAN / "public" / "00_voice_ai_numbers.xml",
        (DOMAIN_UUID, settings.domain_uuid),
        ("voice_ai_operator_context=default", "voice_ai_operator_context=rig-operator"),
    )
    if settings.operator:
        return text
    return re.sub(r".*data=\"voice_ai_operator.*\n", "", text)


def freeswitch_xml(settings: Settings) -> str:
    auto = CONF / "autoload_configs"
    core = _shipped(
        auto / "switch.conf.xml",
        ('"rtp-start-port" value="16384"', f'"rtp-start-port" value="{settings.rtp_first}"'),
        ('"rtp-end-port" value="32768"', f'"rtp-end-port" value="{settings.rtp_last}"'),
        ('"loglevel" value="notice"', '"loglevel" value="debug"'),
    )
    if not settings.shipped_core:
        core = re.sub(r"<interface-allowlist>.*</interface-allowlist>", "", core, flags=re.DOTALL)
        core = core.replace('"api-expansion" value="false"', '"api-expansion" value="true"')
    extra = "".join(f'<load module="{name}"/>' for name in settings.extra_modules)
    modules = _shipped(auto / "modules.conf.xml", ("</modules>", f"{extra}</modules>"))
    socket = _shipped(auto / "event_socket.conf.xml", ("8021", str(settings.esl_port)))
    contexts = _shipped(
        DIALPLAN / "voice-ai.xml",
        (_SHIPPED_PRIMARY, settings.primary),
        (_SHIPPED_STANDBY, settings.standby),
        (_SHIPPED_SORRY, str(settings.sorry)),
        (_SHIPPED_LIMIT, f"+{settings.limit_s} "),
    )
    return f"""<?xml version="1.0"?>
<document type="freeswitch/xml">
  <section name="configuration">
    {core}
    {modules}
    {socket}
    <configuration name="logfile.conf">
      <settings>{_param("rotate-on-hup", "true")}</settings>
      <profiles><profile name="default">
        <settings>{_param("rollover", 0)}</settings>
        <mappings><map name="all" value="debug,info,notice,warning,err,crit,alert"/></mappings>
      </profile></profiles>
    </configuration>
    <configuration name="console.conf"><mappings/><settings/></configuration>
    <configuration name="sofia.conf">
      <profiles><profile name="rig"><settings>
        {_param("sip-ip", "127.0.0.1")}
        {_param("rtp-ip", "127.0.0.1")}
        {_param("sip-port", settings.sip_port)}
        {_param("context", "public")}
        {_param("dialplan", "XML")}
        {_param("auth-calls", "false")}
        {_param("inbound-codec-prefs", settings.codecs)}
        {_param("outbound-codec-prefs", "PCMU")}
        {_param("rtp-timer-name", "soft")}
        {_param("dtmf-type", "rfc2833")}
        {_param("manage-presence", "false")}
      </settings></profile></profiles>
    </configuration>
  </section>
  <section name="dialplan">
    {contexts}
    <context name="public">{_number_route(settings)}</context>
    <context name="rig-operator">
      <extension name="rig-operator">
        <condition field="destination_number" expression="^{OPERATOR}$">
          <action application="answer"/>
          <action application="endless_playback"
                  data="tone_stream://%(1000,0,{OPERATOR_HZ});loops=-1"/>
        </condition>
      </extension>
    </context>
    {settings.extra_dialplan}
  </section>
  <section name="directory">
    {_shipped(CONF / "directory" / "voice_ai_control.xml")}
  </section>
</document>
"""
