-- Statements over what a tenant decides about his calls, and what callers leave. As in queries.sql,
-- each runs inside a transaction that has set its tenant.

-- name: business_hours
SELECT business_hours_uuid, name, time_zone, holiday_country, holiday_subdivision, is_default
  FROM voice_ai.business_hours
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY name;

-- name: business_hours_exceptions
SELECT business_hours_uuid, business_hours_exception_uuid, name, first_date, last_date
  FROM voice_ai.business_hours_exception
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY first_date, name;

-- name: business_hours_slots
SELECT business_hours_uuid, business_hours_exception_uuid, weekday, start_time, end_time
  FROM voice_ai.business_hours_slot
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY weekday, start_time;

-- name: save_business_hours
INSERT INTO voice_ai.business_hours (
    domain_uuid, business_hours_uuid, name, time_zone, holiday_country, holiday_subdivision,
    is_default
) VALUES (
    %(domain_uuid)s, %(business_hours_uuid)s, %(name)s, %(time_zone)s, %(holiday_country)s,
    %(holiday_subdivision)s, %(is_default)s
)
ON CONFLICT (domain_uuid, business_hours_uuid) DO UPDATE
   SET name = excluded.name, time_zone = excluded.time_zone,
       holiday_country = excluded.holiday_country,
       holiday_subdivision = excluded.holiday_subdivision, is_default = excluded.is_default,
       update_date = now();

-- name: clear_business_hours_slots
DELETE FROM voice_ai.business_hours_slot
 WHERE domain_uuid = %(domain_uuid)s AND business_hours_uuid = %(business_hours_uuid)s;

-- name: clear_business_hours_exceptions
DELETE FROM voice_ai.business_hours_exception
 WHERE domain_uuid = %(domain_uuid)s AND business_hours_uuid = %(business_hours_uuid)s;

-- name: save_business_hours_exception
INSERT INTO voice_ai.business_hours_exception (
    domain_uuid, business_hours_exception_uuid, business_hours_uuid, name, first_date, last_date
) VALUES (
    %(domain_uuid)s, %(business_hours_exception_uuid)s, %(business_hours_uuid)s, %(name)s,
    %(first_date)s, %(last_date)s
);

-- name: save_business_hours_slot
INSERT INTO voice_ai.business_hours_slot (
    domain_uuid, business_hours_uuid, business_hours_exception_uuid, weekday, start_time, end_time
) VALUES (
    %(domain_uuid)s, %(business_hours_uuid)s, %(business_hours_exception_uuid)s, %(weekday)s,
    %(start_time)s, %(end_time)s
);

-- name: remove_business_hours
DELETE FROM voice_ai.business_hours
 WHERE domain_uuid = %(domain_uuid)s AND name = %(name)s;

-- name: destinations
SELECT transfer_destination_uuid, voice_secretary_uuid, name, aliases, destination_type,
       destination_number, destination_context, business_hours_uuid, fallback_action,
       ring_timeout_seconds, max_retries, retry_delay_seconds, department, role, description,
       priority, is_enabled, is_default
  FROM voice_ai.transfer_destination
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY priority, name;

-- name: save_destination
INSERT INTO voice_ai.transfer_destination (
    domain_uuid, transfer_destination_uuid, voice_secretary_uuid, name, aliases, destination_type,
    destination_number, destination_context, business_hours_uuid, fallback_action,
    ring_timeout_seconds, max_retries, retry_delay_seconds, department, role, description, priority,
    is_enabled, is_default
) VALUES (
    %(domain_uuid)s, %(transfer_destination_uuid)s, %(voice_secretary_uuid)s, %(name)s, %(aliases)s,
    %(destination_type)s, %(destination_number)s, %(destination_context)s, %(business_hours_uuid)s,
    %(fallback_action)s, %(ring_timeout_seconds)s, %(max_retries)s, %(retry_delay_seconds)s,
    %(department)s, %(role)s, %(description)s, %(priority)s, %(is_enabled)s, %(is_default)s
)
ON CONFLICT (domain_uuid, transfer_destination_uuid) DO UPDATE
   SET voice_secretary_uuid = excluded.voice_secretary_uuid, name = excluded.name,
       aliases = excluded.aliases, destination_type = excluded.destination_type,
       destination_number = excluded.destination_number,
       destination_context = excluded.destination_context,
       business_hours_uuid = excluded.business_hours_uuid,
       fallback_action = excluded.fallback_action,
       ring_timeout_seconds = excluded.ring_timeout_seconds, max_retries = excluded.max_retries,
       retry_delay_seconds = excluded.retry_delay_seconds, department = excluded.department,
       role = excluded.role, description = excluded.description, priority = excluded.priority,
       is_enabled = excluded.is_enabled, is_default = excluded.is_default, update_date = now();

-- name: remove_destination
DELETE FROM voice_ai.transfer_destination
 WHERE domain_uuid = %(domain_uuid)s AND name = %(name)s;

-- name: transfer_rules
SELECT transfer_rule_uuid, voice_secretary_uuid, transfer_destination_uuid, intent_keywords,
       intent_patterns, transfer_message, transfer_timeout_seconds, skip_presence_check, priority,
       is_enabled
  FROM voice_ai.transfer_rule
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY priority, transfer_rule_uuid;

-- name: save_transfer_rule
INSERT INTO voice_ai.transfer_rule (
    domain_uuid, transfer_rule_uuid, voice_secretary_uuid, transfer_destination_uuid,
    intent_keywords, intent_patterns, transfer_message, transfer_timeout_seconds,
    skip_presence_check, priority, is_enabled
) VALUES (
    %(domain_uuid)s, %(transfer_rule_uuid)s, %(voice_secretary_uuid)s,
    %(transfer_destination_uuid)s, %(intent_keywords)s, %(intent_patterns)s, %(transfer_message)s,
    %(transfer_timeout_seconds)s, %(skip_presence_check)s, %(priority)s, %(is_enabled)s
)
ON CONFLICT (domain_uuid, transfer_rule_uuid) DO UPDATE
   SET voice_secretary_uuid = excluded.voice_secretary_uuid,
       transfer_destination_uuid = excluded.transfer_destination_uuid,
       intent_keywords = excluded.intent_keywords, intent_patterns = excluded.intent_patterns,
       transfer_message = excluded.transfer_message,
       transfer_timeout_seconds = excluded.transfer_timeout_seconds,
       skip_presence_check = excluded.skip_presence_check, priority = excluded.priority,
       is_enabled = excluded.is_enabled, update_date = now();

-- name: remove_transfer_rule
DELETE FROM voice_ai.transfer_rule
 WHERE domain_uuid = %(domain_uuid)s AND transfer_rule_uuid = %(transfer_rule_uuid)s;

-- name: policy
SELECT consent, consent_message, recording_enabled, record_mask, redact_storage, redact_llm,
       caller_memory_enabled, retention_audio_days, retention_transcript_days,
       retention_caller_memory_days, external_countries
  FROM voice_ai.policy
 WHERE domain_uuid = %(domain_uuid)s;

-- name: save_policy
INSERT INTO voice_ai.policy (
    domain_uuid, consent, consent_message, recording_enabled, record_mask, redact_storage,
    redact_llm, caller_memory_enabled, retention_audio_days, retention_transcript_days,
    retention_caller_memory_days, external_countries
) VALUES (
    %(domain_uuid)s, %(consent)s, %(consent_message)s, %(recording_enabled)s, %(record_mask)s,
    %(redact_storage)s, %(redact_llm)s, %(caller_memory_enabled)s, %(retention_audio_days)s,
    %(retention_transcript_days)s, %(retention_caller_memory_days)s, %(external_countries)s
)
ON CONFLICT (domain_uuid) DO UPDATE
   SET consent = excluded.consent, consent_message = excluded.consent_message,
       recording_enabled = excluded.recording_enabled, record_mask = excluded.record_mask,
       redact_storage = excluded.redact_storage, redact_llm = excluded.redact_llm,
       caller_memory_enabled = excluded.caller_memory_enabled,
       retention_audio_days = excluded.retention_audio_days,
       retention_transcript_days = excluded.retention_transcript_days,
       retention_caller_memory_days = excluded.retention_caller_memory_days,
       external_countries = excluded.external_countries, update_date = now();

-- name: quota
SELECT concurrent_legs, calls_per_minute, calls_per_minute_per_caller, transfers_per_hour,
       call_seconds, call_turns, call_tokens, call_characters, tokens_day, characters_day,
       spend_day, spend_month, currency, busy_action, busy_message, busy_cause
  FROM voice_ai.quota
 WHERE domain_uuid = %(domain_uuid)s;

-- name: save_quota
INSERT INTO voice_ai.quota (
    domain_uuid, concurrent_legs, calls_per_minute, calls_per_minute_per_caller, transfers_per_hour,
    call_seconds, call_turns, call_tokens, call_characters, tokens_day, characters_day, spend_day,
    spend_month, currency, busy_action, busy_message, busy_cause
) VALUES (
    %(domain_uuid)s, %(concurrent_legs)s, %(calls_per_minute)s, %(calls_per_minute_per_caller)s,
    %(transfers_per_hour)s, %(call_seconds)s, %(call_turns)s, %(call_tokens)s, %(call_characters)s,
    %(tokens_day)s, %(characters_day)s, %(spend_day)s, %(spend_month)s, %(currency)s,
    %(busy_action)s, %(busy_message)s, %(busy_cause)s
)
ON CONFLICT (domain_uuid) DO UPDATE
   SET concurrent_legs = excluded.concurrent_legs, calls_per_minute = excluded.calls_per_minute,
       calls_per_minute_per_caller = excluded.calls_per_minute_per_caller,
       transfers_per_hour = excluded.transfers_per_hour, call_seconds = excluded.call_seconds,
       call_turns = excluded.call_turns, call_tokens = excluded.call_tokens,
       call_characters = excluded.call_characters, tokens_day = excluded.tokens_day,
       characters_day = excluded.characters_day, spend_day = excluded.spend_day,
       spend_month = excluded.spend_month, currency = excluded.currency,
       busy_action = excluded.busy_action, busy_message = excluded.busy_message,
       busy_cause = excluded.busy_cause, update_date = now();

-- name: prices
SELECT DISTINCT ON (provider_type, provider_name, model, unit)
       provider_type, provider_name, model, unit, price, per, currency
  FROM voice_ai.price
 WHERE domain_uuid IN (%(domain_uuid)s, '00000000-0000-0000-0000-000000000000')
 ORDER BY provider_type, provider_name, model, unit, owner_uuid NULLS LAST;

-- name: own_prices
SELECT provider_type, provider_name, model, unit, price, per, currency
  FROM voice_ai.price
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY provider_type, provider_name, model, unit;

-- name: save_price
INSERT INTO voice_ai.price (
    domain_uuid, provider_type, provider_name, model, unit, price, per, currency
) VALUES (
    %(domain_uuid)s, %(provider_type)s, %(provider_name)s, %(model)s, %(unit)s, %(price)s, %(per)s,
    %(currency)s
)
ON CONFLICT (domain_uuid, provider_type, provider_name, model, unit) DO UPDATE
   SET price = excluded.price, per = excluded.per, currency = excluded.currency, update_date = now();

-- name: remove_price
DELETE FROM voice_ai.price
 WHERE domain_uuid = %(domain_uuid)s AND provider_type = %(provider_type)s
   AND provider_name = %(provider_name)s AND model = %(model)s AND unit = %(unit)s;

-- name: open_callbacks
SELECT callback_uuid, voice_secretary_uuid, voice_conversation_uuid, transfer_destination_uuid,
       callback_number, caller_name, reason, priority, status, requested_time, expires_at,
       notify_count, last_notified_at, attempts, last_attempt_at
  FROM voice_ai.callback
 WHERE domain_uuid = %(domain_uuid)s
   AND status IN ('pending', 'notified', 'ready_to_call', 'in_progress')
 ORDER BY array_position(ARRAY['urgent', 'high', 'medium', 'low'], priority), insert_date;

-- name: save_callback
INSERT INTO voice_ai.callback (
    domain_uuid, callback_uuid, voice_secretary_uuid, voice_conversation_uuid,
    transfer_destination_uuid, callback_number, caller_name, reason, priority, status,
    requested_time, expires_at, notify_count, last_notified_at, attempts, last_attempt_at
) VALUES (
    %(domain_uuid)s, %(callback_uuid)s, %(voice_secretary_uuid)s, %(voice_conversation_uuid)s,
    %(transfer_destination_uuid)s, %(callback_number)s, %(caller_name)s, %(reason)s, %(priority)s,
    %(status)s, %(requested_time)s, %(expires_at)s, %(notify_count)s, %(last_notified_at)s,
    %(attempts)s, %(last_attempt_at)s
)
ON CONFLICT (domain_uuid, callback_uuid) DO UPDATE
   SET voice_secretary_uuid = excluded.voice_secretary_uuid,
       voice_conversation_uuid = excluded.voice_conversation_uuid,
       transfer_destination_uuid = excluded.transfer_destination_uuid,
       callback_number = excluded.callback_number, caller_name = excluded.caller_name,
       reason = excluded.reason, priority = excluded.priority, status = excluded.status,
       requested_time = excluded.requested_time, expires_at = excluded.expires_at,
       notify_count = excluded.notify_count, last_notified_at = excluded.last_notified_at,
       attempts = excluded.attempts, last_attempt_at = excluded.last_attempt_at, update_date = now();

-- name: left_messages
SELECT left_message_uuid, voice_secretary_uuid, voice_conversation_uuid, transfer_destination_uuid,
       caller_id_number, caller_name, callback_number, content, priority, status, audio_file_path,
       audio_duration_ms, insert_date
  FROM voice_ai.voice_message
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY insert_date DESC;

-- name: save_left_message
INSERT INTO voice_ai.voice_message (
    domain_uuid, left_message_uuid, voice_secretary_uuid, voice_conversation_uuid,
    transfer_destination_uuid, caller_id_number, caller_name, callback_number, content, priority,
    status, audio_file_path, audio_duration_ms
) VALUES (
    %(domain_uuid)s, %(left_message_uuid)s, %(voice_secretary_uuid)s, %(voice_conversation_uuid)s,
    %(transfer_destination_uuid)s, %(caller_id_number)s, %(caller_name)s, %(callback_number)s,
    %(content)s, %(priority)s, %(status)s, %(audio_file_path)s, %(audio_duration_ms)s
)
ON CONFLICT (domain_uuid, left_message_uuid) DO UPDATE
   SET status = excluded.status, priority = excluded.priority, content = excluded.content,
       update_date = now();

-- name: audit
SELECT audit_uuid, at, actor, action, subject, details
  FROM voice_ai.audit
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY at DESC
 LIMIT 1000;

-- name: record_audit
INSERT INTO voice_ai.audit (domain_uuid, audit_uuid, actor, action, subject, details)
VALUES (%(domain_uuid)s, %(audit_uuid)s, %(actor)s, %(action)s, %(subject)s, %(details)s);
