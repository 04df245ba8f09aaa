-- +goose Up
-- A resource has the ID of its package. Of an archive that is UPLOADING received
-- bytes have arrived, and hash is the state of its SHA-256 there.
CREATE TABLE package_resources (
	id          TEXT    PRIMARY KEY,
	project     TEXT    NOT NULL,
	state       TEXT    NOT NULL,
	operational TEXT    NOT NULL,
	user_data   TEXT    NOT NULL,
	is_unique   BOOLEAN NOT NULL,
	one_shot    BOOLEAN NOT NULL,
	options     TEXT    NOT NULL,
	size        BIGINT  NOT NULL,
	received    BIGINT  NOT NULL,
	sha256      TEXT    NOT NULL,
	job         TEXT    NOT NULL,
	failure     TEXT,
	kept        BOOLEAN NOT NULL,
	resumable   BOOLEAN NOT NULL,
	expected    TEXT    NOT NULL,
	filename    TEXT    NOT NULL,
	hash        BLOB,
	boot        TEXT    NOT NULL,
	unproven    BOOLEAN NOT NULL,
	expires_at  BIGINT  NOT NULL,
	created_at  BIGINT  NOT NULL,
	updated_at  BIGINT  NOT NULL,
	version     BIGINT  NOT NULL,
	identity    TEXT    NOT NULL
);
CREATE INDEX package_resources_by_project ON package_resources (project, id);
