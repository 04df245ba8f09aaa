package vnfpkg_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// overtaken is a store where others come first to an edit, once.
type overtaken struct {
	vnfpkg.Store
	others *func()
}

func (o overtaken) Edit(ctx context.Context, id string, edit func(*vnfpkg.Edit) error) (vnfpkg.Row, error) {
	if others := *o.others; others != nil {
		*o.others = nil
		others()
	}
	return o.Store.Edit(ctx, id, edit)
}

func (o overtaken) Insert(ctx context.Context, row vnfpkg.Row, packages int) error {
	if others := *o.others; others != nil {
		*o.others = nil
		others()
	}
	return o.Store.Insert(ctx, row, packages)
}

func TestNothingIsLeftOfAPackageThatIsDeletedWhileItIsChanged(t *testing.T) {
	disabled := vnfpkg.Disabled
	for name, change := range map[string]func(*testing.T, *server, string) error{
		"its state": func(t *testing.T, s *server, id string) error {
			_, err := s.Update(t.Context(), project, id, vnfpkg.Change{Operational: &disabled})
			return err
		},
		"it is deleted by two": func(t *testing.T, s *server, id string) error {
			_, _, err := s.Delete(t.Context(), project, id, vnfpkg.DeleteOptions{})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			var others func()
			s := newServer(t, options{
				store:   func(s vnfpkg.Store) vnfpkg.Store { return overtaken{s, &others} },
				jobs:    func(s job.Store) job.Store { return s },
				catalog: func(c imagerepo.Catalog) imagerepo.Catalog { return c },
			})
			id := s.byCommand(t, project, "web")
			others = func() {
				if _, _, err := s.Pipeline.Repository.DeletePackage(t.Context(), id, false); err != nil {
					t.Error(err)
				}
			}
			if err := change(t, s, id); !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("got %v, want ErrNotFound", err)
			}
			if row, err := s.Store.Row(t.Context(), id); !errors.Is(err, imagerepo.ErrNotFound) {
				t.Errorf("there is a row of a package that is %s: %v", row.State, err)
			}
		})
	}
}

func TestADeletionIsRefusedAfterAChangeThatItDidNotSee(t *testing.T) {
	state := func(err error) bool { _, is := errors.AsType[*vnfpkg.StateError](err); return is }
	enabled, disabled := vnfpkg.Enabled, vnfpkg.Disabled
	for name, test := range map[string]struct {
		others  func(*testing.T, *server, string)
		version bool // only one version is to be deleted
		refused func(error) bool
	}{
		"its data was changed": {func(t *testing.T, s *server, id string) {
			if _, err := s.Update(t.Context(), project, id, vnfpkg.Change{UserData: map[string]any{"a": "b"}}); err != nil {
				t.Error(err)
			}
		}, true, func(err error) bool { return errors.Is(err, vnfpkg.ErrVersion) }},
		"it was enabled": {func(t *testing.T, s *server, id string) {
			if _, err := s.Update(t.Context(), project, id, vnfpkg.Change{Operational: &enabled}); err != nil {
				t.Error(err)
			}
		}, false, state},
		"it was launched": {func(t *testing.T, s *server, id string) { s.launch(t, id) }, false, state},
	} {
		t.Run(name, func(t *testing.T) {
			var others func()
			s := newServer(t, options{
				store:   func(s vnfpkg.Store) vnfpkg.Store { return overtaken{s, &others} },
				jobs:    func(s job.Store) job.Store { return s },
				catalog: func(c imagerepo.Catalog) imagerepo.Catalog { return c },
			})
			id := s.onboard(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "web", 1)).ID
			r, err := s.Update(t.Context(), project, id, vnfpkg.Change{Operational: &disabled})
			if err != nil {
				t.Fatal(err)
			}
			opts := vnfpkg.DeleteOptions{Strict: true}
			if test.version {
				opts.IfVersion = &r.Version
			}
			others = func() { test.others(t, s, id) }
			if _, _, err := s.Delete(t.Context(), project, id, opts); !test.refused(err) {
				t.Errorf("the deletion ends with %v", err)
			}
			wantState(t, s.get(t, id), vnfpkg.Onboarded)
			if !s.inCatalogue(t, id) || imagesOf(t, s) != 1 {
				t.Error("the package or its image is gone")
			}
			s.wantTidy(t)
		})
	}
}

func TestAVersionThatIsNotOnboardedIsTheOneThatIsDeleted(t *testing.T) {
	var others func()
	s := newServer(t, options{
		idle:    true, // what is processed stays so
		store:   func(s vnfpkg.Store) vnfpkg.Store { return overtaken{s, &others} },
		jobs:    func(s job.Store) job.Store { return s },
		catalog: func(c imagerepo.Catalog) imagerepo.Catalog { return c },
	})
	r := s.create(t, vnfpkg.NewResource{})
	others = func() {
		if _, err := s.Update(t.Context(), project, r.ID, vnfpkg.Change{UserData: map[string]any{"a": "b"}}); err != nil {
			t.Error(err)
		}
	}
	if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{IfVersion: &r.Version}); !errors.Is(err, vnfpkg.ErrVersion) {
		t.Errorf("the deletion of what was changed ends with %v", err)
	}
	wantState(t, s.get(t, r.ID), vnfpkg.Created)

	// That a deletion ends a job makes no version that it did not see.
	r = s.receive(t, vnfpkg.NewResource{}, archive(onboardingtest.Zip, "web", 1)).Resource
	if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{IfVersion: &r.Version}); err != nil {
		t.Error(err)
	}
	s.wantGone(t, r.ID)
}
