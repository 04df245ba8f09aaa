package tosca

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
)

const (
	// maxImports bounds the files that one package's templates import.
	maxImports = 1000
	// maxSearches bounds the searches for a type in the text of unread files;
	// after them all are parsed.
	maxSearches = 50
)

// service is the set of templates that are reached from an entry template by
// its imports.
type service struct {
	*reader
	// templates are the files with a topology, the entry first, in the order
	// of their imports. The entry is here even without a topology.
	templates []template
	// unread are the type files. They are large and seldom needed, since the
	// NFV types are known by name; typeNode parses them when one is.
	unread   []typeFile
	types    map[string]node   // node and artifact types by name
	searches int               // in unread
	absent   int               // imports that are not in the package
	bases    map[string]string // of byBase
	stated   map[string]bool   // properties that a VNF node gives
	warned   map[Place]bool    // unresolved values that were reported
}

type template struct {
	node
	topology node
}

// isSOL001 reports whether the template is in the vocabulary that ETSI
// published, which is written in version 1.2 and later of the Simple Profile.
// The drafts before it, still in use, know less.
func (t *template) isSOL001() bool {
	version := t.key("tosca_definitions_version").text()
	rest, ok := strings.CutPrefix(version, "tosca_simple_yaml_1_")
	minor, _, _ := strings.Cut(rest, "_") // 1_1_0 is 1_1
	return ok && minor != "0" && minor != "1" || version == "tosca_2_0"
}

type typeFile struct {
	file string
	data []byte
}

// load reads the entry template and follows its imports, each file once.
func (r *reader) load(entry string) *service {
	s := &service{reader: r, types: map[string]node{}, stated: map[string]bool{}, warned: map[Place]bool{}}
	seen := map[string]bool{entry: true}
	for queue := []string{entry}; len(queue) > 0; queue = queue[1:] {
		for _, file := range s.loadFile(queue[0], queue[0] == entry) {
			if seen[file] {
				continue
			}
			if len(seen) == maxImports {
				r.err(CodeImportLimit, Place{File: queue[0]}, "the templates import more than %d files", maxImports)
				return s
			}
			seen[file] = true
			queue = append(queue, file)
		}
	}
	return s
}

// loadFile reads one template and returns the files that it imports.
func (s *service) loadFile(file string, entry bool) []string {
	s.roles[file] = RoleDescriptor
	data, ok := s.read(file)
	if !ok {
		return nil
	}
	if !entry && !bytes.Contains(data, []byte("topology_template")) && !bytes.Contains(data, []byte("service_template")) {
		s.unread = append(s.unread, typeFile{file, data})
		section := importsSection(data)
		if section == nil {
			return nil
		}
		return s.imports(s.parseYAML(file, section, CodeDescriptorMalformed))
	}
	root := s.parseYAML(file, data, CodeDescriptorMalformed)
	switch {
	case root.isMap():
	case root.exists():
		s.err(CodeDescriptorMalformed, root.place(), "the template is not a map")
	case entry && len(bytes.TrimSpace(data)) == 0:
		s.warn(CodeDescriptorMalformed, Place{File: file}, "the template is empty")
		s.templates = append(s.templates, template{node: root})
	}
	if !root.isMap() {
		return nil
	}
	s.addTypes(root)
	t := template{root, root.key("topology_template", "service_template")}
	if entry || t.topology.isMap() {
		s.templates = append(s.templates, t)
	}
	return s.imports(root)
}

// importsSection cuts the imports out of a type file, keeping its line
// numbers, without parsing the rest.
func importsSection(data []byte) []byte {
	const key = "imports:"
	start := bytes.Index(data, []byte("\n"+key)) + 1
	if start == 0 && !bytes.HasPrefix(data, []byte(key)) {
		return nil
	}
	end := start + len(key)
	for {
		line := bytes.IndexByte(data[end:], '\n')
		if line < 0 || end+line+1 >= len(data) {
			end = len(data)
			break
		}
		end += line + 1
		if bytes.IndexByte([]byte(" \t-#[]{}\r\n"), data[end]) < 0 {
			break
		}
	}
	padding := bytes.Repeat([]byte("\n"), bytes.Count(data[:start], []byte("\n")))
	return append(padding, data[start:end]...)
}

func (s *service) addTypes(root node) {
	for _, section := range []string{"node_types", "artifact_types"} {
		for name, t := range root.key(section).fields() {
			if !s.types[name.text()].exists() {
				s.types[name.text()] = t
			}
		}
	}
}

// typeNode returns the definition of a type, parsing the type files that
// mention it.
func (s *service) typeNode(name string) node {
	if t, ok := s.types[name]; ok || name == "" {
		return t
	}
	s.types[name] = node{} // unless it is found now, it is nowhere
	s.searches++
	rest := s.unread[:0]
	for _, f := range s.unread {
		if s.searches < maxSearches && !bytes.Contains(f.data, []byte(name+":")) {
			rest = append(rest, f)
			continue
		}
		s.addTypes(s.parseYAML(f.file, f.data, CodeDescriptorMalformed))
	}
	s.unread = rest
	return s.types[name]
}

// imports returns the files that a template imports, by the paths they have in
// the package.
func (s *service) imports(root node) []string {
	var out []string
	for _, n := range importNames(root.key("imports"), 0) {
		if file, ok := s.importFile(root.file, n); ok {
			out = append(out, file)
		}
	}
	return out
}

// importNames collects the files of an imports section in all its notations:
// a path; {file: path}; {name: path}; {name: {file: path}}; a map of these.
func importNames(n node, depth int) []node {
	if depth > 4 { // deeper than any notation
		return nil
	}
	var out []node
	switch {
	case n.isMap() && n.key("file", "url", "profile").exists():
		return importNames(n.key("file", "url"), depth+1)
	case n.isMap():
		for _, v := range n.fields() {
			out = append(out, importNames(v, depth+1)...)
		}
	case n.isList():
		for _, item := range n.items() {
			out = append(out, importNames(item, depth+1)...)
		}
	case n.text() != "":
		out = append(out, n)
	}
	return out
}

// profileName is an import by name and version from a catalogue of types, as
// TOSCA 2.0 and some orchestrators have it.
var profileName = regexp.MustCompile(`^[\w.-]+:[\w.-]+$`)

func (s *service) importFile(from string, n node) (string, bool) {
	name := n.text()
	if isHTTP(name) {
		s.warn(CodeImportRemote, n.place(), "an import by URL is not fetched").found("%s", name)
		return "", false
	}
	if profileName.MatchString(name) {
		return "", false
	}
	if file, ok := s.resolve(path.Dir(from), n); ok {
		return file, true
	}
	if file := s.byBase()[strings.ToLower(path.Base(name))]; file != "" {
		s.warn(CodeImportMissing, n.place(), "the import is not at its path; a file of this name is read instead").
			expected("%s", file).found("%s", name)
		return file, true
	}
	s.warn(CodeImportMissing, n.place(), "an imported file is not in the package").found("%s", name)
	s.absent++
	return "", false
}

// byBase returns the package's files by their names without folders, in lower
// case; of several of one name the first.
func (s *service) byBase() map[string]string {
	if s.bases == nil {
		s.bases = make(map[string]string, len(s.list))
		for _, f := range slices.Backward(s.list) {
			s.bases[strings.ToLower(path.Base(f.Path))] = f.Path
		}
	}
	return s.bases
}
