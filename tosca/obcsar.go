package tosca

import (
	"cmp"
	"path"
	"slices"
	"strings"
)

// openBatonCSAR reads an Open Baton CSAR: Metadata.yaml says what it says in
// the tar form, and the templates are of TOSCA NFV 1.0.
func (r *reader) openBatonCSAR(meta *toscaMeta, metadataFile, entry string) {
	p := r.pkg
	p.Dialect, p.Subject = OpenBatonCSAR, VNF
	var m metadata
	if metadataFile != "" {
		m = r.readMetadata(metadataFile)
	} else {
		r.warn(CodeMetadataMissing, Place{File: meta.file}, "the package has no Metadata.yaml; the template speaks for it")
	}
	if image := meta.keys["image"].text; image != "" {
		m.names = unique(append(m.names, image))
	}
	if entry == "" {
		return
	}
	s := r.load(entry)
	if len(s.templates) == 0 {
		return
	}
	p.Descriptor = entry
	s.openBatonNodes(&m)
	r.undescribedImages()
	about := s.templates[0].key("metadata")
	stem := path.Base(strings.TrimSuffix(entry, path.Ext(entry)))
	p.Name = cmp.Or(p.Name, about.key("ID", "name").text(), stem)
	p.Vendor = cmp.Or(p.Vendor, about.key("vendor").text())
	p.Version = cmp.Or(p.Version, about.key("version").text())
	p.Description = cmp.Or(p.Description, s.templates[0].key("description").text())
}

// openBatonNodes reads the nodes of the templates: VDUs, and in an NSD the
// VNFs that require them.
func (s *service) openBatonNodes(m *metadata) {
	vnfOf := map[string]string{} // VNF by VDU
	var vdus []*nodeTemplate
	vnfs := 0
	for i := range s.templates {
		for _, n := range s.nodes(&s.templates[i]) {
			switch n.kind {
			case kindCompute:
				vdus = append(vdus, n)
			case kindVNF:
				vnfs++
				s.pkg.Subject = NS
				s.vnfTypes[s.eval(n, n.path("properties", "type")).text()] = true
				for _, name := range vduRequirements(n.node) {
					vnfOf[name] = n.name.text()
				}
			}
		}
	}
	for _, n := range vdus {
		for _, d := range n.image.descriptions {
			s.addImage(d)
		}
		name := n.name.text()
		own := s.ownImages(n)
		vdu := VDU{Name: name, VNF: vnfOf[name], Images: m.alternatives(own), Place: n.name.place()}
		if len(own) > 0 {
			vdu.SoftwareImageID = name
		}
		s.addVDU(vdu)
	}
	switch {
	case len(vdus) == 0 && vnfs == 0:
		s.err(CodeNotAPackage, s.templates[0].place(), "the template has neither a VDU nor a VNF").
			expected("nodes of type tosca.nodes.nfv.VDU")
		s.nestedPackages()
	case len(vdus) == 0:
		s.err(CodeVDUMissing, s.templates[0].place(), "the template has no VDU").expected("nodes of type tosca.nodes.nfv.VDU")
	}
}

// ownImages are a VDU's artifacts and its vm_image property, which early
// templates have beside each other.
func (s *service) ownImages(n *nodeTemplate) []string {
	return slices.Concat(n.image.names, s.eval(n, n.path("properties", "vm_image")).texts())
}

// vduRequirements are the VDUs that a VNF requires by name.
func vduRequirements(n node) []string {
	var out []string
	for k, target := range n.key("requirements").entries() {
		if strings.EqualFold(k.text(), "vdu") {
			out = append(out, cmp.Or(target.text(), target.key("node").text()))
		}
	}
	return out
}

func (r *reader) nestedPackages() {
	for _, f := range r.list {
		if strings.HasSuffix(strings.ToLower(f.Path), ".csar") {
			r.warn(CodeNestedPackage, Place{File: f.Path}, "a package inside the package is not opened")
		}
	}
}
