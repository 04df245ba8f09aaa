package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// direction is where a duration leads to from now, and which end of a day it
// means.
type direction int

const (
	earlier direction = -1 // a day's beginning
	later   direction = 1  // its end
)

// moment reads what a flag says about a time: a duration from now, in days or
// as Go writes it, a day in local time, or a time in RFC 3339. Nothing is the
// zero time.
func moment(flag, text string, now time.Time, d direction) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if number, found := strings.CutSuffix(text, "d"); found {
		if days, err := strconv.ParseUint(number, 10, 16); err == nil {
			return now.AddDate(0, 0, int(d)*int(days)), nil
		}
	}
	if duration, err := time.ParseDuration(text); err == nil && duration >= 0 {
		return now.Add(time.Duration(d) * duration), nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, now.Location()); err == nil {
		if d == later {
			day = day.AddDate(0, 0, 1)
		}
		return day, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("--%s: %q is no duration such as 90d or 12h, no day such as 2027-03-31 and no time such as 2027-03-31T18:00:00Z", flag, text)
}
