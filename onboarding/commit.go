package onboarding

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/tosca"
)

// existing returns the image that a name belongs to, or nil.
func (j *job) existing(ctx context.Context, name string) (*imagerepo.Image, error) {
	if j.Repository == nil {
		return nil, nil
	}
	img, err := j.Repository.Catalog().ImageByName(ctx, j.opts.Project, name)
	if errors.Is(err, imagerepo.ErrNotFound) {
		return nil, nil
	}
	return &img, err
}

// settleNames decides what becomes of the images whose names are taken.
func (j *job) settleNames(ctx context.Context) error {
	for i := range j.images {
		existing, err := j.existing(ctx, j.images[i].description.Name)
		if err != nil {
			return err
		}
		j.settle(&j.images[i], existing)
	}
	return nil
}

// settle decides what becomes of an image whose name belongs to existing, which
// is nil for a free name.
func (j *job) settle(img *image, existing *imagerepo.Image) {
	img.existing = existing
	switch {
	case existing == nil && img.SHA256() == "":
		img.action = Referenced
	case existing == nil && img.Twin == "":
		img.action = Stored
	case existing == nil:
		img.action = Reused
	case img.action == Kept:
	case img.SHA256() == "" && img.source.URL == existing.Source.URL,
		img.SHA256() != "" && img.SHA256() == existing.SHA256():
		img.action = Reused
	case !existing.Stored() && img.source.URL == existing.Source.URL && img.source.URL != "":
		img.action = Stored // it was only referenced until now
	default:
		j.conflict(img, existing)
	}
}

// conflict says that a name belongs to other bytes.
func (j *job) conflict(img *image, existing *imagerepo.Image) {
	code, severity := CodeImageNameTaken, tosca.Error
	message := fmt.Sprintf("the name of image %q belongs to other bytes in project %q", existing.Name, existing.Project)
	if len(existing.Packages) > 0 {
		message += fmt.Sprintf(", which package %s brought", existing.Packages[0])
	}
	if img.source.URL != "" && img.source.URL == existing.Source.URL {
		code = CodeImageURLChanged
		message = fmt.Sprintf("the content behind the URL changed: image %q was fetched with other bytes", existing.Name)
	}
	if j.opts.OnConflict == Keep {
		severity, img.action = tosca.Warning, Kept
		if code == CodeImageNameTaken {
			code = CodeImageNameKept
		}
	}
	f := finding(code, severity, img.description.Place, message)
	f.Expected, f.Found = identity(existing.Content, existing.Source.URL), identity(img.Content, img.description.URL)
	j.findings = append(j.findings, f)
}

func identity(content imagerepo.Content, url string) string {
	if content.SHA256() == "" {
		return url
	}
	return imagerepo.SHA256 + ":" + content.SHA256()
}

// commitAttempts bounds how often a commit is tried anew because another
// onboarding was faster; each time something else has become visible.
const commitAttempts = 10

// commit makes package and images visible in one transaction.
func (j *job) commit(ctx context.Context) (Report, error) {
	if j.opts.DryRun {
		return j.commitDry(ctx)
	}
	pub, err := j.publication()
	if err != nil {
		return Report{}, err
	}
	for range commitAttempts {
		known, unchanged, err := j.unchanged(ctx, *pub.Package)
		if err != nil {
			return Report{}, err
		}
		if j.findings.Refused() {
			return j.report(Rejected), nil
		}
		if err := j.assign(ctx, &pub); err != nil {
			return Report{}, err
		}
		if unchanged {
			return j.named(j.report(Unchanged), known), nil
		}
		err = j.intake.Publish(ctx, pub)
		var taken *imagerepo.NameTakenError
		var exists *imagerepo.PackageExistsError
		switch {
		case err == nil:
			return j.named(j.report(Onboarded), pub.Package.ID), nil
		case errors.As(err, &taken), errors.As(err, &exists), errors.Is(err, imagerepo.ErrNotFound):
			if err := j.settleNames(ctx); err != nil {
				return Report{}, err
			}
		default:
			return Report{}, err
		}
		if j.findings.Refused() {
			return j.report(Rejected), nil
		}
	}
	return Report{}, fmt.Errorf("the repository changed %d times while the package was committed", commitAttempts)
}

func (j *job) commitDry(ctx context.Context) (Report, error) {
	pub, err := j.publication()
	if err != nil {
		return Report{}, err
	}
	known, unchanged, err := j.unchanged(ctx, *pub.Package)
	switch {
	case err != nil:
		return Report{}, err
	case j.findings.Refused():
		return j.report(Rejected), nil
	case unchanged:
		return j.named(j.report(Unchanged), known), nil
	}
	return j.report(Valid), nil
}

func (j *job) named(report Report, id string) Report {
	if report.Package != nil {
		report.Package.ID = id
	}
	return report
}

// unchanged reports whether the package is there already, under which ID. One
// of the same name with other content is a finding.
func (j *job) unchanged(ctx context.Context, pkg imagerepo.Package) (string, bool, error) {
	for existing, err := range j.Repository.Catalog().Packages(ctx, imagerepo.PackageFilter{
		Project: pkg.Project, Vendor: pkg.Vendor, Name: pkg.Name, Version: pkg.Version,
	}) {
		switch {
		case err != nil:
			return "", false, err
		case existing.Version != pkg.Version || existing.Vendor != pkg.Vendor:
			// An empty filter field matches everything.
		case existing.Fingerprint != pkg.Fingerprint:
			f := finding(CodePackageExists, tosca.Error, tosca.Place{},
				fmt.Sprintf("package %s is in project %q with other content, as %s", existing.Ref(), existing.Project, existing.ID))
			f.Expected, f.Found = existing.Fingerprint, pkg.Fingerprint
			j.findings = append(j.findings, f)
			return "", false, nil
		default:
			for _, img := range j.images {
				if img.existing == nil {
					return existing.ID, false, nil
				}
			}
			return existing.ID, true, nil
		}
	}
	return "", false, nil
}

// publication describes what is to become visible, but for the images.
func (j *job) publication() (imagerepo.Publication, error) {
	record, err := json.Marshal(j.pkg)
	if err != nil {
		return imagerepo.Publication{}, fmt.Errorf("record of package: %w", err)
	}
	pkg := &imagerepo.Package{
		ID: imagerepo.NewID(), Project: j.opts.Project,
		Vendor: j.pkg.Vendor, Name: j.pkg.Name, Version: j.pkg.Version, Dialect: string(j.pkg.Dialect),
		Record: record, CreatedAt: j.now().UTC(),
	}
	roles := make(map[string]tosca.FileRole, len(j.pkg.Files))
	for _, file := range j.pkg.Files {
		roles[file.Path] = file.Role
	}
	var files []imagerepo.PackageFile
	print := sha256.New()
	for _, m := range j.archive.Members() {
		content := j.digests[m.Raw]
		file := imagerepo.PackageFile{Path: m.Path, Role: string(roles[m.Path]), Size: m.Size, SHA256: content.SHA256()}
		switch roles[m.Path] {
		case tosca.RoleDescriptor, tosca.RoleMetadata, tosca.RoleScript:
			if m.Size > largestKept || m.Kept {
				break
			}
			if file.Content, err = j.archive.ReadFile(m.Path); err != nil {
				return imagerepo.Publication{}, err
			}
		}
		files = append(files, file)
		fmt.Fprintf(print, "%q %s\n", m.Path, file.SHA256)
	}
	pkg.Fingerprint = hex.EncodeToString(print.Sum(nil))
	return imagerepo.Publication{Package: pkg, Files: files}, nil
}

// largestKept is the size in bytes up to which descriptors and scripts are
// kept in the catalogue.
const largestKept = 1 << 20

// assign fills in the images of a publication.
func (j *job) assign(ctx context.Context, pub *imagerepo.Publication) error {
	pub.Images, pub.Uses = nil, nil
	for i := range j.images {
		img := &j.images[i]
		if img.existing != nil {
			if err := j.adopt(ctx, img); err != nil {
				return err
			}
			pub.Uses = append(pub.Uses, img.ID)
			continue
		}
		if img.ID == "" || slices.ContainsFunc(pub.Images, func(o imagerepo.Image) bool { return o.ID == img.ID }) {
			img.ID = imagerepo.NewID() // a reference, or a second name for a file
		}
		d := img.description
		pub.Images = append(pub.Images, imagerepo.Image{
			ID: img.ID, Project: j.opts.Project, Name: d.Name, Content: img.Content,
			DiskFormat: d.DiskFormat, ContainerFormat: d.ContainerFormat,
			MinDisk: d.MinDisk, MinRAM: d.MinRAM, MinCPU: d.MinCPU, IsPublic: d.IsPublic,
			Properties: d.Properties, Source: img.source, CreatedAt: pub.Package.CreatedAt,
		})
	}
	return nil
}

// adopt makes the image that a name belongs to the package's: one that was only
// referenced gets its bytes, and one whose file went bad is healed by those that
// just came.
func (j *job) adopt(ctx context.Context, img *image) error {
	existing := *img.existing
	switch {
	case img.action == Kept || img.SHA256() == "" || img.ID == "" || img.Twin != "" && existing.Stored():
	case !existing.Stored():
		if err := j.intake.Pin(ctx, existing, img.Staged, img.source); err != nil {
			return err
		}
	case existing.SHA256() == img.SHA256():
		if err := j.intake.Heal(ctx, img.Staged); err != nil {
			return err
		}
	}
	img.ID, img.Twin = existing.ID, existing.ID
	if img.action == Kept {
		img.Content = existing.Content
	}
	return nil
}
