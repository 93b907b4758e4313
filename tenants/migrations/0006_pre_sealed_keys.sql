-- Secrets in a provider's config are sealed with a key of the row's own, kept here wrapped by a key
-- of the key ring, which is not in the database (tenants.vault). Rows from before are plain until
-- `voice-ai keys rotate` has run.
ALTER TABLE voice_ai.provider
    ADD COLUMN key_id    text  CHECK (key_id ~ '^[a-z0-9][a-z0-9-]{0,63}$'),
    ADD COLUMN data_key  bytea CHECK (octet_length(data_key) = 60),  -- nonce 12, key 32, tag 16
    ADD CONSTRAINT provider_key_whole CHECK ((key_id IS NULL) = (data_key IS NULL));
