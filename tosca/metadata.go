package tosca

import (
	"cmp"
	"slices"
	"strings"
)

// metadata is Open Baton's Metadata.yaml.
type metadata struct {
	node
	// names are the images that every VDU without alternatives of its own gets.
	names []string
	// every are alternatives that all VDUs get, after their own.
	every []string
	// shared are the alternatives of all VDUs without their own.
	shared []string
}

// readMetadata reads Metadata.yaml into the package and its images. The keys
// are those of the NFVO's documentation and of its code; where a key is
// missing in older packages the VNFD speaks for it.
func (r *reader) readMetadata(file string) metadata {
	m := metadata{node: r.document(file, CodeMetadataMalformed)}
	r.roles[file] = RoleMetadata
	if !m.isMap() {
		return m
	}
	p := r.pkg
	p.Name = m.key("name").text()
	if p.Name == "" {
		r.err(CodeOBKeyMissing, m.place(), "Metadata.yaml has no name").expected("name: the name of the VNFD")
	}
	p.Description = m.key("description").text()
	p.Version = cmp.Or(m.key("version").text(), "1.0")
	p.ScriptsLink = m.key("scripts-link", "scripts_link").text()
	p.Vendor = r.oneOf(m, CodeOBVendor, "provider", "vendor").text()
	p.NFVOVersion = r.oneOf(m, CodeOBNFVOVersion, "nfvo_version", "nfvo-version").text()
	p.VIMTypes = r.oneOf(m, CodeOBVIMTypes, "vim_types", "vim-types").texts()
	r.metadataImages(&m)
	return m
}

// oneOf returns the value of a key with two spellings, of which exactly one
// must be there. None is what older packages have.
func (r *reader) oneOf(m metadata, code Code, a, b string) node {
	first, second := m.key(a), m.key(b)
	switch {
	case first.Node != nil && second.Node != nil:
		r.err(code, second.place(), "both %s and %s are given", a, b).expected("one of them")
	case !first.exists() && !second.exists():
		r.warn(code, m.place(), "%s is missing", a).expected("%s or %s", a, b)
	}
	if first.exists() {
		return first
	}
	return second
}

func (r *reader) metadataImages(m *metadata) {
	images, image := m.key("images"), m.key("image")
	if images.Node != nil && image.Node != nil {
		r.err(CodeOBImageForms, image.place(), "both image and images are given").expected("images alone")
	}
	if images.exists() && !images.isMap() {
		r.err(CodeMetadataMalformed, images.place(), "images is not a map").expected("a map from the image's name to its description")
	}
	for name, config := range images.fields() {
		if r.overfull {
			break
		}
		if config.exists() && !config.isMap() {
			r.err(CodeMetadataMalformed, config.place(), "the description of image %s is not a map", clip(name.text()))
			continue
		}
		if d, ok := r.imageOf(name, config, config.key("url")); ok {
			r.addImage(d)
			m.names = append(m.names, d.Name)
		}
	}
	if image.exists() {
		r.olderImage(m, image)
	}
}

// olderImage reads image: with image-config:, the form before images:. With
// upload false the image is expected on the VIM under one of the names or ids;
// with true the package brings it; with check it brings it as the last
// alternative.
func (r *reader) olderImage(m *metadata, image node) {
	if !image.isMap() {
		r.err(CodeMetadataMalformed, image.place(), "image is not a map").expected("upload, names, ids, link")
		return
	}
	config := m.key("image-config", "image_config")
	upload := image.key("upload")
	switch strings.ToLower(upload.text()) {
	case "true", "yes", "on", "y":
		r.bringImage(m, image, config, true)
	case "check":
		r.warn(CodeOBUploadCheck, upload.place(), "upload is check: the image is uploaded if no other is on the VIM").
			expected("true or false").found("check")
		r.imageNames(m, image)
		r.bringImage(m, image, config, false)
	case "false", "no", "off", "n", "":
		r.imageNames(m, image)
	default:
		r.err(CodeOBUpload, upload.place(), "upload has an unknown value").expected("true, false or check").found("%s", upload.text())
	}
}

func (r *reader) imageNames(m *metadata, image node) {
	for _, key := range []string{"names", "ids"} {
		list := image.key(key)
		if list.exists() && !list.isList() {
			r.warn(CodeOBImageNames, list.place(), "%s is not a list", key).expected("a list").found("%s", list.text())
		}
		names := list.texts()
		if len(names) > maxImages {
			r.tooMany(list.place(), "names of images", maxImages)
			names = names[:maxImages]
		}
		m.every = append(m.every, names...)
	}
	if len(m.every) == 0 {
		r.warn(CodeOBImageNames, image.place(), "upload expects the image on the VIM, and no names or ids are given").
			expected("names or ids, a list")
	}
}

// bringImage adds the image of image-config, from images/<name> or else from
// the link. Unless it must be had, it may be missing.
func (r *reader) bringImage(m *metadata, image, config node, must bool) {
	name, link := config.key("name"), image.key("link")
	if !config.isMap() || name.text() == "" {
		if must {
			r.err(CodeOBKeyMissing, image.place(), "upload is true, and image-config has no name").expected("image-config with name")
		}
		return
	}
	_, inPackage := r.imageFile(name.text())
	switch {
	case inPackage:
		link = node{} // other than url in images:
	case link.exists() && !isHTTP(link.text()) && slices.Contains(r.pkg.VIMTypes, "docker"):
		r.warn(CodeImageIsContainer, link.place(), "the image is a container image").found("%s", link.text())
		m.every = append(m.every, name.text())
		return
	case must:
	case !link.exists():
		return
	case !isHTTP(link.text()):
		r.warn(CodeImageLink, link.place(), "the image's link cannot be fetched").expected("an http or https URL").found("%s", link.text())
		return
	}
	if d, ok := r.imageOf(name, config, link); ok {
		r.addImage(d)
		m.every = append(m.every, d.Name)
	}
}

// imageOf reads an image's description under its name. Without a URL the file
// images/<name> must be in the package.
func (r *reader) imageOf(name, config, url node) (ImageDescription, bool) {
	d := ImageDescription{Name: name.text(), Place: name.place()}
	if !r.checkImageName(name) {
		return d, false
	}
	r.imageProperties(&d, config)
	file, inPackage := r.imageFile(d.Name)
	switch {
	case url.exists() && !isHTTP(url.text()):
		r.err(CodeImageLink, url.place(), "the URL of image %s cannot be fetched", clip(d.Name)).
			expected("an http or https URL").found("%s", url.text())
	case url.exists():
		d.URL = url.text()
		if inPackage {
			r.roles[file] = RoleArtifact
			r.warn(CodeImageFileIgnored, url.place(), "image %s has a URL, so %s is ignored", clip(d.Name), file)
		}
	case inPackage:
		d.File = file
		if r.sizes[file] == 0 {
			r.err(CodeImageEmpty, Place{File: file}, "the file of image %s is empty", clip(d.Name))
		}
	default:
		r.err(CodeImageMissing, d.Place, "image %s has no url and no file", clip(d.Name)).
			expected("images/%s", clip(d.Name))
	}
	d.Compression = cmp.Or(d.Compression, compressionOf(cmp.Or(d.URL, d.File)))
	return d, true
}

func (r *reader) checkImageName(name node) bool {
	s := name.text()
	bad := s == "" || s == "." || s == ".." || strings.ContainsAny(s, `/\`) ||
		strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f })
	if bad {
		r.err(CodeImageName, name.place(), "an image's name cannot be used as a file's name").
			expected("a name without slashes").found("%s", name.text())
	}
	return !bad
}

// imageFile finds images/<name>.
func (r *reader) imageFile(name string) (string, bool) {
	if file := "images/" + name; r.has(file) {
		return file, true
	}
	for _, f := range r.list {
		if folder, rest, ok := strings.Cut(f.Path, "/"); ok && rest == name && strings.EqualFold(folder, "images") {
			return f.Path, true
		}
	}
	return "", false
}

// undescribedImages warns about files in images/ that nothing describes.
func (r *reader) undescribedImages() {
	for _, f := range r.list {
		folder, rest, nested := strings.Cut(f.Path, "/")
		described := slices.ContainsFunc(r.pkg.Images, func(d ImageDescription) bool { return d.File == f.Path || d.Name == rest })
		if nested && strings.EqualFold(folder, "images") && !described {
			r.warn(CodeImageUndescribed, Place{File: f.Path}, "the file is described nowhere and will not be stored")
		}
	}
}

// alternatives are the images of a VDU: its own, else those of the metadata,
// and then those that the metadata gives to all.
func (m *metadata) alternatives(own []string) []string {
	if len(own) > 0 {
		return unique(slices.Concat(own, m.every))
	}
	if m.shared == nil {
		m.shared = unique(slices.Concat(m.names, m.every))
	}
	return m.shared
}

// unique drops repetitions and keeps the order.
func unique(names []string) []string {
	out := make([]string, 0, len(names))
	seen := map[string]bool{"": true}
	for _, name := range names {
		if !seen[name] {
			out = append(out, name)
		}
		seen[name] = true
	}
	return out
}
