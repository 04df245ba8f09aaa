package tosca

import (
	"math/big"
	"regexp"
	"strings"
)

// scalarUnit is scalar-unit.size of TOSCA (a number, perhaps a blank, a unit),
// with the units of Kubernetes (Mi) and of Heat templates (G) beside it.
// Exponents are left out: they would let three characters ask for gigabytes.
var scalarUnit = regexp.MustCompile(`(?i)^\+?(\d{1,18}(?:\.\d{1,18})?)\s*(?:([kmgt]?)(i?)(b?)|bytes)$`)

// parseSize returns a size in bytes: a unit with an i counts in powers of
// 1024, one without in powers of 1000. A number without a unit counts in bare.
func parseSize(s string, bare int64) (*big.Rat, bool) {
	m := scalarUnit.FindStringSubmatch(strings.TrimSpace(s))
	if m == nil || (m[3] != "" && m[2] == "") {
		return nil, false
	}
	value, ok := new(big.Rat).SetString(m[1])
	if !ok {
		return nil, false
	}
	unit := int64(1)
	if m[2] == "" && m[4] == "" && !strings.Contains(strings.ToLower(s), "b") {
		unit = bare
	}
	base := int64(1000)
	if m[3] != "" {
		base = 1024
	}
	switch strings.ToLower(m[2]) {
	case "k":
		unit = base
	case "m":
		unit = base * base
	case "g":
		unit = base * base * base
	case "t":
		unit = base * base * base * base
	}
	return value.Mul(value, new(big.Rat).SetInt64(unit)), true
}

// ceil returns how many units cover a size; false when there are more than
// int64 holds.
func ceil(size *big.Rat, unit int64) (int64, bool) {
	q := new(big.Rat).Quo(size, new(big.Rat).SetInt64(unit))
	n := new(big.Int).Div(q.Num(), q.Denom())
	if !q.IsInt() {
		n.Add(n, big.NewInt(1))
	}
	return n.Int64(), n.IsInt64()
}

// binary has the binary siblings of the decimal units.
var binary = map[int64]int64{megabyte: 1 << 20, gigabyte: 1 << 30}

// sizeIn reads a size and counts it in units, rounded up. Zero is returned for
// an absent value, and with a finding for one that cannot be read. A size in
// binary units is counted in the binary sibling of the unit: clouds compare
// min_ram and min_disk with flavours that are measured in MiB and GiB, so
// 8192 MiB must stay 8192.
func (r *reader) sizeIn(n node, bare, unit int64) int64 {
	if n.text() == "" {
		return 0
	}
	size, ok := parseSize(n.text(), bare)
	if ok {
		if binary[unit] != 0 && strings.Contains(strings.ToLower(n.text()), "i") {
			unit = binary[unit]
		}
		if count, fits := ceil(size, unit); fits {
			return count
		}
	}
	r.err(CodeNumberMalformed, n.place(), "a size cannot be read").expected("a number and a unit, such as 2 GB or 512 MiB").found("%s", n.text())
	return 0
}
