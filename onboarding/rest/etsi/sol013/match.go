package sol013

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// group has the conditions of a filter that have the same attribute prefix: one
// element of each list on the way must fulfil all of them.
type group struct {
	prefix     []string
	conditions []condition
}

func grouped(conditions []condition) []group {
	var groups []group
	for _, c := range conditions {
		i := slices.IndexFunc(groups, func(g group) bool { return slices.Equal(g.prefix, c.prefix) })
		if i < 0 {
			i = len(groups)
			groups = append(groups, group{prefix: c.prefix})
		}
		groups[i].conditions = append(groups[i].conditions, c)
	}
	return groups
}

// Matches reports whether a resource passes the filter.
func (q Query) Matches(resource map[string]any) bool {
	for _, g := range q.filter {
		if !g.matches(resource, g.prefix) {
			return false
		}
	}
	return true
}

func (g group) matches(v any, prefix []string) bool {
	if list, ok := v.([]any); ok {
		if len(list) == 0 {
			return g.matches(nil, prefix)
		}
		return slices.ContainsFunc(list, func(element any) bool { return g.matches(element, prefix) })
	}
	members, _ := v.(map[string]any)
	if len(prefix) > 0 {
		return g.matches(members[prefix[0]], prefix[1:])
	}
	for _, c := range g.conditions {
		if !c.matches(members) {
			return false
		}
	}
	return true
}

func (c condition) matches(members map[string]any) bool {
	if c.leaf == keyName {
		if len(members) == 0 {
			return c.holds(nil)
		}
		for name := range members {
			if c.holds(name) {
				return true
			}
		}
		return false
	}
	list, ok := members[c.leaf].([]any)
	if !ok {
		return c.holds(members[c.leaf])
	}
	if len(list) == 0 {
		return c.holds(nil)
	}
	return slices.ContainsFunc(list, c.holds)
}

// holds reports whether the condition is true of one value; nil stands for none.
func (c condition) holds(v any) bool {
	op, negated := c.op.negates()
	return slices.ContainsFunc(c.values, func(value string) bool {
		if op == cont {
			s, ok := v.(string)
			return ok && strings.Contains(s, value)
		}
		order, ok := c.kind.compare(v, value)
		return ok && op.accepts(order)
	}) != negated
}

// accepts reports whether the operator is true of a value that is less than
// (negative), equal to (zero) or greater than the filter's.
func (o operator) accepts(order int) bool {
	switch o {
	case gt:
		return order > 0
	case gte:
		return order >= 0
	case lt:
		return order < 0
	case lte:
		return order <= 0
	}
	return order == 0
}

// reads reports whether a text can be a value of this kind.
func (k kind) reads(value string) bool {
	switch k {
	case number:
		_, err := strconv.ParseFloat(value, 64)
		return err == nil
	case boolean:
		return value == "true" || value == "false"
	case moment:
		_, err := time.Parse(time.RFC3339Nano, value)
		return err == nil
	}
	return true
}

// compare orders a value of a resource and one of a filter. They may have none.
func (k kind) compare(v any, value string) (order int, ok bool) {
	switch v := v.(type) {
	case string:
		if k != moment {
			return strings.Compare(v, value), true
		}
		have, err := time.Parse(time.RFC3339Nano, v)
		want, wantErr := time.Parse(time.RFC3339Nano, value)
		return have.Compare(want), err == nil && wantErr == nil
	case json.Number:
		// Sizes are larger than what a float tells apart.
		have, err := v.Int64()
		want, wantErr := strconv.ParseInt(value, 10, 64)
		if err == nil && wantErr == nil {
			return cmp.Compare(have, want), true
		}
		haveFloat, err := v.Float64()
		wantFloat, wantErr := strconv.ParseFloat(value, 64)
		return cmp.Compare(haveFloat, wantFloat), err == nil && wantErr == nil
	case bool:
		return strings.Compare(strconv.FormatBool(v), value), true
	}
	return 0, false
}
