package csar

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// inventory decides which members of an archive become files of the package.
// What it refuses it reports; only an exceeded limit ends the reading.
type inventory struct {
	*report
	limits  Limits
	members int
	total   int64             // bytes
	seen    map[string]string // paths by lower-case path
	entries []*entry
}

func newInventory(r *report, limits Limits) *inventory {
	return &inventory{report: r, limits: limits, seen: map[string]string{}}
}

// candidate is a member as its archive describes it.
type candidate struct {
	name string
	mode fs.FileMode // its type bits
	kind string      // what to call a type that is refused
	size int64
	link func() (string, error) // the target of a symbolic link
}

// admit returns the path of a member that becomes a file, or "" for one that
// does not.
func (inv *inventory) admit(c candidate) (string, error) {
	inv.members++
	if inv.members > inv.limits.Members {
		return "", fault(CodeLimitMembers, "", "the archive has too many members").expected("at most %d", inv.limits.Members)
	}
	if c.mode&fs.ModeType == 0 {
		if c.size > inv.limits.MemberSize {
			return "", fault(CodeLimitMemberSize, c.name, "the member is too large").
				expected("at most %d bytes", inv.limits.MemberSize).found("%d bytes", c.size)
		}
		inv.total += c.size
		if inv.total > inv.limits.TotalSize {
			return "", fault(CodeLimitTotalSize, "", "the members are too large together").expected("at most %d bytes", inv.limits.TotalSize)
		}
	}
	name, problem := inv.name(c)
	if problem != nil {
		inv.add(problem.Finding)
		return "", nil
	}
	if name == "." || isLitter(name) || c.mode.IsDir() {
		return "", nil
	}
	if c.mode&fs.ModeSymlink != 0 {
		return "", inv.link(name, c)
	}
	if c.mode&fs.ModeType != 0 {
		inv.add(fault(CodeTypeRefused, name, "the member is not a file but a %s", c.kind).Finding)
		return "", nil
	}
	return name, nil
}

// name returns the member's clean path, which no other member has.
func (inv *inventory) name(c candidate) (string, *Error) {
	if c.mode.IsDir() && strings.Trim(c.name, "/") == "" {
		return ".", nil // some tars begin with the folder / and have relative names after it
	}
	name, problem := cleanName(c.name)
	switch {
	case problem != nil:
		return "", problem
	case len(name) > inv.limits.PathLength:
		return "", fault(CodeLimitPath, name, "the path is too long").
			expected("at most %d bytes", inv.limits.PathLength).found("%d bytes", len(name))
	case strings.Count(name, "/") >= inv.limits.PathDepth:
		return "", fault(CodeLimitPath, name, "the path is too deep").
			expected("at most %d parts", inv.limits.PathDepth).found("%d parts", strings.Count(name, "/")+1)
	case c.mode.IsDir() || isLitter(name):
		return name, nil // folders are commonly listed twice, and neither kind is kept
	case strings.HasSuffix(c.name, "/") || name == ".":
		return "", fault(CodeContradiction, c.name, "the name is a folder's and the member a %s", c.kind)
	}
	lower := strings.ToLower(name)
	switch other, taken := inv.seen[lower]; {
	case taken && other == name:
		return "", fault(CodeDuplicate, name, "the archive has two members of this name")
	case taken:
		return "", fault(CodeCaseDuplicate, name, "the name differs from another's only in case").found("%s", other)
	}
	inv.seen[lower] = name
	return name, nil
}

// link reports a symbolic link.
func (inv *inventory) link(name string, c candidate) error {
	target, err := c.link()
	if err != nil {
		return err
	}
	if leadsOut(name, target) {
		inv.add(fault(CodeTypeRefused, name, "the member is a symbolic link out of the package").found("%s", target).Finding)
		return nil
	}
	inv.add(warning(CodeLinkIgnored, name, "the symbolic link is left out of the package"))
	return nil
}

// file adds an admitted member to the package.
func (inv *inventory) file(e *entry) { inv.entries = append(inv.entries, e) }

// archive returns the files as an Archive.
func (inv *inventory) archive() (*Archive, error) {
	if inv.members == 0 {
		return nil, fault(CodeEmpty, "", "the archive has no members")
	}
	for _, e := range inv.entries {
		for dir := path.Dir(e.Path); dir != "."; dir = path.Dir(dir) {
			if other, taken := inv.seen[strings.ToLower(dir)]; taken {
				inv.add(fault(CodeDuplicate, e.Path, "the member's folder is also a file: %s", printable(other)).Finding)
			}
		}
	}
	return newArchive(inv.entries, inv.limits), nil
}

// describe names a file type in a message.
func describe(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "file"
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeSymlink != 0:
		return "symbolic link"
	case mode&fs.ModeNamedPipe != 0:
		return "pipe"
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeDevice != 0:
		return "device"
	}
	return fmt.Sprintf("member of type %v", mode.Type())
}
