-- The application's role, the tenant of a transaction, and full-text search by language.

CREATE EXTENSION IF NOT EXISTS vector;

-- Roles belong to the whole server: another database of it may have made this one already.
-- It logs in once somebody gives it a password (tenants.migrate.app_url, or the operator).
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'voice_ai_app') THEN
        CREATE ROLE voice_ai_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOREPLICATION;
    END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

GRANT USAGE ON SCHEMA voice_ai TO voice_ai_app;
GRANT SELECT ON voice_ai.schema_migration TO voice_ai_app;

-- ALTER ROLE takes no parameters; this takes a SCRAM verifier as one, made by the client, so that
-- the password itself never travels and no statement is put together outside the server.
CREATE FUNCTION voice_ai.set_app_password(verifier text) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER ROLE voice_ai_app LOGIN PASSWORD %L', verifier);
END
$$;
REVOKE ALL ON FUNCTION voice_ai.set_app_password(text) FROM PUBLIC;

-- The tenant of this transaction, or NULL: then every policy below shows nothing. A setting that
-- was once SET LOCAL reads as '' in later transactions of the session, not as NULL.
CREATE FUNCTION voice_ai.current_domain() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('voice_ai.domain_uuid', true), '')::uuid;

-- One text search configuration per language: accents folded (callers' words come from a
-- recogniser, documents from people; neither is careful), then the language's stemmer and stop
-- words. Where the server has no unaccent extension, accents count.
DO $$
DECLARE
    entry record;
    folding text := '';
BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'unaccent') THEN
        CREATE EXTENSION IF NOT EXISTS unaccent;
        SELECT format('%I.unaccent, ', nspname) INTO folding
          FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
         WHERE extname = 'unaccent';
    END IF;
    FOR entry IN
        SELECT * FROM (VALUES
            ('de', 'german'), ('en', 'english'), ('es', 'spanish'), ('fr', 'french'),
            ('it', 'italian'), ('nl', 'dutch'), ('pt', 'portuguese')
        ) AS known (tag, name)
    LOOP
        EXECUTE format(
            'CREATE TEXT SEARCH CONFIGURATION voice_ai.%I (COPY = pg_catalog.%I)',
            entry.tag, entry.name
        );
        EXECUTE format(
            'ALTER TEXT SEARCH CONFIGURATION voice_ai.%I '
            'ALTER MAPPING FOR hword, hword_part, word WITH %s pg_catalog.%I',
            entry.tag, folding, entry.name || '_stem'
        );
    END LOOP;
    CREATE TEXT SEARCH CONFIGURATION voice_ai.other (COPY = pg_catalog.simple);
    EXECUTE format(
        'ALTER TEXT SEARCH CONFIGURATION voice_ai.other '
        'ALTER MAPPING FOR hword, hword_part, word WITH %s pg_catalog.simple',
        folding
    );
END
$$;

-- The configuration for a BCP 47 tag ("pt-BR"). The names are resolved when the function is made,
-- which is what lets a generated column use it.
CREATE FUNCTION voice_ai.text_config(language text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE lower(split_part(language, '-', 1))
    WHEN 'de' THEN 'voice_ai.de'::regconfig
    WHEN 'en' THEN 'voice_ai.en'::regconfig
    WHEN 'es' THEN 'voice_ai.es'::regconfig
    WHEN 'fr' THEN 'voice_ai.fr'::regconfig
    WHEN 'it' THEN 'voice_ai.it'::regconfig
    WHEN 'nl' THEN 'voice_ai.nl'::regconfig
    WHEN 'pt' THEN 'voice_ai.pt'::regconfig
    ELSE 'voice_ai.other'::regconfig
END;
