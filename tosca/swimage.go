package tosca

import (
	"cmp"
	"iter"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// declaration is what a node says about the image it boots or holds.
type declaration struct {
	names        []string           // alternatives; empty when it declares none
	descriptions []ImageDescription // none when all that is known is a name on the VIM
}

func described(d ImageDescription) declaration {
	return declaration{[]string{d.Name}, []ImageDescription{d}}
}

// artifact is an entry of a node's artifacts.
type artifact struct {
	name node
	node // {type, file, …}, or the file itself in the short notation
}

func (a artifact) fileNode() node {
	if a.isMap() {
		return a.key("file")
	}
	return a.node
}

// artifacts iterates over a node's artifacts in every notation: a map by name,
// a list of such maps, and the flat {type, file} of Open Baton's documentation.
func artifacts(n node) iter.Seq[artifact] {
	return func(yield func(artifact) bool) {
		all := n.key("artifacts")
		for _, list := range append(all.items(), all) {
			if list.key("file").text() != "" {
				if !yield(artifact{n, list}) {
					return
				}
				continue
			}
			for k, v := range list.fields() {
				if !yield(artifact{k, v}) {
					return
				}
			}
		}
	}
}

// imageArtifacts returns the software image artifacts of a node or type, and
// beside them those of the older vocabulary, whose file is a name or URL.
func (s *service) imageArtifacts(n node) (software, named []artifact) {
	for a := range artifacts(n) {
		typeName := a.key("type").text()
		switch {
		case a.Kind == yaml.ScalarNode && strings.HasPrefix(strings.ToLower(a.name.text()), "sw_image"):
			software = append(software, a)
		case a.Kind == yaml.ScalarNode && strings.HasSuffix(strings.ToLower(a.name.text()), "image"):
			named = append(named, a)
		case s.isImageType(typeName):
			software = append(software, a)
		case isVMImageType(typeName) || isVMImageType(a.key("file").text()):
			named = append(named, a)
		}
	}
	return software, named
}

// declaresImage tells a VDU of an unknown type by what it declares.
func (s *service) declaresImage(n *nodeTemplate) bool {
	if n.path("properties", "sw_image_data").exists() {
		return true
	}
	for a := range artifacts(n.node) {
		typeName := strings.ToLower(a.key("type").text())
		if strings.HasSuffix(typeName, "swimage") || strings.HasSuffix(typeName, "deployment.image.vm") {
			return true
		}
	}
	return false
}

// declared reads a node's image. A checksum that cannot be read refuses an
// image that has bytes to compare with it, and no other.
func (s *service) declared(n *nodeTemplate) declaration {
	before := len(s.findings)
	out := s.declaration(n)
	if !slices.ContainsFunc(out.descriptions, func(d ImageDescription) bool { return d.File+d.URL != "" }) {
		for i := range s.findings[before:] {
			if f := &s.findings[before+i]; f.Code == CodeChecksumMalformed {
				f.Severity = Warning
			}
		}
	}
	return out
}

// declaration reads an artifact with the file, sw_image_data with the
// description, either alone, or a name on the VIM. What the node does not say
// its type may.
func (s *service) declaration(n *nodeTemplate) declaration {
	properties := n.key("properties")
	data := s.eval(n, properties.key("sw_image_data"))
	software, named := s.imageArtifacts(n.node)
	for t := range s.ancestors(n.key("type").text()) {
		if !data.exists() {
			data = t.path("properties", "sw_image_data", "default")
		}
		if len(software)+len(named) == 0 {
			software, named = s.imageArtifacts(t)
		}
	}
	if n.kind == kindImage {
		return s.imageNode(n, properties)
	}
	s.strictKeys(n.key("artifacts"))
	s.strictKeys(data)
	if len(software) > 1 {
		second := software[1]
		s.err(CodeImageDeclaredTwice, second.name.place(), "node %s declares more than one software image", clip(n.name.text())).
			expected("one artifact of type SwImage")
	}
	switch {
	case len(software) > 0:
		return s.softwareImage(n, software[0], data)
	case data.isMap():
		d := s.describeImage(n, data)
		if s.isContainer(n, d, node{}) {
			return declaration{}
		}
		return described(d)
	case len(named) > 0:
		return s.namedImages(n, named)
	}
	return s.imageProperty(n, properties)
}

// softwareImage reads an artifact of type SwImage. Its data stands in the
// node's sw_image_data, or, since version 2.7 of SOL001, in the artifact's own
// properties.
func (s *service) softwareImage(n *nodeTemplate, a artifact, data node) declaration {
	if own := a.key("properties"); !data.isMap() && own.isMap() {
		data = own
	}
	from := s.eval(n, a.fileNode())
	d := s.describeImage(n, data)
	s.digest(&d, a.key("checksum"), strings.ReplaceAll(strings.ToLower(a.key("checksum_algorithm").text()), "-", ""))
	if s.isContainer(n, d, from) {
		return declaration{}
	}
	if !data.isMap() {
		if from.text() == "" {
			return declaration{}
		}
		d.Name = path.Base(from.text())
		report := s.warn
		if _, _, unknownYet := function(n.path("properties", "sw_image_data")); n.scope.isSOL001() && !unknownYet {
			report = s.err
		}
		report(CodeImageDataMissing, a.name.place(), "the software image of %s has no sw_image_data", clip(n.name.text())).
			expected("sw_image_data in the node's properties")
	}
	s.source(&d, n, a, from)
	return described(d)
}

// describeImage reads sw_image_data and its like. Values may be functions.
func (s *service) describeImage(n *nodeTemplate, data node) ImageDescription {
	plain := s.evalAll(n, data)
	d := ImageDescription{Name: cmp.Or(plain.key("name").text(), n.name.text()), Place: n.name.place()}
	if data.isMap() {
		d.Place = data.place()
	}
	s.imageProperties(&d, plain)
	s.vimProperties(&d, n.key("properties"))
	return d
}

// evalAll evaluates the values of a map, one level deep.
func (s *service) evalAll(n *nodeTemplate, data node) node {
	if !data.isMap() {
		return data
	}
	out := *data.Node
	out.Content = append([]*yaml.Node(nil), data.Content...)
	for i := 1; i < len(out.Content); i += 2 {
		if v := s.eval(n, data.at(out.Content[i])); v.Node != nil {
			out.Content[i] = v.Node
		} else {
			out.Content[i] = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
		}
	}
	return node{&out, data.file}
}

// source finds the image's bytes: a URL, or a file of the package.
func (s *service) source(d *ImageDescription, n *nodeTemplate, a artifact, from node) {
	name := from.text()
	if name == "" {
		return
	}
	if repository := s.repository(n, a); repository != "" && !isHTTP(name) {
		name = strings.TrimSuffix(repository, "/") + "/" + strings.TrimPrefix(name, "/")
	}
	if isHTTP(name) {
		d.URL = name
		d.Compression = cmp.Or(d.Compression, compressionOf(name))
		return
	}
	file, ok := s.resolve(path.Dir(from.file), from)
	if !ok {
		file, ok = s.distributed(name)
	}
	if !ok {
		s.err(CodeImageMissing, from.place(), "the image file of %s is not in the package", clip(n.name.text())).found("%s", name)
		return
	}
	if s.sizes[file] == 0 && len(d.Digests) == 0 {
		s.roles[file] = RoleImage
		s.warn(CodeImageEmpty, from.place(), "the image file of %s is empty; the image is expected on the VIM", clip(n.name.text())).found("%s", file)
		return
	}
	d.File = file
	d.Compression = cmp.Or(d.Compression, compressionOf(file))
}

// distributed finds a file where ONAP's SDC moves it when it makes a service's
// package: Artifacts/x becomes Artifacts/<resource>/x. Nothing but the one file
// with such a path is taken.
func (s *service) distributed(name string) (file string, ok bool) {
	top, rest, _ := strings.Cut(path.Clean("/" + name)[1:], "/")
	for _, f := range s.list {
		folder, below, _ := strings.Cut(f.Path, "/")
		if _, tail, _ := strings.Cut(below, "/"); rest == "" || folder != top || tail != rest {
			continue
		}
		if ok {
			return "", false
		}
		file, ok = f.Path, true
	}
	return file, ok
}

// repository returns the URL of an artifact's repository, which is declared by
// name in the template.
func (s *service) repository(n *nodeTemplate, a artifact) string {
	name := a.key("repository").text()
	if name == "" {
		return ""
	}
	declared := n.scope.path("repositories", name)
	if at := cmp.Or(declared.text(), declared.key("url").text()); isHTTP(at) {
		return at
	}
	return ""
}

// imageNode reads a node that is an image, as drafts of SOL001 and vendors
// have it: the properties are the data, and the source is among them.
func (s *service) imageNode(n *nodeTemplate, properties node) declaration {
	software, _ := s.imageArtifacts(n.node)
	if len(software) > 0 {
		return s.softwareImage(n, software[0], properties)
	}
	d := s.describeImage(n, properties)
	from := s.eval(n, properties.key("sw_image", "file_url", "file"))
	if isHTTP(from.text()) {
		d.URL = from.text()
		return described(d)
	}
	if file, ok := s.resolve(path.Dir(from.file), from); ok && s.sizes[file] > 0 {
		d.File = file
		return described(d)
	}
	return declaration{unique([]string{from.text(), d.Name}), []ImageDescription{d}}
}

// namedImages reads the artifacts of the older vocabulary, which are
// alternatives: names on the VIM, or URLs.
func (s *service) namedImages(n *nodeTemplate, named []artifact) declaration {
	var out declaration
	for _, a := range named {
		from := s.eval(n, a.fileNode())
		name := from.text()
		if isVMImageType(name) {
			// One author wrote the type into file, and the file into type.
			from = a.key("type")
			name = from.text()
		}
		if name == "" || isVMImageType(name) {
			continue
		}
		d := ImageDescription{Name: name, Place: a.name.place()}
		file, how := s.lookup(path.Dir(from.file), name)
		switch {
		case isHTTP(name):
			d.Name, d.URL = baseOfURL(name), name
		case (how == matchHere || how == matchRoot) && s.sizes[file] > 0:
			d.Name, d.File = path.Base(file), file
		default:
			out.names = append(out.names, name)
			continue
		}
		d.Compression = compressionOf(name)
		s.vimProperties(&d, n.key("properties"))
		out.names = append(out.names, d.Name)
		out.descriptions = append(out.descriptions, d)
	}
	return out
}

// imageProperty reads the names that a VDU's properties give: image of
// Tacker's and Heat's types, vm_image of Open Baton's.
func (s *service) imageProperty(n *nodeTemplate, properties node) declaration {
	value := s.eval(n, properties.key("vm_image", "image"))
	names := value.texts()
	if len(names) == 1 && s.pkg.Dialect != OpenBatonCSAR && s.isContainer(n, ImageDescription{}, value) {
		return declaration{}
	}
	return declaration{names: names}
}

// isContainer reports, with a warning, whether a node's image is for containers:
// by its format, or by its name when no container format says otherwise.
func (s *service) isContainer(n *nodeTemplate, d ImageDescription, from node) bool {
	if d.ContainerFormat != "docker" && (d.ContainerFormat != "" || !s.isRegistryName(from.text())) {
		return false
	}
	at := from.place()
	if from.Node == nil {
		at = n.name.place()
	}
	s.warn(CodeImageIsContainer, at, "the image of %s is a container image", clip(n.name.text())).found("%s", from.text())
	return true
}

// registryName is a reference of a container registry: [host[:port]/]path[:tag][@digest].
var registryName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)*(:[\w.-]+)?(@sha256:[0-9a-f]{64})?$`)

// isRegistryName tells a reference of a container registry from a path: it has
// a slash or a tag, no ending of a disk image, and no folder of the package. It
// may be a URL of the schemes that container tools have for it.
func (s *service) isRegistryName(name string) bool {
	if scheme, _, ok := strings.Cut(name, "://"); ok {
		return scheme == "docker" || scheme == "oci"
	}
	if !strings.ContainsAny(name, "/:") || !registryName.MatchString(name) {
		return false
	}
	switch path.Ext(name) {
	case ".img", ".qcow2", ".raw", ".iso", ".vmdk", ".vdi", ".vhd", ".vhdx", ".gz", ".xz", ".zst", ".bz2", ".ova", ".tar":
		return false
	}
	top, _, _ := strings.Cut(name, "/")
	return !s.hasFolder(top)
}

// baseOfURL names an image by the last part of its URL's path.
func baseOfURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || path.Base(u.Path) == "/" || path.Base(u.Path) == "." {
		return s
	}
	return path.Base(u.Path)
}
