-- +goose Up
-- A token with a parent was granted for it by a login, and goes with it.
CREATE TABLE tokens (
	id         TEXT   PRIMARY KEY,
	hash       TEXT   NOT NULL,
	name       TEXT   NOT NULL,
	project    TEXT   NOT NULL,
	role       TEXT   NOT NULL,
	parent     TEXT   REFERENCES tokens (id) ON DELETE CASCADE,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL,
	used_at    BIGINT NOT NULL,
	CONSTRAINT tokens_hash_unique UNIQUE (hash)
);
CREATE UNIQUE INDEX tokens_name_unique ON tokens (name) WHERE parent IS NULL;
CREATE INDEX tokens_granted ON tokens (parent, created_at) WHERE parent IS NOT NULL;

CREATE TABLE audit_events (
	id      TEXT   PRIMARY KEY,
	at      BIGINT NOT NULL,
	subject TEXT   NOT NULL,
	project TEXT   NOT NULL,
	action  TEXT   NOT NULL,
	target  TEXT   NOT NULL,
	source  TEXT   NOT NULL,
	outcome TEXT   NOT NULL
);
CREATE INDEX audit_events_by_time ON audit_events (at, id);
CREATE INDEX audit_events_by_project ON audit_events (project, at, id);
CREATE INDEX audit_events_by_subject ON audit_events (subject, at, id);
