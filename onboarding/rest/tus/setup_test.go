package tus_test

import (
	"crypto/sha1"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/rest/tus"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

const (
	limit  = 8 << 20 // bytes of a package
	octets = "Content-Type: application/offset+octet-stream"
)

// fixture is a server with the door alone.
type fixture struct{ *resttest.Server }

func start(t *testing.T) fixture {
	t.Helper()
	f := fixture{resttest.New(t, resttest.Config{Packages: vnfpkg.Config{Keep: true, Limits: vnfpkg.Limits{PackageSize: limit}, Expiry: time.Hour}})}
	f.Header = []string{"Authorization: Bearer red-writer", "Tus-Resumable: 1.0.0"}
	f.Check = func(t testing.TB, a resttest.Answer) {
		resttest.Problem(t, a)
		if a.Request.Method != http.MethodOptions || a.StatusCode < 300 {
			field(t, a.Response, "Tus-Resumable", "1.0.0")
		}
	}
	resttest.NoError(t, f.Serve(rest.Options{}, tus.New(tus.Config{Packages: f.Packages, Queue: f.Queue})))
	return f
}

// archive is a package of a name with an image of 384 KiB.
func archive(name string) []byte {
	image := onboardingtest.Embed("disk-"+name, onboardingtest.QCOW2(384<<10, 1<<20, 7))
	return onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: name, Images: []onboardingtest.SoftwareImage{image}}))
}

// do sends a request for red's writer and checks the status.
func (f fixture) do(t *testing.T, status int, method, at string, body []byte, header ...string) *http.Response {
	t.Helper()
	if body == nil {
		return f.Do(t, method, at, nil, header...).Want(t, status).Response
	}
	return f.Do(t, method, at, body, append([]string{octets}, header...)...).Want(t, status).Response
}

// field checks one field of the header.
func field(t testing.TB, resp *http.Response, name, want string) {
	t.Helper()
	if got := resp.Header.Get(name); got != want {
		t.Errorf("%s %s: %s is %q, want %q", resp.Request.Method, resp.Request.URL.Path, name, got, want)
	}
}

func checksum(content []byte) string {
	sum := sha1.Sum(content)
	return "Upload-Checksum: sha1 " + base64.StdEncoding.EncodeToString(sum[:])
}

func pair(key, value string) string {
	return key + " " + base64.StdEncoding.EncodeToString([]byte(value))
}
