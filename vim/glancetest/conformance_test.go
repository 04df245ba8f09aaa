package glancetest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// TestConformance sends one table of exchanges to the cloud of this package and
// to a real one, so that neither the table nor the imitation can be wrong for
// long.
func TestConformance(t *testing.T) {
	t.Run("in process", func(t *testing.T) {
		server := glancetest.New(glancetest.Options{
			Regions: []glancetest.Region{{Name: "RegionOne", Content: glancetest.InMemory}, {Name: "RegionTwo"}},
		})
		t.Cleanup(server.Close)
		conform(t, server.CloudsYAML())
	})
	t.Run("real", func(t *testing.T) {
		path := os.Getenv("GANGWAY_TEST_CLOUDS")
		if path == "" {
			const how = `no real OpenStack: start one with ".ci/openstack up" and set GANGWAY_TEST_CLOUDS to the clouds.yaml that it prints`
			if os.Getenv("CI") == "true" {
				t.Fatal(how)
			}
			t.Skip("SKIPPED: " + how)
		}
		clouds, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		conform(t, clouds)
	})
}

// A scenario is a row of the table: exchanges in order, on images of its own.
//
// In everything that a step says, {A} to {D} stand for image IDs and {N} for a
// name or tag that nobody else uses, {project}, {user} and {token} for those of
// nfvo, and what an earlier step saved for itself.
type scenario struct {
	name  string
	steps []step
}

// A step is one exchange: a request and what must come back.
type step struct {
	as     string // cloud of clouds.yaml, or "nobody" for no token; region-one if empty
	send   string // method and path; of Keystone when the path begins with /v3
	body   string
	header map[string]string

	status  int               // of the answer
	text    string            // within the answer's body
	fields  map[string]any    // of the answer's body, by path with dots
	ids     []string          // of the images in the answer, in order
	headers map[string]string // of the answer
	save    map[string]string // names for values of the answer's body, by path

	// await repeats the request until status and fields are right.
	await bool
	// hold sends half of the body, in chunks, or with sized under a
	// Content-Length, and the scenario goes on meanwhile. A step with finish
	// has the answer to it after its other half, one with cut breaks the
	// connection.
	hold, sized, finish, cut bool
}

func conform(t *testing.T, clouds []byte) {
	tenants := login(t, clouds)
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			r := newRun(t, tenants)
			for i, st := range sc.steps {
				r.step(i+1, st)
			}
		})
	}
}

// A tenant is somebody who is logged in to a region.
type tenant struct {
	auth, glance, token, project, user string
}

// login logs in to every cloud of a clouds.yaml.
func login(t *testing.T, clouds []byte) map[string]tenant {
	t.Helper()
	var file struct {
		Clouds map[string]struct {
			Auth struct {
				URL      string `yaml:"auth_url"`
				Username string
				Password string
				Project  string `yaml:"project_name"`
			}
			Region string `yaml:"region_name"`
		}
	}
	if err := yaml.Unmarshal(clouds, &file); err != nil {
		t.Fatal(err)
	}
	tenants := make(map[string]tenant)
	for name, c := range file.Clouds {
		body := fmt.Sprintf(passwordLogin, c.Auth.Username, c.Auth.Password, c.Auth.Project)
		req, err := http.NewRequestWithContext(t.Context(), "POST", c.Auth.URL+"/auth/tokens", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("cloud %s: %v", name, err)
		}
		defer resp.Body.Close()
		var answer struct {
			Token struct {
				Project, User struct{ ID string }
				Catalog       []struct {
					Type      string
					Endpoints []struct{ Region, Interface, URL string }
				}
			}
		}
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusCreated {
			t.Fatalf("cloud %s: login: %s, %v", name, resp.Status, err)
		}
		who := tenant{
			auth: strings.TrimSuffix(c.Auth.URL, "/v3"), token: resp.Header.Get("X-Subject-Token"),
			project: answer.Token.Project.ID, user: answer.Token.User.ID,
		}
		for _, service := range answer.Token.Catalog {
			for _, e := range service.Endpoints {
				if service.Type == "image" && e.Region == c.Region && e.Interface == "public" {
					who.glance = e.URL
				}
			}
		}
		if who.glance == "" {
			t.Fatalf("cloud %s: no image service of region %s in the catalogue", name, c.Region)
		}
		tenants[name] = who
	}
	return tenants
}

// passwordLogin is a request for a token, of user, password and project.
const passwordLogin = `{"auth": {"identity": {"methods": ["password"], "password": {"user":
	{"name": %q, "password": %q, "domain": {"id": "default"}}}},
	"scope": {"project": {"name": %q, "domain": {"id": "default"}}}}}`
