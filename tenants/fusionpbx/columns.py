"""What becomes of columns: they are here, have another name, or are left out for a reason."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

_AUDIO: Final = "sound is paced and levelled here by itself"
_OMNIPLAY: Final = "nothing of OmniPlay is here"
_TICKET: Final = "tickets are messages here (`take_message`); fallback_action says when"
_LOGS: Final = "always kept here"
_TOOLS: Final = "tools are flows' here"

# Bookkeeping of theirs, which nobody misses.
SILENT: Final = frozenset(
    {
        "domain_uuid",
        "insert_date",
        "insert_user",
        "update_date",
        "update_user",
        "created_at",
        "updated_at",
    }
)

RENAMED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "enabled": "is_enabled",
        "is_active": "is_enabled",
        "keywords": "intent_keywords",
        "idle_timeout_seconds": "silence_fallback_seconds",
    }
)
"""Columns of the rival schemas, by what they are here; the one on the right wins where both are."""

LEFT_OUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "ptt_rms_threshold",
                "ptt_hits",
                "audio_warmup_chunks",
                "audio_warmup_ms",
                "audio_adaptive_warmup",
                "jitter_buffer_min",
                "jitter_buffer_max",
                "jitter_buffer_step",
                "stream_buffer_size",
                "input_normalize_enabled",
                "input_target_rms",
                "input_min_rms",
                "input_max_gain",
            ),
            _AUDIO,
        ),
        **dict.fromkeys(
            ("omniplay_webhook_url", "omniplay_queue_id", "omniplay_company_id"), _OMNIPLAY
        ),
        **dict.fromkeys(
            (
                "fallback_ticket_enabled",
                "create_ticket_on_transfer",
                "fallback_user_id",
                "fallback_notify_enabled",
            ),
            _TICKET,
        ),
        **dict.fromkeys(("call_state_log_enabled", "call_state_metrics_enabled"), _LOGS),
        **dict.fromkeys(("handoff_tool_fallback_enabled", "handoff_tool_timeout_seconds"), _TOOLS),
        "webhook_url": "nothing is posted to a URL here; a flow can do what the hook did",
        "handoff_queue_id": "a queue is a destination here (destination_type=queue)",
        "callback_ask_whatsapp": "callbacks are by telephone here",
        "announcement_tts_provider": "announcements have the secretary's own voice",
        "silence_fallback_enabled": "silence is always answered here (silence_fallback_action)",
        "max_duration_seconds": "a limit of the tenant here: quota call_seconds",
        "time_condition_uuid": "hours are rows here: `voice-ai hours add`, then hours=NAME",
        "working_hours": "of no shape we know: `voice-ai hours add`, then hours=NAME",
    }
)

CONFIG_RENAMED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "key": "api_key",
        "api_base": "base_url",
        "endpoint": "base_url",
        "model_id": "model",
        "model_name": "model",
        "voice_id": "voice",
    }
)

SETTINGS_LEFT_OUT: Final[Mapping[str, str]] = MappingProxyType(
    {
        "default_max_turns": "a field of each secretary here (max_turns)",
        "rate_limit_rpm": "it counted requests; quota calls_per_minute counts calls",
        "esl_host": "FreeSWITCH calls us here (the `socket` application)",
        "esl_port": "FreeSWITCH calls us here (the `socket` application)",
        "esl_password": "FreeSWITCH calls us here; if it is ClueCon, change it",
        "silence_threshold_ms": "a field of each secretary here (silence_timeout_ms)",
        "max_recording_seconds": "a field of each secretary here",
    }
)
