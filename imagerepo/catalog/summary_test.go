package catalog_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

func TestSummaries(t *testing.T) {
	c := open(t, t.TempDir())
	defer c.Close()
	older, twin, other, linked := repotest.Image("p", "older", "same"), repotest.Image("p", "twin", "same"), repotest.Image("p", "other", "other"), repotest.Image("q", "linked", "")
	older.CreatedAt = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
	pub := imagerepo.Publication{Images: []imagerepo.Image{older, twin, other, linked}}
	if err := c.Publish(t.Context(), pub, func(imagerepo.Image, []string) error { return nil }); err != nil {
		t.Fatal(err)
	}
	got, err := c.Summaries(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []catalog.Summary{
		{Project: "p", Images: 3, Bytes: older.Size + other.Size, Oldest: older.CreatedAt, Newest: twin.CreatedAt},
		{Project: "q", Images: 1, Oldest: linked.CreatedAt, Newest: linked.CreatedAt},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("summaries (-want +got):\n%s", d)
	}
}
