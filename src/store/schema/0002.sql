-- What shapes a draft has an id of its own beside the bundle's: the one in force when the decision was made, and those in force
-- when the draft was written. Null where nobody said so, as in stores of before.
ALTER TABLE decisions ADD COLUMN drafting TEXT;
ALTER TABLE decisions ADD COLUMN drafted_bundle TEXT;
ALTER TABLE decisions ADD COLUMN drafted_by TEXT;

-- Whether a first response is due: it was asked for, and the drafter did not find that none may be sent.
ALTER TABLE decisions ADD COLUMN draft_due BIGINT NOT NULL DEFAULT 0;
UPDATE decisions SET draft_due = 1 WHERE draft_asked = 1 AND draft_state <> 'none';

ALTER TABLE outcomes ADD COLUMN escalated BIGINT;
-- A review that set labels does not tell how the ticket ended; its name must not hide that somebody else has told.
UPDATE outcomes SET source = 'feedback' WHERE source = 'review' AND (reply IS NOT NULL OR first_response_at IS NOT NULL
    OR resolved_at IS NOT NULL OR reopened IS NOT NULL OR customer_visible_error IS NOT NULL OR handle_seconds IS NOT NULL);
