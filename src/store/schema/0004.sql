-- The log's head: the number and hash of the last entry. What is cut off the log's end shows against it.
UPDATE meta SET setting = COALESCE((SELECT CAST(seq AS TEXT) || ':' || hash FROM audit_log ORDER BY seq DESC LIMIT 1), '')
    WHERE name = 'head';
-- The entries that say what an API key is, which the service compares whenever it reads its keys.
CREATE INDEX audit_log_keys ON audit_log (subject, seq) WHERE action IN ('key_add', 'key_adopt', 'key_change', 'key_revoke');
