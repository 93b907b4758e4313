-- The tenant's documents and the passages they were cut into.

CREATE TABLE voice_ai.document (
    domain_uuid           uuid        NOT NULL REFERENCES voice_ai.domain ON DELETE CASCADE,
    voice_document_uuid   uuid        NOT NULL,
    voice_secretary_uuid  uuid,       -- NULL: for every secretary of the domain
    document_name         text        NOT NULL CHECK (document_name <> ''),
    document_type         text        NOT NULL,
    mime_type             text        NOT NULL,
    file_size             bigint      NOT NULL CHECK (file_size >= 0),
    content_hash          text        NOT NULL,  -- of the file's bytes
    recipe                text        NOT NULL,  -- how it was cut and embedded; another one: do it again
    language              text        NOT NULL CHECK (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
    chunk_count           integer     NOT NULL DEFAULT 0,
    processing_status     text        NOT NULL DEFAULT 'pending' CHECK (processing_status IN ('pending', 'processing', 'completed', 'failed')),
    processing_error      text,
    processed_at          timestamptz,
    is_enabled            boolean     NOT NULL DEFAULT true,
    insert_date           timestamptz NOT NULL DEFAULT now(),
    update_date           timestamptz,
    PRIMARY KEY (domain_uuid, voice_document_uuid),
    CONSTRAINT document_name_in_use UNIQUE (domain_uuid, document_name),
    FOREIGN KEY (domain_uuid, voice_secretary_uuid) REFERENCES voice_ai.secretary ON DELETE SET NULL (voice_secretary_uuid)
);

-- Vectors of several models may lie side by side while a tenant changes models, so the column has
-- no dimension; each query names its model and dimension. An HNSW index for a large tenant is an
-- expression index over one model: ((embedding::halfvec(384)) halfvec_cosine_ops) WHERE embedding_model = '...'.
CREATE TABLE voice_ai.passage (
    domain_uuid           uuid        NOT NULL,
    passage_uuid          uuid        NOT NULL,
    voice_document_uuid   uuid        NOT NULL,
    chunk_index           integer     NOT NULL CHECK (chunk_index >= 0),
    title                 text        NOT NULL,  -- headings above it, outermost first, joined by " › "
    anchor                text        NOT NULL,  -- where in the file: "line 12", "page 3"
    content               text        NOT NULL CHECK (content <> ''),
    token_count           integer     NOT NULL,
    language              text        NOT NULL,
    embedding_model       text        NOT NULL,
    embedding             halfvec     NOT NULL,
    embedding_dimensions  integer     GENERATED ALWAYS AS (vector_dims(embedding)) STORED,
    words                 tsvector    GENERATED ALWAYS AS (
        setweight(voice_ai.words(language, title), 'A') || setweight(voice_ai.words(language, content), 'B')
    ) STORED,
    insert_date           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (domain_uuid, passage_uuid),
    FOREIGN KEY (domain_uuid, voice_document_uuid) REFERENCES voice_ai.document ON DELETE CASCADE
);
-- Each search reads every vector of the tenant: keep them in the row, and let the texts go aside.
ALTER TABLE voice_ai.passage ALTER COLUMN embedding SET STORAGE MAIN;
CREATE INDEX passage_by_document ON voice_ai.passage (domain_uuid, voice_document_uuid);
-- No GIN index on words: `@@` is not marked leakproof, so behind row-level security the planner may
-- not use it before the policy has been checked (seen in its plans). The tenant's own rows are found
-- by their domain, and their words compared one by one.

ALTER TABLE voice_ai.document ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.document FORCE  ROW LEVEL SECURITY;
ALTER TABLE voice_ai.passage  ENABLE ROW LEVEL SECURITY;
ALTER TABLE voice_ai.passage  FORCE  ROW LEVEL SECURITY;

CREATE POLICY tenant ON voice_ai.document
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());
CREATE POLICY tenant ON voice_ai.passage
    USING (domain_uuid = voice_ai.current_domain()) WITH CHECK (domain_uuid = voice_ai.current_domain());

GRANT SELECT, INSERT, UPDATE, DELETE ON voice_ai.document, voice_ai.passage TO voice_ai_app;
