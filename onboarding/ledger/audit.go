package ledger

import (
	"context"
	"database/sql"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Events is the ledger's store of the audit log.
type Events struct{ l *Ledger }

var _ access.EventStore = Events{}

// Events returns the store of the audit log.
func (l *Ledger) Events() Events { return Events{l} }

// AddEvent implements [access.EventStore].
func (s Events) AddEvent(ctx context.Context, e access.Event) error {
	from := ""
	if e.From.IsValid() {
		from = e.From.String()
	}
	return s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `INSERT INTO audit_events (id, at, subject, project, action, target, source, outcome)
			VALUES ($1,$2,$3,$4,$5,$6,$7,$8)`, e.ID, micro(e.At), e.Subject, e.Project, e.Action, e.Target, from, e.Outcome); err != nil {
			return fmt.Errorf("ledger: audit log: %w", err)
		}
		return nil
	})
}

// Events implements [access.EventStore].
func (s Events) Events(ctx context.Context, f access.EventFilter) ([]access.Event, error) {
	terms, args := []string{"TRUE"}, []any{}
	add := func(term string, arg any) {
		args = append(args, arg)
		terms = append(terms, fmt.Sprintf(term, len(args)))
	}
	if f.Project != "" {
		add("project = $%d", f.Project)
	}
	if f.Subject != "" {
		add("subject = $%d", f.Subject)
	}
	if !f.Since.IsZero() {
		add("at >= $%d", micro(f.Since))
	}
	if f.Before != "" {
		add("(at, id) < (SELECT at, id FROM audit_events WHERE id = $%d)", f.Before)
	}
	tail := " ORDER BY at DESC, id DESC"
	if f.Limit > 0 {
		tail += fmt.Sprintf(" LIMIT %d", f.Limit)
	}
	events, err := collect(ctx, s.l.db, scanEvent, `SELECT id, at, subject, project, action, target, source, outcome
		FROM audit_events WHERE `+strings.Join(terms, " AND ")+tail, args...)
	if err != nil {
		return nil, fmt.Errorf("ledger: audit log: %w", err)
	}
	return events, nil
}

func scanEvent(row scanner) (access.Event, error) {
	var e access.Event
	var at int64
	var from string
	err := row.Scan(&e.ID, &at, &e.Subject, &e.Project, &e.Action, &e.Target, &from, &e.Outcome)
	e.At = fromMicro(at)
	if err == nil && from != "" {
		e.From, err = netip.ParseAddr(from)
	}
	return e, err
}

// purgedAtOnce bounds how long others wait for the write lock.
const purgedAtOnce = 10_000

// PurgeEvents implements [access.EventStore].
func (s Events) PurgeEvents(ctx context.Context, before time.Time) error {
	for gone := int64(purgedAtOnce); gone == purgedAtOnce; {
		err := s.l.update(ctx, func(ctx context.Context, tx *sql.Tx) error {
			result, err := tx.ExecContext(ctx, `DELETE FROM audit_events WHERE id IN
				(SELECT id FROM audit_events WHERE at < $1 LIMIT $2)`, micro(before), purgedAtOnce)
			if err == nil {
				gone, err = result.RowsAffected()
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("ledger: audit log: %w", err)
		}
	}
	return nil
}
