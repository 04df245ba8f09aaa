package tosca

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ErrTooLarge is wrapped by errors of [Files.ReadFile] for a file that is too
// large to be a descriptor.
var ErrTooLarge = errors.New("file too large for a descriptor")

// maxFindings bounds what one package can make us say about it.
const maxFindings = 1000

// Read tells the dialect of a package by its files and reads it. It returns
// the model and everything that was found; the model is never nil, but
// complete only if the findings do not refuse the package. Read calls files
// from the calling goroutine only and keeps no reference to it.
func Read(files Files) (*Package, Findings) {
	r := &reader{
		files:    files,
		sizes:    map[string]int64{},
		folded:   map[string]string{},
		contents: map[string][]byte{},
		roles:    map[string]FileRole{},
		twice:    map[Place]int{},
		vnfTypes: map[string]bool{},
		pkg:      &Package{VDUs: []VDU{}, Images: []ImageDescription{}},
	}
	for _, f := range files.List() {
		r.list = append(r.list, f)
		r.sizes[f.Path] = f.Size
		if fold := strings.ToLower(f.Path); r.folded[fold] == "" {
			r.folded[fold] = f.Path
		}
	}
	r.describe()
	if r.pkg.Name == "" && !r.findings.Refused() {
		r.err(CodeNameMissing, Place{File: r.pkg.Descriptor}, "the package has no name")
	}
	r.nameFiles()
	return r.pkg, r.findings.Sorted()
}

// reader holds the state of one call of [Read].
type reader struct {
	files    Files
	list     []FileInfo
	sizes    map[string]int64  // by path
	folded   map[string]string // path by lower-case path
	contents map[string][]byte // of peek
	peeked   int               // bytes of contents
	roles    map[string]FileRole
	pkg      *Package
	findings Findings
	twice    map[Place]int   // keys that stand twice: number of findings when reported
	vnfTypes map[string]bool // of an Open Baton NS: they name the folders below Scripts
	overfull bool            // tooMany was reported
	nodes    int             // values parsed so far, against maxNodes
}

// describe chooses the dialect. The order matters: TOSCA.meta is the surest
// sign, and an Open Baton tar may hold any YAML beside its metadata.
func (r *reader) describe() {
	if meta := r.metaFile(); meta != "" {
		r.csar(meta)
		return
	}
	if r.openBatonTar() || r.osm() {
		return
	}
	r.csarWithoutMeta()
}

// err adds an error at a place and returns it for its details.
func (r *reader) err(code Code, at Place, format string, args ...any) *Finding {
	return r.report(code, Error, at, fmt.Sprintf(format, args...))
}

// warn adds a warning at a place and returns it for its details.
func (r *reader) warn(code Code, at Place, format string, args ...any) *Finding {
	return r.report(code, Warning, at, fmt.Sprintf(format, args...))
}

func (r *reader) report(code Code, severity Severity, at Place, message string) *Finding {
	if len(r.findings) == maxFindings {
		// Whether the unlisted ones refuse the package is not known any
		// more, so this one does.
		r.findings = append(r.findings, Finding{Code: CodeTooManyFindings, Severity: Error,
			Message: fmt.Sprintf("there are more than %d findings", maxFindings), Cure: cureOf(CodeTooManyFindings)})
	}
	if len(r.findings) > maxFindings {
		return &Finding{}
	}
	r.findings = append(r.findings, Finding{Code: code, Severity: severity, Message: message, Place: at, Cure: cureOf(code)})
	return &r.findings[len(r.findings)-1]
}

func cureOf(code Code) string {
	for _, info := range codeTable {
		if info.Code == code {
			return info.Cure
		}
	}
	return ""
}

func (f *Finding) expected(format string, args ...any) *Finding {
	f.Expected = fmt.Sprintf(format, args...)
	return f
}

func (f *Finding) found(format string, args ...any) *Finding {
	f.Found = clip(fmt.Sprintf(format, args...))
	return f
}

// maxPeeked bounds the bytes that peek remembers of one package.
const maxPeeked = 16 << 20

// peek returns a file's content. As the dialects look into the same few files to
// know their own, those are read from the package once, but not remembered without
// end: a package may have thousands of large files that look like descriptors.
func (r *reader) peek(file string) ([]byte, error) {
	if data, ok := r.contents[file]; ok {
		return data, nil
	}
	data, err := r.files.ReadFile(file)
	if err == nil && r.peeked+len(data) <= maxPeeked {
		r.contents[file] = data
		r.peeked += len(data)
	}
	return data, err
}

// read is peek for a file that must be readable: an error becomes a finding.
func (r *reader) read(file string) ([]byte, bool) {
	data, err := r.peek(file)
	switch {
	case err == nil:
		return data, true
	case errors.Is(err, ErrTooLarge):
		r.err(CodeFileUnreadable, Place{File: file}, "too large to be a descriptor").found("%d bytes", r.sizes[file])
	case errors.Is(err, fs.ErrNotExist):
		r.err(CodeFileUnreadable, Place{File: file}, "not in the package")
	default:
		r.err(CodeFileUnreadable, Place{File: file}, "cannot be read: %s", clip(err.Error()))
	}
	return nil, false
}

// has reports whether the package has a file of exactly this path.
func (r *reader) has(file string) bool {
	_, ok := r.sizes[file]
	return ok
}

// lookup finds a path that a document names: as it is written from the
// document's folder, then from the root, then with the leading dots stripped
// (other readers disagree on which is right), and at last in any case.
func (r *reader) lookup(folder, name string) (file string, how match) {
	if name == "" || strings.ContainsRune(name, 0) {
		return "", matchNone
	}
	name = strings.ReplaceAll(name, `\`, "/")
	stripped := path.Clean("/" + name)[1:]
	candidates := []string{path.Join(folder, name), path.Clean(name), stripped}
	for i, c := range candidates {
		if r.has(c) {
			return c, min(matchHere+match(i), matchRoot)
		}
	}
	for _, c := range candidates {
		if file := r.folded[strings.ToLower(c)]; file != "" {
			return file, matchFolded
		}
	}
	return "", matchNone
}

// match says how a path was found.
type match int

const (
	matchNone   match = iota
	matchHere         // from the naming document's folder
	matchRoot         // from the package's root
	matchFolded       // in another case
)

// resolve is lookup with a warning about a path that differs in case.
func (r *reader) resolve(folder string, n node) (string, bool) {
	file, how := r.lookup(folder, n.text())
	if how == matchFolded {
		r.warn(CodePathCase, n.place(), "%s is spelled otherwise in the package", clip(n.text())).found("%s", file)
	}
	return file, how != matchNone
}

// hasFolder reports whether any file lies in a folder, in any case.
func (r *reader) hasFolder(names ...string) bool {
	return slices.ContainsFunc(r.list, func(f FileInfo) bool {
		top, _, nested := strings.Cut(f.Path, "/")
		return nested && slices.Contains(names, strings.ToLower(top))
	})
}

// nameFiles gives every file its role. Roles that the readers found out stand;
// the rest goes by folder.
func (r *reader) nameFiles() {
	for i := range r.pkg.Images {
		if file := r.pkg.Images[i].File; file != "" {
			r.roles[file] = RoleImage
		}
	}
	for _, f := range r.list {
		file := File{Path: f.Path, Size: f.Size, Role: cmp.Or(r.roles[f.Path], RoleArtifact)}
		if folder, rest, _ := strings.Cut(f.Path, "/"); file.Role == RoleArtifact && strings.EqualFold(folder, "scripts") &&
			r.pkg.ScriptsLink == "" {
			file.Role = RoleScript
			if name, _, nested := strings.Cut(rest, "/"); nested && r.vnfTypes[name] {
				file.VNFType = name
			}
		}
		r.pkg.Files = append(r.pkg.Files, file)
	}
}
