package vnfpkg_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// byCommand onboards a package as the command line does.
func (s *server) byCommand(t *testing.T, project, name string) string {
	t.Helper()
	data := archive(onboardingtest.Zip, name, 1)
	report, err := s.Pipeline.Onboard(t.Context(), onboarding.StreamSource(name, bytes.NewReader(data)), onboarding.Options{Project: project})
	if err != nil || report.Status != onboarding.Onboarded {
		t.Fatalf("%s: %v", report.Status, err)
	}
	return report.Package.ID
}

func list(t *testing.T, s *server, filter vnfpkg.Filter) []vnfpkg.Resource {
	t.Helper()
	var all []vnfpkg.Resource
	for r, err := range s.List(t.Context(), filter) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

func ids(resources []vnfpkg.Resource) []string {
	out := []string{}
	for _, r := range resources {
		out = append(out, r.ID)
	}
	return out
}

func TestTheListHasResourcesAndWhatTheCommandLineBroughtInTheOrderOfTheirMaking(t *testing.T) {
	s := newServer(t, options{})
	want := []string{
		s.create(t, vnfpkg.NewResource{}).ID,
		s.byCommand(t, project, "b"),
		s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "c", 1)).ID,
		s.byCommand(t, project, "a"),
		s.create(t, vnfpkg.NewResource{}).ID,
	}
	elsewhere := s.byCommand(t, "q", "a")
	all := list(t, s, vnfpkg.Filter{Project: project})
	if d := cmp.Diff(want, ids(all)); d != "" {
		t.Errorf("list (-want +got):\n%s", d)
	}
	for _, r := range all {
		if d := cmp.Diff(s.get(t, r.ID), r); d != "" {
			t.Errorf("Get and List differ (-get +list):\n%s", d)
		}
		if model, err := r.Model(); err != nil || (model != nil) != (r.State == vnfpkg.Onboarded) {
			t.Errorf("a package that is %s has the model %v, %v", r.State, model, err)
		}
	}
	for i, id := range want {
		if d := cmp.Diff(want[i+1:], ids(list(t, s, vnfpkg.Filter{Project: project, After: id}))); d != "" {
			t.Errorf("list after number %d (-want +got):\n%s", i, d)
		}
	}
	if d := cmp.Diff(append(want, elsewhere), ids(list(t, s, vnfpkg.Filter{}))); d != "" {
		t.Errorf("list of all projects (-want +got):\n%s", d)
	}
	if _, err := s.Get(t.Context(), project, elsewhere); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("another project's: got %v, want ErrNotFound", err)
	}
}

func TestAPackageIsFoundByItsDescriptor(t *testing.T) {
	s := newServer(t, options{})
	for _, id := range []string{s.byCommand(t, project, "a"), s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "b", 1)).ID} {
		model, err := s.get(t, id).Model()
		if err != nil {
			t.Fatal(err)
		}
		if r, err := s.ByDescriptor(t.Context(), project, model.DescriptorID); err != nil || r.ID != id {
			t.Errorf("got %s, %v, want %s", r.ID, err, id)
		}
		if _, err := s.ByDescriptor(t.Context(), "q", model.DescriptorID); !errors.Is(err, imagerepo.ErrNotFound) {
			t.Errorf("in another project: got %v, want ErrNotFound", err)
		}
	}
	if _, err := s.ByDescriptor(t.Context(), project, ""); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("without descriptor: got %v, want ErrNotFound", err)
	}
}

func TestWhatMayBeChanged(t *testing.T) {
	s := newServer(t, options{})
	enabled, disabled := vnfpkg.Enabled, vnfpkg.Disabled
	var state *vnfpkg.StateError
	created := s.create(t, vnfpkg.NewResource{UserData: map[string]any{"a": "1", "in": map[string]any{"x": "1", "y": "2"}}})
	if _, err := s.Update(t.Context(), project, created.ID, vnfpkg.Change{Operational: &enabled}); !errors.As(err, &state) {
		t.Errorf("a package that is not onboarded was enabled: %v", err)
	}
	changed, err := s.Update(t.Context(), project, created.ID, vnfpkg.Change{
		UserData: map[string]any{"a": nil, "b": "2", "in": map[string]any{"x": nil, "z": "3"}}, IfVersion: &created.Version})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"b": "2", "in": map[string]any{"y": "2", "z": "3"}}
	if d := cmp.Diff(want, changed.UserData); d != "" {
		t.Errorf("user data (-want +got):\n%s", d)
	}
	if changed.Version <= created.Version {
		t.Errorf("version %d after %d", changed.Version, created.Version)
	}
	if _, err := s.Update(t.Context(), project, created.ID, vnfpkg.Change{IfVersion: &created.Version}); !errors.Is(err, vnfpkg.ErrVersion) {
		t.Errorf("with an old version: got %v, want ErrVersion", err)
	}
	if _, err := s.Update(t.Context(), "q", created.ID, vnfpkg.Change{}); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("another project's: got %v, want ErrNotFound", err)
	}
	for name, id := range map[string]string{
		"a resource":                      s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "b", 1)).ID,
		"what the command line onboarded": s.byCommand(t, project, "a"),
	} {
		if _, err := s.Update(t.Context(), project, id, vnfpkg.Change{Operational: &enabled}); !errors.As(err, &state) {
			t.Errorf("%s was enabled twice: %v", name, err)
		}
		r, err := s.Update(t.Context(), project, id, vnfpkg.Change{Operational: &disabled, UserData: map[string]any{"k": "v"}})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(s.get(t, id), r); d != "" || r.Operational != disabled || r.UserData["k"] != "v" {
			t.Errorf("%s is %s with %v after the change (-get +update):\n%s", name, r.Operational, r.UserData, d)
		}
	}
}

// launch adds a launch of a package that is not run.
func (s *server) launch(t *testing.T, id string) job.Job {
	t.Helper()
	j, err := s.queue.Add(t.Context(), job.New{Project: project, Kind: vnfpkg.KindLaunch, Subject: id})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func TestUserDataIsMergedAndBounded(t *testing.T) {
	s := newServer(t, options{idle: true})
	id := s.create(t, vnfpkg.NewResource{}).ID
	update := func(data map[string]any) error {
		_, err := s.Update(t.Context(), project, id, vnfpkg.Change{UserData: data})
		return err
	}
	if err := update(map[string]any{"a": map[string]any{}}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": map[string]any{}}
	if d := cmp.Diff(want, s.get(t, id).UserData); d != "" {
		t.Errorf("user data (-want +got):\n%s", d)
	}
	half := strings.Repeat("x", 600<<10)
	if err := update(map[string]any{"b": half}); err != nil {
		t.Fatal(err)
	}
	if err := update(map[string]any{"c": half}); !errors.Is(err, vnfpkg.ErrUserData) {
		t.Errorf("got %v, want ErrUserData", err)
	}
	if err := update(map[string]any{"b": nil, "c": half}); err != nil {
		t.Error(err)
	}
}

func TestAStrictDeletionNeedsAPackageThatIsDisabledAndNotInUse(t *testing.T) {
	s := newServer(t, options{Config: vnfpkg.Config{Keep: true}})
	r := s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "firewall", 1))
	strict := vnfpkg.DeleteOptions{Strict: true}
	var state *vnfpkg.StateError
	if _, _, err := s.Delete(t.Context(), project, r.ID, strict); !errors.As(err, &state) || state.Operational != vnfpkg.Enabled {
		t.Errorf("enabled: got %v, want a *StateError", err)
	}
	disabled := vnfpkg.Disabled
	if _, err := s.Update(t.Context(), project, r.ID, vnfpkg.Change{Operational: &disabled}); err != nil {
		t.Fatal(err)
	}
	launch := s.launch(t, r.ID)
	if !s.get(t, r.ID).InUse || !list(t, s, vnfpkg.Filter{Project: project})[0].InUse {
		t.Error("a package with a launch under way is not in use")
	}
	if _, _, err := s.Delete(t.Context(), project, r.ID, strict); !errors.As(err, &state) || !state.InUse {
		t.Errorf("in use: got %v, want a *StateError", err)
	}
	if _, err := s.queue.Cancel(t.Context(), launch.ID); err != nil {
		t.Fatal(err)
	}
	if s.get(t, r.ID).InUse {
		t.Error("a package whose launch has ended is in use")
	}
	if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{Strict: true, IfVersion: &r.Version}); !errors.Is(err, vnfpkg.ErrVersion) {
		t.Errorf("with an old version: got %v, want ErrVersion", err)
	}
	if _, _, err := s.Delete(t.Context(), project, r.ID, strict); err != nil {
		t.Error(err)
	}
	s.wantGone(t, r.ID)
}

// wantGone fails unless nothing is left of a package and everything else.
func (s *server) wantGone(t *testing.T, id string) {
	t.Helper()
	if _, err := s.Get(t.Context(), project, id); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("got %v, want ErrNotFound", err)
	}
	for img, err := range s.Pipeline.Repository.Catalog().Images(t.Context(), imagerepo.ImageFilter{}) {
		t.Errorf("image %s is left: %v", img.Name, err)
	}
	s.wantArchives(t)
	s.wantTidy(t)
}

func TestAResourceCanBeDeletedInEveryState(t *testing.T) {
	data := archive(onboardingtest.Tar, "firewall", 1)
	for name, make := range map[string]func(t *testing.T, s *server) string{
		"created":   func(t *testing.T, s *server) string { return s.create(t, vnfpkg.NewResource{}).ID },
		"onboarded": func(t *testing.T, s *server) string { return s.onboard(t, vnfpkg.NewResource{}, data).ID },
		"brought by the command line": func(t *testing.T, s *server) string {
			return s.byCommand(t, project, "firewall")
		},
		"refused": func(t *testing.T, s *server) string {
			_, r := s.finish(t, s.receive(t, vnfpkg.NewResource{}, data[:1024]))
			wantState(t, r, vnfpkg.Error)
			return r.ID
		},
		"with half an upload": func(t *testing.T, s *server) string {
			id := s.begin(t, vnfpkg.NewResource{}, vnfpkg.BeginOptions{Size: int64(len(data))}).ID
			s.append(t, id, 0, data[:len(data)/2])
			return id
		},
		"while it is onboarded": func(t *testing.T, s *server) string {
			return s.receive(t, vnfpkg.NewResource{}, data).Resource.ID
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Followers: 1}})
			id := make(t, s)
			if _, _, err := s.Delete(t.Context(), "q", id, vnfpkg.DeleteOptions{}); !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("by another project: got %v, want ErrNotFound", err)
			}
			if _, _, err := s.Delete(t.Context(), project, id, vnfpkg.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
			s.wantGone(t, id)
			if _, _, err := s.Delete(t.Context(), project, id, vnfpkg.DeleteOptions{}); !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("once more: got %v, want ErrNotFound", err)
			}
		})
	}
}

func TestAnUploadWhoseResourceIsDeletedEnds(t *testing.T) {
	s := newServer(t, options{Config: vnfpkg.Config{Followers: 1}})
	other := startServer(t, s.home, options{idle: true}) // as in another process
	data := archive(onboardingtest.Tar, "firewall", 1)
	for _, deleting := range []*server{s, other} {
		r := s.create(t, vnfpkg.NewResource{})
		body := io.MultiReader(bytes.NewReader(data[:len(data)/2]), readerFunc(func([]byte) (int, error) {
			if _, _, err := deleting.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{}); err != nil {
				t.Error(err)
			}
			return 0, io.EOF
		}))
		if _, err := s.Receive(t.Context(), project, r.ID, body, vnfpkg.ReceiveOptions{}); !errors.Is(err, imagerepo.ErrNotFound) {
			t.Errorf("got %v, want ErrNotFound", err)
		}
		s.wantGone(t, r.ID)
	}
}

// followed is a store where others come right after an edit, once.
type followed struct {
	vnfpkg.Store
	others *func()
}

func (f followed) Edit(ctx context.Context, id string, edit func(*vnfpkg.Edit) error) (vnfpkg.Row, error) {
	row, err := f.Store.Edit(ctx, id, edit)
	if others := *f.others; others != nil {
		*f.others = nil
		others()
	}
	return row, err
}

func TestAnUploadWhoseResourceIsDeletedAsItBeginsReadsNothing(t *testing.T) {
	for name, wrap := range map[string]func(vnfpkg.Store, *func()) vnfpkg.Store{
		"before it has begun": func(s vnfpkg.Store, others *func()) vnfpkg.Store { return overtaken{s, others} },
		"once it has begun":   func(s vnfpkg.Store, others *func()) vnfpkg.Store { return followed{s, others} },
	} {
		t.Run(name, func(t *testing.T) {
			var others func()
			s := newServer(t, options{
				store:   func(s vnfpkg.Store) vnfpkg.Store { return wrap(s, &others) },
				jobs:    func(s job.Store) job.Store { return s },
				catalog: func(c imagerepo.Catalog) imagerepo.Catalog { return c },
			})
			r := s.create(t, vnfpkg.NewResource{})
			others = func() {
				if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{}); err != nil {
					t.Error(err)
				}
			}
			body := bytes.NewReader(make([]byte, 8<<20))
			if _, err := s.Receive(t.Context(), project, r.ID, body, vnfpkg.ReceiveOptions{}); !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			if body.Len() < 6<<20 { // what was on its way
				t.Errorf("%d bytes were read", body.Size()-int64(body.Len()))
			}
			s.wantGone(t, r.ID)
		})
	}
}

func TestImagesStayIfThatIsAskedFor(t *testing.T) {
	s := newServer(t, options{})
	r := s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "firewall", 1))
	if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{KeepImages: true}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pipeline.Repository.Find(t.Context(), project, "firewall-image"); err != nil {
		t.Error(err)
	}
}

func TestAJobThatIsCancelledMakesItsResourceAnError(t *testing.T) {
	s := newServer(t, options{idle: true})
	receipt := s.receive(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "firewall", 1))
	wantState(t, s.get(t, receipt.Resource.ID), vnfpkg.Processing)
	if _, err := s.queue.Cancel(t.Context(), receipt.Job.ID); err != nil {
		t.Fatal(err)
	}
	r := s.get(t, receipt.Resource.ID)
	wantState(t, r, vnfpkg.Error)
	if !strings.Contains(r.Failure.Detail, "cancelled") {
		t.Errorf("detail %q", r.Failure.Detail)
	}
	s.wantArchives(t)
}

func TestQuotas(t *testing.T) {
	data := archive(onboardingtest.Zip, "a", 1)
	n := int64(len(data))
	quota := func(t *testing.T, err error, want vnfpkg.Quota) {
		t.Helper()
		var quota *vnfpkg.QuotaError
		if !errors.As(err, &quota) || quota.Quota != want {
			t.Errorf("got %v, want the quota of %s", err, want)
		}
	}
	t.Run("of packages", func(t *testing.T) {
		s := newServer(t, options{Config: vnfpkg.Config{Limits: vnfpkg.Limits{ProjectPackages: 3}}})
		s.byCommand(t, project, "b")
		s.byCommand(t, "q", "b")
		s.onboard(t, vnfpkg.NewResource{}, data)
		last := s.create(t, vnfpkg.NewResource{})
		_, err := s.Create(t.Context(), vnfpkg.NewResource{Project: project})
		quota(t, err, vnfpkg.QuotaPackages)
		if _, err := s.Create(t.Context(), vnfpkg.NewResource{Project: "q"}); err != nil {
			t.Errorf("of another project: %v", err)
		}
		if _, _, err := s.Delete(t.Context(), project, last.ID, vnfpkg.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		s.create(t, vnfpkg.NewResource{})
	})
	image := onboardingtest.QCOW2(384<<10, 1<<30, 1).Size()
	for _, known := range []int64{0, n} {
		t.Run("of bytes", func(t *testing.T) {
			limits := vnfpkg.Limits{ProjectBytes: n + image + n}
			s := newServer(t, options{Config: vnfpkg.Config{Keep: true, Limits: limits}})
			s.onboard(t, vnfpkg.NewResource{}, data) // archive and image
			r := s.create(t, vnfpkg.NewResource{})
			if known > 0 {
				_, err := s.Receive(t.Context(), project, r.ID, iotestNever{t}, vnfpkg.ReceiveOptions{Size: n + 1})
				quota(t, err, vnfpkg.QuotaBytes)
			}
			_, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(append(bytes.Clone(data), 0)), vnfpkg.ReceiveOptions{})
			quota(t, err, vnfpkg.QuotaBytes)
			wantState(t, s.get(t, r.ID), vnfpkg.Created)
			if _, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{Size: known}); err != nil {
				t.Errorf("exactly as much as may be: %v", err)
			}
		})
	}
	t.Run("of uploads at once", func(t *testing.T) {
		s := newServer(t, options{Config: vnfpkg.Config{Limits: vnfpkg.Limits{ProjectUploads: 1}}})
		r, waiting := s.create(t, vnfpkg.NewResource{}), s.create(t, vnfpkg.NewResource{})
		body := readerFunc(func([]byte) (int, error) {
			_, err := s.Receive(t.Context(), project, waiting.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{})
			quota(t, err, vnfpkg.QuotaUploads)
			return 0, io.EOF
		})
		if _, err := s.Receive(t.Context(), project, r.ID, body, vnfpkg.ReceiveOptions{}); err != nil {
			t.Error(err)
		}
		if _, err := s.Receive(t.Context(), project, waiting.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{}); err != nil {
			t.Errorf("when the other has ended: %v", err)
		}
	})
}

// iotestNever is a body that must not be read.
type iotestNever struct{ t *testing.T }

func (n iotestNever) Read([]byte) (int, error) {
	n.t.Error("the body is read")
	return 0, io.EOF
}

func TestRecoveryEndsWhatWasLeftAndLeavesTheLivingAlone(t *testing.T) {
	now := time.Now()
	config := options{Config: vnfpkg.Config{Keep: true, Expiry: time.Hour, Now: func() time.Time { return now }}}
	s := newServer(t, config)
	other := startServer(t, s.home, config)
	kept := s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "kept", 1))
	deleted := s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "deleted", 1))
	if _, _, err := s.Pipeline.Repository.DeletePackage(t.Context(), deleted.ID, false); err != nil { // as the command line does
		t.Fatal(err)
	}
	fleeting := s.create(t, vnfpkg.NewResource{OneShot: true})
	stays := s.create(t, vnfpkg.NewResource{})
	orphan := imagerepo.NewID()
	s.write(t, orphan)
	s.write(t, stays.ID)
	s.write(t, "README")
	recover := func() {
		t.Helper()
		for _, service := range []*server{s, other} {
			if err := service.Recover(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
	living := s.create(t, vnfpkg.NewResource{})
	body := io.MultiReader(strings.NewReader("text"), readerFunc(func([]byte) (int, error) {
		recover()
		wantState(t, s.get(t, living.ID), vnfpkg.Uploading)
		s.wantArchives(t, "README", kept.ID, living.ID)
		return 0, io.EOF
	}))
	receipt, err := s.Receive(t.Context(), project, living.ID, body, vnfpkg.ReceiveOptions{})
	if err != nil {
		t.Error(err)
	}
	_, refused := s.finish(t, receipt)
	wantState(t, refused, vnfpkg.Error)
	for _, id := range []string{kept.ID, fleeting.ID, stays.ID, refused.ID} {
		s.get(t, id)
	}
	if _, err := s.Store.Row(t.Context(), deleted.ID); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("the row of a package that the command line has deleted: %v", err)
	}
	now = now.Add(2 * time.Hour)
	recover()
	if _, err := s.Get(t.Context(), project, fleeting.ID); !errors.Is(err, imagerepo.ErrNotFound) {
		t.Errorf("a one-shot resource that nobody came for: %v", err)
	}
	if d := cmp.Diff([]string{kept.ID, stays.ID, refused.ID}, ids(list(t, s, vnfpkg.Filter{}))); d != "" {
		t.Errorf("list (-want +got):\n%s", d)
	}
	s.wantArchives(t, "README", kept.ID)
	s.wantTidy(t)
}
