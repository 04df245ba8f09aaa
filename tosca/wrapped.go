package tosca

import (
	"path"
	"slices"
	"strings"
)

// wrapped reads an OSM package that lies in another archive, beside a manifest
// that names it and its descriptor, as the SHIELD project has them.
func (r *reader) wrapped(manifest node) {
	descriptor, named := manifest.key("descriptor"), manifest.key("package")
	r.pkg.Name = strings.TrimSuffix(path.Base(descriptor.text()), path.Ext(descriptor.text()))
	file, ok := r.resolve("", named)
	if !ok {
		r.err(CodeDescriptorMissing, named.place(), "the package that the manifest names is not in the archive").found("%s", named.text())
		return
	}
	inner, ok := r.openPackage(file)
	if !ok {
		r.warn(CodeNestedPackage, named.place(), "the package inside the package is not opened").found("%s", file)
		return
	}
	if inner == nil {
		return // and findings say why
	}
	if !slices.ContainsFunc(inner.List(), func(f FileInfo) bool { return strings.HasSuffix("/"+descriptor.text(), "/"+f.Path) }) {
		r.err(CodeDescriptorMissing, descriptor.place(), "the descriptor is not in %s", file).found("%s", descriptor.text())
		return
	}
	pkg, findings := Read(struct{ Files }{inner}) // which hides OpenPackage: one level is enough
	r.adopt(file, findings)
	if pkg.Dialect != OSM {
		r.warn(CodeNestedPackage, named.place(), "only an OSM package is read inside another package").found("%s", pkg.Dialect)
		return
	}
	for i := range pkg.VDUs {
		pkg.VDUs[i].Place.File = file + "/" + pkg.VDUs[i].Place.File
	}
	pkg.Descriptor, pkg.Files = r.pkg.Descriptor, nil
	r.pkg = pkg
}

// openPackage opens a member that should be a package. It is nil if the findings
// refuse it, and ok is false if it cannot be looked into.
func (r *reader) openPackage(file string) (inner Files, ok bool) {
	nest, ok := r.files.(Nest)
	if !ok {
		return nil, false
	}
	inner, findings, err := nest.OpenPackage(file)
	r.adopt(file, findings)
	return inner, err == nil
}

// adopt adds the findings about a member that is a package.
func (r *reader) adopt(file string, findings Findings) {
	for _, f := range findings {
		f.File = strings.TrimSuffix(file+"/"+f.File, "/")
		r.findings = append(r.findings, f)
	}
}
