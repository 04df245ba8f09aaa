package imagerepo_test

import (
	"bytes"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
)

func TestEveryByteIsWrittenOnce(t *testing.T) {
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 20*chunk + 3} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			repo := newRepository(t)
			want := data(1, size)
			// A reader of odd portions, and a hint that is wrong.
			intake := repo.intake(t)
			staged, err := intake.Stage(t.Context(), iotest.HalfReader(bytes.NewReader(want)), imagerepo.StageOptions{SizeHint: 7, Digests: []string{"SHA-512"}})
			if err != nil {
				t.Fatal(err)
			}
			expected := content(want)
			sum := sha512.Sum512(want)
			expected.Digests["sha512"] = hex.EncodeToString(sum[:])
			if d := cmp.Diff(expected, staged.Content); d != "" {
				t.Errorf("content (-want +got):\n%s", d)
			}
			if got := repo.counted.written.Load(); got != int64(size) {
				t.Errorf("%d bytes were written", got)
			}
			img := image("p", "image", staged)
			publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{img}})
			repo.has(t, img, want)
			repo.healthy(t)
		})
	}
}

func TestWhatIsStoredIsNotWrittenAgain(t *testing.T) {
	for _, size := range []int{1, chunk, 3*chunk + 1} {
		for name, opts := range map[string]imagerepo.StageOptions{
			"found by its size":       {SizeHint: int64(size)},
			"found by its name":       {Like: "image"},
			"found by a name, hinted": {Like: "image", SizeHint: 5},
		} {
			t.Run(fmt.Sprint(name, " ", size), func(t *testing.T) {
				t.Parallel()
				repo := newRepository(t)
				want := data(1, size)
				img := repo.add(t, "image", want)
				repo.counted.written.Store(0)
				intake := repo.intake(t)
				opts.Digests = []string{"md5"}
				staged := stage(t, intake, want, opts)
				if staged.Twin != img.ID || staged.SHA256() != img.SHA256() || staged.Size != img.Size || staged.Digests["md5"] == "" {
					t.Errorf("got %+v, want the twin %s", staged, img.ID)
				}
				again := image("p", "again", staged)
				publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{again}})
				if got := repo.counted.written.Load(); got != 0 {
					t.Errorf("%d bytes were written", got)
				}
				repo.has(t, again, want)
				repo.linked(t, img, again)
				repo.healthy(t)
			})
		}
	}
}

func TestADifferenceFromAStoredImageIsNoticedWhereverItIs(t *testing.T) {
	const size = 4*chunk + 10
	stored := data(1, size)
	flipped := func(at int) []byte {
		p := bytes.Clone(stored)
		p[at] ^= 1
		return p
	}
	for name, arriving := range map[string][]byte{
		"first byte":                flipped(0),
		"last byte of a chunk":      flipped(chunk - 1),
		"first byte of the second":  flipped(chunk),
		"middle":                    flipped(2*chunk + 5),
		"last byte":                 flipped(size - 1),
		"shorter by a byte":         stored[:size-1],
		"shorter by the last chunk": stored[:4*chunk],
		"shorter by all":            {},
		"longer by a byte":          append(bytes.Clone(stored), 1),
		"longer by a chunk":         append(bytes.Clone(stored), data(2, chunk)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			repo := newRepository(t)
			old := repo.add(t, "old", stored)
			repo.counted.written.Store(0)
			intake := repo.intake(t)
			staged := stage(t, intake, arriving, imagerepo.StageOptions{SizeHint: size, Like: "old"})
			if staged.Twin != "" || !cmp.Equal(staged.Content, content(arriving)) {
				t.Errorf("got %+v, want %+v", staged, content(arriving))
			}
			if got := repo.counted.written.Load(); got != int64(len(arriving)) {
				t.Errorf("%d of %d bytes were written", got, len(arriving))
			}
			img := image("p", "new", staged)
			publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{img}})
			repo.has(t, img, arriving)
			repo.has(t, old, stored)
			repo.healthy(t)
		})
	}
}

func TestAStoredFileThatShrinksWhileItIsComparedShortensNothing(t *testing.T) {
	repo := newRepository(t)
	stored := data(1, 4*chunk)
	old := repo.add(t, "old", stored)
	different := append(bytes.Clone(stored[:3*chunk]), 1)
	intake := repo.intake(t)
	source := io.MultiReader(bytes.NewReader(different), readerFunc(func([]byte) (int, error) {
		repo.damage(t, old, stored[:chunk])
		return 0, io.EOF
	}))
	if staged, err := intake.Stage(t.Context(), source, imagerepo.StageOptions{Like: "old"}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %+v, %v; want io.ErrUnexpectedEOF", staged, err)
	}
}

func TestASourceThatFailsLeavesNothing(t *testing.T) {
	broken := errors.New("broken")
	for name, failure := range map[string]error{
		"with an error of its own":       broken,
		"with an unexpected end":         io.ErrUnexpectedEOF,
		"with an end that tells of more": fmt.Errorf("connection: %w", io.EOF),
		"by standing still":              io.ErrNoProgress,
	} {
		for _, at := range []int{0, 2*chunk + 1} {
			for _, likely := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s at %d, likely %t", name, at, likely), func(t *testing.T) {
					t.Parallel()
					repo := newRepository(t)
					stored := data(1, 3*chunk)
					var opts imagerepo.StageOptions
					files := 0
					if likely {
						repo.add(t, "old", stored)
						opts.Like, files = "old", 1
					}
					var end io.Reader = iotest.ErrReader(failure)
					if failure == io.ErrNoProgress {
						end = idle{}
					}
					intake := repo.intake(t)
					if _, err := intake.Stage(t.Context(), io.MultiReader(bytes.NewReader(stored[:at]), end), opts); !errors.Is(err, failure) {
						t.Errorf("got %v, want %v", err, failure)
					}
					if err := intake.Close(t.Context()); err != nil {
						t.Error(err)
					}
					repo.tidy(t, files)
				})
			}
		}
	}
}

// idle reads nothing, for ever.
type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestACancelledIntakeEndsAndLeavesNothing(t *testing.T) {
	repo := newRepository(t)
	ctx, cancel := context.WithCancel(t.Context())
	intake := repo.intake(t)
	endless := readerFunc(func(p []byte) (int, error) {
		if repo.counted.written.Load() > chunk {
			cancel()
		}
		return len(p), nil
	})
	if _, err := intake.Stage(ctx, endless, imagerepo.StageOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if err := intake.Close(ctx); err != nil {
		t.Error(err)
	}
	repo.tidy(t, 0)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestImagesAreStagedConcurrently(t *testing.T) {
	repo := newRepository(t)
	intake := repo.intake(t)
	images := make([]imagerepo.Image, 8)
	var group sync.WaitGroup
	for i := range images {
		group.Go(func() {
			staged, err := intake.Stage(t.Context(), bytes.NewReader(data(byte(i/2), 2*chunk)), imagerepo.StageOptions{SizeHint: 2 * chunk})
			if err != nil {
				t.Error(err)
			}
			images[i] = image("p", fmt.Sprint(i), staged)
		})
	}
	group.Wait()
	publish(t, intake, imagerepo.Publication{Images: images})
	for i, img := range images {
		repo.has(t, img, data(byte(i/2), 2*chunk))
		repo.linked(t, images[i/2*2], img)
	}
	if err := intake.Close(t.Context()); err != nil {
		t.Error(err)
	}
	repo.healthy(t)
	repo.tidy(t, len(images))
}

func TestMemoryDoesNotGrowWithTheImage(t *testing.T) {
	const size, allowed = 1 << 30, 16 << 20
	// The kernel's part is left out: the bytes go nowhere.
	repo := imagerepo.New(emptyCatalog{}, nowhere{}, nil)
	source := io.LimitReader(readerFunc(func(p []byte) (int, error) { return len(p), nil }), size)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	staged, err := repo.Intake("p").Stage(t.Context(), source, imagerepo.StageOptions{SizeHint: size})
	runtime.ReadMemStats(&after)
	if err != nil || staged.Size != size {
		t.Fatalf("%d bytes, %v", staged.Size, err)
	}
	// All that was ever allocated bounds what was held at a time.
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > allowed {
		t.Errorf("%d bytes were allocated for an image of %d, want at most %d", allocated, size, allowed)
	}
}

func TestComparingDoesNotTakeMemoryEither(t *testing.T) {
	const size, allowed = 64 << 20, 16 << 20
	repo := newRepository(t)
	seed := [32]byte{1}
	source := func() io.Reader { return io.LimitReader(rand.NewChaCha8(seed), size) }
	intake := repo.intake(t)
	staged, err := intake.Stage(t.Context(), source(), imagerepo.StageOptions{SizeHint: size})
	if err != nil {
		t.Fatal(err)
	}
	publish(t, intake, imagerepo.Publication{Images: []imagerepo.Image{image("p", "image", staged)}})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	again, err := intake.Stage(t.Context(), source(), imagerepo.StageOptions{SizeHint: size})
	runtime.ReadMemStats(&after)
	if err != nil || again.Twin == "" {
		t.Fatalf("got %+v, %v; want a twin", again, err)
	}
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > allowed {
		t.Errorf("%d bytes were allocated for an image of %d, want at most %d", allocated, size, allowed)
	}
}

func TestNoGoroutineIsLeftWhateverFails(t *testing.T) {
	broken := errors.New("broken")
	for name, test := range map[string]struct {
		files  nowhere
		source func(cancel func()) io.Reader
		want   error
	}{
		"the medium": {nowhere{write: broken}, func(func()) io.Reader {
			return io.LimitReader(readerFunc(func(p []byte) (int, error) { return len(p), nil }), 20*chunk)
		}, broken},
		"the source": {nowhere{}, func(func()) io.Reader {
			return io.MultiReader(bytes.NewReader(make([]byte, 5*chunk)), iotest.ErrReader(broken))
		}, broken},
		"the patience": {nowhere{}, func(cancel func()) io.Reader {
			return readerFunc(func(p []byte) (int, error) { cancel(); return len(p), nil })
		}, context.Canceled},
		"nothing": {nowhere{}, func(func()) io.Reader { return bytes.NewReader(make([]byte, 20*chunk)) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			// A bubble does not end while one of its goroutines lives.
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				_, err := imagerepo.New(emptyCatalog{}, test.files, nil).Intake("p").Stage(ctx, test.source(cancel), imagerepo.StageOptions{Digests: []string{"md5"}})
				if !errors.Is(err, test.want) {
					t.Errorf("got %v, want %v", err, test.want)
				}
			})
		})
	}
}

// emptyCatalog is one without images, which nothing is published to.
type emptyCatalog struct{ imagerepo.Catalog }

func (emptyCatalog) Images(context.Context, imagerepo.ImageFilter) iter.Seq2[imagerepo.Image, error] {
	return func(func(imagerepo.Image, error) bool) {}
}

// nowhere is a store that loses what is written.
type nowhere struct {
	imagerepo.Blobs
	write error
}

func (n nowhere) Begin(context.Context) (imagerepo.Session, error) {
	return nowhereSession{where: n}, nil
}

type nowhereSession struct {
	imagerepo.Session
	where nowhere
}

func (s nowhereSession) Create(context.Context, string, int64) (imagerepo.BlobWriter, error) {
	return s.where, nil
}

func (n nowhere) Write(p []byte) (int, error) { return len(p), n.write }
func (nowhere) Commit() error                 { return nil }
func (nowhere) Close() error                  { return nil }

func TestBadOptionsAreRefused(t *testing.T) {
	repo := newRepository(t)
	repo.add(t, "image", data(1, 10))
	for _, opts := range []imagerepo.StageOptions{{Digests: []string{"crc32"}}, {Digests: []string{"crc32"}, Like: "image"}} {
		if _, err := repo.intake(t).Stage(t.Context(), bytes.NewReader(data(1, 10)), opts); err == nil {
			t.Errorf("%+v: an algorithm that is not known was accepted", opts)
		}
	}
}

func TestAFullMediumIsToldBeforeTheTransfer(t *testing.T) {
	repo := newRepository(t)
	read := false
	source := readerFunc(func([]byte) (int, error) { read = true; return 0, io.EOF })
	_, err := repo.intake(t).Stage(t.Context(), source, imagerepo.StageOptions{SizeHint: 1 << 62})
	var number interface{ Is(error) bool }
	if err == nil || read {
		t.Errorf("got %v, read %t", err, read)
	}
	if !errors.As(err, &number) && !errors.Is(err, os.ErrInvalid) {
		t.Errorf("got %v, want the system's error", err)
	}
}
