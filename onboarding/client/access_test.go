package client_test

import (
	"testing"

	"github.com/gangway-nfv/gangway/onboarding/access"
	"github.com/gangway-nfv/gangway/onboarding/client"
	"github.com/gangway-nfv/gangway/onboarding/job"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

// Who names no project means that of the token.
func TestTheProjectIsThatOfTheToken(t *testing.T) {
	f := start(t, nil)
	admin := f.client(func(o *client.Options) { o.Token = "blue-admin" })
	add(t, admin, "disk", disk(t, 1))
	add(t, f.client(nil), "other", disk(t, 2))
	var images []string
	for img, err := range admin.Images(t.Context()) {
		resttest.NoError(t, err)
		images = append(images, img.Name)
	}
	if len(images) != 1 || images[0] != "disk" {
		t.Errorf("the images are %q", images)
	}
	events, err := admin.Events(t.Context(), access.EventFilter{})
	resttest.NoError(t, err)
	if len(events) != 1 || events[0].Project != "blue" {
		t.Errorf("the audit log is %+v", events)
	}
	if _, err := admin.Jobs(t.Context(), job.Filter{}); err != nil {
		t.Error(err)
	}
	made, err := admin.CreateToken(t.Context(), access.NewToken{Name: "ci", Role: access.Writer})
	resttest.NoError(t, err)
	if made.Project != "blue" {
		t.Errorf("the token is %+v", made)
	}
}
