package diskfmt

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"strings"
)

const (
	sector = 512

	vmdkMagic       = "KDMV"
	vmdkGDAtEnd     = math.MaxUint64 // the grain directory is told by the footer
	vmdkMarkerKind  = 12             // offset of the type in a marker sector
	vmdkFooterMark  = 3
	vmdkHeaderBytes = 79
)

func probeVMDK(e evidence) (Result, bool) {
	switch {
	case hasAt(e.head, 0, vmdkMagic):
		return sparseVMDK(e), true
	case hasAt(e.head, 0, "COWD"):
		// An ESX extent of a vmfsSparse disk, whose header names a parent.
		r := Result{Format: VMDK, Variant: "vmfsSparse"}
		r.problemf(CreateType, "vmdk createType vmfsSparse")
		return r, true
	case isVMDKText(e.head):
		return textVMDK(e), true
	}
	return Result{}, false
}

// sparseVMDK reads a hosted sparse extent with its descriptor inside.
func sparseVMDK(e evidence) Result {
	r := Result{Format: VMDK}
	if len(e.head) < vmdkHeaderBytes {
		r.problemf(Malformed, "vmdk header ends after %d bytes", len(e.head))
		return r
	}
	h := field{e.head, binary.LittleEndian}
	if version := h.u32(4); version < 1 || version > 3 {
		r.problemf(Unsupported, "vmdk version %d", version)
	}
	capacity := h.u64(12)
	r.setVirtual(capacity, sector)
	if capacity == 0 {
		// QEMU then follows the embedded descriptor, wherever it leads.
		r.problemf(ExternalExtent, "vmdk without a capacity of its own")
	}
	offset, size := h.u64(28), h.u64(36)
	var text []byte
	if offset < headSize/sector && size <= headSize/sector {
		text = slice(e.head, offset*sector, size*sector)
	}
	if offset == 0 || len(text) == 0 {
		r.problemf(Malformed, "vmdk descriptor of %d sectors at sector %d", size, offset)
	} else {
		r.checkVMDKDescriptor(parseVMDKDescriptor(text), true)
	}
	if h.u64(56) == vmdkGDAtEnd && !e.cut {
		r.checkVMDKFooter(e)
	}
	return r
}

// checkVMDKFooter compares the footer, which readers prefer to the header, with
// the header that was judged. The footer's own grain directory offset differs.
func (r *Result) checkVMDKFooter(e evidence) {
	if len(e.tail) < tailSize {
		r.problemf(Malformed, "vmdk without the footer that its header promises")
		return
	}
	marker, footer := field{e.tail[:sector], binary.LittleEndian}, e.tail[sector:2*sector]
	if marker.u32(vmdkMarkerKind) != vmdkFooterMark || !hasAt(footer, 0, vmdkMagic) {
		r.problemf(Malformed, "vmdk without the footer that its header promises")
		return
	}
	// Everything up to the redundant grain directory: version, flags, capacity,
	// grain size, descriptor, table size.
	if !bytes.Equal(footer[:48], e.head[:48]) {
		r.problemf(Malformed, "vmdk footer contradicts the header")
	}
}

// textVMDK reads a descriptor that is a file of its own. Its extents are other
// files by nature.
func textVMDK(e evidence) Result {
	r := Result{Format: VMDK}
	d := parseVMDKDescriptor(e.head)
	r.checkVMDKDescriptor(d, false)
	var sectors uint64
	for _, x := range d.extents {
		if sectors > math.MaxUint64-x.sectors {
			sectors = math.MaxUint64
			break
		}
		sectors += x.sectors
	}
	r.setVirtual(sectors, sector)
	return r
}

func (r *Result) checkVMDKDescriptor(d vmdkDescriptor, embedded bool) {
	r.Variant = d.createType
	if d.createType != "monolithicSparse" && d.createType != "streamOptimized" {
		r.problemf(CreateType, "vmdk createType %q", d.createType)
	}
	if d.parent {
		r.problemf(BackingFile, "vmdk child of %q", d.parentName)
	}
	if !embedded {
		r.problemf(ExternalExtent, "vmdk descriptor without data, extents %q", d.extentNames())
		return
	}
	// The one extent is the file itself, under the name it had when it was made.
	if len(d.extents) != 1 || d.extents[0].kind != "SPARSE" || strings.ContainsAny(d.extents[0].name, `/\`) {
		r.problemf(ExternalExtent, "vmdk extents %q", d.extentNames())
	}
}

type vmdkDescriptor struct {
	createType string
	parent     bool
	parentName string
	extents    []vmdkExtent
}

type vmdkExtent struct {
	sectors uint64
	kind    string
	name    string
}

func (d vmdkDescriptor) extentNames() []string {
	var names []string
	for _, x := range d.extents[:min(len(d.extents), 8)] {
		names = append(names, printable([]byte(x.name)))
	}
	return names
}

// isVMDKText tells a descriptor file as QEMU does: comments and blank lines, then
// the version.
func isVMDKText(head []byte) bool {
	for line := range bytes.Lines(head) {
		line = bytes.TrimSpace(line)
		switch {
		case len(line) == 0, line[0] == '#':
			if bytes.HasPrefix(bytes.ToLower(line), []byte("# disk descriptorfile")) {
				return true
			}
		default:
			return bytes.HasPrefix(bytes.ToLower(line), []byte("version="))
		}
	}
	return false
}

// parseVMDKDescriptor reads key="value" lines and extent lines such as
// RW 20480 SPARSE "disk.vmdk". Keys and access words are read in any case, and of
// a repeated createType the last one that is not allowed wins: readers differ.
func parseVMDKDescriptor(text []byte) vmdkDescriptor {
	text, _, _ = bytes.Cut(text, []byte{0})
	var d vmdkDescriptor
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, headSize+1)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if x, ok := parseVMDKExtent(line); ok {
			d.extents = append(d.extents, x)
			continue
		}
		key, value, _ := strings.Cut(line, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "createtype":
			if d.createType == "" || (value != "monolithicSparse" && value != "streamOptimized") {
				d.createType = printable([]byte(value))
			}
		case "parentcid":
			if !strings.EqualFold(value, "ffffffff") {
				d.parent = true
			}
		case "parentfilenamehint":
			d.parent, d.parentName = true, printable([]byte(value))
		}
	}
	return d
}

func parseVMDKExtent(line string) (vmdkExtent, bool) {
	words := strings.Fields(line)
	if len(words) < 3 {
		return vmdkExtent{}, false
	}
	switch strings.ToUpper(words[0]) {
	case "RW", "RDONLY", "NOACCESS":
	default:
		return vmdkExtent{}, false
	}
	sectors, err := strconv.ParseUint(words[1], 10, 64)
	if err != nil {
		sectors = 0
	}
	_, quoted, _ := strings.Cut(line, `"`)
	name, _, _ := strings.Cut(quoted, `"`)
	return vmdkExtent{sectors: sectors, kind: strings.ToUpper(words[2]), name: name}, true
}
