package onboardingtest

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"strings"
	"time"

	"github.com/dsnet/compress/bzip2"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
)

// Member is a file of a package.
type Member struct {
	Path    string
	Content *io.SectionReader // not moved by Write, so a Member can be written often
}

// Text returns a member with the given content.
func Text(path, content string) Member {
	return Member{path, io.NewSectionReader(strings.NewReader(content), 0, int64(len(content)))}
}

// File returns a member that holds the image.
func File(path string, image Image) Member {
	return Member{path, image.Reader()}
}

// Under returns the members below the folder, as many packages have them all
// under one of their own name. Under("./", …) gives the names that tar writes
// for a folder.
func Under(folder string, members []Member) []Member {
	out := make([]Member, len(members))
	for i, m := range members {
		out[i] = Member{folder + m.Path, m.Content}
	}
	return out
}

// Container is a way to wrap members into one file.
type Container string

// The containers of VNF packages.
const (
	Tar         Container = "tar"
	TarGzip     Container = "tar.gz"
	TarXz       Container = "tar.xz"
	TarZstd     Container = "tar.zst"
	TarBzip2    Container = "tar.bz2"
	Zip         Container = "zip"         // all members stored
	ZipDeflated Container = "zip-deflate" // all members deflated
)

// Containers lists every container.
func Containers() []Container {
	return []Container{Tar, TarGzip, TarXz, TarZstd, TarBzip2, Zip, ZipDeflated}
}

// modified is the time of every member: what is built twice must be equal.
var modified = time.Date(2024, time.January, 1, 0, 0, 0, 0, time.UTC)

// Write writes the members in their order as one package. It needs constant
// memory, whatever their size.
func Write(w io.Writer, container Container, members []Member) error {
	var compressor io.WriteCloser
	var err error
	switch container {
	case Tar:
		return writeTar(w, members)
	case Zip:
		return writeZip(w, zip.Store, members)
	case ZipDeflated:
		return writeZip(w, zip.Deflate, members)
	case TarGzip:
		compressor, err = gzip.NewWriterLevel(w, gzip.BestSpeed)
	case TarXz:
		compressor, err = xz.NewWriter(w)
	case TarZstd:
		compressor, err = zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	case TarBzip2:
		compressor, err = bzip2.NewWriter(w, nil)
	default:
		return fmt.Errorf("container %q is unknown", container)
	}
	if err != nil {
		return fmt.Errorf("container %s: %w", container, err)
	}
	return errors.Join(writeTar(compressor, members), compressor.Close())
}

// Bytes returns the members as one package in memory.
func Bytes(container Container, members []Member) []byte {
	var b bytes.Buffer
	if err := Write(&b, container, members); err != nil {
		panic(fmt.Sprintf("writing to memory: %v", err))
	}
	return b.Bytes()
}

// WriteFile writes the members as one package to a new file.
func WriteFile(path string, container Container, members []Member) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if err := errors.Join(Write(f, container, members), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("package %s: %w", path, err), os.Remove(path))
	}
	return nil
}

func writeTar(w io.Writer, members []Member) error {
	tw := tar.NewWriter(w)
	for _, m := range members {
		header := tar.Header{Typeflag: tar.TypeReg, Name: m.Path, Size: m.Content.Size(), Mode: 0o644, ModTime: modified}
		if err := tw.WriteHeader(&header); err != nil {
			return fmt.Errorf("member %s: %w", m.Path, err)
		}
		if err := m.writeTo(tw); err != nil {
			return err
		}
	}
	return tw.Close()
}

func writeZip(w io.Writer, method uint16, members []Member) error {
	zw := zip.NewWriter(w)
	for _, m := range members {
		header := zip.FileHeader{Name: m.Path, Method: method, Modified: modified}
		header.SetMode(0o644)
		create := zw.CreateHeader
		if method == zip.Store && m.Content.Size() < math.MaxUint32 {
			// With sizes and CRC known beforehand there is no data descriptor
			// behind the bytes, which not every reader expects there. (Larger
			// sizes are beyond CreateRaw: it leaves out a zip64 field.)
			create = zw.CreateRaw
			crc := crc32.NewIEEE()
			if err := m.writeTo(crc); err != nil {
				return err
			}
			header.CRC32 = crc.Sum32()
			header.CompressedSize64 = uint64(m.Content.Size())
			header.UncompressedSize64 = uint64(m.Content.Size())
		}
		entry, err := create(&header)
		if err != nil {
			return fmt.Errorf("member %s: %w", m.Path, err)
		}
		if err := m.writeTo(entry); err != nil {
			return err
		}
	}
	return zw.Close()
}

func (m Member) writeTo(w io.Writer) error {
	if _, err := copyAll(w, io.NewSectionReader(m.Content, 0, m.Content.Size())); err != nil {
		return fmt.Errorf("member %s: %w", m.Path, err)
	}
	return nil
}
