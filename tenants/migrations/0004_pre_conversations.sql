-- What was said in each call, and what every stage of every turn cost in time.

CREATE TABLE voice_ai.conversation (
    domain_uuid              uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    voice_conversation_uuid  uuid        NOT NULL,
    voice_secretary_uuid     uuid,
    call_uuid                text        NOT NULL,  -- FreeSWITCH's Unique-ID of the caller's channel
    caller_id_number         text,
    caller_id_name           text,
    destination_number       text,
    start_time               timestamptz NOT NULL,
    end_time                 timestamptz,
    duration_seconds         numeric(10,3) CHECK (duration_seconds >= 0),
    processing_mode          text,
    total_turns              integer     NOT NULL DEFAULT 0 CHECK (total_turns >= 0),
    final_action             text,
    hangup_cause             text,
    transfer_extension       text,
    insert_date              timestamptz NOT NULL DEFAULT now(),
    update_date              timestamptz,
    PRIMARY KEY (domain_uuid, voice_conversation_uuid),
    FOREIGN KEY (domain_uuid, voice_secretary_uuid) REFERENCES voice_ai.secretary ON DELETE SET NULL (voice_secretary_uuid)
);
CREATE INDEX conversation_by_time ON voice_ai.conversation (domain_uuid, start_time);
CREATE INDEX conversation_by_call ON voice_ai.conversation (domain_uuid, call_uuid);

CREATE TABLE voice_ai.message (
    domain_uuid              uuid        NOT NULL,
    voice_message_uuid       uuid        NOT NULL,
    voice_conversation_uuid  uuid        NOT NULL,
    turn_number              integer     NOT NULL CHECK (turn_number >= 0),
    role                     text        NOT NULL CHECK (role IN ('user', 'assistant', 'system')),
    content                  text        NOT NULL,
    audio_duration_ms        integer     CHECK (audio_duration_ms >= 0),
    endpoint_ms              integer     CHECK (endpoint_ms >= 0),     -- caller silent -> we know it
    stt_ms                   integer     CHECK (stt_ms >= 0),
    retrieval_ms             integer     CHECK (retrieval_ms >= 0),
    llm_ms                   integer     CHECK (llm_ms >= 0),          -- to the first usable words
    tts_ms                   integer     CHECK (tts_ms >= 0),          -- to the first sound
    first_audio_ms           integer     CHECK (first_audio_ms >= 0),  -- caller silent -> caller hears us
    stt_provider             text,
    tts_provider             text,
    llm_provider             text,
    embeddings_provider      text,
    prompt_tokens            integer     CHECK (prompt_tokens >= 0),
    completion_tokens        integer     CHECK (completion_tokens >= 0),
    rag_sources              uuid[]      NOT NULL DEFAULT '{}',        -- passages the answer rests on
    detected_intent          text,
    insert_date              timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (domain_uuid, voice_message_uuid),
    FOREIGN KEY (domain_uuid, voice_conversation_uuid) REFERENCES voice_ai.conversation ON DELETE CASCADE
);
CREATE INDEX message_by_conversation ON voice_ai.message (domain_uuid, voice_conversation_uuid, turn_number);

ALTER TABLE voice_ai.conversation ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.conversation FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.message      ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.message      FORCE  ROW LEVEL SECURITY;

CREATE POLICY tenant ON voice_ai.conversation
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.message
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());

GRANT SELECT, INSERT, UPDATE, DELETE ON voice_ai.conversation, voice_ai.message TO voice_ai_app;
