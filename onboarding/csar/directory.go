package csar

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
)

// The zip file format, APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.16. archiver
// gives neither an entry's offset nor its local header, without which an
// archive's two accounts of itself cannot be compared, so the directory is
// read here as well.
const (
	localSignature     = "PK\x03\x04"
	directorySignature = "PK\x01\x02"
	endSignature       = "PK\x05\x06"
	end64Signature     = "PK\x06\x06"
	locator64Signature = "PK\x06\x07"

	localLen, recordLen, endLen, end64Len, locator64Len = 30, 46, 22, 56, 20

	// maxDirectory is ample for 20,000 members with long paths. archiver
	// holds the directory in memory.
	maxDirectory = 16 << 20

	flagEncrypted  = 1 << 0
	flagDescriptor = 1 << 3 // sizes and CRC follow the data
	flagMasked     = 1 << 13

	methodStore, methodDeflate = 0, 8
)

// record is an entry of a zip's directory.
type record struct {
	name             string
	flags, method    uint16
	crc              uint32
	compressed, size int64
	header           int64 // offset of the local header
	data             int64 // offset of the bytes
}

// directory is where a zip's directory lies.
type directory struct {
	records      int64
	offset, size int64
}

// readDirectory returns the records of the directory, in its order.
func readDirectory(at io.ReaderAt, size int64, limits Limits) ([]*record, error) {
	dir, err := findDirectory(at, size)
	if err != nil {
		return nil, err
	}
	if dir.size > maxDirectory {
		return nil, fault(CodeLimitDirectory, "", "the zip's directory is too large").
			expected("at most %d bytes", maxDirectory).found("%d bytes", dir.size)
	}
	if dir.records > int64(limits.Members) {
		return nil, fault(CodeLimitMembers, "", "the archive has too many members").
			expected("at most %d", limits.Members).found("%d", dir.records)
	}
	b := make([]byte, dir.size)
	if _, err := io.ReadFull(io.NewSectionReader(at, dir.offset, dir.size), b); err != nil {
		return nil, err
	}
	var records []*record
	for len(b) > 0 {
		r, n := parseRecord(b)
		if r == nil {
			return nil, fault(CodeCorrupt, "", "record %d of the zip's directory is damaged", len(records)+1)
		}
		records, b = append(records, r), b[n:]
	}
	if int64(len(records)) != dir.records {
		return nil, fault(CodeCorrupt, "", "the zip's directory has another length than the end record says").
			expected("%d records", dir.records).found("%d", len(records))
	}
	for _, r := range records {
		if err := r.compareLocal(at, dir.offset); err != nil {
			return nil, err
		}
	}
	return records, checkOverlap(records)
}

// findDirectory reads the end record, and the zip64 end record if there is one.
func findDirectory(at io.ReaderAt, size int64) (directory, error) {
	tail := make([]byte, min(size, endLen+0xffff))
	if _, err := io.ReadFull(io.NewSectionReader(at, size-int64(len(tail)), int64(len(tail))), tail); err != nil {
		return directory{}, err
	}
	i, err := findEnd(tail, size-int64(len(tail)))
	if err != nil {
		return directory{}, err
	}
	le, end, pos := binary.LittleEndian, tail[i:], size-int64(len(tail)-i)
	disk, start := uint32(le.Uint16(end[4:])), uint32(le.Uint16(end[6:]))
	here, records := uint64(le.Uint16(end[8:])), uint64(le.Uint16(end[10:]))
	length, offset := uint64(le.Uint32(end[12:])), uint64(le.Uint32(end[16:]))

	locator := make([]byte, locator64Len)
	if pos >= locator64Len {
		if _, err := at.ReadAt(locator, pos-locator64Len); err != nil {
			return directory{}, err
		}
	}
	if bytes.HasPrefix(locator, []byte(locator64Signature)) {
		end64, at64 := make([]byte, end64Len), le.Uint64(locator[8:])
		if at64 > uint64(pos-locator64Len) || le.Uint32(locator[16:]) > 1 {
			return directory{}, fault(CodeCorrupt, "", "the zip64 locator points nowhere")
		}
		if _, err := at.ReadAt(end64, int64(at64)); err != nil && err != io.EOF {
			return directory{}, err
		}
		if !bytes.HasPrefix(end64, []byte(end64Signature)) || le.Uint64(end64[4:]) != uint64(pos-locator64Len)-at64-12 {
			return directory{}, fault(CodeCorrupt, "", "the zip64 end record is damaged")
		}
		wide := []uint64{uint64(le.Uint32(end64[16:])), uint64(le.Uint32(end64[20:])),
			le.Uint64(end64[24:]), le.Uint64(end64[32:]), le.Uint64(end64[40:]), le.Uint64(end64[48:])}
		narrow := []uint64{uint64(disk), uint64(start), here, records, length, offset}
		for k, full := range []uint64{0xffff, 0xffff, 0xffff, 0xffff, 0xffffffff, 0xffffffff} {
			if narrow[k] != full && narrow[k] != wide[k] {
				return directory{}, fault(CodeContradiction, "", "the zip's two end records differ")
			}
		}
		disk, start, here, records, length, offset = uint32(wide[0]), uint32(wide[1]), wide[2], wide[3], wide[4], wide[5]
		pos = int64(at64)
	}
	switch {
	case disk != 0 || start != 0 || here != records:
		return directory{}, fault(CodeSplit, "", "the zip is split into parts").found("part %d", disk+1)
	case offset > uint64(pos) || length != uint64(pos)-offset:
		return directory{}, fault(CodeCorrupt, "", "the zip's directory does not end where its end record begins").
			found("offset %d and %d bytes, end record at %d", offset, length, pos)
	case records > length/recordLen:
		return directory{}, fault(CodeCorrupt, "", "the zip's directory is too short for its records")
	}
	return directory{records: int64(records), offset: int64(offset), size: int64(length)}, nil
}

// findEnd returns the offset of the end record in the zip's tail, which begins
// at base. Its comment reaches to the end of the file; that two records say so
// is a trick.
func findEnd(tail []byte, base int64) (int, error) {
	le, found, loose := binary.LittleEndian, -1, -1
	for i := len(tail) - endLen; i >= 0; i-- {
		if string(tail[i:i+4]) != endSignature {
			continue
		}
		switch comment := int(le.Uint16(tail[i+20:])); {
		case i+endLen+comment < len(tail):
			// The end record of a zip that is a member is no end of this one.
			if int64(le.Uint32(tail[i+12:]))+int64(le.Uint32(tail[i+16:])) == base+int64(i) {
				loose = i + endLen + comment
			}
		case i+endLen+comment > len(tail):
		case found >= 0:
			return 0, fault(CodeContradiction, "", "the zip has two end records")
		default:
			found = i
		}
	}
	switch {
	case found >= 0:
		return found, nil
	case loose >= 0:
		return 0, fault(CodeTrailingData, "", "something follows the end of the zip").found("%d bytes", len(tail)-loose)
	}
	return 0, fault(CodeTruncated, "", "the zip ends without its end record")
}

// parseRecord reads the first record of b and returns its length, or nil.
func parseRecord(b []byte) (*record, int) {
	if len(b) < recordLen || string(b[:4]) != directorySignature {
		return nil, 0
	}
	le := binary.LittleEndian
	name, extra, comment := int(le.Uint16(b[28:])), int(le.Uint16(b[30:])), int(le.Uint16(b[32:]))
	n := recordLen + name + extra + comment
	if len(b) < n {
		return nil, 0
	}
	r := &record{
		name:       string(b[recordLen : recordLen+name]),
		flags:      le.Uint16(b[8:]),
		method:     le.Uint16(b[10:]),
		crc:        le.Uint32(b[16:]),
		compressed: int64(le.Uint32(b[20:])),
		size:       int64(le.Uint32(b[24:])),
		header:     int64(le.Uint32(b[42:])),
	}
	if !widen(b[recordLen+name:recordLen+name+extra], &r.size, &r.compressed, &r.header) {
		return nil, 0
	}
	return r, n
}

// widen replaces the fields that are saturated by those of the zip64 extra
// field (4.5.3), which has them in this order. It reports whether it could.
func widen(extra []byte, fields ...*int64) bool {
	var wide []byte
	for len(extra) >= 4 {
		size := int(binary.LittleEndian.Uint16(extra[2:]))
		if len(extra) < 4+size {
			break // not an extra field, which some writers put there
		}
		if binary.LittleEndian.Uint16(extra) == 1 {
			wide = extra[4 : 4+size]
			break
		}
		extra = extra[4+size:]
	}
	for _, field := range fields {
		if *field != 0xffffffff {
			continue
		}
		if len(wide) < 8 {
			return false
		}
		*field = int64(binary.LittleEndian.Uint64(wide))
		if *field < 0 {
			return false
		}
		wide = wide[8:]
	}
	return true
}

// compareLocal compares the record with the header before the bytes, which
// other readers go by, and finds the bytes. They end before limit.
func (r *record) compareLocal(at io.ReaderAt, limit int64) error {
	b := make([]byte, localLen+len(r.name))
	if r.header > limit-int64(len(b)) {
		return fault(CodeCorrupt, r.name, "the member lies outside of the zip")
	}
	if _, err := at.ReadAt(b, r.header); err != nil {
		return err
	}
	le := binary.LittleEndian
	name, extraLen := int(le.Uint16(b[26:])), int(le.Uint16(b[28:]))
	if string(b[:4]) != localSignature {
		return fault(CodeCorrupt, r.name, "there is no member where the directory says")
	}
	if name != len(r.name) || string(b[localLen:]) != r.name {
		return fault(CodeContradiction, r.name, "the zip gives the member two names").found("%s", b[localLen:])
	}
	r.data = r.header + localLen + int64(name) + int64(extraLen)
	if r.data > limit || r.compressed > limit-r.data {
		return fault(CodeCorrupt, r.name, "the member's bytes lie outside of the zip")
	}
	extra := make([]byte, extraLen)
	if _, err := at.ReadAt(extra, r.data-int64(extraLen)); err != nil {
		return err
	}
	flags, crc := le.Uint16(b[6:]), le.Uint32(b[14:])
	compressed, size := int64(le.Uint32(b[18:])), int64(le.Uint32(b[22:]))
	later := flags&flagDescriptor != 0
	widen(extra, &size, &compressed)
	differ := func(what string, local, directory any) error {
		return fault(CodeContradiction, r.name, "the zip gives the member two %s", what).found("%v and %v", local, directory)
	}
	switch method := le.Uint16(b[8:]); {
	case method != r.method:
		return differ("methods", method, r.method)
	case (flags^r.flags)&flagEncrypted != 0:
		return differ("modes of encryption", flags, r.flags)
	case size != r.size && !unstated(size, later), compressed != r.compressed && !unstated(compressed, later):
		return differ("sizes", fmt.Sprint(size, "/", compressed), fmt.Sprint(r.size, "/", r.compressed))
	case crc != r.crc && !(later && crc == 0):
		return differ("checksums", crc, r.crc)
	}
	return nil
}

// unstated reports whether a local header leaves a size out, because it comes
// later, behind the bytes, or is too large. Writers leave out one size and not
// the other, and the zip64 field as well.
func unstated(size int64, later bool) bool { return size == 0xffffffff || later && size == 0 }

// checkOverlap refuses members that share bytes, with which a small file
// unpacks to petabytes.
func checkOverlap(records []*record) error {
	sorted := slices.Clone(records)
	slices.SortFunc(sorted, func(a, b *record) int { return cmp.Compare(a.header, b.header) })
	for i := 1; i < len(sorted); i++ {
		if a, b := sorted[i-1], sorted[i]; a.data+a.compressed > b.header {
			return fault(CodeOverlap, b.name, "the member shares bytes with another").found("%s", a.name)
		}
	}
	return nil
}
