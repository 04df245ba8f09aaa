package tosca

import (
	"iter"
	"path"
	"strings"
)

// checkArtifacts warns about files that a node's artifacts and interfaces name
// and the package lacks. They do not matter to images, but their absence ends a
// deployment much later.
func (s *service) checkArtifacts(n *nodeTemplate) {
	names := map[string]bool{}
	for a := range artifacts(n.node) {
		names[a.name.text()] = true
		if a.isMap() && a.key("repository").exists() {
			continue
		}
		s.checkFile(a.fileNode())
	}
	base := n.key("type").text()
	for t := range s.ancestors(base) {
		for a := range artifacts(t) {
			names[a.name.text()] = true
		}
		base = t.key("derived_from").text()
	}
	complete := base == "" || strings.HasPrefix(base, "tosca.") // else there may be more artifacts
	for file := range operations(n.node) {
		switch name := file.text(); {
		case names[name]:
		case isPath(name):
			s.checkFile(file)
		case complete && !isForeign(name):
			if _, how := s.lookup(path.Dir(file.file), name); how == matchNone {
				s.warn(CodeArtifactMissing, file.place(), "the node has no artifact of this name").found("%s", name)
			}
		}
	}
}

// checkType does the same for the operations of a type, whose artifacts may be
// its nodes' business.
func (s *service) checkType(definition node) {
	for file := range operations(definition) {
		if isPath(file.text()) {
			s.checkFile(file)
		}
	}
}

// isPath tells a file from an artifact's name: both may implement an operation.
func isPath(name string) bool { return strings.Contains(name, "/") || path.Ext(name) != "" }

// operations iterates over what implements the operations of a node or type.
func operations(n node) iter.Seq[node] {
	return func(yield func(node) bool) {
		for _, i := range n.key("interfaces").fields() {
			for _, list := range []node{i, i.key("operations")} {
				for _, operation := range list.fields() {
					for _, file := range implementations(operation) {
						if file.text() != "" && !yield(file) {
							return
						}
					}
				}
			}
		}
	}
}

// implementations returns the scripts of an operation in every notation.
func implementations(operation node) []node {
	if operation.text() != "" {
		return []node{operation}
	}
	i := operation.key("implementation")
	if i.text() != "" {
		return []node{i}
	}
	dependencies := i.key("dependencies")
	return append(dependencies.items(), dependencies, i.key("primary"))
}

// isForeign recognizes URLs, commands and references of registries.
func isForeign(name string) bool { return strings.ContainsAny(name, " :") }

func (s *service) checkFile(n node) {
	name := n.text()
	switch {
	case isHTTP(name):
		s.warn(CodeArtifactRemote, n.place(), "an artifact by URL is not fetched").found("%s", name)
		return
	case name == "" || isForeign(name):
		return
	}
	switch file, how := s.lookup(path.Dir(n.file), name); how {
	case matchNone:
		s.warn(CodeArtifactMissing, n.place(), "a file is not in the package").found("%s", name)
	case matchRoot:
		s.warn(CodeArtifactMissing, n.place(), "a file is found from the package's root, not from here").
			expected("a path relative to %s", path.Dir(n.file)).found("%s", name)
	case matchFolded:
		s.warn(CodePathCase, n.place(), "%s is spelled otherwise in the package", clip(name)).found("%s", file)
	}
}
