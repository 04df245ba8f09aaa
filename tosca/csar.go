package tosca

import (
	"bytes"
	"cmp"
	"path"
	"slices"
	"strings"
)

// csar reads a package with TOSCA.meta: Open Baton's when there is a
// Metadata.yaml beside it or the template uses Open Baton's vocabulary, else
// ETSI's or a plain one.
func (r *reader) csar(metaFile string) {
	r.roles[metaFile] = RoleMetadata
	data, ok := r.read(metaFile)
	if !ok {
		return
	}
	meta := r.parseTOSCAMeta(metaFile, data)
	r.checkMeta(meta)
	entry := r.entry(meta)
	if entry == "" && !slices.ContainsFunc(r.list, func(f FileInfo) bool { return isYAML(f.Path) || path.Ext(f.Path) == ".json" }) {
		r.err(CodeDescriptorMissing, Place{}, "the package has no VNFD, and no other template either")
	}
	metadataFile := r.folded[strings.ToLower(path.Join(path.Dir(metaFile), "metadata.yaml"))]
	if metadataFile != "" || meta.keys["image"].text != "" || r.speaksOpenBaton(entry) {
		r.openBatonCSAR(meta, metadataFile, entry)
		return
	}
	if entry != "" {
		r.template(entry, meta)
	}
}

// entry returns the file that Entry-Definitions names.
func (r *reader) entry(meta *toscaMeta) string {
	v, ok := meta.get("definitions")
	if !ok || v.text == "" {
		r.err(CodeEntryDefinitionsMissing, meta.place(v), "TOSCA.meta has no Entry-Definitions").
			expected("Entry-Definitions: the main template's path")
		return ""
	}
	file, how := r.lookup("", v.text)
	if how == matchNone {
		return r.mainServiceTemplate(meta.place(v), v.text)
	}
	if how == matchFolded {
		r.warn(CodePathCase, meta.place(v), "%s is spelled otherwise in the package", clip(v.text)).found("%s", file)
	}
	return file
}

// mainServiceTemplate stands in for entry definitions that are not there: it is
// what ONAP's SDC takes, whatever TOSCA.meta says. Two of them are no answer.
func (r *reader) mainServiceTemplate(at Place, named string) string {
	var found []string
	for _, f := range r.list {
		if base := strings.ToLower(path.Base(f.Path)); base == "mainservicetemplate.yaml" || base == "mainservicetemplate.yml" {
			found = append(found, f.Path)
		}
	}
	if len(found) != 1 {
		r.err(CodeEntryDangling, at, "the entry definitions are not in the package").found("%s", named)
		return ""
	}
	r.warn(CodeEntryDangling, at, "the entry definitions are not in the package; %s is read instead", found[0]).found("%s", named)
	return found[0]
}

// csarWithoutMeta reads a package by its one YAML file in the root (SOL004,
// clause 4.1.3). Of several, one with a manifest of its name is the entry.
func (r *reader) csarWithoutMeta() {
	var roots, withManifest []string
	anyYAML := false
	for _, f := range r.list {
		if !isYAML(f.Path) {
			continue
		}
		anyYAML = true
		if strings.Contains(f.Path, "/") {
			continue
		}
		roots = append(roots, f.Path)
		if r.has(strings.TrimSuffix(f.Path, path.Ext(f.Path)) + ".mf") {
			withManifest = append(withManifest, f.Path)
		}
	}
	laidOut := r.hasFolder("tosca-metadata", "tosca_metadata") || len(roots) == 0 && r.hasFolder("definitions", "artifacts")
	misplaced := slices.IndexFunc(r.list, func(f FileInfo) bool { return strings.EqualFold(path.Base(f.Path), "tosca.meta") })
	switch {
	case misplaced >= 0:
		r.err(CodeMetaMissing, Place{}, "TOSCA.meta is not in its folder").expected("TOSCA-Metadata/TOSCA.meta").found("%s", r.list[misplaced].Path)
	case laidOut:
		r.err(CodeMetaMissing, Place{}, "the package has no TOSCA.meta").expected("TOSCA-Metadata/TOSCA.meta")
	case len(roots) == 0 && anyYAML:
		r.err(CodeEntryMissing, Place{}, "the package has neither TOSCA.meta nor a YAML file in the root")
	case len(roots) == 0:
		r.err(CodeNotAPackage, Place{}, "the archive is no package of any known kind").
			expected("Metadata.yaml, TOSCA-Metadata/TOSCA.meta or a template in the root")
	case len(roots) == 1:
		r.template(roots[0], nil)
	case len(withManifest) == 1:
		r.template(withManifest[0], nil)
	default:
		r.err(CodeEntryAmbiguous, Place{}, "the package has no TOSCA.meta and several YAML files in the root").
			found("%s", strings.Join(roots, ", "))
	}
}

func isYAML(file string) bool {
	ext := strings.ToLower(path.Ext(file))
	return ext == ".yaml" || ext == ".yml"
}

// template reads a package by its entry template. meta is nil without TOSCA.meta.
func (r *reader) template(entry string, meta *toscaMeta) {
	p := r.pkg
	p.Dialect, p.Descriptor = Simple, entry
	if r.looksLikeOSM(entry) {
		r.osmDescriptor(entry) // from release ELEVEN on in the containers of SOL004
		return
	}
	if r.foreignTemplate(entry) {
		p.Subject = Service
		r.nameFromTemplate(node{file: entry}, meta)
		return
	}
	s := r.load(entry)
	if len(s.templates) == 0 {
		return
	}
	root := s.templates[0].node
	switch {
	case root.key("tosca_definitions_version").exists():
	case root.key("topology_template", "service_template", "node_types").exists():
		r.warn(CodeTemplateVersion, root.place(), "the template does not state its version of TOSCA").expected("tosca_definitions_version")
	case meta == nil:
		r.err(CodeNotAPackage, root.place(), "the YAML file in the root is no TOSCA template").expected("tosca_definitions_version")
		return
	case root.exists():
		r.warn(CodeTemplateForeign, root.place(), "the main template has none of TOSCA's keys").expected("tosca_definitions_version")
	}
	if meta == nil && root.key("tosca_definitions_version").text() == "tosca_simple_yaml_1_0" {
		r.warn(CodeMetaMissing, Place{}, "version 1.0 of the Simple Profile knows no package without TOSCA.meta").expected("TOSCA-Metadata/TOSCA.meta")
	}
	p.Dialect = r.dialect(s, meta)
	s.topologies()
	s.checkReferences()
	hasTopology := slices.ContainsFunc(s.templates, func(t template) bool { return t.topology.isMap() })
	switch {
	case hasTopology:
		p.Subject = cmp.Or(p.Subject, Service)
	case s.absent > 0 && len(s.types) == 0 && len(s.unread) == 0:
		r.err(CodeDescriptorMissing, root.place(), "the entry template has no topology, and what it imports is not in the package")
	default:
		p.Subject = Types
	}
	if p.Subject == VNF && len(p.VDUs) > 0 && s.templates[0].isSOL001() {
		s.checkVNFNode(root)
	}
	r.nameFromTemplate(root, meta)
}

// checkVNFNode warns about a VNFD whose VNF node does not say what SOL001 wants.
func (s *service) checkVNFNode(root node) {
	if !s.stated["descriptor_id"] {
		s.warn(CodeVNFNodeMissing, root.place(), "no VNF node states the VNFD's descriptor_id, provider and product_name")
	}
	if !s.stated["flavour_id"] {
		s.warn(CodeFlavourMissing, root.place(), "no VNF node states its flavour_id")
	}
}

// foreignTemplate recognizes main templates of other languages: TOSCA 1.0 was
// written in XML, and ONAP knows packages of Heat templates.
func (r *reader) foreignTemplate(entry string) bool {
	data, err := r.peek(entry)
	if err != nil {
		return false
	}
	data = bytes.TrimSpace(bytes.TrimPrefix(data, utf8BOM))
	heat := []byte("heat_template_version:")
	foreign := bytes.HasPrefix(data, []byte("<")) || bytes.HasPrefix(data, heat) || bytes.Contains(data, append([]byte("\n"), heat...))
	if foreign {
		r.warn(CodeTemplateForeign, Place{File: entry}, "the main template is not in TOSCA's YAML and is not read")
	}
	return foreign
}

// nameFromTemplate fills in an identity that no node gave.
func (r *reader) nameFromTemplate(root node, meta *toscaMeta) {
	p := r.pkg
	about := root.key("metadata")
	p.Description = root.key("description").text()
	stem := path.Base(strings.TrimSuffix(root.file, path.Ext(root.file)))
	p.Name = cmp.Or(p.Name, about.key("template_name", "name", "ID").text(), root.key("template_name").text(), stem)
	p.Vendor = cmp.Or(p.Vendor, about.key("vendor", "template_author", "resourceVendor").text(), root.key("template_author").text())
	p.Version = cmp.Or(p.Version, about.key("version", "template_version", "resourceVendorRelease").text(), root.key("template_version").text())
	if meta != nil && p.Vendor == "" {
		author, _ := meta.get("author")
		p.Vendor = author.text
	}
}

// dialect tells an ETSI package from a plain CSAR: by a manifest, by ETSI's
// keys in TOSCA.meta, or by the NFV vocabulary.
func (r *reader) dialect(s *service, meta *toscaMeta) Dialect {
	for _, f := range r.list {
		if strings.HasSuffix(f.Path, ".mf") && !strings.Contains(f.Path, "/") {
			r.roles[f.Path] = RoleMetadata
			return SOL004
		}
	}
	if meta != nil {
		if _, ok := meta.get("manifest"); ok {
			return SOL004
		}
	}
	for _, t := range s.templates {
		for _, n := range t.topology.key("node_templates").fields() {
			if k := kindByName(n.key("type").text()); k != kindUnknown && k != kindOther {
				return SOL004
			}
		}
	}
	return Simple
}

// speaksOpenBaton recognizes the vocabulary of Open Baton's early CSARs, which
// have no Metadata.yaml.
func (r *reader) speaksOpenBaton(entry string) bool {
	if entry == "" {
		return false
	}
	data, err := r.peek(entry)
	if err != nil {
		return false
	}
	for _, word := range []string{"openbaton.", "scale_in_out:", "vim_instance_name:", "vimInstanceName:", "deploymentFlavour:"} {
		if bytes.Contains(data, []byte(word)) {
			return true
		}
	}
	return false
}
