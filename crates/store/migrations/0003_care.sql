-- What is expected of a sync and how it did last, beside it: a look at all syncs reads none of their older runs.
ALTER TABLE syncs ADD COLUMN late_after_ms BIGINT;
-- Since when it is expected to run: where nothing is said, since it is there.
ALTER TABLE syncs ADD COLUMN expected_since BIGINT;
ALTER TABLE syncs ADD COLUMN last_success_at BIGINT;
-- The last run that succeeded or failed.
ALTER TABLE syncs ADD COLUMN last_ended_run_id TEXT;

UPDATE syncs SET
    last_success_at = (SELECT max(ended_at) FROM runs WHERE runs.sync_id = syncs.id AND state = 'succeeded'),
    last_ended_run_id = (SELECT max(id) FROM runs WHERE runs.sync_id = syncs.id AND state IN ('succeeded', 'failed'));

-- What each channel of alerts was told last of each sync.
CREATE TABLE told (
    sync_id TEXT NOT NULL REFERENCES syncs (id),
    channel TEXT NOT NULL,
    condition TEXT NOT NULL,
    told_at BIGINT NOT NULL,
    PRIMARY KEY (sync_id, channel)
);

-- What only one process does at a time, and until when it has the right to.
CREATE TABLE duties (
    name TEXT NOT NULL PRIMARY KEY,
    holder TEXT NOT NULL,
    held_until BIGINT NOT NULL
);

-- Links by which a customer hands over a secret, once. The token of a link is kept as a hash.
CREATE TABLE handovers (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    field TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    revoked_at BIGINT,
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id)
);
CREATE INDEX handovers_of_connection ON handovers (connection_id);

-- Which tenants have something due, for a claim that looks at those that are next.
CREATE INDEX runs_waiting_of_tenant ON runs (tenant_id, due_at) WHERE state IN ('queued', 'retrying');
