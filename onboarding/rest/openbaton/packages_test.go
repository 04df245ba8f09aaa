package openbaton_test

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/gangway-nfv/gangway/onboarding/onboardingtest"
	"github.com/gangway-nfv/gangway/onboarding/rest/resttest"
)

// A package is never in memory as a whole: it is on the disk while it arrives.
func TestAPackageOf20MBIsStreamed(t *testing.T) {
	f := start(t)
	image := onboardingtest.QCOW2(20<<20, 1<<30, 1)
	s := onboardingtest.Spec{Name: "large", Images: []onboardingtest.SoftwareImage{onboardingtest.Embed("large-image", image)}}
	out, in := io.Pipe()
	w := multipart.NewWriter(in)
	arrived := make(chan int64, 1)
	go func() {
		part, err := w.CreatePart(filePart)
		if err == nil {
			watched := &watch{Writer: part, at: 16 << 20, reached: func() { arrived <- f.spooled() }}
			err = onboardingtest.Write(watched, onboardingtest.Tar, onboardingtest.OpenBatonTar(s))
		}
		if err == nil {
			err = w.Close()
		}
		in.CloseWithError(err)
	}()
	answer := f.Do(t, "POST", "/api/v1/vnf-packages", out, "Content-Type: "+w.FormDataContentType()).Want(t, 200)
	if got := <-arrived; got == 0 {
		t.Error("nothing is on the disk after 16 of 20 MB")
	}
	if got := resttest.Into[struct{ Name string }](t, answer).Name; got != "large" {
		t.Errorf("answer %s", answer.Text)
	}
	images := resttest.Into[[]struct{ SHA256 string }](t, f.Do(t, "GET", "/api/v1/nfvimage", nil).Want(t, 200))
	if len(images) != 1 || images[0].SHA256 != image.SHA256() {
		t.Errorf("images %+v", images)
	}
}

// watch calls reached when so many bytes were written.
type watch struct {
	io.Writer
	at      int64
	reached func()
}

func (w *watch) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if before := w.at; before > 0 {
		if w.at -= int64(n); w.at <= 0 {
			w.reached()
		}
	}
	return n, err
}

// spooled returns how many bytes of packages are on the disk.
func (f *fixture) spooled() (bytes int64) {
	entries, _ := os.ReadDir(filepath.Join(f.Home, "packages"))
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			bytes += info.Size()
		}
	}
	return bytes
}

func TestAMessageHasEveryFinding(t *testing.T) {
	f := start(t)
	members := onboardingtest.OpenBatonTar(spec("iperf", 1))
	members[0] = onboardingtest.Text("Metadata.yaml", "name: other\nversion: '1.0'\n")
	answer := f.upload(t, "/api/v1/vnf-packages", onboardingtest.Bytes(onboardingtest.Tar, members)).Want(t, 422)
	findings := resttest.Into[struct {
		Findings []struct{ Code, Message, Cure string }
	}](t, answer).Findings
	if len(findings) < 3 {
		t.Errorf("findings %+v", findings)
	}
	for _, finding := range findings {
		for _, part := range []string{finding.Code, finding.Message, finding.Cure} {
			if !strings.Contains(message(t, answer), part) {
				t.Errorf("the message has no %q", part)
			}
		}
	}
	f.wantNothing(t)
}

func TestUploadsThatAreRefused(t *testing.T) {
	f := start(t)
	good := tarOf(spec("iperf", 1))
	whole, kind := form(good)
	text, err := io.ReadAll(whole)
	resttest.NoError(t, err)
	_, boundary, _ := strings.Cut(kind, "boundary=")
	last := []byte("--\r\n")
	for name, test := range map[string]struct {
		body   []byte
		kind   string
		status int
		detail string
	}{
		"no body":            {nil, "", 400, `no part "file"`},
		"no form":            {good, "Content-Type: application/x-tar", 400, "multipart/form-data"},
		"no file":            {[]byte("--" + boundary + "--\r\n"), kind, 400, `no part "file"`},
		"no boundary":        {text, "Content-Type: multipart/form-data", 400, "boundary"},
		"an end in the file": {text[:len(text)/2], kind, 400, "broke off"},
		"no end of the form": {bytes.TrimSuffix(text, last), kind, 400, "broke off"},
		"a field behind it": {append(bytes.TrimSuffix(slices.Clone(text), last),
			[]byte("\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n--"+boundary+"--\r\n")...), kind, 400, `"x" comes behind`},
	} {
		t.Run(name, func(t *testing.T) {
			var header []string
			if test.kind != "" {
				header = []string{test.kind}
			}
			answer := f.Do(t, "POST", "/api/v1/vnf-packages", bytes.NewReader(test.body), header...).Want(t, test.status)
			if !strings.Contains(message(t, answer), test.detail) {
				t.Errorf("message %q", message(t, answer))
			}
			f.wantNothing(t)
		})
	}
	t.Run("no package", func(t *testing.T) {
		f.upload(t, "/api/v1/vnf-packages", []byte("<html>")).Want(t, 422)
		f.wantNothing(t)
	})
	t.Run("by a reader", func(t *testing.T) {
		f.upload(t, "/api/v1/vnf-packages", good, "Authorization: Bearer "+f.reader).Want(t, 403)
		f.wantNothing(t)
	})
}

func TestTheFieldsBeforeAFileAreBounded(t *testing.T) {
	f := start(t)
	fields := func(number int, name, value string) []string {
		var out []string
		for range number {
			out = append(out, name, value)
		}
		return out
	}
	half := strings.Repeat("x", 32<<10-1)
	for name, test := range map[string]struct {
		fields []string
		status int
	}{
		"the most fields":         {fields(64, "x", "1"), 200},
		"one more":                {fields(65, "x", "1"), 400},
		"the most bytes":          {fields(2, "x", half), 200},
		"one more byte":           {append(fields(2, "x", half), "", "1"), 400},
		"the name is all of them": {fields(1, strings.Repeat("x", 64<<10), "1"), 400},
	} {
		t.Run(name, func(t *testing.T) {
			body, kind := form(tarOf(spec("iperf", 1)), test.fields...)
			f.Do(t, "POST", "/api/v1/vnf-packages", body, kind).Want(t, test.status)
		})
	}
	t.Run("a header that nobody looks at", func(t *testing.T) {
		body := "--b\r\nContent-Disposition: form-data; name=x\r\nX-Long: " + strings.Repeat("x", 192<<10) + "\r\n\r\n1\r\n--b--\r\n"
		answer := f.Do(t, "POST", "/api/v1/vnf-packages", strings.NewReader(body), "Content-Type: multipart/form-data; boundary=b").Want(t, 400)
		if !strings.Contains(message(t, answer), "more than 65536 bytes") {
			t.Errorf("message %q", message(t, answer))
		}
	})
}

func TestWhatIsThereIsKept(t *testing.T) {
	f := start(t)
	id := f.onboard(t, spec("iperf", 1))
	images := f.named(t, "/api/v1/nfvimage")

	if again := f.onboard(t, spec("iperf", 1)); again != id {
		t.Errorf("the same package is %s and %s", id, again)
	}
	other := spec("other", 2)
	other.Images[0].Name = "iperf-image"
	f.onboard(t, other)
	if d := cmp.Diff(images, f.named(t, "/api/v1/nfvimage")); d != "" {
		t.Errorf("images (-before +after):\n%s", d)
	}
	changed := spec("iperf", 1)
	changed.Images[0].MinRAM = 64
	answer := f.upload(t, "/api/v1/vnf-packages", tarOf(changed)).Want(t, 422)
	if !strings.Contains(answer.Text, "package-exists") {
		t.Errorf("answer %s", answer.Text)
	}
	if d := cmp.Diff([]string{"iperf", "other"}, slices.Sorted(func(yield func(string) bool) {
		for name := range f.named(t, "/api/v1/vnf-packages") {
			if !yield(name) {
				return
			}
		}
	})); d != "" {
		t.Errorf("packages (-want +got):\n%s", d)
	}
}

func TestCSARs(t *testing.T) {
	f := start(t)
	csar := onboardingtest.Bytes(onboardingtest.ZipDeflated, onboardingtest.OpenBatonCSAR(spec("iperf", 1)))
	for _, path := range []string{"/api/v1/csar-vnfd", "/api/v1/csar-nsd/"} {
		answer := f.upload(t, path, csar).Want(t, 200)
		want := map[string]any{"id": f.named(t, "/api/v1/vnf-packages")["iperf"]}
		if d := cmp.Diff(want, resttest.Into[map[string]any](t, answer)); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
	// What is no JSON in the package is told as Open Baton would.
	vnfd := resttest.Into[map[string]any](t, f.upload(t, "/api/v1/vnf-packages", csar).Want(t, 200))
	if d := cmp.Diff([]any{map[string]any{"name": "VDU1", "vm_image": []any{"iperf-image"}}}, vnfd["vdu"]); d != "" || vnfd["vendor"] != "gangway" {
		t.Errorf("descriptor %v (-want +got):\n%s", vnfd, d)
	}
}

// A VDU that names no image can take any of the metadata, which its descriptor says
// when the package is onboarded.
func TestADescriptorNamesTheImagesOfTheMetadata(t *testing.T) {
	f := start(t)
	vnfd := resttest.Into[struct {
		VDU []struct {
			Image []string `json:"vm_image"`
		}
	}](t, f.upload(t, "/api/v1/vnf-packages", tarOf(onboardingtest.Spec{Name: "iperf"})).Want(t, 200))
	if len(vnfd.VDU) != 1 || !slices.Equal(vnfd.VDU[0].Image, []string{"cirros"}) {
		t.Errorf("descriptor %+v", vnfd)
	}
}

func TestPackagesByLink(t *testing.T) {
	f := start(t)
	market := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/iperf.tar":
			_, _ = w.Write(tarOf(spec("iperf", 1)))
		case "/bad.tar":
			_, _ = w.Write(onboardingtest.Bytes(onboardingtest.Tar, []onboardingtest.Member{onboardingtest.Text("x", "y")}))
		default:
			http.NotFound(w, r)
		}
	}))
	defer market.Close()
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"that is not there":       {`{"link": "` + market.URL + `/none"}`, 422},
		"of what is no package":   {`{"link": "` + market.URL + `/bad.tar"}`, 422},
		"to a guarded address":    {`{"link": "http://169.254.169.254/x"}`, 422},
		"to a file":               {`{"link": "file:///etc/passwd"}`, 422},
		"that is none":            {`{}`, 400},
		"that is no string":       {`{"link": 1}`, 400},
		"in what is not JSON":     {`link`, 400},
		"in a body without bytes": {"", 400},
	} {
		t.Run(name, func(t *testing.T) {
			f.Do(t, "POST", "/api/v1/vnf-packages/marketdownload", strings.NewReader(test.body)).Want(t, test.status)
			f.wantNothing(t)
		})
	}
	for _, path := range []string{"marketdownload", "package-repository-download/"} {
		answer := f.Do(t, "POST", "/api/v1/vnf-packages/"+path, strings.NewReader(`{"link": "`+market.URL+`/iperf.tar"}`)).Want(t, 200)
		if d := cmp.Diff(map[string]any{"id": f.named(t, "/api/v1/vnf-packages")["iperf"]}, resttest.Into[map[string]any](t, answer)); d != "" {
			t.Errorf("%s (-want +got):\n%s", path, d)
		}
	}
}

func TestScripts(t *testing.T) {
	f := start(t)
	path := "/api/v1/vnf-packages/" + f.onboard(t, spec("iperf", 1))
	scripts := resttest.Into[struct{ Scripts []struct{ ID, Name string } }](t, f.Do(t, "GET", path, nil).Want(t, 200)).Scripts
	if len(scripts) != 1 || scripts[0].Name != "install.sh" {
		t.Fatalf("scripts %+v", scripts)
	}
	path += "/scripts/"
	answer := f.Do(t, "GET", path+scripts[0].ID, nil).Want(t, 200)
	if answer.Text != "#!/bin/sh\nexit 0\n" || answer.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("%s of type %s", answer.Text, answer.Header.Get("Content-Type"))
	}
	answer = f.Do(t, "PUT", path+scripts[0].ID, strings.NewReader("#!/bin/sh\n"), "Content-Type: text/plain").Want(t, 409)
	if !strings.Contains(message(t, answer), "scripts/install.sh into the package, give it a higher version") {
		t.Errorf("message %q", message(t, answer))
	}
	for _, method := range []string{"GET", "PUT"} {
		f.Do(t, method, path+"none", strings.NewReader("")).Want(t, 404)
	}
}

func TestOnlyWhatIsSoAlreadyCanBePut(t *testing.T) {
	f := start(t)
	path := "/api/v1/vnf-packages/" + f.onboard(t, spec("iperf", 1))
	shown := f.Do(t, "GET", path, nil).Want(t, 200).Text
	for name, test := range map[string]struct {
		body   string
		status int
	}{
		"what was shown":       {shown, 202},
		"its name and image":   {`{"name": "iperf", "image": {"name": "iperf-image"}}`, 202},
		"another name":         {`{"name": "other"}`, 422},
		"another version":      {`{"vnfPackageVersion": "2.0"}`, 422},
		"another image":        {`{"name": "iperf", "image": {"name": "other"}}`, 422},
		"what is no package":   {`[]`, 400},
		"a body without bytes": {"", 400},
	} {
		t.Run(name, func(t *testing.T) {
			f.Do(t, "PUT", path, strings.NewReader(test.body)).Want(t, test.status)
			if now := f.Do(t, "GET", path, nil).Text; now != shown {
				t.Errorf("the package became %s", now)
			}
		})
	}
}

func TestSeveralPackagesAreDeletedOrNone(t *testing.T) {
	f := start(t)
	a, b := f.onboard(t, spec("a", 1)), f.onboard(t, spec("b", 2))
	const path = "/api/v1/vnf-packages/multipledelete"
	f.Do(t, "POST", path, strings.NewReader(`["`+a+`", "none"]`)).Want(t, 404)
	f.Do(t, "POST", path, strings.NewReader(`{"ids": []}`)).Want(t, 400)
	if left := f.named(t, "/api/v1/vnf-packages"); len(left) != 2 {
		t.Fatalf("packages %v are left", left)
	}
	f.Do(t, "POST", path, strings.NewReader(`["`+a+`", "`+b+`", "`+a+`"]`)).Want(t, 204)
	f.wantNothing(t)
}
