package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
)

// product is what the flags ask for.
type product struct {
	kind, out, name string
	size            byteSize
	content, format string
	deflate         bool
	seed            uint64
	count           int
}

func (p product) write() error {
	switch {
	case p.kind == "hostile":
		return writeHostile(p.out)
	case p.content != "random" && p.content != "text", p.format != "qcow2" && p.format != "raw":
		return &usageError{"-content is random or text, and -format qcow2 or raw"}
	case p.kind == "image":
		return writeNew(p.out, func(w io.Writer) error {
			_, err := io.Copy(w, p.image().Reader())
			return err
		})
	case p.count == 0:
		return p.writePackage(p.out)
	}
	if err := os.MkdirAll(p.out, 0o777); err != nil {
		return err
	}
	name, seed := p.name, p.seed
	for i := range p.count {
		p.name, p.seed = fmt.Sprintf("%s-%06d", name, i+1), seed+uint64(i)
		if err := p.writePackage(filepath.Join(p.out, p.name+".csar")); err != nil {
			return err
		}
	}
	return nil
}

// writePackage writes one package to a new file.
func (p product) writePackage(path string) error {
	spec := onboardingtest.Spec{Name: p.name}
	if p.size > 0 {
		spec.Images = []onboardingtest.SoftwareImage{onboardingtest.Embed(p.name+"."+p.format, p.image())}
	}
	container := onboardingtest.Zip
	if p.deflate {
		container = onboardingtest.ZipDeflated
	}
	switch p.kind {
	case "openbaton-csar":
		return onboardingtest.WriteFile(path, container, onboardingtest.OpenBatonCSAR(spec))
	case "sol004":
		return onboardingtest.WriteFile(path, container, onboardingtest.SOL004(spec))
	}
	name, known := strings.CutPrefix(p.kind, "openbaton-")
	if container = onboardingtest.Container(name); known && strings.HasPrefix(name, "tar") && slices.Contains(onboardingtest.Containers(), container) {
		return onboardingtest.WriteFile(path, container, onboardingtest.OpenBatonTar(spec))
	}
	return &usageError{fmt.Sprintf("-kind %s is unknown", p.kind)}
}

func (p product) image() onboardingtest.Image {
	image := onboardingtest.Raw(int64(p.size), p.seed)
	if p.format == "qcow2" {
		image = onboardingtest.QCOW2(int64(p.size), 0, p.seed)
	}
	if p.content == "text" {
		image = image.Compressible()
	}
	return image
}

// writeNew creates a file and removes it again if it cannot be written whole.
func writeNew(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("file %s: %w", path, err), os.Remove(path))
	}
	return nil
}

// byteSize is a flag for a number of bytes.
type byteSize int64

// String implements [flag.Value].
func (s *byteSize) String() string { return strconv.FormatInt(int64(*s), 10) }

// Set implements [flag.Value].
func (s *byteSize) Set(text string) error {
	number, unit := text, int64(1)
	for suffix, bytes := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40} {
		if n, ok := strings.CutSuffix(text, suffix); ok {
			number, unit = n, bytes
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 0 || n > 1<<62/unit {
		return errors.New("want a number of bytes, KiB, MiB, GiB or TiB")
	}
	*s = byteSize(n * unit)
	return nil
}
