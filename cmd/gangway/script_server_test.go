package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

// scriptServe starts gangway serve on the home of the script, with more flags if
// there are ARGs, and sets SERVER to its URL and ADMIN to the token of its admin.
func scriptServe(ts *testscript.TestScript, _ bool, args []string) {
	server := exec.Command("gangway", append([]string{"serve", "--listen", "127.0.0.1:0", "-o", "json", "--log-level", "error"}, args...)...)
	server.Env, server.Stderr = os.Environ(), os.Stderr
	for _, name := range []string{"GANGWAY_HOME", "GANGWAY_ALLOW_SOURCE", "OS_CLIENT_CONFIG_FILE", "GORACE"} {
		server.Env = append(server.Env, name+"="+ts.Getenv(name))
	}
	out, err := server.StdoutPipe()
	ts.Check(err)
	ts.Check(server.Start())
	ts.Defer(func() {
		ts.Check(server.Process.Signal(os.Interrupt))
		if err := server.Wait(); err != nil && server.ProcessState.ExitCode() != exitInterrupted {
			ts.Logf("gangway serve: %v", err)
		}
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	ts.Check(err)
	var told served
	ts.Check(json.Unmarshal(line, &told))
	ts.Setenv("SERVER", told.URL)
	if told.AdminToken != "" {
		ts.Setenv("ADMIN", strings.TrimSpace(ts.ReadFile(told.AdminToken)))
	}
}

// fileOfImage is what only the home tells.
var fileOfImage = regexp.MustCompile(`(?m)^ *"?file"?:? +"?/.*\n`)

// scriptSame checks that a command prints the same of a server, which is that of
// GANGWAY_SERVER, and of the server's home.
func scriptSame(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec(args[0], args[1:]...))
	remote, server := ts.ReadFile("stdout"), ts.Getenv("GANGWAY_SERVER")
	ts.Setenv("GANGWAY_SERVER", "")
	ts.Check(ts.Exec(args[0], args[1:]...))
	ts.Setenv("GANGWAY_SERVER", server)
	local := fileOfImage.ReplaceAllString(ts.ReadFile("stdout"), "")
	if server == "" || local == "" {
		ts.Fatalf("there is nothing to compare")
	}
	if diff := cmp.Diff(local, remote); diff != "" {
		ts.Fatalf("the home and the server differ (-home +server):\n%s", diff)
	}
}
