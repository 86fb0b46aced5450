-- Both databases read this one text: all columns are TEXT or BIGINT. Moments are microseconds since 1970 in UTC,
-- documents are JSON, bytes are base64. Every row below a tenant names it, and every reference between two rows of a
-- tenant names it too, so that no row can ever point into another tenant.

CREATE TABLE tenants (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    runs_max BIGINT NOT NULL CHECK (runs_max > 0),
    suspended_at BIGINT,
    -- Grows over all tenants with each run that is claimed: the tenant with the lowest one is next.
    turn BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL
);
CREATE INDEX tenants_by_turn ON tenants (turn);

CREATE TABLE connections (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenants (id),
    name TEXT NOT NULL,
    system TEXT NOT NULL,
    settings TEXT NOT NULL,
    runs_max BIGINT NOT NULL CHECK (runs_max > 0),
    -- The circuit breaker: failures without a success between them, and until when nothing is tried.
    failures BIGINT NOT NULL DEFAULT 0,
    broken_until BIGINT,
    closed_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name),
    UNIQUE (tenant_id, id)
);

CREATE TABLE data_keys (
    tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenants (id),
    wrapped TEXT NOT NULL,
    master_key_id TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE secrets (
    tenant_id TEXT NOT NULL,
    connection_id TEXT NOT NULL,
    field TEXT NOT NULL,
    sealed TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (connection_id, field),
    FOREIGN KEY (tenant_id, connection_id) REFERENCES connections (tenant_id, id)
);

CREATE TABLE syncs (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    name TEXT NOT NULL,
    source_id TEXT NOT NULL,
    destination_id TEXT NOT NULL,
    definition TEXT NOT NULL,
    priority BIGINT NOT NULL DEFAULT 0,
    -- The number that grows with each lease of a run of this sync.
    epoch BIGINT NOT NULL DEFAULT 0,
    paused_at BIGINT,
    schedule TEXT,
    settled_until BIGINT NOT NULL,
    -- When the schedule is to be asked again; NULL where only an event can change its answer.
    look_at BIGINT,
    passed_fire_at BIGINT,
    passed_reason TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name),
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, source_id) REFERENCES connections (tenant_id, id),
    FOREIGN KEY (tenant_id, destination_id) REFERENCES connections (tenant_id, id)
);
CREATE INDEX syncs_to_look_at ON syncs (look_at) WHERE look_at IS NOT NULL;
CREATE INDEX syncs_by_source ON syncs (source_id);
CREATE INDEX syncs_by_destination ON syncs (destination_id);

CREATE TABLE streams (
    tenant_id TEXT NOT NULL,
    sync_id TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    paused_code TEXT,
    -- A copy to look at. The truth about a position is in the destination.
    checkpoint TEXT,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (sync_id, name),
    FOREIGN KEY (tenant_id, sync_id) REFERENCES syncs (tenant_id, id)
);

CREATE TABLE workers (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    lease_until BIGINT NOT NULL
);

CREATE TABLE runs (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL,
    sync_id TEXT NOT NULL,
    source_id TEXT NOT NULL,
    destination_id TEXT NOT NULL,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    fire_at BIGINT,
    options TEXT NOT NULL,
    priority BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    attempt BIGINT NOT NULL DEFAULT 0,
    -- Attempts that count against the retry policy: those that were given back do not.
    spent BIGINT NOT NULL DEFAULT 0,
    worker_id TEXT,
    epoch BIGINT,
    cancel_at BIGINT,
    queued_at BIGINT NOT NULL,
    started_at BIGINT,
    ended_at BIGINT,
    error_kind TEXT,
    error_code TEXT,
    error_message TEXT,
    error_remedy TEXT,
    report TEXT,
    UNIQUE (tenant_id, id),
    FOREIGN KEY (tenant_id, sync_id) REFERENCES syncs (tenant_id, id)
);
CREATE UNIQUE INDEX runs_open ON runs (sync_id) WHERE state IN ('queued', 'running', 'retrying');
CREATE INDEX runs_waiting ON runs (due_at) WHERE state IN ('queued', 'retrying');
CREATE INDEX runs_running ON runs (worker_id) WHERE state = 'running';
CREATE INDEX runs_of_sync ON runs (sync_id, queued_at);

CREATE TABLE attempts (
    run_id TEXT NOT NULL REFERENCES runs (id),
    number BIGINT NOT NULL,
    epoch BIGINT NOT NULL,
    worker_id TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome TEXT,
    error_kind TEXT,
    error_code TEXT,
    error_message TEXT,
    PRIMARY KEY (run_id, number)
);

CREATE TABLE rejects (
    run_id TEXT NOT NULL REFERENCES runs (id),
    column_name TEXT NOT NULL,
    code TEXT NOT NULL,
    row_count BIGINT NOT NULL,
    PRIMARY KEY (run_id, column_name, code)
);

CREATE TABLE audit_log (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT REFERENCES tenants (id),
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL
);
CREATE INDEX audit_log_by_tenant ON audit_log (tenant_id, at);

CREATE TABLE api_tokens (
    id TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT REFERENCES tenants (id),
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT,
    used_at BIGINT
);
