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
-- Vectors are scanned exactly: no index can lose a passage, and a few thousand take milliseconds as
-- long as nothing but the vector is read of each. Both rankings hold ids only; texts are fetched for
-- the few that are left.
WITH documents AS MATERIALIZED (
    SELECT d.voice_document_uuid, d.document_name, d.language
      FROM voice_ai.document d
     WHERE d.domain_uuid = %(domain_uuid)s
       AND d.is_enabled
       AND (d.voice_secretary_uuid IS NULL
            OR d.voice_secretary_uuid = coalesce(%(voice_secretary_uuid)s, d.voice_secretary_uuid))
), dense AS MATERIALIZED (
    SELECT nearest.passage_uuid, row_number() OVER (ORDER BY distance, passage_uuid) AS place
      FROM (
          SELECT p.passage_uuid, p.embedding <=> CAST(%(embedding)s AS halfvec) AS distance
            FROM voice_ai.passage p
            JOIN documents USING (voice_document_uuid)
           WHERE p.domain_uuid = %(domain_uuid)s
             AND p.embedding_model = %(embedding_model)s
             AND p.embedding_dimensions = %(embedding_dimensions)s
           ORDER BY distance, p.passage_uuid
           LIMIT %(candidates)s
      ) AS nearest
), asked AS MATERIALIZED (
    SELECT l.language, voice_ai.any_word(l.language, %(question)s) AS query
      FROM (SELECT DISTINCT language FROM documents) AS l
), lexical AS MATERIALIZED (
    SELECT best.passage_uuid, row_number() OVER (ORDER BY rank DESC, passage_uuid) AS place
      FROM (
          SELECT p.passage_uuid, ts_rank('{0.1, 0.2, 0.7, 1.0}', p.words, a.query, 1) AS rank
            FROM asked a
            JOIN voice_ai.passage p ON p.words @@ a.query AND p.language = a.language
            JOIN documents USING (voice_document_uuid)
           WHERE p.domain_uuid = %(domain_uuid)s
             AND p.embedding_model = %(embedding_model)s
             AND p.embedding_dimensions = %(embedding_dimensions)s
           ORDER BY rank DESC, p.passage_uuid
           LIMIT %(candidates)s
      ) AS best
), found AS MATERIALIZED (
    SELECT passage_uuid, max(dense_place) AS dense_place, max(lexical_place) AS lexical_place
      FROM (
          SELECT passage_uuid, place AS dense_place, NULL AS lexical_place FROM dense
          UNION ALL
          SELECT passage_uuid, NULL, place FROM lexical
      ) AS both_rankings
     GROUP BY passage_uuid
)
SELECT f.passage_uuid, p.title, p.content, d.document_name, p.cosine, f.dense_place, f.lexical_place
  FROM found f
  -- One look-up by key for each: without statistics the planner would rather read the table.
 CROSS JOIN LATERAL (
      SELECT q.title, q.content, q.voice_document_uuid,
             1 - (q.embedding <=> CAST(%(embedding)s AS halfvec)) AS cosine
        FROM voice_ai.passage q
       WHERE q.domain_uuid = %(domain_uuid)s AND q.passage_uuid = f.passage_uuid
      OFFSET 0
  ) AS p
  JOIN documents d USING (voice_document_uuid);
