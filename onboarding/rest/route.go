package rest

import (
	"net/http"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Public is the need of a route that anybody may use.
const Public access.Role = ""

// Route is one method on one pattern of paths.
type Route struct {
	Method string
	// Pattern is a path in the syntax of [http.ServeMux], without a method.
	Pattern string
	// Need is the role that a caller must have in the project, or Public.
	Need access.Role
	// Action names a change in the audit log, such as "package.delete". It is
	// empty for routes that change nothing.
	Action  string
	Handler http.Handler
}

// Door is a set of routes that tell errors in the same form.
type Door struct {
	// Name labels the door's requests in metrics and logs.
	Name   string
	Routes []Route
	// Fail answers a request with an error, in the door's form.
	Fail func(w http.ResponseWriter, r *http.Request, problem Problem)
}

// Problem is an error as HTTP tells it (RFC 9457). Its members are those of
// ETSI's ProblemDetails (NFV-SOL 013, clause 6.3).
type Problem struct {
	Type     string `json:"type,omitempty"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance,omitempty"`
	// Header has fields that belong to the answer, such as Retry-After.
	Header http.Header `json:"-"`
}
