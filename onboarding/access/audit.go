package access

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Outcome is how a change ended.
type Outcome string

const (
	Done    Outcome = "done"
	Refused Outcome = "refused" // by a rule: no right to it, or not as things are
	Failed  Outcome = "failed"  // by a fault
)

// Event is one line of the audit log. It is plain data and holds no secrets.
type Event struct {
	// ID is a UUID that grows with time. Record sets it.
	ID string
	// At is when the event was recorded. Record sets it.
	At time.Time
	// Subject is who did it, see Identity.Subject.
	Subject string
	// Project is where; empty where no project is concerned.
	Project string
	// Action is what was done, such as "package.delete".
	Action string
	// Target is the ID or name of what it was done to.
	Target string
	// From is the address of who did it; the zero value for what was done on
	// the machine itself.
	From    netip.Addr
	Outcome Outcome
}

// EventFilter selects events. Zero fields select everything.
type EventFilter struct {
	Project string
	Subject string
	Since   time.Time // inclusive
	// Before selects what was recorded before the event of this ID, for paging:
	// events are listed newest first.
	Before string
	Limit  int
}

// EventStore keeps events. Implementations are safe for concurrent use by
// goroutines and processes.
type EventStore interface {
	AddEvent(ctx context.Context, e Event) error
	// Events returns events, newest first.
	Events(ctx context.Context, filter EventFilter) ([]Event, error)
	// PurgeEvents removes the events before a time.
	PurgeEvents(ctx context.Context, before time.Time) error
}

// Audit is the log of who did what. It only grows, but for events that are older
// than its retention. It is safe for concurrent use.
type Audit struct {
	store     EventStore
	retention time.Duration
}

// NewAudit returns the audit log in a store.
func NewAudit(store EventStore, config Config) *Audit {
	return &Audit{store, config.withDefaults().AuditRetention}
}

// longestField bounds what is kept of a field of an event, in bytes.
const longestField = 256

// anyToken finds tokens of gangway where they should not be.
var anyToken = regexp.MustCompile(prefix + `[A-Za-z0-9_-]{20,}`)

// Record appends an event, durably. Fields are cut to 256 bytes, and what has
// the form of a token of gangway is taken out.
func (a *Audit) Record(ctx context.Context, e Event) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	e.ID, e.At = id.String(), time.Now()
	for _, field := range []*string{&e.Subject, &e.Project, &e.Action, &e.Target} {
		*field = anyToken.ReplaceAllLiteralString(strings.ToValidUTF8(*field, "\uFFFD"), prefix+"…")
		if len(*field) > longestField {
			*field = strings.ToValidUTF8((*field)[:longestField], "")
		}
	}
	return a.store.AddEvent(ctx, e)
}

// List returns events, newest first.
func (a *Audit) List(ctx context.Context, filter EventFilter) ([]Event, error) {
	return a.store.Events(ctx, filter)
}
