package onboarding

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/tosca"
	"github.com/gangway-nfv/gangway/vim"
)

// LaunchRequest says what is to be launched where. One of Package and VDUs is set.
type LaunchRequest struct {
	Project string // empty means DefaultProject
	// Package is an ID, or a name, vendor/name or vendor/name:version that fits
	// one package of the project.
	Package string
	// VDUs are written out by a caller that has its own packages. Of each the
	// Name and the Images count, which are names or IDs in the repository or on
	// the VIM; its SoftwareImageID is the first of them if it is empty.
	VDUs    []tosca.VDU
	VIMs    []vim.Cloud
	Options vim.Options
}

// LaunchReport is the outcome of a launch. It is what doors print.
type LaunchReport struct {
	// Package is nil where the VDUs were written out.
	Package *PackageReport `json:"package,omitempty" yaml:"package,omitempty"`
	VIMs    []VIMReport    `json:"vims" yaml:"vims"`
	// VIMAssets are the images in the form of a grant (SOL003, clause 9.5.2.5).
	VIMAssets VIMAssets `json:"vimAssets" yaml:"vimAssets"`
	// Cause is what kept the server from fetching an image, where that is a limit or
	// its disk.
	Cause Cause `json:"cause,omitempty" yaml:"cause,omitempty"`
}

// VIMReport is the outcome on one VIM.
type VIMReport struct {
	VIM   string      `json:"vim" yaml:"vim"`
	VDUs  []VDUReport `json:"vdus" yaml:"vdus"`
	Error string      `json:"error,omitempty" yaml:"error,omitempty"`
}

// VDUReport is the outcome of one VDU.
type VDUReport struct {
	Name     string   `json:"name" yaml:"name"`
	Image    VDUImage `json:"image" yaml:"image"`
	Warnings []string `json:"warnings,omitempty" yaml:"warnings,omitempty"`
	Error    string   `json:"error,omitempty" yaml:"error,omitempty"`
}

// VDUImage is the image that a VDU boots from on a VIM.
type VDUImage struct {
	ID       string     `json:"id,omitempty" yaml:"id,omitempty"`
	Name     string     `json:"name" yaml:"name"`
	Size     int64      `json:"size,omitempty" yaml:"size,omitempty"` // bytes; absent while unknown
	Action   vim.Action `json:"action" yaml:"action"`
	Verified bool       `json:"verified" yaml:"verified"`
	// Digest is the VIM's own, as algorithm:hex.
	Digest string `json:"digest,omitempty" yaml:"digest,omitempty"`
}

// VIMAssets is the part of a grant that tells images.
type VIMAssets struct {
	SoftwareImages []SoftwareImage `json:"softwareImages" yaml:"softwareImages"`
}

// SoftwareImage maps an image of the VNFD to one of a VIM (VimSoftwareImage of
// SOL003, clause 9.5.3.10).
type SoftwareImage struct {
	VIMConnectionID     string `json:"vimConnectionId" yaml:"vimConnectionId"`
	VNFDSoftwareImageID string `json:"vnfdSoftwareImageId" yaml:"vnfdSoftwareImageId"`
	VIMSoftwareImageID  string `json:"vimSoftwareImageId" yaml:"vimSoftwareImageId"`
}

// AmbiguousError says that a name fits several packages.
type AmbiguousError struct {
	Name  string
	Found []imagerepo.PackageRef
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%q is the name of %d packages, such as %s (%s) and %s (%s)", e.Name, len(e.Found),
		e.Found[0], e.Found[0].ID, e.Found[1], e.Found[1].ID)
}

// FindPackage returns the package of that ID, name, vendor/name or
// vendor/name:version in a project, with its record. The error wraps
// [imagerepo.ErrNotFound], or is an *AmbiguousError.
func (p *Pipeline) FindPackage(ctx context.Context, project, called string) (imagerepo.Package, error) {
	if imagerepo.ValidID(called) {
		pkg, err := p.Repository.Catalog().Package(ctx, called)
		if err == nil && pkg.Project == project {
			return pkg, nil
		}
		if err != nil && !errors.Is(err, imagerepo.ErrNotFound) {
			return imagerepo.Package{}, err
		}
	}
	var found []imagerepo.PackageRef
	for _, name := range namesIn(called) {
		for pkg, err := range p.Repository.Catalog().Packages(ctx, imagerepo.PackageFilter{Project: project, Name: name}) {
			if err != nil {
				return imagerepo.Package{}, err
			}
			if ref := pkg.Ref(); ref.Called(called) {
				found = append(found, ref)
			}
		}
	}
	switch len(found) {
	case 0:
		return imagerepo.Package{}, fmt.Errorf("package %q in project %q: %w", called, project, imagerepo.ErrNotFound)
	case 1:
		return p.Repository.Catalog().Package(ctx, found[0].ID)
	}
	return imagerepo.Package{}, &AmbiguousError{Name: called, Found: found}
}

// namesIn returns what the name of a package may be in vendor/name:version. Each of
// the three may have slashes and colons of its own.
func namesIn(called string) []string {
	var names []string
	for begin := 0; ; {
		for end := len(called); end > begin; {
			if name := called[begin:end]; !slices.Contains(names, name) {
				names = append(names, name)
			}
			end = begin + max(0, strings.LastIndexByte(called[begin:end], ':'))
		}
		slash := strings.IndexByte(called[begin:], '/')
		if slash < 0 {
			return names
		}
		begin += slash + 1
	}
}

// Launch gives the VIMs the images that the VDUs of a package need and that
// they lack. The report is complete also when there is an error, which joins
// those of all VIMs.
func (p *Pipeline) Launch(ctx context.Context, req LaunchRequest) (LaunchReport, error) {
	req.Project = cmp.Or(req.Project, DefaultProject)
	report := LaunchReport{VIMs: []VIMReport{}, VIMAssets: VIMAssets{SoftwareImages: []SoftwareImage{}}}
	stored, pkg := imagerepo.Package{Project: req.Project}, tosca.Package{VDUs: req.VDUs}
	if len(req.VDUs) == 0 {
		var err error
		if stored, err = p.FindPackage(ctx, req.Project, req.Package); err != nil {
			return LaunchReport{}, err
		}
		if err := json.Unmarshal(stored.Record, &pkg); err != nil {
			return LaunchReport{}, fmt.Errorf("record of package %s: %w", stored.Ref(), err)
		}
		report.Package = &PackageReport{ID: stored.ID, Name: stored.Name, Vendor: stored.Vendor,
			Version: stored.Version, Dialect: pkg.Dialect, VDUs: len(pkg.VDUs)}
	}
	wants, err := p.wants(ctx, stored, pkg)
	if err != nil {
		return LaunchReport{}, err
	}
	results, err := vim.Launch(ctx, req.VIMs, wants, req.Options)
	for _, result := range results {
		report.add(result)
	}
	return report, err
}

func (r *LaunchReport) add(result vim.Result) {
	on := VIMReport{VIM: result.VIM, VDUs: []VDUReport{}}
	if result.Err != nil {
		on.Error = result.Err.Error()
	}
	for _, vdu := range result.VDUs {
		told := VDUReport{Name: vdu.Name, Warnings: vdu.Warnings, Image: VDUImage{
			ID: vdu.ImageID, Name: vdu.ImageName, Size: vdu.Size, Action: vdu.Action, Verified: vdu.Verified, Digest: vdu.Digest}}
		if vdu.Err != nil {
			told.Error = vdu.Err.Error()
		}
		on.VDUs = append(on.VDUs, told)
		if vdu.ImageID != "" && vdu.Err == nil {
			r.VIMAssets.SoftwareImages = append(r.VIMAssets.SoftwareImages, SoftwareImage{
				VIMConnectionID: result.VIM, VNFDSoftwareImageID: vdu.SoftwareImageID, VIMSoftwareImageID: vdu.ImageID})
		}
	}
	r.VIMs = append(r.VIMs, on)
}

// wants turns the VDUs of a package into what the launch stage understands.
// Every alternative that the repository has an image of comes with an offer.
func (p *Pipeline) wants(ctx context.Context, stored imagerepo.Package, pkg tosca.Package) ([]vim.Want, error) {
	described := make(map[string]tosca.ImageDescription)
	for _, d := range pkg.Images {
		described[d.Name] = d
	}
	offers := make(map[string]*vim.Offer)
	var wants []vim.Want
	for _, vdu := range pkg.VDUs {
		if len(vdu.Images) == 0 {
			continue
		}
		want := vim.Want{VDU: vdu.Name, SoftwareImageID: cmp.Or(vdu.SoftwareImageID, vdu.Images[0])}
		for _, ref := range vdu.Images {
			offer, looked := offers[ref]
			if !looked {
				img, err := p.Repository.Find(ctx, stored.Project, ref)
				switch {
				case errors.Is(err, imagerepo.ErrNotFound):
				case err != nil:
					return nil, err
				default:
					offer = p.offer(img, stored.Ref().String(), described[img.Name])
				}
				offers[ref] = offer
			}
			want.Alternatives = append(want.Alternatives, vim.Alternative{Ref: ref, Offer: offer})
		}
		wants = append(wants, want)
	}
	return wants, nil
}

// offer describes an image of the repository to the launch stage. What the
// package says of it matters for one that has yet to be fetched.
func (p *Pipeline) offer(img imagerepo.Image, pkg string, d tosca.ImageDescription) *vim.Offer {
	offer := &vim.Offer{
		ID: img.ID, Name: img.Name, Project: img.Project, Package: pkg, Size: img.Size, SHA256: img.SHA256(),
		DiskFormat: img.DiskFormat, ContainerFormat: img.ContainerFormat,
		MinDisk: img.MinDisk, MinRAM: img.MinRAM, IsPublic: img.IsPublic, Properties: maps.Clone(img.Properties),
		Known: func(algorithm string) (string, bool) {
			digest := img.Digests[algorithm]
			return digest, digest != ""
		},
		Digest: func(ctx context.Context, algorithm string) (string, error) {
			return p.Repository.Digest(ctx, img, algorithm)
		},
		Learned: func(ctx context.Context, algorithm, digest string) error {
			return p.Repository.Learn(ctx, img, algorithm, digest)
		},
		Open: func(ctx context.Context) (vim.Content, error) {
			blob, err := p.Repository.Open(ctx, img)
			if err != nil {
				return nil, err
			}
			return blob, nil
		},
	}
	if !img.Stored() {
		offer.Pin = func(ctx context.Context) (*vim.Offer, error) {
			pinned, err := p.pin(ctx, img, d)
			if err != nil {
				return nil, err
			}
			return p.offer(pinned, pkg, d), nil
		}
	}
	return offer
}

// pin fetches the bytes of an image that was only referenced. What the
// description states of them has to hold.
func (p *Pipeline) pin(ctx context.Context, img imagerepo.Image, d tosca.ImageDescription) (pinned imagerepo.Image, err error) {
	if d.URL != img.Source.URL {
		d = descriptionOf(img) // the name belongs to an image that another package brought
	}
	j := p.job(img.Name, Options{Project: img.Project})
	defer func() { err = errors.Join(err, j.intake.Close(ctx)) }()
	fetched := &image{description: d}
	if err := j.fetch(ctx, fetched); err != nil {
		return img, err
	}
	for _, f := range j.findings {
		if f.Severity == tosca.Error {
			return img, &refusal{f}
		}
	}
	// Another launch may have been faster; then its bytes are the image's.
	if err := j.intake.Pin(ctx, img, fetched.Staged, fetched.source); err != nil && !errors.Is(err, imagerepo.ErrExists) {
		return img, err
	}
	return p.Repository.Catalog().Image(ctx, img.ID)
}

// descriptionOf describes an image of the repository.
func descriptionOf(img imagerepo.Image) tosca.ImageDescription {
	return tosca.ImageDescription{Name: img.Name, URL: img.Source.URL, DiskFormat: img.DiskFormat, ContainerFormat: img.ContainerFormat}
}
