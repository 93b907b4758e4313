-- Every worker keeps the tenants of its calls in memory, and hears here whose rows have changed: the
-- payload is the tenant, once a transaction however many rows. Calls' own rows (conversations, what
-- callers leave) are read when they are wanted and tell nobody.
CREATE FUNCTION voice_ai.tell_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' THEN
        PERFORM pg_notify('voice_ai_tenant', OLD.domain_uuid::text);
    END IF;
    IF TG_OP <> 'DELETE' THEN
        PERFORM pg_notify('voice_ai_tenant', NEW.domain_uuid::text);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.domain
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.provider
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.secretary
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.did
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.business_hours
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.business_hours_exception
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.business_hours_slot
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.transfer_destination
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.transfer_rule
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.policy
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.quota
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
CREATE TRIGGER tell_change AFTER INSERT OR UPDATE OR DELETE ON voice_ai.price
    FOR EACH ROW EXECUTE FUNCTION voice_ai.tell_change();
