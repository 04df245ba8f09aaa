package notify

import (
	"cmp"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/vnfpkg"
)

// Kind is the kind of jobs that deliver notifications. Their subject is the ID of
// the subscription.
const Kind job.Kind = "notify"

// Notification is a VnfPackageOnboardingNotification or a
// VnfPackageChangeNotification.
type Notification struct {
	// ID is the same for all subscriptions that are told of one event.
	ID             string    `json:"id"`
	Type           string    `json:"notificationType"`
	SubscriptionID string    `json:"subscriptionId"`
	TimeStamp      time.Time `json:"timeStamp"`
	PackageID      string    `json:"vnfPkgId"`
	VNFDID         string    `json:"vnfdId"`
	// ChangeType and Operational are those of a change. Operational is the new
	// state, for a change of it.
	ChangeType  string             `json:"changeType,omitempty"`
	Operational vnfpkg.Operational `json:"operationalState,omitempty"`
	Links       links              `json:"_links"`
}

type links struct {
	Package      link `json:"vnfPackage"`
	Subscription link `json:"subscription"`
}

type link struct {
	Href string `json:"href"`
}

func typeOf(e vnfpkg.Event) string {
	if e.Type == vnfpkg.EventOnboarded {
		return OnboardingNotification
	}
	return ChangeNotification
}

// descriptorOf returns the vnfdId; a package without one is known by its own ID.
func descriptorOf(e vnfpkg.Event) string { return cmp.Or(e.DescriptorID, e.Package) }

func softwareVersionOf(e vnfpkg.Event) string { return cmp.Or(e.SoftwareVersion, e.Version) }

// delivery is the payload of a job of [Kind].
type delivery struct {
	Notification json.RawMessage `json:"notification"`
}

// Deliveries returns the jobs that tell subscribers of an event, for a store that
// inserts them in the transaction in which the event is stored. Subscriptions of
// other projects, and those whose filter the event does not pass, are left out. That a
// filter cannot be read fails the delivery, and not the change of the package.
func Deliveries(e vnfpkg.Event, subscriptions []Subscription) ([]job.Job, error) {
	id := uuid.NewString()
	var jobs []job.Job
	for _, s := range subscriptions {
		filter, err := ParseFilter(s.Filter)
		if s.Project != e.Project || err == nil && !filter.Matches(e) {
			continue
		}
		n := Notification{
			ID: id, Type: typeOf(e), SubscriptionID: s.ID, TimeStamp: e.At.UTC(), PackageID: e.Package, VNFDID: descriptorOf(e),
			Links: links{Package: link{s.Root + "/vnf_packages/" + e.Package}, Subscription: link{s.Root + "/subscriptions/" + s.ID}},
		}
		switch e.Type {
		case vnfpkg.EventOperational:
			n.ChangeType, n.Operational = "OP_STATE_CHANGE", e.Operational
		case vnfpkg.EventDeleted:
			n.ChangeType = "PKG_DELETE"
		}
		text, err := json.Marshal(n)
		if err != nil {
			return nil, fmt.Errorf("subscription %s: %w", s.ID, err)
		}
		j, err := new(job.Queue).Prepare(job.New{Project: e.Project, Kind: Kind, Subject: s.ID, By: "subscription " + s.ID, Payload: delivery{text}})
		if err != nil {
			return nil, fmt.Errorf("subscription %s: %w", s.ID, err)
		}
		jobs = append(jobs, j)
	}
	return jobs, nil
}
