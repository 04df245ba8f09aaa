package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"gopkg.in/yaml.v3"
)

// read takes what the configuration file has and neither the command line nor
// the environment has given.
func (c *Config) read(cmd *cobra.Command) error {
	text, err := os.ReadFile(c.File)
	if err != nil {
		return fmt.Errorf("configuration file: %w", err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return fmt.Errorf("configuration file %s: %w", c.File, err)
	}
	if len(document.Content) == 0 {
		return nil // empty
	}
	if document.Content[0].Kind != yaml.MappingNode {
		return fmt.Errorf("configuration file %s: is no mapping of keys to values", c.File)
	}
	faults := append(c.readSections(text), setFlags(cmd, document.Content[0])...)
	slices.SortStableFunc(faults, func(a, b fault) int { return cmp.Compare(a.line, b.line) })
	var errs []error
	for _, f := range faults {
		errs = append(errs, fmt.Errorf("configuration file %s:%d: %s", c.File, f.line, f.text))
	}
	return errors.Join(errs...)
}

// fault is something wrong in a line of the configuration file.
type fault struct {
	line int
	text string
}

// readSections reads what is no flag.
func (c *Config) readSections(text []byte) (faults []fault) {
	var sections struct {
		Credentials map[string]Credential
		Limits      Limits
		Serve       Serve
		Flags       map[string]yaml.Node `yaml:",inline"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	err := decoder.Decode(&sections)
	c.Credentials, c.Limits, c.Serve = sections.Credentials, sections.Limits, sections.Serve
	var wrong *yaml.TypeError
	if !errors.As(err, &wrong) {
		return nil // all is well: the text was parsed before
	}
	for _, text := range wrong.Errors {
		// The decoder quotes values, and a value may be a secret.
		told := decodeError.FindStringSubmatch(text)
		line, _ := strconv.Atoi(told[1])
		if key := told[2]; key != "" {
			faults = append(faults, fault{line, key + ": there is no such key"})
		} else {
			faults = append(faults, fault{line, "the value does not fit its key"})
		}
	}
	return faults
}

// decodeError takes the line, and the key if it is unknown, from what the YAML
// decoder says.
var decodeError = regexp.MustCompile(`(?s)^(?:line (\d+): )?(?:field (\S+) not found)?`)

// setFlags sets the flags of a command that nothing else has set.
func setFlags(cmd *cobra.Command, mapping *yaml.Node) (faults []fault) {
	known := allFlags(cmd.Root())
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		flag := cmd.Flags().Lookup(key.Value)
		switch {
		case slices.Contains([]string{"credentials", "limits", "serve"}, key.Value):
		case !slices.Contains(known, key.Value):
			faults = append(faults, fault{key.Line, key.Value + ": there is no such key"})
		case flag == nil || flag.Changed:
			// Another command's, or beaten.
		default:
			if err := setFlag(cmd.Flags(), flag, value); err != nil {
				faults = append(faults, fault{key.Line, fmt.Sprintf("%s: %v", key.Value, err)})
			}
		}
	}
	return faults
}

func setFlag(flags *pflag.FlagSet, flag *pflag.Flag, value *yaml.Node) error {
	if list, ok := flag.Value.(pflag.SliceValue); ok && value.Kind == yaml.SequenceNode {
		var items []string
		if err := value.Decode(&items); err != nil {
			return errors.New("is no list of single values")
		}
		flag.Changed = true
		return list.Replace(items)
	}
	if value.Kind != yaml.ScalarNode || value.ShortTag() == "!!null" {
		return errors.New("is no single value")
	}
	return flags.Set(flag.Name, value.Value)
}

// allFlags returns the names of the flags of all commands that a configuration
// file may set.
func allFlags(root *cobra.Command) []string {
	var names []string
	collect := func(flag *pflag.Flag) {
		if !slices.Contains([]string{"config", "help", "version"}, flag.Name) {
			names = append(names, flag.Name)
		}
	}
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
