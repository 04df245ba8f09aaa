package imagerepo

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// Doctor proves that catalogue, files and digests agree, or tells where they
// do not. It may run beside everything else: what others change meanwhile is
// no problem. The error is about the examination itself; the diagnosis is
// complete only without one.
func (r *Repository) Doctor(ctx context.Context, opts DoctorOptions) (Diagnosis, error) {
	d := &doctor{Repository: r, opts: opts}
	d.Problems = []Problem{}
	if err := r.catalog.Check(ctx); err != nil {
		if ctx.Err() != nil {
			return d.Diagnosis, err
		}
		d.found(Problem{Kind: CatalogueDamaged, Message: err.Error(), Cure: "restore the catalogue from a backup, then run this again"})
	}
	for _, examine := range []func(context.Context) error{d.staging, d.contents, d.packages, d.orphans} {
		if err := examine(ctx); err != nil {
			return d.Diagnosis, fmt.Errorf("doctor: %w", err)
		}
	}
	return d.Diagnosis, nil
}

// doctor is one examination.
type doctor struct {
	*Repository
	opts DoctorOptions
	Diagnosis
}

func (d *doctor) found(problems ...Problem) { d.Problems = append(d.Problems, problems...) }

// Write is told the bytes that are read.
func (d *doctor) Write(p []byte) (int, error) {
	d.Bytes += int64(len(p))
	d.progress()
	return len(p), nil
}

func (d *doctor) progress() {
	if d.opts.Progress != nil {
		d.opts.Progress(DoctorProgress{Images: d.Images, Bytes: d.Bytes})
	}
}

// staging looks for what killed processes left.
func (d *doctor) staging(ctx context.Context) error {
	litter, err := d.blobs.Abandoned(ctx)
	if err != nil {
		return err
	}
	left := make(map[string]bool)
	if d.opts.Repair && len(litter) > 0 {
		failed := d.blobs.Recover(ctx, d.catalog.IfUnclaimed)
		still, err := d.blobs.Abandoned(ctx)
		if err != nil {
			return errors.Join(err, failed)
		}
		for _, location := range still {
			left[location] = true
		}
	}
	for _, location := range litter {
		d.found(Problem{Kind: StagingLitter, Location: location, Message: "a process that was killed left this half done",
			Cure: "it is removed by repair, and by the next command that changes the repository", Repaired: d.opts.Repair && !left[location]})
	}
	return nil
}

// contentsAtOnce bounds how many digests are held at a time, so that memory
// does not grow with the repository and no transaction lasts for hours.
const contentsAtOnce = 1000

// contents examines the files of all stored images.
func (d *doctor) contents(ctx context.Context) error {
	last := ""
	for {
		digests, err := d.catalog.Contents(ctx, last, contentsAtOnce)
		if err != nil || len(digests) == 0 {
			return err
		}
		for _, digest := range digests {
			if err := d.content(ctx, digest); err != nil {
				return err
			}
		}
		last = digests[len(digests)-1]
	}
}

// bad is an image whose file is not what was stored.
type bad struct {
	Image
	kind ProblemKind
	err  error
}

// content examines the files of all images that have the same content.
func (d *doctor) content(ctx context.Context, digest string) error {
	// Images that share a file are examined as one.
	var files [][]Image
	var broken []bad
	for img, err := range d.catalog.Images(ctx, ImageFilter{SHA256: digest}) {
		if err != nil {
			return err
		}
		d.Images++
		blob, err := d.Open(ctx, img)
		if err == nil {
			err = blob.Close()
		}
		if err != nil {
			broken = append(broken, bad{img, kindOf(err), err})
			continue
		}
		files = d.group(ctx, files, img)
	}
	defer d.progress()
	if d.opts.Quick && !(d.opts.Repair && (len(broken) > 0 || len(files) > 1)) {
		d.Files += len(files)
		return d.judge(ctx, files, broken)
	}
	var whole [][]Image
	for _, images := range files {
		_, err := d.read(ctx, images[0], d)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil {
			whole = append(whole, images)
			continue
		}
		for _, img := range images {
			broken = append(broken, bad{img, kindOf(err), err})
		}
	}
	d.Files += len(files)
	return d.judge(ctx, whole, broken)
}

// group adds an image to those that share its file.
func (d *doctor) group(ctx context.Context, files [][]Image, img Image) [][]Image {
	for i, images := range files {
		if same, err := d.blobs.Same(ctx, images[0].ID, img.ID); err == nil && same {
			files[i] = append(images, img)
			return files
		}
	}
	return append(files, []Image{img})
}

func kindOf(err error) ProblemKind {
	var corrupt *CorruptError
	switch {
	case errors.Is(err, ErrNotFound):
		return FileMissing
	case !errors.As(err, &corrupt):
		return FileUnreadable
	case corrupt.SHA256 == "":
		return FileSize
	default:
		return FileCorrupt
	}
}

// judge reports what is wrong with the images of one content, of which files
// are whole, and mends it if a whole one is left.
func (d *doctor) judge(ctx context.Context, files [][]Image, broken []bad) error {
	var problems []Problem
	var ids []string
	for _, b := range broken {
		if _, err := d.catalog.Image(ctx, b.ID); errors.Is(err, ErrNotFound) {
			continue // deleted meanwhile
		} else if err != nil {
			return err
		}
		problem := d.aboutFile(b.kind, b.Image, b.err.Error())
		problem.Cure = "the file is replaced by the one of an image with the same content"
		if len(files) == 0 {
			problem.Cure = d.withoutTwin(ctx, &problem)
		}
		problems, ids = append(problems, problem), append(ids, b.ID)
	}
	if len(files) > 0 {
		for _, images := range files[1:] {
			for _, img := range images {
				problem := d.aboutFile(ContentNotLinked, img, fmt.Sprintf("has the bytes of image %q (%s) in a file of its own", files[0][0].Name, files[0][0].ID))
				problem.Cure = "the files are linked"
				problems, ids = append(problems, problem), append(ids, img.ID)
			}
		}
		if d.opts.Repair && len(ids) > 0 {
			if err := d.relink(ctx, files[0][0].ID, ids); err != nil {
				for i := range problems {
					problems[i].Cure = fmt.Sprintf("repair: %v", err)
				}
			} else {
				for i := range problems {
					problems[i].Repaired = true
				}
			}
		}
	}
	d.found(problems...)
	return ctx.Err()
}

// withoutTwin deals with a bad file that nothing can replace: it is taken out
// of sight, so that nobody is given its bytes. It returns the cure.
func (d *doctor) withoutTwin(ctx context.Context, problem *Problem) string {
	const cure = "take the image in again from its package or file, which puts the same bytes in this place"
	if problem.Kind == FileMissing {
		return cure
	}
	if !d.opts.Repair {
		return "repair takes the file out of sight; then " + cure
	}
	file, err := d.blobs.Open(ctx, problem.Image)
	if err != nil {
		return cure
	}
	defer file.Close()
	location, err := d.blobs.Quarantine(ctx, problem.Image, file)
	if err != nil {
		return fmt.Sprintf("repair: %v; %s", err, cure)
	}
	problem.Location = location
	return cure + "; the bad one is kept out of sight until then"
}

// relink gives images the file of another one.
func (d *doctor) relink(ctx context.Context, from string, ids []string) (err error) {
	session, err := d.blobs.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, session.Settle(context.WithoutCancel(ctx), d.catalog.IfUnclaimed))
	}()
	held := NewID()
	if err := session.Hold(ctx, held, from); err != nil {
		return err
	}
	return session.Replace(ctx, held, ids...)
}

// packages looks for references to images that are gone.
func (d *doctor) packages(ctx context.Context) error {
	for pkg, err := range d.catalog.Packages(ctx, PackageFilter{}) {
		if err != nil {
			return err
		}
		if len(pkg.Missing) == 0 {
			continue
		}
		ref := pkg.Ref()
		d.found(Problem{Kind: ImageGone, Project: pkg.Project, Package: &ref,
			Message: fmt.Sprintf("package %s (%s) refers to images that are gone: %s", ref, ref.ID, strings.Join(pkg.Missing, ", ")),
			Cure:    "onboard the package again, or delete it"})
	}
	return nil
}

// orphans looks for files that no stored image has.
func (d *doctor) orphans(ctx context.Context) error {
	var orphans []string
	for id, err := range d.blobs.List(ctx) {
		if err != nil {
			return err
		}
		img, err := d.catalog.Image(ctx, id)
		if err == nil && img.Stored() {
			continue
		}
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		// A publication puts its files in place before it commits. While it does,
		// nothing is unclaimed; should it fail, its files are gone when it ends.
		if err := d.catalog.IfUnclaimed(ctx, id, func() error {
			blob, err := d.blobs.Open(ctx, id)
			if errors.Is(err, ErrNotFound) {
				return nil
			}
			orphans = append(orphans, id)
			if err != nil {
				return nil // it is there, that is enough
			}
			return blob.Close()
		}); err != nil {
			return err
		}
	}
	if len(orphans) == 0 {
		return nil
	}
	cure, removed := "it is removed by repair", false
	if d.opts.Repair {
		if err := d.retiring(ctx, orphans, func() error { return nil }); err != nil {
			cure = fmt.Sprintf("repair: %v", err)
		} else {
			removed = true
		}
	}
	for _, id := range orphans {
		d.found(Problem{Kind: FileOrphan, Image: id, Location: d.blobs.Location(id),
			Message: "no stored image has this file", Cure: cure, Repaired: removed})
	}
	return nil
}
