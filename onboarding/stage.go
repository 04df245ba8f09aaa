package onboarding

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/diskfmt"
	"github.com/gangway-nfv/gangway/onboarding/csar"
	"github.com/gangway-nfv/gangway/tosca"
)

// held is content that was taken in, or only looked at, with what its header
// says.
type held struct {
	imagerepo.Staged
	inspected diskfmt.Result
}

// image is an image of the package on its way.
type image struct {
	description tosca.ImageDescription
	held
	source imagerepo.Source // of an image that came from a URL
	// existing is the image that the name belongs to already, if any.
	existing *imagerepo.Image
	action   Action
}

func (img *image) report() ImageReport {
	return ImageReport{ID: img.ID, Name: img.description.Name, Size: img.Size, Digests: img.Digests, Action: img.action}
}

// keep is the [csar.KeepFunc]: it takes in what passes while a tar is read,
// before it is known what it is.
func (j *job) keep(ctx context.Context, m csar.Member, r io.Reader) error {
	var digests []string
	if j.intake == nil {
		digests = []string{"md5", "sha1", "sha512"} // what will be stated is not known yet, and the bytes do not come back
	}
	content, err := j.take(ctx, r, path.Base(m.Path), m.Size, digests)
	if err != nil {
		return err
	}
	j.kept[m.Raw] = content
	j.digests[m.Raw] = content.Content
	return nil
}

// take reads r to its end: into the repository's staging, or, when nothing is
// to be stored or the package is refused already, nowhere.
func (j *job) take(ctx context.Context, r io.Reader, name string, size int64, digests []string) (held, error) {
	var inspector diskfmt.Inspector
	passing := io.TeeReader(r, io.MultiWriter(&inspector, &watched{job: j, image: name, total: size}))
	digests = slices.Concat(digests, j.opts.Digests)
	var staged imagerepo.Staged
	var err error
	if j.intake == nil || j.findings.Refused() {
		staged.Content, err = imagerepo.Examine(ctx, passing, digests...)
	} else {
		staged, err = j.intake.Stage(ctx, passing, imagerepo.StageOptions{SizeHint: size, Digests: digests, Like: name})
	}
	return held{Staged: staged, inspected: inspector.Result()}, err
}

// stage takes the images in that the package describes, and compares them with
// what is said of them. Images by URL come last: nothing is fetched for a
// package that is refused.
func (j *job) stage(ctx context.Context) error {
	described := make(map[string]bool)
	for _, d := range j.pkg.Images {
		if d.File == "" {
			continue
		}
		described[d.File] = true
		content, err := j.member(ctx, d)
		if f, blamed := asFinding(err); blamed {
			j.findings = append(j.findings, f)
			continue
		}
		if err != nil {
			return fmt.Errorf("image %q: %w", d.Name, err)
		}
		if err := j.judge(ctx, d, content); err != nil {
			return err
		}
		j.images = append(j.images, image{description: d, held: content})
	}
	for _, m := range j.archive.Members() {
		if m.Kept && strings.HasPrefix(m.Path, "images/") && !described[m.Path] {
			j.findings = append(j.findings, finding(CodeImageUnused, tosca.Warning, tosca.Place{File: m.Path},
				"no image description names this file"))
		}
	}
	if err := j.settleNames(ctx); err != nil {
		return err
	}
	for _, d := range j.pkg.Images {
		if d.URL != "" && !j.findings.Refused() {
			if err := j.stageURL(ctx, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// member returns the content of an image that lies in the package.
func (j *job) member(ctx context.Context, d tosca.ImageDescription) (held, error) {
	members := j.archive.Members()
	at, found := slices.BinarySearchFunc(members, d.File, func(m csar.Member, path string) int { return cmp.Compare(m.Path, path) })
	if !found {
		return held{}, fmt.Errorf("member %s is not in the package", d.File)
	}
	m := members[at]
	if content, passed := j.kept[m.Raw]; passed {
		return content, nil
	}
	r, err := j.archive.OpenMember(ctx, m.Path)
	if err != nil {
		return held{}, err
	}
	defer r.Close()
	content, err := j.take(ctx, r, d.Name, m.Size, keys(d.Digests))
	if err == nil {
		// Several descriptions may share a file.
		j.kept[m.Raw], j.digests[m.Raw] = content, content.Content
	}
	return content, err
}

// judge compares an image with what is said of it.
func (j *job) judge(ctx context.Context, d tosca.ImageDescription, content held) error {
	for algorithm, stated := range d.Digests {
		computed := content.Digests[algorithm]
		if computed == "" && j.intake != nil && content.ID != "" {
			var err error
			if computed, err = j.intake.Digest(ctx, content.Staged, algorithm); err != nil {
				return err
			}
		}
		if computed != "" && computed != stated {
			f := finding(CodeImageChecksum, tosca.Error, d.Place, fmt.Sprintf("image %q does not have its stated digest", d.Name))
			f.Expected, f.Found = algorithm+":"+stated, algorithm+":"+computed
			j.findings = append(j.findings, f)
		}
	}
	var mismatch *diskfmt.MismatchError
	if err := diskfmt.Match(d.DiskFormat, d.ContainerFormat, content.inspected); errors.As(err, &mismatch) {
		severity := tosca.Error
		if content.inspected.Format == diskfmt.Raw && content.Size < smallestDisk {
			severity = tosca.Warning
		}
		f := finding(CodeImageFormat, severity, d.Place, fmt.Sprintf("image %q is not in its declared format", d.Name))
		f.Expected, f.Found = strings.TrimSpace(d.DiskFormat+" "+d.ContainerFormat), string(content.inspected.Format)
		j.findings = append(j.findings, f)
	}
	for _, problem := range content.inspected.Problems {
		f := finding(CodeImageUnsafe, tosca.Error, d.Place, fmt.Sprintf("image %q cannot be given to a VIM: %s", d.Name, problem.Code))
		f.Found = problem.Detail
		j.findings = append(j.findings, f)
	}
	return nil
}

// smallestDisk is the size in bytes below which a file is no disk in any
// format. Sample packages carry a few words in the place of an image; that
// deserves a warning, not a refusal.
const smallestDisk = 512

// fingerprint computes the digest of every file that was not taken in as an
// image, which proves the checksums of the archive on the way.
func (j *job) fingerprint(ctx context.Context) error {
	return j.archive.Walk(ctx, func(_ context.Context, m csar.Member, r io.Reader) error {
		if _, known := j.digests[m.Raw]; known {
			return nil
		}
		h := sha256.New()
		size, err := io.Copy(h, r)
		if err != nil {
			return fmt.Errorf("member %s: %w", m.Path, err)
		}
		j.digests[m.Raw] = imagerepo.Content{Size: size, Digests: imagerepo.Digests{imagerepo.SHA256: hex.EncodeToString(h.Sum(nil))}}
		return nil
	})
}

// keys returns the algorithms of stated digests.
func keys(digests map[string]string) []string { return slices.Collect(maps.Keys(digests)) }
