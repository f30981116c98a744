-- +goose Up

-- PAYLOAD_RETENTION: the payload of an event that has ended may go before its row does, which still prevents a second effect. No index leads to
-- those that are to go, because every event would pay for it: the purge walks rows in the order in which their events ended, from where it last
-- stopped. None of the columns is indexed, so that an update that finds room in its page changes no index.
ALTER TABLE webhook_events
    ALTER COLUMN payload DROP NOT NULL,
    ADD COLUMN payload_removed_at timestamptz,
    ADD COLUMN store_id           text; -- once the payload is removed: the store that it named, which lists select by
ALTER TABLE webhook_events ADD CONSTRAINT webhook_events_has_a_payload CHECK (payload IS NOT NULL OR payload_removed_at IS NOT NULL) NOT VALID;
-- A day's purge deletes one row in thirty, and perhaps the payloads of as many. By default that space would be used again after a week.
ALTER TABLE webhook_events SET (autovacuum_vacuum_scale_factor = 0.05);

-- How far a purge has come that leaves rows behind; one batch moves it, in its transaction.
CREATE TABLE purge_progress (
    name    text        PRIMARY KEY, -- payloads
    reached timestamptz NOT NULL     -- webhook_events.processed_at
);

-- AUDIT_RETENTION. How long the audit is kept is for the owner of the tables to say, not for who writes them: `inorder migrate` replaces this
-- function. Zero is for ever. Whoever deletes, and by whatever right: a younger row makes it an error, and a month is always kept.
CREATE FUNCTION audit_kept_for() RETURNS interval LANGUAGE sql STABLE AS 'SELECT make_interval(secs => 0)';

-- +goose StatementBegin
CREATE FUNCTION audit_log_keeps_its_rows() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF EXISTS (SELECT FROM gone WHERE audit_kept_for() = '0' OR at >= now() - greatest(audit_kept_for(), interval '30 days')) THEN
        RAISE EXCEPTION 'audit_log is append-only: DELETE of what AUDIT_RETENTION keeps is refused' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

DROP TRIGGER audit_log_is_append_only ON audit_log;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_keeps_its_rows AFTER DELETE ON audit_log
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION audit_log_keeps_its_rows();

-- What the purge calls, as who owns the table: the programs' role may have no right to delete from it.
-- +goose StatementBegin
CREATE FUNCTION purge_audit(most integer) RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT AS $$
    WITH gone AS (
        DELETE FROM audit_log WHERE id = ANY(ARRAY(
            SELECT id FROM audit_log WHERE audit_kept_for() > '0' AND at < now() - greatest(audit_kept_for(), interval '30 days')
            ORDER BY at LIMIT most))
        RETURNING 1)
    SELECT count(*) FROM gone
$$;
-- +goose StatementEnd
REVOKE EXECUTE ON FUNCTION purge_audit(integer) FROM PUBLIC;
CREATE INDEX audit_log_at ON audit_log (at);

-- +goose Down
DROP TABLE purge_progress;
DROP INDEX audit_log_at;
DROP FUNCTION purge_audit(integer);
DROP TRIGGER audit_log_keeps_its_rows ON audit_log;
DROP TRIGGER audit_log_is_append_only ON audit_log;
CREATE TRIGGER audit_log_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();
DROP FUNCTION audit_log_keeps_its_rows();
DROP FUNCTION audit_kept_for();
ALTER TABLE webhook_events RESET (autovacuum_vacuum_scale_factor);
UPDATE webhook_events SET payload = '{}' WHERE payload IS NULL;
ALTER TABLE webhook_events
    DROP CONSTRAINT webhook_events_has_a_payload,
    DROP COLUMN store_id,
    DROP COLUMN payload_removed_at,
    ALTER COLUMN payload SET NOT NULL;
