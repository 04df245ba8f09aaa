package onboarding

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/tosca"
)

// identify computes the package's fingerprint and makes its record. On the way
// every file is read that was not taken in as an image, which proves the
// archive's checksums.
func (j *job) identify(ctx context.Context) error {
	if err := j.archive.Walk(ctx, j.hash); err != nil {
		return j.blame(err)
	}
	if j.Repository == nil {
		return nil
	}
	print := sha256.New()
	for _, m := range j.archive.Members() {
		c := j.contents[m.Raw]
		if c.SHA256() == "" {
			return nil // a damaged member, and findings tell of it
		}
		fmt.Fprintf(print, "%q %s\n", m.Path, c.SHA256())
	}
	record, err := json.Marshal(j.pkg)
	if err != nil {
		return fmt.Errorf("record of package: %w", err)
	}
	j.record = &imagerepo.Package{
		ID: cmp.Or(j.opts.PackageID, imagerepo.NewID()), Project: j.opts.Project, Vendor: j.pkg.Vendor, Name: j.pkg.Name, Version: j.pkg.Version,
		Dialect: string(j.pkg.Dialect), Fingerprint: hex.EncodeToString(print.Sum(nil)), DescriptorID: j.pkg.DescriptorID, Record: record,
		CreatedAt: j.now().UTC(),
	}
	return j.list()
}

// hash computes the digest of a file of the archive. A damaged one does not
// keep it from the others.
func (j *job) hash(_ context.Context, m csar.Member, r io.Reader) error {
	if _, seen := j.contents[m.Raw]; seen {
		return nil
	}
	h := sha256.New()
	size, err := io.Copy(h, r)
	if err != nil {
		return j.blame(fmt.Errorf("member %s: %w", m.Path, err))
	}
	digests := imagerepo.Digests{imagerepo.SHA256: hex.EncodeToString(h.Sum(nil))}
	j.contents[m.Raw] = content{Staged: imagerepo.Staged{Content: imagerepo.Content{Size: size, Digests: digests}}}
	return nil
}

// largestKept is the size in bytes up to which descriptors and scripts are
// kept in the catalogue.
const largestKept = 1 << 20

// list makes the list of the package's files, with the content of small ones
// that matter after onboarding, in all up to Limits.Memory, half of it set apart
// for descriptors and metadata. Others are read from the original archive.
func (j *job) list() error {
	var kept int64
	room := cmp.Or(j.Limits.Memory, csar.DefaultLimits().Memory)
	roles := make(map[string]tosca.FileRole, len(j.pkg.Files))
	for _, file := range j.pkg.Files {
		roles[file.Path] = file.Role
	}
	for _, m := range j.archive.Members() {
		file := imagerepo.PackageFile{Path: m.Path, Role: string(roles[m.Path]), Size: m.Size, SHA256: j.contents[m.Raw].SHA256()}
		switch roles[m.Path] {
		case tosca.RoleDescriptor, tosca.RoleMetadata, tosca.RoleScript:
			left := room - kept
			if roles[m.Path] == tosca.RoleScript {
				left -= room / 2
			}
			if m.Size > min(left, largestKept) || m.Kept {
				break
			}
			kept += m.Size
			var err error
			if file.Content, err = j.archive.ReadFile(m.Path); err != nil {
				return err
			}
		}
		j.files = append(j.files, file)
	}
	return nil
}

// recognize looks the package and the names of its images up in the
// repository. It is called again when another onboarding was faster.
func (j *job) recognize(ctx context.Context) error {
	j.known = nil
	if j.record != nil {
		if err := j.lookUp(ctx); err != nil {
			return err
		}
	}
	for _, img := range j.images {
		if err := j.claim(ctx, img); err != nil {
			return err
		}
	}
	return nil
}

// lookUp finds the package of this vendor, name and version. One with other
// content is a finding.
func (j *job) lookUp(ctx context.Context) error {
	for existing, err := range j.Repository.Catalog().Packages(ctx, imagerepo.PackageFilter{
		Project: j.record.Project, Vendor: j.record.Vendor, Name: j.record.Name, Version: j.record.Version,
	}) {
		switch {
		case err != nil:
			return err
		case existing.Vendor != j.record.Vendor || existing.Name != j.record.Name || existing.Version != j.record.Version:
			// An empty filter field matches everything.
		case existing.Fingerprint == j.record.Fingerprint:
			j.known, j.record.ID = &existing, existing.ID
		default:
			f := finding(CodePackageExists, tosca.Error, tosca.Place{},
				fmt.Sprintf("package %s is in project %q with other content, as %s", existing.Ref(), existing.Project, existing.ID))
			f.Expected, f.Found = existing.Fingerprint, j.record.Fingerprint
			j.findings = append(j.findings, f)
		}
	}
	return nil
}
