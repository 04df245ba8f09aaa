package resttest

import (
	"context"
	"net/netip"
	"strings"
	"sync"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Gate takes tokens that say PROJECT-ROLE, and root, who is an admin everywhere.
type Gate struct{}

// Authenticate implements [rest.Gate].
func (Gate) Authenticate(_ context.Context, token string, _ netip.Addr) (access.Identity, error) {
	project, role, _ := strings.Cut(token, "-")
	switch {
	case token == "root":
		project, role = access.AllProjects, string(access.Admin)
	case !access.Role(role).Valid():
		return access.Identity{}, access.ErrInvalid
	}
	return access.Identity{Subject: "token " + token, Grants: map[string]access.Role{project: access.Role(role)}}, nil
}

// Audit keeps what was audited. Its zero value is empty, and it is safe for
// concurrent use.
type Audit struct {
	mu     sync.Mutex
	events []access.Event
}

// Record implements [rest.Audit].
func (a *Audit) Record(_ context.Context, e access.Event) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
	return nil
}

// Take returns what was audited, and forgets it.
func (a *Audit) Take() []access.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	events := a.events
	a.events = nil
	return events
}
