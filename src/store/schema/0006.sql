-- What a credit for an incident comes to, in the desk's own currency; null where nobody has said.
ALTER TABLE incidents ADD COLUMN credit_amount DOUBLE PRECISION;
-- When actions were done: what customers saw of a week.
CREATE INDEX actions_done ON actions (done_at) WHERE done_at IS NOT NULL;
-- Incidents are listed by when they came on record.
CREATE INDEX incidents_recorded ON incidents (recorded_at, id);
