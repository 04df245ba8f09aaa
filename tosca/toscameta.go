package tosca

import (
	"bytes"
	"path"
	"strings"
)

// toscaMeta is a parsed TOSCA.meta: block 0, which speaks of the package, and
// the blocks that follow, one a file.
type toscaMeta struct {
	file string
	keys map[string]metaValue // by lower-case key of block 0
	// entries are the blocks with a Name. Digests stated in them are for the
	// stage that reads the bytes.
	entries []metaEntry
}

type metaValue struct {
	text string
	line int
}

// metaEntry is a block of TOSCA.meta that speaks of one file.
type metaEntry struct {
	name, algorithm, hash, contentType string
	line                               int
}

// metaNames returns the spellings of a key, all lower case, the right one first.
func metaNames(key string) []string {
	switch key {
	case "version":
		return []string{"tosca-meta-file-version", "tosca-meta-version"}
	case "csar":
		return []string{"csar-version"}
	case "author":
		return []string{"created-by"}
	case "definitions":
		return []string{"entry-definitions"}
	}
	return []string{"etsi-entry-" + key, "entry-" + key}
}

// get returns the value of a key of block 0 in any of its spellings.
func (m *toscaMeta) get(key string) (metaValue, bool) {
	for _, name := range metaNames(key) {
		if v, ok := m.keys[name]; ok {
			return v, true
		}
	}
	return metaValue{}, false
}

func (m *toscaMeta) place(v metaValue) Place { return Place{File: m.file, Line: v.line} }

// metaFile finds TOSCA.meta in one of the spellings of its folder, or in the
// root, where TOSCA 2.0 has it.
func (r *reader) metaFile() string {
	for _, folder := range []string{"tosca-metadata/", "tosca_metadata/", ""} {
		if file := r.folded[folder+"tosca.meta"]; file != "" {
			return file
		}
	}
	return ""
}

// parseTOSCAMeta reads TOSCA.meta by line, which is what all writers of it
// have in common: blocks are parted by blank lines or begin with Name, keys
// differ in case, values may be quoted. A Name in the very first block is the
// archive's own (an older custom), not a file's.
func (r *reader) parseTOSCAMeta(file string, data []byte) *toscaMeta {
	m := &toscaMeta{file: file, keys: map[string]metaValue{}}
	data = bytes.TrimPrefix(data, utf8BOM)
	started, first := false, true // the current block has keys; it is block 0
	for i, line := range strings.Split(strings.ReplaceAll(string(data), "\r", ""), "\n") {
		at := Place{File: file, Line: i + 1}
		text := strings.TrimSpace(line)
		if text == "" {
			first, started = first && !started, false
			continue
		}
		if text[0] == '#' || text == "---" {
			continue
		}
		key, value, ok := strings.Cut(text, ":")
		key = strings.ToLower(strings.TrimSpace(key))
		if !ok || key == "" || strings.HasPrefix(key, "-") {
			r.err(CodeMetaMalformed, at, "a line is not of the form Key: value").found("%s", text)
			continue
		}
		value = strings.Trim(strings.TrimSpace(value), `'"`)
		if key == "name" && (started || !first) {
			first = false
			m.entries = append(m.entries, metaEntry{name: value, line: i + 1})
		}
		started = true
		if first {
			if have, twice := m.keys[key]; twice {
				report := r.warn
				if have.text != value && strings.Contains(key, "entry-") {
					report = r.err
				}
				report(CodeDuplicateKey, at, "key %q stands twice in TOSCA.meta", clip(key)).found("first on line %d", have.line)
				continue
			}
			m.keys[key] = metaValue{value, i + 1}
			continue
		}
		if len(m.entries) == 0 {
			continue // a stray block without a name
		}
		e := &m.entries[len(m.entries)-1]
		switch key {
		case "algorithm":
			e.algorithm = value
		case "hash":
			e.hash = value
		case "content-type":
			e.contentType = value
		}
	}
	return m
}

// checkMeta reports what block 0 lacks and what it names in vain.
func (r *reader) checkMeta(m *toscaMeta) {
	if v, _ := m.get("version"); v.text == "" && path.Dir(m.file) != "." {
		r.warn(CodeMetaKeyMissing, m.place(v), "TOSCA-Meta-File-Version is missing").expected("TOSCA-Meta-File-Version: 1.0")
	}
	if v, _ := m.get("csar"); v.text == "" {
		r.warn(CodeMetaKeyMissing, m.place(v), "CSAR-Version is missing").expected("CSAR-Version: 1.1")
	}
	if v, _ := m.get("author"); v.text == "" {
		r.warn(CodeMetaKeyMissing, m.place(v), "Created-By is missing").expected("Created-By: the package's author")
	}
	for _, key := range []string{"manifest", "change-log", "certificate", "licenses", "tests"} {
		switch v, ok := m.get(key); {
		case ok && v.text == "":
			r.warn(CodeMetaKeyMissing, m.place(v), "the %s has no path", strings.ReplaceAll(key, "-", " "))
		case ok:
			r.checkMetaEntry(m, key, v)
		}
	}
	r.checkSOL004Keys(m)
	r.checkNames(m)
}

// checkNames warns, once, about files that have a block and are not there.
func (r *reader) checkNames(m *toscaMeta) {
	var absent []string
	at := Place{File: m.file}
	for _, e := range m.entries {
		if _, how := r.lookup("", e.name); how != matchNone || isHTTP(e.name) || r.isFolder(e.name) {
			continue
		}
		if absent = append(absent, e.name); len(absent) == 1 {
			at.Line = e.line
		}
	}
	if len(absent) > 0 {
		r.warn(CodeMetaEntryDangling, at, "TOSCA.meta has blocks of files that are not in the package").
			found("%d: %s", len(absent), strings.Join(absent, ", "))
	}
}

// isFolder reports whether any file lies in a folder, in any case.
func (r *reader) isFolder(name string) bool {
	prefix := strings.ToLower(strings.Trim(path.Clean("/"+name), "/")) + "/"
	for folded := range r.folded {
		if strings.HasPrefix(folded, prefix) {
			return true
		}
	}
	return false
}

func (r *reader) checkMetaEntry(m *toscaMeta, key string, v metaValue) {
	if file, how := r.lookup("", v.text); how != matchNone {
		r.roles[file] = RoleMetadata
		return
	}
	if r.isFolder(v.text) {
		return // licenses and tests may be folders
	}
	report := r.warn
	if m.strict() && key != "licenses" && key != "tests" {
		report = r.err
	}
	report(CodeMetaEntryDangling, m.place(v), "%s is not in the package", clip(v.text))
}

// strict reports whether the package claims to follow SOL004 to the letter: it
// names its tests, which only packages made for a compliance check do.
func (m *toscaMeta) strict() bool {
	_, ok := m.get("tests")
	return ok
}

// checkSOL004Keys asks such a package for the two keys that SOL004, clause
// 4.1.2.3 makes mandatory.
func (r *reader) checkSOL004Keys(m *toscaMeta) {
	if !m.strict() {
		return
	}
	for key, name := range map[string]string{"manifest": "ETSI-Entry-Manifest", "change-log": "ETSI-Entry-Change-Log"} {
		if _, ok := m.get(key); !ok {
			r.err(CodeMetaKeyMissing, Place{File: m.file}, "%s is missing", name).expected("%s: the file's path", name)
		}
	}
}
