-- What is read from a FusionPBX database. Rows come as JSON, so that a column which is not there, or
-- is text in one installation and jsonb in the other, is no error.

-- name: patience
SELECT set_config('statement_timeout', '30s', true);

-- name: tables
SELECT table_name
  FROM information_schema.tables
 WHERE table_schema = ANY (current_schemas(false))
   AND (table_name LIKE 'v\_voice\_%%' OR table_name IN ('v_domains', 'v_domain_settings', 'v_default_settings'));

-- name: v_domains
SELECT to_jsonb(t) AS row FROM v_domains t;

-- name: v_domain_settings
SELECT to_jsonb(t) AS row FROM v_domain_settings t WHERE domain_setting_category = 'domain';

-- name: v_default_settings
SELECT to_jsonb(t) AS row FROM v_default_settings t WHERE default_setting_category = 'domain';

-- name: v_voice_ai_providers
SELECT to_jsonb(t) AS row FROM v_voice_ai_providers t;

-- name: v_voice_secretaries
SELECT to_jsonb(t) AS row FROM v_voice_secretaries t;

-- name: v_voice_transfer_destinations
SELECT to_jsonb(t) AS row FROM v_voice_transfer_destinations t;

-- name: v_voice_transfer_rules
SELECT to_jsonb(t) AS row FROM v_voice_transfer_rules t;

-- name: v_voice_secretary_settings
SELECT to_jsonb(t) AS row FROM v_voice_secretary_settings t;

-- name: v_voice_documents
SELECT to_jsonb(t) - 'content' AS row FROM v_voice_documents t;
