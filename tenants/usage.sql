-- What a tenant has used, from the calls that were written down.

-- name: used
-- A call that is over knows its whole cost; one that is up, or was cut off, that of its turns.
SELECT coalesce(sum(m.tokens), 0)              AS tokens,
       coalesce(sum(m.characters), 0)          AS characters,
       coalesce(sum(coalesce(c.cost, m.cost)), 0) AS cost
  FROM voice_ai.conversation c
  LEFT JOIN LATERAL (
       SELECT sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)) AS tokens,
              sum(characters) AS characters, sum(cost) AS cost
         FROM voice_ai.message
        WHERE domain_uuid = c.domain_uuid
          AND voice_conversation_uuid = c.voice_conversation_uuid
       ) m ON true
 WHERE c.domain_uuid = %(domain_uuid)s AND c.start_time >= %(since)s;
