package etsi

import (
	"time"

	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

// VnfPkgInfo is a package (SOL005, clause 9.5.2.5; SOL003, clause 10.5.2.2).
type VnfPkgInfo struct {
	ID                  string             `json:"id"`
	VNFDID              string             `json:"vnfdId,omitempty"`
	Provider            string             `json:"vnfProvider,omitempty"`
	ProductName         string             `json:"vnfProductName,omitempty"`
	SoftwareVersion     string             `json:"vnfSoftwareVersion,omitempty"`
	VNFDVersion         string             `json:"vnfdVersion,omitempty"`
	Checksum            *Checksum          `json:"checksum,omitempty"`
	SoftwareImages      []SoftwareImage    `json:"softwareImages,omitzero"`
	AdditionalArtifacts []Artifact         `json:"additionalArtifacts,omitzero"`
	OnboardingState     vnfpkg.State       `json:"onboardingState"`
	OperationalState    vnfpkg.Operational `json:"operationalState"`
	UsageState          string             `json:"usageState"`
	UserDefinedData     map[string]any     `json:"userDefinedData,omitempty"`
	FailureDetails      *FailureDetails    `json:"onboardingFailureDetails,omitempty"`
	Links               PackageLinks       `json:"_links"`
}

// The usage states (SOL005, clause 9.5.4.5).
const (
	inUse    = "IN_USE"
	notInUse = "NOT_IN_USE"
)

// PackageLinks are the links of a package. VNFD is there once it is onboarded.
type PackageLinks struct {
	Self           Link  `json:"self"`
	VNFD           *Link `json:"vnfd,omitempty"`
	PackageContent Link  `json:"packageContent"`
}

// Link is a reference to a resource.
type Link struct {
	Href string `json:"href"`
}

// Checksum is a digest with the name of its algorithm as SOL004 spells it.
type Checksum struct {
	Algorithm string `json:"algorithm"`
	Hash      string `json:"hash"` // hex
}

// SoftwareImage is an image of a package (SOL005, clause 9.5.3.2). Sizes are in
// bytes.
type SoftwareImage struct {
	ID              string            `json:"id"`
	Name            string            `json:"name"`
	Provider        string            `json:"provider"`
	Version         string            `json:"version"`
	Checksum        Checksum          `json:"checksum"`
	ContainerFormat string            `json:"containerFormat"`
	DiskFormat      string            `json:"diskFormat"`
	CreatedAt       time.Time         `json:"createdAt"`
	MinDisk         int64             `json:"minDisk"`
	MinRAM          int64             `json:"minRam"`
	Size            int64             `json:"size"`
	UserMetadata    map[string]string `json:"userMetadata,omitempty"`
	// ImagePath is where the image is in the package; of one that the package
	// names by its URL, that URL, which is ImageURI, too.
	ImagePath string `json:"imagePath"`
	ImageURI  string `json:"imageUri,omitempty"`
}

// Artifact is a file of a package that is no image (SOL005, clause 9.5.3.3).
type Artifact struct {
	Path     string         `json:"artifactPath"`
	Checksum Checksum       `json:"checksum"`
	Metadata map[string]any `json:"metadata,omitempty"`
}

// FailureDetails are ProblemDetails that say why a package was not onboarded, with
// all that was found.
type FailureDetails struct {
	Title    string          `json:"title"`
	Status   int             `json:"status"`
	Detail   string          `json:"detail"`
	Findings []tosca.Finding `json:"findings,omitempty"`
}

// createRequest is CreateVnfPkgInfoRequest (SOL005, clause 9.5.2.2).
type createRequest struct {
	UserDefinedData map[string]any `json:"userDefinedData"`
}

// modifications is VnfPkgInfoModifications (SOL005, clause 9.5.2.6).
type modifications struct {
	OperationalState *vnfpkg.Operational `json:"operationalState,omitempty"`
	UserDefinedData  map[string]any      `json:"userDefinedData,omitempty"`
}

// uploadRequest is UploadVnfPackageFromUriRequest (SOL005, clause 9.5.2.7).
type uploadRequest struct {
	AddressInformation string `json:"addressInformation"`
	UserName           string `json:"userName"`
	Password           string `json:"password"`
}

// apiVersions is ApiVersionInformation (SOL013, clause 7.1).
type apiVersions struct {
	Prefix   string       `json:"uriPrefix"`
	Versions []apiVersion `json:"apiVersions"`
}

type apiVersion struct {
	Version    string `json:"version"`
	Deprecated bool   `json:"isDeprecated"`
}
