package diskfmt_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"
)

// image builds a disk image by hand: a buffer of zeros with values put into it.
type image []byte

func blank(n int) image { return make(image, n) }

func (im image) text(at int, s string) image    { copy(im[at:], s); return im }
func (im image) be32(at int, v uint32) image    { binary.BigEndian.PutUint32(im[at:], v); return im }
func (im image) be64(at int, v uint64) image    { binary.BigEndian.PutUint64(im[at:], v); return im }
func (im image) le16(at int, v uint16) image    { binary.LittleEndian.PutUint16(im[at:], v); return im }
func (im image) le32(at int, v uint32) image    { binary.LittleEndian.PutUint32(im[at:], v); return im }
func (im image) le64(at int, v uint64) image    { binary.LittleEndian.PutUint64(im[at:], v); return im }
func (im image) cut(n int) image                { return im[:n] }
func (im image) with(f func(image) image) image { return f(im) }

func qcow2v3() image {
	return blank(128<<10).text(0, "QFI\xfb").be32(4, 3).be32(20, 16).be64(24, 1<<30).be32(100, 104)
}

const goodDescriptor = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\n" +
	"createType=\"monolithicSparse\"\nRW 2048 SPARSE \"disk.vmdk\"\n"

func vmdk(descriptor string) image {
	return blank(128<<10).text(0, "KDMV").le32(4, 1).le64(12, 2048).le64(28, 1).le64(36, 20).
		le64(56, 100).text(512, descriptor)
}

// streamVMDK has the grain directory behind the data and a footer that says where.
func streamVMDK() image {
	im := vmdk(goodDescriptor).le64(56, 1<<64-1)
	end := len(im)
	im.le32(end-1536+12, 3)
	copy(im[end-1024:], im[:512])
	return im.le64(end-1024+56, 100)
}

// vhdFooter returns the 512 bytes that end every VHD.
func vhdFooter(kind uint32, size uint64) image {
	im := blank(512).text(0, "conectix").be64(48, size).be32(60, kind)
	var sum uint32
	for _, b := range im {
		sum += uint32(b)
	}
	return im.be32(64, ^sum)
}

func vdi(kind uint32) image {
	return blank(64<<10).text(0, "<<< made by hand >>>").text(0x40, "\x7f\x10\xda\xbe").
		le32(0x44, 1<<16|1).le32(0x4c, kind).le64(0x170, 1<<20)
}

const vhdxMeta = 2 << 20

func vhdx(flags uint32) image {
	im := blank(3<<20).text(0, "vhdxfile").
		text(192<<10, "regi").le32(192<<10+8, 1).
		text(192<<10+16, "\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e").
		le64(192<<10+32, vhdxMeta).
		text(vhdxMeta, "metadata").le16(vhdxMeta+10, 2)
	im.text(vhdxMeta+32, "\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b").le32(vhdxMeta+48, 64<<10)
	im.text(vhdxMeta+64, "\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8").le32(vhdxMeta+80, 64<<10+8)
	return im.le32(vhdxMeta+64<<10+4, flags).le64(vhdxMeta+64<<10+8, 4<<20)
}

func iso() image { return blank(128<<10).text(0x8000, "\x01CD001\x01") }

func tarball(t testing.TB, names ...string) image {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range names {
		body := fmt.Sprintf("content of %s", name)
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(body)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// samples returns an image of every kind, sound and hostile ones.
func samples(t testing.TB) map[string]image {
	t.Helper()
	return map[string]image{
		"empty": {}, "zeros": blank(100), "qcow2": qcow2v3(), "qcow2 header cut": qcow2v3().cut(80),
		"vmdk": vmdk(goodDescriptor), "vmdk stream": streamVMDK(), "vmdk text": image(goodDescriptor),
		"vhd fixed": append(blank(100<<10), vhdFooter(2, 100<<10)...), "vhd dynamic": append(vhdFooter(3, 1<<20), blank(4096)...),
		"vdi": vdi(1), "vhdx": vhdx(0), "vhdx parent": vhdx(2), "vhdx cut": vhdx(0).cut(vhdxMeta + 1000),
		"iso": iso(), "ova": tarball(t, "a.ovf", "a.vmdk"), "tar": tarball(t, "x"),
		"polyglot": iso().with(func(im image) image { copy(im, qcow2v3()[:4096]); return im }),
		"qed":      blank(4096).text(0, "QED\x00"), "luks": blank(4096).text(0, "LUKS\xba\xbe\x00\x02"),
		"gz": image("\x1f\x8b\x08\x00rest"), "ploop": blank(4096).text(0, "WithouFreSpacExt"),
	}
}
