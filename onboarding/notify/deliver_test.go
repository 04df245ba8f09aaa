package notify_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

func TestNotificationsAreDeliveredInOrderAlthoughTheCallbackFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failures := 3
		c := &consumer{answer: func(*http.Request) (*http.Response, error) {
			switch failures--; failures {
			case 2:
				return status(http.StatusServiceUnavailable)
			case 1:
				return nil, errors.New("connection refused")
			case 0:
				return status(http.StatusFound)
			}
			return status(http.StatusOK)
		}}
		b := newBench(t, notify.Config{Client: c.client()})
		sub := b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example/told"})
		for _, id := range []string{"a", "b", "c"} {
			b.tell(t, onboarded(id))
		}
		begun := time.Now()
		q, _ := b.run(t)
		for _, j := range b.deliveries(t) {
			ended, err := q.Wait(t.Context(), j.ID)
			if err != nil || ended.State != job.Succeeded {
				t.Fatalf("delivery %s: %s %s, %v", j.ID, ended.State, ended.Error, err)
			}
		}
		if took := time.Since(begun); took > 45*time.Second {
			t.Errorf("it took %s after three failures", took)
		}
		if diff := cmp.Diff([]string{"a", "a", "a", "a", "b", "c"}, c.packages()); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
		for _, n := range c.got[:4] {
			if n.ID != c.got[0].ID || n.SubscriptionID != sub.ID {
				t.Errorf("the repeated notification is another: %+v", n)
			}
		}
	})
}

func TestASubscriptionThatHangsHoldsUpNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recovers := time.Now().Add(5 * time.Minute)
		c := &consumer{answer: func(r *http.Request) (*http.Response, error) {
			if r.URL.Host == "slow.example" && time.Now().Before(recovers) {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			return status(http.StatusNoContent)
		}}
		b := newBench(t, notify.Config{Client: c.client()})
		slow := b.subscribe(t, notify.Request{CallbackURI: "http://slow.example"})
		quick := b.subscribe(t, notify.Request{CallbackURI: "http://quick.example"})
		b.tell(t, onboarded("a"))
		b.tell(t, onboarded("b"))
		q, _ := b.run(t)
		var when []time.Duration
		for _, j := range b.deliveries(t) {
			ended, err := q.Wait(t.Context(), j.ID)
			if err != nil || ended.State != job.Succeeded {
				t.Fatalf("delivery %s: %s %s, %v", j.ID, ended.State, ended.Error, err)
			}
			late := ended.EndedAt.Sub(ended.CreatedAt)
			switch {
			case j.Subject == quick.ID && late > 10*time.Second:
				t.Errorf("the quick one was told after %s", late)
			case j.Subject == slow.ID && (late < 5*time.Minute || late > 11*time.Minute):
				t.Errorf("the slow one was told after %s", late)
			}
			when = append(when, late)
		}
		if len(when) != 4 {
			t.Errorf("got %d deliveries, want 4", len(when))
		}
	})
}

func TestANotificationIsGivenUpInTheEndAndTheNextOneTried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{answer: func(*http.Request) (*http.Response, error) { return status(http.StatusNotFound) }}
		b := newBench(t, notify.Config{Client: c.client(), Patience: 10 * time.Minute})
		b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example"})
		b.tell(t, onboarded("a"))
		b.tell(t, onboarded("b"))
		q, _ := b.run(t)
		for _, j := range b.deliveries(t) {
			ended, err := q.Wait(t.Context(), j.ID)
			if err != nil || ended.State != job.Failed || !strings.Contains(ended.Error, "given up after 10m0s: the callback answered 404") {
				t.Errorf("delivery %s: %s %q, %v", j.ID, ended.State, ended.Error, err)
			}
			if late := ended.EndedAt.Sub(ended.CreatedAt); late > 20*time.Minute {
				t.Errorf("it was given up after %s", late)
			}
		}
		if got := c.packages(); got[len(got)-1] != "b" || slices.Index(got, "b") != len(got)-1 {
			t.Errorf("got %v, want the second one tried once, at the end", got)
		}
	})
}

func TestWhatWaitsIsNotTriedBeforeItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{answer: func(*http.Request) (*http.Response, error) { return status(http.StatusNotFound) }}
		b := newBench(t, notify.Config{Client: c.client()})
		b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example"})
		b.tell(t, onboarded("a"))
		b.tell(t, onboarded("b"))
		b.run(t)
		time.Sleep(23 * time.Hour)
		if jobs := b.deliveries(t); len(jobs) != 2 || jobs[0].Attempt < 10 || jobs[1].Attempt != 0 {
			t.Errorf("the two were tried %d and %d times", jobs[0].Attempt, jobs[1].Attempt)
		}
	})
}

func TestADeliveryWaitsForNoneThatComesAfterIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{}
		b := newBench(t, notify.Config{Client: c.client()})
		sub := b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example"})
		later := job.New{ID: "ffffffff-ffff-7fff-bfff-ffffffffffff", Project: "p", Kind: notify.Kind, Subject: sub.ID, NotBefore: time.Now().Add(2 * time.Hour)}
		q, _ := b.run(t)
		if _, err := q.Add(t.Context(), later); err != nil { // by a clock that was put back since
			t.Fatal(err)
		}
		b.tell(t, onboarded("a"))
		time.Sleep(time.Minute)
		if diff := cmp.Diff([]string{"a"}, c.packages()); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
	})
}

func TestDeliveriesGoOnAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		c := &consumer{}
		c.answer = func(r *http.Request) (*http.Response, error) {
			close(hang)
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		b := newBench(t, notify.Config{Client: c.client()})
		b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example"})
		b.tell(t, onboarded("a"))
		b.tell(t, onboarded("b"))
		_, stop := b.run(t)
		<-hang
		stop()
		c.answer = nil
		q, _ := b.run(t)
		for _, j := range b.deliveries(t) {
			ended, err := q.Wait(t.Context(), j.ID)
			if err != nil || ended.State != job.Succeeded || ended.Failures != 0 {
				t.Errorf("delivery %s: %s %q after %d failures, %v", j.ID, ended.State, ended.Error, ended.Failures, err)
			}
		}
		if diff := cmp.Diff([]string{"a", "a", "b"}, c.packages()); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
	})
}

func TestADeliveryThatIsCancelledLetsTheNextOneGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{answer: func(*http.Request) (*http.Response, error) { return status(http.StatusInternalServerError) }}
		b := newBench(t, notify.Config{Client: c.client()})
		b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example"})
		b.tell(t, onboarded("a"))
		b.tell(t, onboarded("b"))
		q, _ := b.run(t)
		time.Sleep(10 * time.Minute)
		if slices.Contains(c.packages(), "b") {
			t.Error("the second one was tried before the first had ended")
		}
		jobs := b.deliveries(t)
		c.answer = nil
		if _, err := q.Cancel(t.Context(), jobs[0].ID); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if ended, err := q.Wait(t.Context(), jobs[1].ID); err != nil || ended.State != job.Succeeded {
			t.Errorf("the second one: %s, %v", ended.State, err)
		}
		if took := time.Since(began); took > 11*time.Second {
			t.Errorf("the second one came %s after the cancellation", took)
		}
	})
}

func TestNobodyIsToldAfterUnsubscribing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{}
		b := newBench(t, notify.Config{Client: c.client()})
		sub := b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example"})
		b.tell(t, onboarded("a"))
		if err := b.Unsubscribe(t.Context(), "p", "sol005", sub.ID); err != nil {
			t.Fatal(err)
		}
		b.tell(t, onboarded("b"))
		q, _ := b.run(t)
		jobs := b.deliveries(t)
		if len(jobs) != 1 {
			t.Fatalf("got %d deliveries, want that of before", len(jobs))
		}
		if ended, err := q.Wait(t.Context(), jobs[0].ID); err != nil || ended.State != job.Succeeded {
			t.Errorf("delivery: %s, %v", ended.State, err)
		}
		if got := c.packages(); got != nil {
			t.Errorf("told of %v", got)
		}
	})
}

func TestAFilterThatCannotBeReadKeepsNobodyElseFromBeingTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{}
		b := newBench(t, notify.Config{Client: c.client()})
		unreadable := notify.Subscription{ID: "0", Project: "p", API: "sol005", CallbackURI: "http://old.example", Filter: []byte(`{"was": "there"}`)}
		if _, _, err := b.ledger.Subscriptions().Subscribe(t.Context(), unreadable, 0); err != nil {
			t.Fatal(err)
		}
		sub := b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example"})
		b.tell(t, onboarded("a"))
		q, _ := b.run(t)
		for _, j := range b.deliveries(t) {
			ended, err := q.Wait(t.Context(), j.ID)
			if err != nil || (ended.State == job.Succeeded) != (j.Subject == sub.ID) || j.Subject != sub.ID && !strings.Contains(ended.Error, "filter: ") {
				t.Errorf("delivery of subscription %s: %s %q, %v", j.Subject, ended.State, ended.Error, err)
			}
		}
		if diff := cmp.Diff([]string{"a"}, c.packages()); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
	})
}

func TestNotificationsSayWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consumer{}
		b := newBench(t, notify.Config{Client: c.client()})
		sub := b.subscribe(t, notify.Request{CallbackURI: "http://vnfm.example"})
		b.subscribe(t, notify.Request{CallbackURI: "http://other.example", Project: "other"})
		disabled, deleted := onboarded("a"), onboarded("a")
		disabled.Type, disabled.Operational = vnfpkg.EventOperational, vnfpkg.Disabled
		deleted.Type, deleted.DescriptorID = vnfpkg.EventDeleted, ""
		b.tell(t, onboarded("a"))
		b.tell(t, disabled)
		b.tell(t, deleted)
		q, _ := b.run(t)
		for _, j := range b.deliveries(t) {
			if _, err := q.Wait(t.Context(), j.ID); err != nil {
				t.Fatal(err)
			}
		}
		var want []notify.Notification
		for i, change := range []string{"", "OP_STATE_CHANGE", "PKG_DELETE"} {
			if i >= len(c.got) {
				t.Fatalf("got %d notifications, want 3", len(c.got))
			}
			n := notify.Notification{
				ID: c.got[i].ID, Type: notify.ChangeNotification, SubscriptionID: sub.ID, TimeStamp: onboarded("a").At,
				PackageID: "a", VNFDID: "vnfd-a", ChangeType: change,
			}
			n.Links.Package.Href = sub.Root + "/vnf_packages/a"
			n.Links.Subscription.Href = sub.Root + "/subscriptions/" + sub.ID
			want = append(want, n)
		}
		want[0].Type = notify.OnboardingNotification
		want[1].Operational = vnfpkg.Disabled
		want[2].VNFDID = "a" // it has none of its own
		if diff := cmp.Diff(want, c.got); diff != "" {
			t.Errorf("notifications (-want +got):\n%s", diff)
		}
		if c.got[0].ID == c.got[1].ID || c.got[0].ID == "" {
			t.Error("different events have the same id")
		}
	})
}
