package onboarding

import (
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

// content is bytes that were taken in, or, without an ID, only looked at.
type content struct {
	imagerepo.Staged
	format diskfmt.Result
}

// has reports whether all digests are known that are stated.
func (c content) has(stated map[string]string) bool {
	for algorithm := range stated {
		if c.Digests[algorithm] == "" {
			return false
		}
	}
	return true
}

// image is an image on its way into the repository.
type image struct {
	description tosca.ImageDescription
	content
	source imagerepo.Source // of an image that came from a URL
	// owner is the image that the name belongs to already, if any, and action
	// what becomes of this one; see claim.
	owner  *imagerepo.Image
	action Action
	id     string // of a new image
}

// keep is the [csar.KeepFunc]: it takes in what passes while a tar is read,
// before it is known what it is.
func (j *job) keep(ctx context.Context, m csar.Member, r io.Reader) error {
	var digests []string
	if j.intake == nil {
		// Which ones are stated is not known yet, and the bytes do not come back.
		digests = imagerepo.Algorithms()
	}
	c, err := j.take(ctx, r, path.Base(m.Path), m.Size, digests)
	if err != nil {
		return err
	}
	j.contents[m.Raw] = c
	return nil
}

// take reads r to its end: into the repository's staging, or, when nothing is
// to be stored or the package is refused already, nowhere.
func (j *job) take(ctx context.Context, r io.Reader, name string, size int64, digests []string) (c content, err error) {
	var inspector diskfmt.Inspector
	if j.spend != nil {
		r = &spending{r: r, spend: j.spend}
	}
	passing := io.TeeReader(r, &inspector)
	digests = slices.Concat(digests, j.opts.Digests)
	if j.stores() {
		c.Staged, err = j.intake.Stage(ctx, passing, imagerepo.StageOptions{SizeHint: size, Digests: digests, Like: name})
	} else {
		c.Content, err = imagerepo.Examine(ctx, passing, digests...)
	}
	c.format = inspector.Result()
	return c, err
}

// spending asks for leave for the bytes that it reads.
type spending struct {
	r     io.Reader
	spend func(total int64) error
	total int64 // bytes
}

// Read implements [io.Reader].
func (s *spending) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if s.total += int64(n); n > 0 {
		if over := s.spend(s.total); over != nil {
			return 0, over
		}
	}
	return n, err
}

// stores reports whether what is taken in may end in the repository.
func (j *job) stores() bool { return j.intake != nil && !j.findings.Refused() }

// stage takes in the images that lie in the package, and compares them with
// what is said of them.
func (j *job) stage(ctx context.Context) error {
	for _, d := range j.pkg.Images {
		if d.File == "" {
			continue
		}
		c, err := j.member(ctx, d)
		if err == nil {
			err = j.judge(ctx, d, c)
			j.images = append(j.images, &image{description: d, content: c})
		}
		if err := j.blame(err); err != nil {
			return fmt.Errorf("image %q: %w", d.Name, err)
		}
	}
	return nil
}

// member returns the content of an image that lies in the package. Several
// descriptions may share a file.
func (j *job) member(ctx context.Context, d tosca.ImageDescription) (content, error) {
	members := j.archive.Members()
	at := slices.IndexFunc(members, func(m csar.Member) bool { return m.Path == d.File })
	if at < 0 {
		return content{}, fmt.Errorf("member %s is not in the package", d.File)
	}
	m := members[at]
	if c, seen := j.contents[m.Raw]; seen && (c.ID != "" || c.has(d.Digests)) {
		return c, nil
	}
	c, err := j.read(ctx, d, m)
	if err == nil {
		j.contents[m.Raw] = c
	}
	return c, err
}

// read takes in a member that can be read at any time. A deflated one is not
// inflated if it came in this form before.
func (j *job) read(ctx context.Context, d tosca.ImageDescription, m csar.Member) (content, error) {
	deflated := j.archive.Deflated(m.Path)
	if deflated == nil || !j.stores() {
		r, err := j.archive.OpenMember(ctx, m.Path)
		if err != nil {
			return content{}, err
		}
		defer r.Close()
		return j.take(ctx, r, d.Name, m.Size, keys(d.Digests))
	}
	packing := imagerepo.Packing{Method: "deflate", PackedSize: deflated.Size, Size: m.Size, CRC32: deflated.CRC32}
	c, known, err := j.recall(ctx, d, deflated.Open(ctx), packing)
	if known || err != nil {
		return c, err
	}
	packed := sha256.New()
	c, err = j.take(ctx, deflated.Inflate(ctx, packed), d.Name, m.Size, keys(d.Digests))
	if err == nil {
		packing.PackedSHA256, packing.SHA256 = hex.EncodeToString(packed.Sum(nil)), c.SHA256()
		j.packings = append(j.packings, packing)
	}
	return c, err
}

// recall takes in what came before in the same packed bytes, and reports
// whether it did. The format is told from the stored file, which is proven then
// to be what the package holds.
func (j *job) recall(ctx context.Context, d tosca.ImageDescription, packed io.Reader, packing imagerepo.Packing) (c content, known bool, err error) {
	c.Staged, known, err = j.intake.StagePacked(ctx, packed, packing, slices.Concat(keys(d.Digests), j.opts.Digests)...)
	if !known || err != nil {
		return c, false, err
	}
	blob, err := j.intake.Open(ctx, c.Staged)
	if err != nil {
		return c, false, err
	}
	defer blob.Close()
	c.format, err = diskfmt.Inspect(blob, blob.Size())
	return c, err == nil, err
}

// judge compares an image with what is said of it.
func (j *job) judge(ctx context.Context, d tosca.ImageDescription, c content) error {
	j.judgeFormat(d, c)
	for _, algorithm := range slices.Sorted(maps.Keys(d.Digests)) {
		computed := c.Digests[algorithm]
		if c.ID != "" {
			var err error
			if computed, err = j.intake.Digest(ctx, c.Staged, algorithm); err != nil {
				return err
			}
		}
		if stated := d.Digests[algorithm]; computed != stated {
			f := finding(CodeImageChecksum, tosca.Error, d.Place, fmt.Sprintf("image %q does not have its stated digest", d.Name))
			f.Expected, f.Found = algorithm+":"+stated, algorithm+":"+computed
			j.findings = append(j.findings, f)
		}
	}
	return nil
}

func (j *job) judgeFormat(d tosca.ImageDescription, c content) {
	var mismatch *diskfmt.MismatchError
	if err := diskfmt.Match(d.DiskFormat, d.ContainerFormat, c.format); errors.As(err, &mismatch) {
		severity := tosca.Error
		if c.format.Format == diskfmt.Raw && c.Size < smallestDisk {
			severity = tosca.Warning
		}
		f := finding(CodeImageFormat, severity, d.Place, fmt.Sprintf("image %q is not in its declared format", d.Name))
		f.Expected, f.Found = strings.TrimSpace(d.DiskFormat+" "+d.ContainerFormat), string(c.format.Format)
		j.findings = append(j.findings, f)
	}
	for _, problem := range c.format.Problems {
		f := finding(CodeImageUnsafe, tosca.Error, d.Place, fmt.Sprintf("image %q cannot be given to a VIM: %s", d.Name, problem.Code))
		f.Found = problem.Detail
		j.findings = append(j.findings, f)
	}
}

// smallestDisk is the size in bytes below which a file is no disk in any
// format. Sample packages carry a few words in the place of an image; that
// deserves a warning, not a refusal.
const smallestDisk = 512

// keys returns the algorithms of stated digests.
func keys(digests map[string]string) []string { return slices.Collect(maps.Keys(digests)) }
