-- What files say comes and goes. A sync that was removed keeps its history and its epoch: the destination remembers the
-- epoch too, and would refuse a sync of the same name that begins anew.
ALTER TABLE syncs ADD COLUMN removed_at BIGINT;

-- Answers of the API to requests that may be sent again. Without a status the first one is still being worked on.
CREATE TABLE answers (
    caller TEXT NOT NULL,
    key TEXT NOT NULL,
    request TEXT NOT NULL,
    status BIGINT,
    body TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX answers_by_age ON answers (created_at);

CREATE INDEX runs_of_tenant ON runs (tenant_id, id);
