package openbaton_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

// The examples of the documentation are run as they stand there.
func TestTheExamplesOfTheDocumentation(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "sed", "cmp"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip("the examples need ", tool)
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "openbaton.md"))
	resttest.NoError(t, err)
	var script strings.Builder
	for _, example := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		script.WriteString(example[1])
	}
	f, folder := start(t), t.TempDir()
	resttest.NoError(t, os.WriteFile(filepath.Join(folder, "firewall.tar"), tarOf(spec("firewall", 1)), 0o600))
	resttest.NoError(t, onboardingtest.WriteFile(filepath.Join(folder, "router.csar"), onboardingtest.Zip, onboardingtest.OpenBatonCSAR(spec("router", 2))))
	resttest.NoError(t, os.WriteFile(filepath.Join(folder, "cirros.qcow2"), disk(t, 3), 0o600))

	run := exec.CommandContext(t.Context(), "sh", "-euxc", script.String())
	run.Dir = folder
	run.Env = append(os.Environ(), "NFVO="+f.URL, "NAME=ci", "PASSWORD="+f.writer)
	if out, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	if packages := f.named(t, "/api/v1/vnf-packages"); len(packages) != 1 || packages["firewall"] == "" {
		t.Errorf("packages %v are left", packages)
	}
	if images := f.named(t, "/api/v1/nfvimage"); len(images) != 1 || images["firewall-image"] == "" {
		t.Errorf("images %v are left", images)
	}
}
