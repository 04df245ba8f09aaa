package csar

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/gangway-nfv/gangway/tosca"
)

// Error is a fault of the archive that a reader of a member came upon. Callers
// find it with [errors.As] and add its finding to the package's.
type Error struct {
	Finding tosca.Finding
}

// Error implements error.
func (e *Error) Error() string { return e.Finding.String() }

// maxFindings bounds what one archive can make us say about it.
const maxFindings = 1000

// report collects findings that do not end the reading of the archive.
type report struct {
	findings tosca.Findings
}

func (r *report) add(f tosca.Finding) {
	switch {
	case len(r.findings) < maxFindings:
		r.findings = append(r.findings, f)
	case len(r.findings) == maxFindings:
		// Whether the unlisted ones refuse the package is not known any more,
		// so this one does.
		r.findings = append(r.findings, tosca.Finding{Code: tosca.CodeTooManyFindings, Severity: tosca.Error,
			Message: fmt.Sprintf("there are more than %d findings", maxFindings)})
	}
}

// fault returns an error about a member, or about the whole archive if the
// path is empty. It is a *Error: either returned, or its finding reported.
func fault(code tosca.Code, path, format string, args ...any) *Error {
	f := tosca.Finding{Code: code, Severity: tosca.Error, Message: fmt.Sprintf(format, args...), Cure: cureOf(code)}
	f.File = printable(path)
	return &Error{f}
}

// warning is the finding of a fault that leaves the package acceptable.
func warning(code tosca.Code, path, format string, args ...any) tosca.Finding {
	f := fault(code, path, format, args...).Finding
	f.Severity = tosca.Warning
	return f
}

func (e *Error) found(format string, args ...any) *Error {
	e.Finding.Found = printable(fmt.Sprintf(format, args...))
	return e
}

func (e *Error) expected(format string, args ...any) *Error {
	e.Finding.Expected = fmt.Sprintf(format, args...)
	return e
}

// damaged turns an error of a decoder into a fault.
func damaged(path string, err error) error {
	var known *Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault(CodeTruncated, path, "the archive ends in the middle")
	}
	return fault(CodeCorrupt, path, "the archive is damaged").found("%v", err)
}

// printable makes a name of the archive's choosing fit for a terminal or log.
func printable(s string) string {
	const longest = 300
	if len(s) > longest {
		s = s[:longest] + "…"
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	return strings.Map(func(r rune) rune {
		if isControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

func cureOf(code tosca.Code) string {
	for _, info := range codeTable {
		if info.Code == code {
			return info.Cure
		}
	}
	return ""
}
