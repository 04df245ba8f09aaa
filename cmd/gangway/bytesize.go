package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is the value of a flag that is a size, in bytes or with a unit, such as
// 64GiB.
type byteSize int64

// byteUnits is never written to.
var byteUnits = []struct {
	name  string
	bytes int64
}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String implements [pflag.Value].
func (b *byteSize) String() string {
	for _, unit := range byteUnits {
		if *b > 0 && int64(*b)%unit.bytes == 0 {
			return strconv.FormatInt(int64(*b)/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(*b), 10)
}

// Set implements [pflag.Value].
func (b *byteSize) Set(text string) error {
	number, factor := text, int64(1)
	for _, unit := range byteUnits {
		if rest, found := strings.CutSuffix(text, unit.name); found {
			number, factor = strings.TrimSpace(rest), unit.bytes
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/factor {
		return fmt.Errorf("%q is no size in bytes, or with KiB, MiB, GiB or TiB", text)
	}
	*b = byteSize(n * factor)
	return nil
}

// Type implements [pflag.Value].
func (b *byteSize) Type() string { return "size" }
