package ledger

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Subscriptions is the ledger's store of subscriptions.
type Subscriptions struct{ l *Ledger }

var _ notify.Store = Subscriptions{}

// Subscriptions returns the store of subscriptions.
func (l *Ledger) Subscriptions() Subscriptions { return Subscriptions{l} }

const subscriptionColumns = `id, project, api, root, callback_uri, filter, filter_key, authentication, created_at`

func scanSubscription(row scanner) (notify.Subscription, error) {
	var s notify.Subscription
	var filter string
	var created int64
	err := row.Scan(&s.ID, &s.Project, &s.API, &s.Root, &s.CallbackURI, &filter, &s.FilterKey, &s.Sealed, &created)
	if filter != "" {
		s.Filter = []byte(filter)
	}
	s.CreatedAt = fromMicro(created)
	return s, err
}

// oneSubscription returns the row that a condition selects.
func oneSubscription(ctx context.Context, q querier, where string, args ...any) (notify.Subscription, error) {
	s, err := scanSubscription(q.QueryRowContext(ctx, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE `+where, args...))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return s, notify.ErrNotFound
	case err != nil:
		return s, fmt.Errorf("ledger: subscription: %w", err)
	}
	return s, nil
}

// Subscribe implements [notify.Store].
func (s Subscriptions) Subscribe(ctx context.Context, n notify.Subscription, most int) (made notify.Subscription, existed bool, err error) {
	err = s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		made, err = same(ctx, tx, n, most)
		if existed = err == nil; existed || !errors.Is(err, notify.ErrNotFound) {
			return err
		}
		made = n
		_, err = tx.ExecContext(ctx, `INSERT INTO subscriptions (`+subscriptionColumns+`) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9)`,
			n.ID, n.Project, n.API, n.Root, n.CallbackURI, string(n.Filter), n.FilterKey, n.Sealed, micro(n.CreatedAt))
		if err != nil {
			return fmt.Errorf("ledger: subscription %s: %w", n.ID, err)
		}
		return nil
	})
	return made, existed, err
}

// Same implements [notify.Store].
func (s Subscriptions) Same(ctx context.Context, n notify.Subscription, most int) (notify.Subscription, error) {
	return same(ctx, s.l.db, n, most)
}

func same(ctx context.Context, q querier, n notify.Subscription, most int) (notify.Subscription, error) {
	there, err := oneSubscription(ctx, q, `project = $1 AND api = $2 AND callback_uri = $3 AND filter_key = $4`, n.Project, n.API, n.CallbackURI, n.FilterKey)
	if most == 0 || !errors.Is(err, notify.ErrNotFound) {
		return there, err
	}
	var has int
	if err := q.QueryRowContext(ctx, `SELECT COUNT(*) FROM subscriptions WHERE project = $1`, n.Project).Scan(&has); err != nil {
		return there, fmt.Errorf("ledger: subscriptions: %w", err)
	}
	if has >= most {
		err = &vnfpkg.QuotaError{Project: n.Project, Quota: vnfpkg.QuotaSubscriptions, Limit: int64(most)}
	}
	return there, err
}

// Subscription implements [notify.Store].
func (s Subscriptions) Subscription(ctx context.Context, id string) (notify.Subscription, error) {
	return oneSubscription(ctx, s.l.db, `id = $1`, id)
}

// Subscriptions implements [notify.Store].
func (s Subscriptions) Subscriptions(ctx context.Context, project, api, after string) iter.Seq2[notify.Subscription, error] {
	return func(yield func(notify.Subscription, error) bool) {
		all, err := collect(ctx, s.l.db, scanSubscription, `SELECT `+subscriptionColumns+` FROM subscriptions
			WHERE project = $1 AND api = $2 AND id > $3 ORDER BY id`, project, api, after)
		if err != nil {
			yield(notify.Subscription{}, fmt.Errorf("ledger: subscriptions: %w", err))
			return
		}
		for _, one := range all {
			if !yield(one, nil) {
				return
			}
		}
	}
}

// Unsubscribe implements [notify.Store].
func (s Subscriptions) Unsubscribe(ctx context.Context, id string) error {
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		result, err := tx.ExecContext(ctx, `DELETE FROM subscriptions WHERE id = $1`, id)
		if err != nil {
			return fmt.Errorf("ledger: subscription %s: %w", id, err)
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, notify.ErrNotFound)
		}
		return nil
	})
}

// First implements [notify.Store].
func (s Subscriptions) First(ctx context.Context, delivery job.Job) (first bool, err error) {
	err = s.l.db.QueryRowContext(ctx, `SELECT NOT EXISTS (SELECT 1 FROM jobs WHERE kind = $1 AND subject = $2
		AND state IN ('queued', 'running') AND id < $3)`, delivery.Kind, delivery.Subject, delivery.ID).Scan(&first)
	if err != nil {
		return false, fmt.Errorf("ledger: delivery %s: %w", delivery.ID, err)
	}
	return first, nil
}

// parked is how long a delivery waits for those before it, if none of them wakes
// it. Their ends do, see release, so that it is longer than any patience.
const parked = 365 * 24 * time.Hour

// tell adds the jobs that tell subscribers of an event.
func tell(ctx context.Context, tx *sql.Tx, e vnfpkg.Event) error {
	subscriptions, err := collect(ctx, tx, scanSubscription, `SELECT `+subscriptionColumns+` FROM subscriptions
		WHERE project = $1 ORDER BY id`, e.Project)
	if err != nil {
		return fmt.Errorf("ledger: subscriptions: %w", err)
	}
	jobs, err := notify.Deliveries(e, subscriptions)
	if err != nil {
		return fmt.Errorf("ledger: %w", err)
	}
	for _, j := range jobs {
		var behind bool
		if err := tx.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM jobs WHERE kind = $1 AND subject = $2
			AND state IN ('queued', 'running') AND id < $3)`, j.Kind, j.Subject, j.ID).Scan(&behind); err != nil {
			return fmt.Errorf("ledger: delivery %s: %w", j.ID, err)
		}
		if behind {
			j.NotBefore = j.NotBefore.Add(parked)
		}
		if _, _, err := insertJob(ctx, tx, j); err != nil {
			return err
		}
	}
	return nil
}

// release makes the delivery due that waits for one that has ended.
func release(ctx context.Context, tx *sql.Tx, ended job.Job, now time.Time) error {
	_, err := tx.ExecContext(ctx, `UPDATE jobs SET due_at = $3 WHERE state = 'queued' AND due_at > $3 AND id =
		(SELECT MIN(id) FROM jobs WHERE kind = $1 AND subject = $2 AND state IN ('queued', 'running'))`, ended.Kind, ended.Subject, micro(now))
	if err != nil {
		return fmt.Errorf("ledger: delivery after %s: %w", ended.ID, err)
	}
	return nil
}
