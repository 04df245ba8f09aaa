package vnfpkg_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// begin begins a resumable upload to a new resource.
func (s *server) begin(t *testing.T, n vnfpkg.NewResource, opts vnfpkg.BeginOptions) vnfpkg.Resource {
	t.Helper()
	r, err := s.Begin(t.Context(), project, s.create(t, n).ID, opts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (s *server) offset(t *testing.T, id string) int64 {
	t.Helper()
	at, err := s.Offset(t.Context(), project, id)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// append adds a part and fails unless all of it is there then.
func (s *server) append(t *testing.T, id string, offset int64, part []byte) {
	t.Helper()
	at, err := s.Append(t.Context(), project, id, offset, bytes.NewReader(part), vnfpkg.AppendOptions{Size: int64(len(part))})
	if err != nil || at != offset+int64(len(part)) {
		t.Fatalf("appended up to %d: %v", at, err)
	}
}

// complete completes an upload and waits until it is onboarded.
func (s *server) complete(t *testing.T, id string) vnfpkg.Resource {
	t.Helper()
	receipt, err := s.Complete(t.Context(), project, id, "somebody")
	if err != nil {
		t.Fatal(err)
	}
	if receipt.Job.By != "somebody" {
		t.Errorf("the job is by %q", receipt.Job.By)
	}
	_, r := s.finish(t, receipt)
	return r
}

// Whatever happens to an upload on its way, its offset tells what is there for
// certain, and in the end it is the archive.
func TestAnUploadThatIsCutAnywhereIsTheArchiveInTheEnd(t *testing.T) {
	data := archive(onboardingtest.Tar, "firewall", 1)
	n := int64(len(data))
	broken := errors.New("connection reset")
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 0))
			config := options{Config: vnfpkg.Config{Keep: true, Followers: int(seed % 2)}}
			s := startServer(t, newHome(t), config)
			size := n
			if seed%3 == 0 {
				size = -1
			}
			id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: size, SHA256: digest(data)}).ID
			var have int64
			for steps := 0; have < n; steps++ {
				rest := data[have:]
				part := rest[:1+random.Int64N(min(int64(len(rest)), n/8))]
				opts := vnfpkg.AppendOptions{}
				if random.IntN(2) == 0 {
					opts.Size = int64(len(part))
				}
				proof := random.IntN(3) == 0
				if proof {
					opts.Algorithm, opts.Digest = "sha256", digest(part)
				}
				switch random.IntN(8) {
				case 0: // at a wrong offset
					wrong := have + 1 + random.Int64N(10)
					at, err := s.Append(t.Context(), project, id, wrong, bytes.NewReader(part), opts)
					var offset *vnfpkg.OffsetError
					if !errors.As(err, &offset) || offset.Have != have || at != have {
						t.Fatalf("got %d, %v, want an *OffsetError with %d", at, err, have)
					}
				case 1: // cut
					cut := random.IntN(len(part))
					at, err := s.Append(t.Context(), project, id, have, io.MultiReader(bytes.NewReader(part[:cut]), iotest.ErrReader(broken)), opts)
					if !errors.Is(err, broken) {
						t.Fatalf("got %v, want the body's error", err)
					}
					if !proof {
						have += int64(cut)
					}
					if at != have {
						t.Fatalf("it says %d bytes are there, want %d", at, have)
					}
				case 2: // damaged on its way
					if !proof {
						continue
					}
					damaged := bytes.Clone(part)
					damaged[random.IntN(len(damaged))] ^= 1
					at, err := s.Append(t.Context(), project, id, have, bytes.NewReader(damaged), opts)
					if !errors.Is(err, vnfpkg.ErrChecksum) || at != have {
						t.Fatalf("got %d, %v, want %d, ErrChecksum", at, err, have)
					}
				case 3: // in another process
					s.stop(t)
					s = startServer(t, s.home, config)
				case 4: // after the machine was restarted, when only what was told is certain
					row, err := s.Store.Row(t.Context(), id)
					if err != nil {
						t.Fatal(err)
					}
					if err := s.Store.Checkpoint(t.Context(), id, vnfpkg.Checkpoint{Offset: row.Received, Hash: row.Hash, Boot: "another", ExpiresAt: row.ExpiresAt}); err != nil {
						t.Fatal(err)
					}
					s.litter(t, id, "what did not reach the disk")
				default:
					at, err := s.Append(t.Context(), project, id, have, bytes.NewReader(part), opts)
					have += int64(len(part))
					if err != nil || at != have {
						t.Fatalf("got %d, %v, want %d", at, err, have)
					}
				}
				if at := s.offset(t, id); at != have {
					t.Fatalf("the offset is %d, want %d", at, have)
				}
				if have < n && size >= 0 {
					if _, err := s.Complete(t.Context(), project, id, ""); !errors.Is(err, vnfpkg.ErrIncomplete) {
						t.Fatalf("completed with %d of %d bytes: %v", have, n, err)
					}
				}
			}
			r := s.complete(t, id)
			wantState(t, r, vnfpkg.Onboarded)
			if r.SHA256 != digest(data) || r.Size != n {
				t.Errorf("the archive has %d bytes and digest %s", r.Size, r.SHA256)
			}
			stored, err := os.ReadFile(s.Folder + "/" + id)
			if err != nil || !bytes.Equal(stored, data) {
				t.Errorf("the kept file is not what was sent: %v", err)
			}
			s.wantTidy(t)
		})
	}
}

// litter writes behind what is there of an archive.
func (s *server) litter(t *testing.T, id, what string) {
	t.Helper()
	file, err := os.OpenFile(s.Folder+"/"+id, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(what); err != nil {
		t.Error(err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

// What was written behind the last checkpoint counts while the machine runs, as
// after a SIGKILL, and is hashed once.
func TestWhatAKilledProcessHadWrittenNeedNotBeSentAgain(t *testing.T) {
	data := archive(onboardingtest.Zip, "firewall", 1)
	s := newServer(t, options{})
	id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: int64(len(data)), SHA256: digest(data)}).ID
	s.append(t, id, 0, data[:1000])
	s.litter(t, id, string(data[1000:5000]))
	if at := s.offset(t, id); at != 5000 {
		t.Errorf("the offset is %d, want 5000", at)
	}
	s.append(t, id, 5000, data[5000:])
	wantState(t, s.complete(t, id), vnfpkg.Onboarded)
}

func TestAPartThatWasNotProvenDoesNotCountAfterAKill(t *testing.T) {
	data := archive(onboardingtest.Zip, "firewall", 1)
	s := newServer(t, options{})
	id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: int64(len(data))}).ID
	s.append(t, id, 0, data[:1000])
	killed := errors.New("killed")
	body := io.MultiReader(bytes.NewReader(data[1000:5000]), readerFunc(func([]byte) (int, error) {
		row, err := s.Store.Row(t.Context(), id)
		if err != nil || !row.Unproven || row.Received != 1000 {
			t.Errorf("while a part arrives that is to be proven the row is %+v: %v", row, err)
		}
		return 0, killed
	}))
	if _, err := s.Append(t.Context(), project, id, 1000, body, vnfpkg.AppendOptions{Algorithm: "md5", Digest: strings.Repeat("0", 32)}); !errors.Is(err, killed) {
		t.Fatal(err)
	}
	row, err := s.Store.Row(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Store.Checkpoint(t.Context(), id, vnfpkg.Checkpoint{Offset: 1000, Hash: row.Hash, Boot: row.Boot, Unproven: true, ExpiresAt: row.ExpiresAt}); err != nil {
		t.Fatal(err)
	}
	s.litter(t, id, "what nobody proved")
	if at := s.offset(t, id); at != 1000 {
		t.Errorf("the offset is %d, want 1000", at)
	}
	s.append(t, id, 1000, data[1000:])
	r := s.complete(t, id)
	wantState(t, r, vnfpkg.Onboarded)
	if r.SHA256 != digest(data) {
		t.Errorf("the archive has digest %s", r.SHA256)
	}
}

func TestAnUploadThatLostItsBytesSaysSo(t *testing.T) {
	for name, damage := range map[string]func(path string) error{
		"file gone":    os.Remove,
		"file shorter": func(path string) error { return os.Truncate(path, 500) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, options{})
			id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: 5000}).ID
			s.append(t, id, 0, make([]byte, 1000))
			if err := damage(s.Folder + "/" + id); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Offset(t.Context(), project, id); !errors.Is(err, vnfpkg.ErrDamaged) {
				t.Errorf("offset: got %v, want ErrDamaged", err)
			}
			if _, err := s.Append(t.Context(), project, id, 1000, strings.NewReader("more"), vnfpkg.AppendOptions{}); !errors.Is(err, vnfpkg.ErrDamaged) {
				t.Errorf("append: got %v, want ErrDamaged", err)
			}
			if _, err := s.Complete(t.Context(), project, id, ""); !errors.Is(err, vnfpkg.ErrDamaged) {
				t.Errorf("complete: got %v, want ErrDamaged", err)
			}
			if err := s.Abandon(t.Context(), project, id); err != nil {
				t.Error(err)
			}
			wantState(t, s.get(t, id), vnfpkg.Created)
			s.wantArchives(t)
		})
	}
}

func TestAnUploadThatIsNotTheStatedArchiveIsGivenUp(t *testing.T) {
	data := archive(onboardingtest.Tar, "firewall", 1)
	s := newServer(t, options{Config: vnfpkg.Config{Followers: 1}})
	id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: int64(len(data)), SHA256: digest(nil)}).ID
	s.append(t, id, 0, data)
	if _, err := s.Complete(t.Context(), project, id, ""); !errors.Is(err, vnfpkg.ErrChecksum) {
		t.Errorf("got %v, want ErrChecksum", err)
	}
	wantState(t, s.get(t, id), vnfpkg.Created)
	s.wantArchives(t)
	s.wantTidy(t)
}

func TestAnUploadTakesNoMoreThanItsSize(t *testing.T) {
	s := newServer(t, options{})
	for _, known := range []int64{0, 11} {
		id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: 10}).ID
		at, err := s.Append(t.Context(), project, id, 0, strings.NewReader("eleven byte"), vnfpkg.AppendOptions{Size: known})
		if !errors.Is(err, vnfpkg.ErrIncomplete) {
			t.Errorf("got %v, want ErrIncomplete", err)
		}
		if at != s.offset(t, id) {
			t.Errorf("it says %d bytes are there, and then %d", at, s.offset(t, id))
		}
	}
	id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: 10}).ID
	if _, err := s.Append(t.Context(), project, id, 0, strings.NewReader("short"), vnfpkg.AppendOptions{Size: 6}); !errors.Is(err, vnfpkg.ErrIncomplete) {
		t.Errorf("a part that is shorter than it says: got %v, want ErrIncomplete", err)
	}
	if at := s.offset(t, id); at != 5 {
		t.Errorf("of the part that is shorter than it says %d bytes are there, want 5", at)
	}
}

func TestAnUploadThatStandsStillExpires(t *testing.T) {
	for _, oneShot := range []bool{false, true} {
		now := time.Now()
		s := newServer(t, options{Config: vnfpkg.Config{Expiry: time.Hour, Now: func() time.Time { return now }}})
		id := s.begin(t, vnfpkg.NewResource{OneShot: oneShot}, vnfpkg.BeginOptions{Size: 10}).ID
		now = now.Add(59 * time.Minute)
		s.append(t, id, 0, []byte("five "))
		now = now.Add(59 * time.Minute)
		if err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		if r := s.get(t, id); !r.ExpiresAt.Equal(now.Add(time.Minute).UTC().Truncate(time.Microsecond)) {
			t.Errorf("it expires at %v, want a minute after %v", r.ExpiresAt, now)
		}
		if at := s.offset(t, id); at != 5 {
			t.Errorf("the offset is %d, want 5", at)
		}
		now = now.Add(time.Minute + time.Second)
		if _, err := s.Offset(t.Context(), project, id); !errors.Is(err, vnfpkg.ErrExpired) {
			t.Errorf("offset: got %v, want ErrExpired", err)
		}
		if _, err := s.Append(t.Context(), project, id, 5, strings.NewReader("bytes"), vnfpkg.AppendOptions{}); !errors.Is(err, vnfpkg.ErrExpired) {
			t.Errorf("append: got %v, want ErrExpired", err)
		}
		if err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.wantArchives(t)
		after, err := s.Get(t.Context(), project, id)
		if oneShot && !errors.Is(err, imagerepo.ErrNotFound) || !oneShot && (err != nil || after.State != vnfpkg.Created) {
			t.Errorf("after it has expired it is %s: %v", after.State, err)
		}
	}
}

func TestWhoAppendsIsAlone(t *testing.T) {
	t.Parallel() // it waits for a lock
	s := newServer(t, options{})
	other := startServer(t, s.home, options{idle: true}) // as in another process
	id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: 10}).ID
	body := io.MultiReader(strings.NewReader("five "), readerFunc(func([]byte) (int, error) {
		for _, service := range []*server{s, other} {
			if _, err := service.Append(t.Context(), project, id, 0, strings.NewReader("mine"), vnfpkg.AppendOptions{}); !errors.Is(err, vnfpkg.ErrBusy) {
				t.Errorf("append: got %v, want ErrBusy", err)
			}
			if _, err := service.Complete(t.Context(), project, id, ""); !errors.Is(err, vnfpkg.ErrBusy) {
				t.Errorf("complete: got %v, want ErrBusy", err)
			}
			if err := service.Recover(t.Context()); err != nil {
				t.Error(err)
			}
		}
		return 0, io.EOF
	}))
	at, err := s.Append(t.Context(), project, id, 0, body, vnfpkg.AppendOptions{})
	if err != nil || at != 5 {
		t.Errorf("got %d, %v", at, err)
	}
}

func TestAnUploadCannotBeStoppedFromAnotherProject(t *testing.T) {
	s := newServer(t, options{})
	id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: 10}).ID
	body, sender := io.Pipe()
	appended := make(chan error)
	go func() {
		_, err := s.Append(t.Context(), project, id, 0, body, vnfpkg.AppendOptions{})
		appended <- err
	}()
	if _, err := sender.Write([]byte("12345")); err != nil {
		t.Fatal(err)
	}
	if err := s.Abandon(t.Context(), "other", id); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	if _, err := sender.Write([]byte("67890")); err != nil {
		t.Error(err)
	}
	_ = sender.Close()
	if err := <-appended; err != nil {
		t.Error(err)
	}
}

func TestAnUploadThatIsAbandonedLeavesNothing(t *testing.T) {
	data := archive(onboardingtest.Tar, "firewall", 1)
	s := newServer(t, options{Config: vnfpkg.Config{Followers: 1}})
	r := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: int64(len(data))})
	half := int64(len(data)) / 2
	s.append(t, r.ID, 0, data[:half])
	if err := s.Abandon(t.Context(), project, r.ID); err != nil {
		t.Fatal(err)
	}
	wantState(t, s.get(t, r.ID), vnfpkg.Created)
	s.wantArchives(t)
	s.wantTidy(t)
	var state *vnfpkg.StateError
	if _, err := s.Append(t.Context(), project, r.ID, half, bytes.NewReader(data[half:]), vnfpkg.AppendOptions{}); !errors.As(err, &state) {
		t.Errorf("append: got %v, want a *StateError", err)
	}
	if err := s.Abandon(t.Context(), project, r.ID); !errors.As(err, &state) {
		t.Errorf("abandon once more: got %v, want a *StateError", err)
	}
}
