package sol013

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// markerName is the parameter of the link to the next page.
const markerName = "nextpage_opaque_marker"

// Error says what is wrong with a query. It belongs into an answer of 400.
type Error struct {
	Parameter string
	Reason    string
}

func (e *Error) Error() string { return fmt.Sprintf("query parameter %q: %s", e.Parameter, e.Reason) }

// Query is what was asked of a list. It does not change and is safe for
// concurrent use.
type Query struct {
	// After is where the page before this one ended, in the words of the caller
	// of [Query.Next]; empty for the first page.
	After string

	raw      string // without a marker
	filter   []group
	selector selector
}

// marker is what makes the opaque marker: all of the first query, since clients
// are known to lose parameters without a value when they follow a link.
type marker struct {
	Query string `json:"q,omitempty"`
	After string `json:"a"`
}

// Parse reads a query string as it was sent, for instance from
// [net/url.URL.RawQuery]. Errors are of type [*Error].
func (t *Type) Parse(raw string) (Query, error) {
	parameters, err := split(raw)
	if err != nil {
		return Query{}, err
	}
	for _, p := range parameters {
		if p.name == markerName {
			return t.resume(p.value)
		}
	}
	return t.parse(raw, parameters)
}

func (t *Type) resume(opaque string) (Query, error) {
	var m marker
	decoded, err := base64.RawURLEncoding.DecodeString(opaque)
	if err == nil {
		err = json.Unmarshal(decoded, &m)
	}
	if err != nil || m.After == "" {
		return Query{}, &Error{markerName, "it is none that this server gave; follow the link of a page as it is"}
	}
	parameters, err := split(m.Query)
	if err != nil {
		return Query{}, err
	}
	q, err := t.parse(m.Query, parameters)
	q.After = m.After
	return q, err
}

func (t *Type) parse(raw string, parameters []parameter) (Query, error) {
	q := Query{raw: raw}
	var conditions []condition
	var selectors selectors
	for _, p := range parameters {
		var more []condition
		var err error
		switch p.name {
		case "filter":
			more, err = t.root.parseFilter(p.value)
		case "all_fields", "exclude_default", "fields", "exclude_fields":
			err = selectors.add(t, p)
		case markerName:
			err = &Error{p.name, "a marker within a marker"}
		default:
			more, err = t.root.parseLegacy(p)
		}
		if err != nil {
			return Query{}, err
		}
		if conditions = append(conditions, more...); len(conditions) > maxConditions {
			return Query{}, &Error{p.name, fmt.Sprintf("more than %d expressions", maxConditions)}
		}
	}
	var err error
	q.filter = grouped(conditions)
	q.selector, err = selectors.choose(t)
	return q, err
}

// Next is the query string of the page that begins behind the one given.
func (q Query) Next(after string) string {
	opaque, err := json.Marshal(marker{Query: q.raw, After: after})
	if err != nil {
		panic(err) // two strings
	}
	return markerName + "=" + base64.RawURLEncoding.EncodeToString(opaque)
}

// parameter is one part of a query string, decoded.
type parameter struct {
	name, value string
	bare        bool // no equals sign
}

// split takes a query string apart. Only & separates: net/url also rejects a
// semicolon, which separates the expressions of a filter.
func split(raw string) ([]parameter, error) {
	var parameters []parameter
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, assigned := strings.Cut(part, "=")
		p := parameter{bare: !assigned}
		var err error
		if p.name, err = url.QueryUnescape(name); err == nil {
			p.value, err = url.QueryUnescape(value)
		}
		if err != nil {
			return nil, &Error{name, "it is not percent-encoded correctly"}
		}
		parameters = append(parameters, p)
	}
	return parameters, nil
}
