package glance_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/gangway-nfv/gangway/vim"
	"github.com/gangway-nfv/gangway/vim/glance"
	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// Clients of their own share nothing, as processes on several hosts would.
func TestManyProcessesUploadOnce(t *testing.T) {
	s := startCloud(t, glancetest.Options{})
	// Slow enough for all to meet while it runs.
	s.Inject(glancetest.Fault{Route: glancetest.Upload, Times: -1, Rate: 32 * mebi})
	config, f := configure(t, s.CloudsYAML()), store(t, "vfw", length)
	var all sync.WaitGroup
	got := make([]vim.VDU, 12)
	for i := range got {
		c := open(t, config, "region-one", glance.Options{})
		all.Go(func() {
			vdus, err := launch(t, f, vim.Options{}, c)
			if err != nil {
				t.Error(err)
				return
			}
			got[i] = vdus[0]
		})
	}
	all.Wait()
	actions := make(map[vim.Action]int)
	for _, v := range got {
		actions[v.Action]++
		if v.ImageID != got[0].ImageID || !v.Verified {
			t.Errorf("%+v, the first has %s", v, got[0].ImageID)
		}
	}
	if actions[vim.Uploaded] != 1 {
		t.Errorf("actions %v, want one upload", actions)
	}
	if st := s.Stats(); st.BytesReceived != length || st.UploadsStarted != 1 {
		t.Errorf("%d bytes in %d uploads, want %d in 1", st.BytesReceived, st.UploadsStarted, length)
	}
}

// What is left by a winner that dies is finished by one of those that wait.
func TestALoserTakesOverFromADeadWinner(t *testing.T) {
	tests := []struct {
		name       string
		fault      glancetest.Fault
		generation int
	}{
		{"Glance's worker dies in mid-body", glancetest.Fault{Die: true, AfterBytes: mebi}, 1},
		{"Glance's worker dies with all bytes", glancetest.Fault{Die: true, AfterBytes: glancetest.WholeBody}, 1},
		{"the winner's connection is cut", glancetest.Fault{Cut: true, AfterBytes: mebi}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := startCloud(t, glancetest.Options{})
			config, f := configure(t, s.CloudsYAML()), store(t, "vfw", length)
			// The winner's process ends at the moment of the fault.
			dying, die := context.WithCancel(t.Context())
			tt.fault.Route = glancetest.Upload
			tt.fault.Do = func(*http.Request) { die() }
			s.Inject(tt.fault)
			began := make(chan struct{})
			s.Inject(glancetest.Fault{Route: glancetest.Upload, Do: func(*http.Request) { close(began) }})
			winner := killed{open(t, config, "region-one", glance.Options{}), dying}
			var all sync.WaitGroup
			all.Go(func() {
				if _, err := launch(t, f, vim.Options{Attempts: 1}, winner); err == nil {
					t.Error("the dead winner reports success")
				}
			})
			<-began
			losers := make([]vim.VDU, 3)
			for i := range losers {
				c := open(t, config, "region-one", glance.Options{})
				all.Go(func() {
					o := fast(vim.Options{})
					o.StallAfter = 1500 * time.Millisecond // a busy machine keeps the living from beating, too
					want := vim.Want{VDU: "vdu1", Alternatives: []vim.Alternative{{Ref: f.Name, Offer: &f.Offer}}}
					results, err := vim.Launch(t.Context(), []vim.Cloud{c}, []vim.Want{want}, o)
					if err != nil {
						t.Error(err)
						return
					}
					losers[i] = results[0].VDUs[0]
				})
			}
			all.Wait()
			wantID := vim.RecordID(glancetest.ProjectID("nfvo"), &f.Offer, tt.generation)
			for _, v := range losers {
				if v.ImageID != wantID || !v.Verified {
					t.Errorf("%+v, want image %s", v, wantID)
				}
			}
			st := s.Stats()
			if images := s.Glance("").Images(); len(images) != 1 || st.UploadsStarted != 2 || st.UploadsFinished != 1 {
				t.Errorf("%d images, %d uploads begun, %d finished, want 1, 2, 1", len(images), st.UploadsStarted, st.UploadsFinished)
			}
		})
	}
}

// killed is a client whose process ends: nothing of it reaches the VIM after
// that, no beat and no deletion.
type killed struct {
	*glance.Cloud
	dying context.Context
}

var errKilled = errors.New("killed")

func (k killed) Beat(ctx context.Context, id, value string) error {
	if k.dying.Err() != nil {
		return errKilled
	}
	return k.Cloud.Beat(ctx, id, value)
}

func (k killed) Delete(ctx context.Context, id string) error {
	if k.dying.Err() != nil {
		return errKilled
	}
	return k.Cloud.Delete(ctx, id)
}

func TestALostAnswerToCreateIsNoLoss(t *testing.T) {
	s, c := start(t, glance.Options{})
	s.Inject(glancetest.Fault{Route: glancetest.Create, AfterEffect: true, Cut: true})
	got, err := launch(t, store(t, "vfw", mebi), vim.Options{}, c)
	if err != nil || got[0].Action != vim.Uploaded {
		t.Errorf("%+v, error %v", got, err)
	}
	if n := len(s.Glance("").Images()); n != 1 {
		t.Errorf("%d images", n)
	}
}

func TestADeletedImageIsUploadedAgainAsTheNextGeneration(t *testing.T) {
	s, c := start(t, glance.Options{})
	f := store(t, "vfw", mebi)
	for generation := range 3 {
		got, err := launch(t, f, vim.Options{}, c)
		if err != nil {
			t.Fatal(err)
		}
		want := vim.RecordID(glancetest.ProjectID("nfvo"), &f.Offer, generation)
		if got[0].Action != vim.Uploaded || got[0].ImageID != want {
			t.Errorf("generation %d: %+v, want image %s", generation, got[0], want)
		}
		s.Glance("").Delete(got[0].ImageID)
	}
}

func TestOneFileGoesToSeveralVIMs(t *testing.T) {
	s := startCloud(t, glancetest.Options{Regions: []glancetest.Region{
		{Name: "RegionOne"}, {Name: "RegionTwo", HashAlgorithm: "sha256"}}})
	config, f := configure(t, s.CloudsYAML()), store(t, "vfw", length)
	one, two := open(t, config, "region-one", glance.Options{}), open(t, config, "region-two", glance.Options{})
	for _, action := range []vim.Action{vim.Uploaded, vim.Present} {
		got, err := launch(t, f, vim.Options{}, one, two)
		if err != nil {
			t.Fatal(err)
		}
		if got[0].Action != action || got[1].Action != action || !got[0].Verified || !got[1].Verified {
			t.Errorf("want %s on both: %+v", action, got)
		}
		if want := "sha256:" + f.SHA256; got[1].Digest != want {
			t.Errorf("digest %s, want %s: the algorithm is the vim's", got[1].Digest, want)
		}
	}
	if n := s.Stats().BytesReceived; n != 2*length {
		t.Errorf("%d bytes sent, want %d", n, 2*length)
	}
}

func TestAnImageThatTheVIMChangedIsDeleted(t *testing.T) {
	s, c := start(t, glance.Options{})
	s.Inject(glancetest.Fault{Route: glancetest.Upload, WrongHash: true})
	_, err := launch(t, store(t, "vfw", mebi), vim.Options{}, c)
	var mismatch *vim.MismatchError
	if !errors.As(err, &mismatch) || mismatch.Attribute != "sha512" {
		t.Errorf("error %v", err)
	}
	if left := s.Glance("").Images(); len(left) > 0 {
		t.Errorf("left behind: %+v", left)
	}
}

func TestPublishing(t *testing.T) {
	s := startCloud(t, glancetest.Options{})
	config, f := configure(t, s.CloudsYAML()), store(t, "vfw", mebi)
	f.IsPublic = true
	member := open(t, config, "region-one", glance.Options{})
	_, err := launch(t, f, vim.Options{}, member)
	var refused *vim.RefusedError
	if !errors.As(err, &refused) || refused.Rule != "publicize_image" {
		t.Errorf("a member publishes: error %v", err)
	}
	got, err := launch(t, f, vim.Options{VisibilityFallback: "private"}, member)
	if err != nil || len(got[0].Warnings) != 1 {
		t.Fatalf("with a fallback: %+v, error %v", got, err)
	}
	if img, _ := s.Glance("").Image(got[0].ImageID); img.Visibility != "private" {
		t.Errorf("visibility %s", img.Visibility)
	}
	got, err = launch(t, f, vim.Options{}, open(t, config, "admin-one", glance.Options{}))
	if err != nil {
		t.Fatal(err)
	}
	if img, _ := s.Glance("").Image(got[0].ImageID); got[0].Action == vim.Uploaded && img.Visibility != "public" {
		t.Errorf("an administrator's image is %s", img.Visibility)
	}
}

func TestAThousandVDUsAreResolvedInOneListing(t *testing.T) {
	s, c := start(t, glance.Options{})
	var wants []vim.Want
	for i := range 2500 {
		name := fmt.Sprintf("image-%04d", i)
		s.Glance("").Put(glancetest.Image{Name: name, Owner: glancetest.ProjectID("nfvo"), Status: "active",
			DiskFormat: "raw", ContainerFormat: "bare", Size: 1})
		if i < 1000 {
			wants = append(wants, vim.Want{VDU: name, Alternatives: []vim.Alternative{{Ref: name}}})
		}
	}
	result, err := vim.Resolve(t.Context(), c, wants, vim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range result.VDUs {
		if v.Err != nil || v.ImageName != wants[i].VDU {
			t.Fatalf("vdu %d: %+v", i, v)
		}
	}
	if n := s.Stats().Requests[glancetest.List]; n != 3 {
		t.Errorf("%d pages, want 3", n)
	}

	s.Inject(glancetest.Fault{Route: glancetest.List, Skip: 1, Times: -1, Status: 500})
	if _, err := vim.Resolve(t.Context(), c, wants, vim.Options{}); err == nil {
		t.Error("a list whose second page fails resolves")
	}
}
