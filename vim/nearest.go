package vim

import (
	"cmp"
	"slices"
	"strings"
)

// nearest returns up to three of the names that differ least from one of those
// tried, in letters to change (Levenshtein), case aside. A name that differs in
// more than a third of its letters is none.
func nearest(tried []string, names []string) []string {
	type near struct {
		name     string
		distance int
	}
	var hits []near
	for _, name := range names {
		best := -1
		for _, t := range tried {
			limit := max(2, max(len(t), len(name))/3)
			d := distance(strings.ToLower(t), strings.ToLower(name))
			if d <= limit && (best < 0 || d < best) {
				best = d
			}
		}
		if best >= 0 {
			hits = append(hits, near{name, best})
		}
	}
	slices.SortFunc(hits, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.name, b.name))
	})
	var out []string
	for _, h := range hits[:min(3, len(hits))] {
		out = append(out, h.name)
	}
	return out
}

// distance counts the bytes to insert, delete or replace between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
