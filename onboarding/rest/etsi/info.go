package etsi

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
	"github.com/gangway-nfv/gangway/tosca"
)

// details says which parts of a package are wanted that have to be looked up.
type details struct{ images, artifacts bool }

// vnfdID returns by which identifier the VNFD of an onboarded package is known. One
// that has none is known by that of the package.
func vnfdID(r vnfpkg.Resource, model *tosca.Package) string { return cmp.Or(model.DescriptorID, r.ID) }

// describe answers a request with a resource in ETSI's words.
func (d *door) describe(asked *http.Request, r vnfpkg.Resource, wanted details) (VnfPkgInfo, error) {
	ctx, self := asked.Context(), d.root(asked)+"/vnf_packages/"+r.ID
	info := VnfPkgInfo{
		ID: r.ID, OnboardingState: r.State, OperationalState: r.Operational, UsageState: notInUse, UserDefinedData: r.UserData,
		Links: PackageLinks{Self: Link{self}, PackageContent: Link{self + "/package_content"}},
	}
	if r.InUse {
		info.UsageState = inUse
	}
	if r.Failure != nil {
		info.FailureDetails = failureDetails(*r.Failure)
	}
	if r.State == vnfpkg.Error && knowsNoError(asked) {
		info.OnboardingState = vnfpkg.Created
	}
	model, err := r.Model()
	if err != nil || model == nil {
		return info, err
	}
	info.VNFDID, info.Provider, info.ProductName = vnfdID(r, model), model.Vendor, model.Name
	info.VNFDVersion, info.SoftwareVersion = model.Version, softwareVersion(model)
	info.Links.VNFD = &Link{self + "/vnfd"}
	if r.SHA256 != "" {
		info.Checksum = &Checksum{Algorithm: "SHA-256", Hash: r.SHA256}
	}
	if wanted.images {
		if info.SoftwareImages, err = d.softwareImages(ctx, r, model); err != nil {
			return info, err
		}
	}
	if wanted.artifacts {
		if info.AdditionalArtifacts, err = d.additionalArtifacts(ctx, r); err != nil {
			return info, err
		}
	}
	return info, nil
}

func softwareVersion(model *tosca.Package) string {
	return cmp.Or(model.SoftwareVersion, model.Version)
}

func failureDetails(f vnfpkg.Failure) *FailureDetails {
	told := &FailureDetails{Status: http.StatusInternalServerError, Detail: f.Detail, Findings: f.Findings}
	if len(f.Findings) > 0 {
		told.Status = http.StatusUnprocessableEntity
	}
	told.Title = http.StatusText(told.Status)
	return told
}

// softwareImages lists the images that a package brings or names by URL, in the
// order of its description. Those that it expects on a VIM are no part of it.
func (d *door) softwareImages(ctx context.Context, r vnfpkg.Resource, model *tosca.Package) ([]SoftwareImage, error) {
	ids := imageIDs(model)
	images := []SoftwareImage{}
	for _, description := range model.Images {
		if description.File == "" && description.URL == "" {
			continue
		}
		image, err := d.stored(ctx, r, description.Name)
		if err != nil {
			return nil, err
		}
		told := SoftwareImage{
			ID: ids[description.Name], Name: description.Name, Provider: model.Vendor,
			Version: cmp.Or(description.Version, softwareVersion(model)), Checksum: checksum(image.Digests, description.Digests),
			ContainerFormat: strings.ToUpper(cmp.Or(image.ContainerFormat, description.ContainerFormat, "bare")),
			DiskFormat:      strings.ToUpper(cmp.Or(image.DiskFormat, description.DiskFormat, "raw")),
			CreatedAt:       r.Package.CreatedAt.UTC(), MinDisk: description.MinDisk * gigabyte, MinRAM: description.MinRAM * megabyte,
			Size: cmp.Or(image.Size, description.Size), UserMetadata: description.Properties, ImagePath: description.File,
		}
		if !image.CreatedAt.IsZero() {
			told.CreatedAt = image.CreatedAt.UTC()
		}
		if told.ImagePath == "" {
			told.ImageURI = fetch.Redact(description.URL)
			told.ImagePath = told.ImageURI
		}
		images = append(images, told)
	}
	return images, nil
}

// The model counts minimums as clouds do, whose gigabytes and megabytes are binary.
const (
	gigabyte = 1 << 30
	megabyte = 1 << 20
)

// imageIDs returns the identifiers of the images in the VNFD by their names: that
// of the VDU or storage whose first choice an image is, else its name.
func imageIDs(model *tosca.Package) map[string]string {
	ids, taken := make(map[string]string), make(map[string]bool)
	for _, vdu := range model.VDUs {
		if len(vdu.Images) == 0 || vdu.SoftwareImageID == "" || taken[vdu.SoftwareImageID] {
			continue
		}
		if name := vdu.Images[0]; ids[name] == "" {
			ids[name], taken[vdu.SoftwareImageID] = vdu.SoftwareImageID, true
		}
	}
	for _, description := range model.Images {
		ids[description.Name] = cmp.Or(ids[description.Name], description.Name)
	}
	return ids
}

// stored returns what the repository knows of an image by its name in a package;
// it is zero for one that was deleted by force.
func (d *door) stored(ctx context.Context, r vnfpkg.Resource, name string) (imagerepo.Image, error) {
	i := slices.IndexFunc(r.Package.Images, func(ref imagerepo.ImageRef) bool { return ref.Name == name })
	if i < 0 {
		return imagerepo.Image{}, nil
	}
	image, err := d.Images.Image(ctx, r.Package.Images[i].ID)
	if errors.Is(err, imagerepo.ErrNotFound) {
		return imagerepo.Image{}, nil
	}
	return image, err
}

// checksum returns the digest that is known of an image, else one that its
// description states. An image that was never fetched may have none.
func checksum(known imagerepo.Digests, stated map[string]string) Checksum {
	for _, digests := range []map[string]string{known, stated} {
		for _, algorithm := range slices.Concat([]string{"sha256", "sha512"}, slices.Sorted(maps.Keys(digests))) {
			if digest := digests[algorithm]; digest != "" {
				return Checksum{Algorithm: spelled(algorithm), Hash: digest}
			}
		}
	}
	return Checksum{Algorithm: "SHA-256"}
}

// spelled returns the name of an algorithm as SOL004 spells it.
func spelled(algorithm string) string {
	name := strings.ToUpper(algorithm)
	if size, ok := strings.CutPrefix(name, "SHA"); ok && !strings.HasPrefix(size, "-") {
		return "SHA-" + size
	}
	return name
}

// additionalArtifacts lists the files of a package that are neither images nor its
// descriptor.
func (d *door) additionalArtifacts(ctx context.Context, r vnfpkg.Resource) ([]Artifact, error) {
	files, err := d.Packages.Files(ctx, r.Project, r.ID)
	if err != nil {
		return nil, err
	}
	artifacts := []Artifact{}
	for _, file := range files {
		if isArtifact(file) {
			artifacts = append(artifacts, Artifact{Path: file.Path, Checksum: Checksum{Algorithm: "SHA-256", Hash: file.SHA256}})
		}
	}
	return artifacts, nil
}

func isArtifact(file imagerepo.PackageFile) bool {
	return file.Role != string(tosca.RoleImage) && file.Role != string(tosca.RoleDescriptor)
}
