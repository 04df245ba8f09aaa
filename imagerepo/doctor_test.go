package imagerepo_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

func TestTheDoctorFindsAndMendsDamage(t *testing.T) {
	good := data(1, 2*chunk)
	flipped := bytes.Clone(good)
	flipped[chunk] ^= 1
	copyFile := func(t *testing.T, r *repository, img imagerepo.Image, p []byte) {
		removeFile(t, r.Location(img.ID))
		if err := os.WriteFile(r.Location(img.ID), p, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	type outcome struct {
		Kind     imagerepo.ProblemKind
		Name     string
		Repaired bool
	}
	for name, test := range map[string]struct {
		// spoil damages a repository with one image that is alone, and two that
		// are twins.
		spoil    func(t *testing.T, r *repository, alone, one, two imagerepo.Image)
		want     []outcome // after a repair
		quick    []outcome // of a quick look; nil when it finds all
		left     []outcome // what is still found afterwards
		readable []string  // images that are whole after the repair
	}{
		"nothing": {
			spoil:    func(*testing.T, *repository, imagerepo.Image, imagerepo.Image, imagerepo.Image) {},
			readable: []string{"alone", "one", "two"},
		},
		"a lost file": {
			spoil: func(t *testing.T, r *repository, alone, one, two imagerepo.Image) {
				removeFile(t, r.Location(alone.ID))
			},
			want:     []outcome{{imagerepo.FileMissing, "alone", false}},
			left:     []outcome{{imagerepo.FileMissing, "alone", false}},
			readable: []string{"one", "two"},
		},
		"a lost file with a twin": {
			spoil:    func(t *testing.T, r *repository, alone, one, two imagerepo.Image) { removeFile(t, r.Location(one.ID)) },
			want:     []outcome{{imagerepo.FileMissing, "one", true}},
			readable: []string{"alone", "one", "two"},
		},
		"a cut file": {
			spoil:    func(t *testing.T, r *repository, alone, one, two imagerepo.Image) { r.damage(t, alone, good[:10]) },
			want:     []outcome{{imagerepo.FileSize, "alone", false}},
			left:     []outcome{{imagerepo.FileMissing, "alone", false}},
			readable: []string{"one", "two"},
		},
		"a corrupt file": {
			spoil: func(t *testing.T, r *repository, alone, one, two imagerepo.Image) {
				r.damage(t, alone, bytes.Repeat([]byte{1}, int(alone.Size)))
			},
			want:     []outcome{{imagerepo.FileCorrupt, "alone", false}},
			quick:    []outcome{},
			left:     []outcome{{imagerepo.FileMissing, "alone", false}},
			readable: []string{"one", "two"},
		},
		"a corrupt file that twins share": {
			spoil:    func(t *testing.T, r *repository, alone, one, two imagerepo.Image) { r.damage(t, one, flipped) },
			want:     []outcome{{imagerepo.FileCorrupt, "one", false}, {imagerepo.FileCorrupt, "two", false}},
			quick:    []outcome{},
			left:     []outcome{{imagerepo.FileMissing, "one", false}, {imagerepo.FileMissing, "two", false}},
			readable: []string{"alone"},
		},
		"a corrupt file with a twin": {
			spoil:    func(t *testing.T, r *repository, alone, one, two imagerepo.Image) { copyFile(t, r, two, flipped) },
			want:     []outcome{{imagerepo.FileCorrupt, "two", true}},
			quick:    []outcome{{imagerepo.ContentNotLinked, "two", false}},
			readable: []string{"alone", "one", "two"},
		},
		"a corrupt file whose twin is lost": {
			spoil: func(t *testing.T, r *repository, alone, one, two imagerepo.Image) {
				copyFile(t, r, two, flipped)
				removeFile(t, r.Location(one.ID))
			},
			want:     []outcome{{imagerepo.FileMissing, "one", false}, {imagerepo.FileCorrupt, "two", false}},
			quick:    []outcome{{imagerepo.FileMissing, "one", false}},
			left:     []outcome{{imagerepo.FileMissing, "one", false}, {imagerepo.FileMissing, "two", false}},
			readable: []string{"alone"},
		},
		"twins that a backup took apart": {
			spoil:    func(t *testing.T, r *repository, alone, one, two imagerepo.Image) { copyFile(t, r, two, good) },
			want:     []outcome{{imagerepo.ContentNotLinked, "two", true}},
			readable: []string{"alone", "one", "two"},
		},
		"a folder in the place of a file": {
			spoil: func(t *testing.T, r *repository, alone, one, two imagerepo.Image) {
				removeFile(t, r.Location(alone.ID))
				if err := os.Mkdir(r.Location(alone.ID), 0o700); err != nil {
					t.Fatal(err)
				}
			},
			want:     []outcome{{imagerepo.FileUnreadable, "alone", false}},
			left:     []outcome{{imagerepo.FileUnreadable, "alone", false}},
			readable: []string{"one", "two"},
		},
		"an orphan": {
			spoil: func(t *testing.T, r *repository, alone, one, two imagerepo.Image) {
				if err := os.WriteFile(r.Location(imagerepo.NewID()), good, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			want:     []outcome{{imagerepo.FileOrphan, "", true}},
			readable: []string{"alone", "one", "two"},
		},
		"a file of an image that is only referenced": {
			spoil: func(t *testing.T, r *repository, alone, one, two imagerepo.Image) {
				img := repotest.Image("p", "referenced", "")
				publish(t, r.intake(t), imagerepo.Publication{Images: []imagerepo.Image{img}})
				if err := os.WriteFile(r.Location(img.ID), good, 0o600); err != nil {
					t.Fatal(err)
				}
			},
			want:     []outcome{{imagerepo.FileOrphan, "", true}},
			readable: []string{"alone", "one", "two"},
		},
		"litter of a killed process": {
			spoil: func(t *testing.T, r *repository, alone, one, two imagerepo.Image) {
				killed := openRepository(t, r.folder)
				stage(t, killed.Intake("p"), good, imagerepo.StageOptions{})
				if err := killed.store.Close(); err != nil {
					t.Fatal(err)
				}
			},
			want:     []outcome{{imagerepo.StagingLitter, "", true}},
			readable: []string{"alone", "one", "two"},
		},
		"a catalogue that was edited by hand": {
			spoil: func(t *testing.T, r *repository, alone, one, two imagerepo.Image) {
				publish(t, r.intake(t), imagerepo.Publication{Package: repotest.Package("p", "package"), Uses: []string{alone.ID}})
				db, err := sql.Open("sqlite", filepath.Join(r.folder, "catalog.db"))
				if err != nil {
					t.Fatal(err)
				}
				defer db.Close()
				if _, err := db.ExecContext(t.Context(), "DELETE FROM images WHERE id = ?", alone.ID); err != nil {
					t.Fatal(err)
				}
			},
			want:     []outcome{{imagerepo.CatalogueDamaged, "", false}, {imagerepo.ImageGone, "", false}, {imagerepo.FileOrphan, "", true}},
			left:     []outcome{{imagerepo.CatalogueDamaged, "", false}, {imagerepo.ImageGone, "", false}},
			readable: []string{"one", "two"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newRepository(t)
			alone, one, two := repo.add(t, "alone", data(2, chunk)), repo.add(t, "one", good), repo.add(t, "two", good)
			test.spoil(t, repo, alone, one, two)
			examine := func(opts imagerepo.DoctorOptions) []outcome {
				t.Helper()
				diagnosis, err := repo.Doctor(t.Context(), opts)
				if err != nil {
					t.Fatal(err)
				}
				var got []outcome
				healthy := true
				for _, p := range diagnosis.Problems {
					got = append(got, outcome{p.Kind, p.Name, p.Repaired})
					healthy = healthy && p.Repaired
					if p.Message == "" || p.Cure == "" {
						t.Errorf("%s has message %q and cure %q", p.Kind, p.Message, p.Cure)
					}
				}
				if diagnosis.Healthy() != healthy {
					t.Errorf("healthy is %t with %+v", diagnosis.Healthy(), diagnosis.Problems)
				}
				return got
			}
			check := func(what string, want, got []outcome) {
				t.Helper()
				if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
					t.Errorf("%s (-want +got):\n%s", what, d)
				}
			}
			unrepaired := make([]outcome, len(test.want))
			for i, o := range test.want {
				unrepaired[i] = outcome{o.Kind, o.Name, false}
			}
			quick := test.quick
			if quick == nil {
				quick = unrepaired
			}
			check("quick look", quick, examine(imagerepo.DoctorOptions{Quick: true}))
			check("full look", unrepaired, examine(imagerepo.DoctorOptions{}))
			check("repair", test.want, examine(imagerepo.DoctorOptions{Repair: true}))
			check("after the repair", test.left, examine(imagerepo.DoctorOptions{}))

			for _, img := range []imagerepo.Image{alone, one, two} {
				want := good
				if img.ID == alone.ID {
					want = data(2, chunk)
				}
				readable := slices.Contains(test.readable, img.Name)
				if readable {
					repo.has(t, img, want)
				} else if blob, err := repo.Open(t.Context(), img); err == nil {
					blob.Close()
					t.Errorf("image %q can be opened", img.Name)
				}
			}
		})
	}
}

func TestWhatTheDoctorTookAwayComesBackWithTheSameBytes(t *testing.T) {
	repo := newRepository(t)
	good := data(1, chunk)
	img := repo.add(t, "image", good)
	repo.damage(t, img, data(2, chunk))
	diagnosis, err := repo.Doctor(t.Context(), imagerepo.DoctorOptions{Repair: true})
	if err != nil || len(diagnosis.Problems) != 1 {
		t.Fatalf("%+v, %v", diagnosis, err)
	}
	if got, err := os.ReadFile(diagnosis.Problems[0].Location); err != nil || !bytes.Equal(got, data(2, chunk)) {
		t.Errorf("the bad bytes are not at %s: %v", diagnosis.Problems[0].Location, err)
	}
	intake := repo.intake(t)
	if err := intake.Heal(t.Context(), stage(t, intake, good, imagerepo.StageOptions{Like: "image"})); err != nil {
		t.Fatal(err)
	}
	repo.has(t, img, good)
	repo.healthy(t)
}

func TestTheDoctorReadsTwinsOnceAndTellsHowFarItIs(t *testing.T) {
	repo := newRepository(t)
	for i := range 5 {
		repo.add(t, fmt.Sprint("twin ", i), data(1, 3*chunk))
	}
	repo.add(t, "alone", data(2, 10))
	var last imagerepo.DoctorProgress
	calls := 0
	diagnosis, err := repo.Doctor(t.Context(), imagerepo.DoctorOptions{Progress: func(p imagerepo.DoctorProgress) {
		if p.Bytes < last.Bytes || p.Images < last.Images {
			t.Errorf("from %+v to %+v", last, p)
		}
		last = p
		calls++
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := imagerepo.Diagnosis{Images: 6, Files: 2, Bytes: 3*chunk + 10, Problems: []imagerepo.Problem{}}
	if d := cmp.Diff(want, diagnosis); d != "" {
		t.Errorf("diagnosis (-want +got):\n%s", d)
	}
	if want := (imagerepo.DoctorProgress{Images: 6, Bytes: 3*chunk + 10}); last != want || calls < 4 {
		t.Errorf("%d calls, at last %+v", calls, last)
	}
}

func TestTheDoctorLeavesTheLivingAlone(t *testing.T) {
	repo := newRepository(t)
	other := openRepository(t, repo.folder)
	intake := other.intake(t)
	staged := stage(t, intake, data(1, chunk), imagerepo.StageOptions{})
	repo.healthy(t)
	if err := repo.Recover(t.Context()); err != nil {
		t.Fatal(err)
	}
	img := image("p", "image", staged)
	publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{img}})
	if diagnosis, err := repo.Doctor(t.Context(), imagerepo.DoctorOptions{Repair: true}); err != nil || len(diagnosis.Problems) > 0 {
		t.Errorf("the doctor finds %+v, %v", diagnosis.Problems, err)
	}
	repo.has(t, img, data(1, chunk))
}

func TestTheDoctorCanBeInterrupted(t *testing.T) {
	repo := newRepository(t)
	for i := range 3 {
		repo.add(t, fmt.Sprint(i), data(byte(i), 3*chunk))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	diagnosis, err := repo.Doctor(ctx, imagerepo.DoctorOptions{Repair: true, Progress: func(p imagerepo.DoctorProgress) {
		if p.Bytes > 4*chunk {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) || len(diagnosis.Problems) > 0 {
		t.Errorf("got %+v, %v; want no problem and context.Canceled", diagnosis, err)
	}
	repo.healthy(t)
}
