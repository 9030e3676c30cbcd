-- How often a person has taken back what they decided about a draft: each time it waits again.
ALTER TABLE decisions ADD COLUMN undone BIGINT NOT NULL DEFAULT 0;
-- The queue of drafts that wait again, of what a rule gives to a person, and of one board: each in the queue's order.
CREATE INDEX decisions_undone ON decisions (draft_state, seq) WHERE undone > 0;
CREATE INDEX decisions_person ON decisions (draft_state, seq) WHERE route = 'person';
CREATE INDEX decisions_category ON decisions (draft_state, board, seq);
-- What somebody reviewed, the newest first.
CREATE INDEX reviews_actor ON reviews (actor, at);
