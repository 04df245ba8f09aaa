package catalog_test

import (
	"path/filepath"
	"testing"

	"github.com/gangway-nfv/gangway/imagerepo"
	"github.com/gangway-nfv/gangway/imagerepo/catalog"
	"github.com/gangway-nfv/gangway/imagerepo/repotest"
)

func open(t *testing.T, folder string) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open(t.Context(), filepath.Join(folder, "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConformance(t *testing.T) {
	repotest.Catalog(t, func(t *testing.T, folder string) imagerepo.Catalog { return open(t, folder) })
}
