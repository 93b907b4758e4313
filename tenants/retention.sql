-- What is taken away of a tenant's calls: by age, or because a caller is to be forgotten. Rows stay
-- where they tell what a call cost; what somebody said, his number and his name go.

-- name: lock
SELECT pg_try_advisory_xact_lock(hashtextextended('voice_ai.retention ' || %(domain_uuid)s::text, 0)) AS mine;

-- name: old_recordings
SELECT 'conversation' AS kind, voice_conversation_uuid AS row_uuid, recording_file_path AS file
  FROM voice_ai.conversation
 WHERE domain_uuid = %(domain_uuid)s AND recording_file_path IS NOT NULL
   AND start_time < %(before)s AND (end_time IS NOT NULL OR start_time < %(surely_over)s)
UNION ALL
SELECT 'message', voice_message_uuid, audio_file_path
  FROM voice_ai.message
 WHERE domain_uuid = %(domain_uuid)s AND audio_file_path IS NOT NULL AND insert_date < %(before)s
UNION ALL
SELECT 'voice_message', left_message_uuid, audio_file_path
  FROM voice_ai.voice_message
 WHERE domain_uuid = %(domain_uuid)s AND audio_file_path IS NOT NULL AND insert_date < %(before)s
 LIMIT %(most)s;

-- name: drop_conversation_file
UPDATE voice_ai.conversation SET recording_file_path = NULL, update_date = now()
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = ANY(%(rows)s);

-- name: drop_message_file
UPDATE voice_ai.message SET audio_file_path = NULL
 WHERE domain_uuid = %(domain_uuid)s AND voice_message_uuid = ANY(%(rows)s);

-- name: drop_voice_message_file
WITH emptied AS (
    DELETE FROM voice_ai.voice_message
     WHERE domain_uuid = %(domain_uuid)s AND left_message_uuid = ANY(%(rows)s) AND content = ''
)
UPDATE voice_ai.voice_message SET audio_file_path = NULL, update_date = now()
 WHERE domain_uuid = %(domain_uuid)s AND left_message_uuid = ANY(%(rows)s) AND content <> '';

-- name: old_conversations
SELECT voice_conversation_uuid AS row_uuid
  FROM voice_ai.conversation c
 WHERE domain_uuid = %(domain_uuid)s
   AND start_time < %(before)s AND (end_time IS NOT NULL OR start_time < %(surely_over)s)
   AND (caller_id_number IS NOT NULL OR caller_id_name IS NOT NULL OR summary IS NOT NULL
        OR EXISTS (SELECT FROM voice_ai.message m
                    WHERE m.domain_uuid = c.domain_uuid
                      AND m.voice_conversation_uuid = c.voice_conversation_uuid
                      AND (m.content <> '' OR m.heard IS NOT NULL)))
 LIMIT %(most)s;

-- name: strip_messages
UPDATE voice_ai.message SET content = '', heard = NULL
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = ANY(%(rows)s)
   AND (content <> '' OR heard IS NOT NULL);

-- name: strip_conversations
UPDATE voice_ai.conversation
   SET caller_id_number = NULL, caller_id_name = NULL, summary = NULL, update_date = now()
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = ANY(%(rows)s);

-- name: old_voice_messages
SELECT left_message_uuid AS row_uuid, audio_file_path AS file
  FROM voice_ai.voice_message
 WHERE domain_uuid = %(domain_uuid)s AND insert_date < %(before)s LIMIT %(most)s;

-- name: delete_voice_messages
DELETE FROM voice_ai.voice_message
 WHERE domain_uuid = %(domain_uuid)s AND left_message_uuid = ANY(%(rows)s);

-- name: old_callbacks
-- A call that is still owed is no past.
SELECT callback_uuid AS row_uuid
  FROM voice_ai.callback
 WHERE domain_uuid = %(domain_uuid)s AND insert_date < %(before)s
   AND status IN ('completed', 'expired', 'canceled', 'failed') LIMIT %(most)s;

-- name: delete_callbacks
DELETE FROM voice_ai.callback
 WHERE domain_uuid = %(domain_uuid)s AND callback_uuid = ANY(%(rows)s);

-- name: known_files
SELECT recording_file_path AS file FROM voice_ai.conversation
 WHERE domain_uuid = %(domain_uuid)s AND recording_file_path = ANY(%(files)s)
UNION ALL
SELECT audio_file_path FROM voice_ai.message
 WHERE domain_uuid = %(domain_uuid)s AND audio_file_path = ANY(%(files)s)
UNION ALL
SELECT audio_file_path FROM voice_ai.voice_message
 WHERE domain_uuid = %(domain_uuid)s AND audio_file_path = ANY(%(files)s);

-- name: numbers_of_callers
SELECT caller_id_number AS number FROM voice_ai.conversation
 WHERE domain_uuid = %(domain_uuid)s AND caller_id_number IS NOT NULL
UNION
SELECT caller_id_number FROM voice_ai.voice_message
 WHERE domain_uuid = %(domain_uuid)s AND caller_id_number IS NOT NULL
UNION
SELECT callback_number FROM voice_ai.voice_message
 WHERE domain_uuid = %(domain_uuid)s AND callback_number IS NOT NULL
UNION
SELECT callback_number FROM voice_ai.callback WHERE domain_uuid = %(domain_uuid)s;

-- name: conversations_of
SELECT voice_conversation_uuid AS row_uuid, call_uuid, recording_file_path AS file,
       end_time IS NULL AND start_time > %(surely_over)s AS may_be_up
  FROM voice_ai.conversation
 WHERE domain_uuid = %(domain_uuid)s AND caller_id_number = ANY(%(numbers)s);

-- name: message_files_of
SELECT audio_file_path AS file FROM voice_ai.message
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = ANY(%(rows)s)
   AND audio_file_path IS NOT NULL;

-- name: voice_messages_of
SELECT left_message_uuid AS row_uuid, audio_file_path AS file FROM voice_ai.voice_message
 WHERE domain_uuid = %(domain_uuid)s
   AND (caller_id_number = ANY(%(numbers)s) OR callback_number = ANY(%(numbers)s)
        OR voice_conversation_uuid = ANY(%(rows)s));

-- name: callbacks_of
SELECT callback_uuid AS row_uuid FROM voice_ai.callback
 WHERE domain_uuid = %(domain_uuid)s
   AND (callback_number = ANY(%(numbers)s) OR voice_conversation_uuid = ANY(%(rows)s));

-- name: forget_conversations
-- Not even the call's uuid, under which the switch's own records have the number.
UPDATE voice_ai.conversation
   SET caller_id_number = NULL, caller_id_name = NULL, summary = NULL, recording_file_path = NULL,
       call_uuid = '', update_date = now()
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = ANY(%(rows)s);

-- name: forget_messages
UPDATE voice_ai.message
   SET content = '', heard = NULL, audio_file_path = NULL, rag_sources = '{}'
 WHERE domain_uuid = %(domain_uuid)s AND voice_conversation_uuid = ANY(%(rows)s);
