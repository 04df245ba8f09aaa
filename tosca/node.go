package tosca

import (
	"iter"
	"strings"

	"gopkg.in/yaml.v3"
)

// node is a YAML or JSON value with the file it stands in. Its zero value is
// the absent value: every method may be called on it.
type node struct {
	*yaml.Node
	file string
}

func (n node) exists() bool { return n.Node != nil && n.Tag != "!!null" }

func (n node) place() Place {
	if n.Node == nil {
		return Place{File: n.file}
	}
	return Place{File: n.file, Line: n.Line, Column: n.Column}
}

// at wraps a child, following its alias: aliases are resolved where a value is
// used and never expanded as a whole.
func (n node) at(child *yaml.Node) node {
	if child.Kind == yaml.AliasNode {
		child = child.Alias
	}
	return node{child, n.file}
}

func (n node) isMap() bool  { return n.exists() && n.Kind == yaml.MappingNode }
func (n node) isList() bool { return n.exists() && n.Kind == yaml.SequenceNode }

// text returns a scalar's text as it is written, without the space around it,
// so that the version 1.10 stays 1.10.
func (n node) text() string {
	if !n.exists() || n.Kind != yaml.ScalarNode {
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// fields iterates over a map's keys and values in their order.
func (n node) fields() iter.Seq2[node, node] {
	return func(yield func(k, v node) bool) {
		if !n.isMap() {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.at(n.Content[i]), n.at(n.Content[i+1])) {
				return
			}
		}
	}
}

// key returns the value of the first of names that the map has.
func (n node) key(names ...string) node {
	for _, name := range names {
		for k, v := range n.fields() {
			if k.Kind == yaml.ScalarNode && k.Value == name {
				return v
			}
		}
	}
	return node{file: n.file}
}

// path descends through nested maps.
func (n node) path(names ...string) node {
	for _, name := range names {
		n = n.key(name)
	}
	return n
}

// items returns a list's items.
func (n node) items() []node {
	if !n.isList() {
		return nil
	}
	out := make([]node, len(n.Content))
	for i, c := range n.Content {
		out[i] = n.at(c)
	}
	return out
}

// entries iterates over named entries, given as a map or, as some authors do,
// as a list of maps.
func (n node) entries() iter.Seq2[node, node] {
	return func(yield func(k, v node) bool) {
		if n.isMap() {
			n.fields()(yield)
			return
		}
		for _, item := range n.items() {
			for k, v := range item.fields() {
				if !yield(k, v) {
					return
				}
			}
		}
	}
}

// texts returns the scalars of a list, or a scalar as a list of one.
func (n node) texts() []string {
	if s := n.text(); s != "" {
		return []string{s}
	}
	var out []string
	for _, item := range n.items() {
		if s := item.text(); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// isTrue reads a boolean in any spelling of YAML 1.1, quoted or not.
func (n node) isTrue() bool {
	switch strings.ToLower(n.text()) {
	case "true", "yes", "on", "y":
		return true
	}
	return false
}
