package etsi_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/rest/etsi"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

// shapes are the paths of both interfaces with the methods that they have.
func shapes() map[string]string {
	all := map[string]string{}
	for _, major := range []string{"v1", "v2"} {
		for api, writes := range map[string]bool{"sol005": true, "sol003": false} {
			root := "/" + api + "/vnfpkgm/" + major
			written := func(methods string) string {
				if !writes {
					return "GET HEAD"
				}
				return methods
			}
			all[root+"/api_versions"], all[root+"/api_version"] = "GET HEAD", "GET HEAD"
			all[root+"/vnf_packages"] = written("GET HEAD POST")
			all[root+"/subscriptions"] = "GET HEAD POST"
			all[root+"/subscriptions/none"] = "DELETE GET HEAD"
			collections := []string{"/vnf_packages"}
			if !writes {
				collections = append(collections, "/onboarded_vnf_packages")
				all[root+"/onboarded_vnf_packages"] = "GET HEAD"
			}
			for _, collection := range collections {
				one := root + collection + "/none"
				all[one] = written("DELETE GET HEAD PATCH")
				all[one+"/package_content"] = written("GET HEAD PUT")
				all[one+"/vnfd"] = "GET HEAD"
				all[one+"/manifest"] = "GET HEAD"
				all[one+"/artifacts"] = "GET HEAD"
				all[one+"/artifacts/a/b/c.txt"] = "GET HEAD"
			}
			if writes {
				all[root+"/vnf_packages/none/package_content/upload_from_uri"] = "POST"
			}
		}
	}
	for _, api := range []string{"sol005", "sol003"} {
		all["/"+api+"/vnfpkgm/api_versions"], all["/"+api+"/vnfpkgm/api_version"] = "GET HEAD", "GET HEAD"
	}
	return all
}

func TestMethodsAreJudgedByThePathAlone(t *testing.T) {
	s := start(t, options{idle: true})
	for path, methods := range shapes() {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			t.Run(method+" "+path, func(t *testing.T) {
				a := s.Do(t, method, path, nil)
				if slices.Contains(strings.Fields(methods), method) {
					if a.StatusCode == http.StatusMethodNotAllowed {
						t.Errorf("got 405, Allow %s", a.Header.Get("Allow"))
					}
					return
				}
				a.Want(t, http.StatusMethodNotAllowed)
				if got := a.Header.Get("Allow"); got != strings.ReplaceAll(methods, " ", ", ") {
					t.Errorf("Allow is %s, want %s", got, methods)
				}
			})
		}
	}
}

func TestWhoMayUseThePaths(t *testing.T) {
	s := start(t, options{idle: true})
	for path, methods := range shapes() {
		for _, method := range strings.Fields(methods) {
			if method == "HEAD" {
				continue // has no body
			}
			t.Run(method+" "+path, func(t *testing.T) {
				s.Do(t, method, path, nil, "Authorization: ").Want(t, http.StatusUnauthorized)
				s.Do(t, method, path, nil, "Authorization: Bear p-writer").Want(t, http.StatusBadRequest)
				s.Do(t, method, path, nil, "Authorization: Bearer nobody").Want(t, http.StatusUnauthorized)
				reader := s.Do(t, method, path, nil, "Authorization: ", "X-Auth-Token: p-reader")
				if forbidden := reader.StatusCode == http.StatusForbidden; forbidden != (method != "GET") {
					t.Errorf("a reader got %d", reader.StatusCode)
				}
				if method == "GET" && !strings.Contains(path, "/api_version") {
					s.Do(t, method, path, nil, "Project-Id: other").Want(t, http.StatusNotFound)
				}
			})
		}
	}
	s.Do(t, "PUT", base+"/vnf_packages", nil, "Authorization: ").Want(t, http.StatusUnauthorized)
}

func TestPathsThatAreNotThere(t *testing.T) {
	s := start(t, options{idle: true})
	for _, path := range []string{
		base + "/vnf_package", base + "/subscription", base + "/onboarded_vnf_packages", base + "/onboarded_vnf_packages/x", base + "/vnf_packages/x/content",
		read + "/onboarded_vnf_package", read + "/vnf_packages/x/package_content/upload_from_uri", read + "/subscription",
		"/sol005/vnfpkgm/v3/vnf_packages", "/sol005/vnfpkgm", "/sol002/vnfpkgm/v1/vnf_packages", base + "/vnf_packages/erroneousPkgId",
	} {
		t.Run(path, func(t *testing.T) { s.Do(t, "GET", path, nil).Want(t, http.StatusNotFound) })
	}
}

func TestRootsAndVersions(t *testing.T) {
	s := start(t, options{idle: true})
	id := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "POST", "/sol005/vnfpkgm/v2/vnf_packages", nil).Want(t, 201)).ID
	for root, version := range map[string]string{
		"/sol005/vnfpkgm/v1": "1.2.0", "/sol005/vnfpkgm/v2": "2.0.0", "/sol003/vnfpkgm/v1": "1.2.0", "/sol003/vnfpkgm/v2": "2.0.0",
		"//sol005//vnfpkgm/v1": "1.2.0", // a root that ends with a slash
	} {
		t.Run(root, func(t *testing.T) {
			a := s.Do(t, "GET", root+"/vnf_packages/"+id, nil, "Version: 1.0.0").Want(t, 200)
			if got := a.Header.Get("Version"); got != version {
				t.Errorf("the version is %s, want %s", got, version)
			}
			clean := "/" + strings.Join(strings.FieldsFunc(root, func(r rune) bool { return r == '/' }), "/")
			if got, want := resttest.Into[etsi.VnfPkgInfo](t, a).Links.Self.Href, s.URL+clean+"/vnf_packages/"+id; got != want {
				t.Errorf("it links to %s, want %s", got, want)
			}
			type version struct{ Version string }
			var told struct {
				Prefix   string    `json:"uriPrefix"`
				Versions []version `json:"apiVersions"`
			}
			s.Do(t, "GET", root+"/api_versions", nil).Want(t, 200).Decode(t, &told)
			if diff := cmp.Diff([]version{{a.Header.Get("Version")}}, told.Versions); diff != "" || told.Prefix != s.URL+clean {
				t.Errorf("of %s (-want +got):\n%s", told.Prefix, diff)
			}
			above := clean[:strings.LastIndexByte(clean, '/')]
			s.Do(t, "GET", above+"/api_versions", nil).Want(t, 200).Decode(t, &told)
			if diff := cmp.Diff([]version{{"1.2.0"}, {"2.0.0"}}, told.Versions); diff != "" || told.Prefix != s.URL+above {
				t.Errorf("of %s (-want +got):\n%s", told.Prefix, diff)
			}
		})
	}
}

func TestOnboardedPackages(t *testing.T) {
	s := start(t, options{})
	one := s.onboard(t, small("1.0"))
	s.onboard(t, firewall("1.0"))
	created := s.create(t)
	id := created[strings.LastIndexByte(created, '/')+1:]
	list := resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", read+"/onboarded_vnf_packages?all_fields", nil).Want(t, 200))
	if len(list) != 2 || list[0].ID != one.ID || list[0].AdditionalArtifacts == nil {
		t.Errorf("got %+v", list)
	}
	if got := resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", read+"/onboarded_vnf_packages?filter=(eq,vnfdId,small-1.0)", nil)); len(got) != 1 || got[0].SoftwareImages != nil {
		t.Errorf("got %+v", got)
	}
	s.Do(t, "GET", read+"/onboarded_vnf_packages?filter=(eq,nfvId,small-1.0)", nil).Want(t, 400)
	if got := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "GET", read+"/onboarded_vnf_packages/small-1.0", nil).Want(t, 200)); got.ID != one.ID {
		t.Errorf("got %+v", got)
	}
	if got := resttest.Into[[]etsi.VnfPkgInfo](t, s.Do(t, "GET", read+"/vnf_packages", nil).Want(t, 200)); len(got) != 3 {
		t.Errorf("got %d packages, want all", len(got))
	}
	for _, path := range []string{"", "/package_content", "/vnfd", "/artifacts/ChangeLog.txt", "/artifacts", "/manifest"} {
		unknown := fmt.Sprintf("%s/onboarded_vnf_packages/%s%s", read, "unknown", path)
		s.Do(t, "GET", unknown, nil, "Accept: */*").Want(t, 404)
		s.Do(t, "GET", read+"/onboarded_vnf_packages/"+one.ID+path, nil, "Accept: */*").Want(t, 404)
		want := 409
		if path == "" {
			want = 404
		}
		s.Do(t, "GET", read+"/onboarded_vnf_packages/"+id+path, nil, "Accept: */*").Want(t, want)
		if path != "" {
			s.Do(t, "GET", read+"/vnf_packages/"+id+path, nil, "Accept: */*").Want(t, 409)
		}
	}
}
