package vnfpkg_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// subscribe makes every event of the project a job of the queue.
func (s *server) subscribe(t *testing.T) {
	t.Helper()
	if _, _, err := s.ledger.Subscriptions().Subscribe(t.Context(), notify.Subscription{
		ID: imagerepo.NewID(), Project: project, API: "sol005", CallbackURI: "http://callback.example/"}, 0); err != nil {
		t.Fatal(err)
	}
}

// told returns what subscribers are told, in order.
func (s *server) told(t *testing.T) []string {
	t.Helper()
	jobs, err := s.queue.List(t.Context(), job.Filter{Kind: notify.Kind})
	if err != nil {
		t.Fatal(err)
	}
	slices.Reverse(jobs)
	var out []string
	for _, j := range jobs {
		var payload struct{ Notification notify.Notification }
		if err := json.Unmarshal(j.Payload, &payload); err != nil {
			t.Fatal(err)
		}
		n := payload.Notification
		out = append(out, strings.Join(strings.Fields(strings.Join([]string{n.ChangeType, string(n.Operational), n.PackageID, n.VNFDID}, " ")), " "))
	}
	return out
}

func TestSubscribersAreToldOfEveryChange(t *testing.T) {
	s := newServer(t, options{Config: vnfpkg.Config{Followers: 1}})
	s.subscribe(t)
	data := archive(onboardingtest.Tar, "firewall", 1)
	_, refused := s.finish(t, s.receive(t, vnfpkg.NewResource{}, data[:2000]))
	if _, _, err := s.Delete(t.Context(), project, refused.ID, vnfpkg.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	r := s.onboard(t, vnfpkg.NewResource{}, data)
	byCommand := s.get(t, s.byCommand(t, project, "router"))
	descriptors := map[string]string{}
	for _, r := range []vnfpkg.Resource{r, byCommand} {
		model, err := r.Model()
		if err != nil {
			t.Fatal(err)
		}
		descriptors[r.ID] = model.DescriptorID
		disabled := vnfpkg.Disabled
		if _, err := s.Update(t.Context(), project, r.ID, vnfpkg.Change{Operational: &disabled}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Update(t.Context(), project, r.ID, vnfpkg.Change{UserData: map[string]any{"a": "b"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := s.Delete(t.Context(), project, r.ID, vnfpkg.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	// The command line deletes the other, which the server finds later.
	if _, _, err := s.Pipeline.Repository.DeletePackage(t.Context(), byCommand.ID, false); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	untouched := s.get(t, s.byCommand(t, project, "switch"))
	model, err := untouched.Model()
	if err != nil {
		t.Fatal(err)
	}
	descriptors[untouched.ID] = model.DescriptorID
	if _, _, err := s.Delete(t.Context(), project, untouched.ID, vnfpkg.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	of := func(r vnfpkg.Resource) string { return r.ID + " " + descriptors[r.ID] }
	want := []string{
		of(r),
		"OP_STATE_CHANGE DISABLED " + of(r),
		"OP_STATE_CHANGE DISABLED " + of(byCommand),
		"PKG_DELETE " + of(r),
		"PKG_DELETE " + of(byCommand),
		"PKG_DELETE " + of(untouched),
	}
	if d := cmp.Diff(want, s.told(t)); d != "" {
		t.Errorf("told (-want +got):\n%s", d)
	}
}

// hookedCatalog runs something before the first publication.
type hookedCatalog struct {
	imagerepo.Catalog
	used atomic.Bool
	hook func()
}

func (h *hookedCatalog) Publish(ctx context.Context, pub imagerepo.Publication, place func(imagerepo.Image, []string) error) error {
	if !h.used.Swap(true) {
		h.hook()
	}
	return h.Catalog.Publish(ctx, pub, place)
}

func TestAnAttemptThatLostItsClaimChangesNothingAnyMore(t *testing.T) {
	hooked := &hookedCatalog{}
	s := newServer(t, options{Config: vnfpkg.Config{Keep: true},
		store:   func(s vnfpkg.Store) vnfpkg.Store { return s },
		jobs:    func(s job.Store) job.Store { return s },
		catalog: func(c imagerepo.Catalog) imagerepo.Catalog { hooked.Catalog = c; return hooked },
	})
	s.subscribe(t)
	r := s.create(t, vnfpkg.NewResource{})
	hooked.hook = func() {
		// Another has taken the job over and is faster, and the package is disabled.
		j, err := s.queue.Get(t.Context(), s.get(t, r.ID).Job)
		if err != nil {
			t.Error(err)
		}
		if _, err := s.Kinds()[vnfpkg.KindOnboard].Handler(t.Context(), &job.Task{Job: j}); err != nil {
			t.Error(err)
		}
		disabled := vnfpkg.Disabled
		if _, err := s.Update(t.Context(), project, r.ID, vnfpkg.Change{Operational: &disabled}); err != nil {
			t.Error(err)
		}
	}
	data := archive(onboardingtest.Zip, "firewall", 1)
	receipt, err := s.Receive(t.Context(), project, r.ID, bytes.NewReader(data), vnfpkg.ReceiveOptions{})
	if err != nil {
		t.Fatal(err)
	}
	j, after := s.finish(t, receipt)
	wantState(t, after, vnfpkg.Onboarded)
	if j.State != job.Succeeded || outcome(t, j).Package != r.ID || after.Operational != vnfpkg.Disabled || len(s.told(t)) != 2 {
		t.Errorf("job is %s, package %s, told %v", j.State, after.Operational, s.told(t))
	}
	s.wantArchives(t, r.ID)
	s.wantTidy(t)
}
