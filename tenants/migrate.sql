-- The migration runner's own bookkeeping.

-- name: lock
SELECT pg_advisory_xact_lock(hashtextextended('voice_ai.schema_migration', 0));

-- name: create_schema
CREATE SCHEMA IF NOT EXISTS voice_ai;

-- name: create_table
CREATE TABLE IF NOT EXISTS voice_ai.schema_migration (
    version     text        PRIMARY KEY,
    file        text        NOT NULL,
    checksum    text        NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);

-- name: table_exists
SELECT to_regclass('voice_ai.schema_migration') IS NOT NULL AS found;

-- name: applied
SELECT version, file, checksum FROM voice_ai.schema_migration ORDER BY version;

-- name: record
INSERT INTO voice_ai.schema_migration (version, file, checksum)
VALUES (%(version)s, %(file)s, %(checksum)s);

-- name: set_app_password
SELECT voice_ai.set_app_password(%(verifier)s);
