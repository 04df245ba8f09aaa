package imagerepo_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
)

// packed are bytes that stand for some compressed form of an image's.
var packed = data(9, chunk+1)

func packing(img imagerepo.Image) imagerepo.Packing {
	return imagerepo.Packing{Method: "deflate", PackedSHA256: content(packed).SHA256(), PackedSize: int64(len(packed)),
		SHA256: img.SHA256(), Size: img.Size, CRC32: 7}
}

// stated is what is known of a packing before its bytes are read.
func stated(p imagerepo.Packing) imagerepo.Packing {
	p.PackedSHA256, p.SHA256 = "", ""
	return p
}

// addPacked makes an image visible with its packing.
func (r *repository) addPacked(t *testing.T, name string, p []byte) imagerepo.Image {
	t.Helper()
	img := r.add(t, name, p)
	publish(t, r.intake(t), imagerepo.Publication{Packings: []imagerepo.Packing{packing(img)}})
	return img
}

func TestContentIsKnownByItsPackedBytes(t *testing.T) {
	repo := newRepository(t)
	want := data(1, 3*chunk+1)
	img := repo.addPacked(t, "image", want)
	repo.counted.written.Store(0)
	intake := repo.intake(t)
	staged, known, err := intake.StagePacked(t.Context(), iotest.HalfReader(bytes.NewReader(packed)), stated(packing(img)), "MD5")
	if err != nil || !known {
		t.Fatalf("known is %t, %v", known, err)
	}
	if staged.Twin != img.ID || staged.SHA256() != img.SHA256() || staged.Size != img.Size || staged.Digests["md5"] == "" {
		t.Errorf("got %+v, want the twin %s", staged, img.ID)
	}
	// Another deletes the image before this one is published.
	if _, err := repo.DeleteImage(t.Context(), img.ID, true); err != nil {
		t.Fatal(err)
	}
	again := image("p", "again", staged)
	publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{again}})
	if got := repo.counted.written.Load(); got != 0 {
		t.Errorf("%d bytes were written", got)
	}
	repo.has(t, again, want)
	repo.healthy(t)
}

func TestADigestThatAPackedImageTaughtIsKept(t *testing.T) {
	repo := newRepository(t)
	img := repo.addPacked(t, "image", data(1, 10))
	staged, known, err := repo.intake(t).StagePacked(t.Context(), bytes.NewReader(packed), stated(packing(img)), "sha512")
	if err != nil || !known {
		t.Fatalf("known is %t, %v", known, err)
	}
	got, err := repo.catalog.Image(t.Context(), img.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(staged.Digests, got.Digests); d != "" || got.Digests["sha512"] == "" {
		t.Errorf("digests (-staged +kept):\n%s", d)
	}
}

func TestPackedBytesAreNotReadUnlessAPackingAgrees(t *testing.T) {
	repo := newRepository(t)
	like := stated(packing(repo.addPacked(t, "image", data(1, 10))))
	like.CRC32++
	staged, known, err := repo.intake(t).StagePacked(t.Context(), iotest.ErrReader(errors.New("read")), like)
	if err != nil || known {
		t.Errorf("got %+v, %t, %v", staged, known, err)
	}
}

func TestPackedBytesStandForNothingElse(t *testing.T) {
	good := data(1, 3*chunk+1)
	flipped := bytes.Clone(good)
	flipped[2*chunk] ^= 1
	for name, test := range map[string]struct {
		arriving []byte
		spoil    func(t *testing.T, r *repository, img imagerepo.Image)
	}{
		"when they are others":                  {arriving: append(bytes.Clone(packed[:len(packed)-1]), packed[len(packed)-1]^1)},
		"when they end early":                   {arriving: packed[:chunk]},
		"when the stored file is gone":          {packed, func(t *testing.T, r *repository, img imagerepo.Image) { removeFile(t, r.Location(img.ID)) }},
		"when the stored file has another size": {packed, func(t *testing.T, r *repository, img imagerepo.Image) { r.damage(t, img, good[:chunk]) }},
		"when the stored file went bad":         {packed, func(t *testing.T, r *repository, img imagerepo.Image) { r.damage(t, img, flipped) }},
		"when the image is deleted": {packed, func(t *testing.T, r *repository, img imagerepo.Image) {
			if _, err := r.DeleteImage(t.Context(), img.ID, true); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newRepository(t)
			img := repo.addPacked(t, "image", good)
			if test.spoil != nil {
				test.spoil(t, repo, img)
			}
			intake := repo.intake(t)
			staged, known, err := intake.StagePacked(t.Context(), bytes.NewReader(test.arriving), stated(packing(img)))
			if err != nil || known {
				t.Errorf("got %+v, %t, %v", staged, known, err)
			}
			// Then the bytes are taken in unpacked, and all is well again.
			again := image("p", "again", stage(t, intake, good, imagerepo.StageOptions{}))
			publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{again}})
			repo.has(t, again, good)
			repo.healthy(t)
		})
	}
}

func TestASourceOfPackedBytesThatFailsIsTold(t *testing.T) {
	repo := newRepository(t)
	like := stated(packing(repo.addPacked(t, "image", data(1, 10))))
	broken := errors.New("broken")
	if _, known, err := repo.intake(t).StagePacked(t.Context(), iotest.ErrReader(broken), like); known || !errors.Is(err, broken) {
		t.Errorf("known is %t, got %v, want %v", known, err, broken)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ending := readerFunc(func(p []byte) (int, error) { cancel(); return copy(p, packed), nil })
	if _, known, err := repo.intake(t).StagePacked(ctx, ending, like); known || !errors.Is(err, context.Canceled) {
		t.Errorf("known is %t, got %v, want context.Canceled", known, err)
	}
}
