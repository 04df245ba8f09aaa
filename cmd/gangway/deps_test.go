package main

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/gangway-nfv/gangway/"

// ownImports says which packages of ours each package imports, tests aside:
// tosca, imagerepo and vim are leaves that know nothing of each other, what is
// below them stays below them, onboarding composes them, and only commands know
// drivers. A new package gets a line here.
var ownImports = map[string]string{
	"tosca": "",

	"imagerepo":                  "",
	"imagerepo/catalog":          "imagerepo",
	"imagerepo/diskfmt":          "",
	"imagerepo/fetch":            "imagerepo/diskfmt",
	"imagerepo/fetch/origintest": "",
	"imagerepo/fsstore":          "imagerepo",
	"imagerepo/repotest":         "imagerepo",

	"vim":            "",
	"vim/glance":     "vim",
	"vim/glancetest": "",

	"onboarding":                "imagerepo imagerepo/diskfmt imagerepo/fetch onboarding/csar tosca vim",
	"onboarding/access":         "",
	"onboarding/client":         "imagerepo imagerepo/fetch onboarding onboarding/access onboarding/csar onboarding/job onboarding/operation onboarding/view onboarding/vnfpkg tosca",
	"onboarding/csar":           "tosca",
	"onboarding/job":            "",
	"onboarding/ledger":         "imagerepo imagerepo/catalog onboarding/access onboarding/job onboarding/notify onboarding/vnfpkg",
	"onboarding/notify":         "onboarding/job onboarding/vnfpkg",
	"onboarding/onboardingtest": "",
	"onboarding/operation":      "imagerepo onboarding onboarding/job onboarding/vnfpkg tosca vim",
	"onboarding/rest":           "imagerepo imagerepo/fetch onboarding onboarding/access onboarding/job onboarding/operation onboarding/vnfpkg vim",
	"onboarding/rest/api":       "imagerepo imagerepo/fetch onboarding onboarding/access onboarding/job onboarding/operation onboarding/rest onboarding/view onboarding/vnfpkg tosca vim",
	"onboarding/view":           "imagerepo imagerepo/fetch onboarding onboarding/access onboarding/job onboarding/operation onboarding/vnfpkg tosca",
	"onboarding/vnfpkg":         "imagerepo imagerepo/fetch onboarding onboarding/csar onboarding/job tosca",

	"onboarding/access/keystone":  "onboarding/access",
	"onboarding/access/oidc":      "onboarding/access",
	"onboarding/rest/etsi":        "imagerepo imagerepo/fetch onboarding/access onboarding/job onboarding/notify onboarding/rest onboarding/rest/etsi/sol013 onboarding/vnfpkg tosca",
	"onboarding/rest/etsi/sol013": "",
	"onboarding/rest/openbaton":   "imagerepo imagerepo/fetch onboarding onboarding/access onboarding/job onboarding/operation onboarding/rest onboarding/vnfpkg tosca",
	"onboarding/rest/resttest":    "imagerepo imagerepo/catalog imagerepo/fetch imagerepo/fsstore onboarding onboarding/access onboarding/job onboarding/ledger onboarding/operation onboarding/rest onboarding/view onboarding/vnfpkg vim vim/glance vim/glancetest",
	"onboarding/rest/tus":         "imagerepo onboarding onboarding/access onboarding/job onboarding/rest onboarding/vnfpkg",
	"onboarding/rest/ui":          "onboarding/rest",

	"cmd/bench": "imagerepo imagerepo/catalog onboarding/job onboarding/onboardingtest onboarding/view vim/glancetest",
	"cmd/gangway": "imagerepo imagerepo/catalog imagerepo/fetch imagerepo/fsstore onboarding onboarding/access onboarding/access/keystone onboarding/access/oidc " +
		"onboarding/client onboarding/csar onboarding/job onboarding/ledger onboarding/notify onboarding/operation onboarding/rest onboarding/rest/api onboarding/rest/etsi onboarding/rest/openbaton onboarding/rest/tus onboarding/rest/ui onboarding/view onboarding/vnfpkg " +
		"tosca vim vim/glance",
	"cmd/mkcsar": "onboarding/onboardingtest",
	"cmd/demo":   "imagerepo/fetch/origintest onboarding/onboardingtest vim/glance vim/glancetest",
}

// importers says which packages of ours may import a module of somebody else's,
// tests aside. Most have one importer, so that they can be replaced.
var importers = map[string]string{
	"github.com/coreos/go-oidc/v3":          "onboarding/access/oidc",
	"github.com/danielgtaylor/huma/v2":      "onboarding/rest/api",
	"github.com/dsnet/compress":             "onboarding/onboardingtest",
	"github.com/google/go-cmp":              "imagerepo/repotest",
	"github.com/google/uuid":                "imagerepo imagerepo/fsstore onboarding/access onboarding/client onboarding/job onboarding/notify onboarding/rest/openbaton vim vim/glance",
	"github.com/gophercloud/gophercloud/v2": "onboarding/access/keystone vim/glance",
	"github.com/hashicorp/go-retryablehttp": "imagerepo/fetch",
	"github.com/hashicorp/golang-lru/v2":    "onboarding/access",
	"github.com/klauspost/compress":         "imagerepo/fetch onboarding/csar onboarding/onboardingtest",
	"github.com/mholt/archiver/v4":          "onboarding/csar",
	"github.com/pressly/goose/v3":           "imagerepo/catalog",
	"github.com/prometheus/client_golang":   "onboarding/rest",
	"github.com/spf13/cobra":                "cmd/gangway",
	"github.com/spf13/pflag":                "cmd/gangway",
	"github.com/therootcompany/xz":          "imagerepo/fetch",
	"github.com/ulikunitz/xz":               "onboarding/onboardingtest",
	"github.com/vbauerster/mpb/v8":          "cmd/gangway",
	"golang.org/x/oauth2":                   "onboarding/notify",
	"golang.org/x/sync":                     "cmd/bench imagerepo imagerepo/fsstore onboarding/vnfpkg vim vim/glance",
	"golang.org/x/sys":                      "cmd/gangway imagerepo/catalog imagerepo/fsstore onboarding/client onboarding/vnfpkg",
	"golang.org/x/term":                     "cmd/gangway",
	"golang.org/x/time":                     "onboarding/access",
	"gopkg.in/yaml.v3":                      "cmd/bench cmd/gangway tosca vim/glance",
	"modernc.org/sqlite":                    "imagerepo/catalog",
}

// imports has the direct imports of every package of ours.
type imports map[string][]string

// list returns the graph, and the module of every package in it or imported by
// it but those of the standard library.
func list(t *testing.T) (graph imports, modules map[string]string) {
	t.Helper()
	const format = `{{if not .Standard}}{{.ImportPath}} {{.Module.Path}} {{join .Imports " "}}{{end}}`
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, "../../...").Output()
	if err != nil {
		t.Fatal(err)
	}
	graph, modules = make(imports), make(map[string]string)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		modules[fields[0]] = fields[1]
		if fields[1]+"/" == module {
			graph[fields[0]] = fields[2:]
		}
	}
	return graph, modules
}

// path returns the shortest chain of imports that leads from a package of ours
// to one that is wanted, or nil.
func (g imports) path(from string, wanted func(string) bool) []string {
	queue, seen := [][]string{{from}}, map[string]bool{from: true}
	for len(queue) > 0 {
		chain := queue[0]
		queue = queue[1:]
		last := chain[len(chain)-1]
		if wanted(last) {
			return chain
		}
		for _, next := range g[last] {
			if !seen[next] {
				seen[next] = true
				queue = append(queue, append(slices.Clone(chain), next))
			}
		}
	}
	return nil
}

func TestPackagesImportWhatTheTableSays(t *testing.T) {
	graph, _ := list(t)
	got := make(map[string][]string)
	for path, imported := range graph {
		name := strings.TrimPrefix(path, module)
		got[name] = nil
		for _, of := range imported {
			if own, ours := strings.CutPrefix(of, module); ours {
				got[name] = append(got[name], own)
			}
		}
	}
	compare(t, ownImports, got, "→")
}

func TestModulesAreImportedWhereTheTableSays(t *testing.T) {
	graph, modules := list(t)
	got := make(map[string][]string)
	for path, imported := range graph {
		name := strings.TrimPrefix(path, module)
		for _, of := range imported {
			if m := modules[of]; m != "" && m+"/" != module && !slices.Contains(got[m], name) {
				got[m] = append(got[m], name)
			}
		}
	}
	compare(t, importers, got, "←")
}

// compare reports what the table does not allow, and lines of the table that
// are not so any more.
func compare(t *testing.T, table map[string]string, got map[string][]string, arrow string) {
	t.Helper()
	for _, name := range slices.Sorted(maps.Keys(got)) {
		allowed, listed := table[name]
		if !listed {
			t.Errorf("%s is not in the table", name)
		}
		for _, other := range got[name] {
			if !slices.Contains(strings.Fields(allowed), other) {
				t.Errorf("%s %s %s is not in the table", name, arrow, other)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(table)) {
		if _, exists := got[name]; !exists {
			t.Errorf("the table has %s, which is not there any more", name)
		}
		for other := range strings.FieldsSeq(table[name]) {
			if !slices.Contains(got[name], other) {
				t.Errorf("the table has %s %s %s, which is not so any more", name, arrow, other)
			}
		}
	}
}

// What is made for tests stays out of the binary that users run.
func TestTheBinaryHasNothingThatIsForTests(t *testing.T) {
	graph, _ := list(t)
	chain := graph.path(module+"cmd/gangway", func(path string) bool { return strings.HasSuffix(path, "test") })
	if chain != nil {
		t.Error(strings.ReplaceAll(strings.Join(chain, " → "), module, ""))
	}
}
