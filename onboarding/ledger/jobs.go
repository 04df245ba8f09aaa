package ledger

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/notify"
)

// Jobs is the ledger's store of jobs.
type Jobs struct{ l *Ledger }

var _ job.Store = Jobs{}

// Jobs returns the store of jobs.
func (l *Ledger) Jobs() Jobs { return Jobs{l} }

const jobColumns = `id, project, kind, subject, title, created_by, COALESCE(key, ''), payload, state, attempt, failures, due_at,
	cancelling, progress, COALESCE(result, ''), error, events, created_at, started_at, ended_at, fence`

// scanClaim reads a row of jobColumns.
func scanClaim(row scanner) (job.Claim, error) {
	var c job.Claim
	var due, created, started, ended int64
	var payload, progress, result []byte
	j := &c.Job
	if err := row.Scan(&j.ID, &j.Project, &j.Kind, &j.Subject, &j.Title, &j.By, &j.Key, &payload, &j.State, &j.Attempt, &j.Failures, &due,
		&j.Cancelling, &progress, &result, &j.Error, &j.Events, &created, &started, &ended, &c.Fence); err != nil {
		return job.Claim{}, err
	}
	if err := json.Unmarshal(progress, &j.Progress); err != nil {
		return job.Claim{}, err
	}
	j.Payload = payload
	if len(result) > 0 {
		j.Result = result
	}
	if !j.State.Ended() {
		j.NotBefore = fromMicro(due)
	}
	j.CreatedAt, j.StartedAt, j.EndedAt = fromMicro(created), fromMicro(started), fromMicro(ended)
	return c, nil
}

// oneJob returns the row that a statement returns.
func oneJob(ctx context.Context, q querier, id, statement string, args ...any) (job.Job, error) {
	c, err := scanClaim(q.QueryRowContext(ctx, statement, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return job.Job{}, fmt.Errorf("job %q: %w", id, job.ErrNotFound)
	}
	if err != nil {
		return job.Job{}, fmt.Errorf("ledger: job %q: %w", id, err)
	}
	return c.Job, nil
}

// Insert implements [job.Store].
func (s Jobs) Insert(ctx context.Context, j job.Job) (inserted job.Job, existed bool, err error) {
	err = s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		inserted, existed, err = insertJob(ctx, tx, j)
		return err
	})
	return inserted, existed, err
}

// insertJob does what [job.Store] says of Insert in a transaction.
func insertJob(ctx context.Context, tx *sql.Tx, j job.Job) (inserted job.Job, existed bool, err error) {
	progress, err := json.Marshal(j.Progress)
	if err != nil {
		return job.Job{}, false, fmt.Errorf("ledger: job %s: %w", j.ID, err)
	}
	j.Events = 1
	result, err := tx.ExecContext(ctx, `INSERT INTO jobs (id, project, kind, subject, created_by, key, payload, state, attempt, failures,
		fence, due_at, cancelling, progress, error, events, created_at, started_at, ended_at, title)
		VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,0,$10,$11,FALSE,$12,'',1,$13,$14,0,$15) ON CONFLICT (project, kind, key) DO NOTHING`,
		j.ID, j.Project, j.Kind, j.Subject, j.By, sql.NullString{String: j.Key, Valid: j.Key != ""}, string(j.Payload), j.State, j.Attempt,
		j.Attempt, micro(j.NotBefore), string(progress), micro(j.CreatedAt), micro(j.StartedAt), j.Title)
	if err != nil {
		return job.Job{}, false, fmt.Errorf("ledger: job %s: %w", j.ID, err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return job.Job{}, false, fmt.Errorf("ledger: job %s: %w", j.ID, err)
	}
	if n == 0 {
		there, err := oneJob(ctx, tx, j.Key, `SELECT `+jobColumns+` FROM jobs WHERE project = $1 AND kind = $2 AND key = $3`, j.Project, j.Kind, j.Key)
		if err == nil && (there.Subject != j.Subject || string(there.Payload) != string(j.Payload)) {
			err = fmt.Errorf("key %q of job %s: %w", j.Key, there.ID, job.ErrKeyReused)
		}
		return there, true, err
	}
	if err := checkLimit(ctx, tx, j); err != nil {
		return job.Job{}, false, err
	}
	j.Limit = job.Limit{}
	return j, false, insertChange(ctx, tx, j, j.CreatedAt)
}

// checkLimit fails with a *job.FullError if a job that was inserted is one too many.
func checkLimit(ctx context.Context, tx *sql.Tx, j job.Job) error {
	if j.Limit.Jobs <= 0 {
		return nil
	}
	args := []any{j.Project}
	var kinds []string
	for _, kind := range j.Limit.Kinds {
		args = append(args, kind)
		kinds = append(kinds, fmt.Sprint("$", len(args)))
	}
	var has int
	if err := tx.QueryRowContext(ctx, `SELECT COUNT(*) FROM jobs WHERE state IN ('queued', 'running')
		AND kind IN (`+strings.Join(kinds, ", ")+`) AND project = $1`, args...).Scan(&has); err != nil {
		return fmt.Errorf("ledger: jobs: %w", err)
	}
	if has > j.Limit.Jobs {
		return &job.FullError{Project: j.Project, Limit: j.Limit.Jobs}
	}
	return nil
}

// insertChange writes the event of the state that a job has come into, whose
// number the job has.
func insertChange(ctx context.Context, tx *sql.Tx, j job.Job, at time.Time) error {
	return insertEvent(ctx, tx, j.ID, j.Events, at, job.StateEvent, j.Change())
}

func insertEvent(ctx context.Context, tx *sql.Tx, id string, number int64, at time.Time, kind string, data any) error {
	text, err := json.Marshal(data)
	if err == nil {
		_, err = tx.ExecContext(ctx, `INSERT INTO job_events (job_id, number, at, type, data) VALUES ($1,$2,$3,$4,$5)`,
			id, number, micro(at), kind, string(text))
	}
	if err != nil {
		return fmt.Errorf("ledger: job %s: event %d: %w", id, number, err)
	}
	return nil
}

// Job implements [job.Store].
func (s Jobs) Job(ctx context.Context, id string) (job.Job, error) {
	return oneJob(ctx, s.l.db, id, `SELECT `+jobColumns+` FROM jobs WHERE id = $1`, id)
}

// Jobs implements [job.Store].
func (s Jobs) Jobs(ctx context.Context, f job.Filter) ([]job.Job, error) {
	var terms, inner []string
	var args []any
	param := func(value any) string {
		args = append(args, value)
		return fmt.Sprint("$", len(args))
	}
	for _, equal := range [][2]string{{"project", f.Project}, {"kind", string(f.Kind)}, {"subject", f.Subject}, {"key", f.Key}} {
		if equal[1] == "" {
			continue
		}
		term := equal[0] + " = " + param(equal[1])
		terms = append(terms, term)
		if equal[0] == "kind" || equal[0] == "subject" {
			inner = append(inner, " AND "+term)
		}
	}
	if len(f.States) > 0 {
		var states []string
		for _, state := range f.States {
			states = append(states, param(state))
		}
		terms = append(terms, "state IN ("+strings.Join(states, ", ")+")")
	}
	if f.Before != "" {
		terms = append(terms, "(created_at, id) < (SELECT created_at, id FROM jobs WHERE id = "+param(f.Before)+")")
	}
	query := `SELECT ` + jobColumns + ` FROM jobs`
	if len(f.States) > 0 && !slices.ContainsFunc(f.States, job.State.Ended) {
		// They are few among many: what is looked for is looked for among them.
		query = `WITH live AS MATERIALIZED (SELECT * FROM jobs WHERE state IN ('queued', 'running')` + strings.Join(inner, "") + `)
			SELECT ` + jobColumns + ` FROM live`
	}
	if len(terms) > 0 {
		query += " WHERE " + strings.Join(terms, " AND ")
	}
	query += " ORDER BY created_at DESC, id DESC"
	if f.Limit > 0 {
		query += " LIMIT " + param(f.Limit)
	}
	claims, err := collect(ctx, s.l.db, scanClaim, query, args...)
	if err != nil {
		return nil, fmt.Errorf("ledger: jobs: %w", err)
	}
	jobs := make([]job.Job, len(claims))
	for i, c := range claims {
		jobs[i] = c.Job
	}
	return jobs, nil
}

// Claim implements [job.Store]. It takes the write lock only if there is
// something to claim, and then looks again, for others may have claimed it since.
func (s Jobs) Claim(ctx context.Context, free map[job.Kind]int, but []string, now, until time.Time) (claims []job.Claim, err error) {
	args := []any{micro(now)}
	var each, others []string
	for _, id := range but {
		args = append(args, id)
		others = append(others, fmt.Sprint("$", len(args)))
	}
	for _, kind := range slices.Sorted(maps.Keys(free)) {
		args = append(args, kind, free[kind])
		each = append(each, fmt.Sprintf(`SELECT id FROM (SELECT id FROM jobs WHERE state IN ('queued', 'running')
			AND kind = $%d AND due_at <= $1 AND id NOT IN (%[3]s) ORDER BY due_at LIMIT $%[2]d) AS k%[1]d`,
			len(args)-1, len(args), strings.Join(others, ", ")))
	}
	due := strings.Join(each, " UNION ALL ")
	found, err := collect(ctx, s.l.db, func(row scanner) (id string, err error) { return id, row.Scan(&id) }, due, args...)
	if err != nil {
		return nil, fmt.Errorf("ledger: claim jobs: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	args = append(args, micro(until))
	err = s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		claims, err = collect(ctx, tx, scanClaim, fmt.Sprintf(`UPDATE jobs SET state = 'running', attempt = attempt + 1, fence = fence + 1,
			due_at = $%d, started_at = $1, events = events + 1
			WHERE id IN (%s) AND state IN ('queued', 'running') AND due_at <= $1
			RETURNING %s`, len(args), due, jobColumns), args...)
		if err != nil {
			return fmt.Errorf("ledger: claim jobs: %w", err)
		}
		for _, c := range claims {
			if err := insertChange(ctx, tx, c.Job, now); err != nil {
				return err
			}
		}
		return nil
	})
	return claims, err
}

// Beat implements [job.Store].
func (s Jobs) Beat(ctx context.Context, beats []job.Beat, now, until time.Time) ([]job.Answer, error) {
	answers := make([]job.Answer, len(beats))
	err := s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for i, b := range beats {
			if err := beat(ctx, tx, b, now, until, &answers[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return answers, err
}

func beat(ctx context.Context, tx *sql.Tx, b job.Beat, now, until time.Time, a *job.Answer) error {
	id := b.Claim.Job.ID
	set, args := ``, []any{id, b.Claim.Fence, micro(until)}
	if b.Progress != nil {
		text, err := json.Marshal(b.Progress)
		if err != nil {
			return fmt.Errorf("ledger: job %s: %w", id, err)
		}
		set, args = `, progress = $4, events = events + 1`, append(args, string(text))
	}
	var number int64
	err := tx.QueryRowContext(ctx, `UPDATE jobs SET due_at = $3`+set+` WHERE id = $1 AND fence = $2 AND state = 'running'
		RETURNING cancelling, events`, args...).Scan(&a.Cancelling, &number)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		a.Lost = true
		return nil
	case err != nil:
		return fmt.Errorf("ledger: job %s: %w", id, err)
	case b.Progress == nil:
		return nil
	}
	return insertEvent(ctx, tx, id, number, now, job.ProgressEvent, b.Progress)
}

// Finish implements [job.Store].
func (s Jobs) Finish(ctx context.Context, c job.Claim, o job.Outcome, now time.Time) (job.Job, error) {
	var j job.Job
	err := s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		j, err = oneJob(ctx, tx, c.Job.ID, `UPDATE jobs SET events = events + 1 WHERE id = $1 AND fence = $2 AND state = 'running'
			RETURNING `+jobColumns, c.Job.ID, c.Fence)
		if errors.Is(err, job.ErrNotFound) {
			return fmt.Errorf("job %s: %w", c.Job.ID, job.ErrLost)
		}
		if err != nil {
			return err
		}
		cancelling := j.Cancelling
		j.State, j.Progress, j.Result, j.Error, j.Cancelling = o.State, o.Progress, o.Result, o.Error, false
		switch {
		case o.Uncounted:
			j.Attempt--
		case o.State != job.Succeeded:
			j.Failures++
		}
		j.NotBefore = o.NotBefore
		if cancelling && j.State == job.Queued {
			j.State = job.Cancelled
		}
		if j.State.Ended() {
			j.NotBefore, j.EndedAt = time.Time{}, now
		}
		return leave(ctx, tx, j, now)
	})
	return j, err
}

// Cancel implements [job.Store].
func (s Jobs) Cancel(ctx context.Context, id string, now time.Time) (job.Job, error) {
	var j job.Job
	err := s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		// Who worked at a job whose claim has run out finds it ended.
		j, err = oneJob(ctx, tx, id, `UPDATE jobs SET events = events + 1
			WHERE id = $1 AND (state = 'queued' OR state = 'running' AND due_at <= $2) RETURNING `+jobColumns, id, micro(now))
		if err == nil {
			j.State, j.Error, j.Cancelling = job.Cancelled, job.ErrCancelled.Error(), false
			j.NotBefore, j.EndedAt = time.Time{}, now
			return leave(ctx, tx, j, now)
		}
		if !errors.Is(err, job.ErrNotFound) {
			return err
		}
		j, err = oneJob(ctx, tx, id, `UPDATE jobs SET cancelling = (state = 'running') WHERE id = $1 RETURNING `+jobColumns, id)
		return err
	})
	return j, err
}

// leave writes the state that a job comes into when nobody works at it any more.
// Every end of a job comes through here.
func leave(ctx context.Context, tx *sql.Tx, j job.Job, now time.Time) error {
	progress, err := json.Marshal(j.Progress)
	if err != nil {
		return fmt.Errorf("ledger: job %s: %w", j.ID, err)
	}
	if _, err := tx.ExecContext(ctx, `UPDATE jobs SET state = $2, attempt = $3, failures = $4, due_at = $5, cancelling = $6,
		progress = $7, result = $8, error = $9, ended_at = $10 WHERE id = $1`,
		j.ID, j.State, j.Attempt, j.Failures, micro(j.NotBefore), j.Cancelling, string(progress),
		sql.NullString{String: string(j.Result), Valid: j.Result != nil}, j.Error, micro(j.EndedAt)); err != nil {
		return fmt.Errorf("ledger: job %s: %w", j.ID, err)
	}
	if j.Kind == notify.Kind && j.State.Ended() {
		if err := release(ctx, tx, j, now); err != nil {
			return err
		}
	}
	return insertChange(ctx, tx, j, now)
}

// Events implements [job.Store].
func (s Jobs) Events(ctx context.Context, id string, after int64, limit int) ([]job.Event, error) {
	events, err := collect(ctx, s.l.db, func(row scanner) (e job.Event, err error) {
		var at int64
		var data []byte
		err = row.Scan(&e.Number, &at, &e.Type, &data)
		e.At, e.Data = fromMicro(at), data
		return e, err
	}, `SELECT number, at, type, data FROM job_events WHERE job_id = $1 AND number > $2 ORDER BY number LIMIT $3`, id, after, limit)
	if err != nil {
		return nil, fmt.Errorf("ledger: events of job %s: %w", id, err)
	}
	return events, nil
}

// A batch of a purge is so many jobs, and but for the last of them so many
// events, that others do not wait for long.
const purgedJobs, purgedEvents = 200, 10_000

// Purge implements [job.Store].
func (s Jobs) Purge(ctx context.Context, before time.Time) (n int64, err error) {
	err = s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM jobs WHERE id IN (
			SELECT id FROM (
				SELECT id, SUM(events) OVER (ORDER BY ended_at, id) - events AS others FROM (
					SELECT id, ended_at, events FROM jobs WHERE ended_at > 0 AND ended_at < $1 ORDER BY ended_at, id LIMIT $2
				) AS oldest
			) AS counted WHERE others < $3)`, micro(before), purgedJobs, purgedEvents)
		if err != nil {
			return err
		}
		n, err = result.RowsAffected()
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("ledger: purge jobs: %w", err)
	}
	return n, nil
}

// Lengths implements [job.Store].
func (s Jobs) Lengths(ctx context.Context) ([]job.Length, error) {
	lengths, err := collect(ctx, s.l.db, func(row scanner) (n job.Length, err error) {
		err = row.Scan(&n.Kind, &n.State, &n.Jobs)
		return n, err
	}, `SELECT kind, state, COUNT(*) FROM jobs WHERE state IN ('queued', 'running') GROUP BY kind, state ORDER BY kind, state`)
	if err != nil {
		return nil, fmt.Errorf("ledger: jobs: %w", err)
	}
	return lengths, nil
}
