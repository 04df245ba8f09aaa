package tosca

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Severity says what a finding means for the package.
type Severity string

const (
	// Error refuses the package.
	Error Severity = "error"
	// Warning leaves the package acceptable but names something that its
	// author should mend.
	Warning Severity = "warning"
)

// Code names a kind of finding. Codes are part of the public interface: they
// are never reused or renamed.
type Code string

// CodeInfo documents a code for the table in docs/findings.md.
type CodeInfo struct {
	Code    Code
	Meaning string // one sentence: when the finding is raised
	Cure    string // one sentence: what the author or operator does about it
}

// Place is a position in a file of the package. Line and Column start at 1;
// zero means that the finding concerns the whole file, or, with an empty File,
// the whole package.
type Place struct {
	File   string `json:"file,omitempty" yaml:"file,omitempty"`
	Line   int    `json:"line,omitempty" yaml:"line,omitempty"`
	Column int    `json:"column,omitempty" yaml:"column,omitempty"`
}

// String renders the place in the form file:line:column that editors follow.
func (p Place) String() string {
	switch {
	case p.File == "":
		return ""
	case p.Line == 0:
		return p.File
	case p.Column == 0:
		return fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Finding is one thing that is wrong, or suspicious, about a package.
type Finding struct {
	Code     Code     `json:"code" yaml:"code"`
	Severity Severity `json:"severity" yaml:"severity"`
	Message  string   `json:"message" yaml:"message"`
	Place    `yaml:",inline"`
	Expected string `json:"expected,omitempty" yaml:"expected,omitempty"`
	Found    string `json:"found,omitempty" yaml:"found,omitempty"`
	Cure     string `json:"cure,omitempty" yaml:"cure,omitempty"`
}

// String renders the finding in one line, as logs and error texts show it.
func (f Finding) String() string {
	var b strings.Builder
	if at := f.Place.String(); at != "" {
		b.WriteString(at + ": ")
	}
	fmt.Fprintf(&b, "%s: %s [%s]", f.Severity, f.Message, f.Code)
	return b.String()
}

// Findings is the list of everything found in one run.
type Findings []Finding

// Refused reports whether any finding is an error.
func (fs Findings) Refused() bool {
	return slices.ContainsFunc(fs, func(f Finding) bool { return f.Severity == Error })
}

// Sorted returns the findings ordered by file, line and column, errors before
// warnings where the place is the same, without exact repetitions.
func (fs Findings) Sorted() Findings {
	out := slices.Clone(fs)
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(out)
}
