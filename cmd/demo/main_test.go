package main

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// programs is the folder of gangway and mkcsar, as built from this tree.
var programs string

func TestMain(m *testing.M) {
	os.Exit(withPrograms(m.Run))
}

func withPrograms(tests func() int) int {
	dir, err := os.MkdirTemp("", "demo-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "../gangway", "../mkcsar")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	programs = dir
	return tests()
}

// alone gives the test an environment that knows no cloud, and a folder for
// temporary files, which it returns.
func alone(t *testing.T) string {
	t.Helper()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	for _, name := range []string{"OS_CLOUD", "OS_CLIENT_CONFIG_FILE", "OS_AUTH_URL"} {
		t.Setenv(name, "")
	}
	return tmp
}

// checkEmpty fails the test unless nothing is left in the folder.
func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	left, err := os.ReadDir(dir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind in the temporary folder: %v, %v", left, err)
	}
}

// stage runs the demo with the programs and returns its exit code and output.
func stage(ctx context.Context, programs string) (int, string, string) {
	var stdout, stderr bytes.Buffer
	code := run(ctx, []string{"-bin", programs}, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestItShowsTheMainJobAndLeavesNothing(t *testing.T) {
	tmp := alone(t)
	code, output, stderr := stage(t.Context(), programs)
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, output, stderr)
	}
	for _, text := range []string{"8 uploads", "(exit code 1)", "$ gangway launch dns --vim region-one --vim region-two\n"} {
		if !strings.Contains(output, text) {
			t.Errorf("the output has no %q:\n%s", text, output)
		}
	}
	checkEmpty(t, tmp)
	servers := regexp.MustCompile(`http://[0-9.:]+`).FindAllString(output, -1)
	if len(servers) < 2 {
		t.Errorf("the output tells of the servers %v", servers)
	}
	for _, url := range servers {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			t.Errorf("%s still answers", url)
		}
	}
}

// impostor writes a program in the place of gangway that does what the shell
// script says; "$real" in it is the true one.
func impostor(t *testing.T, script string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(programs, "mkcsar"), filepath.Join(dir, "mkcsar")); err != nil {
		t.Fatal(err)
	}
	script = "#!/bin/sh\nreal=" + filepath.Join(programs, "gangway") + "\n" + script
	if err := os.WriteFile(filepath.Join(dir, "gangway"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestItFailsLoudlyWhenGangwayDoesNotDoItsJob(t *testing.T) {
	for name, tt := range map[string]struct{ script, want string }{
		"nothing is printed":            {`exit 0`, `gangway onboard .* printed no "gangway/firewall 1.0"`},
		"onboarding ends with an error": {`$real "$@"; exit 1`, `gangway onboard .*: exit code 1 instead of 0`},
		"a taken name is accepted": {`case "$*" in *5-name*) set -- "$@" --on-conflict keep;; esac; exec $real "$@"`,
			`5-name-taken.tar: exit code 0 instead of 1`},
		"a launch only plans": {`case "$1" in launch) set -- "$@" --dry-run;; esac; exec $real "$@"`,
			`image firewall.qcow2 is planned on region-one`},
		"a plan uploads": {`case "$*" in *--dry-run) exec $real launch firewall --vim region-one --vim region-two;; esac; exec $real "$@"`,
			`image firewall.qcow2 is uploaded on region-one`},
		"one VIM is left out": {`case "$1" in launch) exec $real launch firewall --vim region-one;; esac; exec $real "$@"`,
			`told of 1 VDUs instead of 2`},
		"the program cannot be run": {"exit 0", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tmp := alone(t)
			bin := impostor(t, tt.script)
			if tt.want == "" {
				tt.want = "no such file"
				if err := os.Remove(filepath.Join(bin, "gangway")); err != nil {
					t.Fatal(err)
				}
			}
			code, stdout, stderr := stage(t.Context(), bin)
			if code != 1 || !regexp.MustCompile(tt.want).MatchString(stderr) {
				t.Errorf("exit code %d, want 1 and %q\n%s%s", code, tt.want, stdout, stderr)
			}
			checkEmpty(t, tmp)
		})
	}
}

// waiter calls do when the text was written to it.
type waiter struct {
	bytes.Buffer
	text string
	once sync.Once
	do   func()
}

func (w *waiter) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if strings.Contains(w.String(), w.text) {
		w.once.Do(w.do)
	}
	return n, err
}

func TestAnInterruptionLeavesNothing(t *testing.T) {
	for _, at := range []string{"$ mkcsar", "$ gangway onboard", "$ gangway launch probe"} {
		t.Run(at, func(t *testing.T) {
			tmp := alone(t)
			ctx, interrupt := context.WithCancel(t.Context())
			defer interrupt()
			stdout, stderr := &waiter{text: at, do: interrupt}, &bytes.Buffer{}
			if code := run(ctx, []string{"-bin", programs}, stdout, stderr); code != 3 {
				t.Errorf("exit code %d, want 3\n%s%s", code, stdout, stderr)
			}
			checkEmpty(t, tmp)
		})
	}
}

// onUsersCloud runs the demo on a cloud of a user's clouds.yaml, on which it
// has to end with the exit code, and fails the test unless the images on the
// cloud are afterwards what they were before. It returns the output.
func onUsersCloud(t *testing.T, ctx context.Context, cloudsYAML, name string, stdout *waiter, want int) string {
	t.Helper()
	tmp := alone(t)
	// A relative path, as users have it, while the commands run elsewhere.
	t.Chdir(filepath.Dir(cloudsYAML))
	t.Setenv("OS_CLIENT_CONFIG_FILE", filepath.Base(cloudsYAML))
	t.Setenv("OS_CLOUD", name)
	before := imagesOn(t, name)
	var stderr bytes.Buffer
	if code := run(ctx, []string{"-bin", programs}, stdout, &stderr); code != want {
		t.Errorf("exit code %d, want %d\n%s%s", code, want, stdout, stderr.String())
	}
	if after := imagesOn(t, name); after != before {
		t.Errorf("images before:\n%safter:\n%s", before, after)
	}
	checkEmpty(t, tmp)
	return stdout.String()
}

// imagesOn lists the images on a cloud that are called like those of the samples.
func imagesOn(t *testing.T, name string) string {
	t.Helper()
	config, err := glance.Load()
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := config.Open(name, glance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	var list strings.Builder
	for img, err := range cloud.Images(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(samples, func(s sample) bool { return s.image == img.Name }) {
			fmt.Fprintln(&list, img.ID, img.Name, img.Status)
		}
	}
	return list.String()
}

// usersCloud starts a cloud that has a firewall image already.
func usersCloud(t *testing.T) (cloudsYAML string) {
	t.Helper()
	s := glancetest.New(glancetest.Options{})
	t.Cleanup(s.Close)
	cloudsYAML = filepath.Join(t.TempDir(), "clouds.yaml")
	if err := os.WriteFile(cloudsYAML, s.CloudsYAML(), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("OS_CLIENT_CONFIG_FILE", cloudsYAML)
	config, err := glance.Load()
	if err != nil {
		t.Fatal(err)
	}
	cloud, err := config.Open("region-one", glance.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer cloud.Close()
	record := vim.Record{ID: "5d1f6a52-3b57-4a0e-9f7e-0d6c1c7b2a11", Name: "firewall.qcow2", Visibility: "private", DiskFormat: "raw", ContainerFormat: "bare"}
	_, err = cloud.Create(t.Context(), record)
	if err := cmp.Or(err, cloud.Upload(t.Context(), record.ID, strings.NewReader("a user's own"), 12)); err != nil {
		t.Fatal(err)
	}
	return cloudsYAML
}

func TestOnAUsersCloudItTakesBackWhatItUploaded(t *testing.T) {
	output := onUsersCloud(t, t.Context(), usersCloud(t), "region-one", &waiter{do: func() {}}, 0)
	if want := "The demo has left 3 image(s) on region-one"; !strings.Contains(output, want) {
		t.Errorf("the output has no %q:\n%s", want, output)
	}
}

func TestOnAUsersCloudItTakesBackWhatItUploadedUntilItWasInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	stdout := &waiter{text: "$ gangway launch dns", do: interrupt}
	onUsersCloud(t, ctx, usersCloud(t), "region-one", stdout, 3)
}

// The script .ci/openstack starts what GANGWAY_TEST_CLOUDS names. Nothing else
// uses the project of the user other.
func TestOnARealCloudItTakesBackWhatItUploaded(t *testing.T) {
	clouds := os.Getenv("GANGWAY_TEST_CLOUDS")
	if clouds == "" {
		const why = "NOT TRIED ON A REAL OPENSTACK: set GANGWAY_TEST_CLOUDS to its clouds.yaml"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	output := onUsersCloud(t, t.Context(), clouds, "other-two", &waiter{do: func() {}}, 0)
	if want := "The demo has left 4 image(s) on other-two"; !strings.Contains(output, want) {
		t.Errorf("the output has no %q:\n%s", want, output)
	}
}

func TestAnUnknownCloudIsAnErrorAtOnce(t *testing.T) {
	clouds := usersCloud(t)
	tmp := alone(t)
	t.Setenv("OS_CLIENT_CONFIG_FILE", clouds)
	t.Setenv("OS_CLOUD", "nowhere")
	code, stdout, stderr := stage(t.Context(), programs)
	if code != 1 || stdout != "" || !strings.Contains(stderr, "OS_CLOUD") || !strings.Contains(stderr, "nowhere") {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
	}
	checkEmpty(t, tmp)
}

func TestWrongUsageIsToldApart(t *testing.T) {
	for _, args := range [][]string{{"argument"}, {"-nonsense"}} {
		var stdout, stderr bytes.Buffer
		if code := run(t.Context(), args, &stdout, &stderr); code != 2 || stderr.Len() == 0 {
			t.Errorf("demo %v = %d, want 2\n%s", args, code, stderr.String())
		}
	}
}

func TestServingEndsWithAnInterruption(t *testing.T) {
	tmp := alone(t)
	dir := filepath.Join(tmp, "tour")
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
	defer interrupt()
	found := ""
	stdout := &waiter{text: "Ctrl-C ends"}
	stdout.do = func() {
		samples, _ := filepath.Glob(filepath.Join(dir, "samples", "*"))
		clouds, _ := os.ReadFile(filepath.Join(dir, "clouds.yaml"))
		found = fmt.Sprint(len(samples), bytes.Contains(clouds, []byte("region-two:")))
		interrupt()
	}
	var stderr bytes.Buffer
	if code := run(ctx, []string{"-bin", programs, "-serve", dir}, stdout, &stderr); code != 0 {
		t.Errorf("exit code %d\n%s%s", code, stdout, stderr.String())
	}
	if found != "5 true" {
		t.Errorf("samples and a cloud region-two: %q", found)
	}
	checkEmpty(t, tmp)
}

func TestServingTakesNoFolderThatIsThere(t *testing.T) {
	alone(t)
	var stdout, stderr bytes.Buffer
	dir := t.TempDir()
	if code := run(t.Context(), []string{"-bin", programs, "-serve", dir}, &stdout, &stderr); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error(err)
	}
}
