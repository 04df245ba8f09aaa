package tosca

import (
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
	s.checkInterfaces(n.node, names)
}

// checkInterfaces does the same for the implementations of a node's or a
// type's operations, which may name artifacts instead of files.
func (s *service) checkInterfaces(n node, names map[string]bool) {
	for _, i := range n.key("interfaces").fields() {
		for _, list := range []node{i, i.key("operations")} {
			for _, operation := range list.fields() {
				for _, file := range implementations(operation) {
					if name := file.text(); !names[name] && (strings.Contains(name, "/") || path.Ext(name) != "") {
						s.checkFile(file)
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
	return append(i.key("dependencies").items(), i.key("primary"))
}

func (s *service) checkFile(n node) {
	name := n.text()
	if name == "" || strings.ContainsAny(name, " :") {
		return // a URL, a command, a reference of a registry
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
