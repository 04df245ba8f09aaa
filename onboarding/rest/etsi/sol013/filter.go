package sol013

import (
	"fmt"
	"slices"
	"strings"
)

const (
	// maxConditions bounds the work that one query can ask for.
	maxConditions = 100
	// keyName is the attribute name that stands for the names of KeyValuePairs.
	keyName = "@key"
)

// operator compares an attribute with values. Those that negate another hold
// for an attribute that is not there.
type operator string

const (
	eq    operator = "eq"
	neq   operator = "neq"
	in    operator = "in"
	nin   operator = "nin"
	gt    operator = "gt"
	gte   operator = "gte"
	lt    operator = "lt"
	lte   operator = "lte"
	cont  operator = "cont"
	ncont operator = "ncont"
)

func (o operator) valid() bool {
	switch o {
	case eq, neq, in, nin, gt, gte, lt, lte, cont, ncont:
		return true
	}
	return false
}

// several reports whether the operator takes more than one value.
func (o operator) several() bool { return slices.Contains([]operator{in, nin, cont, ncont}, o) }

// negates returns the operator that is true where o is false.
func (o operator) negates() (operator, bool) {
	switch o {
	case neq:
		return eq, true
	case nin:
		return in, true
	case ncont:
		return cont, true
	}
	return o, false
}

// orders reports whether the operator needs an order of values.
func (o operator) orders() bool { return slices.Contains([]operator{gt, gte, lt, lte}, o) }

// condition is one simple filter expression.
type condition struct {
	op     operator
	prefix []string
	leaf   string
	kind   kind
	values []string
}

// newCondition checks an expression against the attribute that it is about.
func (a *attribute) newCondition(parameter string, op operator, path, values []string) (condition, error) {
	name := strings.Join(path, "/")
	fail := func(format string, args ...any) (condition, error) {
		return condition{}, &Error{parameter, fmt.Sprintf(format, args...)}
	}
	leaf := a.find(path)
	switch {
	case !op.valid():
		return fail("%q is no operator; there are eq, neq, in, nin, gt, gte, lt, lte, cont and ncont", op)
	case leaf == nil:
		return fail("there is no attribute %q", name)
	case leaf.kind == object, leaf.kind == pairs:
		return fail("attribute %q has attributes of its own; name one of them", name)
	case len(values) > 1 && !op.several():
		return fail("%s takes one value", op)
	case op.orders() && leaf.kind == boolean:
		return fail("attribute %q has no order for %s", name, op)
	case (op == cont || op == ncont) && leaf.kind != text && leaf.kind != free:
		return fail("attribute %q is no text for %s", name, op)
	}
	for _, value := range values {
		if !leaf.kind.reads(value) {
			return fail("%q cannot be a value of attribute %q", value, name)
		}
	}
	last := len(path) - 1
	return condition{op: op, prefix: path[:last], leaf: path[last], kind: leaf.kind, values: values}, nil
}

// parseFilter reads the value of a filter parameter: expressions in
// parentheses, separated by semicolons.
func (a *attribute) parseFilter(filter string) ([]condition, error) {
	var conditions []condition
	p := scanner{rest: filter}
	for {
		if !p.take('(') {
			return nil, p.fail("expected (")
		}
		op, _ := p.until(",)")
		path, end := p.until(",)")
		if end != ',' {
			return nil, p.fail("expected (operator,attribute,value)")
		}
		var values []string
		for end == ',' {
			value, err := p.value()
			if err != nil {
				return nil, err
			}
			values = append(values, value)
			switch {
			case p.take(','):
			case p.take(')'):
				end = ')'
			default:
				return nil, p.fail("expected , or ) after a value")
			}
		}
		c, err := a.newCondition("filter", operator(op), splitPath(path), values)
		if err != nil {
			return nil, err
		}
		if conditions = append(conditions, c); p.rest == "" {
			return conditions, nil
		}
		if len(conditions) > maxConditions {
			return conditions, nil // the caller refuses
		}
		if !p.take(';') {
			return nil, p.fail("expected ; between expressions")
		}
	}
}

// parseLegacy reads attribute.op=value (SOL 003 and 005 version 2.4.1, clause
// 4.3.2), where several values are alternatives.
func (a *attribute) parseLegacy(p parameter) ([]condition, error) {
	path := strings.FieldsFunc(p.name, func(r rune) bool { return r == '.' || r == '/' })
	op := eq
	if last := len(path) - 1; last > 0 && operator(path[last]).valid() {
		op, path = operator(path[last]), path[:last]
	}
	if p.bare || a.find(path) == nil || len(path) == 0 {
		return nil, &Error{p.name, "it is neither a parameter of this resource nor an attribute"}
	}
	values := strings.Split(p.value, ",")
	switch {
	case op == eq && len(values) > 1:
		op = in
	case op == neq && len(values) > 1:
		op = nin
	}
	c, err := a.newCondition(p.name, op, path, values)
	return []condition{c}, err
}

// splitPath takes an attribute reference apart; a tilde escapes what would
// separate.
func splitPath(path string) []string {
	names := strings.Split(path, "/")
	for i, name := range names {
		if name == keyName {
			continue
		}
		names[i] = strings.NewReplacer("~0", "~", "~1", "/", "~a", ",", "~b", "@").Replace(name)
	}
	return names
}

// scanner reads a filter from left to right.
type scanner struct{ rest string }

func (s *scanner) take(c byte) bool {
	if s.rest == "" || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// until takes what comes before one of the ends and that end itself, which is
// zero at the end of the text.
func (s *scanner) until(ends string) (string, byte) {
	i := strings.IndexAny(s.rest, ends)
	if i < 0 {
		taken := s.rest
		s.rest = ""
		return taken, 0
	}
	taken, end := s.rest[:i], s.rest[i]
	s.rest = s.rest[i+1:]
	return taken, end
}

// value takes a value: plain, or in single quotes with a quote in it doubled.
func (s *scanner) value() (string, error) {
	if !s.take('\'') {
		i := strings.IndexAny(s.rest, ",)'")
		if i < 0 {
			return "", s.fail("expected )")
		}
		value := s.rest[:i]
		if s.rest = s.rest[i:]; s.rest[0] == '\'' {
			return "", s.fail("a value with a quote in it must be quoted")
		}
		return value, nil
	}
	var value strings.Builder
	for {
		part, end := s.until("'")
		if end == 0 {
			return "", s.fail("a quote is not closed")
		}
		value.WriteString(part)
		if !s.take('\'') {
			return value.String(), nil
		}
		value.WriteByte('\'')
	}
}

func (s *scanner) fail(reason string) error {
	at := "at its end"
	if s.rest != "" {
		at = fmt.Sprintf("before %q", s.rest[:min(len(s.rest), 20)])
	}
	return &Error{"filter", reason + " " + at}
}
