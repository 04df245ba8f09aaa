-- +goose Up
ALTER TABLE packages ADD COLUMN descriptor_id TEXT NOT NULL DEFAULT '';
UPDATE packages SET descriptor_id = COALESCE(json_extract(record, '$.descriptorId'), '') WHERE json_valid(record);
CREATE INDEX packages_by_descriptor ON packages (project, descriptor_id);
