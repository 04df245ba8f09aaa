package fetch

import (
	"net/url"
	"strings"
)

const hidden = "xxxxx"

// Redact renders a URL for errors, logs and records: user info and the values of
// the query, where signed URLs have their tokens, are hidden, the fragment is
// left out. Text that is no URL is not shown at all.
func Redact(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "(not a URL)"
	}
	return redact(u)
}

func redact(u *url.URL) string {
	v := *u
	if v.User != nil {
		v.User = url.User(hidden)
	}
	v.Fragment, v.RawFragment = "", ""
	var keys []string
	for part := range strings.SplitSeq(v.RawQuery, "&") {
		key, _, assigned := strings.Cut(part, "=")
		switch {
		case assigned:
			keys = append(keys, key+"="+hidden)
		case part != "":
			keys = append(keys, hidden)
		}
	}
	v.RawQuery = strings.Join(keys, "&")
	if v.Opaque != "" {
		v.Opaque = hidden
	}
	return v.String()
}
