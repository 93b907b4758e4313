-- Statements of the tenants package. Each runs inside a transaction that has set its tenant; the
-- domain_uuid in the WHERE clauses is for the indexes, row-level security is what isolates.

-- name: enter
SELECT set_config('voice_ai.domain_uuid', %(domain_uuid)s, true),
       set_config('voice_ai.lookup_domain_name', %(lookup_domain_name)s, true),
       set_config('voice_ai.lookup_number', %(lookup_number)s, true),
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
SELECT domain_uuid, domain_name, domain_description, is_enabled
  FROM voice_ai.domain WHERE domain_uuid = %(domain_uuid)s;

-- name: domain_by_name
SELECT domain_uuid FROM voice_ai.domain WHERE domain_name = %(domain_name)s;

-- name: domain_by_number
SELECT domain_uuid FROM voice_ai.did WHERE destination_number = %(destination_number)s AND is_enabled;

-- name: secretaries
SELECT s.voice_secretary_uuid, s.secretary_name, s.company_name, s.extension, s.is_default,
       s.is_enabled, s.language, s.personality_prompt, s.greeting_message, s.farewell_message,
       s.fallback_message, s.transfer_message, s.business_info, s.stt_provider_uuid,
       s.tts_provider_uuid, s.llm_provider_uuid, s.embeddings_provider_uuid, s.tts_voice_id,
       s.tts_speed, s.llm_model_override, s.llm_temperature, s.llm_max_tokens, s.processing_mode,
       s.media_mode, s.max_turns, s.silence_timeout_ms, s.max_recording_seconds,
       s.silence_fallback_seconds, s.silence_fallback_prompt, s.silence_fallback_max_retries,
       s.transfer_extension, s.transfer_context, s.handoff_enabled, s.handoff_keywords,
       s.farewell_keywords
  FROM voice_ai.secretary s
 WHERE s.domain_uuid = %(domain_uuid)s
 ORDER BY s.secretary_name;

-- name: dids
SELECT destination_number, voice_secretary_uuid, description, is_enabled
  FROM voice_ai.did WHERE domain_uuid = %(domain_uuid)s ORDER BY destination_number;

-- name: providers
SELECT voice_ai_provider_uuid, provider_type, provider_name, display_name, config, is_default,
       is_enabled, priority, rate_limit_rpm, cost_per_unit, cost_unit
  FROM voice_ai.provider
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY provider_type, is_default DESC, priority DESC, provider_name;

-- name: insert_domain
INSERT INTO voice_ai.domain (domain_uuid, domain_name, domain_description, is_enabled)
VALUES (%(domain_uuid)s, %(domain_name)s, %(domain_description)s, %(is_enabled)s);

-- name: update_domain
UPDATE voice_ai.domain
   SET domain_name = %(domain_name)s, domain_description = %(domain_description)s,
       is_enabled = %(is_enabled)s, update_date = now()
 WHERE domain_uuid = %(domain_uuid)s;

-- name: delete_domain
DELETE FROM voice_ai.domain WHERE domain_uuid = %(domain_uuid)s;

-- name: save_provider
INSERT INTO voice_ai.provider AS p (
    domain_uuid, voice_ai_provider_uuid, provider_type, provider_name, display_name, config,
    is_default, is_enabled, priority, rate_limit_rpm, cost_per_unit, cost_unit
) VALUES (
    %(domain_uuid)s, %(voice_ai_provider_uuid)s, %(provider_type)s, %(provider_name)s,
    %(display_name)s, %(config)s, %(is_default)s, %(is_enabled)s, %(priority)s,
    %(rate_limit_rpm)s, %(cost_per_unit)s, %(cost_unit)s
)
ON CONFLICT (domain_uuid, voice_ai_provider_uuid) DO UPDATE
   SET provider_type = excluded.provider_type, provider_name = excluded.provider_name,
       display_name = excluded.display_name, config = excluded.config,
       is_default = excluded.is_default, is_enabled = excluded.is_enabled,
       priority = excluded.priority, rate_limit_rpm = excluded.rate_limit_rpm,
       cost_per_unit = excluded.cost_per_unit, cost_unit = excluded.cost_unit,
       update_date = now();

-- name: save_secretary
INSERT INTO voice_ai.secretary AS s (
    domain_uuid, voice_secretary_uuid, secretary_name, company_name, extension, is_default,
    is_enabled, language, personality_prompt, greeting_message, farewell_message, fallback_message,
    transfer_message, business_info, stt_provider_uuid, tts_provider_uuid, llm_provider_uuid,
    embeddings_provider_uuid, tts_voice_id, tts_speed, llm_model_override, llm_temperature,
    llm_max_tokens, processing_mode, media_mode, max_turns, silence_timeout_ms,
    max_recording_seconds, silence_fallback_seconds, silence_fallback_prompt,
    silence_fallback_max_retries, transfer_extension, transfer_context, handoff_enabled,
    handoff_keywords, farewell_keywords
) VALUES (
    %(domain_uuid)s, %(voice_secretary_uuid)s, %(secretary_name)s, %(company_name)s, %(extension)s,
    %(is_default)s, %(is_enabled)s, %(language)s, %(personality_prompt)s, %(greeting_message)s,
    %(farewell_message)s, %(fallback_message)s, %(transfer_message)s, %(business_info)s,
    %(stt_provider_uuid)s, %(tts_provider_uuid)s, %(llm_provider_uuid)s,
    %(embeddings_provider_uuid)s, %(tts_voice_id)s, %(tts_speed)s, %(llm_model_override)s,
    %(llm_temperature)s, %(llm_max_tokens)s, %(processing_mode)s, %(media_mode)s, %(max_turns)s,
    %(silence_timeout_ms)s, %(max_recording_seconds)s, %(silence_fallback_seconds)s,
    %(silence_fallback_prompt)s, %(silence_fallback_max_retries)s, %(transfer_extension)s,
    %(transfer_context)s, %(handoff_enabled)s, %(handoff_keywords)s, %(farewell_keywords)s
)
ON CONFLICT (domain_uuid, voice_secretary_uuid) DO UPDATE
   SET secretary_name = excluded.secretary_name, company_name = excluded.company_name,
       extension = excluded.extension, is_default = excluded.is_default,
       is_enabled = excluded.is_enabled, language = excluded.language,
       personality_prompt = excluded.personality_prompt,
       greeting_message = excluded.greeting_message, farewell_message = excluded.farewell_message,
       fallback_message = excluded.fallback_message, transfer_message = excluded.transfer_message,
       business_info = excluded.business_info, stt_provider_uuid = excluded.stt_provider_uuid,
       tts_provider_uuid = excluded.tts_provider_uuid,
       llm_provider_uuid = excluded.llm_provider_uuid,
       embeddings_provider_uuid = excluded.embeddings_provider_uuid,
       tts_voice_id = excluded.tts_voice_id, tts_speed = excluded.tts_speed,
       llm_model_override = excluded.llm_model_override,
       llm_temperature = excluded.llm_temperature, llm_max_tokens = excluded.llm_max_tokens,
       processing_mode = excluded.processing_mode, media_mode = excluded.media_mode,
       max_turns = excluded.max_turns, silence_timeout_ms = excluded.silence_timeout_ms,
       max_recording_seconds = excluded.max_recording_seconds,
       silence_fallback_seconds = excluded.silence_fallback_seconds,
       silence_fallback_prompt = excluded.silence_fallback_prompt,
       silence_fallback_max_retries = excluded.silence_fallback_max_retries,
       transfer_extension = excluded.transfer_extension,
       transfer_context = excluded.transfer_context, handoff_enabled = excluded.handoff_enabled,
       handoff_keywords = excluded.handoff_keywords,
       farewell_keywords = excluded.farewell_keywords, update_date = now();

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
INSERT INTO voice_ai.conversation AS c (
    domain_uuid, voice_conversation_uuid, voice_secretary_uuid, call_uuid, caller_id_number,
    caller_id_name, destination_number, start_time, end_time, duration_seconds, processing_mode,
    total_turns, final_action, hangup_cause, transfer_extension
) VALUES (
    %(domain_uuid)s, %(voice_conversation_uuid)s, %(voice_secretary_uuid)s, %(call_uuid)s,
    %(caller_id_number)s, %(caller_id_name)s, %(destination_number)s, %(start_time)s, %(end_time)s,
    %(duration_seconds)s, %(processing_mode)s, %(total_turns)s, %(final_action)s, %(hangup_cause)s,
    %(transfer_extension)s
)
ON CONFLICT (domain_uuid, voice_conversation_uuid) DO UPDATE
   SET end_time = excluded.end_time, duration_seconds = excluded.duration_seconds,
       total_turns = excluded.total_turns, final_action = excluded.final_action,
       hangup_cause = excluded.hangup_cause, transfer_extension = excluded.transfer_extension,
       update_date = now();

-- name: append_message
INSERT INTO voice_ai.message (
    domain_uuid, voice_message_uuid, voice_conversation_uuid, turn_number, role, content,
    audio_duration_ms, endpoint_ms, stt_ms, retrieval_ms, llm_ms, tts_ms, first_audio_ms,
    stt_provider, tts_provider, llm_provider, embeddings_provider, prompt_tokens,
    completion_tokens, rag_sources, detected_intent
) VALUES (
    %(domain_uuid)s, %(voice_message_uuid)s, %(voice_conversation_uuid)s, %(turn_number)s,
    %(role)s, %(content)s, %(audio_duration_ms)s, %(endpoint_ms)s, %(stt_ms)s, %(retrieval_ms)s,
    %(llm_ms)s, %(tts_ms)s, %(first_audio_ms)s, %(stt_provider)s, %(tts_provider)s,
    %(llm_provider)s, %(embeddings_provider)s, %(prompt_tokens)s, %(completion_tokens)s,
    %(rag_sources)s, %(detected_intent)s
)
ON CONFLICT (domain_uuid, voice_message_uuid) DO NOTHING;

-- name: conversation
SELECT voice_conversation_uuid, voice_secretary_uuid, call_uuid, caller_id_number, caller_id_name,
       destination_number, start_time, end_time, duration_seconds, processing_mode, total_turns,
       final_action, hangup_cause, transfer_extension
  FROM voice_ai.conversation
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = %(voice_conversation_uuid)s;

-- name: messages
SELECT voice_message_uuid, voice_conversation_uuid, turn_number, role, content, audio_duration_ms,
       endpoint_ms, stt_ms, retrieval_ms, llm_ms, tts_ms, first_audio_ms, stt_provider,
       tts_provider, llm_provider, embeddings_provider, prompt_tokens, completion_tokens,
       rag_sources, detected_intent, insert_date
  FROM voice_ai.message
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = %(voice_conversation_uuid)s
 ORDER BY turn_number, role = 'assistant', insert_date;
