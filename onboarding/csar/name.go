package csar

import (
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// cleanName returns the path that a member's name stands for, clean, relative
// and slash-separated; it is "." for the package's own folder.
func cleanName(name string) (string, *Error) {
	switch {
	case name == "":
		return "", fault(CodeNameInvalid, "", "a member has no name")
	case !utf8.ValidString(name):
		return "", fault(CodeNameInvalid, name, "the name is not UTF-8").found("%q", name)
	case strings.ContainsFunc(name, isControl):
		return "", fault(CodeNameInvalid, name, "the name holds a control character").found("%q", name)
	}
	// A backslash parts folders for some readers, so it must not lead out of
	// the package in their eyes either.
	slashed := strings.ReplaceAll(name, `\`, "/")
	if slashed[0] == '/' || hasDrive(slashed) {
		return "", fault(CodeTraversal, name, "the name is absolute")
	}
	for part := range strings.SplitSeq(slashed, "/") {
		if part == ".." {
			return "", fault(CodeTraversal, name, "the name leads out of its folder")
		}
	}
	if slashed != name {
		return "", fault(CodeNameInvalid, name, "the name holds a backslash")
	}
	return path.Clean(name), nil
}

// hasDrive reports whether the name begins with a drive letter, as in C:x.
func hasDrive(name string) bool {
	return len(name) >= 2 && name[1] == ':' && unicode.IsLetter(rune(name[0]))
}

// isControl also reports the invisible characters that turn the direction of
// text, with which one name can be shown as another.
func isControl(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
}

// isLitter reports whether the member is a by-product of macOS: AppleDouble
// twins, their folder, and Finder's settings.
func isLitter(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	base := path.Base(name)
	return first == "__MACOSX" || strings.HasPrefix(base, "._") || base == ".DS_Store"
}

// leadsOut reports whether a symbolic link at the path points out of the
// package, or cannot be told not to.
func leadsOut(name, target string) bool {
	target = strings.ReplaceAll(target, `\`, "/")
	if target == "" || target[0] == '/' || hasDrive(target) {
		return true
	}
	resolved := path.Join(path.Dir(name), target)
	return resolved == ".." || strings.HasPrefix(resolved, "../")
}

// topFolder returns the folder, with its slash, that holds all paths, unless
// it is one that has a meaning in a package's root. It may lie in others that
// hold nothing else, as when a folder was packed that was unpacked into one.
func topFolder(paths []string) string {
	top := ""
	for len(paths) > 0 {
		next, _, nested := strings.Cut(paths[0][len(top):], "/")
		longer := top + next + "/"
		if !nested || isPackageFolder(next) || slices.ContainsFunc(paths, func(p string) bool { return !strings.HasPrefix(p, longer) }) {
			break
		}
		top = longer
	}
	return top
}

// isPackageFolder reports whether the name is that of a folder in the root of
// packages by the conventions of Open Baton and SOL004.
func isPackageFolder(name string) bool {
	switch strings.ToLower(name) {
	case "tosca-metadata", "tosca_metadata", "definitions", "files", "artifacts", "images", "scripts":
		return true
	}
	return false
}
