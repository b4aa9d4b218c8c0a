-- The ledger: what was asked of whom, and what upstream said to it. It is kept apart from the
-- entries so that limits outlive their damage and their later versions, and for the same reason
-- this file is never followed by a migration that changes the meaning of a column.
--
-- Columns ending in _ms are instants: milliseconds of real time since 1970, UTC. When the clock of
-- the machine is found to have been set, all of them are moved by as much (see `anchor`).
--
-- A column `sum` is a 64-bit sum over its row: what could keep a provider from being asked for a
-- day, or for ever, is believed only if it is what was written.

-- The two clocks of the machine as they stood together: `boot` names the start of the machine from
-- which uptime_ms runs. One row.
CREATE TABLE anchor (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    boot TEXT NOT NULL,
    wall_ms INTEGER NOT NULL,
    uptime_ms INTEGER NOT NULL
) STRICT;

-- A call that started at at_ms, or (started = 0) the promise that one may. `weight` is what it takes
-- of a window, `share` the reserve that it counts to (empty: none). Calls that are old compared with
-- the windows they may still matter to are merged into their latest.
CREATE TABLE call (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    weight INTEGER NOT NULL CHECK (weight BETWEEN 0 AND 4294967295),
    share TEXT NOT NULL,
    started INTEGER NOT NULL CHECK (started IN (0, 1))
) STRICT;
CREATE INDEX call_of_provider ON call (provider, at_ms);

-- The calls of a day (2026-07-01) or a month (2026-07) of the provider's own time zone.
CREATE TABLE spent (
    provider TEXT NOT NULL,
    period TEXT NOT NULL,
    share TEXT NOT NULL,
    calls INTEGER NOT NULL,
    sum INTEGER NOT NULL,
    PRIMARY KEY (provider, period, share)
) STRICT, WITHOUT ROWID;

-- What keeps a whole provider from being asked. `paused_by` is the status of HTTP that upstream
-- refused with, 0 for a user; `failures` are those in a row, `refusals` those without a time.
CREATE TABLE health (
    provider TEXT PRIMARY KEY,
    paused_since_ms INTEGER NOT NULL,
    paused_until_ms INTEGER NOT NULL,
    paused_by INTEGER NOT NULL,
    refusals INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    open_until_ms INTEGER NOT NULL,
    probed_until_ms INTEGER NOT NULL,
    failed_as TEXT NOT NULL,
    failed_why TEXT NOT NULL,
    sum INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A key whose request failed: the error as it was said, and until when nobody asks again.
CREATE TABLE cooling (
    key TEXT PRIMARY KEY,
    failures INTEGER NOT NULL CHECK (failures BETWEEN 0 AND 4294967295),
    failed_at_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    hint TEXT NOT NULL
) STRICT, WITHOUT ROWID;
