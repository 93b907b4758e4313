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

-- Two text search configurations per language. The server's own one stems words as they are
-- written; ours folds accents first, for texts and recognisers that are careless with them. Neither
-- can do the other's work: a stemmer that sees "vacinacoes" does not know the ending "ções". Where
-- the server has no unaccent extension, accents count in both.
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

-- The configurations for a BCP 47 tag ("pt-BR"). Names are resolved when the functions are made,
-- which is what lets a generated column use them.
CREATE FUNCTION voice_ai.folding_config(language text) RETURNS regconfig
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

CREATE FUNCTION voice_ai.stemming_config(language text) RETURNS regconfig
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE lower(split_part(language, '-', 1))
    WHEN 'de' THEN 'pg_catalog.german'::regconfig
    WHEN 'en' THEN 'pg_catalog.english'::regconfig
    WHEN 'es' THEN 'pg_catalog.spanish'::regconfig
    WHEN 'fr' THEN 'pg_catalog.french'::regconfig
    WHEN 'it' THEN 'pg_catalog.italian'::regconfig
    WHEN 'nl' THEN 'pg_catalog.dutch'::regconfig
    WHEN 'pt' THEN 'pg_catalog.portuguese'::regconfig
    ELSE 'pg_catalog.simple'::regconfig
END;

-- What a text can be found by.
CREATE FUNCTION voice_ai.words(language text, content text) RETURNS tsvector
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_tsvector(voice_ai.stemming_config(language), content)
    || to_tsvector(voice_ai.folding_config(language), content);

-- Any of a question's words: a caller's sentence never has all of them in one passage, and ranking
-- sorts out how many there were.
CREATE FUNCTION voice_ai.any_word(language text, question text) RETURNS tsquery
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN replace(plainto_tsquery(voice_ai.stemming_config(language), question)::text, '&', '|')::tsquery
    || replace(plainto_tsquery(voice_ai.folding_config(language), question)::text, '&', '|')::tsquery;
