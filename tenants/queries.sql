-- Statements of the tenants package. Each runs inside a transaction that has set its tenant; the
-- domain_uuid in the WHERE clauses is for the indexes, row-level security is what isolates.

-- name: enter
SELECT set_config('voice_ai.domain_uuid', %(domain_uuid)s, true),
       set_config('voice_ai.lookup_domain_name', %(lookup_domain_name)s, true),
       set_config('voice_ai.lookup_number', %(lookup_number)s, true),
       set_config('voice_ai.sweep', %(sweep)s, true),
       set_config('statement_timeout', %(statement_ms)s, true),
       set_config('idle_in_transaction_session_timeout', %(idle_ms)s, true);

-- name: role
SELECT current_user AS role, rolsuper, rolbypassrls,
       EXISTS (
           SELECT FROM pg_class c
             JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 'voice_ai' AND pg_has_role(current_user, c.relowner, 'MEMBER')
       ) AS is_owner,
       to_regclass('voice_ai.schema_migration') IS NOT NULL AS has_schema
  FROM pg_roles WHERE rolname = current_user;

-- name: applied_versions
SELECT version FROM voice_ai.schema_migration;

-- name: domain_by_uuid
SELECT domain_uuid, domain_name, domain_description, is_enabled, country, time_zone
  FROM voice_ai.domain WHERE domain_uuid = %(domain_uuid)s;

-- name: domain_by_name
SELECT domain_uuid FROM voice_ai.domain WHERE domain_name = %(domain_name)s;

-- name: domain_by_number
SELECT domain_uuid FROM voice_ai.did WHERE destination_number = %(destination_number)s AND is_enabled;

-- name: secretaries
SELECT voice_secretary_uuid, secretary_name, company_name, extension, is_default, is_enabled,
       language, personality_prompt, greeting_message, farewell_message, fallback_message,
       transfer_message, hold_return_message, outside_hours_message, business_info,
       stt_provider_uuid, tts_provider_uuid, llm_provider_uuid, embeddings_provider_uuid,
       realtime_provider_uuid, tts_voice_id, tts_speed, llm_model_override, llm_temperature,
       llm_max_tokens, processing_mode, media_mode, max_turns, silence_timeout_ms,
       max_recording_seconds, vad_threshold, vad_type, vad_eagerness, business_hours_uuid,
       silence_fallback_action, silence_fallback_seconds, silence_fallback_prompt,
       silence_fallback_max_retries, transfer_extension, transfer_context, transfer_enabled,
       transfer_on_failure, transfer_default_timeout, transfer_max_retries,
       transfer_announce_enabled, transfer_music_on_hold, transfer_realtime_enabled,
       transfer_realtime_prompt, transfer_realtime_timeout, presence_check_enabled,
       unbridge_behavior, unbridge_resume_message, handoff_enabled, handoff_keywords,
       handoff_timeout, farewell_keywords, fallback_action, fallback_priority, callback_enabled,
       callback_expiration_hours, callback_max_notifications, callback_min_interval_minutes,
       guardrails_enabled, guardrails_topics
  FROM voice_ai.secretary
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY secretary_name;

-- name: dids
SELECT destination_number, voice_secretary_uuid, description, is_enabled
  FROM voice_ai.did WHERE domain_uuid = %(domain_uuid)s ORDER BY destination_number;

-- name: providers
SELECT voice_ai_provider_uuid, provider_type, provider_name, display_name, config, is_default,
       is_enabled, priority, rate_limit_rpm, cost_per_unit, cost_unit, key_id, data_key
  FROM voice_ai.provider
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY provider_type, is_default DESC, priority DESC, provider_name;

-- name: insert_domain
INSERT INTO voice_ai.domain (
    domain_uuid, domain_name, domain_description, is_enabled, country, time_zone
) VALUES (
    %(domain_uuid)s, %(domain_name)s, %(domain_description)s, %(is_enabled)s, %(country)s,
    %(time_zone)s
);

-- name: update_domain
UPDATE voice_ai.domain
   SET domain_name = %(domain_name)s, domain_description = %(domain_description)s,
       is_enabled = %(is_enabled)s, country = %(country)s, time_zone = %(time_zone)s,
       update_date = now()
 WHERE domain_uuid = %(domain_uuid)s;

-- name: delete_domain
DELETE FROM voice_ai.domain WHERE domain_uuid = %(domain_uuid)s;

-- name: save_provider
INSERT INTO voice_ai.provider AS p (
    domain_uuid, voice_ai_provider_uuid, provider_type, provider_name, display_name, config,
    is_default, is_enabled, priority, rate_limit_rpm, cost_per_unit, cost_unit, key_id, data_key
) VALUES (
    %(domain_uuid)s, %(voice_ai_provider_uuid)s, %(provider_type)s, %(provider_name)s,
    %(display_name)s, %(config)s, %(is_default)s, %(is_enabled)s, %(priority)s,
    %(rate_limit_rpm)s, %(cost_per_unit)s, %(cost_unit)s, %(key_id)s, %(data_key)s
)
ON CONFLICT (domain_uuid, voice_ai_provider_uuid) DO UPDATE
   SET provider_type = excluded.provider_type, provider_name = excluded.provider_name,
       display_name = excluded.display_name, config = excluded.config,
       is_default = excluded.is_default, is_enabled = excluded.is_enabled,
       priority = excluded.priority, rate_limit_rpm = excluded.rate_limit_rpm,
       cost_per_unit = excluded.cost_per_unit, cost_unit = excluded.cost_unit,
       key_id = excluded.key_id, data_key = excluded.data_key,
       update_date = now();

-- name: save_secretary
INSERT INTO voice_ai.secretary (
    domain_uuid, voice_secretary_uuid, secretary_name, company_name, extension, is_default,
    is_enabled, language, personality_prompt, greeting_message, farewell_message, fallback_message,
    transfer_message, hold_return_message, outside_hours_message, business_info, stt_provider_uuid,
    tts_provider_uuid, llm_provider_uuid, embeddings_provider_uuid, realtime_provider_uuid,
    tts_voice_id, tts_speed, llm_model_override, llm_temperature, llm_max_tokens, processing_mode,
    media_mode, max_turns, silence_timeout_ms, max_recording_seconds, vad_threshold, vad_type,
    vad_eagerness, business_hours_uuid, silence_fallback_action, silence_fallback_seconds,
    silence_fallback_prompt, silence_fallback_max_retries, transfer_extension, transfer_context,
    transfer_enabled, transfer_on_failure, transfer_default_timeout, transfer_max_retries,
    transfer_announce_enabled, transfer_music_on_hold, transfer_realtime_enabled,
    transfer_realtime_prompt, transfer_realtime_timeout, presence_check_enabled, unbridge_behavior,
    unbridge_resume_message, handoff_enabled, handoff_keywords, handoff_timeout, farewell_keywords,
    fallback_action, fallback_priority, callback_enabled, callback_expiration_hours,
    callback_max_notifications, callback_min_interval_minutes, guardrails_enabled, guardrails_topics
) VALUES (
    %(domain_uuid)s, %(voice_secretary_uuid)s, %(secretary_name)s, %(company_name)s, %(extension)s,
    %(is_default)s, %(is_enabled)s, %(language)s, %(personality_prompt)s, %(greeting_message)s,
    %(farewell_message)s, %(fallback_message)s, %(transfer_message)s, %(hold_return_message)s,
    %(outside_hours_message)s, %(business_info)s, %(stt_provider_uuid)s, %(tts_provider_uuid)s,
    %(llm_provider_uuid)s, %(embeddings_provider_uuid)s, %(realtime_provider_uuid)s,
    %(tts_voice_id)s, %(tts_speed)s, %(llm_model_override)s, %(llm_temperature)s,
    %(llm_max_tokens)s, %(processing_mode)s, %(media_mode)s, %(max_turns)s, %(silence_timeout_ms)s,
    %(max_recording_seconds)s, %(vad_threshold)s, %(vad_type)s, %(vad_eagerness)s,
    %(business_hours_uuid)s, %(silence_fallback_action)s, %(silence_fallback_seconds)s,
    %(silence_fallback_prompt)s, %(silence_fallback_max_retries)s, %(transfer_extension)s,
    %(transfer_context)s, %(transfer_enabled)s, %(transfer_on_failure)s,
    %(transfer_default_timeout)s, %(transfer_max_retries)s, %(transfer_announce_enabled)s,
    %(transfer_music_on_hold)s, %(transfer_realtime_enabled)s, %(transfer_realtime_prompt)s,
    %(transfer_realtime_timeout)s, %(presence_check_enabled)s, %(unbridge_behavior)s,
    %(unbridge_resume_message)s, %(handoff_enabled)s, %(handoff_keywords)s, %(handoff_timeout)s,
    %(farewell_keywords)s, %(fallback_action)s, %(fallback_priority)s, %(callback_enabled)s,
    %(callback_expiration_hours)s, %(callback_max_notifications)s,
    %(callback_min_interval_minutes)s, %(guardrails_enabled)s, %(guardrails_topics)s
)
ON CONFLICT (domain_uuid, voice_secretary_uuid) DO UPDATE
   SET secretary_name = excluded.secretary_name, company_name = excluded.company_name, extension =
       excluded.extension, is_default = excluded.is_default, is_enabled = excluded.is_enabled,
       language = excluded.language, personality_prompt = excluded.personality_prompt,
       greeting_message = excluded.greeting_message, farewell_message = excluded.farewell_message,
       fallback_message = excluded.fallback_message, transfer_message = excluded.transfer_message,
       hold_return_message = excluded.hold_return_message, outside_hours_message =
       excluded.outside_hours_message, business_info = excluded.business_info, stt_provider_uuid =
       excluded.stt_provider_uuid, tts_provider_uuid = excluded.tts_provider_uuid, llm_provider_uuid
       = excluded.llm_provider_uuid, embeddings_provider_uuid = excluded.embeddings_provider_uuid,
       realtime_provider_uuid = excluded.realtime_provider_uuid, tts_voice_id =
       excluded.tts_voice_id, tts_speed = excluded.tts_speed, llm_model_override =
       excluded.llm_model_override, llm_temperature = excluded.llm_temperature, llm_max_tokens =
       excluded.llm_max_tokens, processing_mode = excluded.processing_mode, media_mode =
       excluded.media_mode, max_turns = excluded.max_turns, silence_timeout_ms =
       excluded.silence_timeout_ms, max_recording_seconds = excluded.max_recording_seconds,
       vad_threshold = excluded.vad_threshold, vad_type = excluded.vad_type, vad_eagerness =
       excluded.vad_eagerness, business_hours_uuid = excluded.business_hours_uuid,
       silence_fallback_action = excluded.silence_fallback_action, silence_fallback_seconds =
       excluded.silence_fallback_seconds, silence_fallback_prompt =
       excluded.silence_fallback_prompt, silence_fallback_max_retries =
       excluded.silence_fallback_max_retries, transfer_extension = excluded.transfer_extension,
       transfer_context = excluded.transfer_context, transfer_enabled = excluded.transfer_enabled,
       transfer_on_failure = excluded.transfer_on_failure, transfer_default_timeout =
       excluded.transfer_default_timeout, transfer_max_retries = excluded.transfer_max_retries,
       transfer_announce_enabled = excluded.transfer_announce_enabled, transfer_music_on_hold =
       excluded.transfer_music_on_hold, transfer_realtime_enabled =
       excluded.transfer_realtime_enabled, transfer_realtime_prompt =
       excluded.transfer_realtime_prompt, transfer_realtime_timeout =
       excluded.transfer_realtime_timeout, presence_check_enabled = excluded.presence_check_enabled,
       unbridge_behavior = excluded.unbridge_behavior, unbridge_resume_message =
       excluded.unbridge_resume_message, handoff_enabled = excluded.handoff_enabled,
       handoff_keywords = excluded.handoff_keywords, handoff_timeout = excluded.handoff_timeout,
       farewell_keywords = excluded.farewell_keywords, fallback_action = excluded.fallback_action,
       fallback_priority = excluded.fallback_priority, callback_enabled = excluded.callback_enabled,
       callback_expiration_hours = excluded.callback_expiration_hours, callback_max_notifications =
       excluded.callback_max_notifications, callback_min_interval_minutes =
       excluded.callback_min_interval_minutes, guardrails_enabled = excluded.guardrails_enabled,
       guardrails_topics = excluded.guardrails_topics, update_date = now();

-- name: save_did
INSERT INTO voice_ai.did (
    domain_uuid, destination_number, voice_secretary_uuid, description, is_enabled
) VALUES (
    %(domain_uuid)s, %(destination_number)s, %(voice_secretary_uuid)s, %(description)s,
    %(is_enabled)s
)
ON CONFLICT (domain_uuid, destination_number) DO UPDATE
   SET voice_secretary_uuid = excluded.voice_secretary_uuid, description = excluded.description,
       is_enabled = excluded.is_enabled, update_date = now();

-- name: save_conversation
INSERT INTO voice_ai.conversation (
    domain_uuid, voice_conversation_uuid, voice_secretary_uuid, call_uuid, caller_id_number,
    caller_id_name, destination_number, start_time, end_time, duration_seconds, processing_mode,
    total_turns, final_action, hangup_cause, transfer_extension, transfer_department, consent,
    recording_file_path, summary, cost, currency
) VALUES (
    %(domain_uuid)s, %(voice_conversation_uuid)s, %(voice_secretary_uuid)s, %(call_uuid)s,
    %(caller_id_number)s, %(caller_id_name)s, %(destination_number)s, %(start_time)s, %(end_time)s,
    %(duration_seconds)s, %(processing_mode)s, %(total_turns)s, %(final_action)s, %(hangup_cause)s,
    %(transfer_extension)s, %(transfer_department)s, %(consent)s, %(recording_file_path)s,
    %(summary)s, %(cost)s, %(currency)s
)
ON CONFLICT (domain_uuid, voice_conversation_uuid) DO UPDATE
   SET end_time = excluded.end_time, duration_seconds = excluded.duration_seconds, total_turns =
       excluded.total_turns, final_action = excluded.final_action, hangup_cause =
       excluded.hangup_cause,
       -- A caller who was transferred may be back when the call ends.
       transfer_extension =
       COALESCE(excluded.transfer_extension, conversation.transfer_extension), transfer_department
       = excluded.transfer_department,
       -- A worker that took the call over may know of neither.
       consent = COALESCE(excluded.consent, conversation.consent), recording_file_path =
       COALESCE(excluded.recording_file_path, conversation.recording_file_path),
       summary = excluded.summary, cost = excluded.cost, currency =
       excluded.currency, update_date = now();

-- name: append_message
INSERT INTO voice_ai.message (
    domain_uuid, voice_message_uuid, voice_conversation_uuid, turn_number, role, content, heard,
    audio_duration_ms, audio_file_path, endpoint_ms, stt_ms, retrieval_ms, llm_ms, tts_ms,
    first_audio_ms, stt_provider, tts_provider, llm_provider, embeddings_provider, prompt_tokens,
    completion_tokens, rag_sources, detected_intent, characters, cost, currency, trouble
) VALUES (
    %(domain_uuid)s, %(voice_message_uuid)s, %(voice_conversation_uuid)s, %(turn_number)s, %(role)s,
    %(content)s, %(heard)s, %(audio_duration_ms)s, %(audio_file_path)s, %(endpoint_ms)s, %(stt_ms)s,
    %(retrieval_ms)s, %(llm_ms)s, %(tts_ms)s, %(first_audio_ms)s, %(stt_provider)s,
    %(tts_provider)s, %(llm_provider)s, %(embeddings_provider)s, %(prompt_tokens)s,
    %(completion_tokens)s, %(rag_sources)s, %(detected_intent)s, %(characters)s, %(cost)s,
    %(currency)s, %(trouble)s
)
ON CONFLICT (domain_uuid, voice_message_uuid) DO NOTHING;

-- name: conversation
SELECT voice_conversation_uuid, voice_secretary_uuid, call_uuid, caller_id_number, caller_id_name,
       destination_number, start_time, end_time, duration_seconds, processing_mode, total_turns,
       final_action, hangup_cause, transfer_extension, transfer_department, consent,
       recording_file_path, summary, cost, currency
  FROM voice_ai.conversation
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = %(voice_conversation_uuid)s;

-- name: messages
SELECT voice_message_uuid, voice_conversation_uuid, turn_number, role, content, heard,
       audio_duration_ms, audio_file_path, endpoint_ms, stt_ms, retrieval_ms, llm_ms, tts_ms,
       first_audio_ms, stt_provider, tts_provider, llm_provider, embeddings_provider, prompt_tokens,
       completion_tokens, rag_sources, detected_intent, characters, cost, currency, trouble,
       insert_date
  FROM voice_ai.message
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = %(voice_conversation_uuid)s
 ORDER BY turn_number, insert_date, role = 'assistant';

-- name: remove_provider
DELETE FROM voice_ai.provider
 WHERE domain_uuid = %(domain_uuid)s AND voice_ai_provider_uuid = %(voice_ai_provider_uuid)s;

-- name: remove_secretary
DELETE FROM voice_ai.secretary
 WHERE domain_uuid = %(domain_uuid)s AND voice_secretary_uuid = %(voice_secretary_uuid)s;

-- name: remove_did
DELETE FROM voice_ai.did
 WHERE domain_uuid = %(domain_uuid)s AND destination_number = %(destination_number)s;

-- name: lock_domain
SELECT 1 FROM voice_ai.domain WHERE domain_uuid = %(domain_uuid)s FOR UPDATE;

-- name: providers_to_rotate
SELECT voice_ai_provider_uuid, provider_type, provider_name, config, key_id, data_key
  FROM voice_ai.provider
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY voice_ai_provider_uuid
   FOR UPDATE;

-- name: rewrap_provider
UPDATE voice_ai.provider
   SET config = %(config)s, key_id = %(key_id)s, data_key = %(data_key)s
 WHERE domain_uuid = %(domain_uuid)s AND voice_ai_provider_uuid = %(voice_ai_provider_uuid)s;

-- name: listen
LISTEN voice_ai_tenant;

-- name: still_there
SELECT 1;

-- Over all tenants: for a role that row-level security does not hold back.

-- name: held_back
SELECT current_user AS role, row_security_active('voice_ai.domain') AS held_back;

-- name: all_domains
SELECT domain_uuid FROM voice_ai.domain ORDER BY domain_uuid;

-- name: rows_by_key
SELECT key_id, count(*) AS rows
  FROM voice_ai.provider WHERE key_id IS NOT NULL GROUP BY key_id ORDER BY key_id;
