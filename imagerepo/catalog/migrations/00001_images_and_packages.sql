-- +goose Up
CREATE TABLE images (
	id               TEXT    PRIMARY KEY,
	project          TEXT    NOT NULL,
	name             TEXT    NOT NULL,
	sha256           TEXT    NOT NULL,
	size             BIGINT  NOT NULL,
	disk_format      TEXT    NOT NULL,
	container_format TEXT    NOT NULL,
	min_disk         BIGINT  NOT NULL,
	min_ram          BIGINT  NOT NULL,
	min_cpu          BIGINT  NOT NULL,
	is_public        BOOLEAN NOT NULL,
	properties       TEXT    NOT NULL,
	url              TEXT    NOT NULL,
	etag             TEXT    NOT NULL,
	last_modified    TEXT    NOT NULL,
	manual           BOOLEAN NOT NULL,
	created_at       BIGINT  NOT NULL,
	CONSTRAINT images_name_unique UNIQUE (project, name)
);
CREATE INDEX images_by_content ON images (sha256) WHERE sha256 <> '';
CREATE INDEX images_by_size ON images (size) WHERE sha256 <> '';
CREATE INDEX images_by_url ON images (url) WHERE url <> '';

CREATE TABLE digests (
	sha256    TEXT NOT NULL,
	algorithm TEXT NOT NULL,
	digest    TEXT NOT NULL,
	PRIMARY KEY (sha256, algorithm)
);

CREATE TABLE packages (
	id          TEXT   PRIMARY KEY,
	project     TEXT   NOT NULL,
	vendor      TEXT   NOT NULL,
	name        TEXT   NOT NULL,
	version     TEXT   NOT NULL,
	dialect     TEXT   NOT NULL,
	fingerprint TEXT   NOT NULL,
	record      TEXT   NOT NULL,
	created_at  BIGINT NOT NULL,
	CONSTRAINT packages_name_unique UNIQUE (project, vendor, name, version)
);

CREATE INDEX packages_by_fingerprint ON packages (fingerprint);

CREATE TABLE package_files (
	package_id TEXT   NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
	path       TEXT   NOT NULL,
	role       TEXT   NOT NULL,
	size       BIGINT NOT NULL,
	sha256     TEXT   NOT NULL,
	content    BLOB,
	PRIMARY KEY (package_id, path)
);

-- The name stays when the image was deleted by force.
CREATE TABLE package_images (
	package_id TEXT NOT NULL REFERENCES packages (id) ON DELETE CASCADE,
	image_name TEXT NOT NULL,
	image_id   TEXT REFERENCES images (id) ON DELETE SET NULL,
	PRIMARY KEY (package_id, image_name)
);
CREATE INDEX package_images_by_image ON package_images (image_id);
