package tosca

import (
	"cmp"
	"strings"
)

// nodeTemplate is a node of a topology with its kind.
type nodeTemplate struct {
	node
	name  node
	kind  kind
	image declaration
	scope *template
}

// nodes returns a topology's node templates in their order, with what they
// declare of images.
func (s *service) nodes(t *template) []*nodeTemplate {
	var out []*nodeTemplate
	bootable := map[string]bool{} // names that a node has which may declare an image
	for name, n := range t.topology.key("node_templates").fields() {
		nt := &nodeTemplate{node: n, name: name, kind: s.kindOf(n.key("type").text()), scope: t}
		if nt.kind == kindUnknown && s.declaresImage(nt) {
			nt.kind = kindCompute
		}
		switch nt.kind {
		case kindCompute, kindStorage, kindImage:
			nt.image = s.declared(nt)
			bootable[name.text()] = true
		default:
			s.checkArtifacts(nt)
		}
		out = append(out, nt)
	}
	for _, n := range out {
		if bootable[n.name.text()] {
			s.strictKey(n.name)
		}
	}
	return out
}

// topologies reads every topology of the service into the package's VDUs and
// images.
func (s *service) topologies() {
	for i := range s.templates {
		t := &s.templates[i]
		nodes := s.nodes(t)
		byName := make(map[string]*nodeTemplate, len(nodes))
		for _, n := range nodes {
			byName[n.name.text()] = n
		}
		for _, n := range nodes {
			s.subject(n)
			for _, d := range n.image.descriptions {
				s.addImage(d)
			}
		}
		s.vdus(nodes, byName)
		s.substitution(t)
		for _, definition := range t.key("node_types").fields() {
			s.checkType(definition)
		}
	}
}

// vdus adds the VDUs of a topology. An image that a storage node or an image
// node declares belongs to the VDU that requires the node, when the VDU has
// none of its own; an image that nobody boots still has its entry, since a
// launch must bring it to the VIM.
func (s *service) vdus(nodes []*nodeTemplate, byName map[string]*nodeTemplate) {
	taken := map[*nodeTemplate]bool{}
	for _, n := range nodes {
		if n.kind != kindCompute {
			continue
		}
		vdu := VDU{Name: n.name.text(), Images: unique(n.image.names), Place: n.name.place()}
		if len(vdu.Images) > 0 {
			vdu.SoftwareImageID = n.name.text()
		}
		for _, target := range requirements(n.node) {
			from := byName[target]
			if from == nil || len(from.image.names) == 0 || from.kind == kindCompute || len(vdu.Images) > 0 {
				continue
			}
			vdu.Images, vdu.SoftwareImageID = unique(from.image.names), target
			taken[from] = true
		}
		s.addVDU(vdu)
	}
	for _, n := range nodes {
		if (n.kind == kindStorage || n.kind == kindImage) && len(n.image.names) > 0 && !taken[n] {
			name := n.name.text()
			s.addVDU(VDU{Name: name, SoftwareImageID: name, Images: unique(n.image.names), Place: n.name.place()})
		}
	}
}

// requirements returns the names of the nodes that a node requires, in every
// notation: a name, or {node: name}, in a list of maps or in a map.
func requirements(n node) []string {
	var out []string
	for _, target := range n.key("requirements").entries() {
		if name := cmp.Or(target.text(), target.key("node").text()); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// subject lets a node say what the package describes: an NS outweighs the VNFs
// that it is made of.
func (s *service) subject(n *nodeTemplate) {
	p := s.pkg
	switch n.kind {
	case kindNS:
		if p.Subject != NS {
			s.identify(n)
		}
		p.Subject = NS
	case kindPNF:
		if p.Subject != NS {
			p.Subject = PNF
			s.identify(n)
		}
	case kindVNF:
		if p.Subject != NS && p.Subject != PNF {
			p.Subject = VNF
			s.identify(n)
		}
	case kindCompute:
		if p.Subject == "" {
			p.Subject = VNF
		}
	}
}

// identify takes the package's identity from a VNF, PNF or NS node: from its
// properties, else from the defaults of its type. What an earlier node said
// stands.
func (s *service) identify(n *nodeTemplate) {
	value := func(names ...string) string {
		for _, name := range names {
			if v := s.eval(n, n.path("properties", name)); v.text() != "" {
				return v.text()
			}
		}
		for _, name := range names {
			if v := s.typeDefault(n.key("type").text(), name); v.text() != "" {
				return v.text()
			}
		}
		return ""
	}
	for k, v := range n.key("properties").fields() {
		s.stated[k.text()] = s.stated[k.text()] || v.exists()
	}
	p := s.pkg
	p.DescriptorID = cmp.Or(p.DescriptorID, value("descriptor_id", "descriptorId", "id"))
	p.Vendor = cmp.Or(p.Vendor, value("provider", "designer", "vendor"))
	p.Name = cmp.Or(p.Name, value("product_name", "name"))
	p.Version = cmp.Or(p.Version, value("descriptor_version", "version", "software_version"))
	p.SoftwareVersion = cmp.Or(p.SoftwareVersion, value("software_version"))
}

// substitution takes the identity from the substitution mappings, where drafts
// of SOL001 had it, if no node gave it.
func (s *service) substitution(t *template) {
	m := t.topology.key("substitution_mappings")
	if !m.isMap() {
		return
	}
	typed := &nodeTemplate{node: m, scope: t, kind: s.kindOf(m.key("node_type").text())}
	s.subject(typed)
}

// typeDefault returns the default of a property in a type or its ancestors.
func (s *service) typeDefault(typeName, property string) node {
	for range 32 {
		t := s.typeNode(typeName)
		if d := t.path("properties", property, "default"); d.exists() {
			return d
		}
		typeName = t.key("derived_from").text()
		if typeName == "" || kindByName(typeName) != kindUnknown {
			break
		}
	}
	return node{}
}

// eval replaces a function by the value that it has before anything is
// deployed: an input's default, or another property of the node. A function
// that has none yet yields the absent value and a warning.
func (s *service) eval(n *nodeTemplate, value node) node {
	v := value
	for range 8 {
		name, arg, ok := function(v)
		if !ok {
			return v
		}
		switch name {
		case "get_input":
			input := n.scope.topology.path("inputs", arg[0])
			if !input.exists() {
				input = n.scope.path("inputs", arg[0])
			}
			v = input.key("value", "default")
		case "get_property":
			if len(arg) < 2 || arg[0] != "SELF" {
				v = node{}
				break
			}
			v = n.path(append([]string{"properties"}, arg[1:]...)...)
			if !v.exists() {
				v = s.typeDefault(n.key("type").text(), arg[1])
			}
		default:
			v = node{}
		}
		if !v.exists() {
			break
		}
	}
	if at := value.place(); !s.warned[at] {
		s.warned[at] = true
		s.warn(CodeInputUnresolved, at, "a value has no default and is not known yet")
	}
	return node{file: value.file}
}

// function takes a function call apart: {get_input: name}.
func function(v node) (name string, arg []string, ok bool) {
	if !v.isMap() || len(v.Content) != 2 {
		return "", nil, false
	}
	name = strings.TrimPrefix(v.Content[0].Value, "$")
	if !strings.HasPrefix(name, "get_") && name != "concat" && name != "token" {
		return "", nil, false
	}
	arg = v.at(v.Content[1]).texts()
	if len(arg) == 0 {
		arg = []string{""}
	}
	return name, arg, true
}
