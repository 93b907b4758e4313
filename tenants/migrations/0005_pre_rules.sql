-- What a tenant decides about his calls: where they may go, when, what is kept, what they may cost;
-- and what callers leave behind. docs/reference/schema.md tells the meaning of every column.

ALTER TABLE voice_ai.domain
    -- How numbers written without a country are read; NULL: they stay as they are dialled.
    ADD COLUMN country    text CHECK (country ~ '^[A-Z]{2}$'),
    ADD COLUMN time_zone  text NOT NULL DEFAULT 'UTC' CHECK (time_zone ~ '^[A-Za-z0-9_+/-]{1,64}$');

-- When a tenant, a secretary or a destination is there. Times are local to time_zone.
CREATE TABLE voice_ai.business_hours (
    domain_uuid          uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    business_hours_uuid  uuid        NOT NULL,
    name                 text        NOT NULL CHECK (name <> ''),
    time_zone            text        NOT NULL CHECK (time_zone ~ '^[A-Za-z0-9_+/-]{1,64}$'),
    holiday_country      text        CHECK (holiday_country ~ '^[A-Z]{2}$'),
    holiday_subdivision  text        CHECK (holiday_subdivision ~ '^[A-Za-z0-9]{1,6}$'),
    is_default           boolean     NOT NULL DEFAULT false,
    insert_date          timestamptz NOT NULL DEFAULT now(),
    update_date          timestamptz,
    PRIMARY KEY (domain_uuid, business_hours_uuid),
    CONSTRAINT business_hours_name_in_use UNIQUE (domain_uuid, name),
    CONSTRAINT business_hours_subdivision_of_country CHECK (holiday_subdivision IS NULL OR holiday_country IS NOT NULL)
);
CREATE UNIQUE INDEX business_hours_one_default ON voice_ai.business_hours (domain_uuid) WHERE is_default;

-- A day or some days that are not like their weekdays. Without slots: closed.
CREATE TABLE voice_ai.business_hours_exception (
    domain_uuid                    uuid NOT NULL,
    business_hours_exception_uuid  uuid NOT NULL,
    business_hours_uuid            uuid NOT NULL,
    name                           text NOT NULL CHECK (name <> ''),
    first_date                     date NOT NULL,
    last_date                      date NOT NULL,
    insert_date                    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (domain_uuid, business_hours_exception_uuid),
    CONSTRAINT business_hours_exception_dates CHECK (last_date >= first_date),
    FOREIGN KEY (domain_uuid, business_hours_uuid) REFERENCES voice_ai.business_hours ON DELETE CASCADE
);
CREATE INDEX business_hours_exception_of ON voice_ai.business_hours_exception (domain_uuid, business_hours_uuid);

-- One stretch of time on a weekday, or on each day of an exception. An end that is not after its
-- start is on the next day (22:00-06:00); 00:00 as end is midnight.
CREATE TABLE voice_ai.business_hours_slot (
    domain_uuid                    uuid     NOT NULL,
    business_hours_slot_uuid       uuid     NOT NULL DEFAULT gen_random_uuid(),
    business_hours_uuid            uuid     NOT NULL,
    business_hours_exception_uuid  uuid,
    weekday                        smallint CHECK (weekday BETWEEN 0 AND 6),  -- 0 is Monday
    start_time                     time     NOT NULL CHECK (start_time < '24:00'),
    end_time                       time     NOT NULL CHECK (end_time < '24:00'),
    PRIMARY KEY (domain_uuid, business_hours_slot_uuid),
    CONSTRAINT business_hours_slot_of_weekday_or_exception
        CHECK ((weekday IS NULL) = (business_hours_exception_uuid IS NOT NULL)),
    CONSTRAINT business_hours_slot_once
        UNIQUE NULLS NOT DISTINCT (domain_uuid, business_hours_uuid, business_hours_exception_uuid, weekday, start_time),
    FOREIGN KEY (domain_uuid, business_hours_uuid) REFERENCES voice_ai.business_hours ON DELETE CASCADE,
    FOREIGN KEY (domain_uuid, business_hours_exception_uuid) REFERENCES voice_ai.business_hours_exception ON DELETE CASCADE
);

ALTER TABLE voice_ai.secretary
    ADD COLUMN realtime_provider_uuid       uuid,
    ADD COLUMN business_hours_uuid          uuid,
    ADD COLUMN outside_hours_message        text    NOT NULL DEFAULT '',
    ADD COLUMN hold_return_message          text    NOT NULL DEFAULT '',
    ADD COLUMN vad_threshold                real    CHECK (vad_threshold BETWEEN 0 AND 1),
    ADD COLUMN vad_type                     text    NOT NULL DEFAULT 'semantic_vad' CHECK (vad_type IN ('server_vad', 'semantic_vad')),
    ADD COLUMN vad_eagerness                text    NOT NULL DEFAULT 'medium' CHECK (vad_eagerness IN ('low', 'medium', 'high', 'auto')),
    ADD COLUMN silence_fallback_action      text    NOT NULL DEFAULT 'reprompt' CHECK (silence_fallback_action IN ('reprompt', 'hangup')),
    ADD COLUMN transfer_on_failure          boolean NOT NULL DEFAULT true,
    ADD COLUMN handoff_timeout              integer NOT NULL DEFAULT 30 CHECK (handoff_timeout BETWEEN 5 AND 300),
    ADD COLUMN presence_check_enabled       boolean NOT NULL DEFAULT true,
    ADD COLUMN transfer_enabled             boolean NOT NULL DEFAULT true,
    ADD COLUMN transfer_default_timeout     integer NOT NULL DEFAULT 30 CHECK (transfer_default_timeout BETWEEN 5 AND 300),
    ADD COLUMN transfer_announce_enabled    boolean NOT NULL DEFAULT true,
    ADD COLUMN transfer_max_retries         integer NOT NULL DEFAULT 1 CHECK (transfer_max_retries BETWEEN 0 AND 5),
    ADD COLUMN transfer_music_on_hold       text    NOT NULL DEFAULT 'local_stream://moh' CHECK (transfer_music_on_hold ~ '^(local_stream://[A-Za-z0-9_-]{1,64}|silence)$'),
    ADD COLUMN transfer_realtime_enabled    boolean NOT NULL DEFAULT false,
    ADD COLUMN transfer_realtime_prompt     text    NOT NULL DEFAULT '',
    ADD COLUMN transfer_realtime_timeout    integer NOT NULL DEFAULT 15 CHECK (transfer_realtime_timeout BETWEEN 5 AND 120),
    ADD COLUMN unbridge_behavior            text    NOT NULL DEFAULT 'hangup' CHECK (unbridge_behavior IN ('hangup', 'resume')),
    ADD COLUMN unbridge_resume_message      text    NOT NULL DEFAULT '',
    ADD COLUMN fallback_action              text    NOT NULL DEFAULT 'ticket' CHECK (fallback_action IN ('ticket', 'callback', 'voicemail', 'none')),
    ADD COLUMN fallback_priority            text    NOT NULL DEFAULT 'medium' CHECK (fallback_priority IN ('low', 'medium', 'high', 'urgent')),
    ADD COLUMN callback_enabled             boolean NOT NULL DEFAULT true,
    ADD COLUMN callback_expiration_hours    integer NOT NULL DEFAULT 24 CHECK (callback_expiration_hours BETWEEN 1 AND 720),
    ADD COLUMN callback_max_notifications   integer NOT NULL DEFAULT 5 CHECK (callback_max_notifications BETWEEN 1 AND 50),
    ADD COLUMN callback_min_interval_minutes integer NOT NULL DEFAULT 10 CHECK (callback_min_interval_minutes BETWEEN 1 AND 1440),
    ADD COLUMN guardrails_enabled           boolean NOT NULL DEFAULT true,
    ADD COLUMN guardrails_topics            text[]  NOT NULL DEFAULT '{}',
    ADD CONSTRAINT secretary_realtime_provider FOREIGN KEY (domain_uuid, realtime_provider_uuid)
        REFERENCES voice_ai.provider ON DELETE SET NULL (realtime_provider_uuid),
    ADD CONSTRAINT secretary_business_hours FOREIGN KEY (domain_uuid, business_hours_uuid)
        REFERENCES voice_ai.business_hours ON DELETE SET NULL (business_hours_uuid);

-- Where calls may be handed to. The model and the caller choose an alias, never a number.
CREATE TABLE voice_ai.transfer_destination (
    domain_uuid                uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    transfer_destination_uuid  uuid        NOT NULL,
    voice_secretary_uuid       uuid,       -- NULL: for every secretary of the domain
    name                       text        NOT NULL CHECK (name <> ''),
    aliases                    text[]      NOT NULL DEFAULT '{}'
        CHECK (array_position(aliases, '') IS NULL AND array_position(aliases, NULL) IS NULL AND lower(aliases::text) = aliases::text),
    destination_type           text        NOT NULL CHECK (destination_type IN ('extension', 'ring_group', 'queue', 'external', 'voicemail')),
    destination_number         text        NOT NULL,
    destination_context        text        NOT NULL DEFAULT 'default' CHECK (destination_context ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$'),
    business_hours_uuid        uuid,       -- NULL: always there
    fallback_action            text        NOT NULL DEFAULT 'return_agent'
        CHECK (fallback_action IN ('offer_callback', 'offer_ticket', 'create_ticket', 'voicemail', 'return_agent', 'hangup')),
    ring_timeout_seconds       integer     NOT NULL DEFAULT 30 CHECK (ring_timeout_seconds BETWEEN 5 AND 300),
    max_retries                integer     NOT NULL DEFAULT 1 CHECK (max_retries BETWEEN 0 AND 5),
    retry_delay_seconds        integer     NOT NULL DEFAULT 5 CHECK (retry_delay_seconds BETWEEN 0 AND 300),
    department                 text        NOT NULL DEFAULT '',
    role                       text        NOT NULL DEFAULT '',
    description                text        NOT NULL DEFAULT '',
    priority                   integer     NOT NULL DEFAULT 100,  -- lower comes first
    is_enabled                 boolean     NOT NULL DEFAULT true,
    is_default                 boolean     NOT NULL DEFAULT false,
    insert_date                timestamptz NOT NULL DEFAULT now(),
    update_date                timestamptz,
    PRIMARY KEY (domain_uuid, transfer_destination_uuid),
    CONSTRAINT destination_name_in_use UNIQUE (domain_uuid, name),
    CONSTRAINT destination_number_fits_type CHECK (CASE destination_type
        WHEN 'external' THEN destination_number ~ '^\+[1-9][0-9]{6,14}$'
        ELSE destination_number ~ '^([0-9*#]{1,15}|[A-Za-z][A-Za-z_.-]{0,40}[0-9]{0,6})$' END),
    FOREIGN KEY (domain_uuid, voice_secretary_uuid) REFERENCES voice_ai.secretary ON DELETE CASCADE,
    FOREIGN KEY (domain_uuid, business_hours_uuid) REFERENCES voice_ai.business_hours ON DELETE SET NULL (business_hours_uuid)
);
CREATE UNIQUE INDEX destination_one_default ON voice_ai.transfer_destination (domain_uuid) WHERE is_default;

-- An alias leads to one destination of its domain. The lock makes two writers take turns; the query
-- after it sees what the first has committed.
CREATE FUNCTION voice_ai.one_destination_per_alias() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('voice_ai.alias ' || NEW.domain_uuid, 0));
    IF EXISTS (
        SELECT FROM voice_ai.transfer_destination d
         WHERE d.domain_uuid = NEW.domain_uuid
           AND d.transfer_destination_uuid <> NEW.transfer_destination_uuid
           AND d.aliases && NEW.aliases
    ) OR (SELECT count(*) <> count(DISTINCT alias) FROM unnest(NEW.aliases) AS alias) THEN
        RAISE unique_violation USING MESSAGE = 'an alias is used twice', CONSTRAINT = 'alias_in_use';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER one_destination_per_alias BEFORE INSERT OR UPDATE OF aliases ON voice_ai.transfer_destination
    FOR EACH ROW EXECUTE FUNCTION voice_ai.one_destination_per_alias();

-- What callers say that means: transfer me there.
CREATE TABLE voice_ai.transfer_rule (
    domain_uuid                uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    transfer_rule_uuid         uuid        NOT NULL,
    voice_secretary_uuid       uuid,       -- NULL: for every secretary of the domain
    transfer_destination_uuid  uuid        NOT NULL,
    intent_keywords            text[]      NOT NULL DEFAULT '{}',
    intent_patterns            text[]      NOT NULL DEFAULT '{}',
    transfer_message           text        NOT NULL DEFAULT '',
    transfer_timeout_seconds   integer     CHECK (transfer_timeout_seconds BETWEEN 5 AND 300),
    skip_presence_check        boolean     NOT NULL DEFAULT false,
    priority                   integer     NOT NULL DEFAULT 0,  -- lower comes first
    is_enabled                 boolean     NOT NULL DEFAULT true,
    insert_date                timestamptz NOT NULL DEFAULT now(),
    update_date                timestamptz,
    PRIMARY KEY (domain_uuid, transfer_rule_uuid),
    CONSTRAINT transfer_rule_matches_something CHECK (cardinality(intent_keywords) + cardinality(intent_patterns) > 0),
    FOREIGN KEY (domain_uuid, voice_secretary_uuid) REFERENCES voice_ai.secretary ON DELETE CASCADE,
    FOREIGN KEY (domain_uuid, transfer_destination_uuid) REFERENCES voice_ai.transfer_destination ON DELETE CASCADE
);

-- What may be kept and passed on. A tenant without a row has the defaults of this table.
CREATE TABLE voice_ai.policy (
    domain_uuid                   uuid        NOT NULL PRIMARY KEY REFERENCES voice_ai.domain ON DELETE CASCADE,
    consent                       text        NOT NULL DEFAULT 'none' CHECK (consent IN ('none', 'announce', 'ask')),
    consent_message               text        NOT NULL DEFAULT '',
    recording_enabled             boolean     NOT NULL DEFAULT false,
    record_mask                   boolean     NOT NULL DEFAULT true,
    redact_storage                boolean     NOT NULL DEFAULT false,
    redact_llm                    boolean     NOT NULL DEFAULT false,
    caller_memory_enabled         boolean     NOT NULL DEFAULT false,
    retention_audio_days          integer     DEFAULT 90 CHECK (retention_audio_days BETWEEN 0 AND 36500),
    retention_transcript_days     integer     DEFAULT 90 CHECK (retention_transcript_days BETWEEN 0 AND 36500),
    retention_caller_memory_days  integer     DEFAULT 90 CHECK (retention_caller_memory_days BETWEEN 0 AND 36500),
    external_countries            text[]      NOT NULL DEFAULT '{}',  -- besides the domain's own
    insert_date                   timestamptz NOT NULL DEFAULT now(),
    update_date                   timestamptz
);

-- What a tenant may use; NULL: without limit. A tenant without a row has the defaults of this table.
CREATE TABLE voice_ai.quota (
    domain_uuid                  uuid          NOT NULL PRIMARY KEY REFERENCES voice_ai.domain ON DELETE CASCADE,
    concurrent_legs              integer       DEFAULT 10 CHECK (concurrent_legs >= 0),
    calls_per_minute             integer       DEFAULT 60 CHECK (calls_per_minute >= 0),
    calls_per_minute_per_caller  integer       DEFAULT 6 CHECK (calls_per_minute_per_caller >= 0),
    transfers_per_hour           integer       DEFAULT 100 CHECK (transfers_per_hour >= 0),
    call_seconds                 integer       DEFAULT 3600 CHECK (call_seconds > 0),  -- the others of a call: "call_"
    call_turns                   integer       CHECK (call_turns > 0),
    call_tokens                  integer       CHECK (call_tokens > 0),
    call_characters              integer       CHECK (call_characters > 0),
    tokens_day                   bigint        CHECK (tokens_day >= 0),
    characters_day               bigint        CHECK (characters_day >= 0),
    spend_day                    numeric(14,4) CHECK (spend_day >= 0),
    spend_month                  numeric(14,4) CHECK (spend_month >= 0),
    currency                     text          NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    busy_action                  text          NOT NULL DEFAULT 'prompt' CHECK (busy_action IN ('prompt', 'cause')),
    busy_message                 text          NOT NULL DEFAULT '',
    busy_cause                   text          NOT NULL DEFAULT 'USER_BUSY' CHECK (busy_cause ~ '^[A-Z][A-Z0-9_]{2,63}$'),
    insert_date                  timestamptz   NOT NULL DEFAULT now(),
    update_date                  timestamptz
);

-- What providers charge. Rows of the domain 00000000-0000-0000-0000-000000000000 hold for everybody
-- and can be read by everybody; a tenant's own row for the same thing wins over them. owner_uuid is
-- there so that a tenant's rows go when the tenant goes, without a row in domain for "everybody".
CREATE TABLE voice_ai.price (
    domain_uuid    uuid          NOT NULL,
    owner_uuid     uuid          GENERATED ALWAYS AS (nullif(domain_uuid, '00000000-0000-0000-0000-000000000000'::uuid)) STORED
        REFERENCES voice_ai.domain ON DELETE CASCADE,
    provider_type  text          NOT NULL CHECK (provider_type IN ('stt', 'tts', 'llm', 'embeddings', 'realtime')),
    provider_name  text          NOT NULL CHECK (provider_name ~ '^[a-z][a-z0-9_]{0,49}$'),
    model          text          NOT NULL DEFAULT '',  -- '': every model without a row of its own
    unit           text          NOT NULL CHECK (unit IN ('prompt_token', 'completion_token', 'character', 'second', 'request')),
    price          numeric(18,6) NOT NULL CHECK (price >= 0),
    per            integer       NOT NULL DEFAULT 1 CHECK (per > 0),  -- so many units for that price
    currency       text          NOT NULL DEFAULT 'USD' CHECK (currency ~ '^[A-Z]{3}$'),
    insert_date    timestamptz   NOT NULL DEFAULT now(),
    update_date    timestamptz,
    PRIMARY KEY (domain_uuid, provider_type, provider_name, model, unit)
);

-- Calls we owe.
CREATE TABLE voice_ai.callback (
    domain_uuid                uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    callback_uuid              uuid        NOT NULL,
    voice_secretary_uuid       uuid,
    voice_conversation_uuid    uuid,
    transfer_destination_uuid  uuid,       -- whose work it is; NULL: the secretary's transfer_extension
    callback_number            text        NOT NULL CHECK (callback_number ~ '^(\+[1-9][0-9]{6,14}|[0-9*#]{1,15})$'),
    caller_name                text        NOT NULL DEFAULT '',
    reason                     text        NOT NULL DEFAULT '',
    priority                   text        NOT NULL DEFAULT 'medium' CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
    status                     text        NOT NULL DEFAULT 'pending' CHECK (status IN
        ('pending', 'notified', 'ready_to_call', 'in_progress', 'completed', 'expired', 'canceled', 'failed', 'needs_review')),
    requested_time             timestamptz,  -- when the caller would like it; NULL: as soon as possible
    expires_at                 timestamptz NOT NULL,
    notify_count               integer     NOT NULL DEFAULT 0 CHECK (notify_count >= 0),
    last_notified_at           timestamptz,
    attempts                   integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    last_attempt_at            timestamptz,
    insert_date                timestamptz NOT NULL DEFAULT now(),
    update_date                timestamptz,
    PRIMARY KEY (domain_uuid, callback_uuid),
    FOREIGN KEY (domain_uuid, voice_secretary_uuid) REFERENCES voice_ai.secretary ON DELETE SET NULL (voice_secretary_uuid),
    FOREIGN KEY (domain_uuid, voice_conversation_uuid) REFERENCES voice_ai.conversation ON DELETE SET NULL (voice_conversation_uuid),
    FOREIGN KEY (domain_uuid, transfer_destination_uuid) REFERENCES voice_ai.transfer_destination ON DELETE SET NULL (transfer_destination_uuid)
);
CREATE INDEX callback_open ON voice_ai.callback (domain_uuid, expires_at)
    WHERE status IN ('pending', 'notified', 'ready_to_call', 'in_progress');
CREATE INDEX callback_by_number ON voice_ai.callback (domain_uuid, callback_number);

-- What callers left for somebody: in their own voice, or taken down by the secretary (a ticket).
CREATE TABLE voice_ai.voice_message (
    domain_uuid                uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    left_message_uuid          uuid        NOT NULL,
    voice_secretary_uuid       uuid,
    voice_conversation_uuid    uuid,
    transfer_destination_uuid  uuid,       -- for whom; NULL: for whoever reads the domain's messages
    caller_id_number           text,
    caller_name                text        NOT NULL DEFAULT '',
    callback_number            text        CHECK (callback_number ~ '^(\+[1-9][0-9]{6,14}|[0-9*#]{1,15})$'),
    content                    text        NOT NULL DEFAULT '',
    priority                   text        NOT NULL DEFAULT 'medium' CHECK (priority IN ('low', 'medium', 'high', 'urgent')),
    status                     text        NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'read', 'done')),
    audio_file_path            text,
    audio_duration_ms          integer     CHECK (audio_duration_ms >= 0),
    insert_date                timestamptz NOT NULL DEFAULT now(),
    update_date                timestamptz,
    PRIMARY KEY (domain_uuid, left_message_uuid),
    CONSTRAINT voice_message_says_something CHECK (content <> '' OR audio_file_path IS NOT NULL),
    FOREIGN KEY (domain_uuid, voice_secretary_uuid) REFERENCES voice_ai.secretary ON DELETE SET NULL (voice_secretary_uuid),
    FOREIGN KEY (domain_uuid, voice_conversation_uuid) REFERENCES voice_ai.conversation ON DELETE SET NULL (voice_conversation_uuid),
    FOREIGN KEY (domain_uuid, transfer_destination_uuid) REFERENCES voice_ai.transfer_destination ON DELETE SET NULL (transfer_destination_uuid)
);
CREATE INDEX voice_message_by_time ON voice_ai.voice_message (domain_uuid, insert_date);

-- Who changed what. Added to and read, never changed; gone with its tenant.
CREATE TABLE voice_ai.audit (
    domain_uuid  uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    audit_uuid   uuid        NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    actor        text        NOT NULL CHECK (actor <> ''),   -- "cli:maria", "job:retention"
    action       text        NOT NULL CHECK (action ~ '^[a-z][a-z0-9_]{0,63}$'),
    subject      text        NOT NULL DEFAULT '',            -- what was changed, by its name
    details      jsonb       NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(details) = 'object'),
    PRIMARY KEY (domain_uuid, audit_uuid)
);
CREATE INDEX audit_by_time ON voice_ai.audit (domain_uuid, at);

ALTER TABLE voice_ai.conversation
    ADD COLUMN transfer_department  text,
    ADD COLUMN consent              text CHECK (consent IN ('announced', 'given', 'refused')),
    ADD COLUMN recording_file_path  text,
    ADD COLUMN summary              text,
    ADD COLUMN cost                 numeric(14,6) CHECK (cost >= 0),
    ADD COLUMN currency             text CHECK (currency ~ '^[A-Z]{3}$');

ALTER TABLE voice_ai.message
    ADD COLUMN heard                text,           -- of an interrupted answer: what the caller heard of it
    ADD COLUMN audio_file_path      text,
    ADD COLUMN characters           integer       CHECK (characters >= 0),  -- synthesised, what the TTS charges for
    ADD COLUMN cost                 numeric(14,6) CHECK (cost >= 0),
    ADD COLUMN currency             text          CHECK (currency ~ '^[A-Z]{3}$'),
    ADD COLUMN trouble              text;           -- what went wrong in this turn, in the words of the log

ALTER TABLE voice_ai.business_hours           ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.business_hours           FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.business_hours_exception ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.business_hours_exception FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.business_hours_slot      ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.business_hours_slot      FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.transfer_destination     ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.transfer_destination     FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.transfer_rule            ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.transfer_rule            FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.policy                   ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.policy                   FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.quota                    ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.quota                    FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.price                    ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.price                    FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.callback                 ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.callback                 FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.voice_message            ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.voice_message            FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.audit                    ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.audit                    FORCE  ROW LEVEL SECURITY;

CREATE POLICY tenant ON voice_ai.business_hours
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.business_hours_exception
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.business_hours_slot
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.transfer_destination
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.transfer_rule
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.policy
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.quota
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.price
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.callback
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.voice_message
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.audit
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());

-- Prices for everybody are no tenant's data.
CREATE POLICY shared ON voice_ai.price FOR SELECT
    USING (domain_uuid = '00000000-0000-0000-0000-000000000000'::uuid);

GRANT SELECT, INSERT, UPDATE, DELETE
    ON voice_ai.business_hours, voice_ai.business_hours_exception, voice_ai.business_hours_slot,
       voice_ai.transfer_destination, voice_ai.transfer_rule, voice_ai.policy, voice_ai.quota,
       voice_ai.price, voice_ai.callback, voice_ai.voice_message
    TO voice_ai_app;
GRANT SELECT, INSERT ON voice_ai.audit TO voice_ai_app;
