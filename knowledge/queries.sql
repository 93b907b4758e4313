-- Statements of the knowledge package. Row-level security isolates; the domain in each WHERE is
-- there for the indexes and so that ranking only ever sees the tenant's own rows.

-- name: document_by_name
SELECT voice_document_uuid, document_name, content_hash, recipe, chunk_count, voice_secretary_uuid
  FROM voice_ai.document
 WHERE domain_uuid = %(domain_uuid)s AND document_name = %(document_name)s;

-- name: document_by_content
SELECT document_name, chunk_count
  FROM voice_ai.document
 WHERE domain_uuid = %(domain_uuid)s AND content_hash = %(content_hash)s
   AND recipe = %(recipe)s AND processing_status = 'completed'
   AND voice_secretary_uuid IS NOT DISTINCT FROM %(voice_secretary_uuid)s
 ORDER BY insert_date
 LIMIT 1;

-- name: passages_with_vectors
SELECT passage_uuid
  FROM voice_ai.passage
 WHERE domain_uuid = %(domain_uuid)s AND voice_document_uuid = %(voice_document_uuid)s
   AND embedding_model = %(embedding_model)s AND embedding_dimensions = %(embedding_dimensions)s;

-- name: save_document
INSERT INTO voice_ai.document (
    domain_uuid, voice_document_uuid, voice_secretary_uuid, document_name, document_type, mime_type,
    file_size, content_hash, recipe, language, chunk_count, processing_status, processed_at
) VALUES (
    %(domain_uuid)s, %(voice_document_uuid)s, %(voice_secretary_uuid)s, %(document_name)s,
    %(document_type)s, %(mime_type)s, %(file_size)s, %(content_hash)s, %(recipe)s, %(language)s,
    %(chunk_count)s, 'completed', now()
)
ON CONFLICT (domain_uuid, document_name) DO UPDATE
   SET voice_secretary_uuid = excluded.voice_secretary_uuid,
       document_type = excluded.document_type, mime_type = excluded.mime_type,
       file_size = excluded.file_size, content_hash = excluded.content_hash,
       recipe = excluded.recipe, language = excluded.language, chunk_count = excluded.chunk_count,
       processing_status = 'completed', processing_error = NULL, processed_at = now(),
       update_date = now()
RETURNING voice_document_uuid;

-- name: remove_other_passages
DELETE FROM voice_ai.passage
 WHERE domain_uuid = %(domain_uuid)s AND voice_document_uuid = %(voice_document_uuid)s
   AND NOT (passage_uuid = ANY (%(keep)s));

-- name: save_passage
INSERT INTO voice_ai.passage (
    domain_uuid, passage_uuid, voice_document_uuid, chunk_index, title, anchor, content,
    token_count, language, embedding_model, embedding
) VALUES (
    %(domain_uuid)s, %(passage_uuid)s, %(voice_document_uuid)s, %(chunk_index)s, %(title)s,
    %(anchor)s, %(content)s, %(token_count)s, %(language)s, %(embedding_model)s,
    CAST(%(embedding)s AS halfvec)
)
ON CONFLICT (domain_uuid, passage_uuid) DO UPDATE
   SET chunk_index = excluded.chunk_index, anchor = excluded.anchor, language = excluded.language,
       embedding_model = excluded.embedding_model, embedding = excluded.embedding;

-- name: move_passage
UPDATE voice_ai.passage
   SET chunk_index = %(chunk_index)s, anchor = %(anchor)s, language = %(language)s
 WHERE domain_uuid = %(domain_uuid)s AND passage_uuid = %(passage_uuid)s;

-- name: documents
SELECT voice_document_uuid, document_name, document_type, mime_type, file_size, language,
       chunk_count, processing_status, processing_error, processed_at, is_enabled
  FROM voice_ai.document
 WHERE domain_uuid = %(domain_uuid)s
 ORDER BY document_name;

-- name: passages_of
SELECT p.passage_uuid, p.chunk_index, p.title, p.anchor, p.content, p.token_count
  FROM voice_ai.passage p
  JOIN voice_ai.document d USING (domain_uuid, voice_document_uuid)
 WHERE p.domain_uuid = %(domain_uuid)s AND d.document_name = %(document_name)s
 ORDER BY p.chunk_index;

-- name: passages_by_id
SELECT p.passage_uuid, p.title, p.anchor, p.content, d.document_name
  FROM voice_ai.passage p
  JOIN voice_ai.document d USING (domain_uuid, voice_document_uuid)
 WHERE p.domain_uuid = %(domain_uuid)s AND p.passage_uuid = ANY (%(passage_uuids)s);

-- name: remove_document
DELETE FROM voice_ai.document
 WHERE domain_uuid = %(domain_uuid)s AND document_name = %(document_name)s;

-- name: search
-- An exact scan of the tenant's own passages: no index can lose one, and a few thousand take
-- milliseconds.
WITH mine AS MATERIALIZED (
    SELECT p.passage_uuid, p.title, p.content, p.words, p.language, d.document_name,
           1 - (p.embedding <=> CAST(%(embedding)s AS halfvec)) AS cosine
      FROM voice_ai.passage p
      JOIN voice_ai.document d USING (domain_uuid, voice_document_uuid)
     WHERE p.domain_uuid = %(domain_uuid)s
       AND p.embedding_model = %(embedding_model)s
       AND p.embedding_dimensions = %(embedding_dimensions)s
       AND d.is_enabled
       AND (d.voice_secretary_uuid IS NULL
            OR d.voice_secretary_uuid = coalesce(%(voice_secretary_uuid)s, d.voice_secretary_uuid))
), asked AS (
    SELECT l.language, voice_ai.any_word(l.language, %(question)s) AS query
      FROM (SELECT DISTINCT language FROM mine) AS l
), dense AS (
    SELECT passage_uuid, row_number() OVER (ORDER BY cosine DESC, passage_uuid) AS place
      FROM mine ORDER BY place LIMIT %(candidates)s
), lexical AS (
    SELECT m.passage_uuid,
           row_number() OVER (
               ORDER BY ts_rank('{0.1, 0.2, 0.7, 1.0}', m.words, a.query, 1) DESC, m.passage_uuid
           ) AS place
      FROM mine m JOIN asked a USING (language)
     WHERE m.words @@ a.query
     ORDER BY place LIMIT %(candidates)s
)
SELECT m.passage_uuid, m.title, m.content, m.document_name, m.cosine,
       dense.place AS dense_place, lexical.place AS lexical_place
  FROM mine m
  LEFT JOIN dense USING (passage_uuid)
  LEFT JOIN lexical USING (passage_uuid)
 WHERE dense.place IS NOT NULL OR lexical.place IS NOT NULL;
