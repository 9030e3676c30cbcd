-- How often a person has taken back what they decided about a draft: each time it waits again.
ALTER TABLE decisions ADD COLUMN undone BIGINT NOT NULL DEFAULT 0;
CREATE INDEX decisions_undone ON decisions (seq) WHERE undone > 0;
-- The queue of what a rule gives to a person, and of one category.
CREATE INDEX decisions_person ON decisions (seq) WHERE route = 'person' AND draft_state = 'pending';
CREATE INDEX decisions_category ON decisions (draft_state, board, type, seq);
-- What somebody reviewed, the newest first.
CREATE INDEX reviews_actor ON reviews (actor, at);
