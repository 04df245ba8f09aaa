package tosca

// Dialect names the packaging convention that a package follows.
type Dialect string

const (
	// OpenBatonTar is Open Baton's VNF package: Metadata.yaml, a JSON VNFD,
	// scripts/ and images/.
	OpenBatonTar Dialect = "openbaton-tar"
	// OpenBatonCSAR is a CSAR with TOSCA-Metadata/Metadata.yaml and templates in
	// the vocabulary of TOSCA NFV 1.0.
	OpenBatonCSAR Dialect = "openbaton-csar"
	// SOL004 is an ETSI NFV-SOL 004 VNF package with a SOL001 VNFD.
	SOL004 Dialect = "sol004"
	// Simple is any other CSAR of TOSCA Simple Profile in YAML.
	Simple Dialect = "tosca-simple"
	// OSM is an Open Source MANO package with an SOL006-like YAML descriptor.
	OSM Dialect = "osm"
)

// Package is what a package says about itself, in one model for all dialects.
// It is plain data, safe to share once [Read] has returned it.
type Package struct {
	Dialect Dialect `json:"dialect"`
	Subject Subject `json:"subject"`
	Name    string  `json:"name"`
	Vendor  string  `json:"vendor"`
	Version string  `json:"version"`
	// SoftwareVersion is the version of the software in the package, where that
	// is told apart from the version of its descriptor.
	SoftwareVersion string `json:"softwareVersion,omitempty"`
	Description     string `json:"description,omitempty"`
	// DescriptorID is the vnfd_id, nsd descriptor_id or their like; empty where
	// the dialect has none.
	DescriptorID string   `json:"descriptorId,omitempty"`
	VIMTypes     []string `json:"vimTypes,omitempty"`
	NFVOVersion  string   `json:"nfvoVersion,omitempty"`
	// Descriptor is the path of the VNFD, NSD or entry template.
	Descriptor string `json:"descriptor,omitempty"`
	// ScriptsLink is a repository that holds the scripts instead of the package
	// (Open Baton's scripts-link, which wins over the scripts folder).
	ScriptsLink string             `json:"scriptsLink,omitempty"`
	VDUs        []VDU              `json:"vdus"`
	Images      []ImageDescription `json:"images"`
	Files       []File             `json:"files,omitempty"`
}

// Subject says what a package describes.
type Subject string

const (
	VNF     Subject = "vnf"
	NS      Subject = "ns"
	PNF     Subject = "pnf"
	Service Subject = "service" // a topology outside the NFV vocabulary
	Types   Subject = "types"   // type definitions without a topology
)

// VDU is one place in the package that needs an image on the VIM.
type VDU struct {
	// Name is the VDU's name in the descriptor.
	Name string `json:"name"`
	// VNF names the VNF of an NS package that the VDU belongs to.
	VNF string `json:"vnf,omitempty"`
	// SoftwareImageID is the identifier by which the VNFD knows the image, in
	// the sense of vnfdSoftwareImageId of SOL003, clause 9.5.3.3: the name of
	// the node that declares it, or of the image where no node does.
	SoftwareImageID string `json:"softwareImageId,omitempty"`
	// Images are the alternatives in order of preference, names or IDs: any one
	// of them on the VIM will do. It is empty for a VDU that boots no image.
	Images []string `json:"images"`
	Place  Place    `json:"place"`
}

// ImageDescription is an image that the package brings or refers to. Exactly
// one of File and URL is set for an image that can be obtained; neither is set
// for one that is expected on the VIM.
type ImageDescription struct {
	Name string `json:"name"`
	// File is the path of the image's bytes in the package.
	File string `json:"file,omitempty"`
	// URL is an http or https address of the image's bytes.
	URL             string `json:"url,omitempty"`
	Version         string `json:"version,omitempty"`
	DiskFormat      string `json:"diskFormat,omitempty"`      // lower case, as Glance spells it
	ContainerFormat string `json:"containerFormat,omitempty"` // lower case, as Glance spells it
	// Compression is set when the source is compressed and the description
	// says so: gz, xz, zst or bz2.
	Compression string `json:"compression,omitempty"`
	MinDisk     int64  `json:"minDisk"`        // GB, rounded up
	MinRAM      int64  `json:"minRam"`         // MB, rounded up
	MinCPU      int64  `json:"minCPU"`         // virtual CPUs
	Size        int64  `json:"size,omitempty"` // bytes as stated; zero: not stated
	IsPublic    bool   `json:"isPublic"`
	// Digests are the stated digests of the bytes, lower-case hex by algorithm
	// (md5, sha1, sha224, sha256, sha384, sha512).
	Digests map[string]string `json:"digests,omitempty"`
	// Properties are hw_* and os_* properties for the VIM, as the descriptor
	// states them.
	Properties map[string]string `json:"properties,omitempty"`
	Place      Place             `json:"place"`
}

// File is a member of the package with its role.
type File struct {
	Path string   `json:"path"`
	Role FileRole `json:"role"`
	Size int64    `json:"size"` // bytes
	// VNFType is the VNF type that a script of an NS package belongs to
	// (Scripts/<type>/…); empty elsewhere.
	VNFType string `json:"vnfType,omitempty"`
}

// FileRole says what a file is to the package.
type FileRole string

const (
	RoleDescriptor FileRole = "descriptor"
	RoleMetadata   FileRole = "metadata"
	RoleScript     FileRole = "script"
	RoleImage      FileRole = "image"
	RoleArtifact   FileRole = "artifact"
)

// Files is a package's content as this package reads it. Paths are clean,
// relative, slash-separated and unique; directories are not listed. An
// implementation need not be safe for concurrent use.
type Files interface {
	// List returns every file's path and size, sorted by path.
	List() []FileInfo
	// ReadFile returns the content of a small file. It fails with an error that
	// wraps [io/fs.ErrNotExist] for a path that List does not have, and with
	// ErrTooLarge for a file too large to be a descriptor.
	ReadFile(path string) ([]byte, error)
}

// Nest is implemented by [Files] whose members may be packages themselves.
type Nest interface {
	Files
	// OpenPackage opens a member as a package. The findings are about its
	// container, with paths inside it; the Files are nil if they refuse it. It
	// fails for a member that is not there, too large, or not to be read a
	// second time. What it returns lives as long as the Files around it.
	OpenPackage(path string) (Files, Findings, error)
}

// FileInfo is an entry of [Files].
type FileInfo struct {
	Path string
	Size int64 // bytes
}
