package main

import (
	"testing"
	"time"
)

func TestMomentsAreReadAsPeopleWriteThem(t *testing.T) {
	zone := time.FixedZone("here", 2*60*60)
	now := time.Date(2027, 3, 10, 12, 0, 0, 0, zone)
	for text, want := range map[string]struct{ earlier, later string }{
		"7d":                        {"2027-03-03T12:00:00+02:00", "2027-03-17T12:00:00+02:00"},
		"90m":                       {"2027-03-10T10:30:00+02:00", "2027-03-10T13:30:00+02:00"},
		"0s":                        {"2027-03-10T12:00:00+02:00", "2027-03-10T12:00:00+02:00"},
		"2027-03-31":                {"2027-03-31T00:00:00+02:00", "2027-04-01T00:00:00+02:00"},
		"2027-03-31T18:00:00Z":      {"2027-03-31T18:00:00Z", "2027-03-31T18:00:00Z"},
		"2027-03-31T18:00:00+01:00": {"2027-03-31T18:00:00+01:00", "2027-03-31T18:00:00+01:00"},
	} {
		for d, want := range map[direction]string{earlier: want.earlier, later: want.later} {
			got, err := moment("since", text, now, d)
			if err != nil || got.Format(time.RFC3339) != want {
				t.Errorf("%s in direction %d is %s (%v), want %s", text, d, got.Format(time.RFC3339), err, want)
			}
		}
	}
	for _, text := range []string{"-7d", "-1h", "d", "1.5d", "99999d", "31.3.2027", "2027-02-30", "now", " 1h"} {
		if got, err := moment("since", text, now, later); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
	if got, err := moment("since", "", now, later); err != nil || !got.IsZero() {
		t.Errorf("nothing is %s, %v", got, err)
	}
}
