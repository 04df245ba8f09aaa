package etsi

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/etsi/sol013"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Images looks images up by their IDs.
type Images interface {
	Image(ctx context.Context, id string) (imagerepo.Image, error)
}

// Config is what the doors translate to.
type Config struct {
	Packages      *vnfpkg.Service
	Images        Images
	Subscriptions *notify.Service
	// PageSize is how many resources a list shows at once; zero means 100.
	PageSize int
	// Wait is how long a request for what is in a package may wait while that is
	// PROCESSING; zero means ten seconds.
	Wait time.Duration
}

// The names of the doors.
const (
	sol003 = "sol003"
	sol005 = "sol005"
)

// Doors returns both doors.
func Doors(config Config) []rest.Door {
	config.PageSize, config.Wait = cmp.Or(config.PageSize, 100), cmp.Or(config.Wait, 10*time.Second)
	info := sol013.TypeOf(reflect.TypeFor[VnfPkgInfo](), "softwareImages", "additionalArtifacts", "userDefinedData", "checksum")
	subscription := sol013.TypeOf(reflect.TypeFor[subscriptionAttributes]())
	var doors []rest.Door
	for _, name := range []string{sol005, sol003} {
		d := &door{Config: config, api: name, info: info, subscription: subscription}
		doors = append(doors, rest.Door{Name: name, Routes: d.routes()})
	}
	return doors
}

// door is one of the two interfaces.
type door struct {
	Config
	api                string
	info, subscription *sol013.Type
}

// majors are the major versions, each with the version that is served under it.
// What they serve is the same.
func majors() []struct{ major, version string } {
	return []struct{ major, version string }{{"v1", "1.2.0"}, {"v2", "2.0.0"}}
}

// versionResources are the names of the resource that tells the versions: that of
// SOL013, and the one by which early editions of ETSI's conformance suites ask.
func versionResources() []string { return []string{"/api_versions", "/api_version"} }

func (d *door) routes() []rest.Route {
	prefix := "/" + d.api + "/vnfpkgm"
	var routes []rest.Route
	for _, name := range versionResources() {
		routes = append(routes, rest.Route{Method: http.MethodGet, Pattern: prefix + name, Need: rest.Known, Handler: d.versions("")})
	}
	for _, v := range majors() {
		add := func(method, path string, need access.Role, action string, handle rest.HandlerFunc) {
			routes = append(routes, rest.Route{
				Method: method, Pattern: prefix + "/" + v.major + path, Need: need, Action: action, Handler: versioned(v.version, handle),
			})
		}
		for _, name := range versionResources() {
			add(http.MethodGet, name, rest.Known, "", d.versions(v.major))
		}

		read := func(path string, handle rest.HandlerFunc) { add(http.MethodGet, path, access.Reader, "", handle) }
		read("/vnf_packages", d.list(false))
		read("/vnf_packages/{id}", d.show(d.byID))
		d.reading(read, "/vnf_packages/{id}", d.byID)
		if d.api == sol003 {
			read("/onboarded_vnf_packages", d.list(true))
			read("/onboarded_vnf_packages/{id}", d.show(d.shownByDescriptor))
			d.reading(read, "/onboarded_vnf_packages/{id}", d.byDescriptor)
		} else {
			const one = "/vnf_packages/{id}"
			add(http.MethodPost, "/vnf_packages", access.Writer, "package.create", d.create)
			add(http.MethodPatch, one, access.Writer, "package.update", d.modify)
			add(http.MethodDelete, one, access.Writer, "package.delete", d.remove)
			add(http.MethodPut, one+"/package_content", access.Writer, "package.upload", d.receive)
			add(http.MethodPost, one+"/package_content/upload_from_uri", access.Writer, "package.fetch", d.uploadFrom)
		}

		read("/subscriptions", d.listSubscriptions)
		read("/subscriptions/{id}", d.showSubscription)
		add(http.MethodPost, "/subscriptions", access.Writer, "subscription.create", d.subscribe)
		add(http.MethodDelete, "/subscriptions/{id}", access.Writer, "subscription.delete", d.unsubscribe)
	}
	return routes
}

// reading adds what can be read in a package, which lookup finds by the {id} of the
// path.
func (d *door) reading(read func(string, rest.HandlerFunc), one string, lookup lookup) {
	lookup = d.settled(lookup)
	read(one+"/package_content", d.content(lookup))
	read(one+"/vnfd", d.vnfd(lookup))
	read(one+"/manifest", d.manifest(lookup))
	read(one+"/artifacts", d.artifacts(lookup))
	read(one+"/artifacts/{path...}", d.artifact(lookup))
}

// versioned tells in every answer which version of the interface it is of (SOL013,
// clause 4.2).
func versioned(version string, handle rest.HandlerFunc) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		w.Header().Set("Version", version)
		return handle(w, r)
	}
}

// knowsNoError reports whether a client asks for version 1 of the interface, which has
// no state ERROR (SOL005 2.6.1, clause 9.5.4.3): to it, a package that was refused is
// CREATED, and can be uploaded again. Who names no version is told of ERROR.
func knowsNoError(r *http.Request) bool { return strings.HasPrefix(r.Header.Get("Version"), "1.") }

// versions tells which versions there are, of one major version if it is not empty
// (SOL013, clause 9.3).
func (d *door) versions(major string) rest.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) error {
		told := apiVersions{Prefix: rest.CallerOf(r.Context()).BaseURL + "/" + d.api + "/vnfpkgm"}
		if major != "" {
			told.Prefix += "/" + major
		}
		for _, v := range majors() {
			if major == "" || major == v.major {
				told.Versions = append(told.Versions, apiVersion{Version: v.version})
			}
		}
		rest.WriteJSON(w, http.StatusOK, told)
		return nil
	}
}

// root is the URL of the interface with its version, as the client reaches it.
func (d *door) root(r *http.Request) string {
	prefix := "/" + d.api + "/vnfpkgm/"
	major, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, prefix), "/")
	return rest.CallerOf(r.Context()).BaseURL + prefix + major
}

// project is the one that a request is about.
func project(r *http.Request) string { return rest.CallerOf(r.Context()).Project }
