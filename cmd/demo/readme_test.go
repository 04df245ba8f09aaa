package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// section returns the fenced blocks of a section of README.md that are marked
// with a language.
func section(t *testing.T, heading, language string) []string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("README.md has no section %q", heading)
	}
	body, _, _ := strings.Cut(rest, "\n## ")
	var blocks []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(body, -1) {
		blocks = append(blocks, match[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("section %q of README.md has no blocks of %s", heading, language)
	}
	return blocks
}

// varying is what differs from run to run.
var varying = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|127\.0\.0\.1:\d+|gangway-demo-\d+|[ ]{2,}`)

// checkShown fails the test unless the output has every line that the README
// shows, but for what varies.
func checkShown(t *testing.T, shown []string, output string) {
	t.Helper()
	printed := make(map[string]bool)
	for line := range strings.Lines(output) {
		printed[varying.ReplaceAllString(strings.TrimSpace(line), " ")] = true
	}
	for _, block := range shown {
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			if line != "…" && !printed[varying.ReplaceAllString(line, " ")] {
				t.Errorf("README.md shows a line that is not printed: %s", line)
			}
		}
	}
	if t.Failed() {
		t.Logf("what is printed:\n%s", output)
	}
}

func TestTheREADMEShowsWhatTheDemoPrints(t *testing.T) {
	tmp := alone(t)
	code, stdout, stderr := stage(t.Context(), programs)
	if code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	shown := section(t, "Two commands", "text")[:1] // the other is of make test
	checkShown(t, shown, "$ make demo\n"+strings.ReplaceAll(stdout, tmp, "/tmp"))
}

func TestTheREADMEsTourWorks(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Fatal("the tour is for bash: ", err)
	}
	tmp := alone(t)
	dir := filepath.Join(tmp, "tour")
	if err := os.Symlink(programs, filepath.Join(tmp, "bin")); err != nil {
		t.Fatal(err)
	}
	script := strings.ReplaceAll(strings.Join(section(t, "Five minutes with it", "sh"), ""), "/tmp/tour", dir)
	var printed []byte
	var failure error
	ctx, end := context.WithCancel(t.Context())
	defer end()
	stdout, stderr := &waiter{text: "Ctrl-C ends"}, &bytes.Buffer{}
	stdout.do = func() {
		defer end()
		tour := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script)
		tour.Dir = tmp
		printed, failure = tour.CombinedOutput()
	}
	if code := run(ctx, []string{"-bin", programs, "-serve", dir}, stdout, stderr); code != 0 {
		t.Fatalf("exit code %d\n%s%s", code, stdout, stderr)
	}
	output := strings.ReplaceAll(string(printed), dir, "/tmp/tour")
	if failure != nil {
		t.Fatalf("%v\n%s", failure, output)
	}
	checkShown(t, section(t, "Five minutes with it", "text"), output)
}
