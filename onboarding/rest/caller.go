package rest

import (
	"context"
	"maps"
	"net/http"
	"net/netip"
	"slices"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Caller is who sent a request, and for which project.
type Caller struct {
	access.Identity
	// Project is the one that the request is about; its Role is at least what
	// the route needs. It is empty on routes that are public, Known or
	// Everywhere.
	Project string
	// Address is where the request came from.
	Address netip.Addr
	// RequestID is in the answer's X-Request-Id and in the log.
	RequestID string
	// BaseURL is how the client reaches the server, without a slash at its end.
	BaseURL string
}

// CallerOf returns who sent the request of a context. It is the zero Caller
// outside of a request.
func CallerOf(ctx context.Context) Caller {
	if at := exchangeOf(ctx); at != nil {
		return at.caller
	}
	return Caller{}
}

// Projects knows which projects there are.
type Projects interface {
	Projects(ctx context.Context) ([]string, error)
}

// ProjectsOf returns by name the projects in which somebody has a role. Who has one
// in all of them has it in [DefaultProject], too, whether there is anything in it or
// not; only then existing is asked.
func ProjectsOf(ctx context.Context, identity access.Identity, existing Projects) ([]string, error) {
	names := slices.Collect(maps.Keys(identity.Grants))
	if identity.Grants[access.AllProjects].Valid() {
		all, err := existing.Projects(ctx)
		if err != nil {
			return nil, err
		}
		names = append(append(names, all...), DefaultProject)
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !access.ValidProject(name) })
	slices.Sort(names)
	return slices.Compact(names), nil
}

// Target tells the audit log which thing a request has changed, where its path
// does not say so, such as the ID of what it made. It is for the goroutine that
// handles the request.
func Target(ctx context.Context, id string) {
	if at := exchangeOf(ctx); at != nil {
		at.target = id
	}
}

// Unchanged tells the audit log that a request changes nothing, although its route
// could. It is for the goroutine that handles the request.
func Unchanged(ctx context.Context) {
	if at := exchangeOf(ctx); at != nil {
		at.action = ""
	}
}

// Acts tells the audit log what a request does, where that is not what its route says.
// It is for the goroutine that handles the request.
func Acts(ctx context.Context, action string) {
	if at := exchangeOf(ctx); at != nil {
		at.action = action
	}
}

// Concerns tells the audit log in which project a request has changed something,
// where that is not the one that the request is about. It is for the goroutine that
// handles the request.
func Concerns(ctx context.Context, project string) {
	if at := exchangeOf(ctx); at != nil {
		at.concerned = project
	}
}

// Proved tells the audit log whose token a caller of a public route has proved to
// have, in which project. It is for the goroutine that handles the request.
func Proved(ctx context.Context, token access.Token) {
	if at := exchangeOf(ctx); at != nil {
		at.caller.Subject, at.concerned = token.Subject(), token.Project
	}
}

// UntilStopping returns a context that also ends when the server begins to stop.
// It is for handlers that wait for something to happen, and which would hold the
// server up; those that transfer something have its grace. The caller calls the
// function when it needs the context no more.
func UntilStopping(ctx context.Context) (context.Context, context.CancelFunc) {
	at := exchangeOf(ctx)
	if at == nil {
		return context.WithCancel(ctx)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	unhook := context.AfterFunc(at.server.stopping, func() { cancel(ErrStopping) })
	return ctx, func() { unhook(); cancel(nil) }
}

// Interrupter returns a function that ends the request of a context: its context ends
// with a cause, and a Read of its body, also one that waits, fails with it. It may be
// called by anybody and at any time. Outside of a request it does nothing.
func Interrupter(ctx context.Context) context.CancelCauseFunc {
	if at := exchangeOf(ctx); at != nil {
		return at.end
	}
	return func(error) {}
}

// exchange is what is known of a request and its answer.
type exchange struct {
	server    *Server
	end       context.CancelCauseFunc
	door      *Door
	pattern   string // empty for a path that has none
	route     *Route // nil for a method that the pattern does not have
	caller    Caller
	action    string // for the audit log, or empty
	target    string
	concerned string // a project other than the caller's, or empty
	err       error  // what the handler failed with
	gone      bool   // the client went away before there was an answer
}

type exchangeKey struct{}

func exchangeOf(ctx context.Context) *exchange {
	at, _ := ctx.Value(exchangeKey{}).(*exchange)
	return at
}

func (at *exchange) in(r *http.Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), exchangeKey{}, at))
}
