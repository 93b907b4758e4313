-- A FusionPBX database with its voice application, as its migrations leave it (columns that matter
-- here and some that do not), and one whose tables came from the rival schema.

CREATE TABLE v_domains (
    domain_uuid uuid PRIMARY KEY, domain_name text, domain_enabled text, domain_description text
);
CREATE TABLE v_default_settings (
    default_setting_uuid uuid DEFAULT gen_random_uuid(), default_setting_category text,
    default_setting_subcategory text, default_setting_name text, default_setting_value text,
    default_setting_enabled text
);
CREATE TABLE v_domain_settings (
    domain_uuid uuid, domain_setting_category text, domain_setting_subcategory text,
    domain_setting_value text, domain_setting_enabled text
);
CREATE TABLE v_voice_ai_providers (
    voice_ai_provider_uuid uuid PRIMARY KEY, domain_uuid uuid, provider_type varchar(20),
    provider_name varchar(50), display_name varchar(100), config jsonb DEFAULT '{}',
    is_default boolean DEFAULT false, is_enabled boolean DEFAULT true, priority integer DEFAULT 0,
    rate_limit_rpm integer, cost_per_unit numeric(10,6), cost_unit varchar(20),
    insert_date timestamptz DEFAULT now(), update_date timestamptz
);
CREATE TABLE v_voice_secretaries (
    voice_secretary_uuid uuid PRIMARY KEY, domain_uuid uuid, secretary_name text, company_name text,
    extension text, is_enabled boolean DEFAULT true, insert_date timestamptz DEFAULT now(),
    insert_user uuid, personality_prompt text, greeting_message text, farewell_message text,
    fallback_message text DEFAULT 'Desculpe, nao entendi.',
    transfer_message text DEFAULT 'Transferindo...', business_info jsonb,
    stt_provider_uuid uuid, tts_provider_uuid uuid, llm_provider_uuid uuid,
    tts_voice_id text, tts_speed numeric DEFAULT 1.0, language varchar(10) DEFAULT 'pt-BR',
    llm_temperature numeric DEFAULT 0.7, llm_max_tokens integer DEFAULT 500,
    max_turns integer DEFAULT 20, silence_timeout_ms integer DEFAULT 3000,
    processing_mode varchar(20) DEFAULT 'turn_based', vad_eagerness varchar(10) DEFAULT 'medium',
    audio_warmup_ms integer DEFAULT 400, jitter_buffer_min integer DEFAULT 100,
    transfer_extension text, handoff_keywords text DEFAULT 'atendente,humano,pessoa,operador',
    handoff_timeout integer DEFAULT 30, fallback_action varchar(20) DEFAULT 'ticket',
    fallback_priority varchar(10) DEFAULT 'medium', unbridge_behavior text DEFAULT 'hangup',
    guardrails_topics text, time_condition_uuid uuid, webhook_url text, omniplay_company_id integer,
    fallback_ticket_enabled boolean DEFAULT true, callback_ask_whatsapp boolean DEFAULT false
);
CREATE TABLE v_voice_transfer_destinations (
    transfer_destination_uuid uuid PRIMARY KEY, domain_uuid uuid, secretary_uuid uuid, name text,
    aliases jsonb DEFAULT '[]', destination_type text, destination_number text,
    destination_context text DEFAULT 'default', ring_timeout_seconds integer DEFAULT 30,
    max_retries integer DEFAULT 1, retry_delay_seconds integer DEFAULT 5,
    fallback_action text DEFAULT 'offer_ticket', department text, role text, description text,
    working_hours jsonb, priority integer DEFAULT 100, is_enabled boolean DEFAULT true,
    is_default boolean DEFAULT false, created_at timestamptz DEFAULT now()
);
CREATE TABLE v_voice_transfer_rules (
    transfer_rule_uuid uuid PRIMARY KEY, voice_secretary_uuid uuid, domain_uuid uuid,
    intent_keywords text[], keywords jsonb, intent_patterns text[], department_name text,
    transfer_extension text, transfer_message text, priority integer DEFAULT 0,
    is_enabled boolean DEFAULT true, is_active boolean DEFAULT true,
    transfer_timeout_seconds integer, skip_presence_check boolean DEFAULT false
);
CREATE TABLE v_voice_documents (
    voice_document_uuid uuid, domain_uuid uuid, document_name text, file_path text, content text
);
CREATE TABLE v_voice_secretary_settings (
    domain_uuid uuid, setting_name text, setting_value text
);
CREATE TABLE v_voice_conversations (voice_conversation_uuid uuid, domain_uuid uuid);
CREATE TABLE v_voice_omniplay_settings (domain_uuid uuid, omniplay_api_token text);

INSERT INTO v_default_settings (default_setting_category, default_setting_subcategory, default_setting_name, default_setting_value, default_setting_enabled)
VALUES ('domain', 'time_zone', 'name', 'America/Sao_Paulo', 'true'), ('domain', 'language', 'code', 'pt-br', 'true');
INSERT INTO v_domains VALUES
    ('d0000000-0000-0000-0000-000000000001', 'Clinica.Example', 'true', 'Clínica "Ç" 🙂'),
    ('d0000000-0000-0000-0000-000000000002', 'plain.example', 'true', NULL),
    ('d0000000-0000-0000-0000-000000000003', 'not a name', 'true', NULL);

INSERT INTO v_voice_ai_providers (voice_ai_provider_uuid, domain_uuid, provider_type, provider_name, display_name, config, is_default, cost_per_unit) VALUES
    ('a0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', 'llm', 'openai', 'GPT', '{"api_key": "sk-canary-llm", "model": "gpt-4o-mini", "temperature": 0.7, "secret_sauce": "canary-sauce"}', true, 0.000150),
    ('a0000000-0000-0000-0000-000000000002', 'd0000000-0000-0000-0000-000000000001', 'tts', 'elevenlabs_old', 'Voice', '{"api_key": "canary-tts", "voice_id": "x"}', true, NULL),
    ('a0000000-0000-0000-0000-000000000003', 'd0000000-0000-0000-0000-000000000001', 'stt', 'whisper_local', NULL, '{"model": "base", "language": "pt"}', true, NULL),
    ('a0000000-0000-0000-0000-000000000004', 'd0000000-0000-0000-0000-000000000001', 'llm', 'fake', NULL, NULL, true, NULL),
    ('a0000000-0000-0000-0000-000000000005', 'd0000000-0000-0000-0000-000000000001', 'tts', 'openai_tts', NULL, '{"voice": "nova"}', false, NULL);

INSERT INTO v_voice_secretaries (voice_secretary_uuid, domain_uuid, secretary_name, company_name, extension, insert_date, greeting_message, business_info, stt_provider_uuid, llm_provider_uuid, tts_speed, max_turns, transfer_extension, guardrails_topics, webhook_url, omniplay_company_id, processing_mode, time_condition_uuid) VALUES
    ('b0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', 'Ana', 'Clínica O''Neil "Dental" 🦷', '8000', '2025-01-01', 'Olá; DROP TABLE v_domains; -- $1 %s', '{"endereço": "Rua 1"}', 'a0000000-0000-0000-0000-000000000003', 'a0000000-0000-0000-0000-000000000001', 1.1, 20, '2000', 'política, religião', 'https://hooks.example/x', 7, 'realtime', 'c0000000-0000-0000-0000-00000000000c'),
    ('b0000000-0000-0000-0000-000000000002', 'd0000000-0000-0000-0000-000000000001', 'Bia', NULL, '8000', '2025-02-01', NULL, NULL, 'a0000000-0000-0000-0000-0000000000ff', NULL, 99, 0, 'maria@example', NULL, '', NULL, 'turn_based', NULL),
    ('b0000000-0000-0000-0000-000000000003', 'd0000000-0000-0000-0000-000000000001', '', NULL, NULL, '2025-03-01', NULL, NULL, NULL, NULL, 1, 20, NULL, NULL, NULL, NULL, 'turn_based', NULL),
    ('b0000000-0000-0000-0000-000000000009', 'd0000000-0000-0000-0000-000000000003', 'Nobody', NULL, NULL, '2025-03-01', NULL, NULL, NULL, NULL, 1, 20, NULL, NULL, NULL, NULL, 'turn_based', NULL);

INSERT INTO v_voice_transfer_destinations (transfer_destination_uuid, domain_uuid, secretary_uuid, name, aliases, destination_type, destination_number, working_hours, is_default, department) VALUES
    ('e0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', NULL, 'Vendas', '["Comercial", " comercial ", "loja"]', 'extension', '20 01', '{"monday": {"start": "08:00", "end": "18:00"}, "sunday": {"enabled": false}}', true, 'Vendas'),
    ('e0000000-0000-0000-0000-000000000002', 'd0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 'Suporte', '["loja"]', 'queue', '7000', '{"start": "08:00", "end": "18:00", "days": [1, 2, 0]}', true, NULL),
    ('e0000000-0000-0000-0000-000000000003', 'd0000000-0000-0000-0000-000000000001', NULL, 'Banco', '[]', 'extension', 'BR1500000000000010932840814P2', NULL, false, NULL),
    ('e0000000-0000-0000-0000-000000000004', 'd0000000-0000-0000-0000-000000000001', NULL, 'Celular', NULL, 'external', '(11) 98765-4321', '{"monday": [{"start": "08:00", "end": "12:00"}, {"start": "11:00", "end": "18:00"}]}', false, NULL),
    ('e0000000-0000-0000-0000-000000000005', 'd0000000-0000-0000-0000-000000000001', NULL, 'Correio', NULL, 'extension', 'maria@example', NULL, false, NULL),
    ('e0000000-0000-0000-0000-000000000006', 'd0000000-0000-0000-0000-000000000001', NULL, NULL, NULL, NULL, NULL, '{"when": "sometimes"}', false, NULL);
INSERT INTO v_voice_transfer_rules (transfer_rule_uuid, voice_secretary_uuid, domain_uuid, intent_keywords, keywords, intent_patterns, department_name, transfer_extension) VALUES
    ('f0000000-0000-0000-0000-000000000001', 'b0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', '{comprar,"preço, valor"}', NULL, '{"(a+)+"}', 'Vendas', '2001'),
    ('f0000000-0000-0000-0000-000000000002', 'b0000000-0000-0000-0000-000000000001', NULL, NULL, '["boleto"]', NULL, 'Financeiro', '2005'),
    ('f0000000-0000-0000-0000-000000000003', 'b0000000-0000-0000-0000-000000000001', 'd0000000-0000-0000-0000-000000000001', NULL, NULL, NULL, 'Nada', '2006');
INSERT INTO v_voice_documents VALUES (gen_random_uuid(), 'd0000000-0000-0000-0000-000000000001', 'Preços', '/var/docs/precos.pdf', repeat('x', 1000));
INSERT INTO v_voice_secretary_settings VALUES
    ('d0000000-0000-0000-0000-000000000001', 'max_concurrent_calls', '12'),
    ('d0000000-0000-0000-0000-000000000001', 'data_retention_days', '30'),
    ('d0000000-0000-0000-0000-000000000001', 'recording_enabled', 'true'),
    ('d0000000-0000-0000-0000-000000000001', 'callback_expiration_hours', '48'),
    ('d0000000-0000-0000-0000-000000000001', 'esl_password', 'ClueCon');

-- The rival schema: other names, texts for JSON, no settings, no destinations.
CREATE SCHEMA rival;
CREATE TABLE rival.v_domains (domain_uuid uuid, domain_name text, domain_enabled boolean);
CREATE TABLE rival.v_voice_ai_providers (
    voice_ai_provider_uuid uuid, domain_uuid uuid, provider_type text, provider_name text,
    config text, enabled text
);
CREATE TABLE rival.v_voice_secretaries (
    voice_secretary_uuid uuid, domain_uuid uuid, secretary_name text, enabled text,
    farewell_keywords text, idle_timeout_seconds integer, max_duration_seconds integer,
    outside_hours_message text, language text
);
CREATE TABLE rival.v_voice_transfer_rules (
    transfer_rule_uuid uuid, voice_secretary_uuid uuid, keywords text, department_name text,
    transfer_extension text, is_active boolean
);
INSERT INTO rival.v_domains VALUES ('d0000000-0000-0000-0000-000000000005', 'rival.example', true);
INSERT INTO rival.v_voice_ai_providers VALUES
    ('a0000000-0000-0000-0000-000000000009', 'd0000000-0000-0000-0000-000000000005', 'llm', 'fake', '{"script": ["oi"]}', 'true');
INSERT INTO rival.v_voice_secretaries VALUES
    ('b0000000-0000-0000-0000-000000000005', 'd0000000-0000-0000-0000-000000000005', 'Rita', 'true', '["tchau", "até logo"]', 12, 600, 'Estamos fechados.', 'pt-BR');
INSERT INTO rival.v_voice_transfer_rules VALUES
    ('f0000000-0000-0000-0000-000000000005', 'b0000000-0000-0000-0000-000000000005', '["pessoa"]', '', '3000', false);
