package api

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/view"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Config is what the door works with.
type Config struct {
	Pipeline   *onboarding.Pipeline
	Operations *operation.Service
	Queue      *job.Queue
	VIMs       VIMs
	Packages   *vnfpkg.Service
	Tokens     *access.Tokens
	Audit      Audit
	Logins     Logins
	Projects   rest.Projects
	// MaxImage is the size of the largest image that is taken, in bytes; zero
	// means that there is no limit.
	MaxImage int64
	// Version is gangway's, for the OpenAPI document and who logs in.
	Version string
}

// VIMs has the VIMs that are configured. It is safe for concurrent use.
type VIMs interface {
	operation.VIMs
	// Check finds out what a VIM is like; with probe it tries to publish an image
	// there, which it removes. The error wraps operation.ErrUnknownVIM; all others
	// are in the view.
	Check(ctx context.Context, name string, probe bool) (view.Check, error)
}

// New returns the door.
func New(config Config) (rest.Door, error) {
	d := &door{Config: config, collected: &collector{}}
	d.api = huma.NewAPI(huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "gangway", Version: config.Version,
				Description: "Bring VNF packages and their images aboard a telco cloud."},
			Components: &huma.Components{Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName), SecuritySchemes: map[string]*huma.SecurityScheme{
				"token":   {Type: "http", Scheme: "bearer", Description: "a token of gangway, of Keystone or of an OpenID Connect issuer"},
				"session": {Type: "apiKey", In: "cookie", Name: "gangway-session", Description: "the same, kept by a browser: see begin-session"},
			}},
		},
		Formats:                      map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat:                "application/json",
		RejectUnknownQueryParameters: true,
		Transformers:                 []huma.Transformer{withoutValues},
	}, d.collected)
	for _, part := range []func(){d.session, d.images, d.imageFiles, d.packages, d.uploads, d.launches, d.jobs, d.vims, d.tokens, d.auditLog} {
		part()
	}
	document, err := json.Marshal(d.api.OpenAPI())
	if err != nil {
		return rest.Door{}, err
	}
	routes := append(d.collected.routes, rest.Route{Method: http.MethodGet, Pattern: "/openapi.json", Need: rest.Public,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/openapi+json")
			_, _ = w.Write(document)
		})})
	return rest.Door{Name: "api", Basic: true, Routes: routes}, nil
}

// withoutValues takes what was sent out of the errors that huma finds in it: it may
// be long or secret, and the client has it.
func withoutValues(_ huma.Context, _ string, v any) (any, error) {
	if found, ok := v.(*huma.ErrorModel); ok {
		for _, detail := range found.Errors {
			detail.Value = nil
		}
	}
	return v, nil
}

// schemaName tells what is asked for from what is shown.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t.PkgPath() == reflect.TypeFor[operation.Launch]().PkgPath() {
		name += "Request"
	}
	return name
}

type door struct {
	Config
	api       huma.API
	collected *collector
}

// collector is a router that collects routes instead of routing.
type collector struct{ routes []rest.Route }

// Handle implements [huma.Adapter].
func (c *collector) Handle(op *huma.Operation, handle func(huma.Context)) {
	route, served := op.Metadata["route"].(rest.Route)
	if !served {
		return
	}
	route.Handler = rest.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
		if op.RequestBody != nil && op.RequestBody.Content[octets] == nil {
			if err := rest.BufferJSON(r); err != nil {
				return err
			}
		}
		r = r.WithContext(context.WithValue(r.Context(), requestKey{}, request{w, r}))
		handle(humago.NewContext(op, r, w))
		return nil
	})
	c.routes = append(c.routes, route)
}

// ServeHTTP implements [huma.Adapter]; the routes are served by [rest.Server].
func (c *collector) ServeHTTP(http.ResponseWriter, *http.Request) {}

type requestKey struct{}

// request is a request whose body is a file, or whose answer is one.
type request struct {
	w http.ResponseWriter
	*http.Request
}

func requestOf(ctx context.Context) request { return ctx.Value(requestKey{}).(request) }

// operate adds an operation. Its route says who may use it, and what for the audit
// log; op says for the document what method and pattern do not.
func operate[I, O any](d *door, route rest.Route, op huma.Operation, handle func(context.Context, *I) (*O, error)) {
	op = described(route, op)
	op.Metadata = map[string]any{"route": route}
	op.BodyReadTimeout = -1 // is the server's business
	op.MaxBodyBytes = -1
	huma.Register(d.api, op, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, problem{rest.ProblemFor(ctx, err)}
		}
		return out, nil
	})
}

// describe puts an operation into the document that another door serves.
func describe[I, O any](d *door, route rest.Route, op huma.Operation) {
	huma.Register(d.api, described(route, op), func(context.Context, *I) (*O, error) { return new(O), nil })
}

// described completes what the document says of an operation by its route.
func described(route rest.Route, op huma.Operation) huma.Operation {
	op.Method, op.Path = route.Method, documented(route.Pattern)
	op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
	need := "Needs the role " + string(route.Need)
	switch {
	case route.Need == rest.Public:
		op.Security, need = nil, "Needs no token"
	case route.Need == rest.Known:
		need = "Needs a token, whatever its role"
	case route.Everywhere:
		need += " in all projects"
	}
	op.Description = strings.TrimSpace(op.Description + "\n\n" + need + ".")
	op.Errors = slices.Concat(op.Errors, []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests})
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	return op
}

// documented is a pattern as OpenAPI has it.
func documented(pattern string) string { return strings.Replace(pattern, "...}", "}", 1) }

// problem makes an error one that huma answers with as it is.
type problem struct{ rest.Problem }

// GetStatus implements [huma.StatusError].
func (p problem) GetStatus() int { return p.Status }

// GetHeaders implements [huma.HeadersError].
func (p problem) GetHeaders() http.Header { return p.Header }

// ContentType implements [huma.ContentTypeFilter].
func (p problem) ContentType(string) string { return "application/problem+json" }

// answers describes the answers that an operation has, by their statuses.
func (d *door) answers(bodies map[int]any) map[string]*huma.Response {
	described := make(map[string]*huma.Response)
	for status, body := range bodies {
		described[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status),
			Content: map[string]*huma.MediaType{"application/json": {Schema: d.schema(body)}}}
	}
	return described
}

func (d *door) schema(value any) *huma.Schema {
	return d.api.OpenAPI().Components.Schemas.Schema(reflect.TypeOf(value), true, "")
}

func read(pattern string) rest.Route {
	return rest.Route{Method: http.MethodGet, Pattern: pattern, Need: access.Reader}
}

// readFile is [read] for a file, to which a link may lead.
func readFile(pattern string) rest.Route {
	route := read(pattern)
	route.ByLink = true
	return route
}

// ByLink is the query of a file to which a link leads.
type ByLink struct {
	Project string `query:"project" doc:"the project, for links, which send no header; a header wins"`
}

func change(method, pattern, action string) rest.Route {
	return rest.Route{Method: method, Pattern: pattern, Need: access.Writer, Action: action}
}

// asked says who asks for an operation.
func asked(ctx context.Context, key string) operation.Asked {
	caller := rest.CallerOf(ctx)
	return operation.Asked{Project: caller.Project, By: caller.Subject, Key: key}
}
