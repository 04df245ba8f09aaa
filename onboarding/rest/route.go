package rest

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

const (
	// Public is the need of a route that anybody may use.
	Public access.Role = "public"
	// Known is the need of a route for anybody with a valid credential, in
	// whatever projects it has a role. [Caller.Project] is empty there.
	Known access.Role = "known"
)

// Route is one method on one pattern of paths.
type Route struct {
	// Method is an HTTP method. GET answers HEAD, too, unless the pattern has
	// a route for it.
	Method string
	// Pattern is a path in the syntax of [http.ServeMux], without a method or
	// a host, and without a slash at its end.
	Pattern string
	// Need is the role that a caller must have in the project, or Public or
	// Known. It must not be empty.
	Need access.Role
	// Everywhere is set where the role is needed in all projects, because the
	// route shows or changes more than one. [Caller.Project] is empty there.
	Everywhere bool
	// ByLink lets the query name the project, as project=NAME, where no header does:
	// links in a browser send none.
	ByLink bool
	// Action names a change in the audit log, such as "package.delete". It is
	// empty for routes that change nothing.
	Action  string
	Handler http.Handler
}

// check says what is wrong with a route that somebody wrote.
func (r Route) check() error {
	switch {
	case r.Method == "" || r.Handler == nil:
		return fmt.Errorf("route %s %s: has no method or no handler", r.Method, r.Pattern)
	case !strings.HasPrefix(r.Pattern, "/") || r.Pattern != "/" && strings.HasSuffix(r.Pattern, "/"):
		return fmt.Errorf("route %s %s: the pattern does not begin with a slash, or ends with one", r.Method, r.Pattern)
	case r.Need != Public && r.Need != Known && !r.Need.Valid():
		return fmt.Errorf("route %s %s: says not who may use it", r.Method, r.Pattern)
	case r.Everywhere && !r.Need.Valid():
		return fmt.Errorf("route %s %s: needs no role that could be held everywhere", r.Method, r.Pattern)
	}
	return nil
}

// Door is a set of routes that tell errors in the same form.
type Door struct {
	// Name labels the door's requests in metrics and logs.
	Name   string
	Routes []Route
	// Basic takes the password of Basic authentication (RFC 7617) for a token,
	// whatever the user name, for clients that can send nothing else.
	Basic bool
	// Quiet keeps requests that went well out of the log but at level debug, for
	// those that programs send every few seconds.
	Quiet bool
	// Fail answers a request with an error, in the door's form; nil means
	// [WriteProblem]. It must write to w alone and at once.
	Fail func(w http.ResponseWriter, r *http.Request, problem Problem)
}

func (d *Door) fail(w http.ResponseWriter, r *http.Request, problem Problem) {
	if d == nil || d.Fail == nil {
		WriteProblem(w, r, problem)
		return
	}
	d.Fail(w, r, problem)
}
