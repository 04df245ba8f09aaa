package sol013

import (
	"fmt"
	"strings"
)

// selectors collects the selector parameters of a query.
type selectors struct {
	all, exclude      bool
	fields, excluding []string // attribute references
}

// add reads one parameter. Those that name attributes may come repeatedly.
func (s *selectors) add(t *Type, p parameter) error {
	switch p.name {
	case "all_fields":
		s.all = true
		return nil
	case "exclude_default":
		s.exclude = true
		return nil
	}
	names := strings.Split(p.value, ",")
	for _, name := range names {
		if name == "" || t.root.find(splitPath(name)) == nil {
			return &Error{p.name, fmt.Sprintf("there is no attribute %q", name)}
		}
	}
	if p.name == "fields" {
		s.fields = append(s.fields, names...)
	} else {
		s.excluding = append(s.excluding, names...)
	}
	return nil
}

// choose says what of a resource is shown. The combinations that are allowed
// are those of SOL 013, table 5.3.2.3-1.
func (s *selectors) choose(t *Type) (selector, error) {
	chosen := 0
	for _, is := range []bool{s.all, s.exclude || len(s.fields) > 0, len(s.excluding) > 0} {
		if is {
			chosen++
		}
	}
	if chosen > 1 {
		return selector{}, &Error{"all_fields, fields, exclude_fields, exclude_default",
			"they exclude each other; only exclude_default and fields go together"}
	}
	result := selector{root: t.root}
	switch {
	case s.all:
	case len(s.excluding) > 0:
		for _, name := range s.excluding {
			result.drop = append(result.drop, splitPath(name))
		}
	default:
		result.keep = make(map[string]*kept)
		for _, name := range t.optional {
			result.keep[name] = nil
		}
		for _, name := range s.fields {
			result.keepPath(splitPath(name))
		}
	}
	return result, nil
}

// selector says what of a resource is shown: all but what drop leads to, and of
// the attributes in keep no more than it says.
type selector struct {
	root *attribute
	drop [][]string
	keep map[string]*kept // nil: nothing of it
}

// kept says what of an attribute is shown beside what every answer must have:
// all of it, if it has no members.
type kept struct{ members map[string]*kept }

// keepPath adds an attribute reference to what is kept of the optional
// attributes. The others are shown anyway.
func (s *selector) keepPath(path []string) {
	at, listed := s.keep[path[0]]
	switch {
	case !listed:
		return
	case at == nil:
		at = &kept{members: make(map[string]*kept)}
		s.keep[path[0]] = at
	}
	for _, name := range path[1:] {
		if at.members == nil {
			return
		}
		if at.members[name] == nil {
			at.members[name] = &kept{members: make(map[string]*kept)}
		}
		at = at.members[name]
	}
	at.members = nil
}

// Select takes the attributes out of a resource that the query does not ask
// for. Those that every answer must have stay.
func (q Query) Select(resource map[string]any) {
	for _, path := range q.selector.drop {
		drop(resource, q.selector.root, path)
	}
	for name, k := range q.selector.keep {
		if k == nil {
			delete(resource, name)
			continue
		}
		k.prune(resource[name], q.selector.root.fields[name])
	}
}

// Needs reports whether a top attribute of the type, by its name, is shown or looked
// at by the filter, so that one that is costly can be left out otherwise.
func (q Query) Needs(name string) bool {
	for _, g := range q.filter {
		if len(g.prefix) > 0 && g.prefix[0] == name {
			return true
		}
		for _, c := range g.conditions {
			if len(g.prefix) == 0 && c.leaf == name {
				return true
			}
		}
	}
	for _, path := range q.selector.drop {
		if len(path) == 1 && path[0] == name {
			return false
		}
	}
	k, optional := q.selector.keep[name]
	return !optional || k != nil
}

func drop(v any, a *attribute, path []string) {
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			drop(element, a, path)
		}
	case map[string]any:
		below := a.find(path[:1])
		switch {
		case below == nil:
		case len(path) > 1:
			drop(v[path[0]], below, path[1:])
		case !below.required:
			delete(v, path[0])
		}
	}
}

func (k *kept) prune(v any, a *attribute) {
	if k.members == nil {
		return
	}
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			k.prune(element, a)
		}
	case map[string]any:
		for name := range v {
			below := a.find([]string{name})
			if m := k.members[name]; m != nil {
				m.prune(v[name], below)
			} else if below == nil || !below.required {
				delete(v, name)
			}
		}
	}
}
