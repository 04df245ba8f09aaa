package onboarding

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/fetch"
	"github.com/gangway-nfv/gangway/tosca"
)

// claim finds the image that a name belongs to and decides what becomes of the
// one that wants it. It proves nothing: the name is only taken when the
// package is committed, and claimed again if another was faster.
func (j *job) claim(ctx context.Context, img *image) error {
	if j.Repository == nil {
		return nil
	}
	owner, err := j.Repository.Catalog().ImageByName(ctx, j.opts.Project, img.description.Name)
	if errors.Is(err, imagerepo.ErrNotFound) {
		img.owner = nil
		switch {
		case img.SHA256() == "":
			img.action = Referenced
		case img.Twin != "":
			img.action = Reused
		default:
			img.action = Stored
		}
		return nil
	}
	if err != nil {
		return err
	}
	img.owner = &owner
	sameURL := img.source.URL != "" && img.source.URL == owner.Source.URL
	switch {
	case img.SHA256() != "" && img.SHA256() == owner.SHA256(), img.SHA256() == "" && sameURL:
		img.action = Reused
	case sameURL && !owner.Stored():
		img.action = Stored // what was only referenced gets its bytes
	default:
		j.conflict(img, sameURL)
	}
	return nil
}

// conflict is a name that belongs to other bytes. Whether its owner may stay is
// the caller's choice, but for files of a package that was onboarded with that
// very image: then the choice was made.
func (j *job) conflict(img *image, sameURL bool) {
	owner := img.owner
	code, severity := CodeImageNameTaken, tosca.Error
	message := fmt.Sprintf("the name of image %q belongs to other bytes in project %q", owner.Name, owner.Project)
	if len(owner.Packages) > 0 {
		message += fmt.Sprintf(", which package %s brought", owner.Packages[0])
	}
	if sameURL {
		code = CodeImageURLChanged
		message = fmt.Sprintf("the content behind the URL changed: image %q was fetched with other bytes", owner.Name)
	}
	if j.opts.OnConflict == Keep || img.description.File != "" && j.uses(owner.ID) {
		severity, img.action = tosca.Warning, Kept
		if code == CodeImageNameTaken {
			code = CodeImageNameKept
		}
	}
	f := finding(code, severity, img.description.Place, message)
	f.Expected, f.Found = identity(owner.Content, owner.Source.URL), identity(img.Content, img.source.URL)
	j.findings = append(j.findings, f)
}

// uses reports whether the package is in the repository with that image.
func (j *job) uses(id string) bool {
	return j.known != nil && slices.ContainsFunc(j.known.Images, func(ref imagerepo.ImageRef) bool { return ref.ID == id })
}

func identity(content imagerepo.Content, url string) string {
	if content.SHA256() == "" {
		return fetch.Redact(url)
	}
	return imagerepo.SHA256 + ":" + content.SHA256()
}
