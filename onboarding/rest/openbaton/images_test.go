package openbaton_test

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

func disk(t *testing.T, seed uint64) []byte {
	t.Helper()
	content, err := io.ReadAll(onboardingtest.QCOW2(384<<10, 1<<20, seed).Reader())
	resttest.NoError(t, err)
	return content
}

// addImage adds an image and returns its ID.
func (f *fixture) addImage(t *testing.T, name string, content []byte) string {
	t.Helper()
	return resttest.Into[struct{ ID string }](t, f.upload(t, "/api/v1/nfvimage?name="+url.QueryEscape(name), content).Want(t, 201)).ID
}

func TestImages(t *testing.T) {
	f := start(t)
	const query = "/api/v1/nfvimage?name=cirros&minRam=64&minDiskSpace=1&minCPU=2&isPublic=true&diskFormat=QCOW2&containerFormat=BARE"
	added := f.upload(t, query, disk(t, 1)).Want(t, 201)
	got := resttest.Into[map[string]any](t, added)
	want := map[string]any{"name": "cirros", "projectId": "red", "minRam": 64.0, "minDiskSpace": 1.0, "minCPU": "2", "isPublic": true,
		"diskFormat": "qcow2", "containerFormat": "bare", "size": float64(len(disk(t, 1))), "storedLocally": true, "isInImageRepo": true}
	for name, value := range want {
		if d := cmp.Diff(value, got[name]); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	path := "/api/v1/nfvimage/" + got["id"].(string)
	if shown := f.Do(t, "GET", path, nil).Want(t, 200); shown.Text != added.Text {
		t.Errorf("shown as %s", shown.Text)
	}
	if list := f.Do(t, "GET", "/api/v1/nfvimage/", nil).Want(t, 200); list.Text != "["+strings.TrimSpace(added.Text)+"]\n" {
		t.Errorf("listed as %s", list.Text)
	}
	f.Do(t, "DELETE", path, nil, "Authorization: Bearer "+f.reader).Want(t, 403)
	f.Do(t, "DELETE", path, nil).Want(t, 204)
	f.Do(t, "GET", path, nil).Want(t, 404)
	f.wantNothing(t)

	pkg := f.onboard(t, spec("iperf", 1))
	path = "/api/v1/nfvimage/" + f.named(t, "/api/v1/nfvimage")["iperf-image"]
	f.Do(t, "DELETE", path, nil).Want(t, 409)
	f.Do(t, "DELETE", "/api/v1/vnf-packages/"+pkg, nil).Want(t, 204)
	f.wantNothing(t)
}

func TestImagesThatAreRefused(t *testing.T) {
	f := start(t)
	origin := httptest.NewServer(http.NotFoundHandler())
	defer origin.Close()
	const add = "/api/v1/nfvimage"
	for name, test := range map[string]struct {
		path    string
		content []byte
		fields  []string
		status  int
		detail  string
	}{
		"no name":                     {add, disk(t, 1), nil, 400, `"name" is missing`},
		"neither file nor URL":        {add + "?name=x", nil, nil, 400, "exactly one"},
		"both file and URL":           {add + "?name=x&url=http://127.0.0.1/x", disk(t, 1), nil, 400, "exactly one"},
		"memory that is no number":    {add + "?name=x&minRam=1GB", disk(t, 1), nil, 400, `"minRam"`},
		"less disk than none":         {add + "?name=x&minDiskSpace=-1", disk(t, 1), nil, 400, `"minDiskSpace"`},
		"visibility that is no truth": {add + "?name=x", disk(t, 1), []string{"isPublic", "maybe"}, 400, `"isPublic"`},
		"another format than stated":  {add, disk(t, 1), []string{"name", "x", "diskFormat", "vmdk"}, 422, "image-format"},
		"more than the limit":         {add + "?name=x", make([]byte, 4<<20+1), nil, 413, ""},
		"a URL that has no image":     {add + "?name=x&url=" + origin.URL, nil, nil, 422, "404"},
		"a URL that is guarded":       {add + "?name=x&url=http://169.254.169.254/", nil, nil, 422, "169.254.169.254"},
		"a URL with a password":       {add + "?name=x&url=" + strings.Replace(origin.URL, "://", "://ci:hush@", 1), nil, nil, 422, "credentials"},
		"a URL that is none":          {add + "?name=x&url=/etc/passwd", nil, nil, 422, "http"},
	} {
		t.Run(name, func(t *testing.T) {
			body, kind := form(test.content, test.fields...)
			answer := f.Do(t, "POST", test.path, body, kind).Want(t, test.status)
			if !strings.Contains(message(t, answer), test.detail) {
				t.Errorf("message %q", message(t, answer))
			}
			f.wantNothing(t)
		})
	}
}

func TestAnImageByURL(t *testing.T) {
	f := start(t)
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(disk(t, 1)) }))
	defer origin.Close()
	path := "/api/v1/nfvimage?name=cirros&url=" + origin.URL + "/cirros"
	added := resttest.Into[map[string]any](t, f.Do(t, "POST", path, nil).Want(t, 201))
	if added["url"] != origin.URL+"/cirros" || added["storedLocally"] != true || added["diskFormat"] != "qcow2" {
		t.Errorf("image %v", added)
	}
	f.Do(t, "POST", path, nil).Want(t, 409)
}

func TestAnImageByURLIsNoUpload(t *testing.T) {
	f := start(t)
	f.Packages.Limits.ProjectUploads = 1
	var meanwhile int
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if meanwhile == 0 {
			body, kind := form(disk(t, 2))
			resp, err := f.Send(t.Context(), "POST", "/api/v1/nfvimage?name=other", body, kind)
			if err != nil {
				t.Error(err)
				return
			}
			meanwhile = resp.StatusCode
			resp.Body.Close()
		}
		_, _ = w.Write(disk(t, 1))
	}))
	defer origin.Close()
	f.Do(t, "POST", "/api/v1/nfvimage?name=cirros&url="+origin.URL+"/cirros", nil).Want(t, 201)
	if meanwhile != http.StatusCreated {
		t.Errorf("an upload meanwhile is answered with %d", meanwhile)
	}
}

func TestATakenNameIsRefused(t *testing.T) {
	f := start(t)
	id := f.addImage(t, "cirros", disk(t, 1))
	for name, content := range map[string][]byte{"other bytes": disk(t, 2), "the same bytes": disk(t, 1)} {
		t.Run(name, func(t *testing.T) {
			answer := f.upload(t, "/api/v1/nfvimage?name=cirros", content).Want(t, 409)
			if !strings.Contains(message(t, answer), id) {
				t.Errorf("message %q", message(t, answer))
			}
		})
	}
	if d := cmp.Diff(map[string]string{"cirros": id}, f.named(t, "/api/v1/nfvimage")); d != "" {
		t.Errorf("images (-want +got):\n%s", d)
	}
}

func TestOneOfManyGetsAName(t *testing.T) {
	f := start(t)
	statuses := make(chan int, 4)
	for seed := range cap(statuses) {
		content := disk(t, uint64(seed/2)) // two of them have the same bytes
		go func() {
			body, kind := form(content)
			_, kind, _ = strings.Cut(kind, ": ")
			req, err := http.NewRequestWithContext(t.Context(), "POST", f.URL+"/api/v1/nfvimage?name=cirros", body)
			if err == nil {
				req.Header.Set("Authorization", "Bearer "+f.writer)
				req.Header.Set("Content-Type", kind)
				var resp *http.Response
				if resp, err = f.Client().Do(req); err == nil {
					err = resp.Body.Close()
					statuses <- resp.StatusCode
				}
			}
			if err != nil {
				t.Error(err)
				statuses <- 0
			}
		}()
	}
	got := map[int]int{}
	for range cap(statuses) {
		got[<-statuses]++
	}
	if d := cmp.Diff(map[int]int{201: 1, 409: 3}, got); d != "" {
		t.Errorf("answers (-want +got):\n%s", d)
	}
}

func TestOneImageTokens(t *testing.T) {
	f := start(t)
	content := disk(t, 1)
	id, other := f.addImage(t, "cirros", content), f.addImage(t, "other", disk(t, 2))
	path := "/api/v1/nfvimage/file/" + id
	const nobody = "Authorization: "
	issued := resttest.Into[struct {
		Token, URL string
		ExpiresIn  int64 `json:"expires_in"`
	}](t, f.Do(t, "POST", path+"/token", nil, "Authorization: Bearer "+f.reader).Want(t, 200))
	if issued.URL != f.URL+path+"?token="+issued.Token || issued.ExpiresIn != 900 {
		t.Errorf("issued %+v", issued)
	}

	t.Run("give the whole file", func(t *testing.T) {
		answer := f.Do(t, "GET", path+"?token="+issued.Token, nil, nobody).Want(t, 200)
		if !bytes.Equal([]byte(answer.Text), content) || answer.Header.Get("Etag") == "" {
			t.Errorf("%d bytes with %v", len(answer.Text), answer.Header)
		}
	})
	t.Run("give a range", func(t *testing.T) {
		answer := f.Do(t, "GET", path+"?token="+issued.Token, nil, nobody, "Range: bytes=1000-1999").Want(t, 206)
		if !bytes.Equal([]byte(answer.Text), content[1000:2000]) {
			t.Errorf("%d bytes", len(answer.Text))
		}
		f.Do(t, "GET", path+"?token="+issued.Token, nil, nobody, "Range: bytes=9999999-").Want(t, 416)
	})

	raw, err := base64.RawURLEncoding.DecodeString(issued.Token)
	resttest.NoError(t, err)
	later := bytes.Clone(raw)
	later[6]++ // 256 s
	cut := raw[:len(raw)-1]
	for name, target := range map[string]string{
		"of another image":        "/api/v1/nfvimage/file/" + other + "?token=" + issued.Token,
		"with a later end":        path + "?token=" + base64.RawURLEncoding.EncodeToString(later),
		"cut short":               path + "?token=" + base64.RawURLEncoding.EncodeToString(cut),
		"with more behind it":     path + "?token=" + issued.Token + "A",
		"that are none":           path + "?token=" + f.writer,
		"left out":                path,
		"for what is not there":   "/api/v1/nfvimage/file/none?token=" + issued.Token,
		"in the bearer's place":   path,
		"that are empty":          path + "?token=",
		"that are not in Base64":  path + "?token=%00",
		"of the image as a token": path + "?token=" + id,
	} {
		t.Run("are refused "+name, func(t *testing.T) {
			answer := f.Do(t, "GET", target, nil).Want(t, 401)
			if got := resttest.Into[struct{ Error string }](t, answer).Error; got != "invalid_token" {
				t.Errorf("error %q", got)
			}
		})
	}
	t.Run("open nothing else", func(t *testing.T) {
		f.Do(t, "GET", "/api/v1/nfvimage/"+id+"?token="+issued.Token, nil, nobody).Want(t, 401)
		f.Do(t, "GET", "/api/v1/nfvimage/"+id, nil, "Authorization: Bearer "+issued.Token).Want(t, 401)
	})
	t.Run("are not for other projects", func(t *testing.T) {
		blue := f.token(t, "blue", "blue", "admin")
		f.Do(t, "POST", path+"/token", nil, "Authorization: Bearer "+blue).Want(t, 404)
	})
	t.Run("end", func(t *testing.T) {
		f.Ahead.Store(int64(15*time.Minute - 5*time.Second))
		f.Do(t, "GET", path+"?token="+issued.Token, nil, nobody).Want(t, 200)
		f.Ahead.Store(int64(15 * time.Minute))
		f.Do(t, "GET", path+"?token="+issued.Token, nil, nobody).Want(t, 401)
	})
	t.Run("end with the image", func(t *testing.T) {
		f.Ahead.Store(0)
		f.Do(t, "DELETE", "/api/v1/nfvimage/"+id, nil).Want(t, 204)
		f.Do(t, "GET", path+"?token="+issued.Token, nil, nobody).Want(t, 404)
	})
}
