package fetch

import (
	"strconv"
	"strings"
)

// contentRange is a Content-Range header in bytes. Unknown numbers are -1: first
// and last of an unsatisfied range, total of a length that the server does not
// know.
type contentRange struct{ first, last, total int64 }

// parseContentRange reads a header of RFC 9110, 14.4: "bytes 0-9/100",
// "bytes 0-9/*" or "bytes */100".
func parseContentRange(value string) (contentRange, bool) {
	unit, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	span, size, found := strings.Cut(strings.TrimSpace(rest), "/")
	if !found || !strings.EqualFold(unit, "bytes") {
		return contentRange{}, false
	}
	r := contentRange{first: -1, last: -1, total: -1}
	var ok bool
	if size != "*" {
		if r.total, ok = parseLength(size); !ok {
			return contentRange{}, false
		}
	}
	if span == "*" {
		return r, r.total >= 0
	}
	first, last, _ := strings.Cut(span, "-")
	if r.first, ok = parseLength(first); !ok {
		return contentRange{}, false
	}
	if r.last, ok = parseLength(last); !ok {
		return contentRange{}, false
	}
	return r, r.first <= r.last && (r.total < 0 || r.last < r.total)
}

// parseLength reads a decimal number of bytes, without a sign.
func parseLength(s string) (int64, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err == nil
}
