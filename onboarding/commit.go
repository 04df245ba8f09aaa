package onboarding

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// commitAttempts bounds how often a commit is tried anew because another
// onboarding was faster; each time something else has become visible.
const commitAttempts = 10

// commit makes package and images visible in one transaction, if something of
// them is not yet.
func (j *job) commit(ctx context.Context) (Report, error) {
	var lost error
	for range commitAttempts {
		if j.findings.Refused() {
			return j.report(Rejected), nil
		}
		pub, news := j.publication()
		status := Onboarded
		if !news && !j.pins() {
			status = Unchanged
		}
		if j.intake == nil {
			if status == Onboarded || j.Repository == nil {
				status = Valid
			}
			return j.report(status), nil
		}
		err := j.complete(ctx)
		if err == nil && (news || teaches(pub)) {
			err = j.intake.Publish(ctx, pub)
		}
		if err == nil {
			return j.report(status), nil
		}
		var taken *imagerepo.NameTakenError
		var exists *imagerepo.PackageExistsError
		if !errors.As(err, &taken) && !errors.As(err, &exists) &&
			!errors.Is(err, imagerepo.ErrNotFound) && !errors.Is(err, imagerepo.ErrExists) {
			return Report{}, err
		}
		lost = err
		if err := j.recognize(ctx); err != nil {
			return Report{}, err
		}
	}
	return Report{}, fmt.Errorf("the repository changed %d times before the commit: %w", commitAttempts, lost)
}

// teaches reports whether a publication without news has something to be noted:
// compressed forms of images, or that a user adds an image that a package
// brought.
func teaches(pub imagerepo.Publication) bool {
	return len(pub.Packings) > 0 || pub.Package == nil && len(pub.Uses) > 0
}

// publication says what is to become visible, and whether any of it is not yet.
func (j *job) publication() (pub imagerepo.Publication, news bool) {
	pub.Package, pub.Files, pub.Packings = j.record, j.files, j.packings
	news = j.record != nil && j.known == nil
	created := j.now().UTC()
	for _, img := range j.images {
		if img.owner != nil {
			switch {
			case j.record != nil:
				pub.Uses = append(pub.Uses, img.owner.ID)
				news = news || !j.uses(img.owner.ID)
			case !img.owner.Manual && img.action != Kept:
				pub.Uses = append(pub.Uses, img.owner.ID)
			}
			continue
		}
		news = true
		img.id = imagerepo.NewID()
		d := img.description
		pub.Images = append(pub.Images, imagerepo.Image{
			ID: img.id, Project: j.opts.Project, Name: d.Name, Content: img.Content,
			DiskFormat: cmp.Or(d.DiskFormat, string(img.format.Format)), ContainerFormat: cmp.Or(d.ContainerFormat, "bare"),
			MinDisk: d.MinDisk, MinRAM: d.MinRAM, MinCPU: d.MinCPU, IsPublic: d.IsPublic,
			Properties: d.Properties, Source: img.source, Manual: j.record == nil, CreatedAt: created,
		})
	}
	return pub, news
}

// pins reports whether bytes came for images that were only referenced.
func (j *job) pins() bool {
	for _, img := range j.images {
		if img.owner != nil && img.action == Stored {
			return true
		}
	}
	return false
}

// complete gives images that are there already what they lack: their bytes, if
// they were only referenced, or a sound file, if theirs went bad.
func (j *job) complete(ctx context.Context) error {
	for _, img := range j.images {
		var err error
		switch {
		case img.owner == nil:
		case img.action == Stored:
			err = j.intake.Pin(ctx, *img.owner, img.Staged, img.source)
		case img.action == Reused:
			err = j.intake.Heal(ctx, img.Staged)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
