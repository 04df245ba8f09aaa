-- +goose Up
-- They go with the last image of their content.
CREATE TABLE packings (
	method        TEXT   NOT NULL,
	packed_sha256 TEXT   NOT NULL,
	packed_size   BIGINT NOT NULL,
	sha256        TEXT   NOT NULL,
	size          BIGINT NOT NULL,
	crc32         BIGINT NOT NULL,
	PRIMARY KEY (method, packed_sha256)
);
CREATE INDEX packings_by_form ON packings (packed_size, crc32);
CREATE INDEX packings_by_content ON packings (sha256);
