package main

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"

	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/csar"
)

// Config is the whole configuration. Every field is a flag, an environment
// variable (GANGWAY_ and the flag's name in capitals) and a key of the
// configuration file; a flag beats the environment, which beats the file.
// Credentials and Limits can only be given in the file.
type Config struct {
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

// register defines the flags that all commands have.
func (c *Config) register(flags *pflag.FlagSet) {
	flags.StringVar(&c.Home, "home", defaultHome(), "folder of the repository")
	flags.StringVar(&c.File, "config", "", "configuration file (YAML)")
	flags.StringVar(&c.ImagesDir, "images-dir", "", "folder of the image files (default <home>/images)")
	flags.StringVar(&c.Project, "project", "default", "project that owns packages and images")
	flags.StringVarP(&c.Output, "output", "o", "text", "form of the output: text, json or yaml")
	flags.StringVar(&c.LogLevel, "log-level", "warn", "debug, info, warn or error")
	flags.StringVar(&c.LogFormat, "log-format", "text", "text or json")
	flags.BoolVar(&c.Quiet, "quiet", false, "show no progress")
	flags.BoolVar(&c.AllowPrivateSources, "allow-private-sources", false, "let URLs lead into loopback, link-local and private networks")
	flags.StringSliceVar(&c.AllowSource, "allow-source", nil, "address, network or host that URLs may lead to")
	flags.StringVar(&c.CAFile, "ca-file", "", "PEM file of certificates to trust for URLs beside the system's")
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
	given := make(map[string]bool)
	cmd.Flags().VisitAll(func(flag *pflag.Flag) {
		given[flag.Name] = flag.Changed
		value, set := os.LookupEnv(environment(flag.Name))
		if flag.Changed || !set || value == "" {
			return
		}
		given[flag.Name] = true
		if err := flag.Value.Set(value); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", environment(flag.Name), err))
		}
	})
	if a.config.File != "" {
		errs = append(errs, a.config.read(cmd, given)...)
	}
	errs = append(errs, a.config.check()...)
	if err := errors.Join(errs...); err != nil {
		return err
	}
	a.log = a.logger()
	return nil
}

func environment(flag string) string {
	return "GANGWAY_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// read takes the values of the configuration file that nothing else has given.
func (c *Config) read(cmd *cobra.Command, given map[string]bool) []error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return []error{fmt.Errorf("configuration file: %w", err)}
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return []error{fmt.Errorf("configuration file %s: %w", c.File, err)}
	}
	if len(document.Content) == 0 {
		return nil // empty
	}
	if document.Content[0].Kind != yaml.MappingNode {
		return []error{fmt.Errorf("configuration file %s: is no mapping of keys to values", c.File)}
	}
	var errs []error
	wrong := func(at *yaml.Node, err error) {
		errs = append(errs, fmt.Errorf("configuration file %s:%d: %s: %w", c.File, at.Line, at.Value, err))
	}
	known := allFlags(cmd.Root())
	for i := 0; i+1 < len(document.Content[0].Content); i += 2 {
		key, value := document.Content[0].Content[i], document.Content[0].Content[i+1]
		switch flag := cmd.Flags().Lookup(key.Value); {
		case key.Value == "credentials":
			err = value.Decode(&c.Credentials)
		case key.Value == "limits":
			err = strictDecode(value, &c.Limits)
		case !slices.Contains(known, key.Value):
			err = errors.New("there is no such key")
		case flag == nil || given[key.Value]:
			err = nil // another command's, or beaten
		default:
			err = setFlag(flag, value)
		}
		if err != nil {
			wrong(key, err)
		}
	}
	return errs
}

// strictDecode refuses keys that the target does not have.
func strictDecode(value *yaml.Node, target any) error {
	text, err := yaml.Marshal(value)
	if err != nil {
		return err
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	return decoder.Decode(target)
}

func setFlag(flag *pflag.Flag, value *yaml.Node) error {
	if list, ok := flag.Value.(pflag.SliceValue); ok && value.Kind == yaml.SequenceNode {
		var items []string
		if err := value.Decode(&items); err != nil {
			return err
		}
		return list.Replace(items)
	}
	if value.Kind != yaml.ScalarNode {
		return errors.New("is no single value")
	}
	return flag.Value.Set(value.Value)
}

// allFlags returns the names of the flags of all commands.
func allFlags(root *cobra.Command) []string {
	var names []string
	collect := func(flag *pflag.Flag) { names = append(names, flag.Name) }
	var visit func(*cobra.Command)
	visit = func(cmd *cobra.Command) {
		cmd.LocalFlags().VisitAll(collect)
		for _, child := range cmd.Commands() {
			visit(child)
		}
	}
	visit(root)
	return names
}

func (c *Config) check() []error {
	var errs []error
	oneOf := func(flag, value string, values ...string) {
		if !slices.Contains(values, value) {
			errs = append(errs, fmt.Errorf("--%s is %q, not one of %s", flag, value, strings.Join(values, ", ")))
		}
	}
	oneOf("output", c.Output, "text", "json", "yaml")
	oneOf("log-level", c.LogLevel, "debug", "info", "warn", "error")
	oneOf("log-format", c.LogFormat, "text", "json")
	if c.Project == "" {
		errs = append(errs, errors.New("--project is empty"))
	}
	if c.Home == "" {
		errs = append(errs, errors.New("--home is empty"))
	}
	if _, err := fetch.NewGuard(c.AllowPrivateSources, c.AllowSource); err != nil {
		errs = append(errs, fmt.Errorf("--allow-source: %w", err))
	}
	if c.CAFile != "" {
		if _, err := os.Stat(c.CAFile); errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("--ca-file: %w", err))
		}
	}
	return errs
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
	options := &slog.HandlerOptions{Level: level}
	if a.config.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(a.stderr, options))
	}
	return slog.New(slog.NewTextHandler(a.stderr, options))
}
