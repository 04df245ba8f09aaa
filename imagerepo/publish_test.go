package imagerepo_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

func TestEqualContentIsStoredOnceUnderManyNames(t *testing.T) {
	repo := newRepository(t)
	p := data(1, 2*chunk)
	// Two names for one file, of which one was never staged by its ID, and a
	// file that is in the package twice.
	first := repo.intake(t)
	staged, copied := stage(t, first, p, imagerepo.StageOptions{}), stage(t, first, p, imagerepo.StageOptions{})
	images := []imagerepo.Image{image("p", "one", staged), image("p", "two", staged), image("p", "three", copied)}
	images[1].ID = imagerepo.NewID()
	publish(t, first, imagerepo.Publication{Package: repotest.Package("p", "first"), Images: images})

	// Another project, whose bytes nothing hinted at, so that they were written.
	second := repo.intake(t)
	elsewhere := image("q", "one", stage(t, second, p, imagerepo.StageOptions{}))
	if staged.Twin != "" {
		t.Errorf("staged as %+v, want it written", staged)
	}
	publish(t, second, imagerepo.Publication{Images: []imagerepo.Image{elsewhere}})

	// Another name for stored content that was not staged at all.
	third := repo.intake(t)
	adopted := repotest.Image("q", "adopted", "")
	adopted.Content = elsewhere.Content
	publish(t, third, imagerepo.Publication{Images: []imagerepo.Image{adopted}})

	images = append(images, elsewhere, adopted)
	for _, img := range images {
		repo.has(t, img, p)
	}
	for _, intake := range []*imagerepo.Intake{first, second, third} {
		if err := intake.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	repo.linked(t, images...)
	repo.healthy(t)
	repo.tidy(t, len(images))
}

func TestContentThatIsNeitherStagedNorStoredIsNotPublished(t *testing.T) {
	repo := newRepository(t)
	if err := repo.intake(t).Publish(t.Context(), imagerepo.Publication{Images: []imagerepo.Image{repotest.Image("p", "name", "bytes")}}); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	repo.healthy(t)
}

func TestWhatIsAdoptedWithoutBeingReadHasAtLeastItsSize(t *testing.T) {
	repo := newRepository(t)
	twin := repo.add(t, "twin", data(1, 20))
	repo.damage(t, twin, data(1, 10))
	adopted := repotest.Image("p", "adopted", "")
	adopted.Content = twin.Content
	var corrupt *imagerepo.CorruptError
	if err := repo.intake(t).Publish(t.Context(), imagerepo.Publication{Images: []imagerepo.Image{adopted}}); !errors.As(err, &corrupt) {
		t.Errorf("got %v, want CorruptError", err)
	}
}

func TestIntakesOfTheSameContentAtOnceShareAFile(t *testing.T) {
	repo := newRepository(t)
	p := data(1, chunk)
	intakes := []*imagerepo.Intake{repo.intake(t), repo.intake(t)}
	var images []imagerepo.Image
	for i, intake := range intakes {
		images = append(images, image("p", fmt.Sprint(i), stage(t, intake, p, imagerepo.StageOptions{SizeHint: chunk})))
	}
	for i, intake := range intakes {
		publish(t, intake, imagerepo.Publication{Images: images[i : i+1]})
	}
	repo.linked(t, images...)
	repo.healthy(t)
}

func TestATwinMayBeDeletedBeforeThePublication(t *testing.T) {
	repo := newRepository(t)
	p := data(1, chunk+1)
	twin := repo.add(t, "twin", p)
	intake := repo.intake(t)
	staged := stage(t, intake, p, imagerepo.StageOptions{Like: "twin"})
	if _, err := repo.DeleteImage(t.Context(), twin.ID, false); err != nil {
		t.Fatal(err)
	}
	if digest, err := intake.Digest(t.Context(), staged, "sha1"); err != nil || len(digest) != 40 {
		t.Errorf("digest of staged bytes: %q, %v", digest, err)
	}
	img := image("p", "image", staged)
	publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{img}})
	repo.has(t, img, p)
	repo.healthy(t)
}

func TestARefusedPackageLeavesNothing(t *testing.T) {
	repo := newRepository(t)
	taken := repo.add(t, "taken", data(1, 10))
	intake := repo.intake(t)
	free := image("p", "free", stage(t, intake, data(2, chunk), imagerepo.StageOptions{}))
	conflict := image("p", "taken", stage(t, intake, data(3, chunk), imagerepo.StageOptions{}))
	var name *imagerepo.NameTakenError
	if err := intake.Publish(t.Context(), imagerepo.Publication{Package: repotest.Package("p", "package"), Images: []imagerepo.Image{free, conflict}}); !errors.As(err, &name) || name.Existing.ID != taken.ID {
		t.Errorf("got %v, want the name to be taken by %s", err, taken.ID)
	}
	if err := intake.Close(t.Context()); err != nil {
		t.Error(err)
	}
	repo.healthy(t)
	repo.tidy(t, 1)
}

func TestARefusedPublicationCanBeMadeInAnotherForm(t *testing.T) {
	repo := newRepository(t)
	taken := repo.add(t, "taken", data(1, 10))
	intake := repo.intake(t)
	free := image("p", "free", stage(t, intake, data(2, chunk), imagerepo.StageOptions{}))
	conflict := image("p", "taken", stage(t, intake, data(3, chunk), imagerepo.StageOptions{}))
	unstaged := repotest.Image("p", "unstaged", "nowhere")
	pkg := repotest.Package("p", "package")
	for _, images := range [][]imagerepo.Image{{free, conflict}, {free, unstaged}} {
		if err := intake.Publish(t.Context(), imagerepo.Publication{Package: pkg, Images: images}); err == nil {
			t.Fatal("it was published")
		}
	}
	publish(t, intake, imagerepo.Publication{Package: pkg, Images: []imagerepo.Image{free}, Uses: []string{taken.ID}})
	if err := intake.Close(t.Context()); err != nil {
		t.Error(err)
	}
	repo.has(t, free, data(2, chunk))
	repo.healthy(t)
	repo.tidy(t, 2)
}

func TestConcurrentPublicationsOfOneNameHaveOneWinnerAndLeaveOneFile(t *testing.T) {
	const rivals = 8
	folder := newFolder(t)
	repos := []*repository{openRepository(t, folder), openRepository(t, folder)}
	var mu sync.Mutex
	var won []imagerepo.Image
	var group sync.WaitGroup
	for i := range rivals {
		group.Go(func() {
			repo := repos[i%len(repos)]
			intake := repo.Intake("p")
			staged, err := intake.Stage(t.Context(), bytes.NewReader(data(byte(i), chunk)), imagerepo.StageOptions{SizeHint: chunk})
			if err != nil {
				t.Error(err)
				return
			}
			img := image("p", "name", staged)
			err = intake.Publish(t.Context(), imagerepo.Publication{Package: repotest.Package("p", fmt.Sprint(i)), Images: []imagerepo.Image{img}})
			var taken *imagerepo.NameTakenError
			if err == nil {
				mu.Lock()
				won = append(won, img)
				mu.Unlock()
			} else if !errors.As(err, &taken) {
				t.Error(err)
			}
			if err := intake.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if len(won) != 1 {
		t.Fatalf("%d publications won", len(won))
	}
	if got, err := repos[0].Find(t.Context(), "p", "name"); err != nil || got.ID != won[0].ID {
		t.Errorf("found %v, %v; want the winner's", got, err)
	}
	repos[0].healthy(t)
	if err := repos[1].store.Close(); err != nil {
		t.Error(err)
	}
	repos[0].tidy(t, 1)
}

func TestDeletingRemovesFilesThatNothingNeeds(t *testing.T) {
	repo := newRepository(t)
	ctx := t.Context()
	manual := repo.add(t, "manual", data(1, 10))
	intake := repo.intake(t)
	shared, own := image("p", "shared", stage(t, intake, data(2, 10), imagerepo.StageOptions{})), image("p", "own", stage(t, intake, data(3, 10), imagerepo.StageOptions{}))
	first, second := repotest.Package("p", "first"), repotest.Package("p", "second")
	publish(t, intake, imagerepo.Publication{Package: first, Images: []imagerepo.Image{shared, own, repotest.Image("p", "referenced", "")}, Uses: []string{manual.ID}})
	publish(t, intake, imagerepo.Publication{Package: second, Uses: []string{shared.ID}})
	if err := intake.Close(ctx); err != nil {
		t.Fatal(err)
	}

	var inUse *imagerepo.InUseError
	if _, err := repo.DeleteImage(ctx, shared.ID, false); !errors.As(err, &inUse) {
		t.Errorf("an image in use: got %v, want InUseError", err)
	}
	repo.has(t, shared, data(2, 10))
	_, gone, err := repo.DeletePackage(ctx, first.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, img := range gone {
		names = append(names, img.Name)
	}
	if d := cmp.Diff([]string{"own", "referenced"}, names); d != "" {
		t.Errorf("images deleted along (-want +got):\n%s", d)
	}
	if _, err := repo.Open(ctx, own); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("file of a deleted image: got %v, want ErrNotFound", err)
	}
	if _, gone, err = repo.DeletePackage(ctx, second.ID, true); err != nil || len(gone) > 0 {
		t.Errorf("with images kept: %v, %v", gone, err)
	}
	repo.has(t, shared, data(2, 10))
	if _, err := repo.DeleteImage(ctx, manual.ID, false); err != nil {
		t.Error(err)
	}
	for _, id := range []string{manual.ID, "../../etc/passwd", ""} {
		if _, err := repo.DeleteImage(ctx, id, true); !errors.Is(err, imagerepo.ErrNotFound) {
			t.Errorf("image %q: got %v, want ErrNotFound", id, err)
		}
	}
	repo.healthy(t)
	repo.tidy(t, 1)
}

func TestADeletedByForceImageIsMissedByItsPackageUntilItComesAgain(t *testing.T) {
	repo := newRepository(t)
	intake := repo.intake(t)
	pkg, img := repotest.Package("p", "package"), image("p", "image", stage(t, intake, data(1, 10), imagerepo.StageOptions{}))
	publish(t, intake, imagerepo.Publication{Package: pkg, Images: []imagerepo.Image{img}})
	if _, err := repo.DeleteImage(t.Context(), img.ID, true); err != nil {
		t.Fatal(err)
	}
	diagnosis, err := repo.Doctor(t.Context(), imagerepo.DoctorOptions{Repair: true})
	if err != nil || len(diagnosis.Problems) != 1 || diagnosis.Problems[0].Kind != imagerepo.ImageGone || diagnosis.Healthy() {
		t.Errorf("the doctor finds %+v, %v", diagnosis, err)
	}
	again := image("p", "image", stage(t, intake, data(1, 10), imagerepo.StageOptions{}))
	publish(t, intake, imagerepo.Publication{Package: pkg, Images: []imagerepo.Image{again}})
	repo.healthy(t)
}

func TestADigestIsComputedOnceAndKeptForTheContent(t *testing.T) {
	repo := newRepository(t)
	p := data(1, 2*chunk)
	img := repo.add(t, "image", p)
	for range 3 {
		repo.counted.opened.Store(0)
		got, err := repo.Digest(t.Context(), img, "SHA-512")
		if err != nil {
			t.Fatal(err)
		}
		if want, err := imagerepo.Examine(t.Context(), bytes.NewReader(p), "sha512"); err != nil || got != want.Digests["sha512"] {
			t.Errorf("got %s, want %s, %v", got, want.Digests["sha512"], err)
		}
	}
	if got := repo.counted.opened.Load(); got != 0 {
		t.Errorf("the file was read %d times more", got)
	}
	intake := repo.intake(t)
	twin := image("q", "twin", stage(t, intake, p, imagerepo.StageOptions{SizeHint: int64(len(p))}))
	if twin.Digests["sha512"] == "" {
		t.Error("a twin does not know the digest of its content")
	}
	if _, err := repo.Digest(t.Context(), img, "crc32"); err == nil {
		t.Error("an unknown algorithm has a digest")
	}
}

func TestNoDigestIsLearnedFromBytesThatWentBad(t *testing.T) {
	repo := newRepository(t)
	img := repo.add(t, "image", data(1, chunk))
	repo.damage(t, img, data(2, chunk))
	var corrupt *imagerepo.CorruptError
	if _, err := repo.Digest(t.Context(), img, "sha512"); !errors.As(err, &corrupt) || corrupt.SHA256 != content(data(2, chunk)).SHA256() {
		t.Errorf("got %v, want CorruptError", err)
	}
	if got, err := repo.Catalog().Image(t.Context(), img.ID); err != nil || got.Digests["sha512"] != "" {
		t.Errorf("the digest was kept: %v, %v", got.Digests, err)
	}
}

// damage writes other bytes into the file of an image, and so into all its
// names.
func (r *repository) damage(t *testing.T, img imagerepo.Image, p []byte) {
	t.Helper()
	path := r.Location(img.ID)
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, p, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestBytesThatComeAgainHealWhatWentBad(t *testing.T) {
	good := data(1, 3*chunk)
	flipped := bytes.Clone(good)
	flipped[2*chunk+1] ^= 1
	for name, spoil := range map[string]func(*testing.T, *repository, imagerepo.Image){
		"flipped": func(t *testing.T, r *repository, img imagerepo.Image) { r.damage(t, img, flipped) },
		"cut":     func(t *testing.T, r *repository, img imagerepo.Image) { r.damage(t, img, good[:chunk]) },
		"emptied": func(t *testing.T, r *repository, img imagerepo.Image) { r.damage(t, img, nil) },
		"grown":   func(t *testing.T, r *repository, img imagerepo.Image) { r.damage(t, img, append(bytes.Clone(good), 1)) },
		"lost":    func(t *testing.T, r *repository, img imagerepo.Image) { removeFile(t, r.Location(img.ID)) },
		"not alone": func(t *testing.T, r *repository, img imagerepo.Image) {
			removeFile(t, r.Location(img.ID))
			r.damageTwin(t)
		},
	} {
		for _, healing := range []string{"by healing", "by another name"} {
			t.Run(name+" "+healing, func(t *testing.T) {
				t.Parallel()
				repo := newRepository(t)
				img, twin := repo.add(t, "image", good), repo.add(t, "twin", good)
				repo.linked(t, img, twin)
				spoil(t, repo, img)
				intake := repo.intake(t)
				staged := stage(t, intake, good, imagerepo.StageOptions{SizeHint: int64(len(good)), Like: "image"})
				images := []imagerepo.Image{img, twin}
				if healing == "by healing" {
					if err := intake.Heal(t.Context(), staged); err != nil {
						t.Fatal(err)
					}
				} else {
					images = append(images, image("q", "image", staged))
					publish(t, intake, imagerepo.Publication{Images: images[2:]})
				}
				for _, img := range images {
					repo.has(t, img, good)
				}
				repo.linked(t, images...)
				if err := intake.Close(t.Context()); err != nil {
					t.Error(err)
				}
				repo.healthy(t)
				repo.tidy(t, len(images))
			})
		}
	}
}

func removeFile(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// damageTwin spoils the image that is called so.
func (r *repository) damageTwin(t *testing.T) {
	t.Helper()
	twin, err := r.Find(t.Context(), "p", "twin")
	if err != nil {
		t.Fatal(err)
	}
	r.damage(t, twin, data(9, 10))
}

func TestAReferencedImageIsPinned(t *testing.T) {
	p := data(1, chunk)
	for name, twin := range map[string]bool{"by fetched bytes": false, "by those of a twin": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newRepository(t)
			img := repotest.Image("p", "referenced", "")
			files := 1
			if twin {
				repo.add(t, "twin", p)
				files++
			}
			intake := repo.intake(t)
			publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{img}})
			staged := stage(t, intake, p, imagerepo.StageOptions{SizeHint: chunk})
			source := imagerepo.Source{URL: "http://a/b", ETag: `"e"`}
			for range 2 {
				if err := intake.Pin(t.Context(), img, staged, source); err != nil {
					t.Fatal(err)
				}
			}
			pinned, err := repo.Find(t.Context(), "p", "referenced")
			if err != nil || pinned.Source != source {
				t.Errorf("got %+v, %v", pinned, err)
			}
			repo.has(t, pinned, p)
			if err := intake.Close(t.Context()); err != nil {
				t.Error(err)
			}
			repo.healthy(t)
			repo.tidy(t, files)
		})
	}
}

func TestOfTwoContentsForOneReferenceOneWins(t *testing.T) {
	repo := newRepository(t)
	img := repotest.Image("p", "referenced", "")
	publish(t, repo.intake(t), imagerepo.Publication{Images: []imagerepo.Image{img}})
	var group sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		group.Go(func() {
			intake := repo.Intake("p")
			staged, err := intake.Stage(t.Context(), strings.NewReader(fmt.Sprint("version ", i%2)), imagerepo.StageOptions{})
			if err != nil {
				t.Error(err)
			}
			errs[i] = intake.Pin(t.Context(), img, staged, imagerepo.Source{})
			if err := intake.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	won := 0
	for _, err := range errs {
		switch {
		case err == nil:
			won++
		case !errors.Is(err, imagerepo.ErrExists):
			t.Error(err)
		}
	}
	if won != len(errs)/2 {
		t.Errorf("%d of %d won, want those of one version: %v", won, len(errs), errs)
	}
	repo.healthy(t)
	repo.tidy(t, 1)
}

func TestAnImageIsFoundByNameOrIDInItsProject(t *testing.T) {
	repo := newRepository(t)
	img := repo.add(t, "image", data(1, 10))
	for _, test := range []struct {
		project, called string
		found           bool
	}{{"p", "image", true}, {"p", img.ID, true}, {"q", img.ID, false}, {"q", "image", false}, {"p", "", false}} {
		got, err := repo.Find(t.Context(), test.project, test.called)
		if test.found && (err != nil || got.ID != img.ID) || !test.found && !errors.Is(err, imagerepo.ErrNotFound) {
			t.Errorf("%q in %q: got %q, %v", test.called, test.project, got.ID, err)
		}
	}
}
