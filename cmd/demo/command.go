package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// say prints what the next commands are for.
func (s *setting) say(format string, args ...any) {
	fmt.Fprintf(s.stdout, "\n# "+format+"\n", args...)
}

// result is what a command came to.
type result struct {
	command string
	code    int    // of its exit
	output  string // to both streams
}

// run prints a command line and runs it, printing what it prints. A command
// that ran is no error, whatever its exit code.
//
// The command has a process group of its own, so that a Ctrl-C reaches it once:
// a second signal would keep it from cleaning up.
func (s *setting) run(ctx context.Context, program string, args ...string) (result, error) {
	line := program + " " + strings.Join(args, " ")
	fmt.Fprintln(s.stdout, "$", line)
	var printed bytes.Buffer
	out := io.MultiWriter(&printed, s.stdout) // what was printed is known even if nobody reads it
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.Dir, cmd.Env = s.dir, s.env
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = time.Minute
	err := cmd.Run()
	var exit *exec.ExitError
	if ctx.Err() == nil && errors.As(err, &exit) && exit.Exited() {
		err = nil
		fmt.Fprintf(s.stdout, "(exit code %d)\n", exit.ExitCode())
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", line, err)
	}
	return result{command: line, code: cmd.ProcessState.ExitCode(), output: printed.String()}, err
}

// expect returns an error unless the command ended with the code, and printed
// all the texts.
func (r result) expect(code int, texts ...string) error {
	if r.code != code {
		return fmt.Errorf("%s: exit code %d instead of %d", r.command, r.code, code)
	}
	for _, text := range texts {
		if !strings.Contains(r.output, text) {
			return fmt.Errorf("%s: printed no %q", r.command, text)
		}
	}
	return nil
}

// launched is a line of the table that gangway launch prints.
type launched struct {
	vim, image, action, id string // id is empty for an image that is not there
	verified               bool
}

// launched returns the lines of that table about VDUs on the VIMs. A column is
// found by its heading, below which its cells begin.
func (r result) launched(vims []string) []launched {
	var lines []launched
	var heading string
	cell := func(line, name string) string {
		at := strings.Index(heading, name)
		if at < 0 || at >= len(line) {
			return ""
		}
		text, _, _ := strings.Cut(line[at:], "  ")
		return strings.TrimSpace(text)
	}
	for line := range strings.Lines(r.output) {
		if strings.HasPrefix(line, "VIM ") {
			heading = line
		} else if vim := cell(line, "VIM "); slices.Contains(vims, vim) {
			lines = append(lines, launched{vim: vim, image: cell(line, "IMAGE"), action: cell(line, "ACTION"),
				id: cell(line, "ID ON THE VIM"), verified: cell(line, "VERIFIED") == "yes"})
		}
	}
	return lines
}
