-- Who is called: domains, their providers and secretaries, and the numbers that lead to them.
--
-- Every table carries domain_uuid first in its key and in each reference, so that a row can only
-- point at rows of its own tenant. Row-level security is forced: not even the owner reads past it.

CREATE TABLE voice_ai.domain (
    domain_uuid         uuid        PRIMARY KEY,
    domain_name         text        NOT NULL CHECK (domain_name ~ '^[a-z0-9]([a-z0-9._-]{0,252}[a-z0-9])?$'),
    domain_description  text        NOT NULL DEFAULT '',
    is_enabled          boolean     NOT NULL DEFAULT true,
    insert_date         timestamptz NOT NULL DEFAULT now(),
    update_date         timestamptz,
    CONSTRAINT domain_name_in_use UNIQUE (domain_name)
);

CREATE TABLE voice_ai.provider (
    domain_uuid             uuid          NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    voice_ai_provider_uuid  uuid          NOT NULL,
    provider_type           text          NOT NULL CHECK (provider_type IN ('stt', 'tts', 'llm', 'embeddings', 'realtime')),
    provider_name           text          NOT NULL CHECK (provider_name ~ '^[a-z][a-z0-9_]{0,49}$'),
    display_name            text          NOT NULL DEFAULT '',
    config                  jsonb         NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(config) = 'object'),
    is_default              boolean       NOT NULL DEFAULT false,
    is_enabled              boolean       NOT NULL DEFAULT true,
    priority                integer       NOT NULL DEFAULT 0,
    rate_limit_rpm          integer       CHECK (rate_limit_rpm > 0),
    cost_per_unit           numeric(10,6) CHECK (cost_per_unit >= 0),
    cost_unit               text,
    insert_date             timestamptz   NOT NULL DEFAULT now(),
    update_date             timestamptz,
    PRIMARY KEY (domain_uuid, voice_ai_provider_uuid),
    CONSTRAINT provider_name_in_use UNIQUE (domain_uuid, provider_type, provider_name)
);
CREATE UNIQUE INDEX provider_one_default ON voice_ai.provider (domain_uuid, provider_type) WHERE is_default;

-- An empty text means: the standard one of the secretary's language.
CREATE TABLE voice_ai.secretary (
    domain_uuid                   uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    voice_secretary_uuid          uuid        NOT NULL,
    secretary_name                text        NOT NULL CHECK (secretary_name <> ''),
    company_name                  text        NOT NULL DEFAULT '',
    extension                     text        CHECK (extension ~ '^[a-z0-9._-]{1,64}$'),
    is_default                    boolean     NOT NULL DEFAULT false,
    is_enabled                    boolean     NOT NULL DEFAULT true,
    language                      text        NOT NULL DEFAULT 'en-US' CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    personality_prompt            text        NOT NULL DEFAULT '',
    greeting_message              text        NOT NULL DEFAULT '',
    farewell_message              text        NOT NULL DEFAULT '',
    fallback_message              text        NOT NULL DEFAULT '',
    transfer_message              text        NOT NULL DEFAULT '',
    business_info                 jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(business_info) = 'object'),
    stt_provider_uuid             uuid,
    tts_provider_uuid             uuid,
    llm_provider_uuid             uuid,
    embeddings_provider_uuid      uuid,
    tts_voice_id                  text,
    tts_speed                     real        NOT NULL DEFAULT 1.0 CHECK (tts_speed BETWEEN 0.25 AND 4),
    llm_model_override            text,
    llm_temperature               real        NOT NULL DEFAULT 0.7 CHECK (llm_temperature BETWEEN 0 AND 2),
    llm_max_tokens                integer     NOT NULL DEFAULT 500 CHECK (llm_max_tokens BETWEEN 1 AND 32000),
    processing_mode               text        NOT NULL DEFAULT 'turn_based' CHECK (processing_mode IN ('turn_based', 'realtime')),
    media_mode                    text        NOT NULL DEFAULT 'duplex' CHECK (media_mode IN ('file', 'duplex', 'detect')),
    max_turns                     integer     NOT NULL DEFAULT 20 CHECK (max_turns BETWEEN 1 AND 1000),
    silence_timeout_ms            integer     NOT NULL DEFAULT 1000 CHECK (silence_timeout_ms BETWEEN 200 AND 60000),
    max_recording_seconds         integer     NOT NULL DEFAULT 30 CHECK (max_recording_seconds BETWEEN 1 AND 600),
    silence_fallback_seconds      integer     NOT NULL DEFAULT 6 CHECK (silence_fallback_seconds BETWEEN 1 AND 300),
    silence_fallback_prompt       text        NOT NULL DEFAULT '',
    silence_fallback_max_retries  integer     NOT NULL DEFAULT 2 CHECK (silence_fallback_max_retries BETWEEN 0 AND 10),
    transfer_extension            text        CHECK (transfer_extension ~ '^(\+?[0-9*#]{1,32}|[A-Za-z][A-Za-z0-9_.-]{0,63})$'),
    transfer_context              text        NOT NULL DEFAULT 'default' CHECK (transfer_context ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$'),
    handoff_enabled               boolean     NOT NULL DEFAULT true,
    handoff_keywords              text[]      NOT NULL DEFAULT '{}',
    farewell_keywords             text[]      NOT NULL DEFAULT '{}',
    insert_date                   timestamptz NOT NULL DEFAULT now(),
    update_date                   timestamptz,
    PRIMARY KEY (domain_uuid, voice_secretary_uuid),
    CONSTRAINT secretary_name_in_use UNIQUE (domain_uuid, secretary_name),
    CONSTRAINT secretary_extension_in_use UNIQUE (domain_uuid, extension),
    FOREIGN KEY (domain_uuid, stt_provider_uuid) REFERENCES voice_ai.provider ON DELETE SET NULL (stt_provider_uuid),
    FOREIGN KEY (domain_uuid, tts_provider_uuid) REFERENCES voice_ai.provider ON DELETE SET NULL (tts_provider_uuid),
    FOREIGN KEY (domain_uuid, llm_provider_uuid) REFERENCES voice_ai.provider ON DELETE SET NULL (llm_provider_uuid),
    FOREIGN KEY (domain_uuid, embeddings_provider_uuid) REFERENCES voice_ai.provider ON DELETE SET NULL (embeddings_provider_uuid)
);
CREATE UNIQUE INDEX secretary_one_default ON voice_ai.secretary (domain_uuid) WHERE is_default;

-- A number belongs to one tenant of the whole system: it decides whose call this is. It is kept in
-- the form tenants.routing.normalise_number gives it.
CREATE TABLE voice_ai.did (
    domain_uuid           uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    destination_number    text        NOT NULL CHECK (destination_number ~ '^[a-z0-9._*#-]{1,64}$'),
    voice_secretary_uuid  uuid        NOT NULL,
    description           text        NOT NULL DEFAULT '',
    is_enabled            boolean     NOT NULL DEFAULT true,
    insert_date           timestamptz NOT NULL DEFAULT now(),
    update_date           timestamptz,
    PRIMARY KEY (domain_uuid, destination_number),
    CONSTRAINT destination_number_in_use UNIQUE (destination_number),
    FOREIGN KEY (domain_uuid, voice_secretary_uuid) REFERENCES voice_ai.secretary ON DELETE CASCADE
);

ALTER TABLE voice_ai.domain    ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.domain    FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.provider  ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.provider  FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.secretary ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.secretary FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.did       ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.did       FORCE  ROW LEVEL SECURITY;

CREATE POLICY tenant ON voice_ai.domain
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.provider
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.secretary
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.did
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());

-- Routing has to find the tenant before there is one. Whoever names a number or a domain exactly may
-- read that one row and no other: nothing can be listed, nothing written, and no table or function
-- stands outside row-level security (a SECURITY DEFINER function would need an owner who bypasses
-- it, which hosted servers do not give; a table without policies would list every tenant's numbers).
CREATE POLICY lookup ON voice_ai.domain FOR SELECT
    USING (domain_name = nullif(current_setting('voice_ai.lookup_domain_name', true), ''));
CREATE POLICY lookup ON voice_ai.did FOR SELECT
    USING (destination_number = nullif(current_setting('voice_ai.lookup_number', true), ''));

GRANT SELECT, INSERT, UPDATE, DELETE
    ON voice_ai.domain, voice_ai.provider, voice_ai.secretary, voice_ai.did
    TO voice_ai_app;
