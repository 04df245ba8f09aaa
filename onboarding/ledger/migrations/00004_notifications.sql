-- +goose Up
-- What is the same for two subscriptions that differ in nothing is unique. The
-- authentication is sealed.
CREATE TABLE subscriptions (
	id             TEXT   PRIMARY KEY,
	project        TEXT   NOT NULL,
	api            TEXT   NOT NULL,
	root           TEXT   NOT NULL,
	callback_uri   TEXT   NOT NULL,
	filter         TEXT   NOT NULL,
	filter_key     TEXT   NOT NULL,
	authentication BLOB,
	created_at     BIGINT NOT NULL,
	CONSTRAINT subscriptions_unique UNIQUE (project, api, callback_uri, filter_key)
);
