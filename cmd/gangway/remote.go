package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/client"
)

// remote is a server as a site.
type remote struct{ *client.Client }

func (remote) URLSource(url string) onboarding.Source { return onboarding.URLSource(url, nil) }

// remote reports whether commands act on a server.
func (c *Config) remote() bool { return c.Server != "" }

// notForServers are the flags of what is the server's business.
var notForServers = []string{"home", "images-dir", "allow-private-sources", "allow-source",
	"digests", "uploads", "uploads-per-vim", "takeover-after", "stall-timeout"}

// checkRemote checks what goes with a server, and that nothing was given on the
// command line that would have no effect. Given are the names
// of the command's flags.
func (c *Config) checkRemote(command string, given []string) error {
	var errs []error
	switch {
	case command == "serve" && slices.Contains(given, "server"):
		return errors.New("--server is for the commands that act on a server, which this one makes")
	case command == "serve": // whatever the environment says
		c.Server = ""
	}
	if !c.remote() {
		return nil
	}
	if u, err := url.Parse(c.Server); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		errs = append(errs, fmt.Errorf("--server is %q, no http or https URL", c.Server))
	}
	for _, flag := range given {
		if slices.Contains(notForServers, flag) {
			errs = append(errs, fmt.Errorf("--%s is the server's business, and does not go with --server", flag))
		}
	}
	return errors.Join(errs...)
}

// withRemote runs fn on the server.
func (a *app) withRemote(fn func(remote) error) error {
	u, err := url.Parse(a.config.Server)
	if err != nil {
		return err
	}
	credential := a.config.Credentials[u.Host]
	token, err := a.config.token()
	if err != nil {
		return err
	}
	if token = cmp.Or(token, credential.Token); token == "" && credential.User != "" {
		return fmt.Errorf("credentials of %s: a server takes a token, and no user", u.Host)
	}
	c, err := client.New(client.Options{
		Server: a.config.Server, Token: token, Project: a.config.Project,
		PlainHTTP: credential.PlainHTTP, CAFile: a.config.CAFile, StateDir: filepath.Join(stateDir(), "uploads"),
		UserAgent: "gangway/" + version, Log: a.log,
	})
	if errors.Is(err, client.ErrClearText) {
		err = fmt.Errorf("%w, with plain-http: true for %s under credentials in the configuration file", err, u.Host)
	}
	if err != nil {
		return err
	}
	defer c.Close()
	return fn(remote{c})
}

// token returns the token for the server, empty if none was given. It has no flag:
// everybody on a machine can see the command lines.
func (c *Config) token() (string, error) {
	if c.TokenFile == "" {
		return os.Getenv("GANGWAY_TOKEN"), nil
	}
	text, err := os.ReadFile(c.TokenFile)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	token := strings.TrimSpace(string(text))
	if token == "" {
		return "", fmt.Errorf("--token-file: %s is empty", c.TokenFile)
	}
	return token, nil
}

// stateDir follows the XDG base directory rules.
func stateDir() string {
	if state := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(state) {
		return filepath.Join(state, "gangway")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "gangway-state"
	}
	return filepath.Join(home, ".local", "state", "gangway")
}
