package vnfpkg_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestAPackageOfEveryContainerIsOnboarded(t *testing.T) {
	for _, container := range onboardingtest.Containers() {
		for name, followers := range map[string]int{"after it arrived": 0, "while it arrives": 1} {
			t.Run(string(container)+" "+name, func(t *testing.T) {
				s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: followers}})
				data := archive(container, "firewall", 1)
				receipt := s.receive(t, vnfpkg.NewResource{}, data)
				if receipt.Resource.State != vnfpkg.Processing {
					t.Errorf("the receipt says %s", receipt.Resource.State)
				}
				j, r := s.finish(t, receipt)
				wantState(t, r, vnfpkg.Onboarded)
				if r.SHA256 != digest(data) || r.Size != int64(len(data)) || r.Operational != vnfpkg.Enabled || !r.Kept {
					t.Errorf("got %+v", r)
				}
				if r.Package == nil || r.Package.ID != r.ID || r.Package.Name != "firewall" {
					t.Errorf("package %+v", r.Package)
				}
				if o := outcome(t, j); o.Package != r.ID || o.Existing || o.Report.Status != onboarding.Onboarded {
					t.Errorf("outcome %+v", o)
				}
				s.wantArchives(t, r.ID)
				s.wantTidy(t)
			})
		}
	}
}

func TestAnArchiveThatIsNotKeptIsRemovedWhenThePackageIsOnboarded(t *testing.T) {
	s := newServer(t, options{})
	r := s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "firewall", 1))
	if r.Kept {
		t.Error("it is kept")
	}
	s.wantArchives(t)
}

func TestARefusedPackageTellsEveryFinding(t *testing.T) {
	s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: 1}})
	for i, hostile := range onboardingtest.HostilePackages() {
		if i%3 > 0 {
			continue // package csar shows that all are refused
		}
		t.Run(hostile.Name, func(t *testing.T) {
			j, r := s.finish(t, s.receive(t, vnfpkg.NewResource{}, hostile.Data))
			wantState(t, r, vnfpkg.Error)
			var codes []string
			for _, f := range r.Failure.Findings {
				codes = append(codes, string(f.Code))
			}
			if !strings.Contains(strings.Join(codes, " "), hostile.Code) {
				t.Errorf("findings %v, want %s among them", codes, hostile.Code)
			}
			if j.State != job.Failed || r.Failure.Detail == "" || !strings.Contains(j.Error, "refused") {
				t.Errorf("job is %s (%s), detail %q", j.State, j.Error, r.Failure.Detail)
			}
			if d := cmp.Diff(r.Failure.Findings, outcome(t, j).Report.Findings); d != "" {
				t.Errorf("findings of resource and job differ:\n%s", d)
			}
			if r.Package != nil || r.Operational != vnfpkg.Disabled || r.Kept {
				t.Errorf("got %+v", r)
			}
			s.wantArchives(t)
			s.wantTidy(t)
		})
	}
}

func TestABodyThatBreaksOffLeavesNothing(t *testing.T) {
	broken := errors.New("connection reset")
	s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: 1}})
	for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.TarGzip, onboardingtest.Zip} {
		data := archive(container, "firewall", 1)
		for name, at := range map[string]int{"at its beginning": 0, "within the first block": 100, "in its middle": len(data) / 2, "before its last byte": len(data) - 1} {
			for _, size := range []int64{0, int64(len(data))} {
				t.Run(string(container)+" "+name, func(t *testing.T) {
					for _, oneShot := range []bool{false, true} {
						r := s.create(t, vnfpkg.NewResource{OneShot: oneShot, UserData: map[string]any{"a": "b"}})
						body := io.MultiReader(bytes.NewReader(data[:at]), iotest.ErrReader(broken))
						if _, err := s.Receive(t.Context(), project, r.ID, body, vnfpkg.ReceiveOptions{Size: size}); !errors.Is(err, broken) {
							t.Errorf("got %v, want the body's error", err)
						}
						s.wantArchives(t)
						s.wantTidy(t)
						after, err := s.Get(t.Context(), project, r.ID)
						if oneShot {
							if !errors.Is(err, imagerepo.ErrNotFound) {
								t.Errorf("the one-shot resource is there: %+v, %v", after, err)
							}
							continue
						}
						wantState(t, after, vnfpkg.Created)
						after.Version, after.UpdatedAt = r.Version, r.UpdatedAt
						if d := cmp.Diff(r, after); d != "" {
							t.Errorf("the resource is not what it was (-want +got):\n%s", d)
						}
						// It takes another body as if nothing had been.
						receipt, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{})
						if err != nil {
							t.Fatal(err)
						}
						_, after = s.finish(t, receipt)
						wantState(t, after, vnfpkg.Onboarded)
						if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{}); err != nil {
							t.Fatal(err)
						}
					}
				})
			}
		}
	}
}

func TestACallerThatGoesAwayLeavesNothing(t *testing.T) {
	s := newServer(t, options{Config: vnfpkg.Config{Followers: 1}})
	r := s.create(t, vnfpkg.NewResource{})
	ctx, cancel := context.WithCancel(t.Context())
	data := archive(onboardingtest.Tar, "firewall", 1)
	body := io.MultiReader(bytes.NewReader(data[:len(data)/2]), readerFunc(func(p []byte) (int, error) {
		cancel()
		return copy(p, "more"), nil
	}))
	if _, err := s.Receive(ctx, project, r.ID, body, vnfpkg.ReceiveOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	wantState(t, s.get(t, r.ID), vnfpkg.Created)
	s.wantArchives(t)
	s.wantTidy(t)
}

func TestABodyMustBeWhatIsSaidOfIt(t *testing.T) {
	data := archive(onboardingtest.Tar, "firewall", 1)
	n := int64(len(data))
	sum := func(algorithm string) string {
		h, err := imagerepo.NewHash(algorithm)
		if err != nil {
			t.Fatal(err)
		}
		h.Write(data)
		return strings.ToLower(hexOf(h.Sum(nil)))
	}
	good := imagerepo.Digests{"sha256": sum("sha256"), "sha-512": sum("sha512"), "MD5": sum("md5")}
	var tooLarge *vnfpkg.TooLargeError
	for _, test := range []struct {
		name  string
		limit int64
		opts  vnfpkg.ReceiveOptions
		want  error // nil: accepted
		large bool
	}{
		{"its length", 0, vnfpkg.ReceiveOptions{Size: n}, nil, false},
		{"shorter", 0, vnfpkg.ReceiveOptions{Size: n + 1}, vnfpkg.ErrIncomplete, false},
		{"longer", 0, vnfpkg.ReceiveOptions{Size: n - 1}, vnfpkg.ErrIncomplete, false},
		{"its digests", 0, vnfpkg.ReceiveOptions{Digests: good}, nil, false},
		{"another digest", 0, vnfpkg.ReceiveOptions{Digests: imagerepo.Digests{"sha256": sum("sha256"), "md5": strings.Repeat("0", 32)}}, vnfpkg.ErrChecksum, false},
		{"as large as may be", n, vnfpkg.ReceiveOptions{Size: n}, nil, false},
		{"as large as may be, of unknown length", n, vnfpkg.ReceiveOptions{}, nil, false},
		{"too large", n - 1, vnfpkg.ReceiveOptions{Size: n}, nil, true},
		{"too large, of unknown length", n - 1, vnfpkg.ReceiveOptions{}, nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newServer(t, options{Config: vnfpkg.Config{Limits: vnfpkg.Limits{PackageSize: test.limit}, Followers: 1}})
			r := s.create(t, vnfpkg.NewResource{})
			receipt, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), test.opts)
			if test.want == nil && !test.large {
				if err != nil {
					t.Fatal(err)
				}
				_, after := s.finish(t, receipt)
				wantState(t, after, vnfpkg.Onboarded)
				return
			}
			if test.large && !errors.As(err, &tooLarge) || !test.large && !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v, too large: %t", err, test.want, test.large)
			}
			wantState(t, s.get(t, r.ID), vnfpkg.Created)
			s.wantArchives(t)
			s.wantTidy(t)
		})
	}
}

func TestOfTwoBodiesForOneResourceOneWins(t *testing.T) {
	t.Parallel() // it waits for a lock
	for range 5 {
		s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: 1}})
		other := startServer(t, s.home, options{Config: vnfpkg.Config{Keep: true}, idle: true}) // as in another process
		r := s.create(t, vnfpkg.NewResource{})
		var group sync.WaitGroup
		var mu sync.Mutex
		var won []vnfpkg.Receipt
		for i := range 6 {
			group.Go(func() {
				service := s
				if i%2 == 1 {
					service = other
				}
				data := archive(onboardingtest.Zip, "firewall", uint64(i))
				receipt, err := service.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{})
				mu.Lock()
				defer mu.Unlock()
				var state *vnfpkg.StateError
				switch {
				case err == nil:
					won = append(won, receipt)
					if receipt.Resource.SHA256 != digest(data) {
						t.Error("the archive is another's")
					}
				case !errors.As(err, &state) && !errors.Is(err, vnfpkg.ErrBusy):
					t.Errorf("got %v, want a *StateError or ErrBusy", err)
				}
			})
		}
		group.Wait()
		if len(won) != 1 {
			t.Fatalf("%d bodies won, want 1", len(won))
		}
		_, after := s.finish(t, won[0])
		wantState(t, after, vnfpkg.Onboarded)
		stored, err := os.ReadFile(s.Folder + "/" + r.ID)
		if err != nil || digest(stored) != after.SHA256 {
			t.Errorf("the kept file is not what was accepted: %v", err)
		}
	}
}

func TestAResourceTakesContentOnce(t *testing.T) {
	s := newServer(t, options{})
	data := archive(onboardingtest.Zip, "firewall", 1)
	r := s.onboard(t, vnfpkg.NewResource{}, data)
	_, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{})
	var state *vnfpkg.StateError
	if !errors.As(err, &state) || state.State != vnfpkg.Onboarded {
		t.Errorf("got %v, want a *StateError", err)
	}
	for name, id := range map[string]string{"unknown": imagerepo.NewID(), "not an ID": "../../etc/passwd", "empty": ""} {
		if _, err := s.Receive(t.Context(), project, id, bytes.NewReader(data), vnfpkg.ReceiveOptions{}); !errors.Is(err, imagerepo.ErrNotFound) {
			t.Errorf("%s: got %v, want ErrNotFound", name, err)
		}
	}
	if _, err := s.Receive(t.Context(), "q", r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{}); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("another project's: got %v, want ErrNotFound", err)
	}
}

func TestAFullDiskIsToldBeforeTheTransferAndLeavesNothing(t *testing.T) {
	s := newServer(t, options{})
	r := s.create(t, vnfpkg.NewResource{})
	_, err := s.Receive(t.Context(), project, r.ID, iotest.ErrReader(errors.New("was read")), vnfpkg.ReceiveOptions{Size: 1 << 50})
	if !errors.Is(err, vnfpkg.ErrNoSpace) {
		t.Errorf("got %v, want ErrNoSpace", err)
	}
	wantState(t, s.get(t, r.ID), vnfpkg.Created)
	s.wantArchives(t)
}

// fullAt makes the disk full for every file that would become larger, until the end
// of the test or the call of the function that it returns.
func fullAt(t *testing.T, size uint64) (freed func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	set := func(limit unix.Rlimit) {
		if err := unix.Setrlimit(unix.RLIMIT_FSIZE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	set(unix.Rlimit{Cur: size, Max: before.Max})
	freed = sync.OnceFunc(func() { set(before) })
	t.Cleanup(freed)
	return freed
}

func TestADiskThatBecomesFullInTheMiddle(t *testing.T) {
	data := make([]byte, 12<<20)
	for i := range data {
		data[i] = byte(i * i >> 8)
	}
	for _, followed := range []bool{false, true} {
		if followed {
			copy(data, archive(onboardingtest.Tar, "firewall", 1)[:4096])
		}
		s := newServer(t, options{Config: vnfpkg.Config{Followers: 1}})
		t.Run("leaves nothing of a body", func(t *testing.T) {
			r := s.create(t, vnfpkg.NewResource{})
			fullAt(t, 8<<20)
			if _, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{}); !errors.Is(err, vnfpkg.ErrNoSpace) {
				t.Errorf("got %v, want ErrNoSpace", err)
			}
			wantState(t, s.get(t, r.ID), vnfpkg.Created)
			s.wantArchives(t)
			s.wantTidy(t)
		})
		t.Run("leaves an upload that goes on when there is room", func(t *testing.T) {
			id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: -1, SHA256: digest(data)}).ID
			s.append(t, id, 0, data[:1<<20])
			freed := fullAt(t, 8<<20)
			at, err := s.Append(t.Context(), project, id, 1<<20, bytes.NewReader(data[1<<20:]), vnfpkg.AppendOptions{})
			if !errors.Is(err, vnfpkg.ErrNoSpace) {
				t.Errorf("got %v, want ErrNoSpace", err)
			}
			if told := s.offset(t, id); told != at || at < 1<<20 {
				t.Errorf("%d bytes are there, and then %d", at, told)
			}
			freed()
			s.append(t, id, at, data[at:])
			if r := s.complete(t, id); r.SHA256 != "" && r.SHA256 != digest(data) {
				t.Errorf("the archive has digest %s", r.SHA256)
			}
		})
	}
}

func TestAPackageThatIsThereAlready(t *testing.T) {
	for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.Zip} {
		s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: 1}})
		data := archive(container, "firewall", 1)
		first := s.onboard(t, vnfpkg.NewResource{}, data)

		t.Run("makes the resource give way to it", func(t *testing.T) {
			receipt := s.receive(t, vnfpkg.NewResource{}, data)
			j, err := s.queue.Wait(t.Context(), receipt.Job.ID)
			if err != nil {
				t.Fatal(err)
			}
			if o := outcome(t, j); j.State != job.Succeeded || o.Package != first.ID || !o.Existing || o.Report.Status != onboarding.Unchanged {
				t.Errorf("job is %s, outcome %+v", j.State, o)
			}
			if _, err := s.Get(t.Context(), project, receipt.Resource.ID); !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("the resource is still there: %v", err)
			}
		})
		t.Run("is an error for a unique one", func(t *testing.T) {
			_, r := s.finish(t, s.receive(t, vnfpkg.NewResource{Unique: true}, data))
			wantState(t, r, vnfpkg.Error)
			if len(r.Failure.Findings) != 1 || r.Failure.Findings[0].Code != onboarding.CodePackageExists ||
				!strings.Contains(r.Failure.Findings[0].Message, first.ID) || r.Failure.Findings[0].Cure == "" {
				t.Errorf("failure %+v", r.Failure)
			}
			if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		t.Run("with other content is an error", func(t *testing.T) {
			_, r := s.finish(t, s.receive(t, vnfpkg.NewResource{}, archive(container, "firewall", 2)))
			wantState(t, r, vnfpkg.Error)
			if !strings.Contains(r.Failure.Detail, first.ID) {
				t.Errorf("detail %q does not name the package that is there", r.Failure.Detail)
			}
			if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		t.Run("in another project does not matter", func(t *testing.T) {
			r, err := s.Create(t.Context(), vnfpkg.NewResource{Project: "q", Unique: true})
			if err != nil {
				t.Fatal(err)
			}
			receipt, err := s.Receive(t.Context(), "q", r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.queue.Wait(t.Context(), receipt.Job.ID); err != nil {
				t.Fatal(err)
			}
			after, err := s.Get(t.Context(), "q", r.ID)
			if err != nil {
				t.Fatal(err)
			}
			wantState(t, after, vnfpkg.Onboarded)
			if _, _, err := s.Delete(t.Context(), "q", r.ID, vnfpkg.DeleteOptions{}); err != nil {
				t.Error(err)
			}
		})
		wantState(t, s.get(t, first.ID), vnfpkg.Onboarded)
		s.wantArchives(t, first.ID)
		s.wantTidy(t)
	}
}

func TestAnImageWithATakenNameIsHandledAsTheResourceSays(t *testing.T) {
	s := newServer(t, options{})
	s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Tar, "firewall", 1))
	image := onboardingtest.Embed("firewall-image", onboardingtest.QCOW2(384<<10, 1<<30, 2))
	other := onboardingtest.Bytes(onboardingtest.Tar, onboardingtest.SOL004(onboardingtest.Spec{Name: "router", Images: []onboardingtest.SoftwareImage{image}}))
	_, refused := s.finish(t, s.receive(t, vnfpkg.NewResource{}, other))
	wantState(t, refused, vnfpkg.Error)
	s.onboard(t, vnfpkg.NewResource{Options: vnfpkg.Options{OnConflict: onboarding.Keep}}, other)
}

func TestMemoryDoesNotGrowWithTheArchive(t *testing.T) {
	const size, allowed = 256 << 20, 8 << 20
	s := newServer(t, options{})
	r := s.create(t, vnfpkg.NewResource{})
	broken := errors.New("broken")
	zeros := readerFunc(func(p []byte) (int, error) { clear(p); return len(p), nil })
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := s.Receive(t.Context(), project, r.ID, io.MultiReader(io.LimitReader(zeros, size), iotest.ErrReader(broken)), vnfpkg.ReceiveOptions{})
	runtime.ReadMemStats(&after)
	if !errors.Is(err, broken) {
		t.Fatal(err)
	}
	// All that was ever allocated bounds what was held at a time.
	if allocated := after.TotalAlloc - before.TotalAlloc; allocated > allowed {
		t.Errorf("%d bytes were allocated for an archive of %d, want at most %d", allocated, size, allowed)
	}
}

func TestAPackageThatWasRefusedCanBeUploadedAgain(t *testing.T) {
	for _, container := range []onboardingtest.Container{onboardingtest.Tar, onboardingtest.Zip} {
		s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: 1}})
		data := archive(container, "firewall", 1)
		_, r := s.finish(t, s.receive(t, vnfpkg.NewResource{Unique: true, UserData: map[string]any{"a": "b"}}, []byte("no archive")))
		wantState(t, r, vnfpkg.Error)
		var state *vnfpkg.StateError
		if _, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{}); !errors.As(err, &state) {
			t.Errorf("without asking for it: got %v, want a StateError", err)
		}
		if _, err := s.Receive(t.Context(), project, r.ID, iotest.ErrReader(io.ErrUnexpectedEOF), vnfpkg.ReceiveOptions{Again: true}); err == nil {
			t.Error("a body that breaks off was taken")
		}
		if r = s.get(t, r.ID); r.State != vnfpkg.Created || r.Failure != nil || r.Job != "" {
			t.Errorf("after an upload that broke off it is %+v", r)
		}
		for _, body := range [][]byte{data[:100], data} {
			receipt, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(body), vnfpkg.ReceiveOptions{Again: true})
			if err != nil {
				t.Fatal(err)
			}
			_, r = s.finish(t, receipt)
		}
		wantState(t, r, vnfpkg.Onboarded)
		if r.Failure != nil || r.UserData["a"] != "b" || r.SHA256 != digest(data) {
			t.Errorf("it is %+v", r)
		}
		if _, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{Again: true}); !errors.As(err, &state) {
			t.Errorf("when it is onboarded: got %v, want a StateError", err)
		}
		s.wantArchives(t, r.ID)
		s.wantTidy(t)
	}
}
