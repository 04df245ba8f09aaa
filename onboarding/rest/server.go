package rest

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/access"
)

// Gate judges credentials, see [access.Gate].
type Gate interface {
	Authenticate(ctx context.Context, credential string, from netip.Addr) (access.Identity, error)
}

// Audit keeps what callers changed or tried to change, see [access.Audit].
type Audit interface {
	Record(ctx context.Context, e access.Event) error
}

// Options say what a server is like. Gate and Audit must be set; the rest has
// defaults.
type Options struct {
	Gate Gate
	// Audit is told when the answer is known, and mostly before it is sent.
	Audit Audit
	// Stall is how long a body may bring, or a client take, nothing. The default
	// is a minute.
	Stall time.Duration
	// Grace is how long requests under way may go on when the server stops. The
	// default is half a minute.
	Grace time.Duration
	// BaseURL is how clients reach the server, as seen from outside. The default
	// is taken from each request.
	BaseURL string
	// Proxies are the addresses of our own proxies, which are believed in
	// X-Forwarded-For.
	Proxies []netip.Prefix
	// Metrics counts requests; nil counts nowhere.
	Metrics *Metrics
	// Log is told every request; nil discards it.
	Log *slog.Logger
}

// Server is an [http.Handler] for all doors.
type Server struct {
	doors   []Door
	options Options
	mux     *http.ServeMux
	origins *http.CrossOriginProtection

	// stopping ends when no new requests are taken any more, cut when those under
	// way have no more time.
	stopping, cut         context.Context
	beginStopping, cutOff context.CancelCauseFunc

	mu       sync.Mutex
	closed   bool
	handling sync.WaitGroup
}

// New returns a server for the doors. It fails if a route is not complete, or two
// are in each other's way.
func New(doors []Door, options Options) (_ *Server, err error) {
	options.Stall = cmp.Or(options.Stall, time.Minute)
	options.Grace = cmp.Or(options.Grace, 30*time.Second)
	options.Log = cmp.Or(options.Log, slog.New(slog.DiscardHandler))
	options.Metrics = cmp.Or(options.Metrics, NewMetrics())
	s := &Server{doors: doors, options: options, mux: http.NewServeMux()}
	s.cut, s.cutOff = context.WithCancelCause(context.Background())
	s.stopping, s.beginStopping = context.WithCancelCause(s.cut)
	if s.origins, err = origins(options.BaseURL); err != nil {
		return nil, err
	}
	resources := make(map[string]*resource)
	var patterns []string
	var errs []error
	for i := range doors {
		door := &doors[i]
		for _, route := range door.Routes {
			if err := route.check(); err != nil {
				errs = append(errs, fmt.Errorf("door %s: %w", door.Name, err))
				continue
			}
			res := resources[route.Pattern]
			if res == nil {
				res = &resource{server: s, pattern: route.Pattern, door: door, routes: make(map[string]*Route)}
				resources[route.Pattern] = res
				patterns = append(patterns, route.Pattern)
			}
			if res.routes[route.Method] != nil || res.door != door {
				errs = append(errs, fmt.Errorf("door %s: route %s %s: is there already", door.Name, route.Method, route.Pattern))
			}
			res.routes[route.Method] = &route
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	defer func() {
		if conflict := recover(); conflict != nil {
			err = fmt.Errorf("routes: %v", conflict)
		}
	}()
	for _, pattern := range patterns {
		s.mux.Handle(pattern, resources[pattern])
	}
	if resources["/"] == nil {
		s.mux.Handle("/", http.HandlerFunc(nothing))
	}
	return s, nil
}

// Doors returns the doors with their routes, for those who go through all of them.
func (s *Server) Doors() []Door { return slices.Clone(s.doors) }

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler) // everything that handlers need is closed
	}
	defer s.handling.Done()
	begun := time.Now()
	ctx, end := context.WithCancelCause(r.Context())
	defer end(nil)
	at := &exchange{server: s, end: end, caller: Caller{Address: s.origin(r), RequestID: requestID(r), BaseURL: s.base(r)}}
	answer := newAnswer(w, s.options.Stall)
	w.Header().Set("X-Request-Id", at.caller.RequestID)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	r = at.in(r.WithContext(ctx))
	body := newBody(w, r, s.options.Stall)
	if body != nil {
		r.Body = body
	}
	s.options.Metrics.begin()
	defer func() {
		panicked := recover()
		if panicked != nil {
			panicked = s.recovered(answer, r, at, panicked)
		}
		if answer.status >= http.StatusBadRequest {
			body.linger()
		}
		body.leave()
		answer.end(at.gone)
		if at.action != "" && at.caller.Subject != "" {
			at.audit(r, answer.status)
		}
		s.options.Metrics.end(at, r.Method, answer, body, time.Since(begun))
		s.log(r, at, answer, body, time.Since(begun))
		if panicked != nil {
			panic(panicked)
		}
	}()
	if !canonical(r) {
		nothing(answer, r)
		return
	}
	s.mux.ServeHTTP(answer, r)
}

func nothing(w http.ResponseWriter, r *http.Request) {
	Fail(w, r, Errorf(http.StatusNotFound, "there is nothing at this path"))
}

// enter reports whether the server still answers requests. The caller says when it
// is done with one.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		s.handling.Add(1)
	}
	return !s.closed
}

// leave waits for the requests under way, and lets no others in.
func (s *Server) leave() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.handling.Wait()
}

// recovered deals with a panic of a handler. It returns what to panic with, which
// cuts the connection: an answer that has begun cannot be told to be wrong in any
// other way.
func (s *Server) recovered(w *answer, r *http.Request, at *exchange, panicked any) any {
	if panicked == http.ErrAbortHandler {
		return panicked
	}
	at.err = fmt.Errorf("panic: %v", panicked)
	s.options.Log.ErrorContext(r.Context(), "handler panicked", "request", at.caller.RequestID, "pattern", at.pattern,
		"panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	if w.status != 0 {
		return http.ErrAbortHandler
	}
	at.door.fail(w, r, ProblemOf(at.err))
	return nil
}

// canonical brings the path of a request into the form that patterns have, without
// doubled slashes and one at the end, and reports whether it has one. Redirecting,
// as ServeMux would, loses the body of clients that do not follow.
func canonical(r *http.Request) bool {
	path := r.URL.EscapedPath()
	if !strings.HasPrefix(path, "/") || r.Method == http.MethodConnect {
		return false
	}
	segments := strings.Split(path, "/")
	if slices.Contains(segments, ".") || slices.Contains(segments, "..") {
		return false
	}
	segments = slices.DeleteFunc(segments, func(s string) bool { return s == "" })
	short := "/" + strings.Join(segments, "/")
	if short == path {
		return true
	}
	u := *r.URL
	parsed, err := u.Parse(short)
	if err != nil {
		return false
	}
	u.Path, u.RawPath = parsed.Path, parsed.RawPath
	r.URL = &u
	return true
}

// resource is all routes of one pattern.
type resource struct {
	server  *Server
	door    *Door
	pattern string
	routes  map[string]*Route
}

// ServeHTTP implements [http.Handler].
func (res *resource) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	at := exchangeOf(r.Context())
	at.door, at.pattern = res.door, res.pattern
	route := res.routes[r.Method]
	if route == nil && r.Method == http.MethodHead {
		route = res.routes[http.MethodGet]
	}
	if at.route = route; route != nil {
		at.action = route.Action
	}
	if err := res.admit(r, at, route); err != nil {
		Fail(w, r, err)
		return
	}
	route.Handler.ServeHTTP(w, r)
}

// admit finds out who calls and whether they may.
func (res *resource) admit(r *http.Request, at *exchange, route *Route) error {
	if route != nil && route.Need == Public {
		return nil
	}
	if route != nil || !res.public() {
		if err := res.authenticate(r, at); err != nil {
			return err
		}
	}
	switch {
	case route == nil:
		return Problem{Status: http.StatusMethodNotAllowed, Detail: fmt.Sprintf("%s is not possible here, but %s", r.Method, res.allow()),
			Header: http.Header{"Allow": {res.allow()}}}
	case route.Need == Known:
		return nil
	case route.Everywhere:
		if !at.caller.Grants[access.AllProjects].Includes(route.Need) {
			return Errorf(http.StatusForbidden, "this needs the role %s in all projects", route.Need)
		}
		return nil
	}
	named := project(r, at.caller.Identity, route.ByLink)
	role := at.caller.Role(named)
	switch {
	case role == "" || !access.ValidProject(named):
		return Errorf(http.StatusNotFound, "there is no project %q", named)
	case !role.Includes(route.Need):
		at.caller.Project = named
		return Errorf(http.StatusForbidden, "this needs the role %s in project %q, and %s has the role %s", route.Need, named, at.caller.Subject, role)
	}
	at.caller.Project = named
	return nil
}

func (res *resource) authenticate(r *http.Request, at *exchange) error {
	proof, err := credential(r, res.door.Basic)
	if err != nil {
		return err
	}
	refusal := "the token is unknown, expired or revoked"
	if proof == "" {
		if proof = Session(r); proof == "" {
			return Challenge("this needs a token, as Authorization: Bearer TOKEN", "")
		}
		// A browser sends it whoever wrote the page.
		if err := SameOrigin(r); err != nil {
			return err
		}
		refusal = "the session has ended: log in again"
	}
	identity, err := res.server.options.Gate.Authenticate(r.Context(), proof, at.caller.Address)
	if errors.Is(err, access.ErrInvalid) {
		at.err = err
		return Challenge(refusal, "invalid_token")
	}
	if err != nil {
		return err
	}
	at.caller.Identity = identity
	return nil
}

// public reports whether all routes of the resource are.
func (res *resource) public() bool {
	for _, route := range res.routes {
		if route.Need != Public {
			return false
		}
	}
	return true
}

// allow lists the methods of the resource.
func (res *resource) allow() string {
	methods := slices.Collect(maps.Keys(res.routes))
	if res.routes[http.MethodGet] != nil && res.routes[http.MethodHead] == nil {
		methods = append(methods, http.MethodHead)
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}

// auditTime is how long the audit log may take, whatever became of the request.
const auditTime = 10 * time.Second

func (at *exchange) audit(r *http.Request, status int) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), auditTime)
	defer cancel()
	event := access.Event{
		Subject: at.caller.Subject, Project: cmp.Or(at.concerned, at.caller.Project), Action: at.action,
		Target: cmp.Or(at.target, r.URL.Path), From: at.caller.Address, Outcome: outcome(status),
	}
	if err := at.server.options.Audit.Record(ctx, event); err != nil {
		at.server.options.Log.ErrorContext(ctx, "change cannot be written to the audit log", "event", event, "err", err)
	}
}

func outcome(status int) access.Outcome {
	switch {
	case status >= http.StatusInternalServerError || status == statusGone:
		return access.Failed
	case status >= http.StatusBadRequest:
		return access.Refused
	}
	return access.Done
}

// log writes the request's line. The query is left out, as it may hold tokens.
func (s *Server) log(r *http.Request, at *exchange, w *answer, b *body, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case w.status >= http.StatusInternalServerError:
		level = slog.LevelError
	case at.err != nil && w.status < http.StatusBadRequest:
		level = slog.LevelWarn // the answer broke off
	case at.door != nil && at.door.Quiet && w.status < http.StatusBadRequest:
		level = slog.LevelDebug
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Int("status", w.status),
		slog.Int64("received", b.bytes()), slog.Int64("sent", w.bytes), slog.Duration("took", took),
		slog.Any("address", at.caller.Address), slog.String("request", at.caller.RequestID),
	}
	if at.caller.Subject != "" {
		attrs = append(attrs, slog.String("subject", at.caller.Subject), slog.String("project", at.caller.Project))
	}
	if at.err != nil {
		attrs = append(attrs, slog.String("err", at.err.Error()))
	}
	s.options.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

var sane = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// requestID is the client's own, so that one ID runs through all systems, or a new
// one.
func requestID(r *http.Request) string {
	if id := r.Header.Get("X-Request-Id"); sane.MatchString(id) {
		return id
	}
	return rand.Text()[:16]
}
