package api_test

import (
	"bytes"
	"context"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/operation"
	"github.com/gangway-nfv/gangway/onboarding/rest"
	"github.com/gangway-nfv/gangway/onboarding/rest/api"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// fixture is a server with the API's door, and an OpenStack of two regions.
type fixture struct {
	*resttest.Server
	cloud  *glancetest.Server
	tokens *access.Tokens
}

// start starts a server whose requests are those of red's writer unless they name
// another token.
func start(t *testing.T) *fixture {
	t.Helper()
	return startWith(t, 20<<20)
}

// startWith starts one whose projects may take so many bytes.
func startWith(t *testing.T, projectBytes int64) *fixture {
	t.Helper()
	f := &fixture{cloud: resttest.Clouds(t, glancetest.Options{Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "RegionTwo", HashAlgorithm: "sha256"}}})}
	f.Server = resttest.New(t, resttest.Config{
		Packages: vnfpkg.Config{Keep: true, Followers: 2,
			Limits: vnfpkg.Limits{PackageSize: 4 << 20, ProjectBytes: projectBytes, ProjectPackages: 20, ProjectUploads: 20}},
		Operations: operation.Config{ProjectLaunches: 2, MaxImage: 1 << 20},
	})
	f.Header = []string{"X-Auth-Token: red-writer"}
	f.tokens = access.NewTokens(f.Records.Tokens(), access.Config{})
	logins := gate{access.NewGate(f.tokens, access.Config{})}
	door, err := api.New(api.Config{Tokens: f.tokens, Pipeline: f.Pipeline, Operations: f.Operations, Queue: f.Queue, VIMs: f.VIMs, Packages: f.Packages,
		Logins: logins, Projects: f.Records, MaxImage: 1 << 20, Version: "1.2.3"})
	resttest.NoError(t, err)
	resttest.NoError(t, f.Serve(rest.Options{Gate: logins}, door))
	return f
}

// gate also takes tokens and logins of gangway's own.
type gate struct{ *access.Gate }

// Authenticate implements [rest.Gate].
func (g gate) Authenticate(ctx context.Context, token string, from netip.Addr) (access.Identity, error) {
	switch {
	case strings.HasPrefix(token, "gw_"):
		return g.Gate.Authenticate(ctx, token, from)
	case strings.HasPrefix(token, "issued "): // by somebody whose tokens can be anything
		return access.Identity{Subject: "issued", Grants: map[string]access.Role{"red": access.Writer}}, nil
	}
	return resttest.Gate{}.Authenticate(ctx, token, from)
}

// told says what was audited, as action, target and outcome.
func told(events []access.Event) (told []string) {
	for _, e := range events {
		told = append(told, e.Action+" "+e.Target+" "+string(e.Outcome))
	}
	return told
}

// disk is the content of an image.
func disk(t *testing.T, seed uint64) []byte {
	t.Helper()
	image := onboardingtest.QCOW2(384<<10, 1<<20, seed)
	content := make([]byte, image.Size())
	_, err := image.ReadAt(content, 0)
	resttest.NoError(t, err)
	return content
}

// stored counts the files of images, whole or not.
func (f *fixture) stored(t *testing.T) int {
	t.Helper()
	n := 0
	resttest.NoError(t, filepath.WalkDir(filepath.Join(f.Home, "images"), func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !strings.HasSuffix(entry.Name(), ".lock") {
			n++
		}
		return err
	}))
	return n
}

// onboard takes in a package of red with the images.
func (f *fixture) onboard(t *testing.T, name string, images ...onboardingtest.SoftwareImage) string {
	t.Helper()
	var archive bytes.Buffer
	_, err := archive.Write(onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(onboardingtest.Spec{Name: name, Images: images})))
	resttest.NoError(t, err)
	report, err := f.Pipeline.Onboard(t.Context(), onboarding.StreamSource(name, &archive), onboarding.Options{Project: "red"})
	resttest.NoError(t, err)
	if report.Status != onboarding.Onboarded {
		t.Fatalf("%s: %+v", name, report)
	}
	return report.Package.ID
}
