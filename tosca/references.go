package tosca

import (
	"slices"
	"strings"
)

// checkReferences warns about what the topologies name and nothing bears. It
// does not matter to images, but ends a deployment much later.
func (s *service) checkReferences() {
	names := map[string]bool{}
	for _, t := range s.templates {
		for _, section := range []string{"node_templates", "relationship_templates", "groups", "policies"} {
			for name, n := range t.topology.key(section).entries() {
				names[name.text()] = true
				if section == "node_templates" && n.key("type").text() == "" {
					s.warn(CodeNodeTypeMissing, name.place(), "node template %s has no type", clip(name.text())).expected("type: the node's type")
				}
			}
		}
	}
	for _, t := range s.templates {
		s.functions(t.topology, names)
		for _, n := range t.topology.key("node_templates").fields() {
			for _, target := range n.key("requirements").entries() {
				s.checkReference(names, target, target.key("node"))
			}
		}
		for _, p := range t.topology.key("policies").entries() {
			s.checkReference(names, p.key("targets").items()...)
		}
	}
	s.checkPolicies()
}

// checkReference warns about a name that no template of the service has. A
// requirement may name a type as well.
func (s *service) checkReference(names map[string]bool, targets ...node) {
	for _, target := range targets {
		if name := target.text(); name != "" && !names[name] && !strings.Contains(name, ".") && !s.types[name].exists() {
			s.warn(CodeReferenceDangling, target.place(), "no node template has this name").found("%s", name)
		}
	}
}

// functions checks the functions that a value holds, whose first argument is a
// template or one of the keywords of TOSCA Simple Profile, clause 4.1.
func (s *service) functions(value node, names map[string]bool) {
	for k, v := range value.fields() {
		switch strings.TrimPrefix(k.text(), "$") {
		case "get_attribute", "get_property", "get_operation_output", "get_artifact":
			if args := v.items(); len(args) > 1 && !slices.Contains([]string{"SELF", "HOST", "SOURCE", "TARGET"}, args[0].text()) {
				s.checkReference(names, args[0])
			}
		}
		s.functions(v, names)
	}
	for _, v := range value.items() {
		s.functions(v, names)
	}
}

// checkPolicies warns about policies that are for an instantiation level or a
// scaling aspect that no policy defines (SOL001, clause 6.10).
func (s *service) checkPolicies() {
	levels, aspects := map[string]bool{}, map[string]bool{}
	each := func(visit func(kind string, properties node)) {
		for _, t := range s.templates {
			for _, p := range t.topology.key("policies").entries() {
				if kind, ok := strings.CutPrefix(p.key("type").text(), "tosca.policies.nfv."); ok {
					visit(kind, p.key("properties"))
				}
			}
		}
	}
	each(func(kind string, properties node) {
		switch kind {
		case "InstantiationLevels":
			for name := range properties.key("levels").fields() {
				levels[name.text()] = true
			}
		case "ScalingAspects":
			for name := range properties.key("aspects").fields() {
				aspects[name.text()] = true
			}
		}
	})
	check := func(defined map[string]bool, what string, n node) {
		if n.text() != "" && !defined[n.text()] {
			s.warn(CodePolicyLevel, n.place(), "no policy defines this %s", what).found("%s", n.text())
		}
	}
	each(func(kind string, properties node) {
		switch kind {
		case "InstantiationLevels":
			check(levels, "instantiation level", properties.key("default_level"))
			for _, level := range properties.key("levels").fields() {
				for aspect := range level.key("scale_info").fields() {
					check(aspects, "scaling aspect", aspect)
				}
			}
		case "VduInstantiationLevels", "VirtualLinkInstantiationLevels":
			for level := range properties.key("levels").fields() {
				check(levels, "instantiation level", level)
			}
		default:
			check(aspects, "scaling aspect", properties.key("aspect"))
		}
	})
}
