package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"gopkg.in/yaml.v3"

	"github.com/gangway-nfv/gangway/onboarding"
)

// print writes a value in the form that was asked for; text is what prints it
// for people.
func (a *app) print(value any, text func(io.Writer) error) error {
	switch a.config.Output {
	case "json":
		encoder := json.NewEncoder(a.stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	case "yaml":
		return yaml.NewEncoder(a.stdout).Encode(value)
	}
	return text(a.stdout)
}

// printItem writes one of many values: a line of JSON, or a YAML document.
func (a *app) printItem(value any) error {
	if a.config.Output == "json" {
		encoder := json.NewEncoder(a.stdout)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(value)
	}
	if _, err := fmt.Fprintln(a.stdout, "---"); err != nil {
		return err
	}
	return yaml.NewEncoder(a.stdout).Encode(value)
}

// table writes rows under a heading, in aligned columns.
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

// printable keeps what packages name from steering a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return '\uFFFD'
		}
		return r
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
		fmt.Fprintf(w, "  %s: %s%s [%s]\n", f.Severity, printable(at), printable(f.Message), f.Code)
		if f.Expected != "" {
			fmt.Fprintf(w, "      expected  %s\n", printable(f.Expected))
		}
		if f.Found != "" {
			fmt.Fprintf(w, "      found     %s\n", printable(f.Found))
		}
		if f.Cure != "" {
			fmt.Fprintf(w, "      cure      %s\n", printable(f.Cure))
		}
	}
	if report.Error != "" {
		fmt.Fprintf(w, "  error: %s\n", printable(report.Error))
	}
}
