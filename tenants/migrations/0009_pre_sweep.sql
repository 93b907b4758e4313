-- Jobs go through all tenants, one after the other, each inside its own. For that they see which
-- there are: the domains' rows, for a transaction that says so, and nothing else of anybody.
CREATE POLICY sweep ON voice_ai.domain FOR SELECT
    USING (current_setting('voice_ai.sweep', true) = 'on');

CREATE INDEX conversation_recorded ON voice_ai.conversation (domain_uuid, start_time)
    WHERE recording_file_path IS NOT NULL;
