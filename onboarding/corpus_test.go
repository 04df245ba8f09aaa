package onboarding_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/tosca"
)

// TestCorpus validates a folder of real packages, which is no part of the
// project, and compares the outcome with the verdicts of those who collected
// them. The environment variable GANGWAY_TEST_CORPUS names the folder. Its
// manifest.tsv has a row for each package, tab-separated and without quoting,
// under a first row with the names of the columns. These are used:
//
//	id        a name for the package
//	archive   its path, from the folder
//	expected  accept or reject
//	scope     of a reject: core/… for what must be refused, optional/… for what
//	          need not, but deserves a warning
//	reason    of a reject: why; a code of ours where there is one
//
// A package to accept must be valid, with whatever warnings. One to reject must
// be refused for its reason, or, where that is optional, at least warned of.
//
// What comes out otherwise stands in testdata/corpus-exceptions.tsv with the
// reason why: what is right as it is, and what is still to come. The list and
// the disagreements must be the same.
func TestCorpus(t *testing.T) {
	folder := os.Getenv("GANGWAY_TEST_CORPUS")
	if folder == "" {
		t.Skip("GANGWAY_TEST_CORPUS names no folder of packages")
	}
	listed := map[string]string{}
	for row := range table(t, filepath.Join("testdata", "corpus-exceptions.tsv")) {
		if row["why"] == "" {
			t.Errorf("exception %s has no reason", row["id"])
		}
		listed[row["id"]] = row["verdict"]
	}
	var alone onboarding.Pipeline
	for row := range table(t, filepath.Join(folder, "manifest.tsv")) {
		t.Run(row["id"], func(t *testing.T) {
			report, err := alone.Validate(t.Context(), onboarding.FileSource(filepath.Join(folder, row["archive"])), onboarding.Options{})
			if err != nil {
				t.Fatal(err)
			}
			verdict, agrees := judged(row, report)
			exception, ok := listed[row["id"]]
			delete(listed, row["id"])
			switch {
			case ok && agrees:
				t.Errorf("%s agrees, and is listed as %q", verdict, exception)
			case !ok && !agrees, ok && verdict != exception:
				t.Errorf("%s, listed is %q, expected %s %s %s; findings:\n%s",
					verdict, exception, row["expected"], row["scope"], row["reason"], text(report.Findings))
			}
		})
	}
	for id := range listed {
		t.Errorf("exception %s is no package of the folder", id)
	}
}

// judged returns our verdict on a package, and whether it agrees with the one
// that is expected.
func judged(row map[string]string, report onboarding.Report) (verdict string, agrees bool) {
	var errors []string
	for _, f := range report.Findings {
		if f.Severity == tosca.Error {
			errors = append(errors, string(f.Code))
		}
	}
	slices.Sort(errors)
	errors = slices.Compact(errors)
	verdict = "accepted"
	if report.Status != onboarding.Valid {
		verdict = "refused for " + strings.Join(errors, ", ")
	}
	switch {
	case row["expected"] == "accept":
		return verdict, report.Status == onboarding.Valid
	case strings.HasPrefix(row["scope"], "core/"):
		return verdict, slices.Contains(errors, row["reason"])
	}
	return verdict, len(report.Findings) > 0
}

// table returns the rows of a tab-separated file by their columns' names.
func table(t *testing.T, file string) func(yield func(map[string]string) bool) {
	t.Helper()
	opened, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNow(t, opened) })
	return func(yield func(map[string]string) bool) {
		lines := bufio.NewScanner(opened)
		var columns []string
		for lines.Scan() {
			fields := strings.Split(lines.Text(), "\t")
			if columns == nil {
				columns = fields
				continue
			}
			if len(fields) != len(columns) {
				t.Errorf("%s: a row of %d fields, not %d: %s", file, len(fields), len(columns), fmt.Sprintf("%.80q", lines.Text()))
				continue
			}
			row := map[string]string{}
			for i, column := range columns {
				row[column] = fields[i]
			}
			if !yield(row) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}
