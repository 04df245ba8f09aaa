package main

import "testing"

func TestSizesOfFlags(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1000": 1000, "1KiB": 1 << 10, "3 MiB": 3 << 20, "64GiB": 64 << 30, "2TiB": 2 << 40,
		"": -1, "-1": -1, "GiB": -1, "1GB": -1, "1.5GiB": -1, "9000000TiB": -1, "9999999999999999999": -1,
	} {
		var got byteSize
		err := got.Set(text)
		if (err != nil) != (want < 0) || err == nil && int64(got) != want {
			t.Errorf("%q is %d, %v", text, got, err)
		}
	}
	for size, want := range map[byteSize]string{0: "0", 1000: "1000", 64 << 30: "64GiB", 1536: "1536", 3 << 10: "3KiB"} {
		if got := size.String(); got != want {
			t.Errorf("%d is printed as %s", int64(size), got)
		}
	}
}
