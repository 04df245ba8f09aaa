package etsi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/etsi"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// openstack is OpenStack's own client (python3-openstackclient with
// python3-tackerclient), pointed at a server.
type openstack struct {
	path   string
	server string
	folder string
}

func newOpenstack(t *testing.T, s *server) openstack {
	t.Helper()
	// Debian's, which other installations of Python may hide.
	path := "/usr/bin/openstack"
	if err := exec.CommandContext(t.Context(), path, "vnf", "package", "list", "--help").Run(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("python3-openstackclient and python3-tackerclient are not installed: %v", err)
		}
		t.Skip("python3-openstackclient and python3-tackerclient are not installed")
	}
	return openstack{path, s.URL + "/sol005", t.TempDir()}
}

// run runs one command on packages and returns what it prints.
func (o openstack) run(t *testing.T, command string, args ...string) string {
	t.Helper()
	out, err := o.try(t, command, args...)
	if err != nil {
		t.Fatalf("openstack vnf package %s %q: %v\n%s", command, args, err, out)
	}
	return out
}

func (o openstack) try(t *testing.T, command string, args ...string) (string, error) {
	t.Helper()
	all := []string{"--os-auth-type", "admin_token", "--os-endpoint", o.server, "--os-token", "p-writer", "vnf", "package"}
	cmd := exec.CommandContext(t.Context(), o.path, append(append(all, strings.Fields(command)...), args...)...)
	cmd.Dir = o.folder
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + o.folder, "LANG=C.UTF-8", "NO_PROXY=127.0.0.1"}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		return stdout.String() + stderr.String(), err
	}
	return stdout.String(), nil
}

// show runs a command that prints JSON.
func (o openstack) show(t *testing.T, value any, command string, args ...string) {
	t.Helper()
	out := o.run(t, command, append(args, "-f", "json")...)
	if err := json.Unmarshal([]byte(out), value); err != nil {
		t.Fatalf("openstack vnf package %s %q: %v\n%s", command, args, err, out)
	}
}

func TestTheClientOfOpenStack(t *testing.T) {
	s := start(t, options{pageSize: 2})
	o := newOpenstack(t, s)
	archive := onboardingtest.Bytes(onboardingtest.Zip, firewall("1.0"))
	local := filepath.Join(o.folder, "firewall.csar")
	if err := os.WriteFile(local, archive, 0o600); err != nil {
		t.Fatal(err)
	}
	type fields map[string]any

	var created fields
	o.show(t, &created, "create", "--user-data", "owner=ops")
	want := fields{
		"ID": created["ID"], "Onboarding State": "CREATED", "Operational State": "DISABLED", "Usage State": "NOT_IN_USE",
		"User Defined Data": map[string]any{"owner": "ops"}, "Links": created["Links"],
	}
	if diff := cmp.Diff(want, created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	id, _ := created["ID"].(string)

	out := o.run(t, "upload", "--path", local, id)
	if !strings.Contains(out, "Upload request for VNF package "+id+" has been accepted.") {
		t.Errorf("upload: %s", out)
	}
	s.processed(t, base+"/vnf_packages/"+id)
	if out, err := o.try(t, "upload", "--path", local, id); err == nil {
		t.Errorf("a second upload: %s", out)
	}

	var shown fields
	o.show(t, &shown, "show", id)
	facts := fields{
		"ID": id, "Onboarding State": "ONBOARDED", "Operational State": "ENABLED", "VNF Product Name": "firewall", "VNF Provider": "Acme",
		"VNF Software Version": "1.0", "VNFD Version": "1.0", "Checksum": map[string]any{"algorithm": "SHA-256", "hash": sha256Hex(archive)},
	}
	for name, want := range facts {
		if diff := cmp.Diff(want, shown[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if images, _ := shown["Software Images"].([]any); len(images) != 2 {
		t.Errorf("it has the images %v", shown["Software Images"])
	}

	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "user" || password != "pass" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(onboardingtest.Bytes(onboardingtest.Zip, small("1.0"))))
	}))
	defer origin.Close()
	smallID, thirdID := resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "POST", base+"/vnf_packages", nil)).ID, resttest.Into[etsi.VnfPkgInfo](t, s.Do(t, "POST", base+"/vnf_packages", nil)).ID
	o.run(t, "upload", "--url", origin.URL+"/small.csar", "--user-name", "user", "--password", "pass", smallID)
	if info := s.processed(t, base+"/vnf_packages/"+smallID); info.OnboardingState != vnfpkg.Onboarded {
		t.Fatalf("got %+v", info)
	}

	for _, tt := range []struct {
		args []string
		want []string // IDs
		has  string   // a column
	}{
		{nil, []string{id, smallID, thirdID}, "Vnf Product Name"}, // two pages
		{[]string{"--filter", "(eq,onboardingState,ONBOARDED);(neq,vnfProductName,small)"}, []string{id}, ""},
		{[]string{"--filter", "(cont,softwareImages/name,fw-)", "--exclude_default", "--fields", "softwareImages"}, []string{id}, "Software Images"},
		{[]string{"--all_fields"}, []string{id, smallID, thirdID}, "Checksum"},
		{[]string{"--exclude_fields", "checksum"}, []string{id, smallID, thirdID}, "User Defined Data"},
	} {
		var list []fields
		o.show(t, &list, "list", tt.args...)
		var got []string
		for _, row := range list {
			one, _ := row["Id"].(string)
			if got = append(got, one); tt.has != "" && one == id && (row[tt.has] == nil || row[tt.has] == "") {
				t.Errorf("list %q does not show %s: %v", tt.args, tt.has, row)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("list %q (-want +got):\n%s", tt.args, diff)
		}
	}
	if out, err := o.try(t, "list", "--filter", "(eq,colour,red)"); err == nil || !strings.Contains(out, "colour") {
		t.Errorf("a filter that is refused: %v\n%s", err, out)
	}

	file := func(name string) []byte {
		t.Helper()
		content, err := os.ReadFile(filepath.Join(o.folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	o.run(t, "download", "--file", "package.zip", id)
	if !bytes.Equal(file("package.zip"), archive) {
		t.Error("the downloaded package is another")
	}
	o.run(t, "download", "--vnfd", "--type", "text/plain", "--file", "vnfd.yaml", smallID)
	if diff := cmp.Diff(vnfdText("1.0"), string(file("vnfd.yaml"))); diff != "" {
		t.Errorf("VNFD (-want +got):\n%s", diff)
	}
	o.run(t, "download", "--vnfd", "--type", "application/zip", "--file", "vnfd.zip", smallID)
	o.run(t, "download", "--vnfd", "--type", "both", "--file", "both", id)
	for _, name := range []string{"vnfd.zip", "both"} {
		if files := unzip(t, string(file(name))); len(files) < 2 {
			t.Errorf("%s has %v", name, files)
		}
	}
	if out, err := o.try(t, "download", "--vnfd", "--type", "text/plain", "--file", "none", id); err == nil {
		t.Errorf("a VNFD of two files as text: %s", out)
	}
	// The client takes every artifact for text, so that only text survives it.
	o.run(t, "artifact download", id, "Scripts/start.sh", "--file", "artifact")
	if diff := cmp.Diff("#!/bin/sh\necho hello\n", string(file("artifact"))); diff != "" {
		t.Errorf("artifact (-want +got):\n%s", diff)
	}

	if out, err := o.try(t, "delete", id); err == nil {
		t.Errorf("an enabled package was deleted: %s", out)
	}
	var updated fields
	o.show(t, &updated, "update", "--operational-state", "DISABLED", "--user-data", "owner=dev", id)
	if diff := cmp.Diff(fields{"Operational State": "DISABLED", "User Defined Data": map[string]any{"owner": "dev"}}, updated); diff != "" {
		t.Errorf("updated (-want +got):\n%s", diff)
	}
	if out := o.run(t, "delete", id, thirdID); !strings.Contains(out, "deleted successfully") {
		t.Errorf("delete: %s", out)
	}
	if out, err := o.try(t, "show", id); err == nil {
		t.Errorf("a deleted package is shown: %s", out)
	}
}
