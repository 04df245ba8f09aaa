package tosca

import (
	"path"
	"slices"
	"strconv"
	"strings"
)

// openBatonTar reads an Open Baton VNF package, if the files are one: it has
// Metadata.yaml in the root, or at least a JSON VNFD with a list of VDUs.
func (r *reader) openBatonTar() bool {
	metadataFile := ""
	for _, name := range []string{"metadata.yaml", "metadata.yml"} {
		if metadataFile == "" {
			metadataFile = r.folded[name]
		}
	}
	candidates := r.vnfdCandidates()
	if metadataFile == "" && !slices.ContainsFunc(candidates, r.looksLikeVNFD) {
		return false
	}
	if metadataFile != "" && len(candidates) == 0 && !r.looksLikeMetadata(metadataFile) {
		return false
	}
	p := r.pkg
	p.Dialect, p.Subject = OpenBatonTar, VNF
	var m metadata
	if metadataFile != "" {
		m = r.readMetadata(metadataFile)
	} else {
		r.warn(CodeMetadataMissing, Place{}, "the package has no Metadata.yaml; name and vendor are the VNFD's")
	}
	r.readVNFD(&m, r.chooseVNFD(candidates))
	if m.isMap() {
		r.undescribedImages()
	}
	if p.ScriptsLink != "" && r.hasFolder("scripts") {
		r.warn(CodeOBScriptsIgnored, m.key("scripts-link", "scripts_link").place(), "scripts-link is given, so the scripts folder is ignored")
	}
	return true
}

// vnfdCandidates are the JSON files outside scripts/ and images/.
func (r *reader) vnfdCandidates() []string {
	var out []string
	for _, f := range r.list {
		top, _, nested := strings.Cut(strings.ToLower(f.Path), "/")
		if strings.HasSuffix(strings.ToLower(f.Path), ".json") && !(nested && (top == "scripts" || top == "images")) {
			out = append(out, f.Path)
		}
	}
	return out
}

// looksLikeVNFD tells a VNFD from the JSON that other packages have in their
// root, without reporting anything: the reader that takes the file will.
func (r *reader) looksLikeVNFD(file string) bool {
	if strings.Contains(file, "/") {
		return false
	}
	data, err := r.peek(file)
	return err == nil && strings.Contains(string(data), `"vdu"`)
}

func (r *reader) looksLikeMetadata(file string) bool {
	data, err := r.peek(file)
	return err == nil && (strings.Contains(string(data), "vim_types") || strings.Contains(string(data), "vim-types") ||
		strings.Contains(string(data), "nfvo") || strings.Contains(string(data), "image"))
}

// chooseVNFD takes vnfd.json, or the first root file that says vnfd, or what
// the seed takes: the last JSON.
func (r *reader) chooseVNFD(candidates []string) string {
	if len(candidates) == 0 {
		return ""
	}
	best := candidates[len(candidates)-1]
	for _, f := range slices.Backward(candidates) {
		if strings.Contains(strings.ToLower(path.Base(f)), "vnfd") && !strings.Contains(f, "/") {
			best = f
		}
	}
	if exact := r.folded["vnfd.json"]; exact != "" {
		best = exact
	}
	if len(candidates) > 1 {
		r.warn(CodeVNFDAmbiguous, Place{File: best}, "several JSON files could be the VNFD; this one is read").
			found("%s", strings.Join(candidates, ", "))
	}
	return best
}

func (r *reader) readVNFD(m *metadata, file string) {
	p := r.pkg
	if file == "" {
		r.err(CodeDescriptorMissing, Place{}, "the package has no VNFD").expected("vnfd.json")
		return
	}
	p.Descriptor = file
	r.roles[file] = RoleDescriptor
	data, ok := r.read(file)
	if !ok {
		return
	}
	before := len(r.findings)
	vnfd := r.parseJSON(file, data, CodeDescriptorMalformed)
	if !vnfd.isMap() {
		if len(r.findings) == before {
			r.err(CodeDescriptorMalformed, vnfd.place(), "the VNFD is not a JSON object")
		}
		return
	}
	r.strictKeys(vnfd)
	p.DescriptorID = vnfd.key("id").text()
	r.agree(m, vnfd)
	if v := vnfd.key("vnfPackageLocation"); v.text() != "" {
		r.err(CodeOBPackageLocation, v.place(), "the VNFD has a vnfPackageLocation").found("%s", v.text())
	}
	vdus := vnfd.key("vdu").items()
	if len(vdus) == 0 {
		r.err(CodeVDUMissing, vnfd.place(), "the VNFD has no VDU").expected(`"vdu": a list of at least one`)
	}
	for i, vdu := range vdus {
		r.strictKeys(vdu)
		name := vdu.key("name", "id").text()
		if name == "" {
			name = "vdu-" + strconv.Itoa(i+1)
		}
		r.addVDU(VDU{Name: name, Images: m.alternatives(vdu.key("vm_image").texts()), Place: vdu.place()})
	}
}

// agree compares the VNFD's name and vendor with the metadata's, which must be
// equal, and takes them where the metadata has none.
func (r *reader) agree(m *metadata, vnfd node) {
	p := r.pkg
	name, vendor := vnfd.key("name"), vnfd.key("vendor")
	if name.text() == "" {
		r.err(CodeOBKeyMissing, vnfd.place(), "the VNFD has no name").expected(`"name"`)
	}
	if p.Name != "" && name.text() != "" && p.Name != name.text() {
		r.err(CodeOBNameDiffers, name.place(), "the VNFD and %s have different names", m.file).
			expected("%s", clip(p.Name)).found("%s", name.text())
	}
	if p.Vendor != "" && vendor.text() != "" && p.Vendor != vendor.text() {
		r.err(CodeOBVendorDiffers, vendor.place(), "the VNFD and %s have different vendors", m.file).
			expected("%s", clip(p.Vendor)).found("%s", vendor.text())
	}
	if p.Name == "" {
		p.Name = name.text()
	}
	if p.Vendor == "" {
		p.Vendor = vendor.text()
	}
	if p.Version == "" {
		p.Version = vnfd.key("version").text()
	}
}
