package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	diff "github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/access/keystone"
	"github.com/gangway-nfv/gangway/onboarding/access/oidc"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/view"
)

var update = flag.Bool("update", false, "write the generated parts of docs/ anew")

// checkDocs compares the part of a file in docs/ between the two lines
//
//	<!-- begin NAME -->
//	<!-- end NAME -->
//
// with what the code says, or writes it there with -update.
func checkDocs(t *testing.T, file, name, want string) {
	t.Helper()
	path := filepath.Join("..", "..", "docs", file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := fmt.Sprintf("<!-- begin %s -->\n", name), fmt.Sprintf("<!-- end %s -->\n", name)
	before, rest, found := strings.Cut(string(text), begin)
	got, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("docs/%s has no place for %q", file, name)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+begin+want+end+after), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if d := diff.Diff(want, got); d != "" {
		t.Errorf("docs/%s is out of date, make docs mends it (-want +got):\n%s", file, d)
	}
}

// documentedRoot is the command tree with defaults that are the same everywhere.
func documentedRoot(t *testing.T) *cobra.Command {
	t.Helper()
	t.Setenv("XDG_DATA_HOME", "")
	t.Setenv("HOME", "/home/user")
	root := newRoot(&app{stdin: strings.NewReader(""), stdout: io.Discard, stderr: io.Discard})
	return root
}

// each calls visit for the command and all below it, in the order of the help.
func each(cmd *cobra.Command, visit func(*cobra.Command)) {
	visit(cmd)
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() && child.Name() != "completion" {
			each(child, visit)
		}
	}
}

func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "[]":
		return ""
	}
	return "`" + strings.Replace(f.DefValue, "/home/user", "~", 1) + "`"
}

// prose keeps angle brackets from being taken for HTML, cell also bars for the
// ends of a table's cells.
func prose(s string) string { return strings.ReplaceAll(s, "<", "&lt;") }

func cell(s string) string { return strings.ReplaceAll(prose(s), "|", `\|`) }

func TestDocsOfCommands(t *testing.T) {
	var b strings.Builder
	each(documentedRoot(t), func(cmd *cobra.Command) {
		if cmd.HasSubCommands() || cmd.Name() == "help" {
			return
		}
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n```\n%s\n```\n", cmd.CommandPath(), prose(strings.TrimSpace(cmp.Or(cmd.Long, cmd.Short+"."))), cmd.UseLine())
		if cmd.Example != "" {
			fmt.Fprintf(&b, "\n```sh\n%s\n```\n", strings.ReplaceAll(strings.TrimSpace(cmd.Example), "\n  ", "\n"))
		}
		var rows []string
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" {
				rows = append(rows, fmt.Sprintf("| `--%s` | %s | %s |\n", f.Name, defaultOf(f), cell(f.Usage)))
			}
		})
		if len(rows) > 0 {
			fmt.Fprintf(&b, "\n| Flag | Default | Meaning |\n|---|---|---|\n%s", strings.Join(rows, ""))
		}
	})
	checkDocs(t, "commands.md", "commands", b.String()+"\n")
}

func TestDocsOfConfiguration(t *testing.T) {
	root := documentedRoot(t)
	var b strings.Builder
	fmt.Fprint(&b, "| Flag | Environment variable | Key of the file | Default | Meaning |\n|---|---|---|---|---|\n")
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		name, key := "`--"+f.Name+"`", "`"+f.Name+"`"
		if f.Shorthand != "" {
			name += ", `-" + f.Shorthand + "`"
		}
		if f.Name == "config" {
			key = ""
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s |\n", name, environment(f.Name), key, defaultOf(f), cell(f.Usage))
	})
	checkDocs(t, "configuration.md", "flags", b.String())

	b.Reset()
	fmt.Fprint(&b, "| Key of `limits` | Default |\n|---|---|\n")
	keys, defaults := reflect.TypeFor[Limits](), reflect.ValueOf(csar.DefaultLimits())
	for i := range keys.NumField() {
		fmt.Fprintf(&b, "| `%s` | %d |\n", keys.Field(i).Tag.Get("yaml"), defaults.Field(i).Int())
	}
	checkDocs(t, "configuration.md", "limits", b.String())

	b.Reset()
	fmt.Fprint(&b, "| Key of `serve` | Meaning |\n|---|---|\n")
	for _, section := range []struct{ name, folder string }{
		{"access", "../../onboarding/access"}, {"keystone", "../../onboarding/access/keystone"}, {"oidc", "../../onboarding/access/oidc"},
	} {
		for _, key := range documentedKeys(t, section.folder) {
			fmt.Fprintf(&b, "| `%s.%s` | %s |\n", section.name, key[0], cell(key[1]))
		}
	}
	checkDocs(t, "configuration.md", "serve", b.String())
}

// documentedKeys returns the YAML keys of the type Config of a package with what the
// comments of its fields say. They begin with the name of the field where they are
// sentences about it.
func documentedKeys(t *testing.T, folder string) (keys [][2]string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(folder, "config.go"), nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Config" {
			return true
		}
		for _, field := range spec.Type.(*ast.StructType).Fields.List {
			key := reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("yaml")
			meaning := strings.Join(strings.Fields(field.Doc.Text()), " ")
			if meaning == "" {
				t.Errorf("%s: %s is not documented", folder, key)
			}
			keys = append(keys, [2]string{key, strings.Replace(meaning, field.Names[0].Name, "`"+key+"`", 1)})
		}
		return false
	})
	return keys
}

func TestDocsOfFindings(t *testing.T) {
	var b strings.Builder
	fmt.Fprint(&b, "| Code | Meaning | Cure |\n|---|---|---|\n")
	for _, info := range onboarding.Codes() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", info.Code, cell(info.Meaning), cell(info.Cure))
	}
	checkDocs(t, "findings.md", "findings", b.String())
}

func TestDocsOfOutput(t *testing.T) {
	for name, printed := range map[string]reflect.Type{
		"onboard":    reflect.TypeFor[onboarding.Report](),
		"image":      reflect.TypeFor[view.Image](),
		"package":    reflect.TypeFor[view.Package](),
		"deleted":    reflect.TypeFor[view.Deleted](),
		"ref":        reflect.TypeFor[imagerepo.ImageRef](),
		"launched":   reflect.TypeFor[onboarding.LaunchReport](),
		"resource":   reflect.TypeFor[view.Resource](),
		"holding":    reflect.TypeFor[onboarding.Holding](),
		"location":   reflect.TypeFor[onboarding.Location](),
		"launch":     reflect.TypeFor[view.Launch](),
		"job":        reflect.TypeFor[job.Job](),
		"happened":   reflect.TypeFor[job.Event](),
		"check":      reflect.TypeFor[view.Check](),
		"doctor":     reflect.TypeFor[imagerepo.Diagnosis](),
		"token":      reflect.TypeFor[view.Token](),
		"inspection": reflect.TypeFor[onboarding.Inspection](),
		"session":    reflect.TypeFor[view.Session](),
		"event":      reflect.TypeFor[view.Event](),
	} {
		checkDocs(t, "output.md", name, "```\n"+form(printed, "")+"\n```\n")
	}
}

// Every example of a configuration in docs/access.md can be taken as it is.
func TestDocsOfAccess(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "access.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(text), "```yaml\n")
	for ; found; _, rest, found = strings.Cut(rest, "```yaml\n") {
		example, _, _ := strings.Cut(rest, "```")
		var config struct {
			Serve struct {
				Access   access.Config
				Keystone *keystone.Config
				OIDC     *oidc.Config
			}
		}
		decoder := yaml.NewDecoder(strings.NewReader(example))
		decoder.KnownFields(true)
		errs := []error{decoder.Decode(&config), config.Serve.Access.Check()}
		if c := config.Serve.Keystone; c != nil {
			errs = append(errs, c.Check())
		}
		if c := config.Serve.OIDC; c != nil {
			errs = append(errs, c.Check())
		}
		if err := errors.Join(errs...); err != nil {
			t.Errorf("%v in:\n%s", err, example)
		}
	}
}

// form renders the JSON form of a type, with ? behind the keys that may be
// absent.
func form(t reflect.Type, indent string) string {
	switch {
	case t == reflect.TypeFor[json.RawMessage]():
		return "any"
	case t.Kind() == reflect.Pointer:
		return form(t.Elem(), indent)
	case t.Kind() == reflect.Slice:
		return "[" + form(t.Elem(), indent) + "]"
	case t.Kind() == reflect.Map:
		return "{ " + form(t.Key(), indent) + ": " + form(t.Elem(), indent) + " }"
	case t.Kind() == reflect.Interface:
		return "any"
	case t.PkgPath() == "time":
		return "time"
	case t.Kind() != reflect.Struct:
		return t.Kind().String()
	}
	var lines []string
	for _, f := range reflect.VisibleFields(t) {
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key == "" || key == "-" {
			continue // embedded, so that its fields are visible too, or not shown
		}
		if options == "omitempty" || options == "omitzero" {
			key += "?"
		}
		lines = append(lines, indent+"  "+key+": "+form(f.Type, indent+"  "))
	}
	return "{\n" + strings.Join(lines, "\n") + "\n" + indent + "}"
}
