package glancetest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/gangway-nfv/gangway/vim/glancetest"
)

// idA is an image of nfvo's that start puts into the first region, queued.
const idA = "0a000000-0000-4000-8000-000000000000"

// A client talks to the first region of a server as nfvo.
type client struct {
	*testing.T
	*glancetest.Server
	*http.Client
	token string
}

func start(t *testing.T, o glancetest.Options) *client {
	t.Helper()
	c := &client{T: t, Server: glancetest.New(o), Client: &http.Client{Transport: &http.Transport{}}}
	t.Cleanup(c.Server.Close)
	t.Cleanup(c.CloseIdleConnections)
	c.token = c.login("nfvo")
	c.Glance("").Put(glancetest.Image{
		ID: idA, Name: "image", Owner: glancetest.ProjectID("nfvo"), DiskFormat: "qcow2", ContainerFormat: "bare",
	})
	return c
}

func (c *client) login(user string) (token string) {
	c.Helper()
	resp, err := c.Post(c.AuthURL+"/auth/tokens", "application/json", strings.NewReader(fmt.Sprintf(passwordLogin, user, "secret", user)))
	if err != nil {
		c.Fatal(err)
	}
	resp.Body.Close()
	return resp.Header.Get("X-Subject-Token")
}

// send sends a request; the status 0 means that no answer came.
func (c *client) send(method, path string, body io.Reader) (status int, answer string, header http.Header) {
	c.Helper()
	req, err := http.NewRequestWithContext(c.Context(), method, c.Glance("").URL+path, body)
	if err != nil {
		c.Fatal(err)
	}
	req.Header.Set("X-Auth-Token", c.token)
	req.Header.Set("Accept", "application/json")
	if method == "PUT" {
		req.Header.Set("Content-Type", "application/octet-stream")
	}
	// A broken connection is not to be tried again.
	req.GetBody = nil
	resp, err := c.Do(req)
	if err != nil {
		return 0, "", nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, "", nil
	}
	return resp.StatusCode, string(text), resp.Header
}

// upload sends a file to image A, in chunks.
func (c *client) upload(content string) int {
	c.Helper()
	status, _, _ := c.send("PUT", "/v2/images/"+idA+"/file", io.MultiReader(strings.NewReader(content)))
	return status
}

func (c *client) image() glancetest.Image {
	c.Helper()
	img, ok := c.Glance("").Image(idA)
	if !ok {
		c.Fatal("image A is gone")
	}
	return img
}

func TestStartRefusesWhatItCannotBe(t *testing.T) {
	for name, o := range map[string]glancetest.Options{
		"an unknown hash":               {Regions: []glancetest.Region{{Name: "R", HashAlgorithm: "crc32"}}},
		"two regions of one name":       {Regions: []glancetest.Region{{Name: "R"}, {Name: "R"}}},
		"an address without a port":     {Addr: "127.0.0.1"},
		"an address of another machine": {Addr: "192.0.2.1:0"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := glancetest.Start(o)
			if err == nil {
				s.Close()
				t.Fatal("started")
			}
		})
	}
}

func TestServerListensWhereItIsTold(t *testing.T) {
	first := glancetest.New(glancetest.Options{})
	first.Close()
	addr := strings.TrimSuffix(strings.TrimPrefix(first.AuthURL, "http://"), "/v3")
	second, err := glancetest.Start(glancetest.Options{Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if second.AuthURL != first.AuthURL {
		t.Fatalf("listens on %s, want %s", second.AuthURL, first.AuthURL)
	}
}

func TestRegionsKeepTheirOwnImagesHashesAndNumbers(t *testing.T) {
	c := start(t, glancetest.Options{Regions: []glancetest.Region{
		{Name: "RegionOne", HashAlgorithm: "sha256", NoChecksum: true}, {Name: "RegionTwo"},
	}})
	if status := c.upload("abc"); status != http.StatusNoContent {
		t.Fatal(status)
	}
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" // FIPS 180-2, B.1
	img := c.image()
	if img.HashAlgo != "sha256" || img.HashValue != abc || img.Checksum != "" || img.Size != 3 {
		t.Errorf("image: %+v", img)
	}
	if n := len(c.Glance("RegionTwo").Images()); n != 0 {
		t.Errorf("RegionTwo has %d images", n)
	}
	if c.Glance("RegionThree") != nil {
		t.Error("there is a RegionThree")
	}
	one, two, all := c.Glance("RegionOne").Stats(), c.Glance("RegionTwo").Stats(), c.Stats()
	if one.BytesReceived != 3 || one.ImageBytes[idA] != 3 || one.UploadsStarted != 1 || one.UploadsFinished != 1 {
		t.Errorf("RegionOne: %+v", one)
	}
	if two.BytesReceived != 0 || len(two.Requests) != 0 {
		t.Errorf("RegionTwo: %+v", two)
	}
	if all.Requests[glancetest.Authenticate] != 1 || all.Requests[glancetest.Upload] != 1 || all.BytesReceived != 3 {
		t.Errorf("all: %+v", all)
	}
}

func TestContentIsKeptAsTold(t *testing.T) {
	for name, tt := range map[string]struct {
		content glancetest.Content
		status  int
		text    string
		hashed  bool
	}{
		"hashed only": {glancetest.HashOnly, http.StatusNotImplemented, "", true},
		"in memory":   {glancetest.InMemory, http.StatusOK, "content", true},
		"in files":    {glancetest.InFiles, http.StatusOK, "content", true},
		"discarded":   {glancetest.Discard, http.StatusNotImplemented, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, glancetest.Options{Regions: []glancetest.Region{{Content: tt.content}}})
			if status := c.upload("content"); status != http.StatusNoContent {
				t.Fatal(status)
			}
			status, text, _ := c.send("GET", "/v2/images/"+idA+"/file", nil)
			if status != tt.status || tt.text != "" && text != tt.text {
				t.Errorf("file: %d %s", status, text)
			}
			if img := c.image(); img.Size != 7 || img.HashValue != "" != tt.hashed {
				t.Errorf("image: %+v", img)
			}
		})
	}
}

func TestCloseRemovesKeptFiles(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	c := start(t, glancetest.Options{Regions: []glancetest.Region{{Content: glancetest.InFiles}}})
	if status := c.upload("content"); status != http.StatusNoContent {
		t.Fatal(status)
	}
	c.Server.Close()
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestUploadOverALimitIsRefusedAndLeavesTheImageQueued(t *testing.T) {
	const tooMuch = "0123456789"
	for name, region := range map[string]glancetest.Region{
		"size cap": {SizeCap: 9},
		"quota":    {Quota: 12},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, glancetest.Options{Regions: []glancetest.Region{region}})
			c.Glance("").Put(glancetest.Image{Owner: glancetest.ProjectID("nfvo"), Status: "active", Size: 3})
			c.Glance("").Put(glancetest.Image{Owner: glancetest.ProjectID("other"), Status: "active", Size: 9})
			if status := c.upload(tooMuch); status != http.StatusRequestEntityTooLarge {
				t.Errorf("in chunks: %d", status)
			}
			read := c.Stats().BytesReceived
			status, _, _ := c.send("PUT", "/v2/images/"+idA+"/file", strings.NewReader(tooMuch))
			if read = c.Stats().BytesReceived - read; status != http.StatusRequestEntityTooLarge || read != 0 {
				t.Errorf("with its length: %d after %d bytes", status, read)
			}
			if img := c.image(); img.Status != "queued" {
				t.Errorf("status %s", img.Status)
			}
			if status := c.upload(tooMuch[:9]); status != http.StatusNoContent {
				t.Errorf("what fits: %d", status)
			}
		})
	}
}

func TestImportIsNotOffered(t *testing.T) {
	c := start(t, glancetest.Options{})
	_, text, _ := c.send("GET", "/v2/info/import", nil)
	var info struct {
		Methods struct{ Value []string } `json:"import-methods"`
	}
	if err := json.Unmarshal([]byte(text), &info); err != nil || info.Methods.Value == nil || len(info.Methods.Value) != 0 {
		t.Errorf("methods: %v %s", err, text)
	}
}
