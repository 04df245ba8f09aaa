package tosca_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/tosca"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// mapFiles is a package in memory: content by path.
type mapFiles map[string]string

func (m mapFiles) List() []tosca.FileInfo {
	var out []tosca.FileInfo
	for path, content := range m {
		out = append(out, tosca.FileInfo{Path: path, Size: int64(len(content))})
	}
	slices.SortFunc(out, func(a, b tosca.FileInfo) int { return strings.Compare(a.Path, b.Path) })
	return out
}

func (m mapFiles) ReadFile(path string) ([]byte, error) {
	content, ok := m[path]
	if !ok {
		return nil, fmt.Errorf("read %s: %w", path, fs.ErrNotExist)
	}
	if content == tooLarge {
		return nil, fmt.Errorf("read %s: %w", path, tosca.ErrTooLarge)
	}
	return []byte(content), nil
}

const tooLarge = "\x00too large"

// with returns a copy of the package with files replaced, added, or, where the
// content is empty, removed.
func (m mapFiles) with(pairs ...string) mapFiles {
	out := mapFiles{}
	for path, content := range m {
		out[path] = content
	}
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i]] = pairs[i+1]
		if pairs[i+1] == "" {
			delete(out, pairs[i])
		}
	}
	return out
}

// edit returns a copy of the package in which old, which must be there, is
// replaced in one file.
func (m mapFiles) edit(t *testing.T, path, old, replacement string) mapFiles {
	t.Helper()
	if !strings.Contains(m[path], old) {
		t.Fatalf("%s does not contain %q", path, old)
	}
	return m.with(path, strings.Replace(m[path], old, replacement, 1))
}

// summary lists findings as "severity code file:line:column".
func summary(findings tosca.Findings) []string {
	out := []string{}
	for _, f := range findings {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Severity, f.Code, f.Place)))
	}
	return out
}

func wantFindings(t *testing.T, got tosca.Findings, want ...string) {
	t.Helper()
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, summary(got)); diff != "" {
		t.Errorf("findings (-want +got):\n%s\n%s", diff, got)
	}
	wantDocumented(t, got)
}

// wantDocumented checks that every finding that a test provokes has its code
// in the table, and brings its cure.
func wantDocumented(t *testing.T, got tosca.Findings) {
	t.Helper()
	documented := map[tosca.Code]tosca.CodeInfo{}
	for _, info := range tosca.Codes() {
		documented[info.Code] = info
	}
	for _, f := range got {
		if info := documented[f.Code]; info.Meaning == "" || f.Cure != info.Cure || f.Message == "" {
			t.Errorf("finding %s has no documented code and cure", f)
		}
	}
}

// images lists the images by name and source, vdus the VDUs by name and
// alternatives.
func images(p *tosca.Package) []string {
	out := []string{}
	for _, d := range p.Images {
		out = append(out, strings.TrimSpace(d.Name+" "+d.File+d.URL))
	}
	return out
}

func vdus(p *tosca.Package) []string {
	out := []string{}
	for _, v := range p.VDUs {
		out = append(out, strings.TrimSpace(v.Name+": "+strings.Join(v.Images, ", ")))
	}
	return out
}

func wantModel(t *testing.T, p *tosca.Package, wantVDUs, wantImages []string) {
	t.Helper()
	if diff := cmp.Diff(wantVDUs, vdus(p)); diff != "" {
		t.Errorf("VDUs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantImages, images(p)); diff != "" {
		t.Errorf("images (-want +got):\n%s", diff)
	}
}

// golden compares the whole model with a file of testdata/golden.
func golden(t *testing.T, name string, p *tosca.Package) {
	t.Helper()
	got, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := filepath.Join("testdata", "golden", name+".json")
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("model (-want +got):\n%s", diff)
	}
}

func TestCodesAreDocumentedOnceEach(t *testing.T) {
	codes := tosca.Codes()
	if len(codes) == 0 {
		t.Fatal("no codes")
	}
	for i, info := range codes {
		if i > 0 && codes[i-1].Code >= info.Code {
			t.Errorf("%s stands after %s", info.Code, codes[i-1].Code)
		}
		if !strings.HasSuffix(info.Meaning, ".") || !strings.HasSuffix(info.Cure, ".") {
			t.Errorf("%s: meaning and cure must be sentences", info.Code)
		}
		if strings.ToLower(string(info.Code)) != string(info.Code) || strings.ContainsAny(string(info.Code), " _") {
			t.Errorf("%s is not a slug", info.Code)
		}
	}
	codes[0].Meaning = "changed"
	if tosca.Codes()[0].Meaning == "changed" {
		t.Error("the caller can change the table")
	}
}

// TestEveryCodeIsInTheTable reads the constants out of the source: a code
// without a row would have no cure in any finding.
func TestEveryCodeIsInTheTable(t *testing.T) {
	source, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, info := range tosca.Codes() {
		documented[string(info.Code)] = true
	}
	declared := 0
	for line := range strings.Lines(string(source)) {
		if _, value, ok := strings.Cut(line, " Code = "); ok {
			declared++
			if code := strings.Trim(strings.TrimSpace(value), `"`); !documented[code] {
				t.Errorf("%s is not documented", code)
			}
		}
	}
	if declared != len(documented) {
		t.Errorf("%d codes are declared, %d documented", declared, len(documented))
	}
}
