package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/fetch/origintest"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

var shellBlock = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// The examples of docs/etsi.md are run as they stand there; OpenStack's client has
// a test of its own.
func TestTheExamplesOfTheETSIInterfaces(t *testing.T) {
	for _, tool := range []string{"bash", "curl"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip("the examples need ", tool)
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "etsi.md"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	firewall := onboardingtest.SOL004(onboardingtest.Spec{Name: "firewall"})
	if err := onboardingtest.WriteFile(filepath.Join(folder, "firewall.csar"), onboardingtest.Zip, firewall); err != nil {
		t.Fatal(err)
	}
	s := startServe(t, filepath.Join(folder, "home"))
	var script strings.Builder
	for _, example := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(example[1], "openstack ") {
			script.WriteString(strings.ReplaceAll(example[1], "http://127.0.0.1:8080", s.URL))
		}
	}
	run := exec.CommandContext(t.Context(), "bash", "-euxo", "pipefail", "-c", script.String())
	run.Dir = folder
	run.Env = append(os.Environ(), "TOKEN="+s.admin(t))
	out, err := run.CombinedOutput()
	if err != nil || !strings.Contains(string(out), `"vnfProductName":"firewall"`) && !strings.Contains(string(out), "PROCESSING") {
		t.Fatalf("%v:\n%s", err, out)
	}
}

// The examples of docs/api.md are run as they stand there, one after the other.
func TestTheExamplesOfTheAPI(t *testing.T) {
	for _, tool := range []string{"bash", "curl", "openssl"} {
		if _, err := exec.LookPath(tool); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatal(err)
			}
			t.Skip("the examples need ", tool)
		}
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "api.md"))
	if err != nil {
		t.Fatal(err)
	}
	var script strings.Builder
	for _, example := range shellBlock.FindAllStringSubmatch(string(text), -1) {
		script.WriteString(example[1])
	}

	cloud := glancetest.New(glancetest.Options{Regions: []glancetest.Region{{Name: "RegionOne"}, {Name: "RegionTwo"}}})
	t.Cleanup(cloud.Close)
	origin := origintest.New()
	t.Cleanup(origin.Close)
	folder := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	disk := func(seed uint64) onboardingtest.Image { return onboardingtest.QCOW2(384<<10, 1<<20, seed) }
	bytesOf := func(image onboardingtest.Image) []byte {
		content := make([]byte, image.Size())
		if _, err := image.ReadAt(content, 0); err != nil {
			t.Fatal(err)
		}
		return content
	}
	spec := func(name string, seed uint64) onboardingtest.Spec {
		return onboardingtest.Spec{Name: name, Vendor: "acme", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed(name+"-image", disk(seed))}}
	}
	write("clouds.yaml", cloud.CloudsYAML())
	write("firewall.tar", onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.OpenBatonTar(spec("firewall", 1))))
	write("router.csar", onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.SOL004(spec("router", 2))))
	write("edge.csar", onboardingtest.Bytes(onboardingtest.Zip, onboardingtest.SOL004(spec("edge", 5))))
	write("cirros.qcow2", bytesOf(disk(3)))
	origin.Serve("/tiny.qcow2", origintest.Plain(bytesOf(disk(4))))
	t.Setenv("OS_CLIENT_CONFIG_FILE", filepath.Join(folder, "clouds.yaml"))

	s := startServe(t, filepath.Join(folder, "home"), "--allow-source", "127.0.0.1")
	run := exec.CommandContext(t.Context(), "bash", "-euxo", "pipefail", "-c", script.String())
	run.Dir = folder
	run.Env = append(os.Environ(), "API="+s.URL+"/api/v1", "TOKEN="+s.admin(t), "ORIGIN="+origin.URL)
	out, err := run.CombinedOutput()
	if err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for _, part := range []string{`"status":"onboarded"`, "event: state", `"state":"succeeded"`, `"action":"uploaded"`, `"vimAssets"`, `"presence":"absent"`, `"source":"edge.csar"`, `"problems":[]`, `"status":"valid"`} {
		if !strings.Contains(string(out), part) {
			t.Errorf("nothing answered %s:\n%s", part, out)
		}
	}
	for name, size := range map[string]int64{"copy.tar": -1, "head.bin": 1024} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil || size >= 0 && info.Size() != size {
			t.Errorf("%s is %v, %v", name, info, err)
		}
	}
}
