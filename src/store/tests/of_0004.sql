-- What a program of the fourth schema had written: a decision that was drafted, approved, sent and reported, with the digests of
-- that time.
INSERT INTO tickets (id, customer, received_at, version, decision_id, number, wide) VALUES ('d1', 'acme', 5, 1, 'd1', 't1', 1);
INSERT INTO decisions (id, ticket_id, at, received_at, input_hash, bundle, decision, route, draft_state, draft_asked, draft_due,
    draft_confidence, drafted_at, drafted_bundle, version)
    VALUES ('d1', 'd1', 5, 5, 'h', 'b', '{"id":"t1","fields":{"board":{"label":"Mail","confidence":0.5,"alternatives":[]}}}', 'review',
    'approved', 1, 1, 0.5, 6, 'b', 3);
INSERT INTO reviews (decision_id, at, actor, reviewer, idempotency_key, digest, verdict, distance)
    VALUES ('d1', 7, 'k1', 'kim', 'k', 'digest', '"approve"', 0.5);
INSERT INTO actions (kind, ticket_id, decision_id, payload, idempotency_key, state, not_before, created_at)
    VALUES ('reply', 'd1', 'd1', '{"text":"Yes."}', 'd1:reply', 'done', 7, 7);
INSERT INTO outcomes (ticket_id, decision_id, at, labels, reply, resolved_at, reopened, handle_seconds, source, actor, wide)
    VALUES ('d1', 'd1', 8, '{"board":"Mail"}', '"Yes."', 8, 1, 90.5, 'feedback', 'k1', 1);
INSERT INTO api_keys (id, name, hash, scopes, customers, created_at) VALUES ('k1', 'glue', 'sha256:00', '["act"]', 'null', 0);
INSERT INTO audit_log VALUES (1, 9, 'cli', 'key_add', 'k1',
    '{"rows":[["key","k1","90e6e5f0c8fb33e47f131c95bcfbca0b19e060d66dbfdb7e3f16f141278af622"]]}',
    '0000000000000000000000000000000000000000000000000000000000000000',
    'b8b5d955be90f6805e8e07a29f384263df562e75af7ed019dbe5cac839425944');
INSERT INTO audit_log VALUES (2, 9, 'k1', 'decide', 'd1',
    '{"ticket":"t1","rows":[["decision","d1","393bb08bf17e85cff6c927292b2afd3e9926681ab7f6084d4b8ea72a38ca95ca"],["ticket","d1","eefee59394eb8ca95e6b56913217b28f7bbe9907c9f9b8c151f6d7973da91b23"]]}',
    'b8b5d955be90f6805e8e07a29f384263df562e75af7ed019dbe5cac839425944',
    '10cf699617e8002c84691144923fb715f3c6581204eaf8b9f976142d11edbf5d');
INSERT INTO audit_log VALUES (3, 9, 'k1', 'draft', 'd1',
    '{"rows":[["draft","d1","4795e0a683344b0c4e0647d378ce612d6c71b820b1f7e6e0e42e12f7af72c2dd"]]}',
    '10cf699617e8002c84691144923fb715f3c6581204eaf8b9f976142d11edbf5d',
    'cecc6fd2d62081e5d6d5716bbb084e9410f6d896b9577d777d1dd468a5f4e7bb');
INSERT INTO audit_log VALUES (4, 9, 'k1', 'review', 'd1',
    '{"verdict":"approved","rows":[["review","d1","5d626cbf1be57a2a266ae8d99580b803ce04473a9b69dcecfd7e9795897c8d09:21ea38a837a7d2915d27ee7625f68fe1180c7b4acc0b33a3768f021952a091f6"],["action","d1:reply","506ff7cf8d2a46ad493f8a554f4b657c3799e1b85c707ae6ff119ab8e2275fcf:558f04d2f7ac0f824ca109e438ecb69b829436c1c93831e91bc7d888d053346b"]]}',
    'cecc6fd2d62081e5d6d5716bbb084e9410f6d896b9577d777d1dd468a5f4e7bb',
    '9f1f08856354756459cf68a58ff40cf6b9205bdf8266acc60743248c0918b71e');
INSERT INTO audit_log VALUES (5, 9, 'k1', 'act', 'd1',
    '{"action":"d1:reply","state":"done"}',
    '9f1f08856354756459cf68a58ff40cf6b9205bdf8266acc60743248c0918b71e',
    '04735f7242923b31111b8f77cfc660b0778f99e8bfed2d0c781c5a7a14649555');
INSERT INTO audit_log VALUES (6, 9, 'k1', 'feedback', 'd1',
    '{"ticket":"t1","rows":[["outcome","d1","72b1b9754c1c597ea8fc761417ba6c7d362c8c083b74c3005c22417456f4dee5:27f347346f4030e57d992194675a4632c8bac6b0b3a8229daf0055c2bb620ab7"]]}',
    '04735f7242923b31111b8f77cfc660b0778f99e8bfed2d0c781c5a7a14649555',
    '555da8bc267d1355f2338f412d797f9af6e9c8695ac292a05ecf2cb98490ee5a');
UPDATE meta SET setting = '6:555da8bc267d1355f2338f412d797f9af6e9c8695ac292a05ecf2cb98490ee5a' WHERE name = 'head';
