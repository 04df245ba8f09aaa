package tosca

import (
	"cmp"
	"strings"
)

// osm reads an Open Source MANO package, if the files are one: a YAML file in
// the root whose only key names a VNFD or NSD, of the catalogue form (before
// release NINE) or of SOL006, or a network slice template, which has NSDs. Its
// images are names on the VIM.
func (r *reader) osm() bool {
	for _, f := range r.list {
		if strings.Contains(f.Path, "/") || !isYAML(f.Path) || !r.looksLikeOSM(f.Path) {
			continue
		}
		r.osmDescriptor(f.Path)
		return true
	}
	return false
}

// looksLikeOSM looks for the descriptor's first key before the file is parsed:
// any YAML may lie in the root of other packages.
func (r *reader) looksLikeOSM(file string) bool {
	data, err := r.peek(file)
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(data)) {
		key, _, _ := strings.Cut(line, " ")
		switch strings.TrimSpace(key) {
		case "vnfd:", "nsd:", "nst:", "vnfd:vnfd-catalog:", "nsd:nsd-catalog:", "vnfd-catalog:", "nsd-catalog:", "manifest:vnsf:", "manifest:ns:":
			return true
		}
	}
	return false
}

func (r *reader) osmDescriptor(file string) {
	p := r.pkg
	p.Dialect, p.Descriptor = OSM, file
	r.roles[file] = RoleDescriptor
	for k, v := range r.document(file, CodeDescriptorMalformed).fields() {
		name := k.text()
		p.Subject = VNF
		if strings.HasPrefix(name, "ns") || strings.HasSuffix(name, ":ns") {
			p.Subject = NS
		}
		if strings.HasPrefix(name, "manifest:") {
			r.wrapped(v)
			return
		}
		// nsd:nsd-catalog: {nsd: [...]}, or {nsd:nsd: [...]}, or SOL006's own levels.
		for _, inner := range []string{"vnfd", "vnfd:vnfd", "nsd", "nsd:nsd"} {
			if d := v.key(inner); d.exists() {
				v = d
				break
			}
		}
		if items := v.items(); len(items) > 0 {
			v = items[0]
		}
		p.DescriptorID = v.key("id").text()
		p.Name = cmp.Or(v.key("product-name", "name").text(), p.DescriptorID)
		p.Vendor = v.key("provider", "vendor", "designer").text()
		p.Version = v.key("version").text()
		p.Description = v.key("description").text()
		r.osmVDUs(v)
		return
	}
}

// forOpenStack reports whether an image is for no other kind of VIM.
func forOpenStack(image node) bool {
	vim := image.key("vim-type").text()
	return vim == "" || strings.EqualFold(vim, "openstack")
}

// osmVDUs reads image of the catalogue form, and sw-image-desc of SOL006, where
// the VDU names the description and the description the image.
func (r *reader) osmVDUs(vnfd node) {
	images := map[string]string{}
	for _, d := range vnfd.key("sw-image-desc").items() {
		id := d.key("id").text()
		images[id] = ""
		if forOpenStack(d) {
			images[id] = cmp.Or(d.key("image", "name").text(), id)
		}
	}
	for _, vdu := range vnfd.key("vdu").items() {
		v := VDU{Name: cmp.Or(vdu.key("id").text(), vdu.key("name").text()), Place: vdu.place(), SoftwareImageID: vdu.key("sw-image-desc").text()}
		for _, id := range append(vdu.key("sw-image-desc").texts(), vdu.key("alternative-sw-image-desc").texts()...) {
			if name, ok := images[id]; ok {
				id = name
			}
			v.Images = append(v.Images, id)
		}
		v.Images = append(v.Images, vdu.key("image").texts()...)
		for _, alternative := range vdu.key("alternative-images").items() {
			if forOpenStack(alternative) {
				v.Images = append(v.Images, alternative.key("image").text())
			}
		}
		v.Images = unique(v.Images)
		r.addVDU(v)
	}
}
