package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"gopkg.in/yaml.v3"

	"github.com/gangway-nfv/gangway/onboarding"
)

// print writes a value in the form that was asked for; text is what prints it
// for people.
func (a *app) print(value any, text func(io.Writer) error) error {
	switch a.config.Output {
	case "json":
		return writeJSON(a.stdout, value, "  ")
	case "yaml":
		return writeYAML(a.stdout, value)
	}
	return text(a.stdout)
}

// printItem writes one of many values as print does, but as a line of JSON or a
// YAML document of its own.
func (a *app) printItem(value any, text func(io.Writer) error) error {
	switch a.config.Output {
	case "json":
		return writeJSON(a.stdout, value, "")
	case "yaml":
		if _, err := fmt.Fprintln(a.stdout, "---"); err != nil {
			return err
		}
		return writeYAML(a.stdout, value)
	}
	return text(a.stdout)
}

// writeJSON writes a value as JSON, indented unless indent is empty.
func writeJSON(w io.Writer, value any, indent string) error {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetIndent("", indent)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return err
	}
	// JSON itself escapes only the controls below the space.
	var safe strings.Builder
	for _, r := range text.String() {
		if isControl(r) {
			fmt.Fprintf(&safe, `\u%04x`, r)
		} else {
			safe.WriteRune(r)
		}
	}
	_, err := io.WriteString(w, safe.String())
	return err
}

// isControl reports the controls that JSON writes as they are: DEL, C1, and
// noncharacters that YAML does not accept.
func isControl(r rune) bool {
	return r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0xfffe || r == 0xffff
}

// writeYAML writes a value in YAML, with the names and values that it has in
// JSON.
func writeYAML(w io.Writer, value any) error {
	var text bytes.Buffer
	if err := writeJSON(&text, value, ""); err != nil {
		return err
	}
	var document yaml.Node // keeps the order
	if err := yaml.Unmarshal(text.Bytes(), &document); err != nil {
		return err
	}
	plain(&document)
	encoder := yaml.NewEncoder(w)
	encoder.SetIndent(2)
	if err := encoder.Encode(&document); err != nil {
		return err
	}
	return encoder.Close()
}

// plain takes the quotes and brackets of JSON off.
func plain(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		plain(child)
	}
}

// table writes rows under a heading, in aligned columns. What may be long comes
// last, so that it does not push the others apart.
func table(w io.Writer, heading string, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, heading)
	for _, row := range rows {
		for i := range row {
			row[i] = printable(row[i])
		}
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

// printable keeps what packages name from steering a terminal, or from showing
// a text in another order than it has.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsGraphic(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
}

// size renders bytes for people.
func size(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	value, unit := float64(n)/1024, 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.1f %ciB", value, units[unit])
}

// printFindings writes the findings of a report with their cures.
func printFindings(w io.Writer, report onboarding.Report) {
	for _, f := range report.Findings {
		at := f.Place.String()
		if at != "" {
			at += ": "
		}
		fmt.Fprintf(w, "  %s: %s [%s]\n", f.Severity, printable(at+f.Message), f.Code)
		for _, detail := range [][2]string{{"expected", f.Expected}, {"found", f.Found}, {"cure", f.Cure}} {
			if detail[1] != "" {
				fmt.Fprintf(w, "      %-8s  %s\n", detail[0], printable(detail[1]))
			}
		}
	}
	if report.Error != "" {
		fmt.Fprintf(w, "  error: %s\n", printable(strings.ReplaceAll(report.Error, "\n", "; ")))
	}
}
