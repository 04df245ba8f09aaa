package vim_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gangway-nfv/gangway/vim"
)

// launch launches one image on one VIM and returns what came of it.
func launch(t *testing.T, fake *fakeVIM, s *stored, o vim.Options) (vim.VDU, error) {
	t.Helper()
	results, err := vim.Launch(t.Context(), []vim.Cloud{fakeCloud{fake, "one"}}, []vim.Want{want("vdu1", &s.Offer)}, o)
	return results[0].VDUs[0], err
}

func TestConcurrentLaunchesUploadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours := store("vfw", 64<<10)
		fake := newFake()
		fake.rate = 128 // slow enough for beats, stalls and polls
		var all sync.WaitGroup
		got := make([]vim.VDU, 16)
		for i := range got {
			all.Go(func() {
				var err error
				if got[i], err = launch(t, fake, ours, vim.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		uploaded := 0
		for _, v := range got {
			if v.ImageID != got[0].ImageID || !v.Verified {
				t.Errorf("%+v, the first has %s", v, got[0].ImageID)
			}
			if v.Action == vim.Uploaded {
				uploaded++
			}
		}
		if uploaded != 1 || fake.received != ours.Size {
			t.Errorf("%d uploaded, %d bytes sent, want 1 and %d", uploaded, fake.received, ours.Size)
		}
	})
}

func TestTakingOver(t *testing.T) {
	second := func(s *stored) string { return vim.RecordID(projectID, &s.Offer, 1) }
	first := func(s *stored) string { return vim.RecordID(projectID, &s.Offer, 0) }
	tests := []struct {
		name     string
		left     func(*stored) []vim.Image
		deleted  int // how many generations had been deleted before
		id       func(*stored) string
		kept     bool // what was left is still there
		noSooner time.Duration
		noLater  time.Duration
	}{
		{
			name: "a record left in queued is used",
			left: func(s *stored) []vim.Image { return []vim.Image{s.record(0, vim.Queued)} },
			id:   first, kept: true, noLater: 10 * time.Second,
		},
		{
			name:     "a record that stands still in saving is deleted after StallAfter",
			left:     func(s *stored) []vim.Image { return []vim.Image{s.record(0, vim.Saving)} },
			id:       second,
			noSooner: time.Minute, noLater: 65 * time.Second,
		},
		{
			name:    "a deleted record means the next generation",
			left:    func(*stored) []vim.Image { return nil },
			deleted: 1, id: second, noLater: time.Second,
		},
		{
			name: "a record without our mark is not touched",
			left: func(s *stored) []vim.Image {
				img := s.record(0, vim.Queued)
				img.Mark = vim.Mark{}
				return []vim.Image{img}
			},
			id: second, kept: true, noLater: time.Second,
		},
		{
			name:    "a record that was killed is not touched",
			left:    func(s *stored) []vim.Image { return []vim.Image{s.record(0, "killed")} },
			id:      second,
			noLater: time.Second, kept: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours := store("vfw", 100)
				left := tt.left(ours)
				fake := newFake(left...)
				for g := range tt.deleted {
					fake.tombstones[vim.RecordID(projectID, &ours.Offer, g)] = true
				}
				start := time.Now()
				got, err := launch(t, fake, ours, vim.Options{})
				if err != nil {
					t.Fatal(err)
				}
				if got.Action != vim.Uploaded || got.ImageID != tt.id(ours) || !got.Verified {
					t.Errorf("%+v, want an upload to %s", got, tt.id(ours))
				}
				if took := time.Since(start); took < tt.noSooner || took > tt.noLater {
					t.Errorf("took %s, want %s to %s", took, tt.noSooner, tt.noLater)
				}
				for _, img := range left {
					there := slices.ContainsFunc(fake.list(), func(i vim.Image) bool { return i.ID == img.ID })
					if there != tt.kept {
						t.Errorf("record left before: kept is %v, want %v", there, tt.kept)
					}
				}
			})
		})
	}
}

func TestAnUploaderThatBeatsIsNotTakenOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours := store("vfw", 600<<10)
		fake := newFake()
		fake.rate = 1 << 10 // ten minutes
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if _, err := launch(t, fake, ours, vim.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if fake.received != ours.Size || fake.count("delete") != 0 {
			t.Errorf("%d bytes sent of %d, %d deletions", fake.received, ours.Size, fake.count("delete"))
		}
		// A beat outside of saving may put the status back (see beat).
		for _, status := range fake.beats {
			if status != string(vim.Saving) {
				t.Fatalf("a beat while %s", status)
			}
		}
		if len(fake.beats) < 100 {
			t.Errorf("%d beats in ten minutes", len(fake.beats))
		}
	})
}

func TestAVIMThatTakesLongToFinishIsNotTakenForDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours := store("vfw", 100)
		fake := newFake()
		slow := slowFinish{fakeCloud{fake, "one"}, 5 * time.Minute}
		var all sync.WaitGroup
		for _, c := range []vim.Cloud{slow, slow} {
			all.Go(func() {
				if _, err := vim.Launch(t.Context(), []vim.Cloud{c}, []vim.Want{want("vdu1", &ours.Offer)}, vim.Options{}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if fake.count("delete") != 0 || fake.received != ours.Size {
			t.Errorf("%d deletions, %d bytes sent of %d", fake.count("delete"), fake.received, ours.Size)
		}
		// A beat that overlaps the end may put the status back: there must be
		// few, once the last bytes were asked for.
		if n := fake.count("beat"); n < 10 || n > 20 {
			t.Errorf("%d beats in five minutes of finishing", n)
		}
	})
}

// slowFinish takes its time between the last byte and the answer.
type slowFinish struct {
	fakeCloud
	after time.Duration
}

func (c slowFinish) Upload(ctx context.Context, id string, body io.Reader, size int64) error {
	return c.fakeCloud.Upload(ctx, id, io.MultiReader(body, pause(c.after)), size)
}

type pause time.Duration

func (p pause) Read([]byte) (int, error) {
	time.Sleep(time.Duration(p))
	return 0, io.EOF
}

func TestAnUploaderThatLostItsRecordJoinsTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours := store("vfw", 100<<10)
		fake := newFake()
		fake.rate = 1 << 10
		time.AfterFunc(30*time.Second, func() {
			next := ours.record(1, vim.Active)
			fake.mu.Lock()
			fake.removeLocked(vim.RecordID(projectID, &ours.Offer, 0))
			fake.images = append(fake.images, &next)
			fake.mu.Unlock()
		})
		start := time.Now()
		got, err := launch(t, fake, ours, vim.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Action != vim.Joined || got.ImageID != vim.RecordID(projectID, &ours.Offer, 1) || !got.Verified {
			t.Errorf("%+v, want generation 1 joined", got)
		}
		if took := time.Since(start); took > 40*time.Second {
			t.Errorf("noticed after %s, want within a beat or two", took)
		}
	})
}

func TestAnUploadIsTriedAgainOnTheSameID(t *testing.T) {
	broken := &vim.TransientError{Err: errors.New("connection reset")}
	tests := []struct {
		name    string
		fails   int
		err     *vim.TransientError
		ok      bool
		noLater time.Duration
	}{
		{"once", 1, broken, true, time.Second},
		{"up to the last attempt", 4, broken, true, 10 * time.Second},
		{"no more than that", 5, broken, false, 10 * time.Second},
		{"after the pause that the VIM asks for, capped", 1, &vim.TransientError{After: time.Hour, Err: broken.Err}, true, 31 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours := store("vfw", 100)
				fake := newFake()
				left := tt.fails
				fake.before = func(call, _ string) error {
					if call == "upload" && left > 0 {
						left--
						return tt.err
					}
					return nil
				}
				start := time.Now()
				got, err := launch(t, fake, ours, vim.Options{})
				if took := time.Since(start); took > tt.noLater {
					t.Errorf("took %s, want at most %s", took, tt.noLater)
				}
				if !tt.ok {
					if !errors.Is(err, broken.Err) || len(fake.list()) != 0 {
						t.Errorf("error %v, %d records left", err, len(fake.list()))
					}
					return
				}
				if err != nil || got.Action != vim.Uploaded || got.ImageID != vim.RecordID(projectID, &ours.Offer, 0) {
					t.Errorf("%+v, error %v", got, err)
				}
				if ours.opened != tt.fails+1 || ours.open != 0 {
					t.Errorf("opened %d times for %d attempts, %d still open", ours.opened, tt.fails+1, ours.open)
				}
			})
		})
	}
}

func TestAFailedUploadLeavesNoRecord(t *testing.T) {
	quota := &vim.RefusedError{VIM: "one", By: vim.ByQuota, Rule: "user_storage_quota"}
	tests := []struct {
		name    string
		arrange func(*fakeVIM, *stored)
		is      func(error) bool
	}{
		{
			"refused by quota",
			func(f *fakeVIM, _ *stored) {
				f.before = func(call, _ string) error {
					if call == "upload" {
						return quota
					}
					return nil
				}
			},
			func(err error) bool { return errors.Is(err, quota) },
		},
		{
			"the VIM made something else of it",
			func(f *fakeVIM, _ *stored) { f.finish = func(i *vim.Image) { i.HashValue = "00" } },
			func(err error) bool { return errors.As(err, new(*vim.MismatchError)) },
		},
		{
			"the VIM kept less of it",
			func(f *fakeVIM, _ *stored) { f.finish = func(i *vim.Image) { i.Size = 0 } },
			func(err error) bool { return errors.As(err, new(*vim.MismatchError)) },
		},
		{
			"the stored bytes are not what they were",
			func(_ *fakeVIM, s *stored) { s.bytes[17] ^= 1 },
			func(err error) bool { return errors.As(err, new(*vim.CorruptError)) },
		},
		{
			"the stored bytes cannot be read",
			func(_ *fakeVIM, s *stored) { s.bytes = s.bytes[:10] },
			func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, fake := store("vfw", 100), newFake()
				tt.arrange(fake, ours)
				_, err := launch(t, fake, ours, vim.Options{})
				if err == nil || !tt.is(err) {
					t.Errorf("error %v", err)
				}
				if left := fake.list(); len(left) > 0 {
					t.Errorf("left behind: %+v", left)
				}
				if len(ours.learned) > 0 {
					t.Errorf("learned %v from a failed upload", ours.learned)
				}
			})
		})
	}
}

func TestADeactivatedImageOfOursIsNotUploadedAgain(t *testing.T) {
	ours := store("vfw", 100)
	fake := newFake(ours.record(0, vim.Deactivated))
	if _, err := launch(t, fake, ours, vim.Options{}); err == nil {
		t.Error("no error, though the operator has withdrawn these bytes")
	}
	if n := len(fake.list()); n != 1 || fake.count("upload") != 0 {
		t.Errorf("%d images, %d uploads", n, fake.count("upload"))
	}
}

func TestAnUnknownHashAlgorithmIsAWarning(t *testing.T) {
	ours, fake := store("vfw", 100), newFake()
	fake.finish = func(i *vim.Image) { i.HashAlgorithm = "blake2b" }
	got, err := launch(t, fake, ours, vim.Options{})
	if err != nil || got.Verified || len(got.Warnings) != 1 {
		t.Errorf("%+v, error %v, want one warning", got, err)
	}
	strict := newFake()
	strict.finish = fake.finish
	if _, err := launch(t, strict, ours, vim.Options{RequireDigest: true}); !errors.As(err, new(*vim.UnverifiedError)) || len(strict.list()) != 0 {
		t.Errorf("with RequireDigest: error %v, %d images left", err, len(strict.list()))
	}
}

func TestRecordIDDependsOnWhatItStandsFor(t *testing.T) {
	a := store("vfw", 100).Offer
	raw := a
	raw.DiskFormat = "raw"
	other := store("other", 100).Offer
	seen := make(map[string]string)
	for name, id := range map[string]string{
		"as it is":           vim.RecordID("p1", &a, 0),
		"next generation":    vim.RecordID("p1", &a, 1),
		"other project":      vim.RecordID("p2", &a, 0),
		"other bytes":        vim.RecordID("p1", &other, 0),
		"other format":       vim.RecordID("p1", &raw, 0),
		"eleventh":           vim.RecordID("p1", &a, 11),
		"eleventh, shifted.": vim.RecordID("p11", &a, 1),
	} {
		if was, ok := seen[id]; ok {
			t.Errorf("%q and %q share an ID", name, was)
		}
		seen[id] = name
	}
	// The IDs that are in use on VIMs must never change.
	fixed := vim.Offer{SHA256: fmt.Sprintf("%064d", 1), DiskFormat: "qcow2", ContainerFormat: "bare"}
	if got, want := vim.RecordID("p1", &fixed, 0), "73397b64-379a-5733-8082-e485962229fe"; got != want {
		t.Errorf("RecordID is %s, want %s", got, want)
	}
}
