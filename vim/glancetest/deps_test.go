package glancetest_test

import (
	"os/exec"
	"strings"
	"testing"
)

// TestDependsOnTheStandardLibraryAlone keeps the promise of doc.go: a binary
// that carries this package carries nothing else with it, above all not testing.
func TestDependsOnTheStandardLibraryAlone(t *testing.T) {
	const format = `{{if or (not .Standard) (eq .ImportPath "testing" "net/http/httptest")}}{{.ImportPath}}{{end}}`
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", format, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for path := range strings.FieldsSeq(string(out)) {
		if path != "github.com/gangway-nfv/gangway/vim/glancetest" {
			t.Errorf("depends on %s", path)
		}
	}
}
