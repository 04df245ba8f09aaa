-- +goose Up
-- Whether a package is in use, and which delivery of a subscription is the next, is
-- asked for all the time.
CREATE INDEX jobs_waiting ON jobs (subject, id) WHERE state IN ('queued', 'running');
