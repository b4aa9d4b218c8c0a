-- Answers that were refused as nonsense, kept so that somebody can see why. They stand in a file of
-- their own, which is opened when one comes and when somebody looks: one more table in cache.db would be
-- parsed by every hit.
--
-- `id` grows with every time that one is seen, so it is the order too. `body` is the start of what came,
-- without what is secret; `bytes` is how long all of it was.
CREATE TABLE answer (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    provider TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    first_at_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    times INTEGER NOT NULL,
    why TEXT NOT NULL,
    status INTEGER,
    content_type TEXT,
    bytes INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
