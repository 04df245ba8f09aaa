-- +goose Up
-- A running job is somebody's until claimed_until; fence grows with each claim.
CREATE TABLE jobs (
	id            TEXT    PRIMARY KEY,
	project       TEXT    NOT NULL,
	kind          TEXT    NOT NULL,
	subject       TEXT    NOT NULL,
	created_by    TEXT    NOT NULL,
	key           TEXT,
	payload       TEXT    NOT NULL,
	state         TEXT    NOT NULL,
	attempt       BIGINT  NOT NULL,
	not_before    BIGINT  NOT NULL,
	cancelling    BOOLEAN NOT NULL,
	progress      TEXT    NOT NULL,
	result        TEXT,
	error         TEXT    NOT NULL,
	fence         BIGINT  NOT NULL,
	claimed_until BIGINT  NOT NULL,
	created_at    BIGINT  NOT NULL,
	started_at    BIGINT  NOT NULL,
	ended_at      BIGINT  NOT NULL,
	CONSTRAINT jobs_key_unique UNIQUE (project, kind, key)
);
CREATE INDEX jobs_to_do ON jobs (state, kind, not_before) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_subject ON jobs (subject);
CREATE INDEX jobs_by_age ON jobs (ended_at) WHERE ended_at > 0;

CREATE TABLE job_events (
	job_id TEXT   NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
	number BIGINT NOT NULL,
	at     BIGINT NOT NULL,
	type   TEXT   NOT NULL,
	data   TEXT   NOT NULL,
	PRIMARY KEY (job_id, number)
);
