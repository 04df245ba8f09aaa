package onboardingtest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Hostile is a package that must be refused.
type Hostile struct {
	Name string // what is wrong with it, fit for a file's name
	Code string // of the finding that refuses it
	Data []byte
}

// HostilePackages returns a package for each trick that archives play. Each is
// a good package but for its one fault.
func HostilePackages() []Hostile {
	return append(append(hostileTars(), hostileZips()...), hostileStreams()...)
}

func hostileTars() []Hostile {
	// entry adds a member in front of a good package.
	entry := func(name, code string, h tar.Header) Hostile {
		var b bytes.Buffer
		tw := tar.NewWriter(&b)
		must(tw.WriteHeader(&h))
		_, err := io.CopyN(tw, strings.NewReader(strings.Repeat("x", int(h.Size))), h.Size)
		must(err)
		for _, m := range OpenBatonTar(Spec{Name: "firewall"}) {
			must(tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: m.Path, Size: m.Content.Size(), Mode: 0o644, ModTime: modified}))
			must(m.writeTo(tw))
		}
		must(tw.Close())
		return Hostile{"tar-" + name, code, b.Bytes()}
	}
	file := func(name string) tar.Header {
		return tar.Header{Typeflag: tar.TypeReg, Name: name, Size: 1, Mode: 0o644}
	}
	out := []Hostile{
		entry("parent-folder", "path-traversal", file("../../etc/passwd")),
		entry("parent-folder-within", "path-traversal", file("scripts/../../x")),
		entry("absolute", "path-traversal", file("/etc/passwd")),
		entry("drive-letter", "path-traversal", file(`C:\Windows\x`)),
		entry("backslash-parent", "path-traversal", file(`scripts\..\..\x`)),
		entry("backslash", "entry-name-invalid", file(`scripts\x`)),
		entry("control-character", "entry-name-invalid", file("scripts/a\nb")),
		entry("reversed-text", "entry-name-invalid", file("scripts/a\u202egpj.sh")),
		entry("not-utf8", "entry-name-invalid", file("scripts/\xff")),
		entry("duplicate", "entry-duplicate", file("Metadata.yaml")),
		entry("duplicate-by-dot", "entry-duplicate", file("./scripts/./install.sh")),
		entry("duplicate-by-case", "entry-case-duplicate", file("metadata.yaml")),
		entry("file-as-folder", "entry-duplicate", file("scripts")),
		entry("path-too-deep", "limit-path", file(strings.Repeat("d/", 40)+"x")),
		entry("path-too-long", "limit-path", file(strings.Repeat("n", 2000))),
		entry("symbolic-link-out", "entry-type-refused", tar.Header{Typeflag: tar.TypeSymlink, Name: "scripts/l", Linkname: "../../etc/shadow"}),
		entry("symbolic-link-absolute", "entry-type-refused", tar.Header{Typeflag: tar.TypeSymlink, Name: "scripts/l", Linkname: "/etc/shadow"}),
		entry("hard-link", "entry-type-refused", tar.Header{Typeflag: tar.TypeLink, Name: "scripts/l", Linkname: "Metadata.yaml"}),
		entry("device", "entry-type-refused", tar.Header{Typeflag: tar.TypeBlock, Name: "scripts/d", Devmajor: 8}),
		entry("pipe", "entry-type-refused", tar.Header{Typeflag: tar.TypeFifo, Name: "scripts/p"}),
		entry("huge-claim", "limit-member-size", tar.Header{Typeflag: tar.TypeSymlink, Name: "x", Linkname: "y"}),
	}
	// A regular file of 2^60 bytes has no room in a writer; its header does.
	huge := &out[len(out)-1]
	copy(huge.Data[124:136], "\x80\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00\x00")
	huge.Data[156] = tar.TypeReg
	sumTar(huge.Data[:512])

	good := Bytes(Tar, OpenBatonTar(Spec{Name: "firewall"}))
	sparse := append(sparseHeader(), good...)
	body := bytes.TrimRight(good, "\x00")
	whole := (len(body) + 511) / 512 * 512
	return append(out,
		Hostile{"tar-sparse", "entry-type-refused", sparse},
		Hostile{"tar-cut-between-members", "archive-truncated", good[:whole]},
		Hostile{"tar-cut-within-a-member", "archive-truncated", good[:700]},
		Hostile{"tar-concatenated", "archive-trailing-data", append(bytes.Clone(good), good...)},
		Hostile{"tar-damaged-header", "archive-corrupt", damage(good, 100)},
	)
}

// sparseHeader returns a member that claims to be 1 TiB of zeros, in GNU's old
// sparse format.
func sparseHeader() []byte {
	b := make([]byte, 512)
	copy(b, "scripts/sparse")
	copy(b[100:], "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00")
	b[156] = tar.TypeGNUSparse
	copy(b[257:], "ustar  \x00")
	copy(b[483:], "\x80\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00") // the size that it claims
	sumTar(b)
	return b
}

// sumTar puts the checksum into a tar header.
func sumTar(header []byte) {
	copy(header[148:156], "        ")
	var sum int
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

func hostileZips() []Hostile {
	members := SOL004(Spec{Name: "firewall"})
	entry := func(name, code string, method uint16, mode fs.FileMode, path, content string) Hostile {
		var b bytes.Buffer
		zw := zip.NewWriter(&b)
		h := zip.FileHeader{Name: path, Method: method, Modified: modified}
		h.SetMode(mode)
		w, err := zw.CreateHeader(&h)
		must(err)
		_, err = io.WriteString(w, content)
		must(err)
		for _, m := range members {
			w, err := zw.Create(m.Path)
			must(err)
			must(m.writeTo(w))
		}
		must(zw.Close())
		return Hostile{"zip-" + name, code, b.Bytes()}
	}
	file := func(name, code, path string) Hostile {
		return entry(name, code, zip.Deflate, 0o644, path, "x")
	}
	good := Bytes(Zip, members)
	// patch changes a good zip's bytes: at counts from the first record of the
	// directory, or from the first local header.
	patch := func(name, code string, signature string, at int, value ...byte) Hostile {
		data := bytes.Clone(good)
		copy(data[bytes.Index(data, []byte(signature))+at:], value)
		return Hostile{"zip-" + name, code, data}
	}
	const local, directory, end = "PK\x03\x04", "PK\x01\x02", "PK\x05\x06"
	record := bytes.Index(good, []byte(directory))
	second := record + bytes.Index(good[record+4:], []byte(directory)) + 4
	overlap := bytes.Clone(good)
	// The first member's bytes reach into the second, in both accounts.
	size := binary.LittleEndian.Uint32(good[record+20:]) + 8
	for _, at := range []int{record + 20, record + 24, 18, 22} {
		binary.LittleEndian.PutUint32(overlap[at:], size)
	}
	secondLocal := binary.LittleEndian.Uint32(good[second+42:])
	return []Hostile{
		file("parent-folder", "path-traversal", "../../../../etc/cron.d/x"),
		file("backslash-parent", "path-traversal", `..\..\Temp\evil.txt`),
		file("absolute", "path-traversal", "/etc/passwd"),
		file("duplicate", "entry-duplicate", "ChangeLog.txt"),
		file("duplicate-by-case", "entry-case-duplicate", "changelog.TXT"),
		entry("symbolic-link-out", "entry-type-refused", zip.Store, fs.ModeSymlink|0o777, "Files/l", "../../etc/shadow"),
		entry("device", "entry-type-refused", zip.Store, fs.ModeDevice|0o600, "Files/d", ""),
		entry("bomb", "limit-ratio", zip.Deflate, 0o644, "Files/bomb", strings.Repeat("\x00", 65<<20)),
		patch("two-names", "entry-contradiction", local, 30, 'X'),
		patch("two-methods", "entry-contradiction", local, 8, 8),
		patch("two-sizes", "entry-contradiction", local, 22, 1),
		patch("two-checksums", "entry-contradiction", local, 14, 1, 2, 3, 4),
		patch("stored-with-two-sizes", "entry-contradiction", directory, 24, 1),
		patch("encrypted-in-one-account", "entry-contradiction", directory, 8, 1),
		patch("member-elsewhere", "archive-corrupt", directory, 42, 1),
		patch("member-outside", "archive-corrupt", directory, 42, 0xff, 0xff, 0xff, 0x7f),
		patch("split", "archive-split", end, 4, 1, 0),
		patch("short-directory", "archive-corrupt", end, 12, 1),
		{"zip-overlap", "entry-overlap", overlap},
		{"zip-two-end-records", "entry-contradiction", twoEnds(good)},
		{"zip-two-zip64-end-records", "entry-contradiction", zip64Ends(good)},
		{"zip-no-checksum", "archive-corrupt", setBoth(setBoth(setBoth(setBoth(good, record+16, 14, 0), record+17, 15, 0), record+18, 16, 0), record+19, 17, 0)},
		file("folder-with-content", "entry-contradiction", `Files\`),
		{"zip-encrypted", "entry-encrypted", setBoth(good, record+8, 6, 1)},
		{"zip-unsupported-method", "entry-method-unsupported", setBoth(good, record+10, 8, 14)},
		{"zip-cut-in-directory", "archive-truncated", good[:second+8]},
		{"zip-cut-in-member", "archive-truncated", good[:secondLocal+4]},
		{"zip-with-something-after", "archive-trailing-data", append(bytes.Clone(good), "and more"...)},
		{"zip-empty", "archive-empty", []byte(end + strings.Repeat("\x00", 18))},
		{"zip-envelope-without-signature", "signature-files-missing", Bytes(Zip, []Member{Text("firewall.csar", string(good))})},
	}
}

func hostileStreams() []Hostile {
	members := OpenBatonTar(Spec{Name: "firewall"})
	packed := Bytes(TarGzip, members)
	wrap := func(content []byte) []byte {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		_, err := zw.Write(content)
		must(err)
		must(zw.Close())
		return b.Bytes()
	}
	bomb := append(OpenBatonTar(Spec{Name: "firewall"}), Member{"images/bomb", io.NewSectionReader(zeros{}, 0, 65<<20)})
	return []Hostile{
		{"nothing", "not-an-archive", nil},
		{"a-web-page", "not-an-archive", []byte("<!DOCTYPE html><html><body>404</body></html>")},
		{"gzip-in-gzip", "archive-nested", wrap(packed)},
		{"zip-in-gzip", "archive-nested", wrap(Bytes(Zip, members))},
		{"gzip-cut", "archive-truncated", packed[:len(packed)-9]},
		{"gzip-wrong-checksum", "archive-corrupt", damage(packed, len(packed)-8)},
		{"gzip-bomb", "limit-ratio", Bytes(TarGzip, bomb)},
	}
}

// twoEnds hides a second end record, of a zip without members, in the comment
// of the first.
func twoEnds(good []byte) []byte {
	end := len(good) - 22
	data := append(bytes.Clone(good), good[end:]...)
	data[end+20] = 22 // the first one's comment
	clear(data[end+22+8 : end+22+20])
	return data
}

// zip64Ends puts a zip64 end record before the end record, which names one
// member less.
func zip64Ends(good []byte) []byte {
	le, end := binary.LittleEndian, len(good)-22
	records := uint64(le.Uint16(good[end+10:])) - 1
	size, offset := uint64(le.Uint32(good[end+12:])), uint64(le.Uint32(good[end+16:]))
	data := append(bytes.Clone(good[:end]), "PK\x06\x06"...)
	data = le.AppendUint64(data, 44)        // bytes that follow
	data = le.AppendUint32(data, 45<<16|45) // versions
	for _, v := range []uint64{0, records, records, size, offset} {
		data = le.AppendUint64(data, v)
	}
	data = append(data, "PK\x06\x07\x00\x00\x00\x00"...)
	data = le.AppendUint64(data, uint64(end))
	data = le.AppendUint32(data, 1)
	return append(data, good[end:]...)
}

// setBoth sets a byte of the first member's record and of its local header.
func setBoth(data []byte, record, local int, value byte) []byte {
	data = bytes.Clone(data)
	data[record], data[local] = value, value
	return data
}

// damage flips bits of one byte.
func damage(data []byte, at int) []byte {
	data = bytes.Clone(data)
	data[at] ^= 0x15
	return data
}

type zeros struct{}

func (zeros) ReadAt(p []byte, _ int64) (int, error) {
	clear(p)
	return len(p), nil
}

func must(err error) {
	if err != nil {
		panic(fmt.Sprintf("building a package in memory: %v", err))
	}
}
