-- +goose Up
-- A job may be begun from due_at on: a queued one at its time, a running one when
-- its claim has run out. The fence grows with each claim, and events is the number
-- of the latest event. Times are in microseconds since 1970, or 0.
CREATE TABLE jobs (
	id         TEXT    PRIMARY KEY,
	project    TEXT    NOT NULL,
	kind       TEXT    NOT NULL,
	subject    TEXT    NOT NULL,
	created_by TEXT    NOT NULL,
	key        TEXT,
	payload    TEXT    NOT NULL,
	state      TEXT    NOT NULL,
	attempt    BIGINT  NOT NULL,
	failures   BIGINT  NOT NULL,
	fence      BIGINT  NOT NULL,
	due_at     BIGINT  NOT NULL,
	cancelling BOOLEAN NOT NULL,
	progress   TEXT    NOT NULL,
	result     TEXT,
	error      TEXT    NOT NULL,
	events     BIGINT  NOT NULL,
	created_at BIGINT  NOT NULL,
	started_at BIGINT  NOT NULL,
	ended_at   BIGINT  NOT NULL,
	CONSTRAINT jobs_key_unique UNIQUE (project, kind, key)
);
CREATE INDEX jobs_due ON jobs (kind, due_at, state) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_ended ON jobs (ended_at, id) WHERE ended_at > 0;
CREATE INDEX jobs_by_project ON jobs (project, created_at, id);
CREATE INDEX jobs_by_subject ON jobs (subject, created_at, id);
CREATE INDEX jobs_by_age ON jobs (created_at, id);

CREATE TABLE job_events (
	job_id TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
	number BIGINT NOT NULL,
	at     BIGINT NOT NULL,
	type   TEXT   NOT NULL,
	data   TEXT   NOT NULL,
	PRIMARY KEY (job_id, number)
);
