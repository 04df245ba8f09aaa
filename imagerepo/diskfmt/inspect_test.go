package diskfmt_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo/diskfmt"
	"github.com/google/go-cmp/cmp"
)

func inspect(t testing.TB, im []byte) diskfmt.Result {
	t.Helper()
	r, err := diskfmt.Inspect(bytes.NewReader(im), int64(len(im)))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHandMadeHeaders(t *testing.T) {
	type code = diskfmt.Code
	descriptor := func(old, new string) image { return vmdk(strings.Replace(goodDescriptor, old, new, 1)) }
	tests := []struct {
		name    string
		image   image
		format  diskfmt.Format
		virtual int64
		codes   []code
	}{
		{"nothing at all", nil, diskfmt.Raw, 0, nil},
		{"a disk without a table", blank(1 << 20), diskfmt.Raw, 1 << 20, nil},
		{"a disk with a GPT", blank(1<<20).text(510, "\x55\xaa").text(512, "EFI PART"), diskfmt.Raw, 1 << 20, nil},

		{"a qcow2", qcow2v3(), diskfmt.QCOW2, 1 << 30, nil},
		{"a qcow2 with a backing file beyond its header", qcow2v3().be64(8, 1<<40).be32(16, 1023), diskfmt.QCOW2, 1 << 30, []code{diskfmt.BackingFile}},
		{"a qcow2 with an unnamed data file", qcow2v3().be64(72, 4), diskfmt.QCOW2, 1 << 30, []code{diskfmt.DataFile}},
		{"a qcow2 with features of the future", qcow2v3().be64(72, 1<<63), diskfmt.QCOW2, 1 << 30, []code{diskfmt.UnknownFeature}},
		{"a dirty qcow2", qcow2v3().be64(72, 1), diskfmt.QCOW2, 1 << 30, nil},
		{"a corrupt qcow2", qcow2v3().be64(72, 2), diskfmt.QCOW2, 1 << 30, []code{diskfmt.Malformed}},
		{"a qcow2 of version 4", qcow2v3().be32(4, 4), diskfmt.QCOW2, 0, []code{diskfmt.Unsupported}},
		{"a qcow2 larger than any file", qcow2v3().be64(24, 1<<63), diskfmt.QCOW2, 0, []code{diskfmt.Malformed}},
		{"a qcow2 with clusters of 1 byte", qcow2v3().be32(20, 0), diskfmt.QCOW2, 1 << 30, []code{diskfmt.Malformed}},
		{"a qcow2 with a header of 8 bytes", qcow2v3().be32(100, 8), diskfmt.QCOW2, 1 << 30, []code{diskfmt.Malformed}},
		{"a qcow2 cut in its header", qcow2v3().cut(100), diskfmt.QCOW2, 0, []code{diskfmt.Malformed}},
		{"a qcow2 of four bytes", qcow2v3().cut(4), diskfmt.QCOW2, 0, []code{diskfmt.Unsupported}},

		{"a vmdk", vmdk(goodDescriptor), diskfmt.VMDK, 1 << 20, nil},
		{"a vmdk with keys in capitals", descriptor(`createType="monolithicSparse"`, `CREATETYPE = "monolithicFlat"`), diskfmt.VMDK, 1 << 20, []code{diskfmt.CreateType}},
		{"a vmdk with two createTypes", descriptor("RW", "createType=\"vmfs\"\nRW"), diskfmt.VMDK, 1 << 20, []code{diskfmt.CreateType}},
		{"a vmdk that reads a host file", descriptor(`SPARSE "disk.vmdk"`, `FLAT "/etc/shadow" 0`), diskfmt.VMDK, 1 << 20, []code{diskfmt.ExternalExtent}},
		{"a vmdk whose extent has a path", descriptor(`disk.vmdk`, `../disk.vmdk`), diskfmt.VMDK, 1 << 20, []code{diskfmt.ExternalExtent}},
		{"a vmdk with a second extent", descriptor("RW", "rw 1 FLAT \"x\" 0\nRW"), diskfmt.VMDK, 1 << 20, []code{diskfmt.ExternalExtent}},
		{"a vmdk without a capacity", vmdk(goodDescriptor).le64(12, 0), diskfmt.VMDK, 0, []code{diskfmt.ExternalExtent}},
		{"a vmdk larger than any file", vmdk(goodDescriptor).le64(12, 1<<63), diskfmt.VMDK, 0, []code{diskfmt.Malformed}},
		{"a vmdk with a parent", descriptor("ffffffff", "12345678"), diskfmt.VMDK, 1 << 20, []code{diskfmt.BackingFile}},
		{"a vmdk with a hidden parent", descriptor("RW", "parentFileNameHint=\"x\"\nRW"), diskfmt.VMDK, 1 << 20, []code{diskfmt.BackingFile}},
		{"a vmdk whose descriptor lies far away", vmdk(goodDescriptor).le64(28, 1<<40), diskfmt.VMDK, 1 << 20, []code{diskfmt.Malformed}},
		{"a vmdk whose descriptor overflows", vmdk(goodDescriptor).le64(36, 1<<55+1), diskfmt.VMDK, 1 << 20, []code{diskfmt.Malformed}},
		{"a vmdk without a descriptor", vmdk(goodDescriptor).le64(28, 0), diskfmt.VMDK, 1 << 20, []code{diskfmt.Malformed}},
		{"a vmdk of version 9", vmdk(goodDescriptor).le32(4, 9), diskfmt.VMDK, 1 << 20, []code{diskfmt.Unsupported}},
		{"a vmdk cut in its header", vmdk(goodDescriptor).cut(40), diskfmt.VMDK, 0, []code{diskfmt.Malformed}},
		{"a vmdk with a footer", streamVMDK(), diskfmt.VMDK, 1 << 20, nil},
		{"a vmdk with another disk in its footer", streamVMDK().le64(128<<10-1024+28, 77), diskfmt.VMDK, 1 << 20, []code{diskfmt.Malformed}},
		{"a vmdk without its footer", streamVMDK().cut(100 << 10), diskfmt.VMDK, 1 << 20, []code{diskfmt.Malformed}},
		{"a vmdk shorter than a footer", streamVMDK().cut(1200), diskfmt.VMDK, 1 << 20, []code{diskfmt.Malformed}},
		{"a vmdk of an ESX host", blank(4096).text(0, "COWD"), diskfmt.VMDK, 0, []code{diskfmt.CreateType}},
		{"a bare vmdk descriptor", image(goodDescriptor), diskfmt.VMDK, 1 << 20, []code{diskfmt.ExternalExtent}},
		{"a bare vmdk descriptor without its title", image("# x\n\nversion=1\ncreateType=\"custom\"\nRW 1 FLAT \"/dev/sda\" 0\n"), diskfmt.VMDK, 512, []code{diskfmt.CreateType, diskfmt.ExternalExtent}},
		{"a vmdk descriptor with sizes that overflow", image(goodDescriptor + strings.Repeat("RW 18446744073709551615 FLAT \"x\"\n", 2)), diskfmt.VMDK, 0, []code{diskfmt.ExternalExtent, diskfmt.Malformed}},

		{"a fixed vhd", append(blank(1<<20), vhdFooter(2, 1<<20)...), diskfmt.VHD, 1 << 20, nil},
		{"a footer's cookie alone", append(blank(1<<20), blank(512).text(0, "conectix")...), diskfmt.Raw, 1<<20 + 512, nil},
		{"a dynamic vhd", append(vhdFooter(3, 1<<20), blank(1<<16)...), diskfmt.VHD, 1 << 20, nil},
		{"a dynamic vhd with a wrong checksum", append(vhdFooter(3, 1<<20).be64(48, 9), blank(1<<16)...), diskfmt.VHD, 9, []code{diskfmt.Malformed}},
		{"a differencing vhd", append(vhdFooter(4, 1<<20), blank(1<<16)...), diskfmt.VHD, 1 << 20, []code{diskfmt.BackingFile}},
		{"a vhd of kind 9", append(vhdFooter(9, 1<<20), blank(1<<16)...), diskfmt.VHD, 1 << 20, []code{diskfmt.Unsupported}},
		{"a vhd cut in its header", vhdFooter(3, 1<<20).cut(100), diskfmt.VHD, 1 << 20, []code{diskfmt.Malformed}},

		{"a vdi", vdi(1), diskfmt.VDI, 1 << 20, nil},
		{"a differencing vdi", vdi(4), diskfmt.VDI, 1 << 20, []code{diskfmt.BackingFile}},
		{"a vdi linked to another", vdi(1).le32(0x1a8, 7), diskfmt.VDI, 1 << 20, []code{diskfmt.BackingFile}},
		{"a vdi of kind 9", vdi(9), diskfmt.VDI, 1 << 20, []code{diskfmt.Unsupported}},
		{"a vdi of an older version", vdi(1).le32(0x44, 1), diskfmt.VDI, 0, []code{diskfmt.Unsupported}},
		{"a vdi cut in its header", vdi(1).cut(100), diskfmt.VDI, 0, []code{diskfmt.Malformed}},

		{"a vhdx", vhdx(0), diskfmt.VHDX, 4 << 20, nil},
		{"a differencing vhdx", vhdx(2), diskfmt.VHDX, 4 << 20, []code{diskfmt.BackingFile}},
		{"a vhdx without metadata", vhdx(0).le64(192<<10+32, 1<<60), diskfmt.VHDX, 0, []code{diskfmt.Malformed}},
		{"a vhdx with metadata before its tables", vhdx(0).le64(192<<10+32, 1<<10), diskfmt.VHDX, 0, []code{diskfmt.Malformed}},
		{"a vhdx with parameters given twice", vhdx(0).le16(vhdxMeta+10, 3).
			text(vhdxMeta+96, "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b"), diskfmt.VHDX, 0, []code{diskfmt.Malformed}},
		{"a vhdx cut before its tables", vhdx(0).cut(200 << 10), diskfmt.VHDX, 0, []code{diskfmt.Malformed}},

		{"an iso", iso(), diskfmt.ISO, 128 << 10, nil},
		{"a hybrid iso", iso().text(510, "\x55\xaa"), diskfmt.ISO, 128 << 10, nil},
		{"an iso that is a qcow2 as well", samples(t)["polyglot"], diskfmt.QCOW2, 1 << 30, []code{diskfmt.Ambiguous}},
		{"a vdi whose text is a qcow2 header", vdi(1).text(0, "QFI\xfb").be32(4, 2).be32(20, 16).be64(8, 0), diskfmt.QCOW2, 0, []code{diskfmt.Ambiguous}},
		{"an ova", tarball(t, "vm.OVF", "vm.vmdk"), diskfmt.OVA, 0, nil},
		{"a tar", tarball(t, "vm.vmdk", "vm.ovf"), diskfmt.Tar, 0, nil},
		{"a tar with a wrong checksum", tarball(t, "vm.vmdk").text(0, "x"), diskfmt.Raw, 2048, nil},
		{"a gzip", image("\x1f\x8b\x08\x00\x00"), diskfmt.Gzip, 0, nil},
		{"an xz", image("\xfd7zXZ\x00\x00"), diskfmt.XZ, 0, nil},
		{"a zstd", image("\x28\xb5\x2f\xfd\x00"), diskfmt.Zstd, 0, nil},
		{"a bzip2", image("BZh91AY&SY"), diskfmt.Bzip2, 0, nil},
		{"a luks volume", blank(4096).text(0, "LUKS\xba\xbe\x00\x02"), diskfmt.LUKS, 0, nil},
		{"a Parallels disk of the older kind", blank(4096).text(0, "WithoutFreeSpace").le32(36, 8).le32(40, 99), diskfmt.Ploop, 4096, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := inspect(t, tt.image)
			if got.Format != tt.format || got.VirtualSize != tt.virtual || got.Size != int64(len(tt.image)) {
				t.Errorf("got %+v, want %s of %d bytes in %d", got, tt.format, tt.virtual, len(tt.image))
			}
			if c := codes(got); !slices.Equal(c, tt.codes) {
				t.Errorf("got problems %v, want codes %v", got.Problems, tt.codes)
			}
		})
	}
}

func TestProblemsNameTheOtherFile(t *testing.T) {
	overlay := qcow2v3().be64(8, 512).be32(16, 11).text(512, "/etc/passwd")
	data := qcow2v3().be64(72, 4).be32(104, 0xe2792aca).be32(108, 3).text(112, "raw").
		be32(120, 0x44415441).be32(124, 8).text(128, "/dev/sda")
	for name, tt := range map[string]struct {
		image image
		want  string
	}{
		"backing file": {overlay, "/etc/passwd"},
		"data file":    {data, "/dev/sda"},
		"extent":       {vmdk(strings.Replace(goodDescriptor, "disk.vmdk", "/etc/shadow", 1)), "/etc/shadow"},
	} {
		t.Run(name, func(t *testing.T) {
			got := inspect(t, tt.image)
			if len(got.Problems) != 1 || !strings.Contains(got.Problems[0].String(), tt.want) {
				t.Errorf("got problems %v, want one that names %s", got.Problems, tt.want)
			}
		})
	}
}

// writeInChunks feeds im to an Inspector in random pieces.
func writeInChunks(im []byte, rnd *rand.Rand, largest int) diskfmt.Result {
	var in diskfmt.Inspector
	for len(im) > 0 {
		n := min(len(im), 1+rnd.IntN(largest))
		in.Write(im[:n])
		im = im[n:]
	}
	return in.Result()
}

func TestResultDoesNotDependOnTheSizeOfWrites(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for name, im := range samples(t) {
		want := inspect(t, im)
		for _, largest := range []int{97, 511, 4096, 70_000, 4 << 20} {
			if diff := cmp.Diff(want, writeInChunks(im, rnd, largest)); diff != "" {
				t.Errorf("%s in writes of up to %d bytes (-at once +in pieces):\n%s", name, largest, diff)
			}
		}
	}
}

func TestWriteAllocatesNothingAfterTheHeaders(t *testing.T) {
	var in diskfmt.Inspector
	chunk := make([]byte, 1<<20)
	in.Write(chunk)
	if n := testing.AllocsPerRun(10, func() { in.Write(chunk) }); n != 0 {
		t.Errorf("got %v allocations a Write, want none", n)
	}
}

func TestInspectReturnsTheReadersError(t *testing.T) {
	short := bytes.NewReader(blank(100))
	if _, err := diskfmt.Inspect(short, 1000); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want io.ErrUnexpectedEOF", err)
	}
}

// FuzzInspect mutates the places that probes look at, with zeros between them.
func FuzzInspect(f *testing.F) {
	at := func(im image, from, n int) []byte {
		return im[min(from, len(im)):min(from+n, len(im))]
	}
	for _, im := range samples(f) {
		f.Add(at(im, 0, 1<<10), at(im, 0x8000, 8), at(im, 192<<10, 64), at(im, vhdxMeta, 128),
			at(im, max(0, len(im)-1536), 1536), uint32(len(im)), uint64(len(im)))
	}
	f.Fuzz(func(t *testing.T, head, volume, regions, metadata, tail []byte, size uint32, seed uint64) {
		im := blank(int(size % (vhdxMeta + 256<<10)))
		for offset, part := range map[int][]byte{0: head, 0x8000: volume, 192 << 10: regions, vhdxMeta: metadata} {
			copy(at(im, offset, len(part)), part)
		}
		copy(at(im, max(0, len(im)-len(tail)), len(tail)), tail)
		want := inspect(t, im)
		if want.VirtualSize < 0 {
			t.Errorf("got a virtual size of %d", want.VirtualSize)
		}
		got := writeInChunks(im, rand.New(rand.NewPCG(seed, 0)), 64<<10)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("result depends on the size of writes (-at once +in pieces):\n%s", diff)
		}
	})
}

func BenchmarkWrite1MiB(b *testing.B) {
	var in diskfmt.Inspector
	chunk := make([]byte, 1<<20)
	b.SetBytes(int64(len(chunk)))
	for b.Loop() {
		in.Write(chunk)
	}
}

func TestAHeadIsJudgedWithoutItsEnd(t *testing.T) {
	streamed := vmdk(goodDescriptor).le64(56, 1<<64-1)
	for _, test := range []struct {
		name  string
		image []byte
		size  int64
	}{
		{"a qcow2", qcow2v3(), 1 << 40},
		{"a vmdk whose footer is not at hand", streamed, 1 << 40},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := diskfmt.InspectHead(test.image, test.size)
			if whole := inspect(t, test.image); r.Format != whole.Format || r.VirtualSize != whole.VirtualSize || r.Size != test.size || len(r.Problems) > 0 {
				t.Errorf("the head is %+v, and as a file %+v", r, whole)
			}
		})
	}
	for name, n := range map[string]int{"in the table": vhdxMeta + 40, "in the items": vhdxMeta + 64<<10 + 4, "before the regions": 100 << 10, "in the regions": 200 << 10} {
		if r := diskfmt.InspectHead(vhdx(0)[:n], 1<<40); r.Format != diskfmt.VHDX || len(r.Problems) > 0 {
			t.Errorf("a vhdx whose head ends %s is %+v", name, r)
		}
	}
	whole := blank(1 << 16)
	if d := cmp.Diff(inspect(t, whole), diskfmt.InspectHead(whole, int64(len(whole)))); d != "" {
		t.Errorf("what is at hand as a whole differs (-want +got):\n%s", d)
	}
	if r := diskfmt.InspectHead(streamed, int64(len(streamed))); len(r.Problems) == 0 {
		t.Error("a footer that is not there is not missed")
	}
}
