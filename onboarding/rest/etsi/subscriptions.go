package etsi

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/gangway-nfv/gangway/onboarding/notify"
	"github.com/gangway-nfv/gangway/onboarding/rest"
)

// subscriptionInfo is PkgmSubscription (SOL005, clause 9.5.2.4; SOL003, clause
// 10.5.2.4), with its filter as the subscriber wrote it.
type subscriptionInfo struct {
	ID          string          `json:"id"`
	Filter      json.RawMessage `json:"filter,omitempty"`
	CallbackURI string          `json:"callbackUri"`
	Links       selfLink        `json:"_links"`
}

// subscriptionAttributes are the attributes of a subscription that a query may name.
type subscriptionAttributes struct {
	subscriptionInfo
	Filter notify.Filter `json:"filter,omitzero"`
}

type selfLink struct {
	Self Link `json:"self"`
}

// subscriptionRequest is PkgmSubscriptionRequest (SOL005, clause 9.5.2.3).
type subscriptionRequest struct {
	Filter         json.RawMessage        `json:"filter"`
	CallbackURI    string                 `json:"callbackUri"`
	Authentication *notify.Authentication `json:"authentication"`
}

func (d *door) subscriptionInfo(r *http.Request, s notify.Subscription) subscriptionInfo {
	return subscriptionInfo{ID: s.ID, Filter: s.Filter, CallbackURI: s.CallbackURI, Links: selfLink{Link{d.root(r) + "/subscriptions/" + s.ID}}}
}

// listSubscriptions answers with the subscriptions of a project.
func (d *door) listSubscriptions(w http.ResponseWriter, r *http.Request) error {
	q, err := parse(d.subscription, r)
	if err != nil {
		return err
	}
	all := d.Subscriptions.List(r.Context(), project(r), d.api, q.After)
	return page(w, r, q, d.PageSize, func(yield func(listed, error) bool) {
		for s, err := range all {
			if !yield(listed{s.ID, d.subscriptionInfo(r, s)}, err) {
				return
			}
		}
	})
}

// showSubscription answers with one subscription.
func (d *door) showSubscription(w http.ResponseWriter, r *http.Request) error {
	s, err := d.Subscriptions.Get(r.Context(), project(r), d.api, r.PathValue("id"))
	if err != nil {
		return problem(err)
	}
	rest.WriteJSON(w, http.StatusOK, d.subscriptionInfo(r, s))
	return nil
}

// subscribe makes a subscription. For one that is there already it leads to that.
func (d *door) subscribe(w http.ResponseWriter, r *http.Request) error {
	var request subscriptionRequest
	if err := rest.ReadJSON(r, &request); err != nil {
		return err
	}
	if string(request.Filter) == "null" {
		request.Filter = nil
	}
	s, existed, err := d.Subscriptions.Subscribe(r.Context(), notify.Request{
		Project: project(r), API: d.api, Root: d.root(r),
		CallbackURI: request.CallbackURI, Filter: request.Filter, Authentication: request.Authentication,
	})
	if err != nil {
		return problem(err)
	}
	rest.Target(r.Context(), s.ID)
	info := d.subscriptionInfo(r, s)
	w.Header().Set("Location", info.Links.Self.Href)
	if existed {
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	rest.WriteJSON(w, http.StatusCreated, info)
	return nil
}

// unsubscribe ends a subscription.
func (d *door) unsubscribe(w http.ResponseWriter, r *http.Request) error {
	if err := d.Subscriptions.Unsubscribe(r.Context(), project(r), d.api, r.PathValue("id")); err != nil {
		return problem(err)
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// problem says what the errors of subscriptions mean to a subscriber.
func problem(err error) error {
	if errors.Is(err, notify.ErrNotFound) {
		return rest.Errorf(http.StatusNotFound, "there is no such subscription")
	}
	if invalid, ok := errors.AsType[*notify.InvalidError](err); ok {
		if invalid.Unsupported {
			return rest.Errorf(http.StatusUnprocessableEntity, "%s", invalid)
		}
		return rest.Errorf(http.StatusBadRequest, "%s", invalid)
	}
	if failed, ok := errors.AsType[*notify.EndpointError](err); ok {
		return rest.Errorf(http.StatusUnprocessableEntity, "%s", failed)
	}
	return err
}
