package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/csar"
)

// Config is the whole configuration. Every field is a flag, an environment
// variable (GANGWAY_ and the flag's name in capitals) and a key of the
// configuration file; a flag beats the environment, which beats the file.
// Credentials, Limits and Serve can only be given in the file.
type Config struct {
	// Server is where commands act, instead of in the Home, if it is set.
	Server    string
	TokenFile string

	Home      string
	File      string
	ImagesDir string
	Project   string
	Output    string
	LogLevel  string
	LogFormat string
	Quiet     bool

	// Sources bounds where URLs may lead.
	AllowPrivateSources bool
	AllowSource         []string
	CAFile              string

	Credentials map[string]Credential
	Limits      Limits
	Serve       Serve
}

// Credential authenticates to the host that is its key in the file.
type Credential struct {
	Token     string `yaml:"token"`
	User      string `yaml:"user"`
	Password  string `yaml:"password"`
	PlainHTTP bool   `yaml:"plain-http"`
}

// Limits bound what an archive may cost, see csar.Limits.
type Limits struct {
	Members    int   `yaml:"members"`
	MemberSize int64 `yaml:"member-size"` // bytes
	TotalSize  int64 `yaml:"total-size"`  // bytes
	Ratio      int64 `yaml:"ratio"`
	PathLength int   `yaml:"path-length"` // bytes
	PathDepth  int   `yaml:"path-depth"`
	FileSize   int64 `yaml:"file-size"` // bytes
	Memory     int64 `yaml:"memory"`    // bytes
}

var (
	outputs    = []string{"text", "json", "yaml"}
	logLevels  = []string{"debug", "info", "warn", "error"}
	logFormats = []string{"text", "json"}
)

// register defines the flags that all commands have.
func (c *Config) register(flags *pflag.FlagSet) {
	flags.StringVar(&c.Server, "server", "", "URL of a gangway server to act on, instead of the repository in the home")
	flags.StringVar(&c.TokenFile, "token-file", "", "file of the token for the server (default the environment's GANGWAY_TOKEN)")
	flags.StringVar(&c.Home, "home", defaultHome(), "folder of the repository")
	flags.StringVar(&c.File, "config", "", "configuration file (YAML)")
	flags.StringVar(&c.ImagesDir, "images-dir", "", "folder of the image files (default <home>/images)")
	flags.StringVar(&c.Project, "project", "default", "project that owns packages and images; a server takes that of the token unless it is given")
	flags.StringVarP(&c.Output, "output", "o", "text", "form of the output: text, json or yaml")
	flags.StringVar(&c.LogLevel, "log-level", "warn", "debug, info, warn or error")
	flags.StringVar(&c.LogFormat, "log-format", "text", "text or json")
	flags.BoolVar(&c.Quiet, "quiet", false, "show no progress")
	flags.BoolVar(&c.AllowPrivateSources, "allow-private-sources", false, "let URLs lead into loopback, link-local and private networks")
	flags.StringSliceVar(&c.AllowSource, "allow-source", nil, "address, network or host that URLs may lead to")
	flags.StringVar(&c.CAFile, "ca-file", "", "PEM file of certificates to trust beside the system's, for URLs and the server")
}

// defaultHome follows the XDG base directory rules.
func defaultHome() string {
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "gangway")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "gangway-data"
	}
	return filepath.Join(home, ".local", "share", "gangway")
}

// configure completes the configuration from environment and file, and checks
// it. It reports everything that is wrong at once.
func (a *app) configure(cmd *cobra.Command) error {
	var errs []error
	var given []string
	cmd.Flags().Visit(func(flag *pflag.Flag) { given = append(given, flag.Name) })
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		value := os.Getenv(environment(flag.Name))
		if flag.Changed || value == "" || flag.Name == "help" {
			return
		}
		if err := cmd.Flags().Set(flag.Name, value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", environment(flag.Name), err))
		}
	})
	if a.config.File != "" {
		errs = append(errs, a.config.read(cmd))
	}
	errs = append(errs, a.config.check(), a.config.checkProject(cmd), a.config.checkRemote(cmd.Name(), given))
	if a.config.remote() && !cmd.Flags().Changed("project") {
		a.config.Project = "" // that of the token, which the server knows
	}
	return errors.Join(errs...)
}

// ofOneProject are the commands, with those below them, that are about what belongs to
// one project. It is never written to.
var ofOneProject = []string{"onboard", "launch", "packages", "images"}

func (c *Config) checkProject(cmd *cobra.Command) error {
	for ; cmd != nil && c.Project == access.AllProjects; cmd = cmd.Parent() {
		if slices.Contains(ofOneProject, cmd.Name()) {
			return fmt.Errorf("--project is %s, which is none, and this needs one", c.Project)
		}
	}
	return nil
}

func environment(flag string) string {
	return "GANGWAY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func (c *Config) check() error {
	errs := []error{
		oneOf("output", c.Output, outputs...),
		oneOf("log-level", c.LogLevel, logLevels...),
		oneOf("log-format", c.LogFormat, logFormats...),
		notEmpty("project", c.Project),
		notEmpty("home", c.Home),
		c.Serve.check(),
	}
	if c.Project != "" && c.Project != access.AllProjects && !access.ValidProject(c.Project) {
		errs = append(errs, fmt.Errorf("--project is %q, which is no name of a project", c.Project))
	}
	if _, err := fetch.NewGuard(c.AllowPrivateSources, c.AllowSource); err != nil {
		errs = append(errs, fmt.Errorf("--allow-source: %w", err))
	}
	if c.CAFile != "" {
		if _, err := os.Stat(c.CAFile); err != nil {
			errs = append(errs, fmt.Errorf("--ca-file: %w", err))
		}
	}
	return errors.Join(errs...)
}

func oneOf(flag, value string, values ...string) error {
	if slices.Contains(values, value) {
		return nil
	}
	return fmt.Errorf("--%s is %q, not one of %s", flag, value, strings.Join(values, ", "))
}

func notEmpty(flag, value string) error {
	if value != "" {
		return nil
	}
	return fmt.Errorf("--%s is empty", flag)
}

func atLeast[N int | int64 | time.Duration](flag string, value, least N) error {
	if value >= least {
		return nil
	}
	return fmt.Errorf("--%s is %v, less than %v", flag, value, least)
}

// within is the project that a filter names: none for all projects, and for the one
// that a server chooses.
func (c *Config) within() string {
	if c.Project == access.AllProjects {
		return ""
	}
	return c.Project
}

func (c *Config) imagesDir() string {
	if c.ImagesDir != "" {
		return c.ImagesDir
	}
	return filepath.Join(c.Home, "images")
}

func (c *Config) limits() csar.Limits { return csar.Limits(c.Limits) }

func (a *app) logger() *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(a.config.LogLevel)) // was checked
	return a.loggerAt(level)
}

func (a *app) loggerAt(level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level}
	if a.config.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(logWriter{a}, options))
	}
	return slog.New(slog.NewTextHandler(logWriter{a}, options))
}
