package tosca

import (
	"cmp"
	"encoding/hex"
	"maps"
	"net/url"
	"path"
	"slices"
	"strings"
)

const (
	gigabyte = 1_000_000_000
	megabyte = 1_000_000

	// A VDU without alternatives has all images of the metadata: the product
	// of the two limits bounds the model.
	maxImages = 500
	maxVDUs   = 5000
)

// formats that OpenStack's Image service knows (api-ref, disk_format and
// container_format).
var (
	diskFormats      = []string{"aki", "ami", "ari", "iso", "ploop", "qcow2", "raw", "vdi", "vhd", "vhdx", "vmdk"}
	containerFormats = []string{"aki", "ami", "ari", "bare", "compressed", "docker", "ova", "ovf"}
)

// imageProperties reads what an image's description says beside its name and
// source. The keys of all dialects are taken in each.
func (r *reader) imageProperties(d *ImageDescription, config node) {
	d.Version = config.key("version").text()
	d.MinDisk = r.sizeIn(config.key("minDisk", "min_disk"), gigabyte, gigabyte)
	d.MinRAM = r.sizeIn(config.key("minRam", "minRAM", "min_ram"), megabyte, megabyte)
	d.MinCPU = r.sizeIn(config.key("minCPU", "min_cpu"), 1, 1)
	d.Size = r.sizeIn(config.key("size"), 1, 1)
	d.IsPublic = config.key("isPublic", "is_public").isTrue()
	d.Compression = compressionOf("." + config.key("compression").text())
	r.formats(d, config)
	r.checksum(d, config.key("checksum"))
	r.vimProperties(d, config)
}

// vimProperties takes the hw_* and os_* properties, wherever they stand.
func (r *reader) vimProperties(d *ImageDescription, config node) {
	for _, from := range []node{config, config.key("properties")} {
		for k, v := range from.fields() {
			name := k.text()
			if v.text() == "" || !strings.HasPrefix(name, "hw_") && !strings.HasPrefix(name, "os_") {
				continue
			}
			if d.Properties == nil {
				d.Properties = map[string]string{}
			}
			d.Properties[name] = v.text()
		}
	}
}

func (r *reader) formats(d *ImageDescription, config node) {
	disk, container := config.key("diskFormat", "disk_format"), config.key("containerFormat", "container_format")
	d.DiskFormat, d.ContainerFormat = strings.ToLower(disk.text()), strings.ToLower(container.text())
	if slices.Contains(containerFormats, d.DiskFormat) && !slices.Contains(diskFormats, d.DiskFormat) &&
		slices.Contains(diskFormats, d.ContainerFormat) && !slices.Contains(containerFormats, d.ContainerFormat) {
		r.warn(CodeFormatsSwapped, disk.place(), "disk format and container format are swapped; they are read the other way round").
			found("disk format %s, container format %s", d.DiskFormat, d.ContainerFormat)
		d.DiskFormat, d.ContainerFormat = d.ContainerFormat, d.DiskFormat
	}
	if d.DiskFormat != "" && !slices.Contains(diskFormats, d.DiskFormat) {
		r.warn(CodeFormatUnknown, disk.place(), "the disk format is unknown to OpenStack; the image's own is taken").
			expected("%s", strings.Join(diskFormats, ", ")).found("%s", d.DiskFormat)
		d.DiskFormat = ""
	}
	if d.ContainerFormat != "" && !slices.Contains(containerFormats, d.ContainerFormat) {
		r.warn(CodeFormatUnknown, container.place(), "the container format is unknown to OpenStack; bare is taken").
			expected("%s", strings.Join(containerFormats, ", ")).found("%s", d.ContainerFormat)
		d.ContainerFormat = ""
	}
}

// digestSizes are the lengths of the digests that are understood, in bytes.
var digestSizes = []struct {
	algorithm string
	size      int
}{{"md5", 16}, {"sha1", 20}, {"sha224", 28}, {"sha256", 32}, {"sha384", 48}, {"sha512", 64}}

// checksum reads {algorithm, hash}, algorithm:hash, or a bare digest, whose
// algorithm is told by its length.
func (r *reader) checksum(d *ImageDescription, n node) {
	hash, algorithm := n, ""
	if n.isMap() {
		hash = n.key("hash", "value")
		algorithm = strings.ReplaceAll(strings.ToLower(n.key("algorithm").text()), "-", "")
	}
	r.digest(d, hash, algorithm)
}

func (r *reader) digest(d *ImageDescription, hash node, algorithm string) {
	if hash.text() == "" {
		return
	}
	digest := strings.ToLower(hash.text())
	if prefix, rest, ok := strings.Cut(digest, ":"); ok && algorithm == "" {
		algorithm, digest = strings.ReplaceAll(prefix, "-", ""), rest
	}
	sum, err := hex.DecodeString(digest)
	for _, known := range digestSizes {
		if err == nil && len(sum) == known.size && (algorithm == "" || algorithm == known.algorithm) {
			if d.Digests == nil {
				d.Digests = map[string]string{}
			}
			d.Digests[known.algorithm] = digest
			return
		}
	}
	r.err(CodeChecksumMalformed, hash.place(), "the checksum of image %s cannot be read", clip(d.Name)).
		expected("a hex digest of md5, sha-1, sha-224, sha-256, sha-384 or sha-512").found("%s %s", algorithm, hash.text())
}

// addImage adds an image to the package. One described twice in the same way
// is one image; the larger of two minimums holds. One name for two different
// images is an error: which of them a VDU boots would be chance. But where the
// package brings neither, the VIM has one image of that name, and that is it.
func (r *reader) addImage(d ImageDescription) {
	if len(r.pkg.Images) == maxImages {
		r.tooMany(d.Place, "images", maxImages)
		return
	}
	i := slices.IndexFunc(r.pkg.Images, func(have ImageDescription) bool { return have.Name == d.Name })
	if i < 0 {
		r.pkg.Images = append(r.pkg.Images, d)
		return
	}
	have := &r.pkg.Images[i]
	if !sameImage(*have, d) {
		report := r.err
		if have.File+have.URL+d.File+d.URL == "" {
			report = r.warn
		}
		report(CodeImageDeclaredTwice, d.Place, "image %s is declared twice, differently", clip(d.Name)).
			found("the first at %s", have.Place)
		return
	}
	have.File, have.URL = cmp.Or(have.File, d.File), cmp.Or(have.URL, d.URL)
	have.DiskFormat, have.ContainerFormat = cmp.Or(have.DiskFormat, d.DiskFormat), cmp.Or(have.ContainerFormat, d.ContainerFormat)
	have.Compression = cmp.Or(have.Compression, d.Compression)
	have.MinDisk, have.MinRAM, have.MinCPU = max(have.MinDisk, d.MinDisk), max(have.MinRAM, d.MinRAM), max(have.MinCPU, d.MinCPU)
	if have.Digests == nil {
		have.Digests = d.Digests
	}
}

// sameImage reports whether two descriptions can be of the same bytes, with
// the same properties, where both say anything.
func sameImage(a, b ImageDescription) bool {
	agree := func(x, y string) bool { return x == "" || y == "" || x == y }
	for algorithm, digest := range a.Digests {
		if !agree(digest, b.Digests[algorithm]) {
			return false
		}
	}
	return agree(a.File+a.URL, b.File+b.URL) && agree(a.DiskFormat, b.DiskFormat) && agree(a.ContainerFormat, b.ContainerFormat) &&
		a.IsPublic == b.IsPublic && maps.Equal(a.Properties, b.Properties)
}

// addVDU adds a VDU. The deployment flavours of one VNF repeat their VDUs:
// equal ones are one.
func (r *reader) addVDU(v VDU) {
	if len(r.pkg.VDUs) == maxVDUs {
		r.tooMany(v.Place, "VDUs", maxVDUs)
		return
	}
	if v.SoftwareImageID == "" && len(v.Images) > 0 {
		v.SoftwareImageID = v.Images[0]
	}
	same := func(have VDU) bool {
		return have.Name == v.Name && have.VNF == v.VNF && have.SoftwareImageID == v.SoftwareImageID && slices.Equal(have.Images, v.Images)
	}
	if slices.ContainsFunc(r.pkg.VDUs, same) {
		return
	}
	r.pkg.VDUs = append(r.pkg.VDUs, v)
}

// tooMany refuses, once, a package that would make the model too large.
func (r *reader) tooMany(at Place, what string, most int) {
	if !r.overfull {
		r.err(CodeTooManyDeclarations, at, "the package declares more than %d %s", most, what)
	}
	r.overfull = true
}

// isHTTP reports whether a text is an http or https URL with a host.
func isHTTP(s string) bool {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok || !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
		return false
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && rest != ""
}

// compressionOf tells a compressed source by its name's ending.
func compressionOf(source string) string {
	if u, err := url.Parse(source); err == nil && isHTTP(source) {
		source = u.Path
	}
	switch strings.ToLower(path.Ext(source)) {
	case ".gz", ".gzip":
		return "gz"
	case ".xz":
		return "xz"
	case ".zst", ".zstd":
		return "zst"
	case ".bz2", ".bzip2":
		return "bz2"
	}
	return ""
}
