package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

// within is how long anything that is waited for may take.
const within = 30 * time.Second

// TestProcesses kills and interrupts the real binary.
func TestProcesses(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "gangway")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	// Those that wait for a time-out come first.
	for _, test := range []struct {
		name string
		run  func(*testing.T, string)
	}{
		{"launch is killed at every request", launchKilled},
		{"launch is killed beside another", launchKilledBesideAnother},
		{"launch is interrupted and goes on", launchInterrupted},
		{"serve is killed in launches", launchKilledInServe},
		{"serve is killed in fetches", fetchKilledInServe},
		{"onboard is killed as its input comes", onboardKilledByInput},
		{"onboard is killed as its URL comes", onboardKilledByURL},
		{"onboard is killed as files appear", onboardKilledByFiles},
		{"onboard is killed at any time", onboardKilledByTime},
		{"serve is killed in an upload that goes on", uploadKilledInServe},
		{"onboard is killed as its bytes go to a server", remoteOnboardKilled},
		{"serve is killed beneath an onboard", remoteServerKilled},
		{"onboard is interrupted and goes on", onboardInterrupted},
		{"onboard is interrupted while standard input is idle", onboardInterruptedIdle},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, binary)
		})
	}
}

// home is a repository that processes of gangway work on.
type home struct {
	t      *testing.T
	binary string
	folder string
	env    []string
}

func newHome(t *testing.T, binary string, env ...string) *home {
	folder := filepath.Join(t.TempDir(), "home")
	return &home{t: t, binary: binary, folder: folder,
		env: append(os.Environ(), append(env, "GANGWAY_HOME="+folder, "GANGWAY_ALLOW_SOURCE=127.0.0.1")...)}
}

// process is a gangway at work.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer // to be read when it has ended
	ended          chan struct{}
}

// start starts gangway. The test's end kills it if nobody else does.
func (h *home) start(stdin io.Reader, args ...string) *process {
	h.t.Helper()
	p := &process{t: h.t, cmd: exec.Command(h.binary, args...), ended: make(chan struct{})}
	return h.begin(p, stdin, &p.stdout)
}

// startTo is start for a process whose output is read while it runs.
func (h *home) startTo(stdout io.Writer, args ...string) *process {
	h.t.Helper()
	return h.begin(&process{t: h.t, cmd: exec.Command(h.binary, args...), ended: make(chan struct{})}, nil, stdout)
}

func (h *home) begin(p *process, stdin io.Reader, stdout io.Writer) *process {
	h.t.Helper()
	p.cmd.Env, p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = h.env, stdin, stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // its state tells
	}()
	h.t.Cleanup(p.kill)
	return p
}

// serve starts gangway serve, and returns it when it answers, with a token that
// may do everything.
func (h *home) serve(args ...string) (p *process, s *served, admin string) {
	h.t.Helper()
	// A pipe of the test's own: what the process prints is read while it runs.
	out, in, err := os.Pipe()
	if err != nil {
		h.t.Fatal(err)
	}
	defer out.Close()
	p = h.startTo(in, append([]string{"serve", "--listen", "127.0.0.1:0", "-o", "json"}, args...)...)
	in.Close()
	s = &served{}
	if err := json.NewDecoder(out).Decode(s); err != nil {
		p.kill()
		h.t.Fatalf("gangway serve: %v: %s", err, &p.stderr)
	}
	s.AdminToken = filepath.Join(h.folder, "admin-token")
	return p, s, s.admin(h.t)
}

// exited waits for the exit code, which is -1 when the process was killed.
func (p *process) exited() int {
	p.t.Helper()
	select {
	case <-p.ended:
	case <-time.After(within):
		p.t.Errorf("gangway did not end within %v", within)
		p.kill()
	}
	return p.cmd.ProcessState.ExitCode()
}

// kill ends the process without a chance to do anything, and waits for that.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.ended
}

func (p *process) interrupt() {
	p.t.Helper()
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		p.t.Error(err)
	}
}

// run runs gangway to its end and returns its output. It must exit with a code
// of 0.
func (h *home) run(args ...string) string {
	h.t.Helper()
	p := h.start(nil, args...)
	if code := p.exited(); code != exitOK {
		h.t.Fatalf("gangway %s: exit code %d\n%s%s", strings.Join(args, " "), code, &p.stdout, &p.stderr)
	}
	return p.stdout.String()
}

func decode[T any](t *testing.T, text string) (value T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return value
}

// await waits until something is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	for overdue := time.Now().Add(within); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(overdue) {
			t.Fatalf("%s: not within %v", what, within)
		}
	}
}

// files returns the names in the folder of images, those of staging too.
func (h *home) files() []string {
	names := []string{}
	for _, folder := range []string{"images", "images/.staging"} {
		entries, _ := os.ReadDir(filepath.Join(h.folder, folder))
		for _, entry := range entries {
			if entry.Name() != ".staging" {
				names = append(names, entry.Name())
			}
		}
	}
	return names
}

// recovers checks what a killed onboarding left, does it again, and checks that
// the repository has what it should have, and nothing else.
func (h *home) recovers(source string, digests map[string]string) {
	h.t.Helper()
	if _, err := os.Stat(filepath.Join(h.folder, "gangway.db")); err == nil {
		// Nothing half is visible: all that is wrong is what the next start removes.
		p := h.start(nil, "doctor", "--quick", "-o", "json")
		p.exited()
		for _, problem := range decode[struct {
			Problems []struct{ Kind, Message string }
		}](h.t, p.stdout.String()).Problems {
			if problem.Kind != "staging-litter" && problem.Kind != "file-orphan" {
				h.t.Errorf("after the kill: %s: %s", problem.Kind, problem.Message)
			}
		}
	}
	report := decode[onboarding.Report](h.t, h.run("onboard", source, "-o", "json"))
	if report.Status != onboarding.Onboarded && report.Status != onboarding.Unchanged {
		h.t.Errorf("onboarding again: %s", report.Status)
	}
	got, ids := make(map[string]string), []string{}
	for _, img := range decode[[]view.Image](h.t, h.run("images", "list", "-o", "json")) {
		got[img.Name] = img.Digests["sha256"]
		ids = append(ids, img.ID)
	}
	if diff := cmp.Diff(digests, got); diff != "" {
		h.t.Errorf("images (-want +got):\n%s", diff)
	}
	h.run("doctor")
	if diff := cmp.Diff(ids, h.files(), cmpSets); diff != "" {
		h.t.Errorf("files (-images +files):\n%s", diff)
	}
	if report := decode[onboarding.Report](h.t, h.run("onboard", source, "-o", "json")); report.Status != onboarding.Unchanged {
		h.t.Errorf("onboarding once more: %s", report.Status)
	}
}
