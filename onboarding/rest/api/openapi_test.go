package api_test

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/api"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/rest/tus"
)

func TestTheDocumentHasEveryRoute(t *testing.T) {
	f := start(t)
	got := f.Do(t, "GET", "/openapi.json", nil, "X-Auth-Token: ").Want(t, 200)
	document := resttest.Into[struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID, Summary, Description string
			Tags                              []string
			Responses                         map[string]any
			Parameters                        []struct{ Name string }
			Security                          []map[string][]string
		}
		Components struct{ Schemas, SecuritySchemes map[string]any }
	}](t, got)
	if document.OpenAPI != "3.1.0" || got.Header.Get("Content-Type") != "application/openapi+json" || document.Components.SecuritySchemes["token"] == nil {
		t.Errorf("document of OpenAPI %s, %s", document.OpenAPI, got.Header.Get("Content-Type"))
	}
	door, err := api.New(api.Config{})
	resttest.NoError(t, err)
	ids := make(map[string]bool)
	operations := 0
	for _, operation := range document.Paths {
		operations += len(operation)
	}
	routes := append(door.Routes, tus.New(tus.Config{}).Routes...)
	if len(routes) != operations+1 { // /openapi.json is not in it
		t.Errorf("the document has %d operations, and there are %d routes", operations, len(routes))
	}
	needs := map[access.Role]string{rest.Public: "no token", rest.Known: "whatever its role"}
	for _, route := range routes {
		if route.Pattern == "/openapi.json" {
			continue
		}
		op, found := document.Paths[strings.Replace(route.Pattern, "...}", "}", 1)][strings.ToLower(route.Method)]
		if !found || op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Tags) != 1 || (len(op.Security) == 0) != (route.Need == rest.Public) ||
			!strings.Contains(op.Description, cmp.Or(needs[route.Need], "role "+string(route.Need))) || op.Responses["401"] == nil {
			t.Errorf("%s %s is described as %+v", route.Method, route.Pattern, op)
		}
		ids[op.OperationID] = true
		if version := slices.ContainsFunc(op.Parameters, func(p struct{ Name string }) bool { return p.Name == "Tus-Resumable" }); version !=
			(route.Method != "OPTIONS" && strings.HasPrefix(route.Pattern, "/api/v1/uploads")) {
			t.Errorf("%s %s has parameters %+v", route.Method, route.Pattern, op.Parameters)
		}
	}
}
