package api_test

import (
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/rest/api"
)

func TestTheDocumentHasEveryRoute(t *testing.T) {
	f := start(t)
	got := f.do(t, "GET", "/openapi.json", nil, "X-Auth-Token: ").want(t, 200)
	document := into[struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID, Summary, Description string
			Tags                              []string
			Responses                         map[string]any
			Security                          []map[string][]string
		}
		Components struct{ Schemas, SecuritySchemes map[string]any }
	}](t, got)
	if document.OpenAPI != "3.1.0" || got.Header.Get("Content-Type") != "application/openapi+json" || document.Components.SecuritySchemes["token"] == nil {
		t.Errorf("document of OpenAPI %s, %s", document.OpenAPI, got.Header.Get("Content-Type"))
	}
	door, err := api.New(api.Config{})
	noError(t, err)
	ids := make(map[string]bool)
	for _, route := range door.Routes {
		if route.Pattern == "/openapi.json" {
			continue
		}
		op, found := document.Paths[route.Pattern][strings.ToLower(route.Method)]
		if !found || op.OperationID == "" || ids[op.OperationID] || op.Summary == "" || len(op.Tags) != 1 || len(op.Security) == 0 ||
			!strings.Contains(op.Description, "role "+string(route.Need)) || op.Responses["401"] == nil {
			t.Errorf("%s %s is described as %+v", route.Method, route.Pattern, op)
		}
		ids[op.OperationID] = true
	}
}
